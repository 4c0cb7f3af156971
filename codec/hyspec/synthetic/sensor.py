"""Sensors of the synthetic scenes: where the bands lie, and how noisy the counts are."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from hyspec.errors import UsageError


@dataclass(frozen=True, eq=False)
class SensorGrid:
    """Bands and noise of an imaging spectrometer.

    Attributes
    ----------
    centres : ndarray of float64, shape (bands,)
        Band centres in nm, in the order of the bands; they need not ascend.
    fwhm : ndarray of float64, shape (bands,)
        Full widths at half maximum in nm of the (Gaussian) spectral response.
    scale : float
        Counts of a white, fully lit target in the brightest band.
    read_noise : float
        Standard deviation of the noise that does not depend on the signal, in counts.
    photon_gain : float
        Variance of the photon noise per count of signal, in counts.
    stripe_gain : float
        Standard deviation of the relative gain error of each detector element, that is of each
        column and band of a pushbroom sensor; 0 for a whiskbroom.
    stripe_offset : float
        Standard deviation of the offset error of each detector element, in counts.
    name : str
        Name, as it appears in the metadata.

    Raises
    ------
    UsageError
        Centres and widths are not equally many, or not positive and finite; another number is
        negative.
    """

    centres: npt.NDArray[np.float64]
    fwhm: npt.NDArray[np.float64]
    scale: float = 10_000.0
    read_noise: float = 2.0
    photon_gain: float = 0.01
    stripe_gain: float = 0.0
    stripe_offset: float = 0.0
    name: str = "custom"

    def __post_init__(self) -> None:
        """Check shapes and ranges."""
        for name in ("centres", "fwhm"):
            values = np.array(getattr(self, name), dtype=np.float64)
            object.__setattr__(self, name, values)
            if values.ndim != 1 or values.size == 0:
                raise UsageError(f"{name} has shape {values.shape}; expected (bands,)")
            if not np.all(np.isfinite(values) & (values > 0)):
                raise UsageError(f"{name} holds values that are not positive and finite")
        if self.centres.shape != self.fwhm.shape:
            raise UsageError(
                f"found {self.centres.size} band centres and {self.fwhm.size} widths; "
                "expected equally many"
            )
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, (int, float)) and not 0 <= value < np.inf:
                raise UsageError(f"found {entry.name}={value}; expected 0 or more, and finite")

    @property
    def bands(self) -> int:
        """Number of bands."""
        return int(self.centres.size)


def _aviris() -> SensorGrid:
    """Four spectrometers with overlaps: 224 bands of about 10 nm, whiskbroom."""
    parts = [
        (365.9, 667.5, 32, 9.4),
        (655.5, 1263.1, 64, 9.9),
        (1253.4, 1881.2, 64, 10.75),
        (1866.8, 2496.2, 64, 10.7),
    ]
    return SensorGrid(
        np.concatenate([np.linspace(first, last, bands) for first, last, bands, _ in parts]),
        np.concatenate([np.full(bands, width) for _, _, bands, width in parts]),
        name="AVIRIS",
    )


def _aviris_ng() -> SensorGrid:
    """One pushbroom spectrometer: 425 bands of 5 nm."""
    return SensorGrid(
        np.linspace(376.9, 2500.1, 425),
        np.full(425, 5.8),
        scale=16_000.0,
        read_noise=4.0,
        stripe_gain=0.001,
        stripe_offset=0.5,
        name="AVIRIS-NG",
    )


def _enmap() -> SensorGrid:
    """Two pushbroom spectrometers with an overlap: 91 bands in the VNIR, 133 in the SWIR."""
    return SensorGrid(
        np.concatenate([np.linspace(420.0, 993.0, 91), np.linspace(902.0, 2446.0, 133)]),
        np.concatenate([np.full(91, 8.1), np.full(133, 12.5)]),
        scale=8_000.0,
        read_noise=5.0,
        photon_gain=0.05,
        stripe_gain=0.002,
        stripe_offset=1.0,
        name="EnMAP",
    )


def _hyspex() -> SensorGrid:
    """One pushbroom VNIR camera: 186 bands of 3.2 nm."""
    return SensorGrid(
        np.linspace(407.0, 998.0, 186),
        np.full(186, 3.7),
        scale=30_000.0,
        read_noise=6.0,
        photon_gain=0.2,
        stripe_gain=0.001,
        stripe_offset=1.0,
        name="HySpex VNIR",
    )


#: Sensors by name. The grids follow the published ones; the noise is typical, not calibrated.
SENSORS = {
    "aviris": _aviris(),
    "aviris-ng": _aviris_ng(),
    "enmap": _enmap(),
    "hyspex": _hyspex(),
}
