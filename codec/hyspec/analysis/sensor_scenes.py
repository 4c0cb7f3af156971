"""Scenes of many sensors in the folder that HYSPEC_DATA names, with the places of their bands.

Where a file says nothing of wavelengths, they are those of the sensor: see :data:`SCENES` and
docs/analysis.md. Scenes whose bands could not be placed are left out, and so are raw frames.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hyspec import io
from hyspec.analysis import band_codes
from hyspec.analysis.local_sets import folder
from hyspec.analysis.scaling import fit
from hyspec.cube import Cube
from hyspec.errors import DataError, UsageError
from hyspec.nodata import validity

_Float = npt.NDArray[np.float64]

#: The file of AVIRIS that says its 224 wavelengths.
_AVIRIS = "train/salton-sea.mat"
#: Centres in micrometres of some of HYDICE's 210 bands, numbered from 1, read off the lines of
#: vegetation, oxygen and water vapour and the ends of the range; the rest lie between them.
_HYDICE = {
    1: 0.400,
    30: 0.512,
    57: 0.715,
    76: 0.940,
    87: 1.130,
    101: 1.345,
    111: 1.470,
    136: 1.790,
    153: 1.965,
    210: 2.500,
}


@dataclass(frozen=True)
class SensorScene:
    """A scene of valid bands alone.

    Attributes
    ----------
    name, sensor : str
    part : str
        ``train`` or ``test``.
    array : ndarray of float32, shape (rows, columns, B)
        Samples divided by one number, so that their root mean square is
        :data:`hyspec.analysis.scaling.LEVEL`.
    code : ndarray of float32, shape (B, 3)
        See :mod:`hyspec.analysis.band_codes`; every band is valid.
    measured : ndarray of bool, shape (rows, columns)
        Pixels of which every band is measured.
    """

    name: str
    sensor: str
    part: str
    array: npt.NDArray[np.float32]
    code: band_codes.Code
    measured: npt.NDArray[np.bool_]

    @property
    def cube(self) -> Cube:
        """The scene as a cube, NaN where a pixel is not measured."""
        return Cube(
            np.where(self.measured[:, :, None], self.array, np.float32(np.nan)),
            wavelengths=self.code[:, 0].astype(np.float64),
            fwhm=self.code[:, 1].astype(np.float64),
            wavelength_unit="Micrometers",
        )

    def spectra(self) -> npt.NDArray[np.float32]:
        """Spectra of measured pixels, shape (pixels, B)."""
        return self.array[self.measured]


#: Centres and widths in micrometres of a file's bands, NaN where a band is of no use.
_Bands = Callable[[Path], tuple[_Float, _Float]]


@dataclass(frozen=True)
class _Source:
    """A file: its sensor, what names its cube, and its bands if it does not say them.

    Of large scenes, every so many rows and columns are taken; ``zero`` is the sample of no light.
    """

    sensor: str
    variable: str | None = None
    bands: _Bands | None = None
    every: int = 1
    zero: float = 0.0


def _evenly(first: float, last: float, count: int) -> _Bands:
    """Bands at even distances, as wide as these."""

    def bands(_: Path) -> tuple[_Float, _Float]:
        centres = np.linspace(first, last, count)
        return centres, np.full(count, (last - first) / (count - 1))

    return bands


def _multispectral(*bands: tuple[float, float]) -> _Bands:
    return lambda _: (np.array([b[0] for b in bands]), np.array([b[1] for b in bands]))


def _aviris(*removed: tuple[int, int], bad: tuple[int, ...] = ()) -> _Bands:
    """Bands of AVIRIS without some that are missing, first and last; numbers are from 1."""

    def bands(root: Path) -> tuple[_Float, _Float]:
        known = io.read(root / _AVIRIS)
        assert known.wavelengths is not None  # the file has them
        assert known.fwhm is not None
        keep = np.ones(len(known.wavelengths), np.bool_)
        for first, last in removed:
            keep[first - 1 : last] = False
        centres = known.wavelengths / 1e3
        centres[[number - 1 for number in bad]] = np.nan
        return centres[keep], known.fwhm[keep] / 1e3

    return bands


def _hydice(_: Path) -> tuple[_Float, _Float]:
    """Bands of HYDICE that unmixing keeps, 162 of 210."""
    removed = [(1, 4), (76, 76), (87, 87), (101, 111), (136, 153), (198, 210)]
    numbers = np.arange(1, 211)
    centres = np.interp(numbers, list(_HYDICE), list(_HYDICE.values()))
    keep = ~np.any([(first <= numbers) & (numbers <= last) for first, last in removed], axis=0)
    return centres[keep], np.gradient(centres)[keep]


#: Los Angeles: band 1 and those of water vapour are missing.
_LOS_ANGELES = _aviris((1, 1), (107, 112), (154, 165))
_NEON = _evenly(0.38353, 2.51189, 426)
_CAVE = _evenly(0.4, 0.7, 31)

#: Scenes by their files below the folder, in the order of the tables.
SCENES: dict[str, _Source] = {
    "train/abu-airport-1.mat": _Source("AVIRIS", "data", _LOS_ANGELES),
    "train/abu-airport-2.mat": _Source("AVIRIS", "data", _LOS_ANGELES),
    "train/abu-airport-3.mat": _Source("AVIRIS", "data", _LOS_ANGELES),
    "train/abu-urban-4.mat": _Source("AVIRIS", "data", _LOS_ANGELES),
    "train/abu-urban-5.mat": _Source("AVIRIS", "data", _LOS_ANGELES),
    "train/san-diego-224.mat": _Source("AVIRIS", "data", _aviris(bad=(1, 224))),
    "train/salton-sea.mat": _Source("AVIRIS"),
    "train/AV_mastercal_testdata.bsq": _Source("AVIRIS"),
    "test/jasper-ridge.mat": _Source(
        "AVIRIS", "Y", _aviris((1, 3), (108, 112), (154, 166), (220, 224))
    ),
    "train/Bavaria_farmland_LMU_Hyspex_subset_v1.bsq": _Source("HySpex"),
    "train/HyMap02_Berlin_Urban_Gradient_2009.bsq": _Source("HyMap"),
    "train/EnMAP_BerlinUrbanGradient.bsq": _Source("EnMAP"),
    "train/neon-harv-1.tif": _Source("NEON", bands=_NEON),
    "test/neon-sjer.h5": _Source("NEON"),
    "train/cave-cloth.tif": _Source("CAVE", bands=_CAVE, every=4),
    "train/cave-fake_and_real_food.tif": _Source("CAVE", bands=_CAVE, every=4),
    "test/cave-flowers.tif": _Source("CAVE", bands=_CAVE, every=4),
    "train/landsat8-l1.npy": _Source(
        "Landsat 8",
        every=4,
        zero=5000.0,
        bands=_multispectral(
            (0.443, 0.016),
            (0.482, 0.060),
            (0.561, 0.057),
            (0.655, 0.037),
            (0.865, 0.028),
            (1.609, 0.085),
            (2.201, 0.187),
            (1.373, 0.020),
            (np.nan, np.nan),  # thermal
            (np.nan, np.nan),
        ),
    ),
    "train/corn-kernel.raw": _Source("laboratory"),
    "test/ang20160910t185702_2rdn_img": _Source("AVIRIS-NG"),
    "test/hydice-urban.mat": _Source("HYDICE", "data", _hydice),
    "test/samson.mat": _Source("SAMSON", "Y", _evenly(0.401, 0.889, 156)),
    "test/sentinel2-l1c-20m.npy": _Source(
        "Sentinel-2",
        every=4,
        bands=_multispectral(
            (0.704, 0.015),
            (0.741, 0.015),
            (0.783, 0.020),
            (0.865, 0.021),
            (1.614, 0.091),
            (2.202, 0.175),
        ),
    ),
}


def load(file: str, root: Path | None = None) -> SensorScene:
    """Load a scene.

    Bands in water vapour, bands that the file marks as bad, bands of one value, and bands of no
    known place are left out.

    Parameters
    ----------
    file
        One of :data:`SCENES`.
    root
        Folder; by default that of HYSPEC_DATA.

    Raises
    ------
    UsageError
        There is no scene of that name, or no folder.
    DataError
        The file is missing, or of another form.
    """
    if file not in SCENES:
        raise UsageError(f"no scene is called {file!r}; expected one of {', '.join(SCENES)}")
    base = folder() if root is None else root
    source = SCENES[file]
    cube = io.read(base / file, variable=source.variable)
    if source.bands is not None:
        _place(cube, *source.bands(base), file)
    samples = cube.array[:: source.every, :: source.every]
    cube.array = samples - source.zero if source.zero else samples
    part, _, name = file.partition("/")
    return of_cube(cube, Path(name).stem, source.sensor, part)


def of_cube(cube: Cube, name: str, sensor: str, part: str = "test") -> SensorScene:
    """Take the valid bands of a cube that says its wavelengths.

    Raises
    ------
    DataError
        No pixel is measured, or the cube has no wavelengths.
    """
    code = band_codes.of_scene(cube)
    samples = np.asarray(cube.array, np.float64)
    found = validity(samples, cube.nodata)
    valid = np.ones(samples.shape, np.bool_) if found is None else found
    some = valid.any(axis=2)
    use = (code[:, 2] > 0) & valid[some].all(axis=0)
    if not some.any() or not use.any():
        raise DataError(f"{name}: no pixel has measured bands")
    use &= np.ptp(samples[some], axis=0) > 0
    kept = samples[:, :, use]
    measured = np.asarray(valid[:, :, use].all(axis=2))
    if not measured.any():
        raise DataError(f"{name}: no pixel is measured in all bands")
    array = fit("level", kept[measured])(kept).astype(np.float32)
    return SensorScene(name, sensor, part, array, code[use], measured)


def _place(cube: Cube, centres: _Float, widths: _Float, file: str) -> None:
    """Give a cube the places of its bands."""
    if len(centres) != cube.bands:
        raise DataError(f"{file} has {cube.bands} bands; expected {len(centres)}")
    bad = ~np.isfinite(centres)
    if cube.bad_bands is not None:
        bad |= cube.bad_bands
    cube.bad_bands = bad
    cube.wavelengths = np.where(np.isfinite(centres), centres, 1.0)
    cube.fwhm = np.where(np.isfinite(widths), widths, 1.0)
    cube.wavelength_unit = "Micrometers"
