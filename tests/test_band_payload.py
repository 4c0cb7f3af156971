"""Payloads of the band profile: round trips of any symbols, refusals, choice of tables."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hyspec import _core
from reference import band, pack
from reference.range_decoder import Table

Int32Array = npt.NDArray[np.int32]

LOWEST, HIGHEST = -(2**31), 2**31 - 1
MAX_SCALE = 577
int32s = st.integers(LOWEST, HIGHEST)
extremes = st.sampled_from([LOWEST, LOWEST + 1, -1, 0, 1, HIGHEST - 1, HIGHEST])

# ---- models


@dataclass
class Model:
    """An entropy model as both implementations see it."""

    core: _core.BandTables
    ladder: npt.NDArray[np.uint8]
    tables: list[Table]
    rungs: int

    def reference(self, stride: int) -> tuple[pack.Pack, pack.Model]:
        levels, channels = self.ladder.shape
        model = pack.Model(self.tables, self.ladder, np.zeros((levels, channels), "f4"), b"")
        return pack.Pack(b"", stride, channels, levels, self.rungs, [model]), model

    def cost(self, levels: list[int], latents: Int32Array, offsets: Int32Array) -> float:
        """Bits of latents (bands, channels, positions) with channel offsets."""
        flat = core_tables(self.tables)
        index = np.empty(latents.shape, np.uint16)
        for b, level in enumerate(levels):
            for c, offset in enumerate(offsets.tolist()):
                rung = min(max(int(self.ladder[level, c]) + offset, 0), self.rungs - 1)
                index[b, c] = c * self.rungs + rung
        return _core.code_length(flat, latents.ravel(), index.ravel())


def core_tables(tables: list[Table]) -> _core.CdfTables:
    start = np.cumsum([0, *(len(t.freq) for t in tables)]).astype(np.uint32)
    freq = np.concatenate([t.freq for t in tables]).astype(np.uint16)
    return _core.CdfTables(freq, start, np.array([t.first for t in tables], np.int32))


def make_model(tables: list[Table], ladder: npt.NDArray[np.uint8], rungs: int) -> Model:
    core = _core.BandTables(core_tables(tables), ladder, ladder.shape[1], rungs)
    return Model(core, ladder, tables, rungs)


def geometric(width: float, reach: int) -> Table:
    """A two-sided geometric distribution with `reach` symbols on either side."""
    weights = np.exp(-np.abs(np.arange(-reach, reach + 1)) / width)
    freq = 1 + np.floor(weights / weights.sum() * (65536 - 2 * reach - 2)).astype(int)
    freq[reach] += 65535 - freq.sum()
    return Table(-reach, [*freq.tolist(), 1])


LADDER = np.arange(8, dtype=np.uint8)[:, None].repeat(3, 1)
GEOMETRIC = make_model(
    [geometric(0.4 * 2**r, 4 << r // 2) for _ in range(3) for r in range(8)], LADDER, 8
)


@st.composite
def models(draw: st.DrawFn) -> Model:
    channels, rungs, levels = (
        draw(st.integers(1, 3)),
        draw(st.integers(1, 4)),
        draw(st.integers(1, 9)),
    )
    tables = []
    for _ in range(channels * rungs):
        cuts = draw(st.sets(st.integers(1, 65535), min_size=1, max_size=6))
        edges = [0, *sorted(cuts), 65536]
        first = draw(st.integers(-5, 3) | extremes.map(lambda v: min(v, HIGHEST - 6)))
        tables.append(Table(first, np.diff(edges).tolist()))
    ladder = draw(hnp.arrays(np.uint8, (levels, channels), elements=st.integers(0, rungs - 1)))
    return make_model(tables, ladder, rungs)


# ---- symbols


@dataclass
class Content:
    """A tile and what its payload says."""

    tile: _core.BandTile
    step: int
    valid: npt.NDArray[np.uint8] | None
    scale: Int32Array
    mean: Int32Array
    offset: Int32Array
    latents: Int32Array

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        if self.valid is None:
            return np.ones(self.tile.bands, np.bool_)
        return np.asarray(self.valid.any(axis=(1, 2)))


def plain_level(scale: int, step: int, levels: int) -> int:
    """Section 3.3 of docs/band_profile.md."""
    q = 2 * (scale - 65) - step
    return -1 if scale == 0 or q < 0 else min(q, levels - 1)


@st.composite
def contents(draw: st.DrawFn, model: Model) -> Content:
    bands, rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 9)), draw(st.integers(1, 9))
    tile = _core.BandTile(bands, rows, columns, draw(st.sampled_from([1, 3, 16])))
    step = draw(st.integers(_core.MIN_STEP, _core.MAX_STEP) | st.integers(-200, 200))
    masks = hnp.arrays(np.uint8, (bands, rows, columns), elements=st.integers(0, 1))
    valid = draw(st.none() | masks)
    if valid is not None and draw(st.booleans()):
        valid[draw(st.integers(0, bands - 1))] = 0
    scales = st.just(0) | st.integers(0, MAX_SCALE) | st.sampled_from([1, 65, MAX_SCALE])
    scale = np.array([draw(scales) for _ in range(bands)], np.int32)
    mean = np.array([draw(int32s | extremes) for _ in range(bands)], np.int32)
    if valid is not None:
        scale[~valid.any(axis=(1, 2))] = 0
        mean[~valid.any(axis=(1, 2))] = 0
    levels = [plain_level(s, step, model.ladder.shape[0]) for s in scale.tolist()]
    active = sum(level >= 0 for level in levels)
    channels = model.ladder.shape[1]
    offset = [draw(st.integers(-5, 5) | extremes) for _ in range(channels)] if active else []
    shape = (active, channels, tile.positions)
    values = st.integers(-9, 9) | extremes | int32s
    latents = draw(hnp.arrays(np.int32, shape, elements=values, fill=st.integers(-2, 2)))
    return Content(tile, step, valid, scale, mean, np.array(offset, np.int32), latents)


def write(model: Model, c: Content) -> tuple[bytes, int]:
    return _core.encode_band_payload(
        model.core, c.tile, c.step, c.valid, c.scale, c.mean, c.offset, c.latents
    )


def check_round_trip(model: Model, c: Content) -> None:
    payload, crc = write(model, c)
    step, valid, scale, mean, offset, latents, found = _core.decode_band_payload(
        model.core, c.tile, payload
    )
    assert (step, found) == (c.step, crc)
    if c.valid is None:
        assert valid is None
    else:
        np.testing.assert_array_equal(valid, c.valid)
    np.testing.assert_array_equal(scale, c.scale)
    np.testing.assert_array_equal(mean, c.mean)
    np.testing.assert_array_equal(offset, c.offset)
    np.testing.assert_array_equal(latents, c.latents)
    covered = [c.scale[c.present], c.mean[c.present], c.offset, c.latents.ravel()]
    assert crc == _core.crc32c_symbols(np.concatenate(covered))

    size = band.Tile(c.tile.bands, c.tile.rows, c.tile.columns, c.tile.stride)
    second = band.decode(payload, *model.reference(c.tile.stride), size)
    assert (second.step, second.checksum) == (c.step, crc)
    assert (second.scale, second.mean) == (c.scale.tolist(), c.mean.tolist())


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_round_trip(data: st.DataObject) -> None:
    model = data.draw(models())
    check_round_trip(model, data.draw(contents(model)))


def simple(**changes: Any) -> Content:
    """Two active bands and one constant one, 2 x 3 positions."""
    values: dict[str, Any] = {
        "tile": _core.BandTile(3, 20, 40, 16),
        "step": 90,
        "valid": None,
        "scale": np.array([110, 0, 112], np.int32),
        "mean": np.array([5, 6, 7], np.int32),
        "offset": np.array([0, 1, -1], np.int32),
        "latents": np.arange(36, dtype=np.int32).reshape(2, 3, 6) - 18,
    }
    return Content(**{**values, **changes})


@pytest.mark.parametrize("value", [LOWEST, LOWEST + 1, HIGHEST - 1, HIGHEST])
def test_the_ends_of_int32(value: int) -> None:
    """As means, offsets and latents; means also from one end to the other and in any unit."""
    scale = np.array([577, 1, 577], np.int32)
    mean = np.array([value, -value - 1, value], np.int32)
    for step in (_core.MIN_STEP, 0):
        active = sum(plain_level(s, step, 8) >= 0 for s in scale.tolist())
        check_round_trip(
            GEOMETRIC,
            simple(
                step=step,
                scale=scale,
                mean=mean,
                offset=np.full(3, value, np.int32),
                latents=np.full((active, 3, 6), value, np.int32),
            ),
        )


def test_tiles_of_constant_bands_need_no_latents() -> None:
    nothing = {"offset": np.zeros(0, np.int32), "latents": np.zeros((0, 3, 6), np.int32)}
    constant = simple(scale=np.zeros(3, np.int32), **nothing)
    check_round_trip(GEOMETRIC, constant)
    assert len(write(GEOMETRIC, constant)[0]) <= 16
    lost = simple(
        valid=np.zeros((3, 20, 40), np.uint8),
        scale=np.zeros(3, np.int32),
        mean=np.zeros(3, np.int32),
        **nothing,
    )
    check_round_trip(GEOMETRIC, lost)
    assert len(write(GEOMETRIC, lost)[0]) <= 16


def test_bands_without_valid_samples_say_nothing() -> None:
    """Whatever scale and mean the encoder is given for them."""
    valid = np.ones((3, 20, 40), np.uint8)
    valid[0] = 0
    one = np.full((1, 3, 6), 4, np.int32)
    with_numbers = simple(valid=valid, latents=one)
    without = simple(valid=valid, latents=one)
    without.scale[0] = without.mean[0] = 0
    assert write(GEOMETRIC, with_numbers) == write(GEOMETRIC, without)
    check_round_trip(GEOMETRIC, without)


@pytest.mark.parametrize(
    "changes",
    [
        {"step": _core.MIN_STEP - 1},
        {"step": _core.MAX_STEP + 1},
        {"scale": np.array([110, -1, 112], np.int32)},
        {"scale": np.array([578, 0, 112], np.int32)},
        {"scale": np.array([110, 0], np.int32)},
        {"mean": np.array([110], np.int32)},
        {"offset": np.zeros(2, np.int32)},
        {"offset": np.zeros(0, np.int32)},
        {"latents": np.zeros((1, 3, 6), np.int32)},
        {"latents": np.zeros((3, 3, 6), np.int32)},
        {"latents": np.zeros((2, 3, 5), np.int32)},
        {"valid": np.ones((2, 20, 40), np.uint8)},
        {"valid": np.full((3, 20, 40), 2, np.uint8)},
        {"tile": _core.BandTile(3, 20, 41, 16), "valid": np.ones((3, 20, 40), np.uint8)},
    ],
)
def test_encoder_refuses(changes: dict[str, Any]) -> None:
    with pytest.raises(_core.CoreError) as caught:
        write(GEOMETRIC, simple(**changes))
    assert caught.value.args[2] == "bad-argument"


@pytest.mark.parametrize(
    "sizes",
    [
        (0, 20, 40, 16),
        (3, 0, 40, 16),
        (3, 20, 0, 16),
        (3, 20, 40, 0),
        (4, 2**31, 2**31, 1),  # 2^64 samples: 0, if the product wrapped
        (2**32 - 1, 2**32 - 1, 2**32 - 1, 16),
    ],
)
def test_tiles_that_are_none(sizes: tuple[int, int, int, int]) -> None:
    with pytest.raises(_core.CoreError, match="tile") as caught:
        _core.BandTile(*sizes)
    assert caught.value.args[2] == "bad-argument"


def test_a_tile_with_more_latents_than_fit_an_array() -> None:
    """Its samples would fit, the latents of a model with several channels do not."""
    tile = _core.BandTile(2**30, 2**15, 2**15, 1)
    with pytest.raises(_core.CoreError, match="latents") as caught:
        _core.decode_band_payload(GEOMETRIC.core, tile, b"\0\0")
    assert caught.value.args[2] == "bad-argument"
    with pytest.raises(_core.CoreError, match="latents"):
        write(GEOMETRIC, simple(tile=tile))


# ---- hostile payloads


def check_bytes(model: Model, tile: _core.BandTile, payload: bytes) -> None:
    """Decoding ends in a refusal of the bytes or in symbols that can be written again."""
    try:
        decoded = _core.decode_band_payload(model.core, tile, payload)
    except _core.CoreError as error:
        assert error.args[2] in ("corrupt", "truncated")
        return
    check_round_trip(model, Content(tile, *decoded[:-1]))


@settings(deadline=None, max_examples=120)
@given(
    st.binary(max_size=80),
    st.builds(
        _core.BandTile,
        st.integers(1, 5),
        st.integers(1, 20),
        st.integers(1, 20),
        st.sampled_from([1, 16]),
    ),
)
def test_any_bytes(payload: bytes, tile: _core.BandTile) -> None:
    check_bytes(GEOMETRIC, tile, payload)
    check_bytes(GEOMETRIC, tile, b"\x00\x00" + payload[: len(payload) // 4 * 4])


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_changed_bytes(data: st.DataObject) -> None:
    valid = np.ones((3, 20, 40), np.uint8)
    valid[:, 3:9, 7:12] = 0
    content = simple(valid=valid)
    payload = bytearray(write(GEOMETRIC, content)[0])
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    check_bytes(GEOMETRIC, content.tile, bytes(payload))


def test_every_truncation_is_refused() -> None:
    content = simple()
    payload, _ = write(GEOMETRIC, content)
    for length in range(len(payload)):
        with pytest.raises(_core.CoreError):
            _core.decode_band_payload(GEOMETRIC.core, content.tile, payload[:length])
    for more in (b"\0", b"\0\0\0\0", b"\1\2\3\4"):
        with pytest.raises(_core.CoreError):
            _core.decode_band_payload(GEOMETRIC.core, content.tile, payload + more)


@pytest.mark.parametrize(
    ("start", "name"),
    [
        ("ff 0f", None),  # step -1024 is the lowest
        ("81 10", "corrupt"),
        ("80 18", None),  # step 1536 is the highest
        ("82 18", "corrupt"),
        ("81 00", "corrupt"),  # a varint with needless bytes
        ("ff ff ff ff ff ff ff ff ff 01", "corrupt"),
        ("00 ff ff ff ff ff ff ff ff ff 01", "truncated"),  # the mask
        ("00 05", "truncated"),
    ],
)
def test_steps_and_mask_lengths(start: str, name: str | None) -> None:
    content = simple(
        scale=np.zeros(3, np.int32), offset=np.zeros(0, np.int32), latents=np.zeros((0, 3, 6), "i4")
    )
    words = write(GEOMETRIC, content)[0][3:]
    head = bytes.fromhex(start)
    if name is None:
        decoded = _core.decode_band_payload(GEOMETRIC.core, content.tile, head + b"\0" + words)
        assert decoded[0] in (_core.MIN_STEP, _core.MAX_STEP)
        return
    with pytest.raises(_core.CoreError) as caught:
        _core.decode_band_payload(GEOMETRIC.core, content.tile, head)
    assert caught.value.args[2] == name


def side_runs(*runs: list[int]) -> npt.NDArray[np.uint32]:
    """Words of side runs that use side table 3."""
    number = Table(0, [4096] * 15 + [4095, 1])  # all but the last one as in a uniform symbol
    symbols = [symbol for run in runs for symbol in [3, *run]]
    index = [table for run in runs for table in [16, *[3] * len(run)]]
    return _core.encode_symbols(
        core_tables([*band.SIDE_TABLES, number]),
        np.array(symbols, np.int32),
        np.array(index, np.uint16),
    )


@pytest.mark.parametrize("scale", [0, MAX_SCALE, -1, MAX_SCALE + 1, LOWEST, HIGHEST])
def test_a_scale_out_of_range_is_refused(scale: int) -> None:
    """The step is the highest: no such band is active."""
    tile = _core.BandTile(2, 1, 1, 16)
    payload = b"\x80\x18\x00" + side_runs([scale, 0], [0, 0]).astype("<u4").tobytes()
    if 0 <= scale <= MAX_SCALE:
        decoded = _core.decode_band_payload(GEOMETRIC.core, tile, payload)
        assert decoded[2].tolist() == [scale, scale]
        return
    with pytest.raises(_core.CoreError, match="scale"):
        _core.decode_band_payload(GEOMETRIC.core, tile, payload)


# ---- units, levels and channel offsets


def test_units_of_means() -> None:
    scale = np.arange(MAX_SCALE + 1, dtype=np.int32)
    found = _core.mean_exponents(scale)
    assert found.dtype == np.int32
    assert found.tolist() == [band.exponent(s) for s in scale.tolist()]
    assert _core.mean_exponents(scale[:0]).shape == (0,)


@given(
    hnp.arrays(np.int32, st.integers(0, 20), elements=st.integers(0, MAX_SCALE)),
    st.integers(_core.MIN_STEP, _core.MAX_STEP),
    st.integers(1, 400),
)
def test_levels(scale: Int32Array, step: int, levels: int) -> None:
    found = _core.band_levels(scale, step, levels)
    assert found.tolist() == [plain_level(s, step, levels) for s in scale.tolist()]


def test_a_level_is_a_32nd_of_an_octave_above_the_distortion() -> None:
    scale = np.arange(1, MAX_SCALE + 1, dtype=np.int32)
    for step in (-100, 0, 300):
        found = _core.band_levels(scale, step, 10000)
        octaves = np.log2([band.sigma(s) for s in scale.tolist()]) - step / 32
        np.testing.assert_allclose(found[found >= 0], 32 * octaves[found >= 0], atol=1e-9)
        assert (octaves[found < 0] < 0).all()


@settings(deadline=None, max_examples=120)
@given(st.data())
def test_channel_offsets_are_never_worse_than_none(data: st.DataObject) -> None:
    model = data.draw(models())
    count, channels = data.draw(st.integers(1, 3)), model.ladder.shape[1]
    top = model.ladder.shape[0] - 1
    levels = data.draw(st.lists(st.integers(0, top), min_size=count, max_size=count))
    values = st.integers(-9, 9) | extremes | int32s
    shape = (count, channels, data.draw(st.integers(1, 6)))
    latents = data.draw(hnp.arrays(np.int32, shape, elements=values))
    offsets = _core.choose_channel_offsets(model.core, np.array(levels, np.int32), latents)
    assert offsets.shape == (channels,)
    assert np.abs(offsets).max() <= 8
    chosen = model.cost(levels, latents, offsets)
    assert chosen <= model.cost(levels, latents, np.zeros(channels, np.int32)) + 1e-3


@pytest.mark.parametrize("shift", [-3, -1, 0, 2, 4])
def test_channel_offsets_find_the_rung_of_the_data(shift: int) -> None:
    """Latents that are 2^shift times as wide as those of their level."""
    rng = np.random.default_rng(8)
    levels = np.full(2, 3, np.int32)
    sizes = rng.laplace(0, 0.4 * 2.0 ** (3 + shift), (2, 3, 4000))
    offsets = _core.choose_channel_offsets(GEOMETRIC.core, levels, np.rint(sizes).astype(np.int32))
    assert np.abs(offsets - shift).max() <= 1


@pytest.mark.parametrize(
    ("levels", "shape"),
    [
        ([], (0, 3, 4)),
        ([0], (1, 2, 4)),
        ([-1], (1, 3, 4)),
        ([8], (1, 3, 4)),
        ([0, 1], (1, 3, 3)),
        ([0, 1], (3, 2, 4)),  # bands and channels exchanged: as many latents as there should be
        ([0], (1, 6, 2)),
    ],
)
def test_channel_offsets_refuse(levels: list[int], shape: tuple[int, ...]) -> None:
    with pytest.raises(_core.CoreError) as caught:
        _core.choose_channel_offsets(
            GEOMETRIC.core, np.array(levels, np.int32), np.zeros(shape, np.int32)
        )
    assert caught.value.args[2] == "bad-argument"


# ---- models


@pytest.mark.parametrize(
    ("ladder", "channels", "rungs"),
    [
        (LADDER, 3, 7),
        (LADDER, 4, 6),
        (LADDER[:0], 3, 8),
        (LADDER + np.uint8(1), 3, 8),
        (LADDER, 0, 8),
        (LADDER, 3, 0),
    ],
)
def test_models_refuse(ladder: npt.NDArray[np.uint8], channels: int, rungs: int) -> None:
    with pytest.raises(_core.CoreError) as caught:
        _core.BandTables(core_tables(GEOMETRIC.tables), ladder, channels, rungs)
    assert caught.value.args[2] == "bad-argument"


def test_models_tell_their_sizes() -> None:
    model = GEOMETRIC.core
    assert (model.levels, model.channels, model.rungs) == (8, 3, 8)
