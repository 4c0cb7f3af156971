"""The standards of space agencies: CCSDS 121 through libaec, 122 and 123 of our own."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Literal

import imagecodecs
import numpy as np

from hyspec import Cube
from hyspec.errors import MissingDependencyError
from hyspec_bench.codecs import framing
from hyspec_bench.codecs.codec import Codec, Kind, Samples, Target

if TYPE_CHECKING:
    from hyspec_bench import ccsds123

EntropyCoder = Literal["sample-adaptive", "hybrid", "block-adaptive"]

#: Samples of a block, and blocks between reference samples, that are tried.
_BLOCK_SIZES = (8, 16, 32, 64)
_REFERENCE_INTERVALS = (128, 4096)


class Ccsds121(Codec):
    """CCSDS 121.0-B, lossless: differences of neighbours, coded in blocks by the best Rice code.

    Parameters
    ----------
    along_spectrum
        Order the samples pixel by pixel, so that neighbours are bands; else band by band.
    """

    kinds = frozenset({Kind.LOSSLESS})
    searches = kinds

    def __init__(self, along_spectrum: bool) -> None:
        self.along_spectrum = along_spectrum

    def settings(self) -> dict[str, Any]:
        """See the base class."""
        return {
            "along_spectrum": self.along_spectrum,
            "block_sizes": list(_BLOCK_SIZES),
            "reference_intervals": list(_REFERENCE_INTERVALS),
        }

    def encode(self, cube: Cube, target: Target) -> bytes:  # noqa: ARG002
        """See the base class."""
        low = int(cube.array.min())
        offset = cube.array.astype(np.int64) - low
        bits = max(1, int(offset.max()).bit_length())
        samples = self._ordered(offset).astype(_storage(bits))
        trials = []
        for block, interval in itertools.product(_BLOCK_SIZES, _REFERENCE_INTERVALS):
            body = imagecodecs.aec_encode(
                samples, bitspersample=bits, flags=_flags(), blocksize=block, rsi=interval
            )
            head = struct.pack("<BBH", bits, block, interval)
            head += framing.signed(low) + framing.numbers(cube.shape)
            trials.append(head + bytes(body))
        return min(trials, key=len)

    def decode(self, data: bytes) -> Samples:
        """See the base class."""
        reader = framing.Reader(data)
        bits, block, interval = struct.unpack("<BBH", reader.take(4))
        low = reader.signed()
        rows, columns, bands = (reader.number() for _ in range(3))
        count = rows * columns * bands
        storage = np.dtype(_storage(bits))
        # The decoder fills whole blocks, of which the last one may be longer than the cube.
        room = -(-count // (block * interval)) * block * interval * storage.itemsize
        decoded = imagecodecs.aec_decode(
            reader.rest(),
            bitspersample=bits,
            flags=_flags(),
            blocksize=block,
            rsi=interval,
            out=bytearray(room),
        )
        samples = np.frombuffer(decoded, storage, count)
        if self.along_spectrum:
            return samples.reshape(rows, columns, bands) + np.int64(low)
        return np.moveaxis(samples.reshape(bands, rows, columns), 0, 2) + np.int64(low)

    def _ordered(self, samples: Samples) -> Samples:
        return np.ascontiguousarray(samples if self.along_spectrum else np.moveaxis(samples, 2, 0))


class Ccsds122(Codec):
    """CCSDS 122.0-B band by band: float 9/7 wavelet at a rate, integer 9/7 lossless."""

    kinds = frozenset({Kind.RATE, Kind.LOSSLESS})

    def __init__(self) -> None:
        try:
            from hyspec_bench import ccsds122
        except ImportError as error:
            raise _not_built("ccsds122") from error
        self._encode: Callable[[Samples, float | None], bytes] = ccsds122.encode
        self._decode: Callable[[bytes], Samples] = ccsds122.decode

    def encode(self, cube: Cube, target: Target) -> bytes:
        """See the base class."""
        return self._encode(cube.array, target.value if target.kind is Kind.RATE else None)

    def decode(self, data: bytes) -> Samples:
        """See the base class."""
        return self._decode(data)


class Ccsds123(Codec):
    """CCSDS 123.0-B-2, lossless or with an absolute error limit.

    Parameters
    ----------
    tuned
        Settings picked for scenes of many bands; else the customary ones.
    entropy_coder
        One of the three of the standard.
    """

    kinds = frozenset({Kind.MAX_ERROR, Kind.LOSSLESS})

    def __init__(self, tuned: bool, entropy_coder: EntropyCoder = "hybrid") -> None:
        try:
            from hyspec_bench import ccsds123
        except ImportError as error:
            raise _not_built("ccsds123") from error
        chosen = ccsds123.tuned_settings if tuned else ccsds123.default_settings
        self._settings: Callable[[int], ccsds123.Settings] = lambda limit: replace(
            chosen(limit), entropy_coder=entropy_coder
        )
        self._encode: Callable[[Samples, ccsds123.Settings], bytes] = ccsds123.encode
        self._decode: Callable[[bytes], Samples] = ccsds123.decode

    def settings(self) -> dict[str, Any]:
        """See the base class; the settings are those for lossless compression."""
        return asdict(self._settings(0))

    def encode(self, cube: Cube, target: Target) -> bytes:
        """See the base class."""
        return self._encode(cube.array, self._settings(int(target.value)))

    def decode(self, data: bytes) -> Samples:
        """See the base class."""
        return self._decode(data)


def _storage(bits: int) -> type[np.unsignedinteger]:
    return np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint32


def _flags() -> int:
    return int(imagecodecs.AEC.FLAG.DATA_PREPROCESS)


def _not_built(name: str) -> MissingDependencyError:
    return MissingDependencyError(
        f"the extension module hyspec_bench._{name} is missing",
        hint="install hyspec from its sources again",
    )
