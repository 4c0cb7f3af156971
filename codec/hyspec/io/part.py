"""What the metadata of a cube's source say about a part of the cube."""

from __future__ import annotations

from typing import Any

from hyspec.io.envi import PER_BAND_FIELDS
from hyspec.io.georeference import shifted


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
