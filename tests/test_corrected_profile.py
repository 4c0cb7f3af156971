"""Streams with corrections keep their promise on every machine; chunks go the shorter way."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hyspec
from bounded_payload_cases import KINDS, Array, cube
from corrected_cases import PACK, ForcedCoder, payloads
from hyspec import Cube, _core, bounded_profile, corrected_base, errors
from hyspec import pack as packs
from hyspec.nodata import validity
from hyspec.sample_type import SampleType
from hyspec.tile_coder import CoderSettings, TileSamples


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Encode all chunks whose limits leave a step by corrections."""
    monkeypatch.setattr(bounded_profile.BoundedCoder, "payload", ForcedCoder.payload)


INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32")
MODEL = packs.load(PACK).models[0]


def off(decoded: Array, source: Cube, limits: Any) -> Array:
    """By how much valid samples miss their limits, at most 0 where none does; checks nodata."""
    valid, again = (validity(array, source.nodata) for array in (source.array, decoded))
    there = np.ones(source.shape, bool) if valid is None else valid
    assert np.array_equal(there, np.ones(source.shape, bool) if again is None else again)
    wide = np.longdouble if source.array.dtype.kind == "f" else np.int64
    error = np.abs(decoded.astype(wide) - source.array.astype(wide))
    missed: Array = (error - np.broadcast_to(np.array(limits, float), source.shape))[there]
    return missed


class Corrected:
    """One tile of a cube through corrections, and what decoders make of it.

    Parameters
    ----------
    source
        The cube.
    limits
        Largest error of all bands, or of each.
    step
        Quantisation step of floating-point samples; 0 for integers.
    """

    def __init__(self, source: Cube, limits: Any, step: float = 0.0) -> None:
        self.source, self.limits = source, limits
        self.sample_type = SampleType(source.array.dtype, step)
        bounds = np.broadcast_to(np.array(limits, float), source.bands)
        self.coder = ForcedCoder(MODEL, CoderSettings(max_error=bounds))
        valid = validity(source.array, source.nodata)
        brightness = np.float64(1.0)
        tile = TileSamples(source.array, valid, self.sample_type, brightness, source.nodata)
        analysis = self.coder.analyse(tile)
        self.tile = analysis.tile
        self.payload, self.checksum = self.coder.payload(analysis, 0)
        self.way = self.coder.way(self.payload)
        self.symbols = self.coder.read(self.tile, self.payload, self.checksum)

    def decoded(self) -> Array:
        """Samples as a decoder writes them."""
        source = self.source
        out = np.empty(source.shape, source.array.dtype)
        whole = slice(None), slice(None)
        marked = self.sample_type.marks(source.nodata)
        nodata = self.sample_type.nodata_fill(source.nodata)
        bands = np.arange(source.bands)
        self.coder.reconstruct(self.tile, self.symbols, bands, whole, self.sample_type,
                               nodata if marked else None, out)  # fmt: skip
        if self.symbols.valid is not None:
            out[self.symbols.valid.transpose(1, 2, 0) == 0] = nodata
        return out

    def missed(self) -> float:
        """By how much the worst sample misses its limit; at most 0 if none does."""
        return float(off(self.decoded(), self.source, self.limits).max(initial=0.0))


def another_machine(monkeypatch: pytest.MonkeyPatch, moves: Any) -> None:
    """Move what all decoders from now on compute before they round."""
    synthesise = corrected_base.SpectralCoder.synthesise

    def moved(self: Any, tile: Any, symbols: Any, bands: Any) -> Any:
        for where, planes in synthesise(self, tile, symbols, bands):
            yield where, planes + moves(planes.shape)

    monkeypatch.setattr(corrected_base.SpectralCoder, "synthesise", moved)


# ---- the bound -----------------------------------------------------------------------------------


@st.composite
def integer_cubes(draw: st.DrawFn) -> Cube:
    """Cubes of any integer type, with or without nodata that samples come close to."""
    dtype = np.dtype(draw(st.sampled_from(INTEGERS)))
    limits = np.iinfo(dtype)
    ends = st.integers(int(limits.min), int(limits.max))
    few = st.integers(int(limits.min), int(limits.max) - 100).map(lambda low: (low, low + 100))
    low, high = draw(st.just((int(limits.min), int(limits.max))) | few | st.tuples(ends, ends))
    low, high = min(low, high), max(low, high)
    shape = tuple(draw(st.integers(1, n)) for n in (6, 10, 18))
    shift = 2**31 if dtype == np.uint32 else 0
    kind, seed = draw(st.sampled_from(KINDS)), draw(st.integers(0, 2**32))
    counts = cube(kind, shape, low - shift, high - shift, seed).astype(np.int64) + shift
    array = counts.transpose(1, 2, 0).astype(dtype)
    nodata = None
    if draw(st.booleans()):
        nodata = float(draw(st.sampled_from([low, high, min(low + 2, high), (low + high) // 2])))
        if draw(st.booleans()):
            array[np.random.default_rng(seed).random(array.shape) < 0.3] = int(nodata)
    return Cube(array, nodata=nodata)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_integer_cube(data: st.DataObject) -> None:
    source = data.draw(integer_cubes())
    bound = st.sampled_from([3, 4.9, 10, 100, 40000, 2.0**31 - 1]) | st.floats(3, 300)
    bands = source.bands
    limits = data.draw(bound | st.lists(bound, min_size=bands, max_size=bands))
    assert Corrected(source, limits).missed() <= 0


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_any_float_cube(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    shape = tuple(data.draw(st.integers(1, n)) for n in (9, 17, 5))
    scale = 10.0 ** data.draw(st.integers(-6, 6))
    offset = data.draw(st.sampled_from([0.0, 1.0, -1000.0])) * scale
    array = rng.normal(offset, scale, shape).astype(dtype)
    nodata = data.draw(st.sampled_from([None, 0.0, float(array.flat[0]), np.nan]))
    if nodata is not None:
        array[rng.random(shape) < 0.2] = nodata
    bound = scale * data.draw(st.floats(0.05, 3))
    step = bound * data.draw(st.sampled_from([0.2, 0.1, 0.01]))
    assert Corrected(Cube(array, nodata=nodata), bound, step).missed() <= 0


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("bound", [4, 90])
def test_both_ends_of_the_sample_types(dtype: str, bound: int) -> None:
    limits = np.iinfo(dtype)
    ends = np.array([limits.min, limits.max, limits.min + 1, limits.max - 1], dtype)
    array = np.random.default_rng(1).choice(ends, (17, 8, 3))
    assert Corrected(Cube(array), bound).missed() <= 0


@pytest.mark.parametrize("kind", KINDS)
def test_small_integers_go_by_corrections(kind: str) -> None:
    """Nothing above is true because all was predicted."""
    samples = cube(kind, (6, 18, 19), 0, 5000, 3).transpose(1, 2, 0)
    coded = Corrected(Cube(samples.astype(np.uint16)), 5)
    assert coded.way == "corrections"
    assert coded.missed() <= 0


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize("tile", [(1, 1), (7, 40), (40, 5), (16, 16), (64, 64)])
def test_any_tile(tile: tuple[int, int], scene_cube: Cube) -> None:
    source = Cube(scene_cube.array[:5, :6]) if tile == (1, 1) else scene_cube
    data = hyspec.encode(source, pack=PACK, max_error=150, tile=tile, intervals="1-9,10-24")
    decoded = hyspec.decode(data, pack=PACK).array
    assert off(decoded, source, 150).max() <= 0
    if tile != (1, 1):
        assert set(hyspec.Stream(data, pack=PACK).ways) == {"corrections"}


@pytest.mark.usefixtures("forced")
def test_masks_and_nodata_beside_samples(nodata_cube: Cube) -> None:
    limits = [20 + band for band in range(24)]
    data = hyspec.encode(nodata_cube, pack=PACK, max_error=limits, tile=16)
    assert set(hyspec.Stream(data, pack=PACK).ways) == {"corrections"}
    assert off(hyspec.decode(data, pack=PACK).array, nodata_cube, limits).max() <= 0


@pytest.mark.parametrize("nodata", [50, 0, 65535])
def test_samples_beside_nodata(nodata: int) -> None:
    """Decoding moves what meets nodata, and that is within the limit, too."""
    rng = np.random.default_rng(nodata)
    array = np.clip(nodata + rng.integers(-9, 10, (20, 20, 4)), 0, 65535).astype(np.uint16)
    for bound in (4, 5, 9):
        assert Corrected(Cube(array, nodata=float(nodata)), bound).missed() <= 0


# ---- other machines ------------------------------------------------------------------------------


def noisy_cube(size: float = 300.0) -> Cube:
    """Two components of nine bands and noise, from 0 up to some thousands."""
    rng = np.random.default_rng(9)
    y, x = np.mgrid[:32, :33] / 5
    fields = np.stack([np.sin(x) + np.cos(y), np.sin(2 * y + x)], -1)
    array = 5 * size + size * fields @ rng.normal(0, 1, (2, 9)) + rng.normal(0, 9, (32, 33, 9))
    return Cube(np.rint(array).astype(np.int32))


@pytest.mark.parametrize("size", [300.0, 3e7])
def test_decoders_that_are_a_little_off(size: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """By all of the deviation that is reckoned with, wherever that hurts most, and not more."""
    limit = 12 if size == 300.0 else 30000
    coded = Corrected(noisy_cube(size), limit)
    assert coded.way == "corrections"
    base = coded.coder._base
    assert base is not None
    deviation = base.deviation(coded.symbols.base)
    assert deviation >= 1 / 16
    before = coded.decoded()
    rng = np.random.default_rng(2)
    moves = [
        lambda _: deviation,
        lambda _: -deviation,
        lambda shape: rng.choice([-deviation, deviation], shape),
        lambda shape: rng.uniform(-deviation, deviation, shape),
    ]
    for move in moves:
        with monkeypatch.context() as other:
            another_machine(other, move)
            assert coded.missed() <= 0
            assert not np.array_equal(coded.decoded(), before)
    with monkeypatch.context() as other:
        another_machine(other, lambda _: 2 * deviation + 1)
        assert coded.missed() > 0


def test_the_room_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, a decoder that is off by as little misses limits."""
    monkeypatch.setattr(corrected_base.CorrectedBase, "deviation", lambda *_: 0.0)
    coded = Corrected(noisy_cube(), 12)
    assert coded.missed() <= 0
    for move in (1 / 16, -1 / 16):
        with monkeypatch.context() as other:
            another_machine(other, lambda _, move=move: move)
            assert coded.missed() > 0


def test_the_room_is_that_of_the_document() -> None:
    coded = Corrected(noisy_cube(3e7), 30000)
    assert coded.coder._base is not None
    scale = coded.symbols.base.scale.astype(float)
    expected = 1 / 16 + np.sqrt(np.sum(4.0 ** ((scale - 65) / 16))) * 2.0**-17
    if len(scale) <= max(32, 9 / 4):
        expected += 8 * 2 ** (coded.symbols.base.step / 32) * 2.0**-9
    assert coded.coder._base.deviation(coded.symbols.base) == pytest.approx(expected)
    tolerance = int(np.floor(2 * expected)) + 1
    assert coded.symbols.steps.tolist() == [2 * 30000 + 1 - tolerance] * 9


# ---- which way -----------------------------------------------------------------------------------


def half_noisy() -> Cube:
    """A tile of few components, and one of noise that is larger than the limit."""
    smooth = noisy_cube().array
    noise = np.random.default_rng(5).integers(0, 4000, smooth.shape)
    return Cube(np.concatenate([smooth, noise.astype(np.int32)]))


def test_each_chunk_goes_the_shorter_way(monkeypatch: pytest.MonkeyPatch) -> None:
    source = half_noisy()
    settings: Any = {"max_error": 40, "tile": 32}
    with monkeypatch.context() as forced:
        forced.setattr(bounded_profile.BoundedCoder, "payload", ForcedCoder.payload)
        corrected = payloads(hyspec.encode(source, pack=PACK, **settings))
    predicted = payloads(hyspec.encode(source, fast=True, **settings))
    assert [p[0] for p in corrected] == [1, 1]
    assert [p[0] for p in predicted] == [0, 0]
    chosen = payloads(hyspec.encode(source, pack=PACK, **settings))
    assert [p[0] for p in chosen] == [1, 0]
    for k, payload in enumerate(chosen):
        assert payload == min(predicted[k], corrected[k], key=len)


def test_ways_are_counted() -> None:
    source = half_noisy()
    for options in (
        hyspec.EncodeOptions(pack=PACK, max_error=40, tile=32),
        hyspec.EncodeOptions(pack=PACK, max_error=40, tile=(32, 17), intervals="1-4,5-9"),
    ):
        pieces: list[bytes] = []
        result = hyspec.encode_to(source, pieces.append, options)
        stream = hyspec.Stream(b"".join(pieces), pack=PACK)
        assert result.ways == stream.ways
        assert sum(result.ways.values()) == len(stream.index.chunks)
        assert set(result.ways) == {"corrections", "prediction"}
    pieces = []
    assert hyspec.encode_to(source, pieces.append, hyspec.EncodeOptions(pack=PACK)).ways == {}
    assert hyspec.Stream(b"".join(pieces)).ways == {}


def test_small_limits_name_no_pack() -> None:
    for limit in (1, [1] + [99] * 8, 1.99):
        assert hyspec.Stream(hyspec.encode(half_noisy(), max_error=limit)).pack_name is None
    data = hyspec.encode(half_noisy(), pack=PACK, max_error=2)
    assert hyspec.Stream(data, pack=PACK).pack_name == "tiny-spectral"


def test_threads_do_not_matter() -> None:
    settings: Any = {"pack": PACK, "max_error": 40, "tile": (16, 17)}
    data = hyspec.encode(half_noisy(), threads=1, **settings)
    assert data == hyspec.encode(half_noisy(), threads=3, **settings)
    one, three = (hyspec.decode(data, pack=PACK, threads=n).array for n in (1, 3))
    assert np.array_equal(one, three)


def test_lines() -> None:
    source = half_noisy()
    pieces: list[bytes] = []
    options = hyspec.EncodeOptions(pack=PACK, max_error=40, tile=32)
    with hyspec.LineEncoder(pieces.append, options) as encoder:
        for line in source.array:
            encoder.push(line[None])
    assert encoder.finish().ways == {"corrections": 1, "prediction": 1}
    found = hyspec.decode(b"".join(pieces), pack=PACK).array
    assert off(found, source, 40).max() <= 0
    whole = hyspec.encode(source, pack=PACK, max_error=40, tile=32)
    assert payloads(b"".join(pieces)) == payloads(whole)


@pytest.mark.parametrize("fast", [False, True])
def test_refinement_is_no_choice(fast: bool) -> None:
    """What was corrected is what decoders have to correct."""
    data = hyspec.encode(half_noisy(), pack=PACK, max_error=40)
    expected = hyspec.decode(data, pack=PACK).array
    assert np.array_equal(hyspec.decode(data, pack=PACK, fast=fast).array, expected)


# ---- what only faulty encoders write -------------------------------------------------------------


def forged(payload: bytes, shape: tuple[int, int, int], pack: bool = True) -> hyspec.Stream:
    """A stream of one chunk with this payload; shape (bands, rows, columns)."""
    source = Cube(np.zeros((*shape[1:], shape[0]), np.uint16))
    header = hyspec.Stream(hyspec.encode(source, pack=PACK, max_error=9)).header
    if not pack:
        header.pack = None
    writer = _core.StreamWriter(header)
    parts = [writer.begin(), writer.chunk(0, 0, shape[1], 0, payload), writer.finish()]
    return hyspec.Stream(b"".join(parts), pack=PACK if pack else None)


def corrected_payload() -> tuple[bytes, tuple[int, int, int]]:
    coded = Corrected(noisy_cube(), 40)
    return coded.payload, (9, 32, 33)


EXTREME = corrected_payload()


def test_a_stream_without_a_pack() -> None:
    payload, shape = corrected_payload()
    with pytest.raises(errors.StreamError, match="names no pack"):
        forged(payload, shape, pack=False)[...]


def test_a_base_that_borrows_its_basis() -> None:
    payload, shape = corrected_payload()
    tolerance, limits, base = _core.read_corrected_header(_core.BandTile(*shape), payload)
    assert base[0] == 0
    nothing = np.zeros(shape, np.int32)
    for borrowed in (b"\1" + base[1:], b"\x80\x80\1" + base[1:], b"", b"\0"):
        bad, _ = _core.encode_corrected_payload(borrowed, nothing, None, limits, tolerance, 0)
        stream = forged(bad, shape)
        assert stream.ways == {"corrections": 1}
        with pytest.raises(errors.StreamError, match=r"basis of another|tile 0"):
            stream[...]
        assert len(stream.check()) == 1


@pytest.mark.parametrize("start", [b"", b"\3", b"\x80\x01"])
def test_ways_that_there_are_not(start: bytes) -> None:
    payload, shape = corrected_payload()
    stream = forged(start + payload if start else b"", shape)
    assert stream.ways == {}
    with pytest.raises(errors.StreamError, match="way"):
        stream[...]


def test_every_byte() -> None:
    """Flipped or cut off there: an error of the stream, or other limits.

    These are covered by the checksum of the payload alone.
    """
    coded = Corrected(Cube(noisy_cube().array[:9, :10, :4]), 15)
    assert coded.way == "corrections"
    kept = 0
    for at in range(len(coded.payload)):
        flipped = bytearray(coded.payload)
        flipped[at] ^= 1 << at % 8
        for damaged in (bytes(flipped), coded.payload[:at]):
            try:
                found = coded.coder.read(coded.tile, damaged, coded.checksum)
            except errors.StreamError:
                continue
            except _core.CoreError as error:
                assert error.args[2] in ("corrupt", "truncated")
                continue
            assert len(damaged) == len(coded.payload)
            assert found.corrections.tolist() == coded.symbols.corrections.tolist()
            kept += 1
    assert kept < 40  # in the header and the head of the base


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_extreme_symbols_are_decoded(data: st.DataObject) -> None:
    """Corrections of any size times steps of any size, on any base: samples, without a warning."""
    dtype = np.dtype(data.draw(st.sampled_from(INTEGERS)))
    payload, shape = EXTREME
    _, _, base = _core.read_corrected_header(_core.BandTile(*shape), payload)
    size = data.draw(st.sampled_from([0, 5, 2**30 - 1]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    found = rng.integers(-size, size + 1, shape).astype(np.int32)
    limit = data.draw(st.sampled_from([2, 1000, 2**31 - 1]))
    limits = np.full(shape[0], limit, np.uint32)
    coder = ForcedCoder(MODEL)
    tile = _core.BandTile(*shape)
    written, _ = _core.encode_corrected_payload(base, found, None, limits, 1, 0)
    decoded, _ = coder._decoded(tile, written, None)
    out = np.empty((*shape[1:], shape[0]), dtype)
    whole = slice(None), slice(None)
    coder.reconstruct(tile, decoded, np.arange(shape[0]), whole, SampleType(dtype), None, out)
    if size == 2**30 - 1 and limit == 2**31 - 1:
        ends = np.iinfo(dtype)
        far = np.abs(found.transpose(1, 2, 0)) > 9
        assert np.isin(out[far], [ends.min, ends.max]).all()


def test_memory_is_reckoned() -> None:
    """Corrections, their mask, planes of the base and of contexts."""
    data = hyspec.encode(noisy_cube(), pack=PACK, max_error=40)
    stream = hyspec.Stream(data, pack=PACK)
    samples, pixels = 32 * 33 * 9, 32 * 33
    assert stream._chunks.memory >= samples * (4 + 1 + 8 + 4) + pixels * (3 + 2 + 4)
    with pytest.raises(errors.LimitError, match="one chunk"):
        hyspec.Stream(data, pack=PACK, max_bytes=samples * 8)[0, 0, 0]
