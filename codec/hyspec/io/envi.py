"""ENVI files: a text header (``.hdr``) and a binary data file beside it."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.cube import Cube
from hyspec.errors import DataError, UsageError
from hyspec.io import georeference
from hyspec.io.axes import as_cube
from hyspec.io.envi_header import Value, format_header, is_fields, read_header
from hyspec.io.layout import FILE_AXES, RawLayout, Template, checked_interleave
from hyspec.io.outputs import Output, flush, replacing, reserve, writing
from hyspec.io.raw import map_samples
from hyspec.io.samples import format_number, nodata_for, parse_nodata, supported_samples
from hyspec.io.spectral_axis import SpectralAxis, from_band_names, numbers

#: Codes of field "data type".
DTYPES = {
    "1": "uint8",
    "2": "int16",
    "3": "int32",
    "4": "float32",
    "5": "float64",
    "12": "uint16",
    "13": "uint32",
    "14": "int64",
    "15": "uint64",
}
COMPLEX_CODES = ("6", "9")
#: ENVI has no signed byte; int8 is written as int16, which holds every value.
CODES = {name: code for code, name in DTYPES.items()} | {"int8": "2"}

#: Suffixes of data files, beside none and the interleave.
DATA_SUFFIXES = ("img", "dat", "raw", "bin", "bsq", "bil", "bip", "cube")

#: Fields that follow from the cube; all others are kept as metadata.
DERIVED_FIELDS = frozenset(
    {
        "samples",
        "lines",
        "bands",
        "header offset",
        "data type",
        "file compression",
        "wavelength",
        "fwhm",
        "wavelength units",
        "bbl",
        "data ignore value",
    }
)

#: Kept fields with one entry per band; they mean nothing for another number of bands.
PER_BAND_FIELDS = frozenset(
    {
        "band names",
        "correction factors",
        "data gain values",
        "data offset values",
        "data reflectance gain values",
        "data reflectance offset values",
        "solar irradiance",
    }
)


def header_beside(data: Path) -> Path | None:
    """Return the header that belongs to a data file, ``name.ext.hdr`` or ``name.hdr``, if any."""
    for stem in (data, data.with_suffix("")):
        for suffix in (".hdr", ".HDR"):
            header = stem.with_name(stem.name + suffix)
            if header.is_file() and header != data:
                return header
    return None


def read(path: Path) -> Cube:
    """Read an ENVI cube, given its header or its data file.

    The samples are a memory map, except of a gzip-compressed data file, which is inflated in
    memory. The fields that do not follow from the cube are in ``metadata["envi"]``, as texts and
    lists of texts.

    Raises
    ------
    DataError
        A file is missing, the header is malformed, or its sizes disagree with the data file.
    """
    if path.suffix.lower() == ".hdr":
        header, data = path, None
    else:
        found = header_beside(path)
        if found is None:
            raise DataError(f"{path} has no ENVI header beside it")
        header, data = found, path
    fields = read_header(header)
    layout = _layout(fields, header)
    data = data or _data_beside(header, layout)
    samples = supported_samples(_samples(data, header, layout, fields), str(data))
    axis = _spectral_axis(fields, layout.bands, str(header))
    nodata = parse_nodata(_text(fields.get("data ignore value", "")), str(header))
    return Cube(
        samples,
        wavelengths=axis.wavelengths,
        fwhm=axis.fwhm,
        wavelength_unit=axis.wavelength_unit,
        nodata=nodata_for(nodata, samples.dtype),
        bad_bands=axis.bad_bands,
        metadata={
            "envi": {name: value for name, value in fields.items() if name not in DERIVED_FIELDS}
        },
    )


@contextlib.contextmanager
def create(
    path: Path,
    template: Template,
    *,
    force: bool = False,
    interleave: str | None = None,
    byte_order: str | None = None,
) -> Iterator[Output]:
    """Create ``name.hdr`` and ``name.img`` and yield the memory-mapped samples.

    Interleave and byte order default to those of the source if it was ENVI, else to band
    sequential and little-endian. A header named ``name.img.hdr`` gets the data file ``name.img``.
    Samples of type int8, which ENVI does not know, are stored as int16.
    """
    fields = kept_fields(template)
    interleave = checked_interleave(interleave or _text(fields.get("interleave", "bsq")))
    source_order = "big" if fields.get("byte order") == "1" else "little"
    layout = RawLayout(
        *template.shape,
        dtype=DTYPES[CODES[template.dtype.name]],
        interleave=interleave,
        byte_order=byte_order or source_order,
    )
    data = data_for(path)
    for other in data_beside(path, interleave):
        if other.resolve() != data.resolve():
            raise UsageError(
                f"{other} lies beside {path}, whose data would be in {data}: a reader would take "
                "one for the other",
                hint="choose another name or folder",
            )
    with replacing(data, path, force=force) as (temporary_data, temporary_header):
        with writing(path):
            temporary_header.write_text(_header(template, layout, fields), encoding="utf-8")
            with temporary_data.open("xb") as file:
                file.truncate(layout.nbytes)
            reserve(temporary_data)
            samples = map_samples(temporary_data, layout, mode="r+")
        yield Output(samples)
        with writing(path):
            flush(samples)


def data_for(header: Path) -> Path:
    """Return the data file that :func:`create` writes beside a header."""
    data = header.with_suffix("")
    if data.suffix.lower().lstrip(".") in DATA_SUFFIXES:
        return data
    return header.with_suffix(".img")


def kept_fields(template: Template) -> dict[str, Value]:
    """Return the source's header fields that still hold for the template."""
    section = template.section("envi")
    if not is_fields(section):
        return {}
    return {
        name: value
        for name, value in section.items()
        if name not in DERIVED_FIELDS
        and not (
            name in PER_BAND_FIELDS and isinstance(value, list) and len(value) != template.bands
        )
    }


def _layout(fields: dict[str, Value], header: Path) -> RawLayout:
    code = _text(fields.get("data type", ""))
    if code in COMPLEX_CODES:
        raise DataError(
            f"{header}: complex samples (data type {code}) are not supported",
            hint="store the real and imaginary parts, or the magnitude, as bands of a real type",
        )
    if code not in DTYPES:
        raise DataError(
            f"{header}: data type {code!r}; expected one of {', '.join(DTYPES)}",
            hint="correct field 'data type' in the header",
        )
    interleave = _text(fields.get("interleave", "")).lower()
    if interleave not in FILE_AXES:
        raise DataError(
            f"{header}: interleave {interleave!r}; expected bsq, bil or bip",
            hint="correct field 'interleave' in the header",
        )
    byte_order = _text(fields.get("byte order", "0"))
    if byte_order not in ("0", "1"):
        raise DataError(
            f"{header}: byte order {byte_order!r}; expected 0 or 1",
            hint="correct field 'byte order' in the header",
        )
    for name in ("major frame offsets", "minor frame offsets"):
        if any(item.strip(" 0") for item in fields.get(name, [])):
            raise DataError(
                f"{header}: field {name!r} is not zero; frame offsets are not supported",
                hint="rewrite the file without frame offsets",
            )
    if _text(fields.get("file type", "")).lower() == "envi spectral library":
        raise DataError(f"{header} is a spectral library; expected an image")
    return RawLayout(
        rows=_count(fields, "lines", header),
        columns=_count(fields, "samples", header),
        bands=_count(fields, "bands", header),
        dtype=DTYPES[code],
        interleave=interleave,
        byte_order="big" if byte_order == "1" else "little",
        offset=_count(fields, "header offset", header, least=0, default="0"),
    )


def _count(
    fields: dict[str, Value], name: str, header: Path, *, least: int = 1, default: str = ""
) -> int:
    text = _text(fields.get(name, default))
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) < least:
        raise DataError(
            f"{header}: {name} = {text!r}; expected a whole number, {least} or more"
            if name in fields
            else f"{header}: field {name!r} is missing",
            hint=f"correct field {name!r} in the header",
        )
    return int(text)


def _text(value: Value) -> str:
    return value.strip() if isinstance(value, str) else ", ".join(value)


def data_beside(header: Path, *suffixes: str) -> list[Path]:
    """Return the existing files that may hold a header's data, those of ``suffixes`` first."""
    base = header.with_suffix("")
    names = [base.name]
    for suffix in (*suffixes, *DATA_SUFFIXES):
        names += [f"{base.name}.{suffix}", f"{base.name}.{suffix.upper()}"]
    return [base.with_name(name) for name in names if base.with_name(name).is_file()]


def _data_beside(header: Path, layout: RawLayout) -> Path:
    """Return the data file of a header; of several that exist, the one of the right size."""
    base = header.with_suffix("")
    found = data_beside(header, layout.interleave)
    fitting = [data for data in found if data.stat().st_size == layout.nbytes]
    if len({data.resolve() for data in fitting}) > 1:
        raise DataError(
            f"{' and '.join(map(str, fitting))} could both be the data of {header}",
            hint="name the data file instead of the header, if its header is beside it, or move "
            "the other one away",
        )
    if fitting:
        return fitting[0]
    if not found:
        raise DataError(
            f"the data file of {header} is missing",
            hint=f"put it beside the header as {base.name} or {base.name}.{layout.interleave}, "
            f"or one of .{', .'.join(DATA_SUFFIXES)}",
        )
    return found[0]


def _samples(
    data: Path, header: Path, layout: RawLayout, fields: dict[str, Value]
) -> npt.NDArray[Any]:
    found = data.stat().st_size
    if found == layout.nbytes:
        return map_samples(data, layout)
    compressed = _text(fields.get("file compression", "0")) not in ("", "0")
    if compressed:
        content = _inflate(data, layout.nbytes)
        found = len(content)
        if found == layout.nbytes:
            axes = FILE_AXES[layout.interleave]
            lengths = {"r": layout.rows, "c": layout.columns, "b": layout.bands}
            flat = np.frombuffer(content, layout.file_dtype, offset=layout.offset)
            return as_cube(flat.reshape([lengths[name] for name in axes]), axes)
    kind = "bytes after decompression" if compressed else "bytes"
    raise DataError(
        f"{data}: found {found} {kind}; expected {layout.nbytes} bytes for {layout.rows} lines x "
        f"{layout.columns} samples x {layout.bands} bands of {layout.dtype} after "
        f"{layout.offset} bytes, as {header.name} says",
        hint="fetch the data file again, or correct lines, samples, bands, data type or header "
        "offset in the header",
    )


def _inflate(data: Path, limit: int) -> bytes:
    """Return a gzip-compressed file's content, up to one byte more than ``limit``."""
    inflater = zlib.decompressobj(wbits=31)
    try:
        return inflater.decompress(data.read_bytes(), limit + 1)
    except zlib.error as error:
        raise DataError(
            f"{data} is damaged: {error}",
            hint="the header says 'file compression = 1', so the data file must be gzip",
        ) from error


def _spectral_axis(fields: dict[str, Value], bands: int, source: str) -> SpectralAxis:
    axis = SpectralAxis()
    names = fields.get("band names", [])
    if "wavelength" in fields:
        axis.wavelengths = _numbers(fields, "wavelength", bands, source)
        axis.wavelength_unit = _text(fields.get("wavelength units", "")) or None
    elif isinstance(names, list):
        axis = from_band_names(names, bands)
    if "fwhm" in fields:
        axis.fwhm = _numbers(fields, "fwhm", bands, source)
    if "bbl" in fields:
        axis.bad_bands = _numbers(fields, "bbl", bands, source) == 0
    return axis


def _numbers(
    fields: dict[str, Value], name: str, bands: int, source: str
) -> npt.NDArray[np.float64]:
    value = fields[name]
    return numbers([value] if isinstance(value, str) else value, bands, name, source)


def _header(template: Template, layout: RawLayout, kept: dict[str, Value]) -> str:
    fields: dict[str, Value] = {}
    if "description" in kept:
        fields["description"] = kept["description"]
    fields |= {
        "samples": str(layout.columns),
        "lines": str(layout.rows),
        "bands": str(layout.bands),
        "header offset": "0",
        "file type": "ENVI Standard",
        "data type": CODES[layout.dtype],
        "interleave": layout.interleave,
        "byte order": "1" if layout.byte_order == "big" else "0",
    }
    if "map info" not in kept:
        fields |= georeference.envi_fields(template.section("tiff"))
    fields |= {name: value for name, value in kept.items() if name not in fields}
    if "file type" in kept:
        fields["file type"] = kept["file type"]
    if template.nodata is not None:
        fields["data ignore value"] = format_number(template.nodata)
    if template.wavelength_unit is not None:
        fields["wavelength units"] = template.wavelength_unit
    if template.wavelengths is not None:
        fields["wavelength"] = [repr(float(value)) for value in template.wavelengths]
    if template.fwhm is not None:
        fields["fwhm"] = [repr(float(value)) for value in template.fwhm]
    if template.bad_bands is not None:
        fields["bbl"] = ["0" if bad else "1" for bad in template.bad_bands]
    return format_header(fields)
