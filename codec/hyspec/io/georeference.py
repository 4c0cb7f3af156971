"""Georeference: ENVI ``map info`` and GeoTIFF tags, and each from the other.

Both describe an affine map from pixel to map coordinates and a coordinate reference system. The
conversion knows WGS 84 / UTM (EPSG 32601-32660 and 32701-32760), WGS 84 longitude and latitude
(EPSG 4326), and images without a coordinate reference system; anything else is left alone.

Source of the tags: OGC GeoTIFF Standard 1.1 (OGC 19-008r4), sections 7.1 and 7.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hyspec.io.envi_header import Value
from hyspec.io.samples import format_number

PIXEL_SCALE, TIEPOINT, TRANSFORMATION = 33550, 33922, 34264
GEO_KEYS, GEO_DOUBLES, GEO_TEXTS = 34735, 34736, 34737
GEO_TAGS = frozenset({PIXEL_SCALE, TIEPOINT, TRANSFORMATION, GEO_KEYS, GEO_DOUBLES, GEO_TEXTS})

_MODEL_TYPE, _RASTER_TYPE, _GEODETIC_CRS, _PROJECTED_CRS = 1024, 1025, 2048, 3072
_PIXEL_IS_POINT = 2
_SHORT, _DOUBLE = 3, 12  # TIFF data types

#: A TIFF tag in metadata: code, TIFF data type, count, and value (a list, or a text).
Tag = list[Any]


@dataclass(frozen=True)
class Georeference:
    """Affine map of an image.

    Attributes
    ----------
    origin : (float, float)
        Map coordinates (x, y) of the outer corner of the first pixel of the first row.
    column_step, row_step : (float, float)
        Change of the map coordinates from one column, or row, to the next.
    epsg : int or None
        EPSG code of the coordinate reference system; None if there is none.
    """

    origin: tuple[float, float]
    column_step: tuple[float, float]
    row_step: tuple[float, float]
    epsg: int | None


def envi_fields(tiff: dict[str, Any]) -> dict[str, Value]:
    """Return ``map info`` and ``coordinate system string`` for a TIFF source's metadata.

    Empty if it has no georeference that ENVI can express.
    """
    geo = from_tags(tags_of(tiff))
    return {} if geo is None else to_envi(geo)


def tags_of(tiff: dict[str, Any]) -> list[Tag]:
    """Return the well-formed tags of ``metadata["tiff"]``."""
    tags = tiff.get("tags", [])
    if not isinstance(tags, list):
        return []
    return [
        tag
        for tag in tags
        if isinstance(tag, list)
        and len(tag) == 4
        and all(isinstance(item, int) for item in tag[:3])
        and (
            isinstance(tag[3], str)
            or (isinstance(tag[3], list) and all(isinstance(x, int | float) for x in tag[3]))
        )
    ]


def from_envi(fields: dict[str, Value]) -> Georeference | None:
    """Return the georeference of ``map info``, or None if it is missing or of another kind."""
    info = fields.get("map info")
    if not isinstance(info, list) or len(info) < 7:
        return None
    info = [item.strip() for item in info]
    try:
        column, row, x, y, width, height = (float(item) for item in info[1:7])
        named = dict(item.lower().split("=", 1) for item in info[7:] if "=" in item)
        angle = math.radians(float(named.get("rotation", "0")))
    except ValueError:
        return None
    positional = [item.lower() for item in info[7:] if "=" not in item]
    known, epsg = _epsg(info[0].lower(), positional)
    if not known:
        return None
    # The rotation is counter-clockwise: columns run along (cos, sin), rows along (sin, -cos).
    column_step = (width * math.cos(angle), width * math.sin(angle))
    row_step = (height * math.sin(angle), -height * math.cos(angle))
    # The reference pixel counts from 1, and 1 is the outer edge of the first pixel.
    origin = (
        x - (column - 1) * column_step[0] - (row - 1) * row_step[0],
        y - (column - 1) * column_step[1] - (row - 1) * row_step[1],
    )
    return Georeference(origin, column_step, row_step, epsg)


def to_envi(geo: Georeference) -> dict[str, Value]:
    """Return the header fields of a georeference; empty for what ENVI cannot express."""
    width, height = math.hypot(*geo.column_step), math.hypot(*geo.row_step)
    angle = math.atan2(geo.column_step[1], geo.column_step[0])
    expected = (height * math.sin(angle), -height * math.cos(angle))
    if not width or not height or math.dist(expected, geo.row_step) > 1e-6 * height:
        return {}  # sheared or mirrored
    coordinates = [format_number(value) for value in (*geo.origin, width, height)]
    named = [f"rotation={format_number(round(math.degrees(angle), 9))}"] if angle else []
    if geo.epsg is None:
        return {"map info": ["Arbitrary", "1", "1", *coordinates, "0", "North", *named]}
    if geo.epsg == 4326:
        info = ["Geographic Lat/Lon", "1", "1", *coordinates, "WGS-84", "units=Degrees", *named]
        return {"map info": info, "coordinate system string": _GEOGRAPHIC}
    if geo.epsg // 100 not in (326, 327):
        return {}
    zone, south = geo.epsg % 100, geo.epsg // 100 == 327
    side = "South" if south else "North"
    info = ["UTM", "1", "1", *coordinates, str(zone), side, "WGS-84", "units=Meters", *named]
    return {"map info": info, "coordinate system string": _utm_text(zone, south)}


def from_tags(tags: list[Tag]) -> Georeference | None:
    """Return the georeference of GeoTIFF tags, or None if there is none or of another kind."""
    values = {tag[0]: tag[3] for tag in tags}
    keys = _geo_keys(values.get(GEO_KEYS))
    epsg = keys.get(_PROJECTED_CRS, keys.get(_GEODETIC_CRS))
    if keys and not (epsg is None and _MODEL_TYPE not in keys) and not _is_known(epsg):
        return None
    scale, tiepoint = values.get(PIXEL_SCALE), values.get(TIEPOINT)
    matrix = values.get(TRANSFORMATION)
    if isinstance(matrix, list) and len(matrix) == 16:
        column_step, row_step = (matrix[0], matrix[4]), (matrix[1], matrix[5])
        origin = (matrix[3], matrix[7])
    elif isinstance(scale, list) and isinstance(tiepoint, list) and len(tiepoint) == 6:
        column_step, row_step = (scale[0], 0.0), (0.0, -scale[1])
        origin = (
            tiepoint[3] - tiepoint[0] * scale[0],
            tiepoint[4] + tiepoint[1] * scale[1],
        )
    else:
        return None
    if keys.get(_RASTER_TYPE) == _PIXEL_IS_POINT:  # then it is the centre that has coordinates
        origin = (
            origin[0] - (column_step[0] + row_step[0]) / 2,
            origin[1] - (column_step[1] + row_step[1]) / 2,
        )
    return Georeference(origin, column_step, row_step, epsg)


def to_tags(geo: Georeference) -> list[Tag]:
    """Return the GeoTIFF tags of a georeference."""
    (x, y), (a, b), (c, d) = geo.origin, geo.column_step, geo.row_step
    tags: list[Tag]
    if b == 0 and c == 0 and a > 0 and d < 0:
        tags = [
            [PIXEL_SCALE, _DOUBLE, 3, [a, -d, 0.0]],
            [TIEPOINT, _DOUBLE, 6, [0.0, 0.0, 0.0, x, y, 0.0]],
        ]
    else:
        matrix = [a, c, 0.0, x, b, d, 0.0, y, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
        tags = [[TRANSFORMATION, _DOUBLE, 16, matrix]]
    if geo.epsg is not None:
        geographic = geo.epsg == 4326
        directory = [1, 1, 0, 3, _MODEL_TYPE, 0, 1, 2 if geographic else 1]
        directory += [_RASTER_TYPE, 0, 1, 1]
        directory += [_GEODETIC_CRS if geographic else _PROJECTED_CRS, 0, 1, geo.epsg]
        tags.append([GEO_KEYS, _SHORT, len(directory), directory])
    return tags


def shifted(metadata: dict[str, Any], row: int, column: int) -> dict[str, Any]:
    """Return cube metadata for an image cut out at (row, column) of the described one.

    Moves the origin of ``map info`` and of the GeoTIFF tags, and ENVI's ``x start`` and
    ``y start``; everything else is as before.
    """
    result = dict(metadata)
    envi = result.get("envi")
    if isinstance(envi, dict):
        envi = result["envi"] = dict(envi)
        info = envi.get("map info")
        if isinstance(info, list) and len(info) >= 3:
            # Moving the reference pixel leaves the coordinates' own digits alone.
            moved = [_moved(info[1], -column), _moved(info[2], -row)]
            envi["map info"] = [info[0], *moved, *info[3:]]
        for name, offset in (("x start", column), ("y start", row)):
            if name in envi:
                envi[name] = _moved(envi[name], offset)
    tiff = result.get("tiff")
    if isinstance(tiff, dict):
        tags = [_shifted_tag(tag, row, column) for tag in tags_of(tiff)]
        result["tiff"] = {**tiff, "tags": tags}
    return result


def _moved(text: Any, offset: int) -> Any:
    try:
        return format_number(float(text) + offset)
    except (TypeError, ValueError):
        return text


def _shifted_tag(tag: Tag, row: int, column: int) -> Tag:
    code, _, _, value = tag
    if code == TIEPOINT and len(value) % 6 == 0:
        steps = [-column, -row, 0, 0, 0, 0]
        value = [float(item) + steps[index % 6] for index, item in enumerate(value)]
    elif code == TRANSFORMATION and len(value) == 16:
        value = list(value)
        value[3] += column * value[0] + row * value[1]
        value[7] += column * value[4] + row * value[5]
    return [*tag[:3], value]


def _epsg(projection: str, positional: list[str]) -> tuple[bool, int | None]:
    """Return whether the kind of ``map info`` is known, and its EPSG code."""
    if projection == "arbitrary":
        return True, None
    if "wgs-84" not in positional:
        return False, None
    if projection.startswith("geographic"):
        return True, 4326
    zone = positional[0]
    if projection == "utm" and zone.isascii() and zone.isdigit() and 1 <= int(zone) <= 60:
        return True, (32700 if "south" in positional else 32600) + int(zone)
    return False, None


def _is_known(epsg: int | None) -> bool:
    return epsg == 4326 or (
        epsg is not None and epsg // 100 in (326, 327) and 1 <= epsg % 100 <= 60
    )


def _geo_keys(directory: Any) -> dict[int, int]:
    """Return the keys whose value is in the directory itself, as those with EPSG codes are."""
    if not isinstance(directory, list):
        return {}
    entries = [directory[index : index + 4] for index in range(4, len(directory) - 3, 4)]
    return {key: value for key, location, _, value in entries if location == 0}


_GEOGRAPHIC = (
    'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)


def _utm_text(zone: int, south: bool) -> str:
    """Return the coordinate system string of WGS 84 / UTM, in the well-known text ENVI reads."""
    parameters = {
        "False_Easting": 500000.0,
        "False_Northing": 10000000.0 if south else 0.0,
        "Central_Meridian": zone * 6.0 - 183.0,
        "Scale_Factor": 0.9996,
        "Latitude_Of_Origin": 0.0,
    }
    name = f"WGS_1984_UTM_Zone_{zone}{'S' if south else 'N'}"
    terms = "".join(f',PARAMETER["{key}",{value}]' for key, value in parameters.items())
    return (
        f'PROJCS["{name}",{_GEOGRAPHIC},PROJECTION["Transverse_Mercator"]{terms},UNIT["Meter",1.0]]'
    )
