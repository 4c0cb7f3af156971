"""The synthetic scene: linear mixing, terrain, atmosphere and a noisy sensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hyspec.cube import Cube
from hyspec.errors import UsageError
from hyspec.synthetic.atmosphere import illuminate
from hyspec.synthetic.exposure import NODATA, expose
from hyspec.synthetic.fields import abundances, gaussian_field, swath
from hyspec.synthetic.sensor import SENSORS, SensorGrid
from hyspec.synthetic.spectra import MATERIALS, reflectance

#: Ways in which the spectrum of one material varies over the scene.
_VARIANTS = 2

#: Bands whose air lets through less than this are marked as bad.
_OPAQUE = 0.1


@dataclass(frozen=True, eq=False)
class SyntheticScene:
    """A synthetic cube and the truth it was made from.

    Attributes
    ----------
    cube : Cube, shape (rows, columns, bands)
        At-sensor counts, with wavelengths in nm, widths, nodata, bad bands and map information.
    endmembers : ndarray of float64, shape (K, bands)
        Noise-free counts of the pure materials on level ground, including the light scattered by
        the air. ``abundances @ endmembers`` is the cube, but for terrain, variability within a
        material, water vapour, stripes, noise and rounding.
    abundances : ndarray of float32, shape (rows, columns, K)
        Fractions of the endmembers; they sum to 1, also where the cube holds nodata.
    labels : ndarray of uint8, shape (rows, columns)
        Index of the dominant endmember.
    noise_sigma : ndarray of float64, shape (bands,)
        Root mean square over the measured pixels of the standard deviation of the noise in counts,
        without stripes and rounding.
    materials : tuple of str, length K
        Names of the endmembers.
    """

    cube: Cube
    endmembers: npt.NDArray[np.float64]
    abundances: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8]
    noise_sigma: npt.NDArray[np.float64]
    materials: tuple[str, ...]


def scene(
    rows: int,
    columns: int,
    *,
    sensor: str | SensorGrid = "aviris",
    seed: int = 0,
    endmembers: int = 6,
    nodata: bool = False,
    dtype: Literal["uint16", "int16", "float32"] = "uint16",
    noise: float = 1.0,
    striping: float = 1.0,
    variability: float = 1.0,
    terrain: float = 1.0,
) -> SyntheticScene:
    """Make a synthetic hyperspectral scene.

    A pixel mixes its endmembers linearly; each material varies in space; terrain shades the
    ground; the air absorbs (oxygen at 0.76 um, water vapour at 0.94, 1.13, 1.4 and 1.9 um) and
    scatters; the sensor integrates over its bands, adds photon and read noise and, if it is a
    pushbroom, stripes. Equal arguments give equal scenes.

    Parameters
    ----------
    rows, columns
        Size in pixels.
    sensor
        Name of one of ``SENSORS``, or any grid of bands.
    seed
        Seed of everything random, 0 or more.
    endmembers
        Number of materials, 1 to 255: the first of the parametric materials, then random ones.
    nodata
        Lay the flight line across the scene at an angle, with nodata beside it, and leave out a
        few pixels.
    dtype
        Sample type: ``"uint16"`` (negative counts become 0), ``"int16"``, or ``"float32"``
        (without rounding).
    noise, striping, variability, terrain
        Factors on the strength of the photon and read noise (its standard deviation), the stripes,
        the variation of spectra and water vapour over the scene, and the shading; 0 to leave out.

    Returns
    -------
    SyntheticScene
        The cube in C order (rows, columns, bands), and the truth.

    Raises
    ------
    UsageError
        An argument is out of range, or the sensor or type is unknown.
    """
    grid = _grid(sensor)
    _check(rows, columns, endmembers, dtype)
    for name, factor in (
        ("noise", noise),
        ("striping", striping),
        ("variability", variability),
        ("terrain", terrain),
    ):
        if not 0 <= factor < np.inf:
            raise UsageError(f"found {name}={factor}; expected 0 or more, and finite")
    if seed < 0:
        raise UsageError(f"found seed={seed}; expected 0 or more")
    streams = np.random.SeedSequence(seed).spawn(5)
    spectra_rng, field_rng, light_rng, swath_rng, sensor_rng = map(_generator, streams)

    light = illuminate(grid)
    materials = tuple(
        MATERIALS[index] if index < len(MATERIALS) else f"random {index - len(MATERIALS) + 1}"
        for index in range(endmembers)
    )
    # (K, variants + 1, bands): counts of each material and of other draws of it, without path
    counts = np.array(
        [
            [
                light.response @ reflectance(name, light.wavelengths, spectra_rng)
                for _ in range(_VARIANTS + 1)
            ]
            for name in materials
        ]
    )
    fractions = abundances(rows, columns, endmembers, field_rng)  # (K, rows, columns)
    inside, element = (
        swath(rows, columns, swath_rng)
        if nodata
        else (None, np.broadcast_to(np.arange(columns), (rows, columns)))
    )
    array, mean_signal = expose(
        grid,
        light,
        *_planes(fractions, counts, variability, terrain, field_rng),
        vapour=0.12 * variability * gaussian_field(rows, columns, 3.6, light_rng),
        inside=inside,
        element=element,
        dtype=dtype,
        noise=noise,
        striping=striping,
        rng=sensor_rng,
    )
    return SyntheticScene(
        cube=Cube(
            array,
            wavelengths=grid.centres.copy(),
            fwhm=grid.fwhm.copy(),
            wavelength_unit="Nanometers",
            nodata=NODATA[dtype] if nodata else None,
            bad_bands=light.transmission < _OPAQUE,
            metadata={"envi": _envi_fields(grid, seed)},
        ),
        endmembers=counts[:, 0] + light.path,
        abundances=np.ascontiguousarray(np.moveaxis(fractions, 0, 2)),
        labels=fractions.argmax(axis=0).astype(np.uint8),
        noise_sigma=noise * np.sqrt(grid.read_noise**2 + grid.photon_gain * mean_signal),
        materials=materials,
    )


def _generator(seed: np.random.SeedSequence) -> np.random.Generator:
    # Named, because the default generator of NumPy may change.
    return np.random.Generator(np.random.PCG64(seed))


def _grid(sensor: str | SensorGrid) -> SensorGrid:
    if isinstance(sensor, SensorGrid):
        return sensor
    if sensor not in SENSORS:
        raise UsageError(
            f"found sensor {sensor!r}; expected one of {', '.join(SENSORS)}",
            hint="pass a SensorGrid for any other sensor",
        )
    return SENSORS[sensor]


def _check(rows: int, columns: int, endmembers: int, dtype: str) -> None:
    if rows < 1 or columns < 1:
        raise UsageError(f"found a scene of {rows} x {columns} pixels; expected at least 1 x 1")
    if not 1 <= endmembers <= 255:
        raise UsageError(f"found {endmembers} endmembers; expected 1 to 255")
    if dtype not in NODATA:
        raise UsageError(f"found sample type {dtype!r}; expected one of {', '.join(NODATA)}")


def _planes(
    fractions: npt.NDArray[np.float32],
    counts: npt.NDArray[np.float64],
    variability: float,
    terrain: float,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Express the ground signal as a sum of few planes, each times a spectrum.

    Returns
    -------
    planes : ndarray, shape (P, pixels)
        Shaded abundances, then shaded abundances times the fields of variability.
    spectra : ndarray, shape (bands, P)
        The spectrum of each plane in counts.
    """
    rows, columns = fractions.shape[1:]
    shade = _shading(rows, columns, terrain, rng)
    planes = [fraction * shade for fraction in fractions]
    spectra = [material[0] for material in counts]
    for fraction, material in zip(fractions, counts, strict=True):
        for variant in material[1:] if variability > 0 else ():
            # Bounded, so that no mixture of the variants turns negative.
            strength = 0.45 * np.tanh(0.8 * gaussian_field(rows, columns, 2.4, rng))
            planes.append(fraction * shade * (variability * strength))
            spectra.append(variant - material[0])
    stacked = np.stack(planes).reshape(len(planes), -1).astype(np.float32, copy=False)
    return stacked, np.stack(spectra, axis=1).astype(np.float32)


def _shading(
    rows: int, columns: int, terrain: float, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Relative illumination of the ground: slopes of a smooth relief, and some roughness."""
    relief = gaussian_field(rows + 1, columns + 1, 4.2, rng)
    slope = relief[1:, 1:] - relief[:-1, :-1]  # along the diagonal, where the sun stands
    spread = float(slope.std())
    if spread > 0:
        slope = slope / spread
    roughness = gaussian_field(rows, columns, 1.6, rng)
    return np.clip(1 + terrain * (0.13 * slope + 0.06 * roughness), 0.3, 1.6)


def _envi_fields(grid: SensorGrid, seed: int) -> dict[str, Any]:
    """Header fields as a real product has them."""
    return {
        "description": f"synthetic scene, seed {seed}",
        "sensor type": grid.name,
        "map info": [
            "UTM",
            "1",
            "1",
            "500000.0",
            "4100000.0",
            "15.0",
            "15.0",
            "11",
            "North",
            "WGS-84",
            "units=Meters",
        ],
    }
