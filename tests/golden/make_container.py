"""Writes the container's golden files and what readers have to find in them (floats by repr).

The files are put together from the document by tests/reference, not by hyspec. They are kept for
ever: a file that exists is never changed, and a new format version adds files with its own name.
"""

from __future__ import annotations

import json
import math
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))

from reference import container_builder as b  # noqa: E402

FOLDER = TESTS / "golden" / "container"
EXPECTED = "v1.0-expected.json"
PACK = bytes(range(32))


@dataclass
class Stream:
    """A stream in the making, and what it is expected to hold."""

    header: dict[str, Any]
    fields: dict[int, bytes]
    minor: int = 0
    chunks: list[dict[str, Any]] = field(default_factory=list)
    entries: list[bytes] = field(default_factory=list)
    data: bytes = b""
    expected_position: int = 0

    def __post_init__(self) -> None:
        self.start = b.preamble(b.body(self.fields), minor=self.minor)
        self.data = self.start
        self.header = {"minor_version": self.minor, **self.header}

    def add(self, tile: int, interval: int, rows: int, payload: bytes, symbols_crc: int) -> None:
        chunk = b.chunk(
            self.start,
            payload,
            tile=tile,
            interval=interval,
            rows=rows,
            symbols_crc=symbols_crc,
        )
        position = tile * len(self.header["intervals"]) + interval
        self.entries.append(b.entry(position - self.expected_position, len(chunk)))
        self.expected_position = position + 1
        self.chunks.append(
            {
                "tile": tile,
                "interval": interval,
                "rows": rows,
                "offset": len(self.data),
                "length": len(chunk),
                "symbols_crc": symbols_crc,
                "payload": payload.hex(),
            }
        )
        self.data += chunk

    def add_other(self, kind: int, payload: bytes) -> None:
        chunk = b.chunk(self.start, payload, kind=kind, tile=7, interval=5, rows=3)
        self.entries.append(b.other_entry(kind, len(chunk)))
        self.data += chunk

    def finish(self, rows: int) -> tuple[bytes, dict[str, Any]]:
        self.data += b.index(self.start, rows, self.entries)
        return self.data, {"header": self.header, "rows": rows, "chunks": self.chunks}


def minimal(**other: bytes) -> Stream:
    """One sample; ``other`` replaces fields, named ``f1``, ``f3``, ..."""
    fields = b.required((1, 1, 1), (1, 1), [(1, 0)], sample_type=b"\0")
    fields.update({int(name[1:]): content for name, content in other.items()})
    header = {
        "rows": 1,
        "columns": 1,
        "bands": 1,
        "sample_type": "uint8",
        "tile_rows": 1,
        "tile_columns": 1,
        "profile": 1,
        "profile_version": 1,
        "intervals": [[1, 0]],
    }
    return Stream(header, fields)


def full() -> Stream:
    """Every field, four tiles, two intervals, chunks out of order."""
    fields = b.required((5, 6, 10), (4, 4), [(3, 0), (7, 2)], sample_type=b"\3", profile=(3, 2))
    # 400.5 to 449.1 by 5.4; 5.5 throughout
    fields[2] = b"\1" + b.svarints([4005, 54, *[0] * 8])
    fields[4] = b"\1" + b.svarints([55, *[0] * 9])
    fields[6] = "nm / µm".encode()
    fields[8] = bytes([0b10000001, 0b10])
    fields[9] = PACK + b"example-pack"
    text = json.dumps({"envi": {"sensor type": "example"}})
    fields[10] = zlib.compress(text.encode(), level=0)  # stored: the same bytes from every zlib
    fields[12] = b"make_container 1"
    fields[13] = b.f64(-9999.0)
    header = {
        "rows": 5,
        "columns": 6,
        "bands": 10,
        "sample_type": "int16",
        "tile_rows": 4,
        "tile_columns": 4,
        "profile": 3,
        "profile_version": 2,
        "intervals": [[3, 0], [7, 2]],
        "wavelengths": [repr((4005 + 54 * i) / 10) for i in range(10)],
        "fwhm": ["5.5"] * 10,
        "wavelength_unit": "nm / µm",
        "bad_bands": [i in (0, 7, 9) for i in range(10)],
        "pack": [PACK.hex(), "example-pack"],
        "metadata": fields[10].hex(),
        "software": "make_container 1",
        "nodata": "-9999.0",
    }
    stream = Stream(header, fields)
    for tile in (1, 0, 3, 2):
        for interval in (0, 1) if tile % 2 else (1, 0):
            rows = 4 if tile < 2 else 1
            stream.add(
                tile, interval, rows, b"%d-%d" % (tile, interval) * 3, 1000 * tile + interval
            )
    return stream


def unknown_rows() -> Stream:
    """A line scanner's stream: rows not known while the header is written."""
    fields = b.required((0, 3, 2), (4, 3), [(2, 0)])
    header = {
        "rows": 0,
        "columns": 3,
        "bands": 2,
        "sample_type": "uint16",
        "tile_rows": 4,
        "tile_columns": 3,
        "profile": 1,
        "profile_version": 1,
        "intervals": [[2, 0]],
    }
    stream = Stream(header, fields)
    for tile, rows in enumerate((4, 4, 2)):
        stream.add(tile, 0, rows, bytes([tile] * (20 + tile)), 0xFFFFFFFF - tile)
    return stream


def floating_point() -> Stream:
    """float32 with a step, NaN as no-data value, wavelengths that are no short decimals."""
    fields = b.required((1, 1, 3), (2, 2), [(3, 65535)], sample_type=b"\6" + b.f64(0.125))
    wavelengths = [math.pi, -0.0, math.nan]
    fields[2] = b"\xff" + b.f64(math.pi) + b.f64(-0.0) + bytes.fromhex("000000000000f87f")
    fields[13] = bytes.fromhex("000000000000f87f")
    header = {
        "rows": 1,
        "columns": 1,
        "bands": 3,
        "sample_type": "float32",
        "step": "0.125",
        "tile_rows": 2,
        "tile_columns": 2,
        "profile": 1,
        "profile_version": 1,
        "intervals": [[3, 65535]],
        "wavelengths": [repr(w) for w in wavelengths],
        "nodata": "nan",
    }
    stream = Stream(header, fields)
    stream.add(0, 0, 1, b"", 0)
    return stream


def newer_minor() -> Stream:
    """A later minor version: ancillary fields and chunks to be ignored."""
    stream = minimal(f14=b"later", f1000=b"\0")
    stream = Stream(
        {**stream.header, "unknown": [[14, b"later".hex()], [1000, "00"]]}, stream.fields, 9
    )
    stream.header["minor_version"] = 9
    stream.add_other(0x80, b"skip me")
    stream.add(0, 0, 1, b"x", 5)
    stream.add_other(0xFF, b"")
    return stream


def valid_files() -> dict[str, tuple[bytes, dict[str, Any]]]:
    one = minimal()
    one.add(0, 0, 1, b"\x2a", 0x12345678)
    return {
        "v1.0-minimal.hyc": one.finish(1),
        "v1.0-full.hyc": full().finish(5),
        "v1.0-unknown-rows.hyc": unknown_rows().finish(10),
        "v1.0-float32.hyc": floating_point().finish(1),
        "v1.0-newer-minor.hyc": newer_minor().finish(1),
    }


def bad_header(code: str, content: bytes, major: int = 1) -> tuple[bytes, dict[str, Any]]:
    return b.preamble(content, major=major), {"error": code, "in": "header"}


def invalid_files() -> dict[str, tuple[bytes, dict[str, Any]]]:
    body = b.body(minimal().fields)
    rows = unknown_rows().finish(10)[0]
    last = unknown_rows()
    last.finish(10)
    index_at = last.chunks[2]["offset"] + last.chunks[2]["length"]
    middle = last.chunks[1]["offset"]

    def flipped(at: int) -> bytes:
        return rows[:at] + bytes([rows[at] ^ 4]) + rows[at + 1 :]

    def found(*tiles: int, rows: int = 10) -> dict[str, Any]:
        return {"in": "index", "rebuilt": {"rows": rows, "tiles": list(tiles)}}

    critical = minimal()
    critical.add(0, 0, 1, b"x", 0)
    critical.add_other(0x7F, b"do not ignore me")
    missing = unknown_rows()
    missing.entries[1:2] = []
    twice = minimal()
    twice.add(0, 0, 1, b"x", 0)
    twice.add(0, 0, 1, b"x", 0)
    padded = b"".join(
        b.varint(tag) + (b"\x82\x00" if tag == 7 else b.varint(len(content))) + content
        for tag, content in sorted(minimal().fields.items())
    )
    return {
        "v1.0-invalid-major-version.hyc": bad_header("unsupported-version", b"?", major=2),
        "v1.0-invalid-line-ends.hyc": (
            rows.replace(b"\r\n", b"\n"),
            {"error": "not-a-stream", "in": "header"},
        ),
        "v1.0-invalid-critical-field.hyc": bad_header(
            "unsupported-version", body + b.field(15, b"new")
        ),
        "v1.0-invalid-field-order.hyc": bad_header("corrupt", body + b.field(12, b"x") * 2),
        "v1.0-invalid-padded-varint.hyc": bad_header("corrupt", padded),
        "v1.0-invalid-empty-field.hyc": bad_header("corrupt", body + b.field(14, b"")),
        "v1.0-invalid-reserved-bits.hyc": bad_header(
            "corrupt", b.body({**minimal().fields, 8: b"\2"})
        ),
        "v1.0-invalid-needless-decimals.hyc": bad_header(
            "corrupt", b.body({**minimal().fields, 2: b"\1" + b.svarints([4000])})
        ),
        "v1.0-invalid-interval-sum.hyc": bad_header(
            "corrupt", b.body({**minimal().fields, 11: b"\1\2\0"})
        ),
        "v1.0-invalid-critical-chunk.hyc": (
            critical.finish(1)[0],
            {"error": "unsupported-version", "in": "index"},
        ),
        "v1.0-invalid-missing-chunk.hyc": (
            missing.finish(10)[0],
            {"error": "corrupt", **found(0, 1, 2)},
        ),
        "v1.0-invalid-duplicate-chunk.hyc": (
            twice.finish(1)[0],
            {"error": "corrupt", **found(0, rows=1)},
        ),
        "v1.0-invalid-cut-off.hyc": (
            rows[: index_at - 1],
            {"error": "truncated", **found(0, 1, rows=8)},
        ),
        "v1.0-invalid-index-payload.hyc": (
            flipped(len(rows) - 9),
            {"error": "checksum-mismatch", **found(0, 1, 2)},
        ),
        "v1.0-invalid-lost-bytes.hyc": (
            rows[: middle + 9] + rows[middle + 20 :],
            {"error": "corrupt", **found(0, 2)},
        ),
        "v1.0-invalid-chunk-header.hyc": (
            flipped(middle + 6),
            {"error": "checksum-mismatch", "in": "chunk", "chunk": 1},
        ),
        "v1.0-invalid-chunk-payload.hyc": (
            flipped(index_at - 3),
            {"error": "checksum-mismatch", "in": "chunk", "chunk": 2},
        ),
    }


def files() -> dict[str, bytes]:
    """Every golden file by name."""
    cases = {**valid_files(), **invalid_files()}
    content = {name: data for name, (data, _) in cases.items()}
    expected = {name: what for name, (_, what) in cases.items()}
    content[EXPECTED] = (json.dumps(expected, indent=1, ensure_ascii=False) + "\n").encode()
    return content


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    changed = 0
    for name, data in files().items():
        path = FOLDER / name
        if not path.exists():
            path.write_bytes(data)
        elif path.read_bytes() != data:
            print(f"error: {path} would change; golden files are kept for ever", file=sys.stderr)
            changed += 1
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
