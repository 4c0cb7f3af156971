"""What a model says of the pixels of a scene, in pieces that fit into memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hyspec_training.analysis.base import Prediction
from hyspec_training.analysis.fields import Field
from hyspec_training.analysis.registry import Model
from hyspec_training.analysis.wavelength_encoder import WavelengthEncoder

#: Samples that are given to a model at once, at most.
_SAMPLES = 1 << 22


def apply(model: Any, x: Tensor, code: Tensor | None) -> Prediction:
    """Run a model, or what shares it between processes, on planes of bands with a code."""
    inner = getattr(model, "module", model)  # DistributedDataParallel hides attributes
    found: Prediction = model(x, code) if isinstance(inner, WavelengthEncoder) else model(x)
    return found


@torch.no_grad()
def predict(
    model: Model, field: Field, pixels: npt.NDArray[np.int64], device: torch.device
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]:
    """Run a model, in the mode of evaluation, on pixels of a scene.

    Parameters
    ----------
    model
        The model.
    field
        The scene.
    pixels : ndarray of int64, shape (N, 2)
        Rows and columns.
    device
        Where the model is.

    Returns
    -------
    ndarray, shape (N, F)
        Its results.
    ndarray, shape (N, bands), or None
        Decoded spectra, of models that have this second output.
    """
    training = model.training
    model.eval()
    try:
        whole = model.whole_scenes and len(pixels) * field.patch**2 > field.planes[0].size
        found = (_strips if whole else _patches)(model, field, pixels, device)
    finally:
        model.train(training)
    return found


_Found = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]


def _patches(
    model: Model, field: Field, pixels: npt.NDArray[np.int64], device: torch.device
) -> _Found:
    """Run a model on a patch for each pixel."""
    size = max(1, _SAMPLES // (field.bands * field.patch**2))
    pieces = []
    for start in range(0, len(pixels), size):
        x = torch.from_numpy(field.patches(pixels[start : start + size]))
        results = _run(model, x, field, device)
        pieces.append([None if r is None else r[:, :, 0, 0] for r in results])
    return _joined([p[0] for p in pieces]), _joined([p[1] for p in pieces])


def _strips(
    model: Model, field: Field, pixels: npt.NDArray[np.int64], device: torch.device
) -> _Found:
    """Run a model on all rows of the scene, some at a time."""
    rows, border = field.labels.shape[0], field.patch - 1
    size = max(1, _SAMPLES // field.planes[:, 0].size)
    pieces: list[list[npt.NDArray[np.float32] | None]] = []
    for start in range(0, rows, size):
        chosen = pixels[(pixels[:, 0] >= start) & (pixels[:, 0] < start + size)]
        part = np.ascontiguousarray(field.planes[:, start : start + size + border])
        results = _run(model, torch.from_numpy(part)[None], field, device)
        place = (chosen[:, 0] - start, chosen[:, 1])
        pieces.append([None if r is None else r[0][:, *place].T for r in results])
    order = np.argsort(pixels[:, 0], kind="stable")
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    found = [_joined([p[k] for p in pieces]) for k in range(2)]
    assert found[0] is not None
    return found[0][back], None if found[1] is None else found[1][back]


def _run(
    model: Model, x: Tensor, field: Field, device: torch.device
) -> list[npt.NDArray[np.float32] | None]:
    code = None if field.code is None else field.code.to(device)
    found = apply(model, x.to(device), code)
    both = (found, None) if isinstance(found, Tensor) else found
    return [None if y is None else y.cpu().numpy() for y in both]


def _joined(pieces: list[Any]) -> Any:
    return None if not pieces or pieces[0] is None else np.concatenate(pieces)
