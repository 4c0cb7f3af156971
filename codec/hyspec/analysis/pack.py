"""Analysis packs: reading and writing them.

The format is described in docs/analysis_packs.md. An analysis pack lies in a directory or a zip
archive and has a manifest, hashes and an identifier, as a pack of the codec has.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import pack_storage
from hyspec.analysis import scaling
from hyspec.analysis.pack_contents import ABOUT, GRAPHS, MAX_NUMBER, AnalysisPack, Named, named
from hyspec.analysis.palette import colours
from hyspec.errors import DataError, PackError, PackNotFoundError, UsageError
from hyspec.pack_storage import MALFORMED, MANIFEST, Read

__all__ = ["FORMAT_VERSION", "AnalysisPack", "Named", "load", "named", "save"]

FORMAT_VERSION = 1
_FORMAT = "hyspec-analysis-pack"
#: Folder of the packs that come with hyspec.
SHIPPED = Path(__file__).with_name("packs")
#: Largest file of a pack: dense networks have up to 40 million weights.
MAX_FILE_BYTES = 256 << 20
_INT8 = "-int8"


def shipped() -> tuple[str, ...]:
    """Names of the analysis packs that come with hyspec."""
    return tuple(sorted(manifest.parent.name for manifest in SHIPPED.glob(f"*/{MANIFEST}")))


def load(path: str | Path) -> AnalysisPack:
    """Load an analysis pack from a directory or zip archive, or a shipped one by its name.

    Raises
    ------
    PackNotFoundError
        There is nothing of that name.
    PackIntegrityError
        A file does not have the hash that the manifest states.
    PackError
        The manifest or a file is malformed, or needs a newer hyspec.
    """
    folder = Path(path)
    if not folder.exists() and str(path) in shipped():
        folder = SHIPPED / str(path)
    if not folder.exists():
        raise PackNotFoundError(
            f"no analysis pack {str(path)!r}",
            hint="give the directory or zip archive that training or exporting wrote, or one of "
            f"{', '.join(shipped())}",
        )
    read = pack_storage.reader(folder, MAX_FILE_BYTES)
    raw = pack_storage.reader(folder)(MANIFEST)
    try:
        manifest = json.loads(raw)
        _check_format(folder, manifest)
        hashes = dict(manifest["files"])
        verified = pack_storage.verified(folder, read, hashes)
        return _pack(manifest, hashes, verified, hashlib.sha256(raw).digest())
    except PackError as error:
        if str(folder) in str(error):
            raise
        raise PackError(f"{folder}: {error}", hint=error.hint) from error
    except DataError as error:
        raise PackError(f"{folder}: {error}") from error
    except MALFORMED as error:
        raise PackError(f"{folder}: malformed pack: {type(error).__name__}: {error}") from error


def save(pack: AnalysisPack, path: str | Path, *, force: bool = False) -> str:
    """Write an analysis pack.

    Parameters
    ----------
    pack
        The pack; its ``id`` has no meaning here.
    path
        Directory to make; or, with the suffix ``.zip``, archive.
    force
        Replace what exists.

    Returns
    -------
    str
        The identifier in hexadecimal.

    Raises
    ------
    UsageError
        The path exists, or its directory does not.
    PackError
        What the pack says of itself cannot be written as JSON.
    DataError
        The system refuses to write.
    """
    target = Path(path)
    if target.exists() and not force:
        raise UsageError(f"{target} exists already", hint="choose another name or use --force")
    if not target.parent.is_dir():
        raise UsageError(f"directory {target.parent} does not exist", hint="create it first")
    manifest = _manifest(pack)
    try:
        json.dumps(manifest, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise PackError(f"the manifest of {pack.name!r} is no JSON: {error}") from error
    files = {f"{name}.onnx": graph for name, graph in pack.graphs.items()}
    files |= {f"{name}{_INT8}.onnx": graph for name, graph in pack.graphs_int8.items()}
    return pack_storage.replace_pack(target, manifest, files)


def _manifest(pack: AnalysisPack) -> dict[str, Any]:
    """Manifest of a pack, but for the hashes of its files."""
    return {
        "format": _FORMAT,
        "format_version": FORMAT_VERSION,
        "name": pack.name,
        "model": pack.model,
        "task": pack.task,
        "patch": pack.patch,
        "whole_scenes": pack.whole_scenes,
        "bands": pack.bands,
        "wavelengths": None if pack.wavelengths is None else pack.wavelengths.tolist(),
        "fwhm": None if pack.fwhm is None else pack.fwhm.tolist(),
        "source_bands": pack.source_bands,
        "selected": list(pack.selected),
        "scaling": pack.scaler.record(),
        "classes": [_record(each) for each in pack.classes],
        "endmembers": [
            {**_record(each), "spectrum": None if each.spectrum is None else list(each.spectrum)}
            for each in pack.endmembers
        ],
        "latents": pack.latents,
        **{key: pack.about[key] for key in ABOUT if key in pack.about},
    }


def _record(each: Named) -> dict[str, Any]:
    return {"name": each.name, "colour": list(each.colour)}


def _check_format(path: Path, manifest: dict[str, Any]) -> None:
    found = manifest["format"]
    if found != _FORMAT:
        raise PackError(
            f"{path}: {MANIFEST} is not that of an analysis pack",
            hint="packs of the codec are for hyspec-encode and hyspec-decode"
            if found == "hyspec-pack"
            else None,
        )
    version = _whole(manifest, "format_version", 1)
    if version != FORMAT_VERSION:
        raise PackError(
            f"{path}: analysis pack format {version}; this version of hyspec reads "
            f"{FORMAT_VERSION}",
            hint="install a newer hyspec",
        )


def _pack(
    manifest: dict[str, Any], hashes: dict[str, Any], read: Read, identifier: bytes
) -> AnalysisPack:
    task = _text(manifest, "task")
    names = GRAPHS.get(task, ())
    whole_scenes = manifest["whole_scenes"]
    if not isinstance(whole_scenes, bool):
        raise PackError(f"whole_scenes of the manifest is {whole_scenes!r}; expected true or false")
    return AnalysisPack(
        name=_text(manifest, "name"),
        model=_text(manifest, "model"),
        task=task,
        patch=_whole(manifest, "patch", 1),
        whole_scenes=whole_scenes,
        bands=_optional(manifest, "bands"),
        scaler=scaling.of_record(manifest["scaling"]),
        graphs={n: read(f"{n}.onnx") for n in names if f"{n}.onnx" in hashes},
        graphs_int8={n: read(f"{n}{_INT8}.onnx") for n in names if f"{n}{_INT8}.onnx" in hashes},
        wavelengths=_numbers(manifest, "wavelengths"),
        fwhm=_numbers(manifest, "fwhm"),
        source_bands=_optional(manifest, "source_bands"),
        selected=_selected(manifest),
        classes=_named(manifest, "classes"),
        endmembers=_named(manifest, "endmembers"),
        latents=_optional(manifest, "latents"),
        about={key: manifest[key] for key in ABOUT if key in manifest},
        id=identifier,
    )


def _text(source: dict[str, Any], key: str) -> str:
    found = source[key]
    if not isinstance(found, str):
        raise PackError(f"{key} of the manifest is {found!r:.40}; expected a text")
    return found


def _optional(source: dict[str, Any], key: str) -> int | None:
    return None if source.get(key) is None else _whole(source, key, 1)


def _selected(source: dict[str, Any]) -> tuple[int, ...]:
    found = source.get("selected", [])
    if not isinstance(found, list) or any(type(value) is not int for value in found):
        raise PackError(f"selected of the manifest is {found!r:.40}; expected an array of integers")
    return tuple(found)


def _whole(source: dict[str, Any], key: str, least: int) -> int:
    found = source[key]
    if isinstance(found, bool) or not isinstance(found, int) or found < least:
        raise PackError(
            f"{key} of the manifest is {found!r:.40}; expected a whole number of at least {least}"
        )
    return found


def _numbers(source: dict[str, Any], key: str) -> npt.NDArray[np.float64] | None:
    found = source.get(key)
    return None if found is None else np.array(_floats(found, key), np.float64)


def _floats(found: Any, key: str) -> list[float]:
    if not isinstance(found, list) or any(
        isinstance(value, bool) or not isinstance(value, int | float) for value in found
    ):
        raise PackError(f"{key} of the manifest is {found!r:.40}; expected an array of numbers")
    return [float(value) for value in found]


def _named(source: dict[str, Any], key: str) -> tuple[Named, ...]:
    found = source.get(key, [])
    if not isinstance(found, list) or len(found) > MAX_NUMBER:
        raise PackError(f"{key} of the manifest is {found!r:.40}; expected an array of objects")
    shades = colours(len(found))
    result = []
    for about, shade in zip(found, shades, strict=True):
        red, green, blue = shade
        if about.get("colour") is not None:
            red, green, blue = (_channel(value) for value in about["colour"])
        spectrum = about.get("spectrum")
        numbers = None if spectrum is None else tuple(_floats(spectrum, f"spectrum of {key}"))
        result.append(Named(_text(about, "name"), (red, green, blue), numbers))
    return tuple(result)


def _channel(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise PackError(f"colours of the manifest hold {value!r:.40}; expected 0 to 255")
    return value
