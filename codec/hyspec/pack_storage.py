"""Where the files of a pack lie: a directory, or a zip archive with the same files.

Every pack has a manifest, a JSON object that holds the SHA-256 of all other files under ``files``;
the SHA-256 of the manifest is the pack's identifier.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hyspec.errors import DataError, PackError, PackIntegrityError, UsageError

#: File of a pack that says what the others are.
MANIFEST = "manifest.json"
#: Largest file of a pack, unless its format allows more.
MAX_FILE_BYTES = 64 << 20
#: What reading a manifest and arrays of any content can raise.
MALFORMED = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
#: Time of files in archives, so that the same pack is the same bytes: the first that zip can state.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)

Read = Callable[[str], bytes]


def reader(path: Path, max_bytes: int | None = None) -> Read:
    """Return a function that reads the files of a pack by name.

    Parameters
    ----------
    path
        Directory or zip archive.
    max_bytes
        Largest file that is read; :data:`MAX_FILE_BYTES` by default.

    Raises
    ------
    PackError
        The function raises it for a name that leads out of the pack, and for a file that is
        missing, too large or cannot be read.
    """
    limit = MAX_FILE_BYTES if max_bytes is None else max_bytes

    def from_directory(name: str) -> bytes:
        target = (path / name).resolve()
        if not target.is_relative_to(path.resolve()):
            raise PackError(f"{path}: file name {name!r} leaves the pack")
        try:
            if target.stat().st_size > limit:
                raise PackError(f"{path}: {name} is larger than {limit} bytes")
            return target.read_bytes()
        except OSError as error:
            raise PackError(f"{path}: cannot read {name}: {error.strerror}") from error

    def from_zip(name: str) -> bytes:
        try:
            with zipfile.ZipFile(path) as archive:
                if archive.getinfo(name).file_size > limit:
                    raise PackError(f"{path}: {name} is larger than {limit} bytes")
                return archive.read(name)
        except KeyError:
            raise PackError(f"{path}: {name} is missing from the pack") from None
        except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            raise PackError(
                f"{path} is neither a pack directory nor a zip file: {error}"
            ) from error

    return from_directory if path.is_dir() else from_zip


def verified(path: Path, read: Read, hashes: Mapping[str, Any]) -> Read:
    """Return a function that reads files as ``read`` does, and compares their hashes.

    Raises
    ------
    PackIntegrityError
        The function raises it for a file that has another hash than the manifest states.
    KeyError
        The function raises it for a file of which the manifest states none.
    """

    def read_verified(name: str) -> bytes:
        stated = hashes[name]
        data = read(name)
        if hashlib.sha256(data).hexdigest() != stated:
            raise PackIntegrityError(
                f"{path}: {name} does not have the hash that the manifest states",
                hint="the pack was damaged or edited; install it again",
            )
        return data

    return read_verified


def replace_pack(path: Path, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    """Write a pack in place of what was there; nobody ever finds half of it.

    Parameters
    ----------
    path
        Directory to create or to replace; or, with the suffix ``.zip``, archive.
    manifest
        What the pack says of itself, but for the hashes of its files.
    files
        All others, by name.

    Returns
    -------
    str
        The pack's identifier in hexadecimal.

    Raises
    ------
    UsageError
        ``path`` is a directory and ends with ``.zip``, or a file and does not.
    DataError
        The system refuses to write.
    """
    as_zip = path.suffix.lower() == ".zip"
    if path.is_dir() if as_zip else path.is_file():
        raise UsageError(
            f"{path} is a {'directory' if as_zip else 'file'} already",
            hint="packs are directories, or zip archives with the suffix .zip",
        )
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    content = json.dumps({**manifest, "files": hashes}, indent=1, ensure_ascii=False) + "\n"
    files = {**files, MANIFEST: content.encode()}
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        if as_zip:
            _write_archive(temporary, files)
            temporary.replace(path)
        else:
            _write_directory(temporary, files)
            if path.exists():
                shutil.rmtree(path)
            temporary.rename(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True) if as_zip else shutil.rmtree(temporary, True)
    return hashlib.sha256(files[MANIFEST]).hexdigest()


def _write_directory(folder: Path, files: Mapping[str, bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def _write_archive(file: Path, files: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            about = zipfile.ZipInfo(name, _ZIP_TIME)
            about.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(about, data)
