"""Layered streams: a base that can be decoded alone, and a layer that meets the bound."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import hyspec
from hyspec import Cube, _core, bounded_profile, errors
from hyspec_tools import decode, encode, info

ROWS, COLUMNS, TILE = 40, 32, 16


def cube(seed: int = 1) -> Cube:
    return hyspec.synthetic.scene(ROWS, COLUMNS, seed=seed).cube


SOURCE = cube()


def layered(**options: Any) -> bytes:
    return hyspec.encode(SOURCE, layers=True, tile=TILE, threads=2, **options)


CORRECTED = layered(max_error=8)
LOSSLESS = layered(lossless=True, base_bps=0.3)


def worst(decoded: npt.NDArray[Any]) -> int:
    return int(np.abs(decoded.astype(np.int64) - SOURCE.array).max())


def first_layer(data: bytes) -> bytes:
    """What a transfer that ends after the base leaves of a stream."""
    return data[: max(entry.offset + entry.length for entry in hyspec.Stream(data).index.chunks)]


def ways(data: bytes, entries: list[_core.ChunkEntry]) -> list[str]:
    found = []
    for entry in entries:
        chunk = _core.check_chunk(data, entry)
        at = chunk.payload_offset
        found.append(bounded_profile.BoundedCoder.way(data[at : at + chunk.payload_length]))
    return found


@pytest.mark.parametrize(("data", "bound"), [(CORRECTED, 8), (LOSSLESS, 0)])
def test_all_layers_meet_the_bound(data: bytes, bound: int) -> None:
    stream = hyspec.Stream(data)
    assert stream.layers == 2
    assert worst(stream.read().array) <= bound
    assert stream.check() == []


def test_the_ways_of_chunks_and_layers() -> None:
    for data, way in ((CORRECTED, "corrections"), (LOSSLESS, "prediction")):
        index = hyspec.Stream(data).index
        assert len(index.chunks) == len(index.layers) == 3
        assert set(ways(data, index.chunks)) == {"base"}
        assert set(ways(data, index.layers)) == {way}
        assert max(e.offset for e in index.chunks) < min(e.offset for e in index.layers)


def test_the_base_alone() -> None:
    base = hyspec.Stream(CORRECTED, layers=1).read().array
    assert worst(base) > 8
    rms = float(np.sqrt(np.mean((base.astype(float) - SOURCE.array) ** 2)))
    assert rms < 8
    assert np.array_equal(
        hyspec.Stream(CORRECTED, layers=2).read().array, hyspec.decode(CORRECTED).array
    )


def test_a_transfer_that_ends_after_the_base() -> None:
    cut = first_layer(LOSSLESS)
    assert len(cut) < 0.15 * len(LOSSLESS)
    base = hyspec.Stream(LOSSLESS, layers=1).read().array
    assert np.array_equal(hyspec.Stream(cut, layers=1).read().array, base)
    with pytest.raises(errors.StreamError, match="index"):
        hyspec.Stream(cut)
    # In the middle of a layer: what is whole is used, and the base of the rest.
    entry = hyspec.Stream(LOSSLESS).index.layers[1]
    stream = hyspec.Stream(LOSSLESS[: entry.offset + entry.length // 2], on_damage="fill")
    decoded = stream.read().array
    assert [d.tile for d in stream.damage] == [1, 2]
    assert np.array_equal(decoded[:TILE], SOURCE.array[:TILE])
    assert np.array_equal(decoded[TILE:], base[TILE:])
    # Without any layer, it is still known that there were some.
    stream = hyspec.Stream(cut, on_damage="fill")
    assert np.array_equal(stream.read().array, base)
    assert len(stream.damage) == 3


def test_a_base_that_is_cut_off_is_an_error() -> None:
    cut = first_layer(CORRECTED)
    with pytest.raises(errors.StreamError, match="missing"):
        hyspec.Stream(cut[:-5], layers=1).read()


@pytest.mark.parametrize("which", range(3))
def test_a_damaged_layer_costs_its_tile_alone(which: int) -> None:
    entry = hyspec.Stream(CORRECTED).index.layers[which]
    damaged = bytearray(CORRECTED)
    damaged[entry.offset + entry.length - 3] ^= 1
    with pytest.raises(errors.StreamError, match="layer 2"):
        hyspec.decode(bytes(damaged))
    stream = hyspec.Stream(bytes(damaged), on_damage="fill")
    decoded = stream.read().array
    assert [d.tile for d in stream.damage] == [which]
    base = hyspec.Stream(CORRECTED, layers=1).read().array
    good = hyspec.decode(CORRECTED).array
    tile = slice(which * TILE, (which + 1) * TILE)
    assert np.array_equal(decoded[tile], base[tile])
    good[tile] = base[tile]
    assert np.array_equal(decoded, good)
    assert len(stream.check()) == 1


def test_a_damaged_base_costs_its_layer_too() -> None:
    entry = hyspec.Stream(CORRECTED).index.chunks[0]
    damaged = bytearray(CORRECTED)
    damaged[entry.offset + entry.length - 3] ^= 1
    stream = hyspec.Stream(bytes(damaged), on_damage="fill")
    assert not stream.read().array[:TILE].any()


def test_the_rate_of_the_base() -> None:
    for bps in (0.1, 0.4):
        data = layered(lossless=True, base_bps=bps)
        payloads = sum(
            _core.check_chunk(data, e).payload_length for e in hyspec.Stream(data).index.chunks
        )
        assert 0.8 * bps < 8 * payloads / SOURCE.array.size <= bps + 0.01


def test_lines_have_layers_too() -> None:
    pieces: list[bytes] = []
    options = hyspec.EncodeOptions(max_error=8, layers=True, tile=TILE)
    with hyspec.LineEncoder(pieces.append, options) as encoder:
        for row in range(0, ROWS, 5):
            encoder.push(SOURCE.array[row : row + 5])
    data = b"".join(pieces)
    assert hyspec.Stream(data).layers == 2
    assert worst(hyspec.decode(data).array) <= 8
    assert encoder.finish().bytes == len(data)


def test_lines_that_end_in_an_error_leave_the_base() -> None:
    pieces: list[bytes] = []
    options = hyspec.EncodeOptions(max_error=8, layers=True, tile=TILE)
    with pytest.raises(KeyError), hyspec.LineEncoder(pieces.append, options) as encoder:
        encoder.push(SOURCE.array[:TILE])
        raise KeyError
    assert len(hyspec.Stream(b"".join(pieces), layers=1).index.chunks) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": True}, "there is none"),
        ({"layers": True, "quality": 50}, "there is none"),
        ({"max_error": 8, "base_bps": 0.1}, "there is none"),
        ({"max_error": 8, "layers": True, "base_bps": 0}, "positive"),
        ({"max_error": 8, "layers": True, "base_bps": "x"}, "a number"),
        ({"max_error": 8, "layers": 1}, "True or False"),
        ({"max_error": 8, "layers": True, "fast": True}, "no layers"),
    ],
)
def test_what_does_not_go_with_layers(options: dict[str, Any], message: str) -> None:
    with pytest.raises(errors.UsageError, match=message):
        hyspec.EncodeOptions(**options)


def test_layers_of_a_stream_without_layers() -> None:
    data = hyspec.encode(SOURCE, max_error=8, tile=TILE)
    assert hyspec.Stream(data).layers == 1
    whole = hyspec.decode(data).array
    assert np.array_equal(hyspec.Stream(data, layers=1).read().array, whole)
    with pytest.raises(errors.UsageError, match="at least 1"):
        hyspec.Stream(data, layers=0)


def rebuilt(data: bytes, chunks: list[bytes], layers: list[bytes]) -> bytes:
    """The stream with other payloads, all checksums of payloads right."""
    stream = hyspec.Stream(data)
    writer = _core.StreamWriter(stream.header)
    pieces = [writer.begin()]
    for make, entries, payloads in (
        (writer.chunk, stream.index.chunks, chunks),
        (writer.layer, stream.index.layers, layers),
    ):
        for entry, payload in zip(entries, payloads, strict=True):
            crc = _core.check_chunk(data, entry).symbols_crc
            pieces.append(make(entry.tile, entry.interval, entry.rows, crc, payload))
    return b"".join([*pieces, writer.finish()])


def payloads(data: bytes, entries: list[_core.ChunkEntry]) -> list[bytes]:
    infos = [_core.check_chunk(data, entry) for entry in entries]
    return [data[i.payload_offset : i.payload_offset + i.payload_length] for i in infos]


def test_layers_that_do_not_go_with_their_base() -> None:
    index = hyspec.Stream(CORRECTED).index
    chunks, layers = payloads(CORRECTED, index.chunks), payloads(CORRECTED, index.layers)
    assert rebuilt(CORRECTED, chunks, layers) == CORRECTED
    for others in (
        layers[1:] + layers[:1],  # of another tile
        chunks,  # bases
        [b"", *layers[1:]],
        [b"\7" + layers[0], *layers[1:]],
        [layers[0][:-4], *layers[1:]],
    ):
        forged = rebuilt(CORRECTED, chunks, others)
        with pytest.raises(errors.StreamError):
            hyspec.decode(forged)
    # A layer in place of its base.
    with pytest.raises(errors.StreamError):
        hyspec.decode(rebuilt(CORRECTED, layers, chunks))


def test_layers_of_a_profile_that_has_none() -> None:
    data = hyspec.encode(SOURCE, quality=40, tile=TILE)
    stream = hyspec.Stream(data)
    chunks = payloads(data, stream.index.chunks)
    writer = _core.StreamWriter(stream.header)
    pieces = [writer.begin()]
    crcs = [_core.check_chunk(data, e).symbols_crc for e in stream.index.chunks]
    for make in (writer.chunk, writer.layer):
        for e, crc, payload in zip(stream.index.chunks, crcs, chunks, strict=True):
            pieces.append(make(e.tile, e.interval, e.rows, crc, payload))
    forged = b"".join([*pieces, writer.finish()])
    with pytest.raises(errors.StreamError, match="has not"):
        hyspec.decode(forged)
    assert np.array_equal(hyspec.Stream(forged, layers=1).read().array, hyspec.decode(data).array)


def test_the_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, stream, out = tmp_path / "a.npy", tmp_path / "a.hyc", tmp_path / "b.npy"
    np.save(source, SOURCE.array)
    arguments = [str(source), str(stream), "--max-error", "8", "--layers", "--tile", str(TILE)]
    assert encode.main([*arguments, "--quiet"]) == 0
    assert info.main([str(stream), "--check"]) == 0
    assert "in 2 layers" in capsys.readouterr().out
    assert decode.main([str(stream), str(out), "--quiet"]) == 0
    assert worst(np.load(out)) <= 8
    cut = tmp_path / "cut.hyc"
    cut.write_bytes(first_layer(stream.read_bytes()))
    assert decode.main([str(cut), str(out), "--layers", "1", "--force", "--quiet"]) == 0
    assert np.array_equal(np.load(out), hyspec.Stream(stream.read_bytes(), layers=1).read().array)
    assert decode.main([str(cut), str(out), "--force", "--quiet"]) != 0
