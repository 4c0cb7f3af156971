"""Maps of scenes: classes, abundances and features by trained models, without PyTorch.

>>> from hyspec import analysis
>>> classes = analysis.classify("scene.hyc", "pack")  # doctest: +SKIP
>>> abundances = analysis.unmix(cube, "pack", threads=2)  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from hyspec import io
from hyspec.analysis import pack as packs
from hyspec.analysis.band_matching import Choice
from hyspec.analysis.pack_contents import GRAPHS, AnalysisPack
from hyspec.analysis.prediction import Piece, pieces
from hyspec.analysis.scene_rows import Scene, opened
from hyspec.cube import Cube
from hyspec.errors import PackError, UsageError
from hyspec.stream import Progress, Stream

Pack = AnalysisPack | str | Path

#: Largest number of classes of maps of 8 bits.
_MOST_IN_A_BYTE = 255


class MapSettings(TypedDict, total=False):
    """Settings of :func:`classify`, :func:`unmix` and :func:`features` as keyword arguments.

    Attributes
    ----------
    bands
        What to do where the bands of the scene are not those of the model, see
        :func:`hyspec.analysis.band_matching.match`.
    precision : str
        ``"fp32"``, or ``"int8"`` for the graph in 8-bit integers, if the pack has it.
    threads : int or None
        All processors by default; the map does not depend on it.
    progress : callable
        Called with (phase, rows done, rows in all).
    out : ndarray
        Where to write the map, such as a memory map; made by default.
    """

    bands: Choice
    precision: str
    threads: int | None
    progress: Progress | None
    out: npt.NDArray[Any]


def classify(scene: Scene, pack: Pack, **settings: Unpack[MapSettings]) -> npt.NDArray[Any]:
    """Tell the class of every pixel of a scene.

    The map is made in pieces: beside it, memory is needed for some rows of the scene alone, and of
    a stream for one row of tiles. Patches at the edges see the scene as in a mirror.

    Parameters
    ----------
    scene
        A cube, a stream, or the path of either.
    pack
        An analysis pack for classification, or its path.
    **settings
        See :class:`MapSettings`.

    Returns
    -------
    ndarray of uint8, or of uint16 with more than 255 classes; shape (rows, columns)
        Class k of the pack, from 0, as k + 1; 0 for pixels of which a sample is missing.

    Raises
    ------
    PackError
        The pack is for another task, or does not fit the bands of the scene.
    DataError, StreamError
        The scene cannot be read.
    """

    def largest(piece: Piece) -> npt.NDArray[Any]:
        return np.where(piece.valid, piece.values.argmax(axis=2) + 1, 0)

    return _map(scene, pack, ("classification",), largest, **settings)


def unmix(scene: Scene, pack: Pack, **settings: Unpack[MapSettings]) -> npt.NDArray[Any]:
    """Tell the abundances of the endmembers in every pixel of a scene.

    Parameters, errors and memory are those of :func:`classify`.

    Returns
    -------
    ndarray of float32, shape (rows, columns, endmembers)
        NaN for pixels of which a sample is missing.
    """
    return _map(scene, pack, ("unmixing",), _with_nan, **settings)


def features(scene: Scene, pack: Pack, **settings: Unpack[MapSettings]) -> npt.NDArray[Any]:
    """Encode every pixel of a scene.

    Parameters, errors and memory are those of :func:`classify`.

    Returns
    -------
    ndarray of float32, shape (rows, columns, latents)
        NaN for pixels of which a sample is missing.
    """
    return _map(scene, pack, ("autoencoder", "shared-encoder"), _with_nan, **settings)


def map_template(scene: Cube | Stream, pack: AnalysisPack) -> io.Template:
    """Describe the file of a map: its size, type and place, and the names of what it shows.

    Maps of classes have the fields of an ENVI classification and a table of colours.

    Parameters
    ----------
    scene
        What the map is of.
    pack
        What makes it.
    """
    rows, columns, _ = scene.shape
    metadata = io.metadata_of_place(scene.metadata)
    envi = dict(metadata.get("envi", {}))
    if pack.classes:
        colours = [(0, 0, 0), *(each.colour for each in pack.classes)]
        envi["file type"] = "ENVI Classification"
        envi["classes"] = str(len(colours))
        envi["class lookup"] = [str(value) for colour in colours for value in colour]
        envi["class names"] = ["Unclassified", *(_listable(each.name) for each in pack.classes)]
        envi["band names"] = ["class"]
        tiff = {**metadata.get("tiff", {}), "colours": [list(colour) for colour in colours]}
        metadata = {**metadata, "tiff": tiff, "envi": envi}
        return io.Template((rows, columns, 1), _dtype(pack), nodata=0.0, metadata=metadata)
    envi["band names"] = [_listable(each.name) for each in pack.endmembers] or [
        f"feature {k + 1}" for k in range(pack.outputs)
    ]
    return io.Template(
        (rows, columns, pack.outputs),
        _dtype(pack),
        nodata=float("nan"),
        metadata={**metadata, "envi": envi},
    )


def _with_nan(piece: Piece) -> npt.NDArray[Any]:
    return np.where(piece.valid[:, :, None], piece.values, np.float32(np.nan))


def _dtype(pack: AnalysisPack) -> np.dtype[Any]:
    if not pack.classes:
        return np.dtype(np.float32)
    return np.dtype(np.uint8 if len(pack.classes) <= _MOST_IN_A_BYTE else np.uint16)


def _listable(name: str) -> str:
    """Name as an item of a list in an ENVI header."""
    return name.replace(",", ";")


def _map(
    scene: Scene,
    pack: Pack,
    tasks: tuple[str, ...],
    mapped: Callable[[Piece], npt.NDArray[Any]],
    *,
    bands: Choice = None,
    precision: str = "fp32",
    threads: int | None = None,
    progress: Progress | None = None,
    out: npt.NDArray[Any] | None = None,
) -> npt.NDArray[Any]:
    """Write what a function makes of each piece to a map."""
    found = pack if isinstance(pack, AnalysisPack) else packs.load(pack)
    if found.task not in tasks:
        raise PackError(
            f"pack {found.name!r} is for {found.task}; expected one for {' or '.join(tasks)}",
            hint="classification: hyspec-classify; unmixing: hyspec-unmix; encoders: "
            "hyspec-features",
        )
    with opened(scene) as source:
        rows, columns, _ = source.shape
        shape = (rows, columns) if found.classes else (rows, columns, found.outputs)
        result = np.empty(shape, _dtype(found)) if out is None else out
        if result.shape != shape or result.dtype != _dtype(found):
            raise UsageError(
                f"out is {result.dtype} of shape {result.shape}; expected {_dtype(found)} of "
                f"shape {shape}"
            )
        graph = GRAPHS[found.task][0]
        for piece in pieces(
            source, found, graph, found.outputs, bands=bands, precision=precision, threads=threads
        ):
            result[piece.rows, piece.columns] = mapped(piece)
            if progress is not None and piece.columns.stop == columns:
                progress("analysing", piece.rows.stop, rows)
    return result
