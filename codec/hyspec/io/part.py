"""What the metadata of a cube's source say about a part of the cube."""

from __future__ import annotations

from typing import Any

from hyspec.io.envi import PER_BAND_FIELDS
from hyspec.io.georeference import GEO_TAGS, shifted, tags_of

#: ENVI fields, and TIFF tags beside those of GeoTIFF, that say where pixels lie.
_PLACE_FIELDS = (
    "map info",
    "projection info",
    "coordinate system string",
    "geo points",
    "rpc info",
    "pixel size",
    "x start",
    "y start",
)
_RPC_COEFFICIENTS = 50844


def metadata_of_place(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return what the metadata of a cube say about where its pixels lie, for a map of them."""
    result: dict[str, Any] = {}
    envi = metadata.get("envi")
    if isinstance(envi, dict):
        result["envi"] = {name: envi[name] for name in _PLACE_FIELDS if name in envi}
    tiff = metadata.get("tiff")
    if isinstance(tiff, dict):
        kept = GEO_TAGS | {_RPC_COEFFICIENTS}
        result["tiff"] = {"tags": [tag for tag in tags_of(tiff) if tag[0] in kept]}
    return {name: section for name, section in result.items() if any(section.values())}


def metadata_of_part(
    metadata: dict[str, Any], shape: tuple[int, int, int], rows: range, columns: range, bands: range
) -> dict[str, Any]:
    """Return the metadata of a part of a cube.

    The georeference moves to the part's first pixel, and ENVI's lists with one entry per band keep
    the entries of the part's bands.

    Parameters
    ----------
    metadata
        Metadata of the whole cube.
    shape
        Rows, columns and bands of the whole cube.
    rows, columns, bands
        The part; ranges of step 1.
    """
    if rows.start or columns.start:
        metadata = shifted(metadata, rows.start, columns.start)
    envi = metadata.get("envi")
    if len(bands) == shape[2] or not isinstance(envi, dict):
        return metadata
    chosen = {
        name: value[bands.start : bands.stop]
        for name, value in envi.items()
        if name in PER_BAND_FIELDS and isinstance(value, list) and len(value) == shape[2]
    }
    return {**metadata, "envi": {**envi, **chosen}}
