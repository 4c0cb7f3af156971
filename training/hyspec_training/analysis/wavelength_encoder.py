"""One encoder for all sensors that knows where their bands lie: wavelength-encoder.

A spectrum is a function of wavelength that a sensor samples by its bands. The model holds a mean
spectrum and basis functions on a grid of wavelengths. A band sees them through its response, a
Gaussian around its centre; missing bands see nothing. The coefficients of a spectrum are those that
explain its valid bands best under a normal prior (probabilistic principal components with missing
data: Tipping, Bishop, JRSS B 61(3), 1999), so that encoding needs no training for a new sensor.
Small networks then go from the coefficients to fewer latents and back.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hyspec.errors import UsageError
from hyspec_training.analysis.base import pixels, planes

#: First and last wavelength of the grid in micrometres; bands beyond see its ends.
RANGE = (0.35, 2.55)
#: Steps of the grid.
KNOTS = 111
#: Full width at half maximum of a Gaussian over its standard deviation.
_FWHM = 2 * math.sqrt(2 * math.log(2))


def band_code(wavelengths: Tensor, widths: Tensor, valid: Tensor | None = None) -> Tensor:
    """Describe the bands of a sensor.

    Parameters
    ----------
    wavelengths, widths
        Centres and full widths at half maximum in micrometres, shape (B,).
    valid
        True for bands that are measured; all by default.

    Returns
    -------
    Tensor of float32, shape (B, 3)
        Centre, width, and 1 for valid bands.

    Raises
    ------
    UsageError
        A valid band has a centre or a width that is not positive and finite, or none is valid.
    """
    valid = torch.ones(len(wavelengths), dtype=torch.bool) if valid is None else valid
    code = torch.stack([wavelengths, widths], dim=1).float()
    known = torch.isfinite(code).all(dim=1) & (code > 0).all(dim=1)
    if not valid.any() or not known[valid].all():
        raise UsageError(
            "bands without centre or width; expected positive numbers of micrometres",
            hint="mark bands without them as not valid",
        )
    code = torch.where(valid[:, None], code, torch.ones_like(code))
    return torch.cat([code, valid[:, None].float()], dim=1)


class WavelengthEncoder(nn.Module):
    """``wavelength-encoder``: basis functions of wavelength, and residual networks.

    Parameters
    ----------
    latents
        Numbers r that a spectrum is encoded as.
    functions
        Number R of basis functions, at least r.
    units
        Hidden units of the networks.
    """

    grid: Tensor
    patch = 1
    whole_scenes = True

    def __init__(self, latents: int = 16, functions: int = 32, units: int = 64) -> None:
        super().__init__()
        if functions < latents:
            raise UsageError(f"{functions} basis functions; expected {latents} or more")
        self.latents = latents
        self.register_buffer("grid", torch.linspace(*RANGE, KNOTS))
        place = (torch.arange(KNOTS) + 0.5) / KNOTS
        order = torch.arange(functions)
        cosines = torch.cos(math.pi * order[:, None] * place)  # smooth ones first, and larger
        self.functions = nn.Parameter(0.3 * cosines / (1 + order[:, None]) ** 2)  # (R, KNOTS)
        self.mean = nn.Parameter(torch.full((KNOTS,), 0.3))
        self.log_noise = nn.Parameter(torch.tensor(math.log(1e-4)))
        self.encoder = _Residual(functions, latents, units)
        self.decoder = _Residual(latents, functions, units)

    def seen_by(self, bands: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (B,) and basis functions (B, R) as the bands of a code (B, 3) see them."""
        centre = bands[:, :1].clamp(*RANGE)  # (B, 1)
        spacing = (RANGE[1] - RANGE[0]) / (KNOTS - 1)
        variance = (bands[:, 1:2] / _FWHM) ** 2 + (spacing / 2) ** 2
        response = torch.softmax(-((centre - self.grid) ** 2) / (2 * variance), dim=1)  # (B, KNOTS)
        return response @ self.mean, response @ self.functions.T

    def operator(self, bands: Tensor) -> Tensor:
        """Matrix (R, B) from differences to the mean to coefficients, in double precision."""
        _, basis = self.seen_by(bands)
        basis = basis.double()
        valid = bands[:, 2:].double()  # (B, 1)
        weighted = (basis * valid).T  # (R, B)
        noise = torch.exp(self.log_noise.double())
        identity = torch.eye(basis.shape[1], dtype=torch.float64, device=basis.device)
        return inverse(weighted @ basis + noise * identity) @ weighted

    def encode(self, x: Tensor, bands: Tensor) -> Tensor:
        """Map planes (N, B, H, W) of bands with a code (B, 3) to latents (N, r, H, W).

        Samples of bands that are not valid may be any finite numbers.
        """
        return planes(self._encode(pixels(x), self.seen_by(bands)[0], self.operator(bands)), x)

    def decode(self, z: Tensor, bands: Tensor) -> Tensor:
        """Map latents (N, r, H, W) to planes (N, B, H, W) of bands, valid or not, of any sensor."""
        return planes(self._decode(pixels(z), *self.seen_by(bands)), z)

    def forward(self, x: Tensor, bands: Tensor) -> Tensor:
        """Encode and decode planes (N, B, H, W) of bands with a code (B, 3)."""
        mean, basis = self.seen_by(bands)
        return planes(
            self._decode(self._encode(pixels(x), mean, self.operator(bands)), mean, basis), x
        )

    def _encode(self, x: Tensor, mean: Tensor, operator: Tensor) -> Tensor:
        latents: Tensor = self.encoder((x - mean) @ operator.to(x.dtype).T)
        return latents

    def _decode(self, z: Tensor, mean: Tensor, basis: Tensor) -> Tensor:
        spectra: Tensor = mean + self.decoder(z) @ basis.T
        return spectra


class _Residual(nn.Module):
    """A linear map, at first the identity of what both sides have, and a network that corrects it.

    The correction begins as 0.
    """

    def __init__(self, inputs: int, outputs: int, units: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=False)
        nn.init.eye_(self.linear.weight)
        last = nn.Linear(units, outputs)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.correction = nn.Sequential(
            nn.Linear(inputs, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU(), last
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (M, inputs) to (M, outputs)."""
        result: Tensor = self.linear(x) + self.correction(x)
        return result


def inverse(a: Tensor) -> Tensor:
    """Invert a symmetric positive definite matrix (R, R) by elimination.

    It consists of products and divisions, which ONNX has; it has no inverse.
    """
    size = a.shape[0]
    identity = torch.eye(size, dtype=a.dtype, device=a.device)
    work = torch.cat([a, identity], dim=1)
    for k in range(size):
        row = work[k : k + 1] / work[k : k + 1, k : k + 1]
        work = work - (work[:, k : k + 1] - identity[:, k : k + 1]) * row
    return work[:, size:]
