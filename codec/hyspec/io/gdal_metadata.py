"""GDAL's metadata in TIFF tag 42112: an XML list of items for the image or one of its bands.

``<Item name="wavelength" sample="0">418.24</Item>`` belongs to the first band, an item without
``sample`` to the image. Names, roles and domains follow GDAL's GeoTIFF and ENVI drivers, so that
the spectral axis survives in both directions between GDAL and hyspec.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyspec.io.envi_header import TEXT_FIELDS, Value, format_value, split_list
from hyspec.io.layout import Template
from hyspec.io.samples import format_number
from hyspec.io.spectral_axis import SpectralAxis, flags, from_band_names

#: Names of the items that hold the spectral axis, one per band.
SPECTRAL_NAMES = frozenset({"wavelength", "wavelength_units", "fwhm", "bbl"})
#: Domain in which GDAL keeps the fields of an ENVI header.
ENVI_DOMAIN = "ENVI"


@dataclass(frozen=True)
class Item:
    """One metadata item; ``sample`` is the band, counted from 0, or None for the image."""

    name: str
    text: str
    sample: int | None = None
    role: str | None = None
    domain: str | None = None


def parse(xml: str) -> list[Item]:
    """Return the items of the tag; none if it is not well-formed."""
    try:
        root = ET.fromstring(xml)
    except ET.ParseError:
        return []
    items = []
    for element in root.iter("Item"):
        sample = element.get("sample", "")
        items.append(
            Item(
                name=element.get("name", ""),
                text=element.text or "",
                sample=int(sample) if sample.isascii() and sample.isdigit() else None,
                role=element.get("role"),
                domain=element.get("domain"),
            )
        )
    return items


def build(items: list[Item]) -> bytes:
    """Return the value of the tag, in ASCII with character references."""
    root = ET.Element("GDALMetadata")
    for item in items:
        attributes = {"name": item.name}
        if item.sample is not None:
            attributes["sample"] = str(item.sample)
        if item.role is not None:
            attributes["role"] = item.role
        if item.domain is not None:
            attributes["domain"] = item.domain
        ET.SubElement(root, "Item", attributes).text = item.text
    ET.indent(root)
    xml: bytes = ET.tostring(root, encoding="us-ascii", xml_declaration=False)
    return xml


def spectral_axis(items: list[Item], bands: int) -> SpectralAxis:
    """Return the spectral axis of the items.

    Looks for one ``wavelength``, ``fwhm`` and ``bbl`` per band; GDAL's IMAGERY domain
    (``CENTRAL_WAVELENGTH_UM``, ``FWHM_UM``); and wavelengths in the band descriptions.
    """
    axis = SpectralAxis(
        wavelengths=_floats(_per_band(items, "wavelength", bands)),
        fwhm=_floats(_per_band(items, "fwhm", bands)),
    )
    units = set(_per_band(items, "wavelength_units", bands) or [])
    if axis.wavelengths is not None and len(units) == 1:
        axis.wavelength_unit = units.pop()
    if axis.wavelengths is None:
        axis.wavelengths = _floats(_per_band(items, "CENTRAL_WAVELENGTH_UM", bands))
        if axis.wavelengths is not None:
            axis.wavelength_unit = "Micrometers"
            axis.fwhm = _floats(_per_band(items, "FWHM_UM", bands))
    if axis.wavelengths is None:
        named = from_band_names(descriptions(items, bands), bands)
        axis.wavelengths, axis.wavelength_unit = named.wavelengths, named.wavelength_unit
    good = _floats(_per_band(items, "bbl", bands))
    if good is not None:
        ones = flags(good, bands)
        axis.bad_bands = None if ones is None else ~ones
    return axis


def descriptions(items: list[Item], bands: int) -> list[str]:
    """Return the band descriptions, or an empty list unless every band has one."""
    texts = {
        item.sample: item.text
        for item in items
        if item.role == "description" and item.sample is not None
    }
    return [texts[band] for band in range(bands)] if set(texts) == set(range(bands)) else []


def envi_fields(items: list[Item]) -> dict[str, Value]:
    """Return the ENVI header fields among the items."""
    fields: dict[str, Value] = {}
    for item in items:
        if item.domain == ENVI_DOMAIN and item.sample is None:
            name, text = item.name.replace("_", " "), item.text.strip()
            braces = text.startswith("{") and text.endswith("}")
            content = text[1:-1].strip() if braces else text
            fields[name] = split_list(content) if braces and name not in TEXT_FIELDS else content
    return fields


def for_template(
    template: Template, source: list[Item], source_bands: int | None, envi: dict[str, Value]
) -> list[Item]:
    """Return the items of a file to be written.

    Parameters
    ----------
    template
        Cube to be written; its spectral axis replaces that of the source.
    source, source_bands
        Items of the source, if it was TIFF, and its number of bands; items of single bands are
        dropped when the number differs.
    envi
        Header fields of the source, if it was ENVI, that have no place of their own.
    """
    same_bands = source_bands in (None, template.bands)
    items = [
        item
        for item in source
        if item.name not in SPECTRAL_NAMES
        and item.domain != ENVI_DOMAIN
        and (item.sample is None or same_bands)
    ]
    names = envi.get("band names")
    has_names = isinstance(names, list) and len(names) == template.bands
    if has_names:
        items = [item for item in items if item.role != "description"]
    for name, value in envi.items():
        if not (has_names and name == "band names"):
            text = format_value(name, value)
            items.append(Item(name.replace(" ", "_"), text, domain=ENVI_DOMAIN))
    for band in range(template.bands):
        if template.wavelengths is not None:
            items.append(Item("wavelength", format_number(template.wavelengths[band]), band))
            if template.wavelength_unit is not None:
                items.append(Item("wavelength_units", template.wavelength_unit, band))
        if template.fwhm is not None:
            items.append(Item("fwhm", format_number(template.fwhm[band]), band))
        if template.bad_bands is not None:
            items.append(Item("bbl", "0" if template.bad_bands[band] else "1", band))
        if has_names and isinstance(names, list):
            items.append(Item("DESCRIPTION", names[band], band, role="description"))
    return items


def _per_band(items: list[Item], name: str, bands: int) -> list[str] | None:
    texts = {
        item.sample: item.text.strip()
        for item in items
        if item.name.lower() == name.lower() and item.sample is not None
    }
    return [texts[band] for band in range(bands)] if set(texts) == set(range(bands)) else None


def _floats(texts: list[str] | None) -> npt.NDArray[np.float64] | None:
    try:
        return None if texts is None else np.array([float(text) for text in texts], np.float64)
    except ValueError:
        return None
