"""Payloads of the spectral profile that no encoder wrote: refused, or symbols like any others."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from band_payload_cases import HIGHEST, LOWEST, MAX_SCALE, NETWORKS, make_model
from hyspec import _core
from spectral_forger import Coded, message, numbers, uniform
from spectral_payload_cases import Content, check_round_trip, read, simple, without_planes, write


def check_bytes(tile: _core.BandTile, payload: bytes) -> None:
    """Decoding ends in a refusal of the bytes or in symbols that can be written again."""
    try:
        content, _ = read(NETWORKS, tile, payload)
    except _core.CoreError as error:
        assert error.args[2] in ("corrupt", "truncated")
        return
    check_round_trip(NETWORKS, content)


@settings(deadline=None, max_examples=120)
@given(
    st.binary(max_size=80),
    st.builds(_core.BandTile, st.integers(1, 7), st.integers(1, 20), st.integers(1, 20)),
    st.integers(0, 1),
)
def test_any_bytes(payload: bytes, tile: _core.BandTile, network: int) -> None:
    check_bytes(tile, payload)
    check_bytes(tile, bytes([0, network, 0]) + payload[: len(payload) // 4 * 4])


def masked() -> Content:
    valid = np.ones((4, 20, 40), np.uint8)
    valid[:, 3:9, 7:12] = 0
    return simple(valid=valid)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_changed_bytes(data: st.DataObject) -> None:
    content = masked()
    payload = bytearray(write(NETWORKS, content)[0])
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    check_bytes(content.tile, bytes(payload))


def test_every_bit_flip() -> None:
    content = masked()
    payload = write(NETWORKS, content)[0]
    for bit in range(8 * len(payload)):
        damaged = bytearray(payload)
        damaged[bit // 8] ^= 1 << bit % 8
        check_bytes(content.tile, bytes(damaged))


@pytest.mark.parametrize("content", [simple(), masked(), simple(**without_planes(4))])
def test_every_truncation_is_refused(content: Content) -> None:
    payload, _ = write(NETWORKS, content)
    for length in range(len(payload)):
        with pytest.raises(_core.CoreError):
            read(NETWORKS, content.tile, payload[:length])
    for more in (b"\0", b"\0\0\0\0", b"\1\2\3\4"):
        with pytest.raises(_core.CoreError):
            read(NETWORKS, content.tile, payload + more)


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
    content = simple(**without_planes(4))
    words = write(NETWORKS, content)[0][4:]
    head = bytes.fromhex(start)
    if name is None:
        found, _ = read(NETWORKS, content.tile, head + b"\0\0" + words)
        assert found.step in (_core.MIN_STEP, _core.MAX_STEP)
        return
    with pytest.raises(_core.CoreError) as caught:
        read(NETWORKS, content.tile, head)
    assert caught.value.args[2] == name


# ---- lies that are coded as the document says


def forged(*tables: Coded) -> bytes:
    """Payload at step 0 of network 0 that says these numbers."""
    return bytes(3) + message(tables)


NONE, FLAG, MEAN = numbers(0), numbers(1), numbers(7)


def one_band(payload: bytes) -> Content:
    return read(NETWORKS, _core.BandTile(1, 1, 1), payload)[0]


def test_the_forger_writes_what_the_core_writes() -> None:
    """A band that varies, without planes, and with one of one latent."""
    nothing = {**without_planes(1), "varies": np.ones(1, np.uint8)}
    nothing |= {"basis": np.zeros((0, 1), np.int32), "latents": np.zeros((0, 3, 1), np.int32)}
    tile, mean = _core.BandTile(1, 1, 1), np.array([7], np.int32)
    content = simple(**nothing, tile=tile, step=0, mean=mean)
    assert forged(FLAG, MEAN, uniform(0, 16)) == write(NETWORKS, content)[0]
    content.scale = np.array([70], np.int32)
    content.basis = np.array([[-3]], np.int32)
    content.latents = np.array([[[400]]], np.int32)
    network = [(1, make_model(1, 1))]
    found = forged(FLAG, MEAN, uniform(1, 16), numbers(70), numbers(-3), numbers(400))
    assert found == write(network, content)[0]


@pytest.mark.parametrize("value", [2, -1, 16, HIGHEST, LOWEST])
def test_a_flag_that_is_neither_is_refused(value: int) -> None:
    with pytest.raises(_core.CoreError, match="varies") as caught:
        one_band(forged(numbers(value), MEAN, uniform(0, 16)))
    assert caught.value.args[2] == "corrupt"


@pytest.mark.parametrize("value", [LOWEST, -20, 0, 1, 20, HIGHEST])
def test_any_mean_is_a_mean(value: int) -> None:
    for flag in (0, 1):
        found = one_band(forged(numbers(flag), numbers(value), uniform(0, 16)))
        assert (found.varies.tolist(), found.mean.tolist()) == ([flag], [value])


@pytest.mark.parametrize("count", [1, 2, 65535])
def test_more_planes_than_bands_that_vary(count: int) -> None:
    with pytest.raises(_core.CoreError, match="more planes") as caught:
        one_band(forged(NONE, MEAN, uniform(count, 16)))
    assert caught.value.args[2] == "corrupt"
    if count > 1:
        with pytest.raises(_core.CoreError, match="more planes"):
            one_band(forged(FLAG, MEAN, uniform(count, 16)))


def test_more_planes_than_pixels() -> None:
    both = numbers(1, 1)
    start = (both, numbers(0, 0))
    assert read(NETWORKS, _core.BandTile(2, 1, 1), forged(*start, uniform(0, 16)))
    with pytest.raises(_core.CoreError, match="more planes"):
        read(NETWORKS, _core.BandTile(2, 1, 1), forged(*start, uniform(2, 16)))


@pytest.mark.parametrize("scale", [0, MAX_SCALE + 1, -1, HIGHEST, LOWEST])
def test_a_scale_out_of_range_is_refused(scale: int) -> None:
    with pytest.raises(_core.CoreError, match="scale") as caught:
        one_band(forged(FLAG, MEAN, uniform(1, 16), numbers(scale), numbers(5)))
    assert caught.value.args[2] == "corrupt"


@pytest.mark.parametrize("distance", [2**31, 2**32 - 1, 2**33 - 2])
def test_numbers_beyond_int32_are_refused(distance: int) -> None:
    with pytest.raises(_core.CoreError) as caught:
        one_band(forged(FLAG, numbers(distance), uniform(0, 16)))
    assert caught.value.args[2] == "corrupt"


# ---- memory


def test_memory_is_bounded_by_the_tile_and_what_was_shown() -> None:
    """A few bytes that say a basis of zeros, as large as the tile: some 50 bytes per entry.

    And the same bytes cut off before: nothing is reserved for planes before their count is known.
    """
    if not sys.platform.startswith("linux"):
        pytest.skip("needs /proc")
    script = """
        import resource
        import numpy as np
        import test_spectral_payload_hostile as t
        from hyspec import _core

        side = 2000
        shape = (side, 3, 125)
        content = t.simple(
            tile=_core.BandTile(side, 1, side),
            varies=np.ones(side, np.uint8),
            mean=np.zeros(side, np.int32),
            scale=np.ones(side, np.int32),
            basis=np.zeros((side, side), np.int32),
            latents=np.zeros(shape, np.int32),
        )
        payload, _ = t.write(t.NETWORKS, content)
        del content.basis, content.latents
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        def peak(field):
            lines = open("/proc/self/status").read().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith(field))
        before = peak("VmRSS")
        try:
            t.read(t.NETWORKS, content.tile, payload[:8])
            raise SystemExit("read half a message")
        except _core.CoreError:
            pass
        cut = peak("VmHWM") - before
        t.read(t.NETWORKS, content.tile, payload)
        print(len(payload), cut, peak("VmHWM") - before)
    """
    start = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", start + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    length, cut, whole = map(int, done.stdout.split())
    assert length < 10_000
    assert cut < 4 << 10  # KiB
    assert whole << 10 < 60 * 2000 * 2000 + (16 << 20)
