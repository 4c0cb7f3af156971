"""Lazy reading: any part of a cube equals that part of the whole, and costs only its own chunks."""

import re

import numpy as np
import pytest

import hyspec
from hyspec import Cube, Stream, errors
from hyspec.band_profile import PROFILE_VERSION

TILE = (16, 12)
INTERVALS = "1-8,9-20,21-24"  # 3 x 3 tiles, 3 intervals


@pytest.fixture(scope="module")
def data(tiny_pack, scene_cube):
    return hyspec.encode(scene_cube, pack=tiny_pack, tile=TILE, intervals=INTERVALS)


@pytest.fixture(scope="module")
def whole(tiny_pack, data):
    return hyspec.decode(data, pack=tiny_pack).array


@pytest.fixture
def path(tmp_path, data):
    path = tmp_path / "scene.hyc"
    path.write_bytes(data)
    return path


@pytest.fixture
def stream(path, tiny_pack):
    with hyspec.open(path, pack=tiny_pack) as stream:
        yield stream


def with_byte_flipped(data, position):
    damaged = bytearray(data)
    damaged[position] ^= 0x10
    return bytes(damaged)


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
def test_slices(stream, whole, key):
    found = stream[key]
    assert found.shape == whole[key].shape
    assert found.dtype == whole.dtype
    assert np.array_equal(found, whole[key])


def test_random_parts(stream, whole):
    rng = np.random.default_rng(5)
    for _ in range(25):
        ends = [sorted(rng.choice(size + 1, 2, replace=False)) for size in whole.shape]
        key = tuple(slice(int(a), int(b)) for a, b in ends)
        assert np.array_equal(stream[key], whole[key])


def test_ranges_of_read(stream, whole):
    cube = stream.read(rows=(3, 9), cols=slice(None, 5), bands=-2)
    assert np.array_equal(cube.array, whole[3:9, :5, -2:-1])
    assert np.array_equal(stream.read(rows=(None, -30)).array, whole[:-30])
    assert np.array_equal(stream.read(bands=(20, None)).array, whole[:, :, 20:])


def test_decode_takes_the_same_ranges(tiny_pack, data, whole):
    part = hyspec.decode(data, (3, 9), (0, 5), (1, 2), pack=tiny_pack)
    assert np.array_equal(part.array, whole[3:9, :5, 1:2])


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
    real = Stream._symbols
    monkeypatch.setattr(
        Stream, "_symbols", lambda self, *job: decoded.append(job) or real(self, *job)
    )
    stream[key]
    assert len(decoded) == len(set(decoded)) == chunks


def test_opening_decodes_nothing_and_needs_no_pack(path, scene_cube):
    with hyspec.open(path) as stream:
        assert stream.shape == scene_cube.shape
        assert stream.dtype == np.uint16
        assert np.array_equal(stream.wavelengths, scene_cube.wavelengths)
        assert stream.metadata == scene_cube.metadata
        assert (stream.profile, stream.pack_name) == ("band", "tiny")
        assert stream.tile_size == TILE
        assert len(list(stream.tiles())) == 9
        assert len(stream) == path.stat().st_size
        with pytest.raises(errors.PackNotFoundError, match="tiny") as caught:
            stream[0, 0, 0]
    assert "--pack" in caught.value.hint


def test_damage_elsewhere_does_not_matter(tiny_pack, data, whole):
    """A part is readable whatever happened to the chunks that do not hold it."""
    last = max(Stream(data).index.chunks, key=lambda entry: entry.offset)
    damaged = with_byte_flipped(data, last.offset + last.length - 1)
    stream = Stream(damaged, pack=tiny_pack)
    assert np.array_equal(stream[:32], whole[:32])
    with pytest.raises(errors.StreamError, match=r"tile 8, bands 21-24: .*checksum"):
        stream[:]


def test_progress_is_reported(stream):
    seen = []
    stream.read(rows=(0, 20), progress=lambda *args: seen.append(args))
    assert seen == [("decoding", k, 18) for k in range(1, 19)]


def test_closed_stream(path, tiny_pack):
    with hyspec.open(path, pack=tiny_pack) as stream:
        pass
    for use in (lambda: stream[0, 0, 0], stream.check):
        with pytest.raises(errors.UsageError, match="closed"):
            use()


# ---- damage --------------------------------------------------------------------------------------


@pytest.fixture(params=[None, 0.0, 65535.0, -9999.0])
def nodata(request):
    return request.param


@pytest.fixture
def marked(tiny_pack, scene_cube, nodata):
    cube = Cube(scene_cube.array, nodata=nodata)
    return hyspec.encode(cube, pack=tiny_pack, tile=TILE, intervals=INTERVALS)


def test_lost_chunks_are_filled_and_listed(tiny_pack, marked, nodata):
    expected = hyspec.decode(marked, pack=tiny_pack).array.copy()
    entries = {(e.tile, e.interval): e for e in Stream(marked).index.chunks}
    damaged = marked
    for tile, interval in ((4, 1), (0, 2)):
        entry = entries[tile, interval]
        damaged = with_byte_flipped(damaged, entry.offset + entry.length - 1)
    fill = nodata if nodata in (0.0, 65535.0) else 0  # -9999 is no uint16
    expected[16:32, 12:24, 8:20] = fill
    expected[:16, :12, 20:] = fill
    with pytest.raises(errors.StreamError):
        Stream(damaged, pack=tiny_pack)[:]
    stream = Stream(damaged, pack=tiny_pack, on_damage="fill")
    assert stream.damage == []
    for _ in range(2):  # reading again lists nothing twice
        assert np.array_equal(stream[:], expected)
        assert [(d.tile, d.rows, d.columns, d.bands) for d in stream.damage] == [
            (0, range(16), range(12), range(20, 24)),
            (4, range(16, 32), range(12, 24), range(8, 20)),
        ]
    assert all("checksum" in d.reason for d in stream.damage)


def test_lost_chunks_of_float_cubes_become_nan(tiny_pack):
    samples = np.random.default_rng(0).normal(size=(8, 8, 4)).astype("f4")
    data = hyspec.encode(samples, pack=tiny_pack, tile=4)
    entry = Stream(data).index.chunks[-1]
    damaged = with_byte_flipped(data, entry.offset + entry.length - 1)
    decoded = hyspec.decode(damaged, pack=tiny_pack, on_damage="fill").array
    lost = np.isnan(decoded).any((1, 2))
    assert lost.tolist() == [False] * 4 + [True] * 4


def test_cut_off_stream(tiny_pack, data, whole):
    """A stream that ends early keeps the chunks that were complete."""
    entries = sorted(Stream(data).index.chunks, key=lambda entry: entry.offset)
    for kept in (1, 13, 27):
        cut = data[: entries[kept - 1].offset + entries[kept - 1].length + 3]
        with pytest.raises(errors.StreamError, match="index") as caught:
            Stream(cut, pack=tiny_pack)
        assert "--recover" in caught.value.hint
        stream = Stream(cut, pack=tiny_pack, on_damage="fill")
        assert stream.index.rebuilt
        found = stream[:]
        assert len(stream.damage) == len(entries) - kept
        intact = np.ones(whole.shape, bool)
        for damage in stream.damage:
            rows, columns, bands = (
                slice(r.start, r.stop) for r in (damage.rows, damage.columns, damage.bands)
            )
            intact[rows, columns, bands] = False
        assert np.array_equal(found[intact], whole[intact])
        assert not found[~intact].any()


def test_nothing_left(tiny_pack, data):
    first = Stream(data).index.chunks[0]
    with pytest.raises(errors.StreamError, match="no chunk"):
        Stream(data[: first.offset + 5], pack=tiny_pack, on_damage="fill")


def test_check(tiny_pack, data):
    assert Stream(data, pack=tiny_pack).check() == []
    entry = Stream(data).index.chunks[10]
    damaged = with_byte_flipped(data, entry.offset + entry.length - 1)
    (damage,) = Stream(damaged, pack=tiny_pack, on_damage="fill").check()
    assert damage.tile == entry.tile


def test_index_that_loses_its_place_does_not_matter_with_fill(tiny_pack, data, whole):
    damaged = with_byte_flipped(data, len(data) - 12)  # inside the index
    stream = Stream(damaged, pack=tiny_pack, on_damage="fill")
    assert stream.index.rebuilt
    assert np.array_equal(stream[:], whole)
    assert stream.damage == []


def test_on_damage_has_two_values(data):
    with pytest.raises(errors.UsageError, match="on_damage"):
        Stream(data, on_damage="ignore")


@pytest.fixture(scope="module")
def small(tiny_pack):
    cube = hyspec.synthetic.scene(20, 17, sensor="hyspex", seed=1, nodata=True).cube
    cube = Cube(cube.array[:, :, ::40], nodata=cube.nodata)
    return hyspec.encode(cube, pack=tiny_pack, tile=16, intervals="1-2,3-5")


def test_recovery_after_any_flipped_byte_loses_one_chunk_at_most(tiny_pack, small):
    preamble = Stream(small).index.chunks[0].offset
    for position in range(preamble, len(small)):
        damaged = bytearray(small)
        damaged[position] ^= 0xFF
        stream = Stream(damaged, pack=tiny_pack, on_damage="fill")
        stream.read()
        assert len(stream.damage) <= 1


# ---- limits and bad files ------------------------------------------------------------------------


def test_memory_limit(tiny_pack, data, whole):
    stream = Stream(data, pack=tiny_pack, max_bytes=whole.nbytes - 1)
    with pytest.raises(errors.LimitError, match="the decoded cube") as caught:
        stream[:]
    assert "max_bytes" in caught.value.hint
    assert np.array_equal(stream[:10], whole[:10])
    assert isinstance(caught.value, MemoryError)
    with pytest.raises(errors.LimitError, match="one chunk"):
        Stream(data, pack=tiny_pack, max_bytes=2_000)[0, 0, 0]
    for read in (lambda s: s.check(), lambda s: s.template(range(1), range(1), range(1))):
        with pytest.raises(errors.LimitError, match="one chunk"):
            read(Stream(data, pack=tiny_pack, max_bytes=2_000, on_damage="fill"))


def lying_header(**changes):
    """A stream whose valid header announces a huge cube, with one chunk of nothing."""
    from hyspec import _core

    values = {
        "rows": 1,
        "columns": 1,
        "bands": 1,
        "sample_type": "uint8",
        "tile_rows": 1,
        "tile_columns": 1,
        "profile": 1,
        "profile_version": PROFILE_VERSION,
        "intervals": [(1, 0)],
        "pack": (bytes(32), "tiny"),
    } | changes
    writer = _core.StreamWriter(_core.Header(**values))
    return writer.begin() + writer.chunk(0, 0, values["tile_rows"], 0, b"\0" * 8)


def test_recovery_of_a_lying_shape_is_refused():
    most = 2**31 - 1
    data = lying_header(rows=most, columns=1, tile_rows=1)
    with pytest.raises(errors.LimitError, match="missing"):
        Stream(data, on_damage="fill")


def test_huge_chunk_is_refused_before_anything_is_reserved():
    data = lying_header(
        rows=8192,
        columns=8192,
        tile_rows=8192,
        tile_columns=8192,
        bands=65535,
        intervals=[(65535, 0)],
    )
    stream = Stream(data, on_damage="fill")
    for read in (lambda: stream[0, 0, 0], stream.check):
        with pytest.raises(errors.LimitError, match="one chunk"):
            read()


def test_unknown_profile():
    for changes in ({"profile": 2}, {"profile_version": PROFILE_VERSION + 1}):
        with pytest.raises(errors.UnsupportedVersionError, match="profile") as caught:
            Stream(lying_header(**changes), on_damage="fill").read()
        assert "newer" in caught.value.hint
    with pytest.raises(errors.StreamError, match="pack"):
        Stream(lying_header(pack=None), on_damage="fill").read()


@pytest.mark.parametrize("content", [b"", b"x", b"BZh91AY" * 20, b"\x89HYC\r\n\x1a\n"])
def test_files_that_are_no_streams(tmp_path, content):
    path = tmp_path / "a.hyc"
    path.write_bytes(content)
    with pytest.raises(errors.StreamError):
        hyspec.open(path)
    with pytest.raises(errors.StreamError):
        hyspec.decode(content)


def test_file_that_is_not_there(tmp_path):
    for path in (tmp_path / "absent.hyc", tmp_path):
        with pytest.raises(errors.DataError, match=re.escape(str(path))):
            hyspec.open(path)


def test_newer_major_version(data):
    newer = data[:8] + b"\x02" + data[9:]
    with pytest.raises(errors.UnsupportedVersionError) as caught:
        hyspec.decode(newer)
    assert "newer" in caught.value.hint


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer(tiny_pack, data, whole, kind):
    assert np.array_equal(hyspec.decode(kind(data), pack=tiny_pack).array, whole)


def test_a_path_is_no_stream(tmp_path):
    with pytest.raises(errors.UsageError, match="expected the bytes") as caught:
        hyspec.decode(str(tmp_path / "a.hyc"))
    assert "hyspec.open" in caught.value.hint
