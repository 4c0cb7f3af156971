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
        differences = np.diff(row, prepend=row[:1])
        best = min((_Row(row, None), _Row(differences, int(row[0]))), key=lambda r: r.bits)
        header += best.header()
        encoder.encode(best.symbols, best.model())
    words: npt.NDArray[np.uint32] = encoder.get_compressed()
    return framing.numbers(rows.shape) + bytes(header) + words.astype("<u4").tobytes()


def decode(data: bytes) -> Rows:
    """Decode what `encode` returned."""
    reader = framing.Reader(data)
    count, bands = reader.number(), reader.number()
    headers = []
    for _ in range(count):
        scale, size = reader.take(2)
        headers.append((scale, size >> 1, reader.signed() if size & 1 else None))
    decoder = constriction.stream.queue.RangeDecoder(
        np.frombuffer(reader.rest(), "<u4").astype(np.uint32)
    )
    rows = np.empty((count, bands), np.int32)
    for row, (scale, size, first) in zip(rows, headers, strict=True):
        symbols = decoder.decode(_model(scale, size), bands)
        row[:] = symbols if first is None else first + np.cumsum(symbols)
    return rows


class _Row:
    """A row of symbols with its parameters; ``first`` is where differences start from."""

    def __init__(self, symbols: Rows, first: int | None) -> None:
        self.symbols = symbols
        self.first = first
        magnitude = np.abs(symbols)
        self.size = int(magnitude.max()).bit_length()
        mean = max(float(magnitude.mean()), 0.1)
        self.scale = max(0, round(_SCALES_PER_OCTAVE * np.log2(mean / 0.1)))
        # Differential entropy of a Laplace distribution, at least half a bit.
        self.bits = symbols.size * max(0.5, np.log2(2 * np.e * mean))

    def header(self) -> bytes:
        if self.first is None:
            return bytes([self.scale, self.size << 1])
        return bytes([self.scale, self.size << 1 | 1]) + framing.signed(self.first)

    def model(self) -> Any:
        return _model(self.scale, self.size)


def _model(scale: int, size: int) -> Any:
    largest = (1 << size) + 1
    return constriction.stream.model.QuantizedLaplace(
        -largest, largest, 0.0, 0.1 * 2.0 ** (scale / _SCALES_PER_OCTAVE)
    )
