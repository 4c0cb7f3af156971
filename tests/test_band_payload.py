"""Payloads of the band profile: round trips of any symbols, networks, refusals."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hyspec import _core
from reference import band
from reference.range_decoder import Table

Int32Array = npt.NDArray[np.int32]

LOWEST, HIGHEST = -(2**31), 2**31 - 1
MAX_SCALE = 577
int32s = st.integers(LOWEST, HIGHEST)
extremes = st.sampled_from([LOWEST, LOWEST + 1, -1, 0, 1, HIGHEST - 1, HIGHEST])

# ---- networks

Networks = list[tuple[int, _core.LatentModel]]


def make_model(levels: int, channels: int) -> _core.LatentModel:
    gains = 8 * np.arange(levels)[:, None] + 50 * np.arange(channels)
    return _core.LatentModel.untrained(np.minimum(gains, 4096).astype(np.int16))


#: A coarse network and a finer one of other channels and levels.
NETWORKS: Networks = [(16, make_model(8, 3)), (4, make_model(40, 2))]


@st.composite
def networks(draw: st.DrawFn) -> Networks:
    return [
        (
            draw(st.sampled_from([1, 3, 16])),
            make_model(draw(st.integers(1, 9)), draw(st.integers(1, 3))),
        )
        for _ in range(draw(st.integers(1, 3)))
    ]


# ---- symbols


@dataclass
class Content:
    """A tile and what its payload says."""

    tile: _core.BandTile
    step: int
    network: int
    valid: npt.NDArray[np.uint8] | None
    scale: Int32Array
    mean: Int32Array
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


def positions(tile: _core.BandTile, stride: int) -> int:
    """Section 1.2 of docs/band_profile.md."""
    return -(-tile.rows // stride) * -(-tile.columns // stride)


@st.composite
def contents(draw: st.DrawFn, networks: Networks) -> Content:
    bands, rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 9)), draw(st.integers(1, 9))
    tile = _core.BandTile(bands, rows, columns)
    network = draw(st.integers(0, len(networks) - 1))
    stride, model = networks[network]
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
    active = sum(plain_level(s, step, model.levels) >= 0 for s in scale.tolist())
    shape = (active, model.channels, positions(tile, stride))
    values = st.integers(-9, 9) | extremes | int32s
    latents = draw(hnp.arrays(np.int32, shape, elements=values, fill=st.integers(-2, 2)))
    return Content(tile, step, network, valid, scale, mean, latents)


def write(networks: Networks, c: Content) -> tuple[bytes, int]:
    payload, crc, latents = _core.encode_band_payload(
        networks, c.tile, c.step, c.network, c.valid, c.scale, c.mean, c.latents
    )
    np.testing.assert_array_equal(latents, c.latents)
    return payload, crc


def check_round_trip(networks: Networks, c: Content) -> None:
    payload, crc = write(networks, c)
    step, network, valid, scale, mean, latents, found = _core.decode_band_payload(
        networks, c.tile, payload
    )
    assert (step, network, found) == (c.step, c.network, crc)
    if c.valid is None:
        assert valid is None
    else:
        np.testing.assert_array_equal(valid, c.valid)
    np.testing.assert_array_equal(scale, c.scale)
    np.testing.assert_array_equal(mean, c.mean)
    np.testing.assert_array_equal(latents, c.latents)
    covered = [c.scale[c.present], c.mean[c.present], c.latents.ravel()]
    assert crc == _core.crc32c_symbols(np.concatenate(covered))


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_round_trip(data: st.DataObject) -> None:
    found = data.draw(networks())
    check_round_trip(found, data.draw(contents(found)))


def simple(**changes: Any) -> Content:
    """Two active bands and one constant one, 2 x 3 positions."""
    values: dict[str, Any] = {
        "tile": _core.BandTile(3, 20, 40),
        "step": 90,
        "network": 0,
        "valid": None,
        "scale": np.array([110, 0, 112], np.int32),
        "mean": np.array([5, 6, 7], np.int32),
        "latents": np.arange(36, dtype=np.int32).reshape(2, 3, 6) - 18,
    }
    return Content(**{**values, **changes})


@pytest.mark.parametrize("value", [LOWEST, LOWEST + 1, HIGHEST - 1, HIGHEST])
def test_the_ends_of_int32(value: int) -> None:
    """As means and latents; means also from one end to the other and in any unit."""
    scale = np.array([577, 1, 577], np.int32)
    mean = np.array([value, -value - 1, value], np.int32)
    for step in (_core.MIN_STEP, 0):
        active = sum(plain_level(s, step, 8) >= 0 for s in scale.tolist())
        check_round_trip(
            NETWORKS,
            simple(
                step=step,
                scale=scale,
                mean=mean,
                latents=np.full((active, 3, 6), value, np.int32),
            ),
        )


def test_tiles_of_constant_bands_need_no_latents() -> None:
    nothing = {"latents": np.zeros((0, 3, 6), np.int32)}
    constant = simple(scale=np.zeros(3, np.int32), **nothing)
    check_round_trip(NETWORKS, constant)
    assert len(write(NETWORKS, constant)[0]) <= 16
    lost = simple(
        valid=np.zeros((3, 20, 40), np.uint8),
        scale=np.zeros(3, np.int32),
        mean=np.zeros(3, np.int32),
        **nothing,
    )
    check_round_trip(NETWORKS, lost)
    assert len(write(NETWORKS, lost)[0]) <= 16


def test_bands_without_valid_samples_say_nothing() -> None:
    """Whatever scale and mean the encoder is given for them."""
    valid = np.ones((3, 20, 40), np.uint8)
    valid[0] = 0
    one = np.full((1, 3, 6), 4, np.int32)
    with_numbers = simple(valid=valid, latents=one)
    without = simple(valid=valid, latents=one)
    without.scale[0] = without.mean[0] = 0
    assert write(NETWORKS, with_numbers) == write(NETWORKS, without)
    check_round_trip(NETWORKS, without)


@pytest.mark.parametrize(
    "changes",
    [
        {"step": _core.MIN_STEP - 1},
        {"step": _core.MAX_STEP + 1},
        {"scale": np.array([110, -1, 112], np.int32)},
        {"scale": np.array([578, 0, 112], np.int32)},
        {"scale": np.array([110, 0], np.int32)},
        {"mean": np.array([110], np.int32)},
        {"network": 2},
        {"network": 1},  # of other latents
        {"latents": np.zeros((1, 3, 6), np.int32)},
        {"latents": np.zeros((3, 3, 6), np.int32)},
        {"latents": np.zeros((2, 3, 5), np.int32)},
        {"valid": np.ones((2, 20, 40), np.uint8)},
        {"valid": np.full((3, 20, 40), 2, np.uint8)},
        {"tile": _core.BandTile(3, 20, 41), "valid": np.ones((3, 20, 40), np.uint8)},
    ],
)
def test_encoder_refuses(changes: dict[str, Any]) -> None:
    with pytest.raises(_core.CoreError) as caught:
        write(NETWORKS, simple(**changes))
    assert caught.value.args[2] == "bad-argument"


@pytest.mark.parametrize(
    "sizes",
    [
        (0, 20, 40),
        (3, 0, 40),
        (3, 20, 0),
        (4, 2**31, 2**31),  # 2^64 samples: 0, if the product wrapped
        (2**32 - 1, 2**32 - 1, 2**32 - 1),
    ],
)
def test_tiles_that_are_none(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(_core.CoreError, match="tile") as caught:
        _core.BandTile(*sizes)
    assert caught.value.args[2] == "bad-argument"


def test_a_tile_with_more_latents_than_fit_an_array() -> None:
    """Its samples would fit, the latents of a model with several channels do not."""
    tile = _core.BandTile(2**30, 2**15, 2**15)
    fine = [(1, make_model(8, 3))]
    with pytest.raises(_core.CoreError, match="latents") as caught:
        _core.decode_band_payload(fine, tile, b"\0\0\0")
    assert caught.value.args[2] == "bad-argument"
    with pytest.raises(_core.CoreError, match="latents"):
        write(fine, simple(tile=tile))


# ---- several networks


def test_the_payload_tells_its_network() -> None:
    """With which its latents are laid out; to which the others do not matter."""
    (_, coarse), (_, fine) = NETWORKS
    rng = np.random.default_rng(2)
    for number, (stride, model) in enumerate([(16, coarse), (4, fine), (8, coarse)]):
        networks = [*NETWORKS, (8, coarse)]
        content = simple(network=number)
        shape = (2, model.channels, positions(content.tile, stride))
        content.latents = rng.integers(-4, 5, shape, np.int32)
        check_round_trip(networks, content)
        alone, _ = write([(stride, model)], simple(latents=content.latents))
        payload, _ = write(networks, content)
        start = 2  # bytes of the step
        assert payload[start] == number
        assert payload[:start] + b"\0" + payload[start + 1 :] == alone


def test_networks_that_are_not_there() -> None:
    payload, _ = write(NETWORKS, simple())
    for number in (2, 2**7 - 1):
        with pytest.raises(_core.CoreError, match="network") as caught:
            _core.decode_band_payload(
                NETWORKS, simple().tile, payload[:2] + bytes([number]) + payload[3:]
            )
        assert caught.value.args[2] == "corrupt"
    for none in ([], NETWORKS[:0]):
        with pytest.raises(_core.CoreError, match="network"):
            _core.decode_band_payload(none, simple().tile, payload)
        with pytest.raises(_core.CoreError, match="network"):
            write(none, simple())


@pytest.mark.parametrize("network", [(0, NETWORKS[0][1]), (16, None)])
def test_networks_that_are_none(network: Any) -> None:
    payload, _ = write(NETWORKS, simple())
    with pytest.raises(_core.CoreError, match="network") as caught:
        _core.decode_band_payload([network], simple().tile, payload)
    assert caught.value.args[2] == "bad-argument"
    with pytest.raises(_core.CoreError, match="network"):
        write([network], simple())


# ---- hostile payloads


def check_bytes(tile: _core.BandTile, payload: bytes) -> None:
    """Decoding ends in a refusal of the bytes or in symbols that can be written again."""
    try:
        decoded = _core.decode_band_payload(NETWORKS, tile, payload)
    except _core.CoreError as error:
        assert error.args[2] in ("corrupt", "truncated")
        return
    check_round_trip(NETWORKS, Content(tile, *decoded[:-1]))


@settings(deadline=None, max_examples=120)
@given(
    st.binary(max_size=80),
    st.builds(_core.BandTile, st.integers(1, 5), st.integers(1, 20), st.integers(1, 20)),
    st.integers(0, 1),
)
def test_any_bytes(payload: bytes, tile: _core.BandTile, network: int) -> None:
    check_bytes(tile, payload)
    check_bytes(tile, bytes([0, network, 0]) + payload[: len(payload) // 4 * 4])


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_changed_bytes(data: st.DataObject) -> None:
    valid = np.ones((3, 20, 40), np.uint8)
    valid[:, 3:9, 7:12] = 0
    content = simple(valid=valid)
    payload = bytearray(write(NETWORKS, content)[0])
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    check_bytes(content.tile, bytes(payload))


def test_every_truncation_is_refused() -> None:
    content = simple()
    payload, _ = write(NETWORKS, content)
    for length in range(len(payload)):
        with pytest.raises(_core.CoreError):
            _core.decode_band_payload(NETWORKS, content.tile, payload[:length])
    for more in (b"\0", b"\0\0\0\0", b"\1\2\3\4"):
        with pytest.raises(_core.CoreError):
            _core.decode_band_payload(NETWORKS, content.tile, payload + more)


@pytest.mark.parametrize(
    ("start", "name"),
    [
        ("ff 0f", None),  # step -1024 is the lowest
        ("81 10", "corrupt"),
        ("80 18", None),  # step 1536 is the highest
        ("82 18", "corrupt"),
        ("81 00", "corrupt"),  # a varint with needless bytes
        ("ff ff ff ff ff ff ff ff ff 01", "corrupt"),
        ("00 02", "corrupt"),  # the network
        ("00 ff ff ff ff ff ff ff ff ff 01", "corrupt"),
        ("00 00 ff ff ff ff ff ff ff ff ff 01", "truncated"),  # the mask
        ("00 00 05", "truncated"),
    ],
)
def test_steps_networks_and_mask_lengths(start: str, name: str | None) -> None:
    content = simple(scale=np.zeros(3, np.int32), latents=np.zeros((0, 3, 6), "i4"))
    words = write(NETWORKS, content)[0][4:]
    head = bytes.fromhex(start)
    if name is None:
        decoded = _core.decode_band_payload(NETWORKS, content.tile, head + b"\0\0" + words)
        assert decoded[0] in (_core.MIN_STEP, _core.MAX_STEP)
        return
    with pytest.raises(_core.CoreError) as caught:
        _core.decode_band_payload(NETWORKS, content.tile, head)
    assert caught.value.args[2] == name


def side_runs(*runs: list[int]) -> npt.NDArray[np.uint32]:
    """Words of side runs that use side table 3."""
    number = Table(0, [4096] * 15 + [4095, 1])  # all but the last one as in a uniform symbol
    symbols = [symbol for run in runs for symbol in [3, *run]]
    index = [table for run in runs for table in [16, *[3] * len(run)]]
    tables = [*band.SIDE_TABLES, number]
    freq = np.concatenate([t.freq for t in tables]).astype(np.uint16)
    start = np.cumsum([0, *(len(t.freq) for t in tables)]).astype(np.uint32)
    first = np.array([t.first for t in tables], np.int32)
    return _core.encode_symbols(
        _core.CdfTables(freq, start, first),
        np.array(symbols, np.int32),
        np.array(index, np.uint16),
    )


@pytest.mark.parametrize("scale", [0, MAX_SCALE, -1, MAX_SCALE + 1, LOWEST, HIGHEST])
def test_a_scale_out_of_range_is_refused(scale: int) -> None:
    """The step is the highest: no such band is active."""
    tile = _core.BandTile(2, 1, 1)
    payload = b"\x80\x18\x00\x00" + side_runs([scale, 0], [0, 0]).astype("<u4").tobytes()
    if 0 <= scale <= MAX_SCALE:
        decoded = _core.decode_band_payload(NETWORKS, tile, payload)
        assert decoded[3].tolist() == [scale, scale]
        return
    with pytest.raises(_core.CoreError, match="scale"):
        _core.decode_band_payload(NETWORKS, tile, payload)


# ---- units and levels


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
