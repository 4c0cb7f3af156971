"""Sunlight at the sensor: a solar irradiance and an atmosphere, both only alike the real ones.

Optical depths are sums of Gaussians at the places and with roughly the strengths of the real
absorption bands, so that spectra have the right shoulders and the bands at 1.4 and 1.9 um are
nearly opaque. Nothing here is meant for atmospheric correction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyspec.errors import UsageError
from hyspec.synthetic.sensor import SensorGrid
from hyspec.synthetic.spectra import Spectrum, bump

#: Path down and up through the atmosphere, in vertical thicknesses.
_AIR_MASS = 2.1

#: Upper limit on the size of the fine grid, whatever the band widths.
_MOST_WAVELENGTHS = 16_384

#: Water vapour: centre and standard deviation in nm, vertical optical depth.
_WATER = (
    (718, 7, 0.06),
    (820, 9, 0.07),
    (906, 9, 0.10),
    (937, 13, 0.32),
    (966, 12, 0.12),
    (1115, 10, 0.20),
    (1137, 16, 0.50),
    (1165, 14, 0.12),
    (1348, 18, 1.2),
    (1382, 20, 5.5),
    (1415, 20, 2.0),
    (1455, 26, 0.35),
    (1812, 20, 1.2),
    (1862, 26, 7.0),
    (1908, 24, 3.5),
    (1950, 22, 0.7),
    (2640, 70, 5.0),
)

#: Fraunhofer lines that broad bands still see: centre and standard deviation in nm, depth.
_LINES = (
    (393.4, 2.5, 0.45),
    (396.8, 2.0, 0.40),
    (430.5, 2.5, 0.20),
    (486.1, 1.5, 0.12),
    (517.5, 2.0, 0.14),
    (589.2, 1.0, 0.10),
    (656.3, 1.2, 0.15),
    (854.2, 1.5, 0.10),
)

#: Oxygen, carbon dioxide, methane and the Chappuis band of ozone, as for water vapour.
_GASES = (
    (600, 50, 0.04),
    (687.5, 2.2, 0.22),
    (760.6, 2.4, 0.90),
    (1268, 7, 0.07),
    (1573, 7, 0.04),
    (1606, 7, 0.05),
    (2008, 10, 0.50),
    (2060, 9, 0.40),
    (2320, 28, 0.08),
    (2372, 24, 0.10),
)


@dataclass(frozen=True)
class Illumination:
    """What turns reflectance into counts, on a fine wavelength grid and per band.

    Attributes
    ----------
    wavelengths : ndarray, shape (n,)
        The fine grid in nm on which reflectance has to be given.
    response : ndarray, shape (bands, n)
        Counts per reflectance at each fine wavelength; a row sums to a white target's counts.
    path : ndarray, shape (bands,)
        Counts of light scattered into the view without touching the ground.
    vapour_depth : ndarray, shape (bands,)
        Change of the logarithm of the signal per relative change of the water vapour, negated.
    transmission : ndarray, shape (bands,)
        Transmission of all gases, as the band sees it.
    """

    wavelengths: Spectrum
    response: Spectrum
    path: Spectrum
    vapour_depth: Spectrum
    transmission: Spectrum


def illuminate(sensor: SensorGrid) -> Illumination:
    """Compute the illumination of a sensor, scaled so that the brightest band reaches its scale.

    Raises
    ------
    UsageError
        No band receives any light.
    """
    margin = 2 * sensor.fwhm
    first = max(float((sensor.centres - margin).min()), 1.0)
    last = float((sensor.centres + margin).max())
    step = max(min(1.0, float(sensor.fwhm.min()) / 4), (last - first) / _MOST_WAVELENGTHS)
    w = np.arange(first, last + step, step)

    rayleigh = 0.0088 * (w / 1000) ** -4
    aerosol = 0.08 * (w / 550) ** -1.2
    vapour = _depth(w, _WATER)
    gases = np.exp(-_AIR_MASS * (vapour + _depth(w, _GASES)))
    sun = _irradiance(w)
    lit = sun * gases * np.exp(-_AIR_MASS * (rayleigh + 0.5 * aerosol))
    # Scattered light has crossed about half of the absorbing air.
    scattered = sun * np.sqrt(gases) * (0.12 * (1 - np.exp(-rayleigh)) + 0.03 * aerosol)

    sigma = np.maximum(sensor.fwhm[:, None] / (2 * np.sqrt(2 * np.log(2))), step / 2)
    bands = np.exp(-0.5 * ((w - sensor.centres[:, None]) / sigma) ** 2)  # (bands, n)
    bands /= bands.sum(axis=1, keepdims=True)
    response = bands * lit
    white = response.sum(axis=1)
    if not white.max() > 0:
        raise UsageError(
            f"no band of sensor {sensor.name} receives sunlight",
            hint="give the band centres and widths in nanometres",
        )
    gain = sensor.scale / white.max()
    return Illumination(
        wavelengths=w,
        response=response * gain,
        path=bands @ scattered * gain,
        vapour_depth=_AIR_MASS * (response @ vapour) / np.maximum(white, 1e-300),
        transmission=bands @ gases,
    )


def _depth(w: Spectrum, features: tuple[tuple[float, float, float], ...]) -> Spectrum:
    depth = np.zeros_like(w)
    for centre, width, strength in features:
        depth += strength * bump(w, centre, width)
    return depth


def _irradiance(w: Spectrum) -> Spectrum:
    """Solar spectral irradiance in arbitrary units: a black body of 5778 K with a few lines."""
    exponent = 1.4388e7 / (w * 5778)  # hc / (lambda k T), lambda in nm
    sun = (w / 500) ** -5 / np.expm1(np.minimum(exponent, 700))
    for centre, width, depth in _LINES:
        sun = sun * (1 - depth * bump(w, centre, width))
    return np.asarray(sun)
