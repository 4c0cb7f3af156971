"""Entropy coding of the vectors that a spectral transform needs: its mean and its basis.

Each vector is a row of integers over the bands. It is coded as it is or as differences of
neighbouring bands, whichever takes fewer bits, by the range coder of ``constriction`` with a
Laplace distribution whose scale precedes the row.
"""

from __future__ import annotations

from typing import Any

import constriction
import numpy as np
import numpy.typing as npt

from hyspec_bench.codecs import framing

Rows = npt.NDArray[np.int32]

#: Scales are powers of two of a half.
_SCALES_PER_OCTAVE = 2


def encode(rows: Rows) -> bytes:
    """Encode integers, shape (vectors, bands)."""
    encoder = constriction.stream.queue.RangeEncoder()
    header = bytearray()
    for row in rows:
        differences = np.diff(row, prepend=0).astype(np.int32)
        best = min((_Row(row, False), _Row(differences, True)), key=lambda r: r.bits)
        header += best.header()
        encoder.encode(best.symbols, best.model())
    words: npt.NDArray[np.uint32] = encoder.get_compressed()
    return framing.numbers(rows.shape) + bytes(header) + words.astype("<u4").tobytes()


def decode(data: bytes) -> Rows:
    """Decode what `encode` returned."""
    reader = framing.Reader(data)
    count, bands = reader.number(), reader.number()
    headers = [(reader.take(1)[0], reader.take(1)[0]) for _ in range(count)]
    decoder = constriction.stream.queue.RangeDecoder(
        np.frombuffer(reader.rest(), "<u4").astype(np.uint32)
    )
    rows = np.empty((count, bands), np.int32)
    for row, (scale, size) in zip(rows, headers, strict=True):
        symbols = decoder.decode(_model(scale, size >> 1), bands)
        row[:] = np.cumsum(symbols) if size & 1 else symbols
    return rows


class _Row:
    """A row of symbols with its parameters."""

    def __init__(self, symbols: Rows, differences: bool) -> None:
        self.symbols = symbols
        self.differences = differences
        magnitude = np.abs(symbols)
        self.size = int(magnitude.max()).bit_length()
        mean = max(float(magnitude.mean()), 0.1)
        self.scale = max(0, round(_SCALES_PER_OCTAVE * np.log2(mean / 0.1)))
        # Differential entropy of a Laplace distribution, at least half a bit.
        self.bits = symbols.size * max(0.5, np.log2(2 * np.e * mean))

    def header(self) -> bytes:
        return bytes([self.scale, self.size << 1 | self.differences])

    def model(self) -> Any:
        return _model(self.scale, self.size)


def _model(scale: int, size: int) -> Any:
    largest = (1 << size) + 1
    return constriction.stream.model.QuantizedLaplace(
        -largest, largest, 0.0, 0.1 * 2.0 ** (scale / _SCALES_PER_OCTAVE)
    )
