"""The text header of an ENVI file: parsing and writing, with every field kept.

A header is a first line ``ENVI`` followed by ``name = value`` fields; a value in braces is a list,
or a text, and may span lines. Names are case-insensitive and lower case here. Lines that begin
with ``;`` are comments.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hyspec.errors import DataError

#: A field: plain text, or the items of a list in braces.
Value = str | list[str]

#: Fields whose braces hold one text, in which a comma separates nothing.
TEXT_FIELDS = frozenset({"description", "coordinate system string"})

#: Headers longer than this are some other kind of file.
MAX_HEADER_BYTES = 64 * 1024 * 1024

_LINE_WIDTH = 96


def read_header(path: Path) -> dict[str, Value]:
    """Read the fields of an ENVI header file.

    Raises
    ------
    DataError
        The file does not begin with ``ENVI``, or a brace is not closed.
    """
    with path.open("rb") as file:
        start = file.read(16)
        if not start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"ENVI"):
            raise DataError(
                f"{path} is no ENVI header: its first line is not ENVI",
                hint="give the .hdr file that belongs to the data",
            )
        raw = start + file.read(MAX_HEADER_BYTES)
    if len(raw) > MAX_HEADER_BYTES:
        raise DataError(f"{path} is no ENVI header: it is larger than {MAX_HEADER_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # ENVI itself writes the system's single-byte encoding
    return parse_header(text, str(path))


def parse_header(text: str, source: str) -> dict[str, Value]:
    """Return the fields of a header text; see :func:`read_header`."""
    fields: dict[str, Value] = {}
    lines = iter(text.splitlines()[1:])
    for line in lines:
        name, separator, value = line.partition("=")
        if line.startswith(";") or not separator:
            continue
        name, value = name.strip().lower(), value.strip()
        if not value.startswith("{"):
            fields[name] = value
            continue
        parts = [value]
        while not parts[-1].endswith("}"):
            following = next(lines, None)
            if following is None:
                raise DataError(
                    f"{source}: the braces of field {name!r} are not closed",
                    hint="the header is cut short; fetch it again or correct it",
                )
            if not following.startswith(";"):
                parts.append(following.strip())
        content = "\n".join(parts)[1:-1].strip()
        fields[name] = content if name in TEXT_FIELDS else split_list(content)
    return fields


def split_list(content: str) -> list[str]:
    """Return the items of a comma-separated list, stripped, without an empty last one."""
    items = [item.strip() for item in content.split(",")]
    return items[:-1] if items[-1] == "" else items


def format_header(fields: dict[str, Value]) -> str:
    """Return the text of a header with these fields, in their order."""
    lines = ["ENVI"]
    for name, value in fields.items():
        lines.append(f"{_clean(name)} = {format_value(name, value)}")
    return "\n".join(lines) + "\n"


def format_value(name: str, value: Value) -> str:
    """Return a value as it stands in a header: lists and texts in braces, long lists wrapped."""
    if isinstance(value, str):
        if name in TEXT_FIELDS:
            return "{" + "\n".join(_clean(line) for line in value.splitlines()) + "}"
        return _clean(value)
    text, width = "", len(name) + 4
    for index, item in enumerate(_clean(item) for item in value):
        if index and width + len(item) > _LINE_WIDTH:
            text, width = text + ",\n ", 1
        elif index:
            text, width = text + ", ", width + 2
        text, width = text + item, width + len(item)
    return "{" + text + "}"


def _clean(text: str) -> str:
    """Remove what would end a field early; such text can come from the header of another format."""
    return " ".join(text.replace("{", "(").replace("}", ")").split("\n"))


def is_fields(candidate: Any) -> bool:
    """Tell whether metadata of unknown origin has the form of header fields."""
    return isinstance(candidate, dict) and all(
        isinstance(name, str)
        and "=" not in name
        and (
            isinstance(value, str)
            or (isinstance(value, list) and all(isinstance(item, str) for item in value))
        )
        for name, value in candidate.items()
    )
