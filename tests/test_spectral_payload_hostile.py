"""Payloads of the spectral profile that lie in the document's own terms, and their memory."""

import numpy as np
import pytest

from hyspec import _core
from payload_cases import HIGHEST, LOWEST, MAX_SCALE
from plane_cases import no_terms
from reference.planes import PlaneDecoder
from reference_cases import untrained_planes
from script_cases import needs_proc, peak_growth, run_alone
from spectral_forger import Coded, Steered, answers, message, numbers, uniform
from spectral_payload_cases import (
    NETWORKS,
    SpectralContent,
    make_plane_model,
    neighbour,
    without_planes,
)

# ---- lies that are coded as the document says


#: Quantisers do not take turns, or they do.
PLAIN, TURNING = uniform(0, 1), uniform(1, 1)


def forged(*tables: Coded) -> bytes:
    """Payload at step 0 of network 0 that says these numbers, with a basis of its own."""
    first, *others = tables
    return bytes(4) + message([first, uniform(0, 2), *others])


def plane(*levels: int) -> Coded:
    """A plane of one position; the level of each channel is coded like a table of one number."""
    steered = Steered([answer for level in levels for answer in answers(level)])
    network = untrained_planes(np.zeros((1, len(levels)), np.int16), no_terms())
    decoder = PlaneDecoder(steered, network, (1, 1), take_turns=True)  # type: ignore[arg-type]
    try:
        decoder.plane()
    except ValueError:  # beyond int32
        assert max(map(abs, levels)) >= 2**30
    return steered.coded


def rows(count: int, *entries: int) -> Coded:
    """A basis of one level, of one row unless there are no entries."""
    return uniform(0, 1) + uniform(count, 16) + (numbers(*entries) if entries else [])


NONE, FLAG, MEAN = numbers(0), numbers(1), numbers(7)
#: A basis without rows, and no planes.
EMPTY = rows(0) + uniform(0, 16)


def one_band(payload: bytes) -> SpectralContent:
    return SpectralContent.read(NETWORKS, _core.BandTile(1, 1, 1), payload)[0]


def test_the_forger_writes_what_the_core_writes() -> None:
    """A band that varies, without planes, and with one of one latent."""
    nothing = {**without_planes(1), "varies": np.ones(1, np.uint8)}
    nothing |= {"entries": np.zeros((0, 1), np.int32), "latents": np.zeros((0, 3, 1), np.int32)}
    tile, mean = _core.BandTile(1, 1, 1), np.array([7], np.int32)
    content = SpectralContent.simple(**nothing, tile=tile, step=0, mean=mean)
    for content.dependent, turns in ((False, PLAIN), (True, TURNING)):
        assert forged(FLAG, MEAN, EMPTY, turns) == content.write(NETWORKS)[0]
    content.scale = np.array([70], np.int32)
    content.entries = np.array([[-3]], np.int32)
    content.latents = np.array([[[400]]], np.int32)  # of level 200
    network = [(1, make_plane_model(1, 1))]
    for content.dependent, turns in ((False, PLAIN), (True, TURNING)):
        tables = (rows(1, -3), uniform(1, 16), numbers(70), turns, plane(200))
        assert forged(FLAG, MEAN, *tables) == content.write(network)[0]


@pytest.mark.parametrize("value", [2, -1, 16, HIGHEST, LOWEST])
def test_a_flag_that_is_neither_is_refused(value: int) -> None:
    with pytest.raises(_core.CoreError, match="varies") as caught:
        one_band(forged(numbers(value), MEAN, EMPTY))
    assert caught.value.args[2] == "corrupt"


@pytest.mark.parametrize("value", [LOWEST, -20, 0, 1, 20, HIGHEST])
def test_any_mean_is_a_mean(value: int) -> None:
    for flag in (0, 1):
        found = one_band(forged(numbers(flag), numbers(value), EMPTY, PLAIN))
        assert (found.varies.tolist(), found.mean.tolist()) == ([flag], [value])


@pytest.mark.parametrize("count", [1, 2, 65535])
def test_more_rows_than_bands_that_vary(count: int) -> None:
    with pytest.raises(_core.CoreError, match="more rows") as caught:
        one_band(forged(NONE, MEAN, rows(count)))
    assert caught.value.args[2] == "corrupt"
    if count > 1:
        with pytest.raises(_core.CoreError, match="more rows"):
            one_band(forged(FLAG, MEAN, rows(count)))


def test_more_rows_than_pixels() -> None:
    start = (numbers(1, 1), numbers(0, 0))
    none = forged(*start, EMPTY, PLAIN)
    assert SpectralContent.read(NETWORKS, _core.BandTile(2, 1, 1), none)
    with pytest.raises(_core.CoreError, match="more rows"):
        SpectralContent.read(NETWORKS, _core.BandTile(2, 1, 1), forged(*start, rows(2)))


@pytest.mark.parametrize("count", [1, 2, 65535])
def test_more_planes_than_rows(count: int) -> None:
    with pytest.raises(_core.CoreError, match="more planes") as caught:
        one_band(forged(FLAG, MEAN, rows(0), uniform(count, 16)))
    assert caught.value.args[2] == "corrupt"
    if count > 1:
        with pytest.raises(_core.CoreError, match="more planes"):
            one_band(forged(FLAG, MEAN, rows(1, 5), uniform(count, 16)))


@pytest.mark.parametrize("scale", [0, MAX_SCALE + 1, -1, HIGHEST, LOWEST])
def test_a_scale_out_of_range_is_refused(scale: int) -> None:
    with pytest.raises(_core.CoreError, match="scale") as caught:
        one_band(forged(FLAG, MEAN, rows(1, 5), uniform(1, 16), numbers(scale)))
    assert caught.value.args[2] == "corrupt"


@pytest.mark.parametrize("distance", [2**31, 2**32 - 1, 2**33 - 2])
def test_numbers_beyond_int32_are_refused(distance: int) -> None:
    with pytest.raises(_core.CoreError) as caught:
        one_band(forged(FLAG, numbers(distance), EMPTY))
    assert caught.value.args[2] == "corrupt"


def one_plane(*levels: int) -> list[int]:
    """Latents that the core reads of a plane of one position, with turning quantisers."""
    tables = (FLAG, MEAN, rows(1, -3), uniform(1, 16), numbers(70), TURNING, plane(*levels))
    network = [(1, model_without_terms(len(levels)))]
    found, _ = SpectralContent.read(network, _core.BandTile(1, 1, 1), forged(*tables))
    return [int(z) for z in found.latents.ravel()]


def model_without_terms(channels: int) -> _core.PlaneModel:
    return _core.PlaneModel.untrained(np.zeros((1, channels), np.int16), no_terms())


#: Channel 0, another one with quantiser 0, and one with quantiser 1 after two odd levels.
PLACES: list[list[int]] = [[], [0], [0, 1, 1]]


@pytest.mark.parametrize(
    ("before", "level", "latent"),
    [
        *((before, 2**30 - 1, 2**31 - 2) for before in PLACES[:2]),
        *((before, -(2**30), LOWEST) for before in PLACES[:2]),
        (PLACES[2], 2**30, HIGHEST),
        (PLACES[2], -(2**30), LOWEST + 1),
    ],
)
def test_the_largest_levels(before: list[int], level: int, latent: int) -> None:
    assert one_plane(*before, level)[-1] == latent


@pytest.mark.parametrize(
    ("before", "level"),
    [
        *((before, level) for before in PLACES[:2] for level in (2**30, -(2**30) - 1)),
        *((PLACES[2], level) for level in (2**30 + 1, -(2**30) - 1)),
        *((before, level) for before in PLACES for level in (2**32, -(2**32), 2**33 - 2)),
    ],
)
def test_latents_beyond_int32_are_refused(before: list[int], level: int) -> None:
    """The arithmetic on levels does not wrap."""
    with pytest.raises(_core.CoreError) as caught:
        one_plane(*before, level)
    assert caught.value.args[2] == "corrupt"


# ---- groups


def groups(sizes: list[int], counts: list[int]) -> Coded:
    """The beginning of a basis of two levels; numbers of a table are equal."""
    start = uniform(1, 1) + uniform(len(sizes) - 1, 8)
    return start + numbers(*sizes) + numbers(*counts)


def two_bands(basis: Coded, *rest: Coded, pixels: int = 4) -> SpectralContent:
    """What the core reads of a tile of two bands that vary."""
    payload = forged(numbers(1, 1), numbers(0, 0), basis, *rest)
    return SpectralContent.read(NETWORKS, _core.BandTile(2, 1, pixels), payload)[0]


def test_groups_as_the_core_writes_them() -> None:
    content = SpectralContent.simple(
        tile=_core.BandTile(2, 1, 4),
        step=0,
        varies=np.ones(2, np.uint8),
        mean=np.zeros(2, np.int32),
        sizes=np.array([1, 1], np.int32),
        counts=np.array([1, 1], np.int32),
        leading=np.array([3, -5], np.int32),
        entries=np.array([[7, 7]], np.int32),
        scale=np.zeros(0, np.int32),
        latents=np.zeros((0, 3, 1), np.int32),
        dependent=False,
    )
    leading = numbers(3) + numbers(-5)
    start = (numbers(1, 1), numbers(0, 0), groups([1, 1], [1, 1]))
    payload = forged(*start, leading, uniform(1, 16), numbers(7, 7), uniform(0, 16), PLAIN)
    assert payload == content.write(NETWORKS)[0]


REST = (uniform(0, 16), uniform(0, 16), PLAIN)


@pytest.mark.parametrize(
    "sizes",
    [
        *([n] for n in (0, 1, 3, -1, HIGHEST, LOWEST)),
        *([n] * 2 for n in (0, 2, -1)),
        [1] * 3,
        *([n] * 256 for n in (0, 1, 2**16)),
    ],
)
def test_groups_that_are_not_the_bands_that_vary(sizes: list[int]) -> None:
    with pytest.raises(_core.CoreError, match="group") as caught:
        two_bands(groups(sizes, [0] * len(sizes)), *REST)
    assert caught.value.args[2] == "corrupt"


@pytest.mark.parametrize(
    ("sizes", "counts", "pixels"),
    [
        *(([2], [n], 4) for n in (3, -1, HIGHEST, LOWEST)),
        *(([1, 1], [n, n], 4) for n in (2, -1)),
        ([2], [2], 1),
    ],
)
def test_more_components_than_a_group_has(sizes: list[int], counts: list[int], pixels: int) -> None:
    with pytest.raises(_core.CoreError, match="more components") as caught:
        two_bands(groups(sizes, counts), *REST, pixels=pixels)
    assert caught.value.args[2] == "corrupt"


@pytest.mark.parametrize(("count", "rows"), [(0, 1), (1, 2), (0, 65535)])
def test_more_rows_than_components(count: int, rows: int) -> None:
    leading = numbers(1, 1) if count else []
    assert not len(two_bands(groups([2], [count]) + leading, *REST).entries)
    with pytest.raises(_core.CoreError, match="more rows"):
        two_bands(groups([2], [count]) + leading + uniform(rows, 16))


@pytest.mark.parametrize("sizes", [[1], [0], [1, 1]])
def test_groups_where_no_band_varies(sizes: list[int]) -> None:
    """No size is right; the document asks for one band in each."""
    with pytest.raises(_core.CoreError, match="group"):
        one_band(forged(NONE, MEAN, groups(sizes, [0] * len(sizes)), *REST))


# ---- borrowed bases


@pytest.mark.parametrize(
    ("start", "name"),
    [
        ("80 80 80 80 10", "corrupt"),  # 2^32
        ("ff ff ff ff ff ff ff ff ff 01", "corrupt"),
        ("ff ff ff ff ff ff ff ff ff 02", "corrupt"),
        ("80 00", "corrupt"),
        ("ff", "truncated"),
        ("", "truncated"),
    ],
)
def test_distances_that_are_none(start: str, name: str) -> None:
    payload = bytes.fromhex(start) + SpectralContent.simple().write(NETWORKS)[0][1:]
    payload = payload if len(start) > 2 else bytes.fromhex(start)
    tile = SpectralContent.simple().tile
    with pytest.raises(_core.CoreError) as caught:
        _core.spectral_payload_back(payload)
    assert caught.value.args[2] == name
    for shared in (None, neighbour(4)):
        with pytest.raises(_core.CoreError) as caught:
            _core.decode_spectral_payload(NETWORKS, tile, payload, shared)
        assert caught.value.args[2] == name
    with pytest.raises(_core.CoreError) as caught:
        _core.decode_spectral_basis(2, tile, payload)
    assert caught.value.args[2] == name


def test_a_borrowed_basis_is_not_lent() -> None:
    borrowed = SpectralContent.borrowed()
    with pytest.raises(_core.CoreError, match="another tile") as caught:
        _core.decode_spectral_basis(2, borrowed.tile, borrowed.write(NETWORKS)[0])
    assert caught.value.args[2] == "corrupt"


@pytest.mark.parametrize("kind", ["simple", "masked", "grouped"])
def test_damaged_bases_are_refused_or_fit_the_tile(kind: str) -> None:
    """Each bit of the payload, and the end of its head, for a reader of the basis alone."""
    content: SpectralContent = getattr(SpectralContent, kind)()
    payload, _ = content.write(NETWORKS)
    for length in range(5):  # before the message
        with pytest.raises(_core.CoreError):
            _core.decode_spectral_basis(2, content.tile, payload[:length])
    for bit in range(8 * len(payload)):
        damaged = bytearray(payload)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            found = _core.decode_spectral_basis(2, content.tile, bytes(damaged))
        except _core.CoreError as error:
            assert error.args[2] in ("corrupt", "truncated")
        else:
            borrowed = SpectralContent.borrowed(shared=found, **NO_PLANES)
            borrowed.check_round_trip(NETWORKS)


NO_PLANES = {"scale": np.zeros(0, np.int32), "latents": np.zeros((0, 3, 6), np.int32)}


@pytest.mark.parametrize("planes", [1, 2, 3])
def test_more_planes_than_rows_that_are_borrowed(planes: int) -> None:
    """The limit is that of the rows, or of the pixels, where these are fewer."""
    start = b"\1" + bytes(3)
    message_of = message([numbers(0, 0), uniform(0, 2), numbers(0, 0), uniform(planes, 16)])
    for tile, most in ((_core.BandTile(2, 1, 4), 2), (_core.BandTile(2, 1, 1), 1)):
        if planes > most:
            with pytest.raises(_core.CoreError, match="more planes"):
                SpectralContent.read(NETWORKS, tile, start + message_of, neighbour(2))


# ---- memory


def growth_for_a_large_basis() -> tuple[int, int, int]:
    """Bytes of a payload, and of memory to read its beginning and all of it."""
    side = 2000
    content = SpectralContent.simple(
        tile=_core.BandTile(side, 1, side),
        varies=np.ones(side, np.uint8),
        mean=np.zeros(side, np.int32),
        scale=np.ones(side, np.int32),
        entries=np.zeros((side, side), np.int32),
        latents=np.zeros((side, 3, 125), np.int32),
    )
    payload, _ = content.write(NETWORKS)
    del content.entries, content.latents

    def read_the_beginning() -> None:
        with pytest.raises(_core.CoreError):
            SpectralContent.read(NETWORKS, content.tile, payload[:8])

    cut = peak_growth(read_the_beginning)
    whole = peak_growth(lambda: SpectralContent.read(NETWORKS, content.tile, payload))
    return len(payload), cut, whole


@needs_proc
def test_memory_is_bounded_by_the_tile_and_what_was_shown() -> None:
    """A few bytes that say a basis of zeros, as large as the tile: some 50 bytes per entry.

    And the same bytes cut off before: nothing is reserved for planes before their count is known.
    """
    length, cut, whole = run_alone(growth_for_a_large_basis, timeout=120)
    assert length < 10_000
    assert cut < 4 << 20
    assert whole < 60 * 2000 * 2000 + (16 << 20)
