"""TIFF and GeoTIFF files: both planar configurations, and pages as bands."""

from __future__ import annotations

import contextlib
import logging
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from hyspec.cube import Cube
from hyspec.errors import DataError, MissingDependencyError, UsageError
from hyspec.io import envi, gdal_metadata, georeference
from hyspec.io.axes import as_cube
from hyspec.io.envi_header import Value
from hyspec.io.layout import ReadOptions, Template, byte_order_mark, checked_interleave
from hyspec.io.outputs import Output, flush, replacing, reserve, writing
from hyspec.io.samples import format_number, nodata_for, parse_nodata, supported_samples

DESCRIPTION, SOFTWARE, DATE_TIME = 270, 305, 306
GDAL_METADATA, GDAL_NODATA = 42112, 42113
#: Tags that are kept as metadata: beside the above, artist, copyright and the rational
#: polynomial coefficients of the sensor model.
KEPT_TAGS = georeference.GEO_TAGS | {
    DESCRIPTION,
    SOFTWARE,
    DATE_TIME,
    315,
    33432,
    50844,
    GDAL_METADATA,
    GDAL_NODATA,
}
#: Of these, the tags for which tifffile has an argument.
OWN_ARGUMENT = frozenset({DESCRIPTION, SOFTWARE, DATE_TIME})
#: Storage of the bands, by the axes in the file.
LAYOUTS = {"contig": "rcb", "separate": "brc", "pages": "brc"}

#: Most samples per pixel that tag 277, a 16-bit number, can state.
MAX_SAMPLES = 65535

_ASCII = 2  # TIFF data type
_STRIP_BYTES = 1 << 20


def read(path: Path, options: ReadOptions) -> Cube:
    """Read a TIFF cube, as a memory map where it is stored contiguously and uncompressed.

    ``options.variable`` selects one of several images by number; ``options.axes`` overrides the
    axes of a stack that was written with another meaning, for instance ``"rcb"`` for an array
    whose rows became pages. ``metadata["tiff"]`` holds the tags named in ``KEPT_TAGS``, the
    storage of the bands, the byte order and the number of bands.

    Raises
    ------
    DataError
        The file is damaged or holds no cube.
    MissingDependencyError
        Its compression needs the package imagecodecs.
    """
    with _reporting(path), tifffile.TiffFile(path) as file:
        series = _select(file, path, options.variable)
        page = series.keyframe
        array, axes = _samples(path, series)
        tags = _kept_tags(file, page)
        storage = _storage(page)
        byte_order = "big" if file.byteorder == ">" else "little"
    if options.axes is not None:
        array = as_cube(array, options.axes, options.rows, options.columns)
    else:
        array = as_cube(array, axes)
    array = supported_samples(array, str(path))
    bands = array.shape[2]
    items = gdal_metadata.parse(_text_tag(tags, GDAL_METADATA))
    axis = gdal_metadata.spectral_axis(items, bands)
    tiff = {"tags": tags, "layout": storage, "byte_order": byte_order, "bands": bands}
    metadata: dict[str, Any] = {"tiff": tiff}
    fields = gdal_metadata.envi_fields(items)
    for name in (*envi.DERIVED_FIELDS, "interleave", "byte order"):
        fields.pop(name, None)
    names = gdal_metadata.descriptions(items, bands)
    # What the tags say is current; the same in an ENVI header of long ago may not be.
    georeferenced = georeference.from_tags(tags) is not None
    outdated = {"map info", "coordinate system string"} if georeferenced else set()
    fields = {name: value for name, value in fields.items() if name not in outdated}
    if names:
        fields["band names"] = names
    if fields:
        metadata["envi"] = fields
    nodata = parse_nodata(_text_tag(tags, GDAL_NODATA), str(path))
    return Cube(
        array,
        wavelengths=axis.wavelengths,
        fwhm=axis.fwhm,
        wavelength_unit=axis.wavelength_unit,
        nodata=nodata_for(nodata, array.dtype),
        bad_bands=axis.bad_bands,
        metadata=metadata,
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
    """Create an uncompressed TIFF and yield its memory-mapped samples.

    ``interleave`` is ``"bsq"`` (one plane per band) or ``"bip"`` (bands of a pixel together);
    it defaults to the storage of the source, if that was TIFF or ENVI, else to ``"bsq"``.
    """
    storage = _storage_for(template, interleave)
    section = template.section("tiff")
    source_order = section.get("byte_order")
    if byte_order is None:
        byte_order = source_order if source_order in ("little", "big") else "little"
    rows, columns, bands = template.shape
    shape = {"r": rows, "c": columns, "b": bands}
    axes = LAYOUTS[storage] if bands > 1 else "rc"
    itemsize = template.dtype.itemsize * (bands if storage == "contig" else 1)
    tags = _tags_for(template)
    with replacing(path, force=force) as (temporary,):
        with writing(path):
            samples = tifffile.memmap(
                temporary,
                shape=tuple(shape[name] for name in axes),
                dtype=template.dtype.newbyteorder("="),
                byteorder=byte_order_mark(byte_order),
                **_colours(template),
                planarconfig=storage if bands > 1 and storage != "pages" else None,
                rowsperstrip=min(rows, max(1, _STRIP_BYTES // (columns * itemsize))),
                metadata=None,
                description=_ascii(_text_tag(tags, DESCRIPTION)),
                software=_ascii(_text_tag(tags, SOFTWARE)) or "hyspec",
                datetime=_date_time(tags),
                extratags=[_extra_tag(tag) for tag in tags if tag[0] not in OWN_ARGUMENT],
            )
            reserve(temporary)
        yield Output(as_cube(samples, axes))
        with writing(path):
            flush(samples)


class _Records(logging.Handler):
    """Collects what tifffile logs, instead of raising, about damaged files."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextlib.contextmanager
def _reporting(path: Path) -> Iterator[None]:
    """Turn everything that tifffile raises or logs as an error into DataError.

    tifffile logs, and goes on with the pages before it, when a page lies beyond the end of a
    truncated file; a cube with some of its bands must not pass for the whole.
    """
    records = _Records()
    logger = logging.getLogger("tifffile")
    logger.addHandler(records)
    hint = "fetch the file again, or rewrite it with another program"
    try:
        yield
    except (DataError, UsageError):
        raise
    except Exception as error:  # decoders raise whatever damaged bytes lead them to
        if "imagecodecs" in str(error):
            raise MissingDependencyError(
                f"{path}: its compression needs imagecodecs", hint="pip install imagecodecs"
            ) from error
        reason = str(error) or type(error).__name__
        raise DataError(f"{path} is no readable TIFF file: {reason}", hint=hint) from error
    finally:
        logger.removeHandler(records)
    if records.messages:
        raise DataError(f"{path} is a damaged TIFF file: {records.messages[0]}", hint=hint)


def _select(file: tifffile.TiffFile, path: Path, variable: str | None) -> Any:
    series = [item for item in file.series if not item.keyframe.is_reduced]
    series = series or list(file.series)
    listing = ", ".join(f"{index}: {item.shape}" for index, item in enumerate(series))
    if variable is not None:
        if not (variable.isascii() and variable.isdigit() and int(variable) < len(series)):
            raise UsageError(
                f"{path}: no image {variable!r}; it holds {listing}",
                hint="select an image by its number",
            )
        return series[int(variable)]
    if len(series) != 1:
        raise DataError(
            f"{path} holds {len(series)} images of different shapes: {listing}",
            hint="select one by its number with --variable NUMBER (variable= in Python)",
        )
    return series[0]


def _samples(path: Path, series: Any) -> tuple[npt.NDArray[Any], str]:
    """Return the samples as stored, and their axes."""
    letters = series.get_axes(False)
    shape = series.get_shape(False)
    axes, lengths = "", []
    for letter, length in zip(letters, shape, strict=True):
        if letter in "YX" or length > 1:
            axes += {"Y": "r", "X": "c"}.get(letter, "b")
            lengths.append(length)
    if sorted(axes) not in (["b", "c", "r"], ["c", "r"]):
        raise DataError(
            f"{path}: an image of shape {shape} with axes {letters} is no cube",
            hint="expected rows, columns and one more axis for the bands",
        )
    if series.dtype is None:
        raise DataError(f"{path}: its sample type is not supported")
    if series.dataoffset is not None:
        dtype = series.dtype.newbyteorder(series.keyframe.parent.byteorder)
        end = series.dataoffset + dtype.itemsize * math.prod(lengths)
        found = path.stat().st_size
        if end > found:
            raise DataError(
                f"{path} is truncated: found {found} bytes; expected {end} or more",
                hint="fetch the file again",
            )
        mapped = np.memmap(path, dtype, "r", series.dataoffset, tuple(lengths))
        return mapped, axes
    return series.asarray().reshape(lengths), axes


def _storage(page: Any) -> str:
    if page.samplesperpixel == 1:
        return "pages"
    return "separate" if int(page.planarconfig) == 2 else "contig"


def _storage_for(template: Template, interleave: str | None) -> str:
    if interleave is not None:
        interleave = checked_interleave(interleave)
        if interleave == "bil":
            raise UsageError("TIFF has no line interleave", hint="use bsq or bip")
        return "contig" if interleave == "bip" else "separate"
    source = template.section("tiff").get("layout")
    if template.bands > MAX_SAMPLES:
        return "pages"
    if source in LAYOUTS:
        return str(source)
    return "contig" if template.section("envi").get("interleave") == "bip" else "separate"


def _kept_tags(file: tifffile.TiffFile, page: Any) -> list[georeference.Tag]:
    kept: list[georeference.Tag] = []
    # These programs describe the axes of the file in the image description.
    generated = file.is_shaped or file.is_imagej or file.is_ome
    for tag in page.tags.values():
        if tag.code not in KEPT_TAGS or (tag.code == DESCRIPTION and generated):
            continue
        value = tag.value
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        if not isinstance(value, str):
            value = list(value) if isinstance(value, tuple | list) else [value]
        count = len(value.encode()) + 1 if isinstance(value, str) else len(value)
        kept.append([int(tag.code), int(tag.dtype), count, value])
    return georeference.tags_of({"tags": kept})


def _text_tag(tags: list[georeference.Tag], code: int) -> str:
    return next((tag[3] for tag in tags if tag[0] == code and isinstance(tag[3], str)), "")


def _tags_for(template: Template) -> list[georeference.Tag]:
    """Return the tags of a file to be written: those of the source, brought up to date."""
    section = template.section("tiff")
    tags = georeference.tags_of(section)
    fields: dict[str, Value] = envi.kept_fields(template)
    for name in ("interleave", "byte order"):
        fields.pop(name, None)
    if not any(tag[0] in georeference.GEO_TAGS for tag in tags):
        geo = georeference.from_envi(fields)
        if geo is not None:
            tags += georeference.to_tags(geo)
            del fields["map info"]
            fields.pop("coordinate system string", None)
    else:
        fields.pop("map info", None)
        fields.pop("coordinate system string", None)
    items = gdal_metadata.for_template(
        template,
        gdal_metadata.parse(_text_tag(tags, GDAL_METADATA)),
        section.get("bands"),
        fields,
    )
    tags = [tag for tag in tags if tag[0] not in (GDAL_METADATA, GDAL_NODATA)]
    if items:
        xml = gdal_metadata.build(items).decode("ascii")
        tags.append([GDAL_METADATA, _ASCII, len(xml) + 1, xml])
    if template.nodata is not None:
        text = format_number(template.nodata)
        tags.append([GDAL_NODATA, _ASCII, len(text) + 1, text])
    return tags


def _colours(template: Template) -> dict[str, Any]:
    """Say what samples look like: those of a map of 8 bits may be numbers of colours.

    ``metadata["tiff"]["colours"]`` holds red, green and blue from 0 to 255 of each number.
    """
    try:
        table = np.array(template.section("tiff").get("colours", []), np.uint8)
    except (OverflowError, TypeError, ValueError):
        table = np.zeros(0, np.uint8)
    mapped = table.ndim == 2 and table.shape[1] == 3 and len(table) <= 256
    if not mapped or template.dtype != np.uint8 or template.bands != 1:
        return {"photometric": "minisblack"}
    colormap = np.zeros((3, 256), np.uint16)
    colormap[:, : len(table)] = table.T * np.uint16(257)  # 255 becomes 65535
    return {"photometric": "palette", "colormap": colormap}


def _extra_tag(tag: georeference.Tag) -> tuple[int, int, int | None, Any, bool]:
    code, dtype, _, value = tag
    if isinstance(value, str):
        return code, _ASCII, None, _ascii(value), True
    return code, dtype, len(value), tuple(value), True


def _date_time(tags: list[georeference.Tag]) -> str | None:
    text = _text_tag(tags, DATE_TIME).strip()
    return text if re.fullmatch(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d", text, re.ASCII) else None


def _ascii(text: str) -> bytes | None:
    """Return the bytes of a TIFF text; UTF-8 is what GDAL and tifffile read beyond ASCII."""
    return text.encode("utf-8") or None
