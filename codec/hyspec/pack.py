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
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core, pack_storage
from hyspec.errors import PackError, PackNotFoundError
from hyspec.pack_storage import MALFORMED, MANIFEST, Read, reader

FORMAT_VERSION = 2
#: Packs that come with the wheel.
SHIPPED = Path(__file__).parent / "packs"
#: Profiles that packs can serve.
_BAND, _SPECTRAL = "band", "spectral"
SERVED_PROFILES = (_BAND, _SPECTRAL)
#: Gain codes per factor of two, and the largest: docs/pack_format.md, section 5.
GAINS_PER_OCTAVE = 256
MAX_GAIN = 4096


@dataclass(frozen=True)
class PackNetwork:
    """One network of a pack.

    Attributes
    ----------
    name : str
        Its name in the pack.
    stride : int
        Samples per latent position along each axis.
    channels, levels : int
        Latent channels and quality levels.
    from_level : int
        Level from which on an encoder should prefer it to the networks before it.
    context_bands : int
        Bands or planes whose latents the synthesis sees: 1, its own, or 3, the neighbouring ones,
        too.
    analysis, synthesis : bytes
        Serialised ONNX graphs.
    analysis_int8 : bytes or None
        The analysis with quantised weights and activations, if the pack has it.
    inverse_gain : ndarray of float32, shape (levels, channels)
        What a latent's integer is multiplied by at each level.
    latents : _core.LatentModel or _core.PlaneModel
        Gains and entropy model, of a network of the ``band`` or the ``spectral`` profile.
    refinement : bytes or None
        Graph that refines decoded planes, if the pack has it.
    """

    name: str
    stride: int
    channels: int
    levels: int
    from_level: int
    context_bands: int
    analysis: bytes
    analysis_int8: bytes | None
    synthesis: bytes
    inverse_gain: npt.NDArray[np.float32]
    latents: _core.LatentModel | _core.PlaneModel
    refinement: bytes | None = None


@dataclass(frozen=True)
class PackModel:
    """One interval model of a pack.

    Attributes
    ----------
    name : str
        What the model was trained for: ``"any"`` or an interval of the AVIRIS bands.
    networks : tuple of PackNetwork
        Networks that the encoder chooses between, tile by tile.
    """

    name: str
    networks: tuple[PackNetwork, ...]


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
    models : tuple of PackModel
        Interval models.
    """

    name: str
    id: bytes
    profile: str
    manifest: dict[str, Any]
    models: tuple[PackModel, ...]

    @property
    def latents_per_sample(self) -> float:
        """Latents that a sample becomes at most."""
        return max(n.channels / n.stride**2 for m in self.models for n in m.networks)

    @property
    def levels(self) -> int:
        """Number of quality levels of the network that has most."""
        return max(n.levels for m in self.models for n in m.networks)


def shipped() -> list[str]:
    """Names of the packs that come with hyspec."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{MANIFEST}"))


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
    if isinstance(name_or_path, str) and (SHIPPED / name_or_path / MANIFEST).is_file():
        path = SHIPPED / name_or_path
    if not path.exists():
        raise PackNotFoundError(
            f"no pack {str(name_or_path)!r}: neither a shipped pack nor a path",
            hint=f"shipped packs: {', '.join(shipped()) or 'none'}",
        )
    path = path.resolve()
    raw = reader(path)(MANIFEST)
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
    return hashlib.sha256(reader(path)(MANIFEST)).digest()


_loading = threading.Lock()


@lru_cache(maxsize=8)  # the manifest's hashes make it the key of all that the pack holds
def _load(path: Path, raw: bytes) -> Pack:
    read = reader(path)
    try:
        manifest = json.loads(raw)
        if manifest["format"] != "hyspec-pack":
            raise PackError(f"{path}: {MANIFEST} is not that of a hyspec pack")
        version = int(manifest["format_version"])
        if version != FORMAT_VERSION:
            raise PackError(
                f"{path}: pack format {version}; this version of hyspec reads {FORMAT_VERSION}",
                hint="install a newer hyspec" if version > FORMAT_VERSION else "train it again",
            )
        files = dict(manifest["files"])
        verified = pack_storage.verified(path, read, files)
        if manifest["profile"] not in SERVED_PROFILES:
            raise PackError(
                f"{path}: profile {manifest['profile']!r} of the pack is not known",
                hint="install a newer hyspec",
            )
        networks = {
            str(about["name"]): _network(about, manifest["profile"], verified, files)
            for about in manifest["networks"]
        }
        if len(networks) != len(manifest["networks"]):
            raise PackError(f"{path}: two networks of the pack have one name")
        models = tuple(
            PackModel(str(model["name"]), tuple(networks[str(n)] for n in model["networks"]))
            for model in manifest["models"]
        )
        if not all(model.networks for model in models):
            raise PackError(f"{path}: a model of the pack has no network")
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
    except MALFORMED as error:
        raise PackError(f"{path}: malformed pack: {type(error).__name__}: {error}") from error
    except _core.CoreError as error:
        raise PackError(f"{path}: malformed models: {error.args[3]}") from error


def _network(
    about: dict[str, Any],
    profile: str,
    read: Read,
    files: dict[str, str],
) -> PackNetwork:
    folder = str(about["name"])
    channels, levels, stride, context = (
        int(about[key]) for key in ("channels", "levels", "stride", "context_bands")
    )
    if min(channels, levels, stride) < 1 or context not in (1, 3):
        raise PackError(f"{MANIFEST} states sizes of network {folder!r} that are out of range")

    def array(file: str, dtype: str, shape: tuple[int, ...] | None = None) -> npt.NDArray[Any]:
        values = np.load(io.BytesIO(read(f"{folder}/{file}.npy")), allow_pickle=False)
        if values.dtype != np.dtype(dtype):
            raise PackError(f"{folder}/{file}.npy holds {values.dtype}; expected {dtype}")
        if shape is not None and values.shape != shape:
            raise PackError(f"{folder}/{file}.npy has shape {values.shape}; expected {shape}")
        return np.ascontiguousarray(values.astype(np.dtype(dtype).newbyteorder("=")))

    if int(about["gains_per_octave"]) != GAINS_PER_OCTAVE:
        raise PackError(
            f"found {about['gains_per_octave']} gain codes per octave; expected {GAINS_PER_OCTAVE}"
        )
    inverse = array("inverse_gain", "<i2", (levels, channels))
    if np.abs(inverse.astype(np.int32)).max() > MAX_GAIN:
        raise PackError(f"{folder}/inverse_gain.npy has codes beyond {MAX_GAIN}")
    int8, refinement = (f"{folder}/{name}.onnx" for name in ("analysis-int8", "refinement"))
    models = (
        array("gain", "<i2", (levels, channels)),
        array("probability", "<u2"),
        array("count", "|u1"),
        array("mixers", "<i4"),
        array("intra", "<i4"),
    )
    return PackNetwork(
        name=folder,
        stride=stride,
        channels=channels,
        levels=levels,
        from_level=int(about["from_level"]),
        context_bands=context,
        analysis=read(f"{folder}/analysis.onnx"),
        analysis_int8=read(int8) if int8 in files else None,
        synthesis=read(f"{folder}/synthesis.onnx"),
        refinement=read(refinement) if refinement in files else None,
        inverse_gain=np.exp2(inverse / GAINS_PER_OCTAVE).astype(np.float32),
        latents=_core.PlaneModel(*models, array("surroundings", "<i2"))
        if profile == _SPECTRAL
        else _core.LatentModel(*models),
    )
