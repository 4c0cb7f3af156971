"""A folder of band-sequential copies and band statistics, so that scenes are mapped, never read.

Crops of one band are cheap to read from a memory map whose bands lie apart. Scenes that cannot be
mapped (MATLAB, compressed files) or that keep the bands of a pixel together are copied once into a
``.npy`` file of the order bands, rows, columns. What a copy holds is named by a hash of the
source's identity, so that a changed source gets a new copy. Principal components of a scene are
kept in the same way.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import io
from hyspec.cube import Cube
from hyspec.errors import DataError
from hyspec_training import blocks, components
from hyspec_training.blocks import Block
from hyspec_training.data import Scene, measured

_VERSION = 1
#: Order of the axes in a copy, see :func:`hyspec.io.read`.
_AXES = "brc"
#: Rows that are copied at a time: few, so that they stay in the processor's cache while the bands
#: of their pixels are taken apart.
_ROWS = 8


def open_scene(path: Path, name: str, folder: Path) -> Scene:
    """Open a scene whose samples are memory-mapped, making what is missing in the cache folder.

    Parameters
    ----------
    path
        File of the scene.
    name
        Its name in the recipe.
    folder
        Cache folder; must exist.

    Raises
    ------
    DataError
        The file cannot be read as a cube, no band is usable, or the folder cannot be written.
    """
    key = _identity(path, "bands", _VERSION)
    record, samples = folder / f"{key}.json", folder / f"{key}.npy"
    found = _read_record(record)
    if found is not None and (samples.exists() or not found["copied"]):
        array = io.read(samples, axes=_AXES).array if found["copied"] else io.read(path).array
        return _recorded(found, name, array)
    cube = io.read(path)
    copied = not _is_mapped_by_band(cube.array)
    if copied:
        _copy(cube, samples)
        cube.array = io.read(samples, axes=_AXES).array
    scene = measured(cube, name)
    _write_record(record, scene, copied=copied)
    return scene


def open_components(path: Path, scene: Scene, folder: Path) -> list[Scene]:
    """Open the principal components of a scene's blocks, making what is missing in the cache.

    Parameters
    ----------
    path
        File of the scene.
    scene
        The scene; its usable bands are transformed.
    folder
        Cache folder; must exist.

    Returns
    -------
    list of Scene
        One for each block, all of the scene's name: components stand for bands.

    Raises
    ------
    DataError
        The scene has no block that is large enough and varies, or the folder cannot be written.
    """
    key = _identity(path, "components", components.VERSION)
    found = [
        _open_block(scene, block, folder / f"{key}-{k}.npy")
        for k, block in enumerate(blocks.spread(scene))
    ]
    opened = [block for block in found if block is not None]
    if not opened:
        rows, columns = scene.array.shape[:2]
        raise DataError(
            f"{scene.name} has no principal components: found {rows} x {columns} pixels, expected "
            f"at least {blocks.LEAST_SIDE} x {blocks.LEAST_SIDE} that are not all equal",
            hint="leave it out of the recipe",
        )
    return opened


def _open_block(scene: Scene, block: Block, samples: Path) -> Scene | None:
    """Components of one block, ``None`` if it does not vary."""
    record = samples.with_suffix(".json")
    found = _read_record(record)
    if found is not None and samples.exists():
        return _recorded(found, scene.name, io.read(samples, axes=_AXES).array)
    planes = components.component_planes(block.read(scene, scene.bands))
    if not len(planes):
        return None
    _copy(Cube(planes.transpose(1, 2, 0)), samples)
    opened = measured(io.read(samples, axes=_AXES), scene.name)
    opened = dataclasses.replace(opened, models=np.zeros_like(opened.models))  # of no interval
    _write_record(record, opened, copied=True)
    return opened


def _recorded(found: dict[str, Any], name: str, array: npt.NDArray[Any]) -> Scene:
    bands, models = (np.array(found[field], np.int64) for field in ("bands", "models"))
    mean, std = (np.array(found[field], np.float64) for field in ("mean", "std"))
    return Scene(name, array, bands, mean, std, models)


def _write_record(record: Path, scene: Scene, *, copied: bool) -> None:
    statistics = {
        field: getattr(scene, field).tolist() for field in ("bands", "mean", "std", "models")
    }
    with io.replacing(record, force=True) as (temporary,):
        temporary.write_text(json.dumps({"scene": scene.name, "copied": copied, **statistics}))


def _identity(path: Path, content: str, version: int) -> str:
    """Hash of what is kept, and of what changes when a scene does: its files' names, sizes, times.

    A missing file is left to the reader to complain of.
    """
    facts: list[Any] = [content, version]
    for file in io.source_files(path):
        with contextlib.suppress(OSError):
            status = file.stat()
            facts.append([str(file.resolve()), status.st_size, status.st_mtime_ns])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


def _read_record(path: Path) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record


def _is_mapped_by_band(array: npt.NDArray[Any]) -> bool:
    """Whether an array is a memory map in which a row of one band is contiguous."""
    base: Any = array
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    return base is not None and array.strides[1] == array.itemsize


def _copy(cube: Cube, path: Path) -> None:
    template = io.Template(
        cube.shape, cube.array.dtype.newbyteorder("="), metadata={"npy": {"axes": _AXES}}
    )
    with io.create(path, template, force=True) as output:
        for row in range(0, cube.rows, _ROWS):
            output.array[row : row + _ROWS] = cube.array[row : row + _ROWS]
