"""hyspec-encode with lines from standard input."""

import io
import sys
from collections.abc import Callable

import numpy as np
import pytest

import hyspec
from hyspec_tools.encode import main


@pytest.fixture
def pipe(run, monkeypatch, out, tiny_spectral_pack) -> Callable[..., object]:
    """Run the program with bytes on its standard input."""

    def piped(data: bytes, *arguments: object):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        return run(main, "-", out, "--pack", tiny_spectral_pack, *arguments)

    return piped


def described(array, interleave="bip", dtype=">u2"):
    """Bytes of a cube as lines, and the options that describe them."""
    order = (0, 2, 1) if interleave == "bil" else (0, 1, 2)
    data = array.transpose(order).astype(dtype).tobytes()
    byte_order = "big" if dtype[0] == ">" else "little"
    shape = f"{array.shape[1]}x{array.shape[2]}"
    return data, ["--shape", shape, "--dtype", "uint16", "--interleave", interleave,
                  "--byte-order", byte_order]  # fmt: skip


@pytest.mark.parametrize("interleave", ["bip", "bil"])
@pytest.mark.parametrize("dtype", [">u2", "<u2"])
def test_lines_are_encoded_as_they_come(
    pipe, scene_cube, out, tiny_spectral_pack, interleave, dtype
):
    data, options = described(scene_cube.array, interleave, dtype)
    done = pipe(data, *options, "--tile", 16, "--quality", 40, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["samples"] == scene_cube.array.size
    assert done.json["bytes"] == out.stat().st_size
    pieces = []
    settings = hyspec.EncodeOptions(pack=tiny_spectral_pack, tile=16, quality=40)
    with hyspec.LineEncoder(pieces.append, settings) as encoder:
        encoder.push(scene_cube.array)
    assert out.read_bytes() == b"".join(pieces)


def test_a_line_that_is_cut_off_is_left_out(pipe, scene_cube, out, tiny_spectral_pack):
    data, options = described(scene_cube.array)
    done = pipe(b"head" + data + b"tail", *options, "--offset", 4)
    assert done.code == 0
    assert "warning: the input ends within a line; its 4 bytes are left out" in done.err
    with hyspec.open(out, pack=tiny_spectral_pack) as stream:
        assert stream.shape == scene_cube.shape


@pytest.mark.parametrize(
    ("data", "arguments", "code", "message"),
    [
        (b"", [], 1, "before the first line is complete: 48 bytes"),
        (b"\0" * 47, [], 1, "before the first line is complete: 48 bytes"),
        (b"\0" * 3, ["--offset", 4], 1, "less than the 4 bytes of --offset"),
        (b"", ["--shape", "4x6x2"], 2, "expected COLSxBANDS"),
        (b"", ["--interleave", "bsq"], 2, "are no lines"),
        (b"", ["--verify"], 2, "gone once they are encoded"),
        (b"", ["--psnr", "40"], 2, "range of all lines"),
    ],
)
def test_errors(pipe, out, data, arguments, code, message):
    usual = ["--shape", "4x6", "--dtype", "uint16", "--interleave", "bil"]
    done = pipe(data, *usual, *arguments)
    assert done.code == code
    assert message in done.err
    assert not out.exists()


def test_the_description_is_needed(pipe, out):
    done = pipe(np.zeros(48, np.uint8).tobytes(), "--shape", "4x6")
    assert done.code == 2
    assert "--dtype and --interleave" in done.err
    assert not out.exists()
