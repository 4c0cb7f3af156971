"""What all profiles have in common: how one tile and interval is encoded and decoded."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from hyspec import _core
from hyspec.errors import StreamError
from hyspec.pack import PackModel
from hyspec.sample_type import SampleType


@dataclass(frozen=True)
class TileSamples:
    """The samples of a tile and interval.

    Attributes
    ----------
    samples : ndarray, shape (rows, columns, bands)
        Samples as the cube holds them.
    valid : ndarray of bool of the same shape, or None
        Mask of measurements; ``None`` if all are.
    sample_type : SampleType
        How samples become whole numbers.
    brightness : float
        Root mean square of the samples of the whole cube, in whole numbers; 0 if not known.
    nodata : float or None
        Value of samples without a measurement; ``None`` for none.
    """

    samples: npt.NDArray[Any]
    valid: npt.NDArray[np.bool_] | None
    sample_type: SampleType
    brightness: float = 0.0
    nodata: float | None = None


@dataclass(frozen=True)
class CoderSettings:
    """How the tiles of an interval are encoded.

    Attributes
    ----------
    int8 : bool
        Analyse with quantised networks where the model has them.
    network : int or None
        Always encode with the network of this number, which the model has, in place of choosing.
    fast : bool
        Encode with less search where the profile has any.
    angles : bool
        Keep spectral angles small in place of squared errors, if the profile can.
    bad : ndarray of bool, shape (bands,), or None
        Bands of the interval that are marked as bad.
    drop_bad : bool
        Let these come back as their mean.
    groups : tuple of int
        Bands of each group of a spectral transform with two levels; empty for one.
    max_error : ndarray of float64, shape (bands,), or None
        Largest error of each band of the interval in sample units, if the profile bounds it;
        0 for lossless, as is ``None``, and infinity for none.
    max_relative_error : float or None
        Largest error in proportion to the sample, if the profile bounds it.
    layered : bool
        Split payloads into a base and a layer, where the profile can.
    base_bps : float or None
        Bits per sample of such a base; ``None`` for what is cheapest in all.
    """

    int8: bool = False
    network: int | None = None
    fast: bool = False
    angles: bool = False
    bad: npt.NDArray[np.bool_] | None = None
    drop_bad: bool = False
    groups: tuple[int, ...] = ()
    max_error: npt.NDArray[np.float64] | None = None
    max_relative_error: float | None = None
    layered: bool = False
    base_bps: float | None = None


class TileAnalysis(Protocol):
    """What an encoder knows of a tile and interval before it chooses the quality.

    Attributes
    ----------
    tile : _core.BandTile
        Size.
    valid : ndarray of bool, shape (bands, rows, columns), or None
        Mask of measurements; ``None`` if all are.
    scale : ndarray of int32
        Codes of the standard deviations of bands or planes: at least the largest of them.
    coded : dict
        By step: payload and checksum of the latest encoding, for searches that end where they are.
    """

    @property
    def tile(self) -> _core.BandTile:
        """Size."""

    @property
    def valid(self) -> npt.NDArray[np.bool_] | None:
        """Mask of measurements."""

    @property
    def scale(self) -> npt.NDArray[np.int32]:
        """Codes of standard deviations."""

    @property
    def coded(self) -> dict[int, tuple[bytes, int]]:
        """Latest encoding."""


class TileSymbols(Protocol):
    """The integers that a payload says."""

    @property
    def valid(self) -> npt.NDArray[np.uint8] | None:
        """Mask of measurements, shape (bands, rows, columns); ``None`` if all are."""


Analysis = TypeVar("Analysis", bound=TileAnalysis)
Symbols = TypeVar("Symbols", bound=TileSymbols)


def by_band(valid: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.bool_] | None:
    """Mask (rows, columns, bands) as (bands, rows, columns); ``None`` if all is valid."""
    if valid is None or valid.all():
        return None
    return np.ascontiguousarray(valid.transpose(2, 0, 1))


class TileCoder(abc.ABC, Generic[Analysis, Symbols]):
    """Encodes and decodes tiles of one interval, with one model of a pack if the profile has any.

    Parameters
    ----------
    model
        The model; ``None`` for a profile that needs no pack.
    settings
        How to encode.
    refine
        Refine what is decoded where the model can.
    optimise
        Let ONNX Runtime rewrite the graphs; see :class:`hyspec.inference.Network`.
    """

    #: Whether tiles of a row are analysed together.
    by_row = False

    def __init__(
        self,
        model: PackModel | None,
        settings: CoderSettings | None = None,
        *,
        refine: bool = False,
        optimise: bool = True,
    ) -> None:
        self._networks = () if model is None else model.networks
        # The kind of entropy model is that of the profile.
        self._core: list[tuple[int, Any]] = [(n.stride, n.latents) for n in self._networks]
        self._settings = settings or CoderSettings()
        self._refine = refine
        self._optimise = optimise

    def counted(self, bands: int) -> npt.NDArray[np.bool_]:
        """Bands whose errors count, shape (bands,): all but those that are dropped."""
        settings = self._settings
        if settings.bad is None or not settings.drop_bad:
            return np.ones(bands, bool)
        return ~settings.bad

    @abc.abstractmethod
    def analyse(self, tile: TileSamples) -> Analysis:
        """Measure a tile.

        Raises
        ------
        DataError
            A valid sample is infinite or too large for its quantisation step.
        """

    def analyse_row(self, tiles: Sequence[TileSamples]) -> list[Analysis]:
        """Measure the tiles of a row, from left to right; errors as for :meth:`analyse`."""
        return [self.analyse(tile) for tile in tiles]

    def analysis_bytes(self, shape: tuple[int, int, int], *, masked: bool) -> int:
        """Memory that an analysis takes at most, but for the samples and its latest encoding.

        Parameters
        ----------
        shape
            Rows, columns and bands of the tile.
        masked
            Whether some samples hold no measurement.
        """
        raise NotImplementedError

    @abc.abstractmethod
    def encode(self, analysis: Analysis, step: int) -> tuple[bytes, int, Symbols]:
        """Payload at a quality step (smaller is better), its symbols' checksum, and the symbols."""

    def payload(self, analysis: Analysis, step: int) -> tuple[bytes, int]:
        """Payload at a quality step, and its symbols' checksum, where the symbols do not matter."""
        return self.encode(analysis, step)[:2]

    def layers(self, analysis: Analysis, step: int) -> list[tuple[bytes, int]]:
        """Payloads and checksums as for :meth:`payload`, of each layer; most profiles have one."""
        return [self.payload(analysis, step)]

    @staticmethod
    def way(payload: bytes) -> str | None:  # noqa: ARG004 - for profiles with several
        """Way of a payload to its samples, which may be its beginning; ``None`` if all go one way.

        Raises
        ------
        StreamError
            It is none that this version knows.
        """
        return None

    def back(self, payload: bytes) -> int:  # noqa: ARG002 - for profiles that share
        """Tiles back to the one that a payload needs for decoding, in the same row; 0 for none.

        Raises
        ------
        CoreError
            The payload is damaged.
        """
        return 0

    def carried(self, tile: _core.BandTile, payload: bytes) -> Any:
        """What other tiles need of a payload that needs no other itself.

        Raises
        ------
        CoreError
            The payload is damaged, or needs another one.
        """
        raise NotImplementedError

    def read(
        self, tile: _core.BandTile, payload: bytes, checksum: int, carried: Any = None
    ) -> Symbols:
        """Symbols of a payload, with what it needs of another one.

        Raises
        ------
        CoreError
            The payload is damaged.
        StreamError
            The decoded symbols do not have the checksum that the encoder stored.
        """
        symbols, found = self._decoded(tile, payload, carried)
        _check_symbols(found, checksum)
        return symbols

    def lacks_layer(self, symbols: Symbols) -> bool:  # noqa: ARG002 - for profiles with layers
        """Whether symbols are those of a base, which a layer goes with."""
        return False

    def read_layer(
        self,
        tile: _core.BandTile,
        symbols: Symbols,
        symbols_checksum: int,
        payload: bytes,
        checksum: int,
    ) -> Symbols:
        """Symbols with what a layer adds to those of the layer before.

        Parameters
        ----------
        tile
            Size.
        symbols, symbols_checksum
            What is known so far, and its checksum.
        payload, checksum
            The layer and the checksum of what it makes known.

        Raises
        ------
        CoreError, StreamError
            As for :meth:`read`.
        """
        symbols, found = self._with_layer(tile, symbols, symbols_checksum, payload)
        _check_symbols(found, checksum)
        return symbols

    def _with_layer(
        self,
        tile: _core.BandTile,  # noqa: ARG002 - for profiles with layers
        symbols: Symbols,  # noqa: ARG002
        checksum: int,  # noqa: ARG002
        payload: bytes,  # noqa: ARG002
    ) -> tuple[Symbols, int]:
        """Symbols with those of a layer, and their checksum."""
        raise StreamError("the stream has layers, which its profile has not")

    @abc.abstractmethod
    def _decoded(self, tile: _core.BandTile, payload: bytes, carried: Any) -> tuple[Symbols, int]:
        """Symbols of a payload, and their checksum."""

    @abc.abstractmethod
    def synthesise(
        self, tile: _core.BandTile, symbols: Symbols, bands: npt.NDArray[np.intp]
    ) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]]:
        """Reconstruct some bands of a tile on the integer scale, a few at a time.

        Yields
        ------
        tuple of ndarray
            Positions in ``bands``, shape (n,), and their planes, shape (n, rows, columns).
        """

    def reconstruct(
        self,
        tile: _core.BandTile,
        symbols: Symbols,
        bands: npt.NDArray[np.intp],
        window: tuple[slice, slice],
        sample_type: SampleType,
        avoid: Any | None,
        out: npt.NDArray[Any],
    ) -> None:
        """Write samples of some bands of a tile, in the type of the cube.

        Parameters
        ----------
        tile, symbols, bands
            As for :meth:`synthesise`.
        window
            Rows and columns of the tile that are wanted.
        sample_type
            How whole numbers become samples.
        avoid
            Value that no sample shall have, of the sample type; ``None`` for none.
        out
            Receives the samples, shape (rows, columns, bands), also where they are not valid.
        """
        for where, planes in self.synthesise(tile, symbols, bands):
            for position, plane in zip(where, planes, strict=True):
                samples = sample_type.from_values(plane[window])
                if avoid is not None:
                    sample_type.avoid(samples, avoid)
                out[:, :, position] = samples


def _check_symbols(found: int, checksum: int) -> None:
    """Refuse symbols that are not those of the encoder."""
    if found != checksum:
        raise StreamError(
            f"decoded symbols have checksum {found:08x}, the stream says {checksum:08x}",
            hint="the encoder computed otherwise, or with other tables than this pack's; report it",
        )
