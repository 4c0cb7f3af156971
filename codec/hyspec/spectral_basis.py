"""The basis of an adaptive spectral transform: chosen, quantised, and made orthonormal again.

Directions are sent as whole numbers and made orthonormal from these on both sides: an error of the
basis costs a little compaction, never exactness. Of many bands, or where the caller wants it, the
transform has two levels: bands are transformed group by group, and the leading components of all
groups together. (J. E. Fowler, J. T. Rucker, "3D wavelet-based compression of hyperspectral
imagery", in Hyperspectral Data Exploitation, 2007; I. Blanes, J. Serra-Sagristà, "Clustered
reversible-KLT for progressive lossy-to-lossless 3d image coding", Data Compression Conference
2009, for transforms of clusters and of what these have in common.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core
from hyspec.scatter import Scatter

#: A component is considered if its variance is more than this share of the squared quantiser step.
_LEAST_VARIANCE = 0.05
#: The same for the components of a group: what several of them have in common has more.
_LEAST_OF_GROUP = 0.02
#: Unit of a row of the basis, times sqrt(variance * pixels) / quantiser step.
_BASIS_STEP = 1.3
_LARGEST_ENTRY = 1 << 24
#: A row of the basis is left out if less than this is left of its largest number without the rows
#: before.
_LEAST_REMAINDER = 1e-3
#: More bands than this are transformed in groups, of half as many at most: the time of
#: eigenvectors grows with the third power.
MOST_AT_ONCE = 512
#: Limit of the format; docs/spectral_profile.md, section 3.4.
MOST_GROUPS = 256

Float64Array = npt.NDArray[np.float64]
Int32Array = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Components:
    """Principal components of the bands that vary, in groups.

    Attributes
    ----------
    scatter : Scatter
        Second moments of all bands.
    varies : ndarray of bool, shape (bands,)
        Bands that vary.
    sizes : tuple of int
        Bands that vary of each group; a single one if the transform has one level.
    variance, direction : tuple of ndarray
        Of each group, see :meth:`Scatter.components`.
    """

    scatter: Scatter
    varies: npt.NDArray[np.bool_]
    sizes: tuple[int, ...]
    variance: tuple[Float64Array, ...]
    direction: tuple[Float64Array, ...]


def components(
    scatter: Scatter, varies: npt.NDArray[np.bool_], groups: tuple[int, ...] = ()
) -> Components:
    """Principal components of the bands that vary.

    Parameters
    ----------
    scatter
        Second moments of all bands.
    varies
        Bands that vary, shape (bands,).
    groups
        Bands of each group, whether they vary or not, which add up to all bands; without any, bands
        are one group, or as many equal ones as their number asks for.
    """
    numbers = np.flatnonzero(varies)
    if groups:
        stops = np.searchsorted(numbers, np.cumsum(groups))
    else:
        count = 1
        if len(numbers) > MOST_AT_ONCE:
            count = min(MOST_GROUPS, -(-len(numbers) * 2 // MOST_AT_ONCE))
        stops = np.arange(1, count + 1) * len(numbers) // count
    starts = np.concatenate([[0], stops[:-1]])
    parts = [numbers[a:b] for a, b in zip(starts, stops, strict=True) if b > a]
    found = [scatter.components(part) for part in parts]
    return Components(
        scatter,
        varies,
        tuple(map(len, parts)),
        tuple(variance for variance, _ in found),
        tuple(direction for _, direction in found),
    )


@dataclass(frozen=True)
class Basis:
    """A basis as it is sent.

    Attributes
    ----------
    entries : ndarray of int32, shape (planes, width)
        Directions, each to a scale of its own: of bands that vary, or of leading components.
    rows : ndarray of float64, shape (planes, bands)
        The orthonormal basis that they stand for; 0 at bands that do not vary.
    leading : tuple of ndarray of int32, each of shape (components, bands of the group)
        Leading components of the groups; empty if there is one level.
    """

    entries: Int32Array
    rows: Float64Array
    leading: tuple[Int32Array, ...] = ()

    def row_bits(self) -> Float64Array:
        """Bits that each row of entries takes, about, shape (planes,)."""
        squares = np.square(self.entries, dtype=np.float64)
        mean = squares.mean(1) if squares.size else np.zeros(len(squares))
        return np.asarray(self.entries.shape[1] * (1 + 0.5 * np.log2(1 + mean)))

    def bits(self) -> float:
        """Bits that the basis takes, about."""
        used = self.symbols()
        tables = [used.entries]
        leading = used.leading
        for size, count in zip(used.sizes.tolist(), used.counts.tolist(), strict=True):
            tables.append(leading[: size * count].reshape(count, size))
            leading = leading[size * count :]
        return float(sum(Basis(table, self.rows).row_bits().sum() for table in tables))

    def first(self, count: int) -> Basis:
        """The basis of the first planes alone."""
        return replace(self, entries=self.entries[:count], rows=self.rows[:count])

    def symbols(self) -> _core.SpectralBasis:
        """What is sent: without the components that no plane uses at the end of groups."""
        none = np.zeros(0, np.int32)
        if not self.leading or not len(self.entries):
            return _core.SpectralBasis(self.entries, none, none, none)
        counts, kept, first = [], [], 0
        for part in self.leading:
            used = np.flatnonzero(self.entries[:, first : first + len(part)].any(0))
            counts.append(int(used.max(initial=-1)) + 1)
            kept.append(np.arange(first, first + counts[-1]))
            first += len(part)
        sizes = [part.shape[1] for part in self.leading]
        leading = [part[:n].ravel() for part, n in zip(self.leading, counts, strict=True)]
        return _core.SpectralBasis(
            np.ascontiguousarray(self.entries[:, np.concatenate(kept)]),
            np.array(sizes, np.int32),
            np.array(counts, np.int32),
            np.concatenate(leading),
        )


def quantised_basis(found: Components, step: float, pixels: float) -> Basis:
    """Choose the components that are worth coding, and quantise their directions.

    Parameters
    ----------
    found
        Principal components.
    step
        Quantiser step of the planes.
    pixels
        Pixels that the basis is for.

    Notes
    -----
    A direction that is off by ``e`` per entry leaves ``variance * e^2`` per band and pixel outside
    of the planes. One bit more for every entry saves three quarters of that; as many bits for the
    latents of the plane save less the more pixels there are. So ``e`` is in proportion to
    ``step / sqrt(variance * pixels)``.
    """
    least = _LEAST_VARIANCE if len(found.sizes) <= 1 else _LEAST_OF_GROUP
    parts = [
        _quantised(variance, direction, step, pixels, least)
        for variance, direction in zip(found.variance, found.direction, strict=True)
    ]
    if len(parts) <= 1:
        entries = parts[0] if parts else np.zeros((0, 0), np.int32)
        return Basis(entries, _spread(orthonormal(entries), found.varies))
    joined = _spread(_diagonal([orthonormal(part) for part in parts]), found.varies)
    variance, vector = np.linalg.eigh(found.scatter.covariance(joined))
    entries = _quantised(variance[::-1], vector.T[::-1], step, pixels)
    return Basis(entries, orthonormal(entries) @ joined, tuple(parts))


def basis_rows(basis: _core.SpectralBasis, varies: npt.NDArray[np.bool_]) -> Float64Array:
    """Orthonormal rows that a basis stands for, shape (planes, bands); 0 where ``varies`` is not.

    Source: docs/spectral_profile.md, section 6.1.
    """
    if not len(basis.entries):
        return np.zeros((0, len(varies)))
    if not len(basis.sizes):
        return _spread(orthonormal(basis.entries), varies)
    rest, leading, parts = orthonormal(basis.entries), basis.leading, []
    for size, count in zip(basis.sizes.tolist(), basis.counts.tolist(), strict=True):
        part = orthonormal(leading[: size * count].reshape(count, size))
        parts.append(rest[:, :count] @ part)
        rest, leading = rest[:, count:], leading[size * count :]
    return _spread(np.concatenate(parts, 1), varies)


def _quantised(
    variance: Float64Array,
    direction: Float64Array,
    step: float,
    pixels: float,
    least: float = _LEAST_VARIANCE,
) -> Int32Array:
    """Rows of whole numbers, shape (n, directions), of the components worth considering."""
    count = int((variance > least * step**2).sum())
    count = min(count, int(pixels))
    precision = _BASIS_STEP * step / np.sqrt(np.maximum(variance[:count], 1e-300) * pixels)
    directions = direction[:count]
    # The sign of a component means nothing: most entries positive.
    directions = directions * np.where(directions.sum(1) < 0, -1.0, 1.0)[:, None]
    entries = np.rint(directions / np.maximum(precision, 1.0 / _LARGEST_ENTRY)[:, None])
    whole = entries.astype(np.int32)
    # Decoders may differ in what they make of rows that depend on others, such as those of zeros.
    _, triangle = _decomposed(whole)
    return np.asarray(whole[np.abs(np.diagonal(triangle)) > _LEAST_REMAINDER])


def _diagonal(parts: list[Float64Array]) -> Float64Array:
    """Blocks along the diagonal of a matrix that is 0 elsewhere."""
    shapes = np.array([part.shape for part in parts])
    whole = np.zeros(shapes.sum(0))
    for part, (row, column) in zip(parts, np.cumsum(shapes, 0) - shapes, strict=True):
        whole[row : row + part.shape[0], column : column + part.shape[1]] = part
    return whole


def _spread(rows: Float64Array, varies: npt.NDArray[np.bool_]) -> Float64Array:
    """Rows over the bands that vary as rows over all bands."""
    whole = np.zeros((len(rows), len(varies)))
    whole[:, varies] = rows
    return whole


def _decomposed(entries: npt.NDArray[Any]) -> tuple[Float64Array, Float64Array]:
    """QR decomposition of the transposed rows, each divided by its largest number."""
    largest = np.abs(entries.astype(np.float64)).max(1, initial=0)
    q, r = np.linalg.qr((entries / np.maximum(largest, 1)[:, None]).T)
    return q, r


def orthonormal(entries: npt.NDArray[Any]) -> Float64Array:
    """Make rows orthonormal, one after the other.

    Parameters
    ----------
    entries
        Whole numbers, shape (planes, directions), with no more rows than columns.

    Returns
    -------
    ndarray of float64, same shape
        Row k lies in the span of the first k + 1 rows, on the side of the k-th. Rows that depend
        on those before are replaced by some that complete the basis.
    """
    if not len(entries):
        return np.zeros(entries.shape)
    q, r = _decomposed(entries)
    side = np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return np.ascontiguousarray((q * side).T)
