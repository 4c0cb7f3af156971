"""Rate and distortion on whole scenes that were never trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hyspec_training.data import Scene
from hyspec_training.msssim import ms_ssim
from hyspec_training.sampling import validation_planes


def validate(
    net: Any,
    scenes: Sequence[Scene],
    step: int,
    lowest_quality: float = 0.0,
    interval: int | None = None,
    device: torch.device | str = "cpu",
) -> list[dict[str, Any]]:
    """Rate and distortion with real rounding, averaged over planes of each scene.

    Parameters
    ----------
    net
        The network.
    scenes
        Validation scenes.
    step
        Steps done so far, for the records.
    lowest_quality
        Where the trained qualities begin, in octaves.
    interval
        Only bands of this interval model, or ``None`` for all.
    device
        Where the network is.

    Returns
    -------
    list of dict
        One record per scene and whole octave of quality: ``step``, ``scene``, ``quality`` in
        octaves, ``bps`` (bits per sample by the prior's estimate), ``snr_db`` (mean over the planes
        of their band's variance in the scene over the mean squared error, in decibels) and
        ``ms_ssim`` (mean over the planes). Empty if there is no plane.
    """
    planes: dict[str, list[Tensor]] = defaultdict(list)
    for name, stack in validation_planes(scenes, model=interval, depth=net.bands):
        planes[name].append(torch.from_numpy(stack)[None].to(device))
    records: list[dict[str, Any]] = []
    with torch.no_grad():
        for name, of_scene in planes.items():
            for quality in range(int(np.ceil(lowest_quality)), net.octaves + 1):
                rates, errors, similarities = [], [], []
                for x in of_scene:
                    decoded, bits = net(x, torch.full((1,), float(quality), device=device))
                    rates.append(float(bits.sum()) / x.numel())
                    errors.append(float((x - decoded).square().mean()))
                    flat, decoded = x.flatten(0, 1)[:, None], decoded.flatten(0, 1)[:, None]
                    similarities.append(float(ms_ssim(flat, decoded).mean()))
                records.append(
                    {
                        "step": step,
                        "scene": name,
                        "quality": quality,
                        "bps": float(np.mean(rates)),
                        "snr_db": float(-10 * np.mean(np.log10(errors))),
                        "ms_ssim": float(np.mean(similarities)),
                    }
                )
    return records


def last_records(history: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records of the last validation."""
    last = max((record["step"] for record in history), default=0)
    return [dict(record) for record in history if record["step"] == last]


def mean_over_scenes(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Average the records of one validation over its scenes; one record per quality."""
    by_quality: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        by_quality[record["quality"]].append(record)
    return [
        {
            "step": group[0]["step"],
            "quality": quality,
            **{
                key: float(np.mean([r[key] for r in group])) for key in ("bps", "snr_db", "ms_ssim")
            },
        }
        for quality, group in sorted(by_quality.items())
    ]
