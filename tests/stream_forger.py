"""A forger who takes streams apart and seals them again with other content."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from reference import container
from reference import container_builder as b


@dataclass
class Chunk:
    """A chunk of kind 1 before it is sealed."""

    tile: int
    interval: int
    rows: int
    symbols_crc: int
    payload: bytes


@dataclass
class Forger:
    """The parts of a stream; ``seal`` makes a stream of them whose checksums all match."""

    fields: dict[int, bytes]
    chunks: list[Chunk] = field(default_factory=list)
    rows: int = 0

    @classmethod
    def of(cls, data: bytes) -> Forger:
        header, size = container.parse_preamble(data)
        body = container.Reader(data[18:size])
        fields = {}
        while body.left:
            tag = body.varint()
            fields[tag] = body.take(body.varint())
        rows, entries = container.read_index(data, header, size)
        chunks = []
        for entry in entries:
            info = container.parse_chunk_header(data, entry["offset"])
            numbers = (entry["tile"], entry["interval"], entry["rows"], info["symbols_crc"])
            chunks.append(Chunk(*numbers, container.payload(data, info)))
        return cls(fields, chunks, rows)

    def with_fields(self, changes: dict[int, bytes]) -> Forger:
        return replace(self, fields={**self.fields, **changes})

    def single(self, shape: tuple[int, int, int], payload: bytes, symbols_crc: int = 0) -> Forger:
        """One tile and one interval of any shape (rows, columns, bands)."""
        rows, columns, bands = shape
        changes = {1: varints(*shape), 5: varints(rows, columns), 11: varints(1, bands, 0)}
        chunks = [Chunk(0, 0, rows, symbols_crc, payload)]
        return replace(self.with_fields(changes), chunks=chunks, rows=rows)

    def seal(self, *, index: bool = True) -> bytes:
        start = b.preamble(b.body(self.fields))
        parts, entries, expected = [start], [], 0
        count = container.Reader(self.fields[11]).varint()
        for c in self.chunks:
            numbers = {"tile": c.tile, "interval": c.interval, "rows": c.rows}
            parts.append(b.chunk(start, c.payload, symbols_crc=c.symbols_crc, **numbers))
            position = c.tile * count + c.interval
            entries.append(b.entry(position - expected, len(parts[-1])))
            expected = position + 1
        if index:
            parts.append(b.index(start, self.rows, entries))
        return b"".join(parts)


def varints(*values: int) -> bytes:
    return b"".join(map(b.varint, values))
