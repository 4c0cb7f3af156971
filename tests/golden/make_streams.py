"""Makes the golden streams: python tests/golden/make_streams.py.

Whole streams of small cubes, coded with the tiny packs or without any, and what every later version
has to decode from them: description, checksums of the symbols, and samples (within one whole number
where there is a pack, because the last digit of a network's output is the machine's). Invalid ones
name the error that they end in.

Run once per format version. A file that exists is never changed, because the encoder may become
better, and its floating-point arithmetic depends on the machine; a new format version adds files
with its own name.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import hyspec
from hyspec import _core

GOLDEN = Path(__file__).resolve().parent
FOLDER = GOLDEN / "streams"
PACK = GOLDEN / "packs" / "tiny-v2"
SPECTRAL_PACK = GOLDEN / "packs" / "tiny-spectral-v2"
EXPECTED = "v1.0-expected.json"

# ---- cubes


def scene(rows: int, columns: int, bands: int) -> npt.NDArray[np.float64]:
    """Two smooth fields with an edge between them, noise, and spectra of their own."""
    rng = np.random.default_rng(100 * rows + columns)
    y, x = np.mgrid[:rows, :columns] / 6.0
    share = 1 / (1 + np.exp(4 * (np.sin(x) + np.cos(y))))
    band = np.arange(bands) / max(1, bands - 1)
    bright, dark = 900 + 700 * np.sin(3 * band), 300 + 200 * band
    cube = share[..., None] * bright + (1 - share[..., None]) * dark
    noisy: npt.NDArray[np.float64] = cube + rng.normal(0, 4, cube.shape)
    return noisy


def described_uint16() -> hyspec.Cube:
    return hyspec.Cube(
        np.rint(scene(24, 20, 8)).astype(np.uint16),
        wavelengths=np.linspace(450, 800, 8),
        fwhm=np.full(8, 9.5),
        wavelength_unit="Nanometers",
        bad_bands=np.array([False] * 7 + [True]),
        metadata={"envi": {"sensor type": "example", "lines": "24"}},
    )


def int16_with_nodata() -> hyspec.Cube:
    array = np.rint(scene(24, 20, 6) - 600).astype(np.int16)
    array[:7, :9] = -9999
    array[15, :, 2:4] = -9999
    array[..., 5] = -9999
    return hyspec.Cube(array, nodata=-9999.0)


def float32_with_nan() -> hyspec.Cube:
    array = (scene(20, 20, 5) / 1600).astype(np.float32)
    array[4:8, 5:11, :3] = np.nan
    return hyspec.Cube(array)


def uint32_with_offset() -> hyspec.Cube:
    return hyspec.Cube((np.rint(scene(18, 17, 4)) + (2**32 - 2000)).astype(np.uint32))


def int32_with_peaks() -> hyspec.Cube:
    """The ends of the range: the largest scales and levels there are."""
    array = np.rint(scene(32, 32, 3)).astype(np.int32)
    array[9:12, 9:12] = 2**31 - 1
    array[20, 20, 1] = -(2**31)
    return hyspec.Cube(array)


def constant_bands() -> hyspec.Cube:
    array = np.rint(scene(16, 16, 5) / 8).astype(np.uint8)
    array[..., 1] = 255
    array[..., 2] = 0
    return hyspec.Cube(array)


def mean_is_nodata() -> hyspec.Cube:
    """A band that is coded as its mean, which is nodata, though none of its samples is."""
    array = np.rint(scene(16, 16, 2)).astype(np.int16)
    array[..., 0] = 99 + 2 * (np.indices((16, 16)).sum(axis=0) % 2)
    return hyspec.Cube(array, nodata=100.0)


def all_nodata() -> hyspec.Cube:
    return hyspec.Cube(np.full((9, 5, 3), 7, np.int8), nodata=7.0)


def correlated() -> hyspec.Cube:
    """Several components, each half as strong as the one before."""
    fields = [scene(48 + k, 40 + k, 1)[:48, :40, 0] - 700 for k in range(6)]
    spectra = np.random.default_rng(7).normal(0, 2.0, (6, 16)) * 0.5 ** np.arange(6)[:, None]
    return hyspec.Cube(np.rint(2000 + np.stack(fields, -1) @ spectra).astype(np.int16))


def alike() -> hyspec.Cube:
    """Tiles that have the same few components of many bands, but for one that is constant.

    A band varies in some of the tiles only, and another one is bad.
    """
    rng = np.random.default_rng(11)
    fields = [scene(24 + k, 80, 1)[:24, :, 0] - 700 for k in range(4)]
    spectra = rng.normal(0, 2.0, (4, 48)) * 0.6 ** np.arange(4)[:, None]
    array = np.rint(3000 + np.stack(fields, -1) @ spectra).astype(np.uint16)
    array[:, 48:64] = 2500
    array[:, 64:, 7] = 1234
    array[..., 30] = rng.integers(0, 60000, (24, 80))
    return hyspec.Cube(array, bad_bands=np.arange(48) == 30)


def with_a_noisy_half() -> hyspec.Cube:
    """A tile of components that reach over many bands, and one of noise."""
    array = np.rint(1500 + scene(24, 48, 12)).astype(np.uint16)
    array[:, 24:] += np.random.default_rng(5).integers(0, 2000, (24, 24, 12), np.uint16)
    return hyspec.Cube(array)


def more_bands_than_pixels() -> hyspec.Cube:
    return hyspec.Cube(np.rint(scene(3, 4, 40)).astype(np.uint16))


CUBES: dict[str, tuple[hyspec.Cube, dict[str, Any]]] = {
    "uint16": (described_uint16(), {"quality": 60, "intervals": "1-3,4-8"}),
    "int16-nodata": (int16_with_nodata(), {"quality": 70, "intervals": "1-6", "tile": 16}),
    "float32": (float32_with_nan(), {"quality": 65, "intervals": "1-5"}),
    "float64": (
        hyspec.Cube(scene(12, 13, 3), nodata=-1.5),
        {"quality": 50, "intervals": "1-3", "float_step": 0.5},
    ),
    "uint32": (uint32_with_offset(), {"quality": 60, "intervals": "1-2,3-4"}),
    "int32-peaks": (int32_with_peaks(), {"quality": 100, "intervals": "1-3"}),
    "uint8-constant-bands": (constant_bands(), {"quality": 50, "intervals": "1-5"}),
    "int16-mean-is-nodata": (mean_is_nodata(), {"quality": 0, "intervals": "1-2"}),
    "int8-all-nodata": (all_nodata(), {"intervals": "1-3"}),
    "tiles-2d": (
        hyspec.Cube(np.rint(scene(37, 29, 4)).astype(np.uint16)),
        {"quality": 50, "intervals": "1-1,2-4", "tile": (16, 12)},
    ),
    "uint16-coarse": (
        hyspec.Cube(np.rint(scene(40, 35, 6)).astype(np.uint16)),
        {"quality": 5, "intervals": "1-6"},
    ),
    "one-pixel": (hyspec.Cube(np.full((1, 1, 4), 1234, np.uint16)), {"intervals": "1-4"}),
    "one-band": (
        hyspec.Cube(np.rint(scene(30, 22, 1)).astype(np.int16)),
        {"quality": 75, "intervals": "1-1"},
    ),
    "spectral-uint16": (described_uint16(), {"quality": 60}),
    "spectral-int16-nodata": (int16_with_nodata(), {"quality": 70, "tile": 16}),
    "spectral-float32": (float32_with_nan(), {"quality": 65}),
    "spectral-uint32": (uint32_with_offset(), {"quality": 60, "intervals": "1-2,3-4"}),
    "spectral-int32-peaks": (int32_with_peaks(), {"quality": 100}),
    "spectral-uint8-constant-bands": (constant_bands(), {"quality": 50}),
    "spectral-int16-mean-is-nodata": (mean_is_nodata(), {"quality": 0}),
    "spectral-int8-all-nodata": (all_nodata(), {}),
    "spectral-tiles-2d": (
        hyspec.Cube(np.rint(scene(37, 29, 7)).astype(np.uint16)),
        {"quality": 50, "intervals": "1-1,2-7", "tile": (16, 12)},
    ),
    "spectral-correlated": (correlated(), {"quality": 90}),
    "spectral-first-network": (correlated(), {"quality": 90, "network": 0}),
    "spectral-shared-basis": (alike(), {"quality": 60, "tile": (16, 16)}),
    "spectral-bad-bands-dropped": (
        alike(),
        {"quality": 60, "tile": (16, 16), "bad_bands": "drop", "intervals": "1-20,21-48"},
    ),
    "spectral-joint": (
        alike(),
        {"quality": 60, "tile": (24, 40), "intervals": "1-9,10-30,31-48", "joint": True},
    ),
    "spectral-fast": (correlated(), {"quality": 90, "fast": True}),
    "spectral-fast-nodata": (int16_with_nodata(), {"quality": 60, "tile": 16, "fast": True}),
    "spectral-more-bands-than-pixels": (more_bands_than_pixels(), {"quality": 80}),
    "spectral-one-pixel": (hyspec.Cube(np.full((1, 1, 4), 1234, np.uint16)), {}),
    "spectral-one-band": (hyspec.Cube(np.rint(scene(30, 22, 1)).astype(np.int16)), {"quality": 75}),
    "bounded-uint16": (described_uint16(), {"lossless": True, "intervals": "1-3,4-8"}),
    "bounded-int16-nodata": (int16_with_nodata(), {"max_error": 2, "tile": 16, "fast": True}),
    "bounded-float32": (float32_with_nan(), {"max_error": 0.01, "fast": True}),
    "bounded-float32-lossless": (
        hyspec.Cube(np.rint(scene(12, 13, 3)).astype(np.float32), nodata=-1.0),
        {"lossless": True},
    ),
    "bounded-uint32": (uint32_with_offset(), {"max_error": [0, 3, 1, 0]}),
    "bounded-int32-peaks": (int32_with_peaks(), {"lossless": True}),
    "bounded-uint8-constant-bands": (constant_bands(), {"max_error": 1}),
    "bounded-int16-beside-nodata": (mean_is_nodata(), {"max_error": 2, "fast": True}),
    "bounded-int8-all-nodata": (all_nodata(), {"lossless": True}),
    "bounded-relative": (described_uint16(), {"max_relative_error": 0.01}),
    "bounded-relative-nodata": (
        int16_with_nodata(),
        {"max_relative_error": 0.05, "max_error": 9, "tile": 16},
    ),
    "bounded-relative-float32": (
        hyspec.Cube(np.exp2(scene(15, 14, 6) / 1000).astype(np.float32)),
        {"max_relative_error": 0.02},
    ),
    "bounded-relative-uint32": (uint32_with_offset(), {"max_relative_error": 1e-6}),
    "bounded-tiles-2d": (
        hyspec.Cube(np.rint(scene(37, 29, 7)).astype(np.uint16)),
        {"max_error": 5, "intervals": "1-1,2-7", "tile": (16, 12), "fast": True},
    ),
    "bounded-many-bands": (
        hyspec.Cube(np.rint(scene(8, 9, 50)).astype(np.uint16)),
        {"lossless": True},
    ),
    "bounded-one-pixel": (
        hyspec.Cube(np.full((1, 1, 4), 1234, np.uint16)),
        {"lossless": True},
    ),
    "corrected-int16": (correlated(), {"max_error": 100}),
    "corrected-int16-nodata": (
        int16_with_nodata(),
        {"max_error": [45, 45, 50, 45, 40, 9], "tile": (24, 20)},
    ),
    "corrected-float32": (float32_with_nan(), {"max_error": 0.04, "float_step": 0.001}),
    "corrected-uint32": (uint32_with_offset(), {"max_error": [45, 50, 45, 40]}),
    "corrected-uint16-some-chunks": (with_a_noisy_half(), {"max_error": 34, "tile": (24, 24)}),
}


def pack_of(name: str) -> Path | None:
    """Pack of a file, or of a cube above; ``None`` where there is none."""
    profile = name.removeprefix("v1.0-").partition("-")[0]
    packs = {"spectral": SPECTRAL_PACK, "corrected": SPECTRAL_PACK, "bounded": None}
    return packs.get(profile, PACK)


# ---- what readers have to find


def floats(values: npt.NDArray[np.float64] | None) -> list[str] | None:
    return None if values is None else [repr(float(v)) for v in values]


def describe(stream: hyspec.Stream, data: bytes) -> dict[str, Any]:
    """Everything but the samples; floats by repr, what is absent left out."""
    found = {
        "shape": list(stream.shape),
        "dtype": stream.dtype.name,
        "step": None if stream.header.step is None else repr(stream.header.step),
        "tile": list(stream.tile_size),
        "intervals": [[i.start, i.stop] for i in stream.intervals],
        "nodata": None if stream.nodata is None else repr(stream.nodata),
        "wavelengths": floats(stream.wavelengths),
        "fwhm": floats(stream.fwhm),
        "wavelength_unit": stream.wavelength_unit,
        "bad_bands": None if stream.bad_bands is None else stream.bad_bands.tolist(),
        "metadata": stream.metadata or None,
        "chunks": [
            [entry.tile, entry.interval, f"{_core.check_chunk(data, entry).symbols_crc:08x}"]
            for entry in stream.index.chunks
        ],
    }
    return {name: value for name, value in found.items() if value is not None}


def npy(array: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def valid_files() -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    for name, (cube, settings) in CUBES.items():
        data = hyspec.encode(cube, pack=pack_of(name), **settings)
        stream = hyspec.Stream(data, pack=pack_of(name))
        samples = f"v1.0-{name}.npy"
        yield samples, npy(stream[...]), {}
        yield f"v1.0-{name}.hyc", data, {**describe(stream, data), "samples": samples}


def invalid_files(original: bytes) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Each from the same stream: the error, and what is lost where damage is filled."""
    stream = hyspec.Stream(original, pack=PACK)
    entries = stream.index.chunks

    def flipped(at: int) -> bytes:
        return original[:at] + bytes([original[at] ^ 1]) + original[at + 1 :]

    def lost(*numbers: int) -> list[list[int]]:
        return [[entries[k].tile, entries[k].interval] for k in numbers]

    every = len(entries)
    cases: dict[str, tuple[bytes, dict[str, Any]]] = {
        "major-version": (
            original[:8] + b"\2" + original[9:],
            {"error": "UnsupportedVersionError"},
        ),
        "preamble-bit": (flipped(30), {"error": "StreamError"}),
        "payload-bit": (
            flipped(entries[5].offset + entries[5].length - 1),
            {"error": "StreamError", "lost": lost(5)},
        ),
        "chunk-header-bit": (
            flipped(entries[2].offset + 9),
            {"error": "StreamError", "lost": lost(2)},
        ),
        "index-bit": (flipped(len(original) - 12), {"error": "StreamError", "lost": []}),
        "truncated": (
            original[: entries[every - 3].offset + 20],
            {"error": "StreamError", "lost": lost(every - 3, every - 2, every - 1)},
        ),
        "no-stream": (b"BM" + original[2:], {"error": "StreamError"}),
    }
    for name, (data, what) in cases.items():
        yield f"v1.0-invalid-{name}.hyc", data, {**what, "original": "v1.0-tiles-2d.hyc"}


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    expected_path = FOLDER / EXPECTED
    expected = json.loads(expected_path.read_text("utf-8")) if expected_path.exists() else {}

    def keep(name: str, data: bytes, what: dict[str, Any]) -> None:
        path = FOLDER / name
        if path.exists():
            print(f"{name} exists and is kept")
            return
        path.write_bytes(data)
        if what:
            expected[name] = what

    for made in valid_files():
        keep(*made)
    for made in invalid_files((FOLDER / "v1.0-tiles-2d.hyc").read_bytes()):
        keep(*made)
    text = json.dumps(dict(sorted(expected.items())), indent=1, ensure_ascii=False) + "\n"
    expected_path.write_bytes(text.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
