"""Packs: the trained part of the codec, as a directory or zip file of graphs and tables.

The format is described in docs/pack_format.md. A pack is identified by the SHA-256 of its manifest,
which in turn holds the SHA-256 of every other file: a stream that names a pack names its exact
weights and tables.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core
from hyspec.errors import PackError, PackIntegrityError, PackNotFoundError

FORMAT_VERSION = 1
#: Packs that come with the wheel.
SHIPPED = Path(__file__).parent / "packs"
_MANIFEST = "manifest.json"
_MAX_FILE_BYTES = 64 << 20
#: The scale of levels is part of the band profile: docs/band_profile.md, section 3.3.
_LEVELS_PER_OCTAVE = 32
#: What reading a manifest and arrays of any content can raise.
_MALFORMED = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class BandModel:
    """One interval model of a pack of the ``band`` profile.

    Attributes
    ----------
    name : str
        What the model was trained for: ``"any"`` or an interval of the AVIRIS bands.
    analysis, synthesis : bytes
        Serialised ONNX graphs.
    log2_gain, log2_inverse_gain : ndarray of float32, shape (levels, channels)
        Factors between latents and their integers at each quality level.
    tables : _core.BandTables
        Integer tables of the latents and the ladder that selects among them.
    """

    name: str
    analysis: bytes
    synthesis: bytes
    log2_gain: npt.NDArray[np.float32]
    log2_inverse_gain: npt.NDArray[np.float32]
    tables: _core.BandTables


@dataclass(frozen=True)
class Pack:
    """A loaded pack.

    Attributes
    ----------
    name : str
        Short name, recorded in streams for people.
    id : bytes
        SHA-256 of the manifest, recorded in streams for programs.
    profile : str
        Profile that the pack serves.
    manifest : dict
        The whole manifest.
    models : tuple of BandModel
        Interval models.
    """

    name: str
    id: bytes
    profile: str
    manifest: dict[str, Any]
    models: tuple[BandModel, ...]

    @property
    def stride(self) -> int:
        """Samples per latent position along each axis."""
        return int(self.manifest["stride"])

    @property
    def channels(self) -> int:
        """Latent channels per band."""
        return int(self.manifest["channels"])

    @property
    def levels(self) -> int:
        """Number of quality levels."""
        return int(self.manifest["levels"])


def shipped() -> list[str]:
    """Names of the packs that come with hyspec."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{_MANIFEST}"))


def load(name_or_path: str | Path) -> Pack:
    """Load a pack by its shipped name, or from a directory or zip file.

    Raises
    ------
    PackNotFoundError
        There is no such pack.
    PackIntegrityError
        A file does not have the hash that the manifest states.
    PackError
        The manifest or a file is malformed, or needs a newer hyspec.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and (SHIPPED / name_or_path / _MANIFEST).is_file():
        path = SHIPPED / name_or_path
    if not path.exists():
        raise PackNotFoundError(
            f"no pack {str(name_or_path)!r}: neither a shipped pack nor a path",
            hint=f"shipped packs: {', '.join(shipped()) or 'none'}",
        )
    path = path.resolve()
    raw = _reader(path)(_MANIFEST)
    with _loading:  # lru_cache alone would let two threads load the same pack
        return _load(path, raw)


def find(pack_id: bytes, name: str) -> Pack:
    """Find the pack that a stream names among the shipped ones.

    Raises
    ------
    PackNotFoundError
        None of them has this identifier.
    """
    for candidate in sorted(shipped(), key=lambda n: n != name):
        path = SHIPPED / candidate
        if identifier(path) == pack_id:
            return load(path)
    raise PackNotFoundError(
        f"the stream needs pack {name!r} with identifier {pack_id.hex()[:16]}..., "
        "which is not installed",
        hint="give the directory or zip file of that pack with --pack (or pack= in Python)",
    )


def identifier(path: Path) -> bytes:
    """SHA-256 of a pack's manifest."""
    return hashlib.sha256(_reader(path)(_MANIFEST)).digest()


def _reader(path: Path) -> Callable[[str], bytes]:
    def from_directory(name: str) -> bytes:
        target = (path / name).resolve()
        if not target.is_relative_to(path.resolve()):
            raise PackError(f"{path}: file name {name!r} leaves the pack")
        try:
            if target.stat().st_size > _MAX_FILE_BYTES:
                raise PackError(f"{path}: {name} is larger than {_MAX_FILE_BYTES} bytes")
            return target.read_bytes()
        except OSError as error:
            raise PackError(f"{path}: cannot read {name}: {error.strerror}") from error

    def from_zip(name: str) -> bytes:
        try:
            with zipfile.ZipFile(path) as archive:
                if archive.getinfo(name).file_size > _MAX_FILE_BYTES:
                    raise PackError(f"{path}: {name} is larger than {_MAX_FILE_BYTES} bytes")
                return archive.read(name)
        except KeyError:
            raise PackError(f"{path}: {name} is missing from the pack") from None
        except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            raise PackError(
                f"{path} is neither a pack directory nor a zip file: {error}"
            ) from error

    return from_directory if path.is_dir() else from_zip


_loading = threading.Lock()


@lru_cache(maxsize=8)  # the manifest's hashes make it the key of all that the pack holds
def _load(path: Path, raw: bytes) -> Pack:
    read = _reader(path)
    try:
        manifest = json.loads(raw)
        if manifest["format"] != "hyspec-pack":
            raise PackError(f"{path}: {_MANIFEST} is not that of a hyspec pack")
        version = int(manifest["format_version"])
        if version > FORMAT_VERSION:
            raise PackError(
                f"{path}: pack format {version} is newer than {FORMAT_VERSION}",
                hint="install a newer hyspec",
            )
        files = dict(manifest["files"])

        def verified(name: str) -> bytes:
            data = read(name)
            if hashlib.sha256(data).hexdigest() != files[name]:
                raise PackIntegrityError(
                    f"{path}: {name} does not have the hash that the manifest states",
                    hint="the pack was damaged or edited; install it again",
                )
            return data

        if manifest["profile"] != "band":
            raise PackError(
                f"{path}: profile {manifest['profile']!r} of the pack is not known",
                hint="install a newer hyspec",
            )
        models = tuple(
            _band_model(manifest, f"model-{k}", str(model["name"]), verified)
            for k, model in enumerate(manifest["models"])
        )
        if not models:
            raise PackError(f"{path}: the pack holds no model")
        return Pack(
            str(manifest["name"]),
            hashlib.sha256(raw).digest(),
            str(manifest["profile"]),
            manifest,
            models,
        )
    except PackError:
        raise
    except _MALFORMED as error:
        raise PackError(f"{path}: malformed pack: {type(error).__name__}: {error}") from error
    except _core.CoreError as error:
        raise PackError(f"{path}: malformed tables: {error.args[3]}") from error


def _band_model(
    manifest: dict[str, Any], folder: str, name: str, read: Callable[[str], bytes]
) -> BandModel:
    channels, levels, rungs = (int(manifest[k]) for k in ("channels", "levels", "rungs"))
    per_octave = int(manifest["levels_per_octave"])
    if min(channels, levels, rungs, per_octave, int(manifest["stride"])) < 1:
        raise PackError(f"{_MANIFEST} states a size that is not positive")
    if per_octave != _LEVELS_PER_OCTAVE:
        raise PackError(f"found {per_octave} levels per octave; expected {_LEVELS_PER_OCTAVE}")

    def array(file: str, dtype: str) -> npt.NDArray[Any]:
        values = np.load(io.BytesIO(read(f"{folder}/{file}.npy")), allow_pickle=False)
        if values.dtype != np.dtype(dtype):
            raise PackError(f"{folder}/{file}.npy holds {values.dtype}; expected {dtype}")
        return np.ascontiguousarray(values.astype(np.dtype(dtype).newbyteorder("=")))

    def per_level(file: str, slope: float) -> npt.NDArray[np.float32]:
        knots = array(file, "<f4")
        if knots.ndim != 2 or knots.shape[0] < 2 or knots.shape[1] != channels:
            raise PackError(f"{folder}/{file}.npy has shape {knots.shape}")
        if not np.isfinite(knots).all():
            raise PackError(f"{folder}/{file}.npy holds numbers that are not finite")
        return _interpolate(knots, levels, per_octave, slope)

    ladder = array("ladder", "|u1")
    if ladder.shape != (levels, channels):
        raise PackError(f"{folder}/ladder.npy has shape {ladder.shape}")
    tables = _core.CdfTables(array("freq", "<u2"), array("start", "<u4"), array("first", "<i4"))
    return BandModel(
        name=name,
        analysis=read(f"{folder}/analysis.onnx"),
        synthesis=read(f"{folder}/synthesis.onnx"),
        log2_gain=per_level("log2_gain", 1.0),
        log2_inverse_gain=per_level("log2_inverse_gain", -1.0),
        tables=_core.BandTables(tables, ladder, channels, rungs),
    )


def _interpolate(
    knots: npt.NDArray[np.float32], levels: int, per_octave: int, slope: float
) -> npt.NDArray[np.float32]:
    """Values per level between knots at whole octaves; beyond the last, ``slope`` per octave."""
    octave = np.arange(levels) / per_octave
    last = len(knots) - 1
    low = np.minimum(octave.astype(int), last - 1)
    inside = np.minimum(octave, last)
    frac = (inside - low)[:, None]
    values = knots[low] * (1 - frac) + knots[low + 1] * frac + (octave - inside)[:, None] * slope
    return np.asarray(values, np.float32)
