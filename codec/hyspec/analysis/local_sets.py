"""Scenes with ground truth in a folder, which the environment variable HYSPEC_DATA names.

The folder has the subfolders ``train`` and ``test``, with scenes, and ``labelled``, with data sets
of classes. Files are those that the sources distribute; see the functions for their formats.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from hyspec import io
from hyspec.analysis.labelled import LabelledScene, read_map, whole_numbers
from hyspec.analysis.split import PARTS
from hyspec.errors import DataError, UsageError

#: Folder of the scenes.
VARIABLE = "HYSPEC_DATA"

#: Samples times this are in the unit of the endmembers, by name of the file; 1 for all others.
ENDMEMBER_SCALES = {"jasper-ridge": 1 / 5000}

_URBAN = ("roof", "pavement", "low vegetation", "tree", "soil", "water")


def folder() -> Path:
    """Folder that HYSPEC_DATA names.

    Raises
    ------
    UsageError
        The variable is not set, or names no folder.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        raise UsageError(
            f"{VARIABLE} is not set; expected the folder of the scenes",
            hint=f"export {VARIABLE}=FOLDER, or give the folder",
        )
    if not Path(text).is_dir():
        raise UsageError(f"{VARIABLE} names {text}, which is no folder", hint="check the name")
    return Path(text)


def load(name: str, *, root: str | Path | None = None) -> list[LabelledScene]:
    """Load a data set; one of tiles has a scene for each.

    Parameters
    ----------
    name
        One of :data:`NAMES`.
    root
        Folder; by default :func:`folder`.

    Raises
    ------
    UsageError
        The name is not known, or the folder is not.
    DataError
        A file is missing or is not of the expected format.
    MissingDependencyError
        SciPy is not installed.
    """
    if name not in _LOADERS:
        raise UsageError(f"data set {name!r} is not known; expected one of {', '.join(NAMES)}")
    scenes = _LOADERS[name](folder() if root is None else Path(root))
    if not scenes:
        raise DataError(f"data set {name} holds no scene", hint="check its folder")
    return scenes


def read_unmixing(path: str | Path, *, endmember_scale: float | None = None) -> LabelledScene:
    """Read a MATLAB file of the unmixing scenes Jasper Ridge, Samson and Moffett.

    Variables: ``Y``, bands x pixels in column-major order of the pixels, with ``lines`` and
    ``cols``; ``S_GT``, abundances, rows x columns x endmembers; ``GT``, endmembers x bands. Those
    of Samson have a maximum of 1 each, so that only their angles can be compared.

    Parameters
    ----------
    path
        Of the file.
    endmember_scale
        By default that of :data:`ENDMEMBER_SCALES`.

    Raises
    ------
    DataError
        A variable is missing, or the shapes do not fit.
    MissingDependencyError
        SciPy is not installed.
    """
    path = Path(path)
    if endmember_scale is None:
        endmember_scale = ENDMEMBER_SCALES.get(path.stem, 1.0)
    return LabelledScene(
        path.stem,
        io.read(path, variable="Y"),
        abundances=io.read(path, variable="S_GT", axes="rcb").array.astype(np.float64),
        endmembers=io.read(path, variable="GT", axes="rc").array[:, :, 0].astype(np.float64),
        endmember_scale=endmember_scale,
    )


def read_anomalies(path: str | Path) -> LabelledScene:
    """Read a MATLAB file of the Airport-Beach-Urban scenes and their like.

    Variables: ``data``, rows x columns x bands; ``map``, rows x columns, not 0 at anomalies. The
    map may also stand beside the file, as ``NAME-map.npy``.

    Raises
    ------
    DataError
        A variable is missing, or the shapes do not fit.
    MissingDependencyError
        SciPy is not installed.
    """
    path = Path(path)
    beside = path.with_name(f"{path.stem}-map.npy")
    image = read_map(beside) if beside.exists() else read_map(path, variable="map")
    return LabelledScene(path.stem, io.read(path, variable="data"), anomalies=image != 0)


def _unmixing(file: str, root: Path) -> list[LabelledScene]:
    return [read_unmixing(root / file)]


def _anomalies(file: str, root: Path) -> list[LabelledScene]:
    return [read_anomalies(root / file)]


def _berlin(header: str, stem: str, root: Path) -> list[LabelledScene]:
    """Berlin-Urban-Gradient: ENVI cube, classes, and cover fractions, band first, as .npy."""
    beside = root / "labelled" / "berlin"
    fractions = io.read(beside / f"{stem}_fractions.npy", axes="brc").array
    labels = read_map(beside / f"{stem}_label.npy")
    cube = io.read(root / "train" / header)
    return [
        LabelledScene(
            Path(header).stem,
            cube,
            whole_numbers(labels, header),
            abundances=fractions.astype(np.float64),
        )
    ]


def _potsdam(root: Path) -> list[LabelledScene]:
    """EnMAP Potsdam: tiles of an image and a map each, listed by part in ``PART_files.csv``."""
    base = root / "labelled" / "enmap-potsdam"
    scenes = []
    for part in PARTS:
        listing = base / f"{part}_files.csv"
        try:
            with listing.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except OSError as error:
            raise DataError(f"cannot read {listing}: {error.strerror or error}") from error
        for row in rows:
            if not {"image", "mask"} <= row.keys():
                raise DataError(f"{listing} has columns {list(row)}; expected image and mask")
            cube = io.read(base / row["image"], nodata=-32768)
            labels = whole_numbers(read_map(base / row["mask"]), row["mask"])
            name = Path(row["image"]).stem
            scenes.append(LabelledScene(name, cube, labels, class_names=_URBAN, part=part))
    return scenes


def _idtrees(root: Path) -> list[LabelledScene]:
    """NEON IDTReeS: tiles, maps of crowns by tile in one .npz, and lines ``number name``."""
    base = root / "labelled" / "neon-idtrees"
    lines = (base / "crown_species_classes.txt").read_text(encoding="utf-8").splitlines()
    names = tuple(line.split(maxsplit=1)[1] for line in lines if line.strip())
    scenes = []
    with np.load(base / "crown_species_rasters.npz", allow_pickle=False) as maps:
        for path in sorted((base / "images").glob("*.tif")):
            if path.stem in maps:
                labels = whole_numbers(maps[path.stem], path.stem)
                scenes.append(LabelledScene(path.stem, io.read(path), labels, class_names=names))
    return scenes


_ABU = {
    "train": ("airport-1", "airport-2", "airport-3", "beach-2", "urban-3", "urban-4", "urban-5"),
    "test": ("beach-3", "urban-1"),
}
_LOADERS: dict[str, Callable[[Path], list[LabelledScene]]] = {
    "jasper-ridge": partial(_unmixing, "test/jasper-ridge.mat"),
    "samson": partial(_unmixing, "test/samson.mat"),
    "moffett": partial(_unmixing, "train/moffett.mat"),
    "berlin-hymap": partial(
        _berlin, "HyMap02_Berlin_Urban_Gradient_2009.hdr", "hymap02_100x67_level2"
    ),
    "berlin-enmap": partial(_berlin, "EnMAP_BerlinUrbanGradient.hdr", "enmap_80x60_level2"),
    "enmap-potsdam": _potsdam,
    "neon-idtrees": _idtrees,
    "hydice-urban": partial(_anomalies, "test/hydice-urban.mat"),
    "san-diego-224": partial(_anomalies, "train/san-diego-224.mat"),
    **{
        f"abu-{name}": partial(_anomalies, f"{part}/abu-{name}.mat")
        for part, names in _ABU.items()
        for name in names
    },
}
#: Data sets that :func:`load` knows.
NAMES = tuple(_LOADERS)
