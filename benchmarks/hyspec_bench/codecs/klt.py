"""Karhunen-Loève transform along the spectrum, then its leading planes in JPEG 2000.

Mean and eigenvectors of the covariance of the whole scene go into the stream. Eigenvector k is sent
as the integers round(sigma_k v_k / step) and made orthonormal again on both sides; the energy that
its error moves out of the kept space is then step^2 / 12 per sample of the vector, for each vector
alike. With N pixels and planes coded at a squared error of theta, a bit of the basis and a bit of
the planes buy the same where step^2 = 12 theta / N.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.fft import dctn

from hyspec import Cube
from hyspec_bench import openjp2
from hyspec_bench.codecs import basis_coder, framing
from hyspec_bench.codecs.codec import Codec, Kind, Samples, Target

Float64 = npt.NDArray[np.float64]

#: Squared error of the planes' integers as a share of the squared error aimed at.
_ROUNDING_SHARE = 0.003
#: Without a search, large scenes get three levels of spatial transform; others two at rates below
#: this one in bits per sample, and one above.
_LOW_RATE = 0.2
_MANY_PIXELS = 1 << 15
#: Spatial frequencies are those of square blocks of so many samples, of about so many blocks.
_BLOCK = 8
_BLOCKS = 50
#: Trials that a search makes at most.
_TRIALS = 19
#: No integer of mean or basis may have more bits.
_BASIS_BITS = 22


@dataclass(frozen=True)
class Setting:
    """What is free in an encoding.

    Attributes
    ----------
    components : int
        Number of planes that are kept.
    step : float
        Quantisation step of mean and basis in sample units.
    resolutions : int
        Resolutions of the planes' wavelet transform.
    shift : int
        Fractional bits of the planes; negative where they are coarser than the samples.
    """

    components: int
    step: float
    resolutions: int
    shift: int


class KltJpeg2000(Codec):
    """KLT of the whole scene and JPEG 2000 9/7 of the kept planes, with common allocation.

    Parameters
    ----------
    search
        Search the components, the step and the resolutions for the least squared error at the
        rate; else set them by reverse water-filling.
    """

    kinds = frozenset({Kind.RATE})

    def __init__(self, search: bool = True) -> None:
        self.search = search
        self.searches = self.kinds if search else frozenset()

    def settings(self) -> dict[str, Any]:
        """See the base class."""
        return {"search": self.search}

    def encode(self, cube: Cube, target: Target) -> bytes:
        """See the base class."""
        scene = _Statistics(cube)
        budget = target.budget(cube.array.size)
        start = water_filling(scene, budget)
        if not self.search:
            return _encode(scene, start, budget)[0]
        return _search(scene, start, budget)

    def decode(self, data: bytes) -> Samples:
        """See the base class."""
        reader = framing.Reader(data)
        step, low, high, shift = struct.unpack("<fiib", reader.take(13))
        mean, basis = _vectors(basis_coder.decode(reader.part()), step)
        planes = openjp2.decode(reader.rest())
        components = np.ldexp(planes.reshape(len(planes), -1).astype(np.float64), -shift)
        exact: Float64 = components.T @ basis + mean
        samples = np.clip(np.rint(exact), low, high).astype(np.int32)
        return samples.reshape(*planes.shape[1:], len(mean))


class _Statistics:
    """Mean, eigenvalues and eigenvectors of a scene.

    Attributes
    ----------
    spectra : ndarray of float64, shape (pixels, bands)
    mean : ndarray of float64, shape (bands,)
    variances : ndarray of float64, shape (bands,)
        Of the components, in descending order.
    vectors : ndarray of float64, shape (bands, bands)
        A row per component.
    """

    def __init__(self, cube: Cube) -> None:
        self.shape = cube.shape
        self.limits = int(cube.array.min()), int(cube.array.max())
        self.spectra = cube.array.reshape(-1, cube.bands).astype(np.float64)
        self.mean: Float64 = self.spectra.mean(axis=0)
        centred = self.spectra - self.mean
        variances, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
        self.variances: Float64 = np.maximum(variances[::-1], 0.0)
        self.vectors: Float64 = vectors.T[::-1]

    def spatial_spectra(self) -> Float64:
        """Variance of each component at each frequency of a cosine transform of square blocks.

        Returns
        -------
        ndarray of float64, shape (bands, frequencies)
            From a sample of the blocks.
        """
        rows, columns, bands = self.shape
        height, width = min(_BLOCK, rows), min(_BLOCK, columns)
        down, across = rows // height, columns // width
        stride = max(1, round(math.sqrt(down * across / _BLOCKS)))
        image = self.spectra.reshape(self.shape)[: down * height, : across * width]
        blocks = image.reshape(down, height, across, width, bands)[::stride, :, ::stride]
        blocks = blocks.swapaxes(1, 2).reshape(-1, height, width, bands) - self.mean
        coefficients = dctn(blocks, axes=(1, 2), norm="ortho").reshape(len(blocks), -1, bands)
        spectra: Float64 = np.square(coefficients @ self.vectors.T).mean(axis=0).T
        return spectra


def water_filling(scene: _Statistics, budget: int) -> Setting:
    """Return the setting at which the planes' rates and the basis fill the budget.

    Reverse water-filling (Cover and Thomas, "Elements of Information Theory", section 10.3.3) over
    all components and spatial frequencies: what has a variance S above the level theta gets half
    the logarithm of S / theta bits, all else none. A component is kept if this lowers the squared
    error by more than its bits, those of its basis vector included, would elsewhere.
    """
    pixels, bands = scene.spectra.shape
    spectra = scene.spatial_spectra()
    low, high = -20.0, math.log2(max(float(spectra.max()), 1e-5))
    for _ in range(24):
        level = 2.0 ** ((low + high) / 2)
        ratio = np.maximum(spectra / level, 1.0)
        planes = 0.5 * pixels * np.log2(ratio).mean(axis=1)
        deviations = np.sqrt(scene.variances / bands * pixels / (12 * level))
        basis = bands * np.log2(1.0 + 4.0 * deviations)
        gain = pixels * level * (ratio - 1.0).mean(axis=1)
        kept = gain > 2.0 * math.log(2.0) * level * (planes + basis)
        if (planes + basis)[kept].sum() > 8 * budget:
            low = math.log2(level)
        else:
            high = math.log2(level)
    low_rate = 8 * budget < _LOW_RATE * pixels * bands
    resolutions = 4 if pixels > _MANY_PIXELS else 3 if low_rate else 2
    return Setting(
        components=max(1, int(np.count_nonzero(kept))),
        step=_least_step(scene, math.sqrt(12 * level / pixels)),
        resolutions=resolutions,
        shift=math.ceil(-0.5 * math.log2(12 * _ROUNDING_SHARE * level)),
    )


def _search(scene: _Statistics, start: Setting, budget: int) -> bytes:
    """Change one parameter after the other while that lowers the squared error."""
    tried: dict[Setting, tuple[bytes, float]] = {}

    def error(setting: Setting) -> float:
        if setting not in tried:
            tried[setting] = _encode(scene, setting, budget)
        return tried[setting][1]

    best = start
    error(best)
    for factor in (1.25, 1.1):
        for name in ("resolutions", "components", "step"):
            for direction in (1, -1):
                moved = False
                while len(tried) < _TRIALS:
                    other = _neighbour(scene, best, name, factor, direction)
                    if other is None or error(other) >= error(best):
                        break
                    best, moved = other, True
                if moved:
                    break
    return tried[best][0]


def _neighbour(
    scene: _Statistics, setting: Setting, name: str, factor: float, direction: int
) -> Setting | None:
    """Setting beside another one; None where there is none."""
    if name == "resolutions":
        resolutions = setting.resolutions + direction
        return replace(setting, resolutions=resolutions) if 1 <= resolutions <= 6 else None
    if name == "step":
        step = setting.step * factor ** (2 * direction)
        return replace(setting, step=_least_step(scene, step))
    size = max(1, round(setting.components * (factor - 1)))
    components = min(setting.components + direction * size, scene.shape[2])
    if components < 1 or components == setting.components:
        return None
    return replace(setting, components=components)


def _encode(scene: _Statistics, setting: Setting, budget: int) -> tuple[bytes, float]:
    """Encode with a setting; also return the sum of squared errors before rounding to samples."""
    step = float(np.float32(setting.step))
    kept = scene.vectors[: setting.components]
    deviations = np.sqrt(scene.variances[: setting.components, None])
    rows = np.rint(np.vstack([scene.mean[None], deviations * kept]) / step).astype(np.int32)
    mean, basis = _vectors(rows, step)
    centred = scene.spectra - mean
    components = basis @ centred.T
    shift = min(setting.shift, openjp2.free_bits(components))
    planes = np.rint(np.ldexp(components, shift)).astype(np.int32)
    head = struct.pack("<fiib", step, *scene.limits, shift) + framing.parts(
        [basis_coder.encode(rows)]
    )
    codestream = openjp2.encode(
        planes.reshape(-1, *scene.shape[:2]),
        budget=max(1, budget - len(head)),
        resolutions=setting.resolutions,
    )
    decoded = np.ldexp(openjp2.decode(codestream).reshape(planes.shape).astype(np.float64), -shift)
    # The basis is orthonormal: what is outside of its space adds to the error of the components.
    outside = np.square(centred).sum() - np.square(components).sum()
    return head + codestream, float(outside + np.square(components - decoded).sum())


def _vectors(rows: npt.NDArray[np.int32], step: float) -> tuple[Float64, Float64]:
    """Mean, shape (bands,), and orthonormal basis, shape (components, bands), of their integers."""
    mean = rows[0] * step
    q, r = np.linalg.qr(rows[1:].T.astype(np.float64))
    signs = np.where(np.diag(r) < 0, -1.0, 1.0)
    return mean, np.ascontiguousarray((q * signs).T)


def _least_step(scene: _Statistics, step: float) -> float:
    """Return the step, or the least one at which mean and basis fit their integers."""
    largest = max(float(np.abs(scene.mean).max()), math.sqrt(float(scene.variances[0])))
    return max(step, math.ldexp(largest, -_BASIS_BITS), 1e-6)
