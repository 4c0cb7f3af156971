"""Parametric reflectance spectra of common materials.

Each material is a sum of sigmoids and Gaussians, with absorption features where its real
counterparts have them. The parameters are drawn at random within natural limits, so two draws of
one material differ as two plants or two roofs do.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Spectrum = npt.NDArray[np.float64]
_Material = Callable[[Spectrum, np.random.Generator], Spectrum]


def reflectance(material: str, wavelengths: Spectrum, rng: np.random.Generator) -> Spectrum:
    """Draw the reflectance spectrum of a material.

    Parameters
    ----------
    material
        A name of ``MATERIALS``, or any other string for a random smooth spectrum.
    wavelengths : ndarray of float64, shape (n,)
        Where to evaluate it, in nm.
    rng
        Source of the parameters.

    Returns
    -------
    ndarray of float64, shape (n,)
        Reflectance between 0.002 and 0.95.
    """
    return np.clip(_MATERIALS.get(material, _random)(wavelengths, rng), 0.002, 0.95)


def bump(w: Spectrum, centre: float, width: float) -> Spectrum:
    """Return a Gaussian of height 1 and standard deviation ``width``."""
    return np.asarray(np.exp(-0.5 * ((w - centre) / width) ** 2))


def _step(w: Spectrum, centre: float, width: float) -> Spectrum:
    """Return a sigmoid that rises from 0 to 1."""
    return np.asarray(0.5 * (1 + np.tanh((w - centre) / (2 * width))))


def _absorb(spectrum: Spectrum, w: Spectrum, *features: tuple[float, float, float]) -> Spectrum:
    """Carve absorption features (centre, width, depth) out of a spectrum."""
    for centre, width, depth in features:
        spectrum = spectrum * (1 - depth * bump(w, centre, width))
    return spectrum


def _vegetation(w: Spectrum, rng: np.random.Generator) -> Spectrum:
    green = rng.uniform(0.03, 0.08)
    water = rng.uniform(0.5, 0.9)
    infrared = rng.uniform(0.35, 0.55)
    edge = _step(w, rng.uniform(708, 724), rng.uniform(10, 14))  # the red edge
    visible = rng.uniform(0.025, 0.045) + green * bump(w, 555, 45)
    leaf = visible * (1 - edge) + infrared * edge
    leaf = leaf * (1 - 0.45 * water * _step(w, 1400, 60)) * (1 - 0.5 * water * _step(w, 1900, 70))
    leaf_water = [(975, 28, 0.1), (1195, 45, 0.22), (1450, 60, 0.6), (1940, 80, 0.75)]
    leaf = _absorb(leaf, w, *((c, s, water * depth) for c, s, depth in leaf_water))
    return leaf * (1 - 0.5 * _step(w, 2450, 90))


def _dry_vegetation(w: Spectrum, rng: np.random.Generator) -> Spectrum:
    level = rng.uniform(0.35, 0.5)
    rise = 1 - np.exp(-np.maximum(w - 350, 0) / rng.uniform(280, 420))
    straw = level * (0.15 + 0.85 * rise)
    cellulose = rng.uniform(0.08, 0.2)
    return _absorb(
        straw * (1 - 0.25 * _step(w, 2000, 200)),
        w,
        (670, 40, rng.uniform(0.02, 0.12)),
        (1450, 50, 0.15),
        (1730, 25, 0.4 * cellulose),
        (1930, 50, 0.25),
        (2100, 45, cellulose),
        (2310, 35, 0.7 * cellulose),
    )


def _soil(w: Spectrum, rng: np.random.Generator) -> Spectrum:
    level = rng.uniform(0.2, 0.42)
    slope = rng.uniform(350, 600)
    ground = 0.04 + level * (1 - np.exp(-np.maximum(w - 330, 0) / slope))
    return _absorb(
        ground,
        w,
        (490, 60, rng.uniform(0.05, 0.2)),
        (880, 80, rng.uniform(0.02, 0.12)),
        (1410, 30, rng.uniform(0.05, 0.2)),
        (1915, 40, rng.uniform(0.1, 0.3)),
        (2205, 25, rng.uniform(0.05, 0.18)),
    )


def _water(w: Spectrum, rng: np.random.Generator) -> Spectrum:
    turbidity = rng.uniform(0.01, 0.06)
    blue = rng.uniform(0.02, 0.05) * np.exp(-np.maximum(w - 350, 0) / 140)
    green = turbidity * bump(w, 565, 60) + 0.4 * turbidity * bump(w, 690, 25)
    return blue + green + 0.3 * turbidity * bump(w, 810, 30) + rng.uniform(0.004, 0.012)


def _asphalt(w: Spectrum, rng: np.random.Generator) -> Spectrum:
    level = rng.uniform(0.07, 0.14)
    road = level * (0.7 + 0.5 * (w - 400) / 2100)
    return _absorb(road, w, (1730, 20, 0.04), (2310, 35, rng.uniform(0.04, 0.12)))


def _roof(w: Spectrum, rng: np.random.Generator) -> Spectrum:
    tile = 0.06 + rng.uniform(0.2, 0.4) * _step(w, rng.uniform(560, 595), rng.uniform(30, 45))
    tile = tile + 0.08 * _step(w, 1300, 200)
    return _absorb(tile, w, (870, 60, rng.uniform(0.1, 0.25)), (1920, 40, 0.08), (2200, 30, 0.06))


def _mineral(w: Spectrum, rng: np.random.Generator) -> Spectrum:
    rock = rng.uniform(0.4, 0.6) * (0.55 + 0.45 * _step(w, 560, 70))
    clay = rng.uniform(0.15, 0.4)
    return _absorb(
        rock,
        w,
        (500, 40, rng.uniform(0.1, 0.3)),
        (920, 90, rng.uniform(0.05, 0.25)),
        (1412, 18, 0.6 * clay),
        (1910, 35, 0.5 * clay),
        (2165, 18, 0.6 * clay),
        (2207, 16, clay),
        (2335, 25, rng.uniform(0.05, 0.3)),
    )


def _concrete(w: Spectrum, rng: np.random.Generator) -> Spectrum:
    slab = rng.uniform(0.28, 0.42) * (0.6 + 0.4 * _step(w, 520, 90))
    return _absorb(slab, w, (1420, 40, 0.08), (1930, 50, 0.16), (2335, 30, rng.uniform(0.06, 0.16)))


def _paint(w: Spectrum, rng: np.random.Generator) -> Spectrum:
    colour = rng.uniform(0.15, 0.4) * bump(w, rng.uniform(450, 540), rng.uniform(70, 110))
    coat = 0.05 + colour + rng.uniform(0.2, 0.4) * _step(w, rng.uniform(720, 800), 35)
    return _absorb(coat, w, (1195, 20, 0.08), (1715, 25, 0.2), (2310, 40, 0.3)) * (
        1 - 0.3 * _step(w, 1650, 200)
    )


def _random(w: Spectrum, rng: np.random.Generator) -> Spectrum:
    curve = np.full_like(w, rng.uniform(0.05, 0.15))
    for _ in range(5):
        centre, width = rng.uniform(350, 2500), rng.uniform(120, 600)
        curve = curve + rng.uniform(0.0, 0.2) * bump(w, centre, width)
    curve = curve + rng.uniform(0.0, 0.25) * _step(w, rng.uniform(450, 1000), rng.uniform(15, 60))
    features = [
        (rng.uniform(400, 2400), rng.uniform(15, 60), rng.uniform(0.05, 0.35)) for _ in range(4)
    ]
    return _absorb(curve, w, *features)


_MATERIALS: dict[str, _Material] = {
    "vegetation": _vegetation,
    "soil": _soil,
    "water": _water,
    "asphalt": _asphalt,
    "dry vegetation": _dry_vegetation,
    "roof": _roof,
    "mineral": _mineral,
    "concrete": _concrete,
    "paint": _paint,
}

#: Materials in the order in which a scene uses them.
MATERIALS = tuple(_MATERIALS)
