"""Encoders for any sensor, trained without some sensors and judged on them."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hyspec.analysis import sensor_scenes, ssim
from hyspec.analysis.sensor_scenes import SensorScene
from hyspec.errors import UsageError
from hyspec_training import checkpoint
from hyspec_training.analysis import registry, runs
from hyspec_training.analysis.base import PixelAutoencoder
from hyspec_training.analysis.config import Recipe
from hyspec_training.analysis.shared_encoder import SharedEncoder
from hyspec_training.analysis.wavelength_encoder import WavelengthEncoder

Encoder = WavelengthEncoder | PixelAutoencoder

#: Sensors whose scenes show the same ground: they are left out together.
SAME_GROUND = (("HyMap", "EnMAP"),)
#: Spectra that a model is given at once.
_PIXELS = 2048


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """How well an encoder and its decoder keep a scene.

    Attributes
    ----------
    psnr_db : float
        Over the measured pixels; the peak is the maximum minus the minimum of their samples.
    ssim : float
        Structural similarity, see :func:`hyspec.analysis.ssim`; NaN for scenes below its window.
    """

    psnr_db: float
    ssim: float


@dataclasses.dataclass(frozen=True)
class Trained:
    """An encoder, and how well it keeps the sensors that it was trained on.

    Attributes
    ----------
    model : Encoder
    seen_psnr_db : float
        Mean over the scenes of the recipe, on the ground that is for the test.
    """

    model: Encoder
    seen_psnr_db: float


def folds(recipe: Recipe) -> list[tuple[str, ...]]:
    """Sensors that are left out one after the other; first none, for sensors of the test alone."""
    used = dict.fromkeys(sensor_of(scene.source) for scene in recipe.scenes)
    result: list[tuple[str, ...]] = [()]
    for sensor in used:
        group = next((g for g in SAME_GROUND if sensor in g), (sensor,))
        if group not in result:
            result.append(group)
    return result


def sensor_of(source: str) -> str:
    """Sensor of a scene of a recipe.

    Raises
    ------
    UsageError
        The scene is not one of :data:`hyspec.analysis.sensor_scenes.SCENES`.
    """
    if source not in sensor_scenes.SCENES:
        raise UsageError(
            f"the sensor of {source!r} is not known; expected a scene of several sensors",
            hint=f"one of {', '.join(sensor_scenes.SCENES)}",
        )
    return sensor_scenes.SCENES[source].sensor


def without(recipe: Recipe, left_out: tuple[str, ...]) -> Recipe:
    """The recipe without the scenes of some sensors.

    Raises
    ------
    UsageError
        No scene is left.
    """
    kept = tuple(s for s in recipe.scenes if sensor_of(s.source) not in left_out)
    if not kept:
        raise UsageError(f"no scene is left without {', '.join(left_out)}")
    return dataclasses.replace(recipe, scenes=kept)


def trained(
    recipe: Recipe,
    left_out: tuple[str, ...],
    data: Path,
    work: Path,
    *,
    threads: int | None = None,
    quiet: bool = False,
) -> Trained:
    """Train an encoder without some sensors, or load what was trained in the same folder.

    Parameters
    ----------
    recipe
        Of a model of the task ``shared-encoder``; its first run counts.
    left_out
        Sensors whose scenes are not used.
    data
        Folder of the scenes.
    work
        Folder of all trainings of this recipe; each has a folder of its own, where ``done.json``
        says what was trained.
    threads, quiet
        As of :func:`hyspec_training.analysis.runs.run`.
    """
    folder = work / ("without-" + "-".join(left_out or ("none",)).replace(" ", "-"))
    one = dataclasses.replace(
        without(recipe, left_out), training=dataclasses.replace(recipe.training, runs=1)
    )
    statement = json.dumps(dataclasses.asdict(dataclasses.replace(one, text="")), indent=1)
    done = folder / "done.json"
    if not done.exists() or done.read_text(encoding="utf-8") != statement:
        runs.run(one, data, folder, None, threads=threads, quiet=quiet, device="cpu")
        done.write_text(statement, encoding="utf-8")
    found = checkpoint.load(folder / "run-1.pt")
    model = initial(recipe)
    model.load_state_dict(found.best or found.model)
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return Trained(model.eval(), float(results["test"]["psnr_db"][0]))


def initial(recipe: Recipe, seed: int = 0) -> Encoder:
    """Build the model of a recipe, untrained, with what the seed draws.

    Raises
    ------
    UsageError
        It is not one for any number of bands.
    """
    torch.manual_seed(seed)
    bands = 512  # of the paper's form by default; it takes any
    model = registry.build(recipe.model.name, bands, 1, **recipe.model.options)
    if registry.entry(recipe.model.name).task != "shared-encoder":
        raise UsageError(f"{recipe.model.name} is for one sensor; expected an encoder for any")
    assert isinstance(model, WavelengthEncoder | PixelAutoencoder)
    return model


def takes(model: Encoder, scene: SensorScene) -> bool:
    """Whether a model can encode spectra of so few bands."""
    return not isinstance(model, SharedEncoder) or model.takes(scene.array.shape[2])


def encoded(model: Encoder, spectra: Tensor, code: Tensor) -> Tensor:
    """Latents (M, r) of spectra (M, B) of bands with a code (B, 3)."""
    if isinstance(model, WavelengthEncoder):
        return model.encode(spectra[:, :, None, None], code)[:, :, 0, 0]
    return model.encode_spectra(spectra)


@torch.no_grad()
def reconstruction(model: Encoder, scene: SensorScene) -> Reconstruction:
    """Encode and decode a whole scene."""
    planes = torch.from_numpy(scene.array.reshape(-1, scene.array.shape[2]))  # (pixels, B)
    code = torch.from_numpy(scene.code)
    pieces = []
    for spectra in torch.split(planes, _PIXELS):
        if isinstance(model, WavelengthEncoder):
            pieces.append(model(spectra[:, :, None, None], code)[:, :, 0, 0])
        else:
            pieces.append(model.spectra(spectra))
    decoded = torch.cat(pieces).numpy().reshape(scene.array.shape)
    return compared(scene, decoded)


def compared(scene: SensorScene, decoded: npt.NDArray[np.float32]) -> Reconstruction:
    """Judge decoded samples, shape (rows, columns, B)."""
    original = scene.spectra().astype(np.float64)
    error = float(np.mean((original - decoded[scene.measured]) ** 2))
    peak = float(np.ptp(original))
    filled = np.where(scene.measured[:, :, None], decoded, scene.array)
    similarity = ssim(scene.array, filled, dynamic_range=peak)
    return Reconstruction(10 * math.log10(peak**2 / max(error, 1e-30)), similarity)
