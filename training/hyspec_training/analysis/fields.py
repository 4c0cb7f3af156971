"""Scenes as models see them: scaled samples with a border, and the truth about each pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hyspec.analysis import scaling
from hyspec.analysis.scaling import Scaler
from hyspec.errors import DataError
from hyspec.intervals import to_nanometres
from hyspec_training.analysis.scenes import Subject
from hyspec_training.analysis.splitting import Division
from hyspec_training.analysis.wavelength_encoder import band_code

_Float = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Field:
    """A scene as models see it.

    Attributes
    ----------
    name : str
    planes : ndarray of float32, shape (bands, rows + P - 1, columns + P - 1)
        Scaled samples; the border repeats the scene as in a mirror.
    patch : int
        Side P of the patches, each of which belongs to the pixel at (P // 2, P // 2) of it.
    labels : ndarray of int64, shape (rows, columns)
        Classes from 1, 0 where there is nothing to learn.
    abundances : ndarray of float32, shape (endmembers, rows, columns), or None
    parts : dict
        Masks of pixels, see :class:`~hyspec_training.analysis.splitting.Division`.
    zero : ndarray of float32, shape (bands,)
        Scaled value of a sample of 0.
    code : Tensor, shape (bands, 3), or None
        Centres and widths of the bands, where the scene has them.
    """

    name: str
    planes: _Float
    patch: int
    labels: npt.NDArray[np.int64]
    abundances: _Float | None
    parts: dict[str, npt.NDArray[np.bool_]]
    zero: _Float
    code: Tensor | None

    @property
    def bands(self) -> int:
        """Number of bands."""
        return int(self.planes.shape[0])

    def patches(self, pixels: npt.NDArray[np.int64]) -> _Float:
        """Patches (N, bands, P, P) of pixels (N, 2), by row and column."""
        side = np.arange(self.patch)
        rows = pixels[:, 0, None] + side  # (N, P)
        columns = pixels[:, 1, None] + side
        found = self.planes[:, rows[:, :, None], columns[:, None, :]]  # (bands, N, P, P)
        return np.ascontiguousarray(found.swapaxes(0, 1))

    def pixels(self, part: str) -> npt.NDArray[np.int64]:
        """Pixels (N, 2) of a part, by row and column."""
        return np.argwhere(self.parts[part])


def fit_scaler(subjects: Sequence[Subject], division: Division, kind: str) -> Scaler:
    """Fit a scaler to the training pixels of all scenes, and to no others.

    It takes samples as the files hold them. The kind ``none`` takes them to the unit of the
    endmembers.

    Raises
    ------
    DataError
        The scenes differ in their number of bands.
    """
    counts = sorted({len(subject.bands) for subject in subjects})
    if len(counts) > 1:
        raise DataError(
            f"scenes of {counts} bands; expected one number of them",
            hint="models of one sensor learn from scenes of that sensor",
        )
    training = [
        subject.samples[parts["train"]]
        for subject, parts in zip(subjects, division.parts, strict=True)
    ]
    scaler = scaling.fit(kind, np.concatenate(training))
    if kind == "none":
        return Scaler(kind, scaler.offset, scaler.scale / subjects[0].scene.endmember_scale)
    return scaler


def field_of(
    subject: Subject, parts: dict[str, npt.NDArray[np.bool_]], scaler: Scaler, patch: int
) -> Field:
    """Scale a scene and give it a border.

    Parameters
    ----------
    subject
        The scene.
    parts
        Masks of its parts.
    scaler
        Of the training pixels.
    patch
        Side of the model's patches.
    """
    planes = scaler(subject.samples).astype(np.float32).transpose(2, 0, 1)
    before, after = patch // 2, patch - 1 - patch // 2
    border = ((0, 0), (before, after), (before, after))
    abundances = subject.abundances
    zero = np.zeros(len(subject.bands))
    if scaler.kind != "minmax":
        zero = scaler(zero)
    return Field(
        name=subject.scene.name,
        planes=np.pad(planes, border, "symmetric"),
        patch=patch,
        labels=subject.strata,
        abundances=None if abundances is None else abundances.astype(np.float32).transpose(2, 0, 1),
        parts=parts,
        zero=zero.astype(np.float32),
        code=_code(subject),
    )


def _code(subject: Subject) -> Tensor | None:
    """Code of the bands in use; widths that are not known are the distances between centres.

    Returns
    -------
    Tensor, shape (bands used, 3), or None
        ``None`` where the scene has no wavelengths.
    """
    cube = subject.scene.cube
    if cube.wavelengths is None or len(subject.bands) < 2:
        return None
    centres = to_nanometres(cube.wavelengths, cube.wavelength_unit)
    if centres is None:
        return None
    if cube.fwhm is None:
        widths = np.abs(np.gradient(centres))
    else:
        widths = cube.fwhm * (centres / cube.wavelengths)
    found = [torch.from_numpy(values[subject.bands] / 1000) for values in (centres, widths)]
    return band_code(*found)
