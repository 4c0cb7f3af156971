"""Cubes coded band by band with CCSDS 122.0-B-2."""

import os
from pathlib import Path

import numpy as np
import pytest

from ccsds122_images import noisy, psnr
from hyspec.errors import StreamError, UsageError
from hyspec_bench import _ccsds122, ccsds122, scenes

FOLDER = os.environ.get("HYSPEC_DATA")


def test_cube_at_rates(scene_cube):
    cube = scene_cube.array
    bands = cube.shape[2]
    errors = []
    for rate in (0.25, 0.5, 1, 3):
        data = ccsds122.encode(cube, rate)
        budget = int(rate * cube.size / 8)
        assert budget - bands < len(data) <= budget
        decoded = ccsds122.decode(data)
        assert decoded.shape == cube.shape
        assert decoded.dtype == cube.dtype
        errors.append(np.square(decoded - cube.astype(np.float64)).mean())
    assert sorted(errors, reverse=True) == errors


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32"])
def test_lossless_cube(dtype):
    bits = min(np.iinfo(dtype).bits, 25)
    signed = np.dtype(dtype).kind == "i"
    cube = np.stack([noisy((19, 23), bits, signed, band) for band in range(3)], 2).astype(dtype)
    decoded = ccsds122.decode(ccsds122.encode(cube, None))
    assert decoded.dtype == dtype
    assert np.array_equal(decoded, cube)


def test_bands_are_streams_of_the_standard():
    cube = np.stack([noisy((32, 40), 10, False, band) for band in range(4)], 2)
    data = ccsds122.encode(cube, 1.001)
    parts, extra, position = data[:16], int.from_bytes(data[16:18], "big"), 18
    assert 0 < extra < 4
    for band in range(4):
        size = int.from_bytes(parts[:4], "big") >> 5
        if band < extra:
            parts_here = (int.from_bytes(parts, "big") + (1 << 101)).to_bytes(16, "big")
            size += 1
        else:
            parts_here = parts
        part1 = bytearray(data[position : position + 4])
        part1[2] |= 0b111  # the header as it is with all of its parts
        stream = bytes(part1) + parts_here + data[position + 4 : position + size]
        image, _ = _ccsds122.decode(stream)
        assert psnr(cube[:, :, band], image, 1023) > 30
        position += size
    assert position == len(data)


@pytest.mark.parametrize(
    ("cube", "rate", "message"),
    [
        (np.zeros((20, 20), np.uint16), None, "expected \\(rows, columns, bands\\)"),
        (np.zeros((1, 1, 65536), np.uint16), None, "with 1 to 65535 bands"),
        (np.zeros((16, 20, 2), np.uint16), None, "expected at least 17 x 17"),
        (np.full((20, 20, 2), 1 << 26, np.int32), None, "bit_depth is 27, expected 1 to 25"),
        (np.zeros((20, 20, 2), np.uint16), 0.1, "found a budget of 10 bytes for 2 bands"),
    ],
)
def test_refused_cubes(cube, rate, message):
    with pytest.raises(UsageError, match=message):
        ccsds122.encode(cube, rate)


def test_damaged_cubes(scene_cube):
    data = ccsds122.encode(scene_cube.array, 1)
    for broken in (b"", data[:18], bytes(len(data)), data + b"\xff" * 30):
        with pytest.raises(StreamError):
            ccsds122.decode(broken)


@pytest.mark.skipif(not FOLDER, reason="HYSPEC_DATA does not name a folder of scenes")
@pytest.mark.parametrize(
    ("name", "lossless", "at_half"),
    [
        ("jasper-ridge", 9.321, 31.53),
        ("hydice-urban", 6.316, 29.59),
        ("samson", 5.599, 37.08),
    ],
)
def test_as_strong_as_an_earlier_encoder(name, lossless, at_half):
    # Bits per sample, and PSNR in dB at 0.5 bits per sample, of another encoder on these scenes.
    cube = scenes.load(Path(FOLDER or "") / "test" / f"{name}.mat").cube.array
    data = ccsds122.encode(cube, None)
    assert np.array_equal(ccsds122.decode(data), cube)
    assert 8 * len(data) / cube.size < lossless * 1.02
    decoded = ccsds122.decode(ccsds122.encode(cube, 0.5))
    assert psnr(cube, decoded, float(cube.max())) > at_half - 0.3
