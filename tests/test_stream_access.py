"""Lazy reading: any part of a cube equals that part of the whole, and costs only its own chunks."""

import numpy as np
import pytest

import hyspec
from hyspec import Cube, Stream, errors
from hyspec.stream_chunks import StreamChunks
from stream_cases import TILE, with_byte_flipped


@pytest.fixture
def stream(scene_hyc, tiny_pack):
    with hyspec.open(scene_hyc, pack=tiny_pack) as stream:
        yield stream


# ---- parts of the cube ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        np.s_[3:21, 5:30, 6:22],
        np.s_[...],
        np.s_[:],
        np.s_[0],
        np.s_[-1],
        np.s_[7, 35],
        np.s_[7, -36, 3],
        np.s_[np.int64(15), :, -1],
        np.s_[15:17, 11:13, 7:9],
        np.s_[-10:, :-30],
        np.s_[..., 5],
        np.s_[..., 2:4, :],
        np.s_[4, ..., 5],
        np.s_[39:40, 35:36, 23:24],
        np.s_[0:40, 0:36, 0:24],
        np.s_[5:9:1],
    ],
)
def test_slices(stream, scene_decoded, key):
    found = stream[key]
    assert found.shape == scene_decoded[key].shape
    assert found.dtype == scene_decoded.dtype
    assert np.array_equal(found, scene_decoded[key])


def test_random_parts(stream, scene_decoded):
    rng = np.random.default_rng(5)
    for _ in range(25):
        ends = [sorted(rng.choice(size + 1, 2, replace=False)) for size in scene_decoded.shape]
        key = tuple(slice(int(a), int(b)) for a, b in ends)
        assert np.array_equal(stream[key], scene_decoded[key])


def test_ranges_of_read(stream, scene_decoded):
    cube = stream.read(rows=(3, 9), cols=slice(None, 5), bands=-2)
    assert np.array_equal(cube.array, scene_decoded[3:9, :5, -2:-1])
    assert np.array_equal(stream.read(rows=(None, -30)).array, scene_decoded[:-30])
    assert np.array_equal(stream.read(bands=(20, None)).array, scene_decoded[:, :, 20:])


def test_decode_takes_the_same_ranges(tiny_pack, scene_stream, scene_decoded):
    part = hyspec.decode(scene_stream, (3, 9), (0, 5), (1, 2), pack=tiny_pack)
    assert np.array_equal(part.array, scene_decoded[3:9, :5, 1:2])


@pytest.mark.parametrize(
    "key",
    [
        np.s_[::2],
        np.s_[::-1],
        np.s_[5:5],
        np.s_[7:3],
        np.s_[40],
        np.s_[-41],
        np.s_[0:41],
        np.s_[:, :, 24],
        np.s_[0, 0, 0, 0],
        np.s_[None],
        np.s_[[1, 2]],
        np.s_[..., ..., 1],
        np.s_[1.5],
        np.s_["rows"],
        np.s_[1.0:3.0],
        np.zeros((40, 36, 24), bool),
    ],
)
def test_keys_that_are_refused(stream, key):
    with pytest.raises(errors.UsageError):
        stream[key]


@pytest.mark.parametrize("rows", [(1, 2, 3, 4), "1:2", 1.5, {1}])
def test_ranges_that_are_refused(stream, rows):
    with pytest.raises(errors.UsageError, match="rows"):
        stream.read(rows=rows)


def test_description_of_a_part(stream, scene_cube):
    part = stream.read(rows=(10, 20), cols=(4, 30), bands=(5, 9))
    assert np.array_equal(part.wavelengths, scene_cube.wavelengths[5:9])
    assert np.array_equal(part.fwhm, scene_cube.fwhm[5:9])
    assert np.array_equal(part.bad_bands, scene_cube.bad_bands[5:9])
    assert part.wavelength_unit == "Nanometers"
    # The reference pixel moves with the part: 500000 east is 4 pixels to the left of it now.
    assert scene_cube.metadata["envi"]["map info"][1:5] == ["1", "1", "500000.0", "4100000.0"]
    assert part.metadata["envi"]["map info"][1:5] == ["-3", "-9", "500000.0", "4100000.0"]
    assert stream.metadata == scene_cube.metadata


def test_lists_with_an_entry_per_band_are_cut(tiny_pack):
    names = [f"band {k}" for k in range(6)]
    envi = {"band names": names, "default bands": ["1", "2", "3"]}
    cube = Cube(np.arange(120, dtype="u1").reshape(4, 5, 6), metadata={"envi": envi})
    part = hyspec.decode(hyspec.encode(cube, pack=tiny_pack), bands=(2, 4), pack=tiny_pack)
    assert part.metadata["envi"]["band names"] == names[2:4]
    assert part.metadata["envi"]["default bands"] == ["1", "2", "3"]


# ---- laziness ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "chunks"),
    [
        (np.s_[0, 0, 0], 1),
        (np.s_[0:16, 0:12, 8:20], 1),
        (np.s_[15:17, 11:13, 7:9], 8),
        (np.s_[:, 0], 9),
        (np.s_[..., 23], 9),
        (np.s_[:], 27),
    ],
)
def test_only_the_chunks_needed_are_decoded(monkeypatch, stream, key, chunks):
    decoded = []
    real = StreamChunks.symbols
    monkeypatch.setattr(
        StreamChunks, "symbols", lambda self, *job: decoded.append(job) or real(self, *job)
    )
    stream[key]
    assert len(decoded) == len(set(decoded)) == chunks


def test_opening_decodes_nothing_and_needs_no_pack(scene_hyc, scene_cube):
    with hyspec.open(scene_hyc) as stream:
        assert stream.shape == scene_cube.shape
        assert stream.dtype == np.uint16
        assert np.array_equal(stream.wavelengths, scene_cube.wavelengths)
        assert stream.metadata == scene_cube.metadata
        assert (stream.profile, stream.pack_name) == ("band", "tiny")
        assert stream.tile_size == TILE
        assert len(list(stream.tiles())) == 9
        assert len(stream) == scene_hyc.stat().st_size
        with pytest.raises(errors.PackNotFoundError, match="tiny") as caught:
            stream[0, 0, 0]
    assert "--pack" in caught.value.hint


def test_damage_elsewhere_does_not_matter(tiny_pack, scene_stream, scene_decoded):
    """A part is readable whatever happened to the chunks that do not hold it."""
    last = max(Stream(scene_stream).index.chunks, key=lambda entry: entry.offset)
    damaged = with_byte_flipped(scene_stream, last.offset + last.length - 1)
    stream = Stream(damaged, pack=tiny_pack)
    assert np.array_equal(stream[:32], scene_decoded[:32])
    with pytest.raises(errors.StreamError, match=r"tile 8, bands 21-24: .*checksum"):
        stream[:]


def test_progress_is_reported(stream):
    seen = []
    stream.read(rows=(0, 20), progress=lambda *args: seen.append(args))
    assert seen == [("decoding", k, 18) for k in range(1, 19)]


def test_closed_stream(scene_hyc, tiny_pack):
    with hyspec.open(scene_hyc, pack=tiny_pack) as stream:
        pass
    for use in (lambda: stream[0, 0, 0], stream.check):
        with pytest.raises(errors.UsageError, match="closed"):
            use()
