"""Exact core of hyspec: entropy coder, container, integer transforms."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import Buffer

class CoreError(RuntimeError):
    """Raised by the core; ``args`` are (code, offset, code name, text)."""

# ---- entropy coder ----

class CdfTables:
    """Frozen probability tables, each out of 65536, escape symbol last.

    Parameters
    ----------
    freq : ndarray of uint16, shape (entries of all tables,)
        Frequencies, one table after the other. Each is at least 1, each table sums to 65536 and has
        at least one regular symbol before its escape symbol.
    start : ndarray of uint32, shape (count + 1,)
        Where each table begins in ``freq``, then the length of ``freq``.
    first : ndarray of int32, shape (count,)
        Value of each table's first symbol; the others follow without gaps.

    Raises
    ------
    CoreError
        The arrays do not describe such tables.
    """

    def __init__(
        self,
        freq: npt.NDArray[np.uint16],
        start: npt.NDArray[np.uint32],
        first: npt.NDArray[np.int32],
    ) -> None: ...
    @property
    def count(self) -> int:
        """Number of tables."""

def encode_symbols(
    tables: CdfTables, symbols: npt.NDArray[np.int32], index: npt.NDArray[np.uint16]
) -> npt.NDArray[np.uint32]:
    """Code ``symbols[i]`` with table ``index[i]``; return the words of the message.

    Narrower integer arrays are accepted, wider ones are a TypeError.

    Raises
    ------
    CoreError
        ``symbols`` and ``index`` differ in length, or a table does not exist.
    """

def decode_symbols(
    tables: CdfTables, words: npt.NDArray[np.uint32], index: npt.NDArray[np.uint16]
) -> npt.NDArray[np.int32]:
    """Decode one symbol per entry of ``index``; the words must end with the last symbol.

    Raises
    ------
    CoreError
        A table does not exist, or the words do not hold exactly these symbols.
    """

def code_length(
    tables: CdfTables, symbols: npt.NDArray[np.int32], index: npt.NDArray[np.uint16]
) -> float:
    """Ideal code length of the symbols in bits, escapes included.

    Raises
    ------
    CoreError
        ``symbols`` and ``index`` differ in length, or a table does not exist.
    """

def encode_masks(planes: npt.NDArray[np.uint8] | npt.NDArray[np.bool_]) -> bytes:
    """Code binary planes, shape (count, rows, columns), 1 valid and 0 nodata.

    Raises
    ------
    CoreError
        A pixel is neither 0 nor 1.
    """

def decode_masks(data: bytes, count: int, rows: int, cols: int) -> npt.NDArray[np.uint8]:
    """Decode what ``encode_masks`` wrote; return planes of shape (count, rows, cols).

    A plane may cost as little as two bits, so check the shape before trusting it with memory.

    Raises
    ------
    CoreError
        The bytes do not hold exactly these planes.
    """

# ---- end of entropy coder ----

# ---- container ----

PREAMBLE_PREFIX: int

class Header:
    """What every chunk of a stream has in common (container format, section 3).

    Parameters
    ----------
    rows
        0 when not known while the header is written.
    sample_type
        NumPy name: uint8, int8, uint16, int16, uint32, int32, float32 or float64.
    step
        Quantisation step of floating-point samples; ``None`` for integer ones.
    tile_rows, tile_columns
        Size of the tiles in pixels.
    profile, profile_version
        Codes of section 3.5.
    intervals
        (number of bands, model index) of each interval, in band order.
    pack
        (SHA-256 of the manifest, name), or ``None``.
    nodata
        Value of samples that hold no measurement, or ``None``.
    wavelengths, fwhm
        One value per band in ``wavelength_unit``, or ``None``.
    bad_bands
        One flag per band, or ``None``.
    metadata
        Opaque bytes: zlib stream of a JSON object.
    unknown
        Ancillary fields that this version does not know: (tag, content).

    Raises
    ------
    CoreError
        A value cannot be represented. The rules among values are checked on serialising.
    """

    rows: int
    columns: int
    bands: int
    sample_type: str
    step: float | None
    tile_rows: int
    tile_columns: int
    profile: int
    profile_version: int
    nodata: float | None
    wavelength_unit: str
    software: str
    minor_version: int

    def __init__(
        self,
        *,
        rows: int,
        columns: int,
        bands: int,
        sample_type: str,
        step: float | None = None,
        tile_rows: int,
        tile_columns: int,
        profile: int,
        profile_version: int,
        intervals: Sequence[tuple[int, int]],
        pack: tuple[bytes, str] | None = None,
        nodata: float | None = None,
        wavelengths: Sequence[float] | npt.NDArray[np.float64] | None = None,
        fwhm: Sequence[float] | npt.NDArray[np.float64] | None = None,
        wavelength_unit: str = "",
        bad_bands: Sequence[bool] | npt.NDArray[np.bool_] | None = None,
        metadata: bytes = b"",
        software: str = "",
        unknown: Sequence[tuple[int, bytes]] = (),
        minor_version: int = 0,
    ) -> None: ...
    @property
    def intervals(self) -> list[tuple[int, int]]: ...
    @intervals.setter
    def intervals(self, value: Sequence[tuple[int, int]]) -> None: ...
    @property
    def pack(self) -> tuple[bytes, str] | None: ...
    @pack.setter
    def pack(self, value: tuple[bytes, str] | None) -> None: ...
    @property
    def wavelengths(self) -> list[float] | None: ...
    @wavelengths.setter
    def wavelengths(self, value: Sequence[float] | npt.NDArray[np.float64] | None) -> None: ...
    @property
    def fwhm(self) -> list[float] | None: ...
    @fwhm.setter
    def fwhm(self, value: Sequence[float] | npt.NDArray[np.float64] | None) -> None: ...
    @property
    def bad_bands(self) -> list[bool] | None: ...
    @bad_bands.setter
    def bad_bands(self, value: Sequence[bool] | npt.NDArray[np.bool_] | None) -> None: ...
    @property
    def metadata(self) -> bytes: ...
    @metadata.setter
    def metadata(self, value: bytes) -> None: ...
    @property
    def unknown(self) -> list[tuple[int, bytes]]: ...
    @unknown.setter
    def unknown(self, value: Sequence[tuple[int, bytes]]) -> None: ...

class ChunkInfo:
    """Header of one chunk (section 5); offsets are bytes from the beginning of the stream."""

    @property
    def kind(self) -> int: ...
    @property
    def tile(self) -> int: ...
    @property
    def interval(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def payload_offset(self) -> int: ...
    @property
    def payload_length(self) -> int: ...
    @property
    def payload_crc(self) -> int: ...
    @property
    def symbols_crc(self) -> int: ...

class ChunkEntry:
    """Where the index finds one chunk of a tile and interval; ``check_chunk`` opens it."""

    @property
    def kind(self) -> int: ...
    @property
    def tile(self) -> int: ...
    @property
    def interval(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def length(self) -> int: ...

class Index:
    """Where the chunks of a stream are."""

    @property
    def rows(self) -> int:
        """Rows of the cube."""

    @property
    def chunks(self) -> list[ChunkEntry]:
        """Those with samples, in file order."""

    @property
    def layers(self) -> list[ChunkEntry]:
        """Further layers: none, or one for each chunk; fewer in a damaged stream."""

    @property
    def rebuilt(self) -> bool:
        """True when found by scanning: chunks may be missing."""

class StreamWriter:
    """Makes the bytes of a stream, piece by piece; the caller appends them to a file.

    Raises
    ------
    CoreError
        The header breaks a rule of the format.
    """

    def __init__(self, header: Header) -> None: ...
    def begin(self) -> bytes:
        """Return the preamble; to be called once, first."""

    def chunk(
        self, tile: int, interval: int, rows: int, symbols_crc: int, payload: Buffer
    ) -> bytes:
        """Return one chunk; tiles and intervals may come in any order.

        Raises
        ------
        CoreError
            The chunk does not fit the header or the chunks before it.
        """

    def layer(
        self, tile: int, interval: int, rows: int, symbols_crc: int, payload: Buffer
    ) -> bytes:
        """Return a further layer of a chunk that is written already.

        Raises
        ------
        CoreError
            There is no such chunk, or it has its layer.
        """

    def finish(self) -> bytes:
        """Return index and trailer.

        Raises
        ------
        CoreError
            A tile or interval is missing, or the layers of some.
        """

    @property
    def rows(self) -> int:
        """Rows of the cube, as far as known from the header or the chunks so far."""

    @property
    def size(self) -> int:
        """Bytes of the stream so far."""

def serialize_preamble(header: Header) -> bytes:
    """Return the bytes that a stream with this header begins with.

    Raises
    ------
    CoreError
        A value breaks a rule of the format.
    """

def preamble_size(data: Buffer) -> int:
    """Length of the preamble that ``data`` begins with; PREAMBLE_PREFIX bytes are enough.

    Raises
    ------
    CoreError
        No stream, an unknown major version, or too few bytes.
    """

def parse_preamble(data: Buffer) -> tuple[Header, int]:
    """Return header and length of the preamble that ``data`` begins with.

    Raises
    ------
    CoreError
        No stream, an unknown major version or critical field, a cut off or damaged header.
    """

def read_index(data: Buffer, header: Header, size: int) -> Index:
    """Return the stream's own index, completely checked; ``size`` is that of the preamble.

    Reads no chunk but the index, so that a mapped file stays on disk.

    Raises
    ------
    CoreError
        The stream is cut off, its index is damaged, or it needs a newer reader.
    """

def rebuild_index(data: Buffer, header: Header, size: int) -> Index:
    """Return the index of a damaged stream, by scanning for chunks; chunks may be missing.

    Raises
    ------
    CoreError
        A critical chunk is of a kind that this version does not know.
    """

def check_chunk(data: Buffer, entry: ChunkEntry) -> ChunkInfo:
    """Return the chunk of an entry, its header compared and its payload's checksum verified.

    Raises
    ------
    CoreError
        This chunk is damaged; others may not be.
    """

def parse_chunk_header(data: Buffer, offset: int) -> ChunkInfo:
    """Return the header of the chunk at ``offset`` of the stream ``data``.

    Raises
    ------
    CoreError
        There is no chunk, or its header is damaged or belongs to another stream.
    """

def crc32c(data: Buffer, previous: int = 0) -> int:
    """CRC-32C of a buffer, continuing that of the bytes before it."""

def crc32c_symbols(symbols: npt.NDArray[np.int32]) -> int:
    """CRC-32C of symbols, each as 4 little-endian bytes."""

# ---- end of container ----

# ---- band and spectral profiles ----

MIN_STEP: int
MAX_STEP: int
MAX_SCALE: int
DEPENDENT_STEP: float
MAX_TERM_WEIGHT: int
MOST_COUNTED: int

# Probability and count of each slot, weights of mixers, weights of the prediction; all flat.
_State = tuple[
    npt.NDArray[np.uint16], npt.NDArray[np.uint8], npt.NDArray[np.int32], npt.NDArray[np.int32]
]

class LatentModel:
    """Gains and adaptive models of one network of bands (docs/band_profile.md, section 4).

    Parameters
    ----------
    gains : ndarray of int16, shape (levels, channels)
        Base-2 logarithms, in units of 1/256, of what latents are multiplied by before rounding.
    probability, count, mixers, intra : ndarray
        A state, as ``state`` gives it.

    Raises
    ------
    CoreError
        No level, no channel or too many, or a state of other sizes or with values out of
        range.
    """

    def __init__(
        self,
        gains: npt.NDArray[np.int16],
        probability: npt.NDArray[np.uint16],
        count: npt.NDArray[np.uint8],
        mixers: npt.NDArray[np.int32],
        intra: npt.NDArray[np.int32],
    ) -> None: ...
    @staticmethod
    def untrained(gains: npt.NDArray[np.int16]) -> LatentModel:
        """Model that has seen nothing yet."""

    @property
    def channels(self) -> int:
        """Latent channels."""

    @property
    def levels(self) -> int:
        """Quality levels."""

    @property
    def state(self) -> _State:
        """Probability and count of each slot; weights of mixers and within bands; all flat."""

class LatentTrainer:
    """Trains the adaptive models of a network, beginning with those of ``model``."""

    def __init__(self, model: LatentModel) -> None: ...
    def learn(self, levels: npt.NDArray[np.uint32], latents: npt.NDArray[np.int32]) -> float:
        """Adapt to one chunk; return its code length in bits.

        ``levels`` has shape (bands,), ``latents`` (bands, channels, rows, columns).

        Raises
        ------
        ValueError
            The shapes disagree, or a level is out of range.
        """

    @property
    def state(self) -> _State:
        """State after all that was learnt, as that of ``LatentModel``."""

class PlaneModel:
    """Gains and adaptive models of one network of planes (docs/spectral_profile.md, section 4).

    Parameters
    ----------
    gains : ndarray of int16, shape (levels, channels)
        Base-2 logarithms, in units of 1/256, of what latents are multiplied by before rounding.
    probability, count, mixers, intra : ndarray
        A state, as ``state`` gives it.
    surroundings : ndarray of int16, shape (terms, 7)
        What tells how large a latent is expected to be: channel, group, age, channel it takes, rows
        down, columns across, weight in 1/256.

    Raises
    ------
    CoreError
        No level, no channel or too many, or a state or surroundings of other sizes or with values
        out of range.
    """

    def __init__(
        self,
        gains: npt.NDArray[np.int16],
        probability: npt.NDArray[np.uint16],
        count: npt.NDArray[np.uint8],
        mixers: npt.NDArray[np.int32],
        intra: npt.NDArray[np.int32],
        surroundings: npt.NDArray[np.int16],
    ) -> None: ...
    @staticmethod
    def untrained(gains: npt.NDArray[np.int16], surroundings: npt.NDArray[np.int16]) -> PlaneModel:
        """Model that has seen nothing yet."""

    @property
    def channels(self) -> int:
        """Latent channels."""

    @property
    def levels(self) -> int:
        """Quality levels."""

    @property
    def state(self) -> _State:
        """Probability and count of each slot; weights of mixers and within planes; all flat."""

class PlaneTrainer:
    """Trains the adaptive models of a network, beginning with those of ``model``.

    ``dependent`` says whether two quantisers take turns in the chunks that are learnt from.
    """

    def __init__(self, model: PlaneModel, dependent: bool) -> None: ...
    def learn(self, levels: npt.NDArray[np.uint32], latents: npt.NDArray[np.int32]) -> float:
        """Adapt to one chunk; return its code length in bits.

        ``levels`` has shape (planes,), ``latents`` (planes, channels, rows, columns).

        Raises
        ------
        ValueError
            The shapes disagree, or a level is out of range.
        CoreError
            A latent is none that its quantiser has.
        """

    @property
    def state(self) -> _State:
        """State after all that was learnt, as that of ``PlaneModel``."""

class BandTile:
    """Size of one chunk: the bands of an interval in a tile.

    Raises
    ------
    CoreError
        A size is 0, or there are more samples than memory can hold.
    """

    def __init__(self, bands: int, rows: int, columns: int) -> None: ...
    @property
    def bands(self) -> int:
        """Bands of the interval."""

    @property
    def rows(self) -> int:
        """Rows of the tile."""

    @property
    def columns(self) -> int:
        """Columns of the tile."""

def encode_band_payload(
    networks: Sequence[tuple[int, LatentModel]],
    tile: BandTile,
    step: int,
    network: int,
    valid: npt.NDArray[np.uint8] | npt.NDArray[np.bool_] | None,
    scale: npt.NDArray[np.int32],
    mean: npt.NDArray[np.int32],
    latents: npt.NDArray[np.int32] | npt.NDArray[np.float32],
    bit_value: float = 0.0,
) -> tuple[bytes, int, npt.NDArray[np.int32]]:
    """Write a payload; return it, the checksum of its symbols, and the latents as coded.

    Parameters
    ----------
    networks
        Stride and model of each network that the payload may be of.
    tile, step, network
        Size, quality step, and the network that the latents are of.
    valid
        Shape (bands, rows, columns), 1 or true where a sample is a measurement; ``None`` for all.
    scale, mean
        Shape (bands,).
    latents
        Shape (active bands, channels, positions). Integers are coded as they are; real numbers are
        multiplied by the gains of their levels and rounded.
    bit_value
        What a bit is worth when real latents are rounded, in squared steps, 0 to 0.5. Where it
        saves bits, a latent becomes an integer further away than the nearest one, by one step at
        most; with 0 it becomes the nearest.

    Raises
    ------
    CoreError
        Sizes disagree or a value is out of range.
    """

def decode_band_payload(
    networks: Sequence[tuple[int, LatentModel]], tile: BandTile, payload: bytes
) -> tuple[
    int,
    int,
    npt.NDArray[np.uint8] | None,
    npt.NDArray[np.int32],
    npt.NDArray[np.int32],
    npt.NDArray[np.int32],
    int,
]:
    """Read a payload: step, network, valid, scale, mean, latents, symbols checksum.

    Raises
    ------
    CoreError
        The bytes do not hold a payload of this tile.
    """

def band_levels(scale: npt.NDArray[np.int32], step: int, levels: int) -> npt.NDArray[np.int32]:
    """Quality level of each band, -1 where it has no latents."""

def mean_exponents(scale: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Exponent e of the unit 2^e that each band's mean is counted in."""

class SpectralBasis:
    """Directions of the planes of a tile, as whole numbers (docs/spectral_profile.md, section 3.4).

    Parameters
    ----------
    entries
        Shape (rows, width): a row per plane, over the bands that vary or the leading components of
        all groups.
    sizes, counts
        Shape (groups,): bands and leading components of each group; without groups, empty.
    leading
        Numbers of the leading components, group after group, each of shape (counts, sizes); flat.
    """

    def __init__(
        self,
        entries: npt.NDArray[np.int32],
        sizes: npt.NDArray[np.int32],
        counts: npt.NDArray[np.int32],
        leading: npt.NDArray[np.int32],
    ) -> None: ...
    @property
    def entries(self) -> npt.NDArray[np.int32]: ...
    @property
    def sizes(self) -> npt.NDArray[np.int32]: ...
    @property
    def counts(self) -> npt.NDArray[np.int32]: ...
    @property
    def leading(self) -> npt.NDArray[np.int32]: ...

class SharedBasis:
    """The basis of a tile that others use, too.

    Parameters
    ----------
    varies
        Shape (bands,): 1 or true for bands that the basis has numbers for.
    basis
        The basis.
    """

    def __init__(
        self, varies: npt.NDArray[np.uint8] | npt.NDArray[np.bool_], basis: SpectralBasis
    ) -> None: ...
    @property
    def varies(self) -> npt.NDArray[np.uint8]: ...
    @property
    def basis(self) -> SpectralBasis: ...

def encode_spectral_payload(
    networks: Sequence[tuple[int, PlaneModel]],
    tile: BandTile,
    back: int,
    shared: SharedBasis | None,
    step: int,
    network: int,
    valid: npt.NDArray[np.uint8] | npt.NDArray[np.bool_] | None,
    varies: npt.NDArray[np.uint8] | npt.NDArray[np.bool_],
    mean: npt.NDArray[np.int32],
    basis: SpectralBasis | None,
    scale: npt.NDArray[np.int32],
    latents: npt.NDArray[np.int32] | npt.NDArray[np.float32],
    bit_value: float = 0.0,
    dependent: bool = False,
    weights: npt.NDArray[np.float32] | None = None,
    fineness: int = 0,
) -> tuple[bytes, int, npt.NDArray[np.int32]]:
    """Write a payload; return it, the checksum of its symbols, and the latents as coded.

    Parameters
    ----------
    networks, tile, step, network, valid, bit_value
        As for `encode_band_payload`.
    back, shared
        Tiles back to the one whose basis is used, and that basis; 0 and ``None`` if the tile has
        its own.
    varies, mean
        Shape (bands,): 1 or true where not all valid samples are equal; means in units of
        2^`spectral_mean_exponent`.
    basis
        The tile's own basis, of as many rows as planes or more; ``None`` if it has none.
    scale
        Codes of the standard deviations of the planes, shape (planes,).
    latents
        Shape (planes, channels, positions); half steps, integers that the quantisers have, or real
        numbers before rounding.
    dependent
        Whether two quantisers take turns.
    weights
        What the squared errors of real latents count at each position, 0 to 2^20, shape (planes,
        positions); ``None`` if all count 1.

    Raises
    ------
    CoreError
        Sizes disagree or a value is out of range.
    """

def spectral_payload_back(payload: bytes) -> int:
    """Tiles back to the one whose basis a payload uses; 0 if it has its own.

    Raises
    ------
    CoreError
        The bytes hold no payload.
    """

def decode_spectral_basis(networks: int, tile: BandTile, payload: bytes) -> SharedBasis:
    """Read the basis of a payload of a model with so many networks, and nothing after it.

    Raises
    ------
    CoreError
        The bytes hold no payload of this tile with a basis of its own.
    """

def decode_spectral_payload(
    networks: Sequence[tuple[int, PlaneModel]],
    tile: BandTile,
    payload: bytes,
    shared: SharedBasis | None = None,
) -> tuple[
    int,
    int,
    int,
    npt.NDArray[np.uint8] | None,
    npt.NDArray[np.uint8],
    int,
    npt.NDArray[np.int32],
    SpectralBasis,
    npt.NDArray[np.int32],
    bool,
    npt.NDArray[np.int32],
    int,
]:
    """Read a payload.

    Parameters
    ----------
    shared
        The basis that the payload uses; ``None`` if it has its own.

    Returns
    -------
    back, step, network, valid, varies, fineness, mean, basis, scale, dependent, latents, checksum
        As for `encode_spectral_payload`; ``valid`` is ``None`` if all samples are, and the basis is
        empty if it is shared.

    Raises
    ------
    CoreError
        The bytes hold no payload of this tile, or one that needs another basis.
    """

def put_samples(
    planes: npt.NDArray[np.float32],
    basis: npt.NDArray[np.float32],
    mean: npt.NDArray[np.float32],
    avoid: int | None,
    out: npt.NDArray[Any],
) -> None:
    """Write rounded sums of planes as samples of at most 16 bits.

    Parameters
    ----------
    planes
        Shape (planes, rows, columns).
    basis
        Shape (planes, bands).
    mean
        Shape (bands,).
    avoid
        A sample that comes out as this number of the type is moved by one; ``None`` for none.
    out
        Samples, shape (rows, columns, bands): integers of 8 or 16 bits, with any strides. What is
        beyond the type is clipped.

    Notes
    -----
    Single precision; planes are added in their order, so that a sample does not depend on which
    bands and pixels it is computed with.
    """

def spectral_mean_exponent(varies: bool, step: int, fineness: int) -> int:
    """Exponent e of the unit 2^e that the mean of a band is counted in."""

# ---- end of band and spectral profiles ----

# ---- bounded profile ----

MAX_PREDICTION_BANDS: int
MAX_DENOMINATOR: int

def encode_bounded_payload(
    samples: npt.NDArray[np.int32],
    valid: npt.NDArray[np.uint8] | npt.NDArray[np.bool_] | None,
    max_errors: npt.NDArray[np.uint32],
    bands: int = 16,
    wide: bool = False,
    numerator: int = 0,
    denominator: int = 1,
    zero: int = 0,
) -> tuple[bytes, int]:
    """Write a payload; return it and the checksum of the samples that it decodes to.

    Parameters
    ----------
    samples
        Shape (bands, rows, columns). Those that are not valid do not matter.
    valid
        Same shape, 1 or true where a sample is valid; ``None`` if all are.
    max_errors
        Shape (bands,): largest error of the samples of each band; 0 for lossless.
    bands
        Bands before that a prediction uses, 0 to `MAX_PREDICTION_BANDS`. More take longer.
    wide
        Use more neighbours in the picture, which serves cubes of few bands.
    numerator, denominator
        Largest error in proportion to the distance between a sample and `zero`: their quotient,
        less than 1, with a denominator of at most `MAX_DENOMINATOR`; 0 for none. `max_errors`
        hold, too.
    zero
        The whole number of a sample of 0.

    Raises
    ------
    CoreError
        Sizes disagree, or a setting is out of range.
    """

def read_bounded_limits(
    tile: BandTile, payload: bytes
) -> tuple[npt.NDArray[np.uint32], int, int, int]:
    """Error limits that a payload states: `max_errors`, `numerator`, `denominator` and `zero`.

    Parameters, errors and what is returned are those of `encode_bounded_payload` and
    `decode_bounded_payload`; samples are not decoded.
    """

def decode_bounded_payload(
    tile: BandTile, payload: bytes
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8] | None, npt.NDArray[np.uint32], int]:
    """Read a payload.

    Returns
    -------
    samples, valid, max_errors, checksum
        As for `encode_bounded_payload`; samples that are not valid are 0.

    Raises
    ------
    CoreError
        The bytes hold no payload of this tile.
    """

def default_bounded_settings(bands: int, lossless: bool) -> tuple[int, bool]:
    """Settings (bands, wide) that serve a tile with this many bands well."""

def encode_corrected_payload(
    base: bytes,
    corrections: npt.NDArray[np.int32],
    valid: npt.NDArray[np.uint8] | npt.NDArray[np.bool_] | None,
    max_errors: npt.NDArray[np.uint32],
    tolerance: int,
    checksum: int,
) -> tuple[bytes, int]:
    """Write a payload that corrects a base; return it and the checksum of its symbols.

    Parameters
    ----------
    base
        Payload of the base.
    corrections
        Shape (bands, rows, columns). Those that are not valid do not matter.
    valid
        Mask of the same shape; None if all are valid.
    max_errors
        Largest error of each band, below 2^31.
    tolerance
        How far reconstructions of two decoders may be apart after rounding.
    checksum
        That of the symbols of the base.

    Raises
    ------
    CoreError
        Sizes disagree, a limit is too large or less than half the tolerance, or a correction has
        a magnitude of 2^30 or more.
    """

def read_corrected_header(
    tile: BandTile, payload: bytes
) -> tuple[int, npt.NDArray[np.uint32], bytes]:
    """Return tolerance, max_errors and the base of a payload.

    Raises
    ------
    CoreError
        The bytes hold no payload of this tile.
    """

def decode_corrections(
    tile: BandTile, payload: bytes, valid: npt.NDArray[np.uint8] | None, checksum: int
) -> tuple[npt.NDArray[np.int32], int]:
    """Read the corrections of a payload.

    Parameters
    ----------
    tile, payload
        As above.
    valid
        Mask that the base says.
    checksum
        That of the symbols of the base.

    Returns
    -------
    corrections, checksum
        0 where not valid; the checksum of base and corrections.

    Raises
    ------
    CoreError
        The bytes hold no payload of this tile.
    """

# ---- end of bounded profile ----
