"""CCSDS 123.0-B-2: against a second decoder, streams of other encoders, and published figures."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccsds123_cases import Cube, cases
from hyspec import io
from hyspec.errors import DataError, StreamError, UsageError
from hyspec_bench import _ccsds123, ccsds123
from hyspec_bench.ccsds123 import Settings
from reference import ccsds123 as second

ROOT = Path(__file__).resolve().parents[1]
FOLDER = os.environ.get("HYSPEC_DATA")

#: Of all entries of the 16 code and flush tables that the CCSDS publishes beside the standard (Low
#: Entropy Component Code Tables, January 2018), as lines "kind index symbols word".
TABLES_SHA256 = "1dab18997512f009ea0e3c34159aafb4349343c8baa5ae73b1f6c1f531aa1ada"


def low_entropy_tables() -> second.entropy.Codes:
    """The codes that the module works with, for the second decoder."""
    codes = []
    for i in range(16):
        words = _ccsds123.low_entropy_words(i)
        codes.append(
            (
                {word: tuple(symbols) for symbols, word, complete in words if complete},
                {word: tuple(symbols) for symbols, word, complete in words if not complete},
            )
        )
    return codes


def small_cube() -> Cube:
    """A smooth cube of 5 x 6 pixels, 4 bands and 11 bits."""
    y, x, z = np.indices((5, 6, 4))
    cube = 1000 + 20 * y + 7 * x + 50 * z + x * y * z % 5 + (x * x + 3 * y) % 7
    return cube.astype(np.uint16)


@given(cases())
@settings(max_examples=150, deadline=None)
def test_second_decoder_finds_the_same_samples(case: tuple[Cube, Settings]) -> None:
    cube, chosen = case
    stream = ccsds123.encode(cube, chosen)
    decoded = ccsds123.decode(stream)
    image, expected = second.decode(stream, low_entropy_tables())
    assert np.array_equal(decoded, expected)
    assert (image.user_data, image.D) == (chosen.user_data, chosen.bit_depth)
    assert len(stream) % chosen.word_bytes == 0
    error = np.abs(decoded.astype(np.int64) - cube)
    if chosen.absolute_limits is not None:
        assert error.max() <= np.max(chosen.absolute_limits)
    elif chosen.relative_limits is None:
        assert error.max() == 0


@given(cases())
@settings(max_examples=50, deadline=None)
def test_a_decoded_image_encodes_to_the_same_bytes(case: tuple[Cube, Settings]) -> None:
    cube, chosen = case
    chosen = replace(chosen, limit_period=None, absolute_limits=1, relative_limits=None, offset=0)
    stream = ccsds123.encode(cube, chosen)
    parameters, _ = _ccsds123.read_header(stream, cube.size)
    assert _ccsds123.encode(ccsds123.decode(stream), parameters) == stream


def test_tables_are_those_of_annex_b() -> None:
    digest = hashlib.sha256()
    for i in range(16):
        escape = second.entropy.SYMBOL_LIMITS[i] + 1
        words = {}
        for symbols, word, complete in _ccsds123.low_entropy_words(i):
            text = "".join("X" if s == escape else "0123456789ABC"[s] for s in symbols)
            words["code" if complete else "flush", text] = word
        for (kind, text), word in sorted(words.items()):
            digest.update(f"{kind} {i} {text} {word}\n".encode())
        if i == 13:  # the example with which annex B begins
            assert words["code", "001"] == "1100001"
    assert digest.hexdigest() == TABLES_SHA256


# Images of small_cube by encoders that share no code with ours.
FOREIGN = {
    # The verification model of the NTNU SmallSat Lab, which agrees with the CCSDS test vectors.
    "hybrid, error limit 2": (
        "000006000500041700000a404a40f259000280030007922005f43beacdafb3ba9dd42328c611cc235706491e"
        "38d1cf2eea2222cbac924d2c064a70e907b61103236cc66a0ad540a6460000000000034000448001e0003c40",
        Settings(
            prediction_bands=2,
            full_prediction=False,
            local_sums="narrow neighbour",
            absolute_limits=2,
            representative_bits=3,
            offset=7,
            order="BSQ",
            hybrid_accumulators=8,
        ),
    ),
    # EMPORDA of the Universitat Autònoma de Barcelona, which codes as issue 1 of the standard.
    "sample-adaptive": (
        "0000060005000416000420000c20925900822605e190320647cc41751099236c84d9036d95d1b5984571148c"
        "9993f1555550b3cb55823562f1211b3cbcd291f309d87b309a3d990a4a2c08b73d7b89fb6aa6a800",
        Settings(
            register_bits=32,
            weight_bits=13,
            order="BIP",
            word_bytes=4,
            entropy_coder="sample-adaptive",
            unary_limit=16,
            accumulator_init=3,
        ),
    ),
    "block-adaptive": (
        "0000060005000416000424000c20925900001064447de4211e100080170f88203c03f3103c3e906a150743a8"
        "d14e281e3c858d2903cfa81ab241e5f2370b507878052d7180f03b4d408363fd1c339078e84e63420797810c"
        "a231d1a8aad98e83d1464000",
        Settings(
            register_bits=32,
            weight_bits=13,
            order="BIP",
            word_bytes=4,
            entropy_coder="block-adaptive",
            block_size=8,
            reference_interval=16,
        ),
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_other_encoders_write_the_same_bytes(name: str) -> None:
    stream, chosen = bytes.fromhex(FOREIGN[name][0]), FOREIGN[name][1]
    decoded = ccsds123.decode(stream).astype(np.int64)
    assert np.abs(decoded - small_cube()).max() == (chosen.absolute_limits or 0)
    assert ccsds123.encode(small_cube(), chosen) == stream


#: Bits per sample and PSNR in dB (peak: the largest sample) measured with another implementation.
FIGURES = {
    "jasper-ridge": [("sample-adaptive", 6.489), ("hybrid", 6.491), ("tuned", 6.229)],
    "hydice-urban": [("sample-adaptive", 3.469), ("hybrid", 3.480), ("tuned", 3.196)],
}
NEAR_LOSSLESS = {
    "jasper-ridge": {1: (4.647, 76.47), 5: (2.774, 64.71), 50: (0.615, 46.72)},
    "hydice-urban": {1: (1.795, 57.29), 5: (0.701, 46.51), 50: (0.140, 28.72)},
}


@pytest.mark.skipif(not FOLDER, reason="HYSPEC_DATA does not name a folder of scenes")
@pytest.mark.parametrize("scene", FIGURES)
def test_rates_of_real_scenes(scene: str) -> None:
    assert FOLDER
    cube = np.asarray(io.read(Path(FOLDER) / "test" / f"{scene}.mat").array)

    def coded(chosen: Settings) -> tuple[float, npt.NDArray[np.int64]]:
        stream = ccsds123.encode(cube, chosen)
        return 8 * len(stream) / cube.size, ccsds123.decode(stream).astype(np.int64) - cube

    for name, rate in FIGURES[scene]:
        default = replace(ccsds123.default_settings(), entropy_coder=name)  # type: ignore[arg-type]
        found, error = coded(ccsds123.tuned_settings() if name == "tuned" else default)
        assert found == pytest.approx(rate, rel=0.003)
        assert not error.any()
    for limit, (rate, psnr) in NEAR_LOSSLESS[scene].items():
        found, error = coded(ccsds123.tuned_settings(limit))
        assert found == pytest.approx(rate, rel=0.01)
        assert np.abs(error).max() == limit
        assert 10 * np.log10(float(cube.max()) ** 2 / np.mean(error**2)) == pytest.approx(
            psnr, abs=0.02
        )


def test_supplementary_tables_are_read_over() -> None:
    chosen = Settings(entropy_coder="sample-adaptive")
    stream = ccsds123.encode(small_cube(), chosen)
    # Table 5-4: wavelengths, unsigned and one-dimensional, of 5 bits; a scale, one float of 10 + 5
    # bits with bias 15.
    wavelengths = "000000100010000000101" + "10101" * 4 + "0" * 7
    scale = "10000000000000000101010101111" + "0" * 16 + "000"
    tables = int(wavelengths + scale, 2).to_bytes(len(wavelengths + scale) // 8, "big")
    with_tables = stream[:11] + bytes([stream[11] | 2]) + tables + stream[12:]
    assert np.array_equal(ccsds123.decode(with_tables), small_cube())


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [
        (0, 200, "u1"),
        (-5, 9, "i1"),
        (0, 256, "u2"),
        (-129, 5, "i2"),
        (0, 2**32 - 1, "u4"),
        (-(2**31), 3, "i4"),
    ],
)
def test_decoded_type_holds_the_bit_depth(low: int, high: int, dtype: str) -> None:
    cube = np.array([[[low, high]], [[high, low]]], np.int64)
    decoded = ccsds123.decode(
        ccsds123.encode(cube, Settings(full_prediction=False, local_sums="wide column"))
    )
    assert decoded.dtype == dtype
    assert np.array_equal(decoded, cube)


@pytest.mark.parametrize("coder", ["sample-adaptive", "hybrid", "block-adaptive"])
def test_truncated_and_extended_images_are_refused(coder: Any) -> None:
    stream = ccsds123.encode(small_cube(), Settings(entropy_coder=coder))
    for size in range(len(stream)):
        with pytest.raises(StreamError):
            ccsds123.decode(stream[:size])
    with pytest.raises(StreamError):
        ccsds123.decode(stream + b"\0")


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_images_are_refused_or_decoded(data: st.DataObject) -> None:
    cube, chosen = data.draw(cases())
    stream = bytearray(ccsds123.encode(cube, chosen))
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(0, len(stream) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        decoded = ccsds123.decode(bytes(stream), 1 << 16)
    except StreamError as error:
        assert 0 <= error.offset <= len(stream)
    else:
        assert decoded.size <= 1 << 16


def test_an_image_larger_than_its_bytes_or_the_limit_is_refused() -> None:
    stream = ccsds123.encode(np.zeros((40, 40, 40), np.uint8))
    with pytest.raises(StreamError, match="64000 samples, more than the 63999 allowed"):
        ccsds123.decode(stream, 63999)
    with pytest.raises(StreamError, match="does not fit in"):
        ccsds123.decode(stream[:1] + b"\0\0\0\0\0\0" + stream[7:])


def test_a_header_without_a_table_it_needs_is_refused() -> None:
    stream = bytearray(ccsds123.encode(small_cube(), Settings(entropy_coder="sample-adaptive")))
    stream[18] |= 0x1E  # table 5-13: no accumulator initialisation constant, and no table either
    with pytest.raises(StreamError, match="does not include the accumulator initialisation table"):
        ccsds123.decode(bytes(stream))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"prediction_bands": 16}, "prediction bands is 16, expected 0 to 15"),
        ({"weight_bits": 19, "register_bits": 31}, "register size is 31"),
        ({"weight_exponents": (4, 3)}, "initial weight exponent is 4"),
        ({"weight_interval": 48}, "weight_interval is 48; expected a power of two"),
        ({"bit_depth": 8}, "does not fit in 8 bits"),
        ({"absolute_limits": 1024}, "absolute error limit is 11, expected 1 to 10"),
        ({"absolute_limits": [1, 2]}, "expected one integer, or one for each of 4 bands"),
        ({"absolute_limits": 1.5}, "float64"),
        ({"absolute_limits": [1] * 5, "limit_period": 1, "order": "BSQ"}, "band-sequential"),
        ({"offset": 1, "representative_bits": 2}, "offset is 1, expected 0 to 0"),
        ({"damping": 2, "representative_bits": 1}, "damping is 2, expected 0 to 1"),
        ({"initial_weights": [[0]]}, "initial weight is 1, expected"),
        ({"order": "BIQ"}, "order is 'BIQ'; expected one of BSQ, BIL, BIP"),
        ({"order": 5}, "interleaving depth is 5, expected 1 to 4"),
        ({"entropy_coder": "block-adaptive", "restricted_options": True}, "bit depth is 11"),
        ({"unary_limit": -1}, "wrong type or sign"),
    ],
)
def test_settings_that_the_standard_forbids(change: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        ccsds123.encode(small_cube(), Settings(**change))


@pytest.mark.parametrize(
    "cube",
    [
        np.zeros((2, 2, 2)),
        np.zeros((2, 2), int),
        np.zeros((0, 2, 2), int),
        np.full((1, 2, 1), 2**33),
    ],
)
def test_arrays_that_are_no_cubes(cube: Any) -> None:
    with pytest.raises(DataError):
        ccsds123.encode(cube)


def test_stub_matches_module() -> None:
    command = [sys.executable, "-m", "mypy.stubtest", "hyspec_bench._ccsds123", "--concise"]
    command += ["--mypy-config-file", str(ROOT / "pyproject.toml")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    problems = [line for line in result.stdout.splitlines() if "metaclass differs" not in line]
    assert not problems, "\n".join(problems)
    assert result.returncode == 0 or result.stdout, result.stderr
