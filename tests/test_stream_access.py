"""Lazy reading: any part of a cube equals that part of the whole, and costs only its own chunks."""

import numpy as np
import pytest

import hyspec
from hyspec import Cube, Stream, errors, pack
from hyspec.stream_chunks import StreamChunks
from stream_cases import TILE, with_byte_flipped


@pytest.fixture
def stream_path(tmp_path, each_stream):
    path = tmp_path / "scene.hyc"
    path.write_bytes(each_stream)
    return path


@pytest.fixture
def stream(stream_path, each_pack):
    with hyspec.open(stream_path, pack=each_pack) as stream:
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
def test_slices(stream, each_decoded, key):
    found = stream[key]
    assert found.shape == each_decoded[key].shape
    assert found.dtype == each_decoded.dtype
    assert np.array_equal(found, each_decoded[key])


def test_random_parts(stream, each_decoded):
    rng = np.random.default_rng(5)
    for _ in range(25):
        ends = [sorted(rng.choice(size + 1, 2, replace=False)) for size in each_decoded.shape]
        key = tuple(slice(int(a), int(b)) for a, b in ends)
        assert np.array_equal(stream[key], each_decoded[key])


def test_ranges_of_read(stream, each_decoded):
    cube = stream.read(rows=(3, 9), cols=slice(None, 5), bands=-2)
    assert np.array_equal(cube.array, each_decoded[3:9, :5, -2:-1])
    assert np.array_equal(stream.read(rows=(None, -30)).array, each_decoded[:-30])
    assert np.array_equal(stream.read(bands=(20, None)).array, each_decoded[:, :, 20:])


def test_decode_takes_the_same_ranges(each_pack, each_stream, each_decoded):
    part = hyspec.decode(each_stream, (3, 9), (0, 5), (1, 2), pack=each_pack)
    assert np.array_equal(part.array, each_decoded[3:9, :5, 1:2])


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


def test_lists_with_an_entry_per_band_are_cut(each_pack):
    names = [f"band {k}" for k in range(6)]
    envi = {"band names": names, "default bands": ["1", "2", "3"]}
    cube = Cube(np.arange(120, dtype="u1").reshape(4, 5, 6), metadata={"envi": envi})
    part = hyspec.decode(hyspec.encode(cube, pack=each_pack), bands=(2, 4), pack=each_pack)
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


def test_opening_decodes_nothing_and_needs_no_pack(stream_path, scene_cube, each_pack):
    expected = pack.load(each_pack)
    with hyspec.open(stream_path) as stream:
        assert stream.shape == scene_cube.shape
        assert stream.dtype == np.uint16
        assert np.array_equal(stream.wavelengths, scene_cube.wavelengths)
        assert stream.metadata == scene_cube.metadata
        assert (stream.profile, stream.pack_name) == (expected.profile, expected.name)
        assert stream.tile_size == TILE
        assert len(list(stream.tiles())) == 9
        assert len(stream) == stream_path.stat().st_size
        with pytest.raises(errors.PackNotFoundError, match="tiny") as caught:
            stream[0, 0, 0]
    assert "--pack" in caught.value.hint


def test_damage_elsewhere_does_not_matter(each_pack, each_stream, each_decoded):
    """A part is readable whatever happened to the chunks that do not hold it."""
    last = max(Stream(each_stream).index.chunks, key=lambda entry: entry.offset)
    damaged = with_byte_flipped(each_stream, last.offset + last.length - 1)
    stream = Stream(damaged, pack=each_pack)
    assert np.array_equal(stream[:32], each_decoded[:32])
    with pytest.raises(errors.StreamError, match=r"tile 8, bands 21-24: .*checksum"):
        stream[:]


def test_progress_is_reported(stream):
    seen = []
    stream.read(rows=(0, 20), progress=lambda *args: seen.append(args))
    assert seen == [("decoding", k, 18) for k in range(1, 19)]


def test_closed_stream(stream_path, each_pack):
    with hyspec.open(stream_path, pack=each_pack) as stream:
        pass
    for use in (lambda: stream[0, 0, 0], stream.check):
        with pytest.raises(errors.UsageError, match="closed"):
            use()
