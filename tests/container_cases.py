"""What headers, chunks and errors of streams hold, in the words of the golden files."""

from typing import Any

from hyspec import _core


def describe(header: _core.Header) -> dict[str, Any]:
    """The header's values as in the golden files: what is absent left out, floats by repr."""
    floats = (header.wavelengths, header.fwhm)
    wavelengths, fwhm = ([repr(v) for v in values] if values else None for values in floats)
    values = {
        "minor_version": header.minor_version,
        "rows": header.rows,
        "columns": header.columns,
        "bands": header.bands,
        "sample_type": header.sample_type,
        "step": repr(header.step) if header.step is not None else None,
        "tile_rows": header.tile_rows,
        "tile_columns": header.tile_columns,
        "profile": header.profile,
        "profile_version": header.profile_version,
        "intervals": [list(interval) for interval in header.intervals],
        "wavelengths": wavelengths,
        "fwhm": fwhm,
        "wavelength_unit": header.wavelength_unit,
        "bad_bands": header.bad_bands,
        "pack": [header.pack[0].hex(), header.pack[1]] if header.pack else None,
        "metadata": header.metadata.hex(),
        "software": header.software,
        "nodata": repr(header.nodata) if header.nodata is not None else None,
        "unknown": [[tag, content.hex()] for tag, content in header.unknown],
    }
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def describe_reference(header: dict[str, Any]) -> dict[str, Any]:
    """The same of what the plain-Python reader returns."""
    values = dict(header)
    for name in ("wavelengths", "fwhm"):
        if name in values:
            values[name] = [repr(v) for v in values[name]]
    for name in ("step", "nodata"):
        if name in values:
            values[name] = repr(values[name])
    if "pack" in values:
        values["pack"] = [values["pack"][0].hex(), values["pack"][1]]
    if "metadata" in values:
        values["metadata"] = values["metadata"].hex()
    values["intervals"] = [list(interval) for interval in values["intervals"]]
    values["unknown"] = [[tag, content.hex()] for tag, content in values["unknown"]]
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def describe_chunks(data: bytes, index: _core.Index) -> list[dict[str, Any]]:
    result = []
    for entry in index.chunks:
        info = _core.check_chunk(data, entry)
        payload = data[info.payload_offset : info.payload_offset + info.payload_length]
        result.append(
            {
                "tile": entry.tile,
                "interval": entry.interval,
                "rows": entry.rows,
                "offset": entry.offset,
                "length": entry.length,
                "symbols_crc": info.symbols_crc,
                "payload": payload.hex(),
            }
        )
    return result


def error_name(error: _core.CoreError) -> str:
    code, offset, name, text = error.args
    assert isinstance(code, int)
    assert offset >= 0
    assert len(text) > 10
    return str(name)
