"""Payloads of the spectral profile: extreme symbols, numbers of planes, rounding, units."""

import numpy as np
import pytest

from half_steps import half_steps
from hyspec import _core
from payload_cases import HIGHEST, LOWEST, MAX_SCALE, positions
from plane_cases import usual_terms
from reference import spectral
from spectral_payload_cases import NETWORKS, SpectralContent, one_level, without_planes


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("value", [LOWEST, LOWEST + 1, HIGHEST - 1, HIGHEST])
def test_the_ends_of_int32(value: int, dependent: bool) -> None:
    """As means, entries of the basis and latents; also from one end to the other."""
    other = -value - 1
    for step in (_core.MIN_STEP, _core.MAX_STEP):
        content = SpectralContent.simple(
            step=step,
            mean=np.array([value, other, value, other], np.int32),
            scale=np.array([1, MAX_SCALE], np.int32),
            entries=np.array([[value, other, value], [value] * 3], np.int32),
            dependent=dependent,
            latents=half_steps(np.full((2, 3, 6), value), dependent),
        )
        content.check_round_trip(NETWORKS)


def test_tiles_without_planes() -> None:
    """Constant bands, bands that vary below the distortion, and no samples at all."""
    for varies in ([0, 0, 0, 0], [1, 0, 1, 1]):
        flags = np.array(varies, np.uint8)
        nothing = {**without_planes(4), "varies": flags}
        content = SpectralContent.simple(**nothing)
        content.check_round_trip(NETWORKS)
        assert len(content.write(NETWORKS)[0]) <= 17
    lost = SpectralContent.simple(
        **without_planes(4), valid=np.zeros((4, 20, 40), np.uint8), mean=np.zeros(4, np.int32)
    )
    lost.check_round_trip(NETWORKS)
    assert len(lost.write(NETWORKS)[0]) <= 17


def test_one_pixel() -> None:
    """Two bands vary, as an encoder would never say; at most one plane is possible."""
    shape = (1, NETWORKS[0][1].channels, 1)
    one = SpectralContent.simple(
        tile=_core.BandTile(2, 1, 1),
        varies=np.ones(2, np.uint8),
        mean=np.array([-1, 2], np.int32),
        scale=np.array([70], np.int32),
        entries=np.array([[3, -4]], np.int32),
        latents=half_steps(np.full(shape, 5), dependent=True),
    )
    one.check_round_trip(NETWORKS)
    one.scale, one.entries = np.array([70, 70], np.int32), np.zeros((2, 2), np.int32)
    one.latents = half_steps(np.full((2, *shape[1:]), 5), dependent=True)
    with pytest.raises(_core.CoreError, match="basis"):
        one.write(NETWORKS)


def test_as_many_planes_as_bands() -> None:
    """Many bands: no table is as short as the others."""
    bands = 300
    rng = np.random.default_rng(1)
    tile = _core.BandTile(bands, 17, 18)
    shape = (bands, 3, positions(tile, 16))
    content = SpectralContent.simple(
        tile=tile,
        varies=np.ones(bands, np.uint8),
        mean=np.cumsum(rng.integers(-50, 51, bands)).astype(np.int32),
        scale=np.sort(rng.integers(1, MAX_SCALE + 1, bands))[::-1].astype(np.int32),
        entries=rng.integers(-900, 901, (bands, bands)).astype(np.int32),
        latents=half_steps(rng.integers(-3, 4, shape), dependent=True),
    )
    content.check_round_trip(NETWORKS)


# ---- bases


@pytest.mark.parametrize("value", [LOWEST, LOWEST + 1, HIGHEST - 1, HIGHEST])
def test_the_ends_of_int32_in_two_levels(value: int) -> None:
    """Of rows that depend on each other, too."""
    content = SpectralContent.grouped(
        leading=np.array([value, -value - 1, value, -value - 1], np.int32),
        entries=np.full((2, 2), value, np.int32),
    )
    content.check_round_trip(NETWORKS)


def test_more_rows_than_planes() -> None:
    """They come back, at any number of planes, and without bands that would need them."""
    for planes in range(4):
        for content in (SpectralContent.simple(), SpectralContent.borrowed()):
            if not content.back:
                content.entries = np.arange(9, dtype=np.int32).reshape(3, 3)
            content.scale = np.full(planes, 90, np.int32)
            content.latents = half_steps(np.full((planes, 3, 6), 7), dependent=True)
            content.check_round_trip(NETWORKS)


@pytest.mark.parametrize("groups", [1, 2, 255, 256])
def test_any_number_of_groups(groups: int) -> None:
    rng = np.random.default_rng(groups)
    sizes = rng.integers(1, 4, groups).astype(np.int32)
    counts = rng.integers(0, sizes + 1).astype(np.int32)
    bands, width = int(sizes.sum()), int(counts.sum())
    count = min(width, 20)
    content = SpectralContent.simple(
        tile=_core.BandTile(bands, 20, 40),
        varies=np.ones(bands, np.uint8),
        mean=np.zeros(bands, np.int32),
        sizes=sizes,
        counts=counts,
        leading=rng.integers(-99, 100, int(sizes @ counts)).astype(np.int32),
        entries=rng.integers(-99, 100, (count, width)).astype(np.int32),
        scale=np.zeros(0, np.int32),
        latents=np.zeros((0, 3, 6), np.int32),
    )
    content.check_round_trip(NETWORKS)


def test_groups_count_bands_that_vary() -> None:
    """And are cut among those that have valid samples."""
    valid = np.ones((4, 20, 40), np.uint8)
    valid[0] = 0
    content = SpectralContent.grouped(
        valid=valid,
        varies=np.array([0, 0, 1, 1], np.uint8),
        mean=np.array([0, 6, 7, -8], np.int32),
        sizes=np.array([1, 1], np.int32),
        counts=np.array([1, 1], np.int32),
        leading=np.array([3, -4], np.int32),
    )
    content.check_round_trip(NETWORKS)


@pytest.mark.parametrize(
    "content",
    [SpectralContent.simple(), SpectralContent.grouped()],
    ids=["one level", "two levels"],
)
def test_the_basis_alone(content: SpectralContent) -> None:
    """What others borrow is read without the rest: the bytes behind it may be any."""
    payload, _ = content.write(NETWORKS)
    found = _core.decode_spectral_basis(2, content.tile, payload)
    np.testing.assert_array_equal(found.varies, content.varies)
    for name in ("entries", "sizes", "counts", "leading"):
        np.testing.assert_array_equal(getattr(found.basis, name), getattr(content, name), name)
    spoilt = payload[:-4] + bytes(v ^ 0x55 for v in payload[-4:])
    again = _core.decode_spectral_basis(2, content.tile, spoilt)
    np.testing.assert_array_equal(again.basis.entries, content.entries)


def test_a_borrowed_basis_is_covered_by_the_checksum() -> None:
    """Whatever of it is another one, and nothing else changes with it."""
    content = SpectralContent.borrowed()
    payload, crc = content.write(NETWORKS)
    assert content.shared is not None
    basis, varies = content.shared.basis, content.shared.varies
    other = basis.entries.copy()
    other[2, 1] += 1  # of a row that no plane uses
    moved = np.array([1, 1, 1, 0], np.uint8)
    for changed in (
        _core.SharedBasis(varies, one_level(other)),
        _core.SharedBasis(varies, one_level(basis.entries[:2])),
        _core.SharedBasis(moved, basis),
    ):
        found, other_crc = SpectralContent.read(NETWORKS, content.tile, payload, changed)
        assert other_crc != crc
        np.testing.assert_array_equal(found.latents, content.latents)


@pytest.mark.parametrize("back", [1, 127, 128, 2**31, 2**32 - 1])
def test_how_far_back_a_payload_borrows(back: int) -> None:
    content = SpectralContent.borrowed(back=back)
    content.check_round_trip(NETWORKS)
    assert _core.spectral_payload_back(content.write(NETWORKS)[0]) == back
    assert _core.spectral_payload_back(SpectralContent.simple().write(NETWORKS)[0]) == 0


def test_bands_without_valid_samples_say_nothing() -> None:
    """Whatever the encoder is given for them: the basis has no column for them."""
    valid = np.ones((4, 20, 40), np.uint8)
    valid[0] = 0
    narrow = np.array([[20, -10], [-2, 2]], np.int32)
    with_numbers = SpectralContent.simple(valid=valid, entries=narrow)
    without = SpectralContent.simple(valid=valid, entries=narrow)
    without.varies[0] = without.mean[0] = 0
    assert with_numbers.write(NETWORKS) == without.write(NETWORKS)
    without.check_round_trip(NETWORKS)


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("bit_value", [0.0, 0.1, 0.5])
def test_real_latents_are_rounded(bit_value: float, dependent: bool) -> None:
    """The decoder finds what the encoder says it made of them."""
    c = SpectralContent.simple(dependent=dependent)
    real = np.random.default_rng(3).laplace(0, 2, c.latents.shape).astype(np.float32)
    payload, crc, rounded = c.write_latents(NETWORKS, real, bit_value)
    found, read_crc = SpectralContent.read(NETWORKS, c.tile, payload)
    assert read_crc == crc
    np.testing.assert_array_equal(found.latents, rounded)
    again = SpectralContent.simple(dependent=dependent, latents=rounded)
    assert again.write(NETWORKS) == (payload, crc)


def test_quantisers_that_take_turns_without_planes() -> None:
    """The payload says it even so."""
    for dependent in (False, True):
        content = SpectralContent.simple(**without_planes(4), dependent=dependent)
        found, _ = SpectralContent.read(NETWORKS, content.tile, content.write(NETWORKS)[0])
        assert found.dependent is dependent


@pytest.mark.parametrize("bit_value", [-0.1, 0.6, float("nan")])
def test_the_value_of_a_bit_is_bounded(bit_value: float) -> None:
    content = SpectralContent.simple()
    with pytest.raises(_core.CoreError, match="bit"):
        content.write_latents(NETWORKS, content.latents.astype(np.float32), bit_value)


# ---- units


def test_units_of_means() -> None:
    for step in range(_core.MIN_STEP, _core.MAX_STEP + 1):
        for varies in (False, True):
            for fineness in range(4):
                found = _core.spectral_mean_exponent(varies, step, fineness)
                assert found == spectral.exponent(int(varies), step, fineness)
    assert _core.spectral_mean_exponent(True, 95, 0) == 0
    assert _core.spectral_mean_exponent(True, 96, 0) == 1
    assert _core.spectral_mean_exponent(True, 96, 3) == -2
    assert _core.spectral_mean_exponent(False, _core.MAX_STEP, 3) == 0


def test_planes_have_a_level_however_small_they_are() -> None:
    """A plane below the distortion has that of the lowest level, with its gains."""
    gains = np.array([[0], [256]], np.int16)  # level 1 is one octave finer
    model = [(16, _core.PlaneModel.untrained(gains, usual_terms(1)))]
    real = np.full((2, 1, 6), 10.0, np.float32)
    scale = np.array([1, MAX_SCALE], np.int32)
    content = SpectralContent.simple(step=0, scale=scale, dependent=False)
    rounded = content.write_latents(model, real)[2]
    assert rounded[:, 0, 0].tolist() == [20, 40]
