"""Public scenes with classes, downloaded from the Computational Intelligence Group (GIC, UPV/EHU).

The page is https://www.ehu.eus/ccwintco/index.php/Hyperspectral_Remote_Sensing_Scenes. No checksums
of its files are known here, so the registry carries none: the first download is kept with its
SHA-256, which a warning shows, and every later use is checked against that. Whoever knows the
checksum gives it and has the first download checked, too. Files that were put into the folder by
hand count as downloads.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyspec.analysis.labelled import LabelledScene, read
from hyspec.errors import DataError, UsageError
from hyspec.io.optional import require

_BASE = "https://www.ehu.eus/ccwintco/uploads/"
#: Checksums of what has been downloaded into a folder, by file.
_KEPT = "checksums.json"


class UnverifiedDownloadWarning(UserWarning):
    """A file was downloaded of which no checksum was known."""


@dataclass(frozen=True)
class PublicSet:
    """A scene and its map of classes.

    Attributes
    ----------
    cube_path, labels_path : str
        Files below the folder of uploads.
    cube_variable, labels_variable : str
        Their MATLAB variables.
    shape : tuple of int
        (rows, columns, bands), which a downloaded scene must have.
    class_names : tuple of str
    """

    cube_path: str
    labels_path: str
    cube_variable: str
    labels_variable: str
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


SETS: dict[str, PublicSet] = {
    "pavia-centre": PublicSet(
        "e/e3/Pavia.mat",
        "5/53/Pavia_gt.mat",
        "pavia",
        "pavia_gt",
        (1096, 715, 102),
        _names(
            "Water, Trees, Asphalt, Self-Blocking Bricks, Bitumen, Tiles, Shadows, Meadows, "
            "Bare Soil"
        ),
    ),
    "pavia-university": PublicSet(
        "e/ee/PaviaU.mat",
        "5/50/PaviaU_gt.mat",
        "paviaU",
        "paviaU_gt",
        (610, 340, 103),
        _names(
            "Asphalt, Meadows, Gravel, Trees, Painted metal sheets, Bare Soil, Bitumen, "
            "Self-Blocking Bricks, Shadows"
        ),
    ),
    "indian-pines": PublicSet(
        "6/67/Indian_pines_corrected.mat",
        "c/c4/Indian_pines_gt.mat",
        "indian_pines_corrected",
        "indian_pines_gt",
        (145, 145, 200),
        _names(
            "Alfalfa, Corn-notill, Corn-mintill, Corn, Grass-pasture, Grass-trees, "
            "Grass-pasture-mowed, Hay-windrowed, Oats, Soybean-notill, Soybean-mintill, "
            "Soybean-clean, Wheat, Woods, Buildings-Grass-Trees-Drives, Stone-Steel-Towers"
        ),
    ),
    "salinas": PublicSet(
        "a/a3/Salinas_corrected.mat",
        "f/fa/Salinas_gt.mat",
        "salinas_corrected",
        "salinas_gt",
        (512, 217, 204),
        _names(
            "Brocoli_green_weeds_1, Brocoli_green_weeds_2, Fallow, Fallow_rough_plow, "
            "Fallow_smooth, Stubble, Celery, Grapes_untrained, Soil_vinyard_develop, "
            "Corn_senesced_green_weeds, Lettuce_romaine_4wk, Lettuce_romaine_5wk, "
            "Lettuce_romaine_6wk, Lettuce_romaine_7wk, Vinyard_untrained, Vinyard_vertical_trellis"
        ),
    ),
    "ksc": PublicSet(
        "2/26/KSC.mat",
        "a/a6/KSC_gt.mat",
        "KSC",
        "KSC_gt",
        (512, 614, 176),
        _names(
            "Scrub, Willow swamp, Cabbage palm hammock, Cabbage palm/oak hammock, Slash pine, "
            "Oak/broadleaf hammock, Hardwood swamp, Graminoid marsh, Spartina marsh, "
            "Cattail marsh, Salt marsh, Mud flats, Water"
        ),
    ),
    "botswana": PublicSet(
        "7/72/Botswana.mat",
        "5/58/Botswana_gt.mat",
        "Botswana",
        "Botswana_gt",
        (1476, 256, 145),
        _names(
            "Water, Hippo grass, Floodplain grasses 1, Floodplain grasses 2, Reeds, Riparian, "
            "Firescar, Island interior, Acacia woodlands, Acacia shrublands, Acacia grasslands, "
            "Short mopane, Mixed mopane, Exposed soils"
        ),
    ),
}


def fetch(
    name: str,
    *,
    folder: str | Path | None = None,
    checksums: Mapping[str, str] | None = None,
    base_url: str = _BASE,
    retries: int = 3,
    progress: bool = False,
) -> tuple[Path, Path]:
    """Download the two files of a data set, unless the folder holds them.

    Parameters
    ----------
    name
        One of :data:`SETS`.
    folder
        Where files are kept; by default the folder ``hyspec`` of the user's cache.
    checksums
        SHA-256 in hexadecimal digits by file name, such as ``{"PaviaU.mat": "..."}``.
    base_url
        Where the files lie, with a slash at the end; for mirrors.
    retries
        How often a failed download is tried again.
    progress
        Show a bar on standard error.

    Returns
    -------
    two Paths
        Cube and labels.

    Raises
    ------
    UsageError
        The name is not known.
    DataError
        A download fails, or a file does not have its checksum.
    MissingDependencyError
        Pooch is not installed.

    Warns
    -----
    UnverifiedDownloadWarning
        A file is used for the first time without a known checksum.
    """
    if name not in SETS:
        raise UsageError(f"data set {name!r} is not known; expected one of {', '.join(SETS)}")
    pooch = require("pooch", "downloading data sets", extra="analysis")
    place = Path(pooch.os_cache("hyspec") if folder is None else folder)
    kept = _read_kept(place)
    known = {**kept, **{file: text.lower() for file, text in (checksums or {}).items()}}
    paths = {Path(p).name: p for p in (SETS[name].cube_path, SETS[name].labels_path)}
    store = pooch.create(
        place,
        base_url,
        registry={file: known.get(file) for file in paths},
        urls={file: base_url + path for file, path in paths.items()},
        retry_if_failed=retries,
        allow_updates=False,
    )
    found = []
    for file in paths:
        found.append(_one(pooch, store, file, known.get(file), progress))
        if file not in kept:
            kept[file] = known.get(file) or _sha256(found[-1])
            if file not in known:
                warnings.warn(
                    UnverifiedDownloadWarning(
                        f"{found[-1]} came without a known checksum; its SHA-256 is {kept[file]}"
                    ),
                    stacklevel=2,
                )
            _write_kept(place, kept)
    return found[0], found[1]


def load(name: str, **options: Any) -> LabelledScene:
    """Download a data set, unless it is there, and read it; options are those of :func:`fetch`.

    Raises
    ------
    UsageError, DataError, MissingDependencyError
        As for :func:`fetch`; DataError also where the scene is not of its published shape.
    """
    cube_path, labels_path = fetch(name, **options)
    known = SETS[name]
    scene = read(
        cube_path,
        labels_path,
        class_names=known.class_names,
        cube_variable=known.cube_variable,
        labels_variable=known.labels_variable,
    )
    if scene.cube.shape != known.shape:
        raise DataError(
            f"{cube_path} has shape {scene.cube.shape}; {name} has {known.shape}",
            hint="remove the file and download it again",
        )
    return scene


def _one(pooch: Any, store: Any, file: str, known: str | None, progress: bool) -> Path:
    """Return one file, from the folder or downloaded."""
    path = Path(store.path) / file
    if path.exists() and known is not None and _sha256(path) != known:
        raise DataError(
            f"{path} has SHA-256 {_sha256(path)}; expected {known}",
            hint="remove the file to download it again",
        )
    logger: logging.Logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        return Path(store.fetch(file, progressbar=progress))
    except (OSError, ValueError) as error:  # errors of requests derive from OSError
        raise DataError(
            f"cannot download {store.get_url(file)}: {error}",
            hint=f"try again later, or put the file into {store.path} by hand",
        ) from error
    finally:
        logger.setLevel(level)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_kept(folder: Path) -> dict[str, str]:
    path = folder / _KEPT
    if not path.exists():
        return {}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}", hint="remove it") from error
    return {str(file): str(text) for file, text in kept.items()}


def _write_kept(folder: Path, kept: Mapping[str, str]) -> None:
    temporary = folder / f".{_KEPT}.{os.getpid()}"
    temporary.write_text(json.dumps(dict(sorted(kept.items())), indent=1), encoding="utf-8")
    temporary.replace(folder / _KEPT)
