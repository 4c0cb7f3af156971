"""Features of a compressed scene, taken from its stream without decoding a sample.

A stream of the ``spectral`` profile holds principal components, tile by tile, each with a basis of
its own. A frame is one basis for all tiles: the leading principal axes of what the tiles' bases and
the powers of their planes say together. Features are the decoded planes in that frame. A product of
two small matrices per tile takes them there; bands are never made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError, UsageError
from hyspec.stream import Stream

_Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """A basis that features refer to.

    Attributes
    ----------
    mean : ndarray of float64, shape (bands,)
    axes : ndarray of float64, shape (features, bands)
        Orthonormal rows.
    """

    mean: _Float
    axes: _Float

    def of_spectra(self, spectra: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Features (..., features) of spectra (..., bands), such as those of another scene.

        Raises
        ------
        DataError
            The number of bands is another one.
        """
        if spectra.shape[-1:] != self.mean.shape:
            raise DataError(
                f"spectra of shape {spectra.shape}; the frame has {len(self.mean)} bands"
            )
        return ((spectra - self.mean) @ self.axes.T).astype(np.float32)


def frame(stream: Stream, features: int) -> Frame:
    """Find the frame of a stream.

    Parameters
    ----------
    stream
        Opened by :func:`hyspec.open`, of the ``spectral`` profile.
    features
        Number of axes, at most the number of bands.

    Raises
    ------
    UsageError
        The number is out of range, or the stream is of another profile.
    StreamError, PackError, LimitError
        As for :meth:`hyspec.Stream.read`.
    """
    bands = stream.shape[2]
    if not 1 <= features <= bands:
        raise UsageError(f"{features} features; expected 1 to {bands}, the number of bands")
    weight, total = np.zeros(bands), np.zeros(bands)
    powers = np.zeros((bands, bands))
    for chunk in stream.planes():
        here = slice(chunk.bands.start, chunk.bands.stop)
        pixels = len(chunk.rows) * len(chunk.columns)
        flat = chunk.planes.reshape(len(chunk.planes), -1).astype(np.float64)
        # About zero, so that tiles may follow each other in any number.
        offset = flat.mean(axis=1) @ chunk.basis + chunk.mean
        centred = flat - flat.mean(axis=1, keepdims=True)
        powers[here, here] += chunk.basis.T @ (centred @ centred.T) @ chunk.basis
        powers[here, here] += pixels * np.outer(offset, offset)
        total[here] += pixels * offset
        weight[here] += pixels
    mean = total / weight
    covariance = powers / weight.max() - _within(stream, np.outer(mean, mean))
    axes = np.linalg.eigh(covariance)[1][:, ::-1][:, :features].T
    # An axis has no sign of its own: its largest entry is positive.
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    return Frame(mean, np.ascontiguousarray(axes * np.where(largest < 0, -1.0, 1.0)))


def features(stream: Stream, found: Frame) -> npt.NDArray[np.float32]:
    """Features of every pixel of a stream, shape (rows, columns, features).

    They are those of the decoded samples, but for the rounding of these.

    Parameters
    ----------
    stream
        Opened by :func:`hyspec.open`, of the ``spectral`` profile.
    found
        The frame, of this stream or of another one of the same sensor.

    Raises
    ------
    DataError
        The frame has another number of bands.
    UsageError, StreamError, PackError, LimitError
        As for :func:`frame`.
    """
    rows, columns, bands = stream.shape
    if len(found.mean) != bands:
        raise DataError(f"the frame has {len(found.mean)} bands, the stream {bands}")
    result = np.zeros((rows, columns, len(found.axes)), np.float32)
    for chunk in stream.planes():
        axes = found.axes[:, chunk.bands.start : chunk.bands.stop]
        mean = found.mean[chunk.bands.start : chunk.bands.stop]
        turned = (axes @ chunk.basis.T).astype(np.float32)  # (features, planes)
        offset = (axes @ (chunk.mean - mean)).astype(np.float32)
        place = (
            slice(chunk.rows.start, chunk.rows.stop),
            slice(chunk.columns.start, chunk.columns.stop),
        )
        result[place] += np.einsum("fp,prc->rcf", turned, chunk.planes, optimize=True) + offset
    return result


def _within(stream: Stream, products: _Float) -> _Float:
    """Products of bands of one interval; those across intervals are not known, and 0."""
    result = np.zeros_like(products)
    for interval in stream.intervals:
        here = slice(interval.start, interval.stop)
        result[here, here] = products[here, here]
    return result
