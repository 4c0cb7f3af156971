"""The container read in plain Python, in the order of docs/container_format.md.

Written from the document alone and as slow as it likes, so that two readings of the document can be
compared. Everything comes back as dictionaries of plain values.
"""

from __future__ import annotations

import math
import struct
import zlib
from fractions import Fraction
from typing import Any


class FormatError(ValueError):
    """Bytes that break a MUST of the document."""


class UnsupportedError(FormatError):
    """A stream that needs a newer reader."""


def require(holds: bool, text: str) -> None:
    if not holds:
        raise FormatError(text)


# 1 Conventions ------------------------------------------------------------------------------------


class Reader:
    """1.1, 1.2: numbers and text from the front of some bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    @property
    def left(self) -> int:
        return len(self.data) - self.position

    def take(self, count: int) -> bytes:
        require(count <= self.left, "the bytes end too early")
        self.position += count
        return self.data[self.position - count : self.position]

    def u8(self) -> int:
        return self.take(1)[0]

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def f64(self) -> float:
        raw = self.take(8)
        (value,) = struct.unpack("<d", raw)
        if math.isnan(value):
            require(raw[::-1].hex() == "7ff8000000000000", "a NaN that is not the canonical one")
        return float(value)

    def varint(self, low: int = 0, high: int = 2**64 - 1) -> int:
        value, shift = 0, 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        require(byte != 0 or shift == 7, "a varint with needless bytes")
        require(low <= value <= high, f"{value} is not in {low} to {high}")
        return value

    def svarint(self) -> int:
        n = self.varint()
        return n // 2 if n % 2 == 0 else -(n + 1) // 2

    def text(self) -> str:
        raw = self.take(self.left)
        require(len(raw) <= 255, "a text longer than 255 bytes")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FormatError("a text that is not UTF-8") from error
        for c in text:
            require(not (ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F), "a control character")
        return text


def divided(crc: int, bits: int) -> int:
    for _ in range(bits):
        crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc


CRC_OF_BYTE = [divided(byte, 8) for byte in range(256)]


def crc32c(data: bytes, previous: int = 0) -> int:
    """1.3, byte by byte."""
    crc = previous ^ 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ CRC_OF_BYTE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


# 3 Preamble ---------------------------------------------------------------------------------------

SIGNATURE = bytes.fromhex("89 48 59 43 0D 0A 1A 0A")
TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
REQUIRED = {1, 3, 5, 7, 11}
Header = dict[str, Any]


def parse_preamble(data: bytes) -> tuple[Header, int]:
    """Return the header and the length of the preamble."""
    reader = Reader(data)
    require(reader.take(8) == SIGNATURE, "no signature")
    start = reader.position
    if reader.u8() != 1:
        raise UnsupportedError("major version")
    minor = reader.u8()
    length = reader.u32()
    require(length <= 2**24, "body too long")
    checked = data[start : reader.position]
    crc = reader.u32()
    body = reader.take(length)
    require(crc == crc32c(checked + body), "checksum of the preamble")

    header: Header = {"minor_version": minor, "unknown": []}
    fields = Reader(body)
    tags: list[int] = []
    while fields.left:
        tag = fields.varint()
        require(not tags or tag > tags[-1], "tags that do not ascend")
        tags.append(tag)
        length = fields.varint()
        require(length > 0, "an empty field")
        field = Reader(fields.take(length))
        require(tag < 2 or 1 in tags, "no shape before the fields that need it")
        parse_field(tag, field, header)
        require(field.left == 0, "a field longer than its content")
    require(set(tags) >= REQUIRED, "a required field is missing")
    check_together(header)
    return header, reader.position


def parse_field(tag: int, field: Reader, header: Header) -> None:
    bands = header.get("bands", 0)
    match tag:
        case 1:  # 3.1
            header["rows"] = field.varint(0, 2**31 - 1)
            header["columns"] = field.varint(1, 2**31 - 1)
            header["bands"] = field.varint(1, 65535)
        case 2:
            header["wavelengths"] = parse_band_values(field, bands)
        case 3:  # 3.2
            code = field.u8()
            if code >= len(TYPES):
                raise UnsupportedError("sample type")
            header["sample_type"] = TYPES[code]
            if code >= 6:
                header["step"] = field.f64()
                require(0 < header["step"] < math.inf, "step")
        case 4:
            header["fwhm"] = parse_band_values(field, bands)
        case 5:  # 3.3
            header["tile_rows"] = field.varint(1)
            header["tile_columns"] = field.varint(1)
            require(header["tile_rows"] * header["tile_columns"] <= 2**26, "tile too large")
        case 6:
            header["wavelength_unit"] = field.text()
        case 7:  # 3.5
            header["profile"] = field.u8()
            header["profile_version"] = field.u8()
        case 8:  # 3.8
            bits = int.from_bytes(field.take((bands + 7) // 8), "little")
            require(bits >> bands == 0, "reserved bits")
            header["bad_bands"] = [bool(bits >> b & 1) for b in range(bands)]
        case 9:  # 3.6
            header["pack"] = (field.take(32), field.text())
        case 10:  # 3.10
            header["metadata"] = field.take(field.left)
        case 11:  # 3.4
            count = field.varint(1, bands)
            header["intervals"] = [
                (field.varint(1, 65535), field.varint(0, 65535)) for _ in range(count)
            ]
            require(sum(size for size, _ in header["intervals"]) == bands, "interval bands")
        case 12:
            header["software"] = field.text()
        case 13:  # 3.7
            header["nodata"] = field.f64()
        case _:
            if tag % 2:
                raise UnsupportedError(f"critical field {tag}")
            header["unknown"].append((tag, field.take(field.left)))


def parse_band_values(field: Reader, bands: int) -> list[float]:
    """3.9: wavelengths and widths."""
    d = field.u8()
    if d == 255:
        values = [field.f64() for _ in range(bands)]
        require(not any(is_decimal(values, e) for e in range(10)), "doubles instead of integers")
        return values
    require(d <= 9, "unknown encoding of band values")
    k: list[int] = []
    for i in range(bands):
        n = field.svarint()
        if i == 1:
            n += k[0]
        elif i > 1:
            n += 2 * k[i - 1] - k[i - 2]
        require(abs(n) < 2**50, "k is too large")
        k.append(n)
    values = [n / 10**d for n in k]
    require(not any(is_decimal(values, e) for e in range(d)), "needless decimals")
    return values


def is_decimal(values: list[float], d: int) -> bool:
    """Whether every value is some k / 10^d, bit by bit."""
    for value in values:
        if not math.isfinite(value) or (math.copysign(1, value) < 0 and value == 0):
            return False
        k = round(Fraction(value) * 10**d)
        if abs(k) >= 2**50 or k / 10**d != value:
            return False
    return True


def check_together(header: Header) -> None:
    """4: rules that need more than one field."""
    tiles = tiles_across(header) * -(-header["rows"] // header["tile_rows"])
    require(tiles <= 2**31, "too many tiles")


# 4 Tiles and intervals ----------------------------------------------------------------------------


def tiles_across(header: Header) -> int:
    return -(-int(header["columns"]) // int(header["tile_columns"]))


def rows_of_tile(header: Header, tile: int, rows: int) -> int:
    first = tile // tiles_across(header) * int(header["tile_rows"])
    return min(int(header["tile_rows"]), rows - first)


# 5 Chunks -----------------------------------------------------------------------------------------

MARKER = bytes.fromhex("C7 48 59 4B")


def preamble_checksum(data: bytes) -> int:
    return int.from_bytes(data[14:18], "little")


def parse_chunk_header(data: bytes, offset: int) -> dict[str, int]:
    reader = Reader(data[offset : offset + 64])
    require(reader.take(4) == MARKER, "no marker")
    chunk = {
        "kind": reader.u8(),
        "tile": reader.varint(0, 2**31 - 1),
        "interval": reader.varint(0, 65534),
        "rows": reader.varint(0, 2**31 - 1),
        "payload_length": reader.varint(0, 2**62 - 1),
        "payload_crc": reader.u32(),
        "symbols_crc": reader.u32(),
    }
    computed = crc32c(reader.data[: reader.position], preamble_checksum(data))
    require(reader.u32() == computed, "checksum of the chunk header")
    chunk["offset"] = offset
    chunk["payload_offset"] = offset + reader.position
    chunk["length"] = reader.position + chunk["payload_length"]
    return chunk


def payload(data: bytes, chunk: dict[str, int]) -> bytes:
    end = chunk["payload_offset"] + chunk["payload_length"]
    require(end <= len(data), "the stream ends inside a chunk")
    content = data[chunk["payload_offset"] : end]
    require(crc32c(content) == chunk["payload_crc"], "checksum of the payload")
    return content


# 6 Index and trailer ------------------------------------------------------------------------------


def read_index(data: bytes, header: Header, size: int) -> tuple[int, list[dict[str, int]]]:
    """Return the rows of the cube and the chunks of kind 1, in file order."""
    rows, chunks, _ = read_layered_index(data, header, size)
    return rows, chunks


def read_layered_index(
    data: bytes, header: Header, size: int
) -> tuple[int, list[dict[str, int]], list[dict[str, int]]]:
    """Return the rows of the cube, the chunks of kind 1, and the layers, in file order."""
    require(len(data) - size >= 8, "no trailer")
    trailer = Reader(data[-8:])
    length = trailer.u32()
    require(trailer.take(4) == b"HYE\n", "no end mark")
    end = len(data) - 8 - length
    require(end >= size, "the index is longer than the stream")
    chunk = parse_chunk_header(data, end)
    require(chunk["kind"] == 2 and chunk["length"] == length, "no index")
    require(
        chunk["tile"] == chunk["interval"] == chunk["rows"] == chunk["symbols_crc"] == 0,
        "reserved numbers of the index chunk",
    )
    reader = Reader(payload(data, chunk))
    rows = reader.varint(1, 2**31 - 1)
    require(header["rows"] in (0, rows), "rows")
    check_together({**header, "rows": rows})
    count = len(header["intervals"])
    positions = tiles_across(header) * -(-rows // int(header["tile_rows"])) * count

    found: dict[int, list[dict[str, int]]] = {1: [], 3: []}
    seen: dict[int, set[int]] = {1: set(), 3: set()}
    expected = {1: 0, 3: 0}
    offset = size
    for _ in range(reader.varint()):
        code = reader.varint()
        kind = reader.u8() if code == 0 else 1
        require(code != 0 or kind not in (1, 2), "kind")
        if kind in found:
            step = code - 1 if kind == 1 else reader.varint()
            position = expected[kind] + (step // 2 if step % 2 == 0 else -(step + 1) // 2)
            require(0 <= position < positions and position not in seen[kind], "position")
            seen[kind].add(position)
            expected[kind] = position + 1
            tile, interval = divmod(position, count)
            found[kind].append(
                {
                    "tile": tile,
                    "interval": interval,
                    "rows": rows_of_tile(header, tile, rows),
                    "offset": offset,
                }
            )
        elif kind < 128:
            raise UnsupportedError(f"critical chunk {kind}")
        length = reader.varint()
        require(length <= end - offset, "a chunk overlaps the index")
        if kind in found:
            found[kind][-1]["length"] = length
        offset += length
    require(reader.left == 0 and offset == end, "the index does not add up")
    require(len(seen[1]) == positions, "chunks are missing")
    require(len(seen[3]) in (0, positions), "layers are missing")
    return rows, found[1], found[3]


# 7 Reading a damaged stream -----------------------------------------------------------------------


def scan(data: bytes, size: int) -> list[dict[str, int]]:
    """Return the headers of all chunks that a scan notes, of whatever kind."""
    found: list[dict[str, int]] = []
    offset = size
    while (offset := data.find(MARKER, offset)) >= 0:
        try:
            chunk = parse_chunk_header(data, offset)
        except FormatError:
            offset += 1
            continue
        end = offset + chunk["length"]
        offset = chunk["payload_offset"]
        if end > len(data):
            continue
        found.append(chunk)
        trailer = len(data) - end == 8 and data.endswith(b"HYE\n")
        if end == len(data) or data[end : end + 4] == MARKER or trailer:
            offset = end
    return found


def metadata_text(header: Header) -> str:
    """3.10: the JSON text of the source's metadata, of at most 16 MiB."""
    inflater = zlib.decompressobj()
    text = inflater.decompress(header["metadata"], 2**24)
    require(inflater.eof and not inflater.unused_data, "metadata")
    return text.decode("utf-8")
