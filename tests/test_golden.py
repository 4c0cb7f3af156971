"""Streams of every released format decode for ever: golden files of whole streams."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import hyspec
from golden import make_streams
from hyspec import errors
from reference import corrections, pack, streams

FOLDER = make_streams.FOLDER
EXPECTED = json.loads((FOLDER / make_streams.EXPECTED).read_text(encoding="utf-8"))
VALID = [name for name, what in EXPECTED.items() if "error" not in what]
INVALID = [name for name, what in EXPECTED.items() if "error" in what]
TINY = make_streams.PACK
pack_of = make_streams.pack_of


def samples(name: str) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = np.load(FOLDER / EXPECTED[name]["samples"], allow_pickle=False)
    return found


def check_samples(
    found: npt.NDArray[Any], expected: npt.NDArray[Any], what: Any, *, exact: bool = False
) -> None:
    """Equal nodata, and equal samples but for one whole number, unless they are exact.

    Where the deviation of the samples is very many whole numbers, the network's 32-bit floats are
    coarser than one of them.
    """
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    lost = np.isnan(expected)
    if "nodata" in what:
        lost |= expected == float(what["nodata"])
        np.testing.assert_array_equal(found == float(what["nodata"]), lost)
    np.testing.assert_array_equal(found[lost], expected[lost])
    a, b = found[~lost].astype(np.float64), expected[~lost].astype(np.float64)
    spread = b.max() - b.min() if b.size else 0.0
    if exact:
        np.testing.assert_array_equal(a, b)
    slack = 1.001 * float(what.get("step", 1)) + 2e-6 * spread
    assert np.abs(a - b).max(initial=0) <= slack


def test_every_file_is_listed_and_there() -> None:
    listed = {*EXPECTED, *(EXPECTED[name]["samples"] for name in VALID), make_streams.EXPECTED}
    assert {path.name for path in FOLDER.iterdir()} == listed
    assert {f"v1.0-{name}.hyc" for name in make_streams.CUBES} <= set(VALID)


@pytest.mark.parametrize("name", VALID)
def test_valid(name: str) -> None:
    expected = EXPECTED[name]
    data = (FOLDER / name).read_bytes()
    with hyspec.open(FOLDER / name, pack=pack_of(name)) as stream:
        described = {**make_streams.describe(stream, data), "samples": expected["samples"]}
        assert described == expected
        assert stream.check() == []
        cube = stream.read()
    exact = pack_of(name) is None
    check_samples(cube.array, samples(name), expected, exact=exact)
    part = hyspec.decode(data, rows=(0, 1), cols=0, bands=(0, 1), pack=pack_of(name)).array
    check_samples(part, samples(name)[:1, :1, :1], expected, exact=exact)


@pytest.mark.parametrize("name", VALID)
def test_valid_with_second_decoder(name: str) -> None:
    path = pack_of(name)
    second = None if path is None else pack.load(path)
    data = (FOLDER / name).read_bytes()
    _, rows, chunks = streams.read_chunks(data, second)
    assert rows == EXPECTED[name]["shape"][0]
    found = [[c.tile, c.interval, f"{c.symbols.checksum:08x}"] for c in chunks]
    assert found == EXPECTED[name]["chunks"]
    cube = streams.read_cube(data, second)
    check_samples(cube, samples(name), EXPECTED[name], exact=second is None)


@pytest.mark.parametrize("tiny", [TINY, make_streams.SPECTRAL_PACK], ids=lambda p: p.name)
def test_streams_use_both_networks_with_every_number_of_bands_before(tiny: Path) -> None:
    """The first four bands or planes with latents have 0 to 3 to be predicted from."""
    second = pack.load(tiny)
    most = {0: 0, 1: 0}
    for name in VALID:
        if pack_of(name) == tiny and "-corrected-" not in name:
            for chunk in streams.read_chunks((FOLDER / name).read_bytes(), second)[2]:
                number = chunk.symbols.network
                most[number] = max(most[number], len(chunk.symbols.latents))
    assert min(most.values()) > 3


def test_streams_of_planes_have_quantisers_of_both_kinds() -> None:
    """Those that take turns, unless the encoder was asked to be fast."""
    second = pack.load(make_streams.SPECTRAL_PACK)
    seen = set()
    for name, (_, settings) in make_streams.CUBES.items():
        if name.startswith("spectral-"):
            data = (FOLDER / f"v1.0-{name}.hyc").read_bytes()
            for chunk in streams.read_chunks(data, second)[2]:
                assert chunk.symbols.dependent is not settings.get("fast", False)
                seen.add((chunk.symbols.dependent, chunk.symbols.network, len(chunk.symbols.scale)))
    assert {dependent for dependent, _, planes in seen if planes > 3} == {False, True}


BOUNDED = [n for n in make_streams.CUBES if n.startswith(("bounded-", "corrected-"))]


@pytest.mark.parametrize("name", BOUNDED)
def test_bounded_streams_are_within_their_limits(name: str) -> None:
    """What the originals were, as they are made anew, is as near as the encoder was asked for."""
    cube, settings = make_streams.CUBES[name]
    data = (FOLDER / f"v1.0-{name}.hyc").read_bytes()
    found = hyspec.decode(data, pack=pack_of(name)).array
    share = settings.get("max_relative_error")
    limits = np.array(settings.get("max_error", 0.0 if share is None else np.inf))
    if share is not None:
        limits = np.minimum(limits, share * np.abs(cube.array.astype(np.float64)))
    limits = np.broadcast_to(limits, cube.shape)
    there = np.isfinite(cube.array)
    if cube.nodata is not None:
        there &= cube.array != cube.nodata
        np.testing.assert_array_equal(found == cube.nodata, cube.array == cube.nodata)
    error = np.abs(found[there].astype(np.float64) - cube.array[there])
    assert np.all(error <= limits[there])
    assert error.any() == (there.any() and limits.any())


def test_streams_go_both_ways() -> None:
    """Also within one stream; those that are to be corrected are, and not by nothing."""
    second = pack.load(make_streams.SPECTRAL_PACK)
    mixed = set()
    for name in (n for n in BOUNDED if n.startswith("corrected-")):
        chunks = streams.read_chunks((FOLDER / f"v1.0-{name}.hyc").read_bytes(), second)[2]
        corrected = [c.symbols for c in chunks if isinstance(c.symbols, corrections.Symbols)]
        assert all(np.count_nonzero(s.corrections) > 20 for s in corrected)
        mixed.add((len(corrected) > 0, len(corrected) < len(chunks)))
    assert mixed == {(True, False), (True, True)}


@pytest.mark.parametrize("name", INVALID)
def test_invalid(name: str) -> None:
    expected = EXPECTED[name]
    data = (FOLDER / name).read_bytes()
    with pytest.raises(errors.HyspecError) as caught:
        hyspec.decode(data, pack=TINY)
    assert type(caught.value).__name__ == expected["error"]
    if "lost" not in expected:
        with pytest.raises(errors.HyspecError) as caught:
            hyspec.decode(data, pack=TINY, on_damage="fill")
        assert type(caught.value).__name__ == expected["error"]
        return
    stream = hyspec.Stream(data, pack=TINY, on_damage="fill")
    found = stream[...]
    original = EXPECTED[expected["original"]]
    wanted = samples(expected["original"]).copy()
    tiles = list(stream.tiles())
    for tile, interval in expected["lost"]:
        t, (start, stop) = tiles[tile], original["intervals"][interval]
        wanted[t.row : t.row_stop, t.column : t.column_stop, start:stop] = 0
    check_samples(found, wanted, original)
    lost = {(d.tile, d.bands.start) for d in stream.damage}
    assert lost == {(t, original["intervals"][i][0]) for t, i in expected["lost"]}


@pytest.mark.parametrize("name", VALID)
def test_encoding_again_is_as_good(name: str) -> None:
    """Not the same bytes, which a better encoder may change, but as near to the original."""
    cube, settings = make_streams.CUBES[name.removeprefix("v1.0-").removesuffix(".hyc")]
    data = hyspec.encode(cube, pack=pack_of(name), **settings)
    assert len(data) <= 1.1 * len((FOLDER / name).read_bytes())
    valid = np.isfinite(cube.array) & (cube.array != cube.nodata)
    if not valid.any():
        return
    original = cube.array[valid].astype(np.float64)
    now = hyspec.decode(data, pack=pack_of(name)).array[valid].astype(np.float64)
    then = samples(name)[valid].astype(np.float64)
    assert np.abs(now - original).mean() <= 1.1 * np.abs(then - original).mean() + 1e-9


def test_files_are_not_touched_on_checkout() -> None:
    """A conversion of line ends would show in the signature, which is why it has one."""
    for path in Path(FOLDER).glob("*.hyc"):
        assert path.read_bytes()[4:8] == b"\r\n\x1a\n"
