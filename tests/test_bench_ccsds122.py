"""CCSDS 122.0-B-2: streams of other encoders, the promises of the standard, damaged bytes."""

import base64
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccsds122_images import noisy, psnr
from hyspec_bench import _ccsds122
from hyspec_bench._ccsds122 import Parameters

ROOT = Path(__file__).resolve().parents[1]


def pattern(rows, cols):
    """A slope, a curve, a disc and some texture."""
    r, c = np.mgrid[:rows, :cols]
    disc = (r - 9) ** 2 + (c - 11) ** 2 < 20
    return (200 + 6 * r + c * c // 5 + (7 * r + 13 * c) % 5 - 40 * disc).astype(np.int32)


def decode(data, parameters=None, **keywords):
    """Decode all of the data."""
    image, size = _ccsds122.decode(data, parameters, **keywords)
    assert size == len(data)
    return image


# ---- streams of other encoders ----

#: "bpe" of the University of Nebraska-Lincoln with the corrections of A. Kiely: lossless, 10 bits.
NEBRASKA = (
    "z#50300000U;qHjiU0wi00000hE%kga0CCKSpj34ZIY1~KvBnyN=*czsass=h?yY>2g3tI=r9r_Kr^tDc+|!=fXz"
    "G8*mp8Cw>P*>q2;c_ZcN}S^6g~nv}aMWSWFm0TolhCX&DM2@Y+#2)An-){t%+-&8!O_>y7v5fFKGY{k!yCOjoJ2I"
    "L^W%Q@40?G#a^1_$tFn{pkb{Vdww;`=9F@`WwluP+yP3asb2IE{XUSJA8AKJH8z$PBa%sZhZqlPBH8^$;orBPxm3"
    "jU*BTrbL9#LlRUhG0Z^X*z>J@j^hl55K{vtP5TVjbs$o+m=;MS!l6W9am9T<l#8mc}KVd-noB(No(K_hWu*JyQ)g"
    "8}Qk*uOW{%PKNx|)s!VqAPmt|3RnfBi5IqvZbbBd*W+D7BsU3<LlF0VtEUK&<|h{$M(Wj5{84K_h)US$79PT#9e!"
    "<e%()AI9E?tq13yH8dbv&~!=jTLhS9W&i"
)
#: TER 2.02 of GICI, Universitat Autonoma de Barcelona: float transform, 120 bytes, transposed.
BARCELONA_FLOAT = (
    "z#4bJ000jFU;qHj3IG8(00000Q(BpARH2}W#wuqNERyLsLpkfNp28)8u_LSUBvB3~;sO7++4cCItGpBkVz;AOF^p"
    "H=#Y|xtThNY*f2;Q=-}h*VkM}H1;0Te+Mn0YR5e@;BkHJD-7(U5r>VnOUs2YU}"
)
#: TER 2.02: lossless, signed pixels, segments of 16 blocks.
BARCELONA_SEGMENTS = (
    "fD%^#0001B009h_00J-o0001(bn1GwbSv^PrF3a_Vrj_g;7y<kxJ%w8RZCy5aY{d0qqsYR0zLVIQx>EcE<@<+>~|"
    "I~uNQ}U=)vh@-b)Gc$kCJf+6>W1r0G||R{MyhAJ2E|0S5Zt_=f#_I$O);{*rV78;&RUn77V$pD<T4dI4O=TQ`(BJ"
    "I<#8*dBl5KKgos4iVk%YpF<2>a~gH2T81lZMjZ)%*SN^eu?Ae^6AF_n*Vp_Z$2VdTTQa*RsRW_+4B3jeGzM|`+Ak"
    "*g7WFp7?D4n#%zSpAIBc}6}~UK@i;s#cQK&)b&2c|(Q`tz#1HjNWB-c=`K@(sZ_Wvy$HssK0RjL3KvY)%00000U;"
    "qG|mjD7V00000fi&w~3RDa-Q{mJK05oG@7VMVC+Y;vji$#4bx4^#XGm>!+&cfb@@nSdxeE8jsw05noAOsGM_x!)d"
    "_ZF7nKb-0$13UlUXWVZtpAeGC-Sr++6XIF&ccs?M;%)Xz%Ez2eg#OOziQ{m8!ot9KJFQROj1m6?D_z6kdanE@zl+"
    "pdt!ucuyZ`_"
)


def test_lossless_stream_of_another_encoder():
    stream = base64.b85decode(NEBRASKA)
    image = pattern(19, 26)
    assert np.array_equal(decode(stream), image)
    ours = _ccsds122.encode(image, Parameters(integer_transform=True, bit_depth=10))
    assert ours == stream


def test_lossy_stream_of_another_encoder():
    stream = base64.b85decode(BARCELONA_FLOAT)
    image = pattern(19, 26)
    assert psnr(image, decode(stream), 1023) > 45
    ours = _ccsds122.encode(image, Parameters(segment_bytes=120, bit_depth=10, transpose=True))
    assert ours == stream


def test_segments_of_another_encoder():
    image = pattern(40, 35) // 8 - 40
    assert np.array_equal(decode(base64.b85decode(BARCELONA_SEGMENTS)), image)


# ---- promises of the standard ----


@st.composite
def images(draw, max_bits, signed):
    shape = draw(st.tuples(st.integers(17, 50), st.integers(17, 50)))
    bits = draw(st.integers(1, max_bits))
    seed = draw(st.integers(0, 9))
    kind = draw(st.sampled_from(["walk", "noise", "extremes", "flat"]))
    image = noisy(shape, bits, signed, seed)
    if kind == "noise":
        np.random.default_rng(seed).shuffle(image.reshape(-1))
    elif kind == "extremes":
        image = np.where(image > np.median(image), image.max(), image.min())
    elif kind == "flat":
        image[:] = image[0, 0]
    return image, bits


OPTIONS = st.fixed_dictionaries(
    {
        "segment_blocks": st.sampled_from([0, 16, 17, 40]),
        "optimal_dc": st.booleans(),
        "optimal_ac": st.booleans(),
        "transpose": st.booleans(),
        "word_bytes": st.integers(1, 8),
    }
)


@settings(max_examples=40, deadline=None)
@given(
    st.data(),
    st.booleans(),
    OPTIONS,
    st.none() | st.lists(st.integers(0, 3), min_size=10, max_size=10),
)
def test_integer_transform_is_lossless(data, signed, options, shifts):
    image, bits = data.draw(images(25, signed))
    parameters = Parameters(
        integer_transform=True,
        signed_pixels=signed,
        bit_depth=bits,
        custom_shifts=shifts,
        **options,
    )
    stream = _ccsds122.encode(image, parameters)
    assert len(stream) % options["word_bytes"] == 0
    assert np.array_equal(decode(stream), image)


@settings(max_examples=30, deadline=None)
@given(st.data(), st.booleans(), OPTIONS)
def test_float_transform_is_nearly_lossless(data, signed, options):
    image, bits = data.draw(images(28 if signed else 27, signed))
    stream = _ccsds122.encode(image, Parameters(signed_pixels=signed, bit_depth=bits, **options))
    # All that is lost is the rounding of coefficients to integers.
    assert np.abs(decode(stream) - image).max() <= 4


def fields(stream, widths):
    """Read numbers of these many bits each."""
    bits = "".join(f"{byte:08b}" for byte in stream)
    ends = np.cumsum(widths)
    return [int(bits[end - width : end], 2) for width, end in zip(widths, ends, strict=True)]


def test_header_fields():
    stream = _ccsds122.encode(
        noisy((21, 30), 19, True, 1),
        Parameters(
            segment_bytes=600, bit_plane_stop=3, stage_stop=2, use_fill=True, optimal_ac=False,
            integer_transform=True, signed_pixels=True, bit_depth=19, transpose=True, word_bytes=6,
            custom_shifts=[3, 2, 1, 0, 1, 2, 3, 0, 1, 2],
        ),
    )  # fmt: skip
    assert len(stream) == 600
    part1 = fields(stream, [1, 1, 8, 5, 5, 1, 1, 1, 1, 3, 5])
    assert part1[:3] == [1, 1, 0]
    assert part1[5:] == [0, 1, 1, 1, 2, 0]  # coded transposed: 30 rows, 2 of padding
    assert fields(stream[4:], [27, 1, 5, 2, 1, 4]) == [600, 0, 3, 1, 1, 0]
    assert fields(stream[9:], [20, 1, 1, 2]) == [3 * 4, 1, 0, 0]
    assert fields(stream[12:], [1, 1, 1, 1, 4, 20, 1, 3, 1] + [2] * 10 + [11]) == [
        1, 0, 1, 1, 19 - 16, 21, 1, 0b011, 1, 3, 2, 1, 0, 1, 2, 3, 0, 1, 2, 0,
    ]  # fmt: skip


def test_bit_depths_of_the_header():
    flat = np.full((24, 24), -5, np.int32)
    stream = _ccsds122.encode(flat, Parameters(integer_transform=True, signed_pixels=True))
    # -5 times the weight 2^3 of LL3 takes 7 bits in two's complement; all else is zero.
    assert fields(stream, [10, 5, 5])[1:] == [7, 0]


def test_parameters_survive_as_bytes():
    given_bytes = Parameters(
        segment_bytes=777, dc_stop=True, bit_plane_stop=9, stage_stop=1, segment_blocks=99,
        optimal_dc=False, bit_depth=28, signed_pixels=True, width=333, word_bytes=7,
    ).to_bytes()  # fmt: skip
    assert len(given_bytes) == 16
    assert Parameters.from_bytes(given_bytes).to_bytes() == given_bytes


@pytest.mark.parametrize("integer", [True, False])
def test_limited_segments_are_prefixes(integer):
    image = noisy((40, 60), 12, False, 2)
    settings_of = {"integer_transform": integer, "bit_depth": 12}
    full = _ccsds122.encode(image, Parameters(**settings_of))
    assert len(full) > 1500
    errors = []
    for limit in (40, 150, 400, 900, 1500):
        part = _ccsds122.encode(image, Parameters(segment_bytes=limit, **settings_of))
        assert part[20:] == full[20:limit]  # after the header, in which part 2 differs
        errors.append(np.square(decode(part) - image).sum())
    assert sorted(errors, reverse=True) == errors


def test_stops_are_prefixes():
    image = noisy((40, 60), 12, False, 2)
    full = _ccsds122.encode(image, Parameters(bit_depth=12))
    lengths = []
    for plane in (8, 5, 2, 0):
        for stage in (1, 2, 3, 4):
            stops = Parameters(bit_depth=12, bit_plane_stop=plane, stage_stop=stage)
            part = _ccsds122.encode(image, stops)
            assert part[20:-1] == full[20 : len(part) - 1]
            lengths.append(len(part))
            decode(part)
    assert sorted(lengths) == lengths
    assert lengths[-1] == len(full)
    dc_only = _ccsds122.encode(image, Parameters(bit_depth=12, dc_stop=True))
    assert dc_only[20:-1] == full[20 : len(dc_only) - 1]
    # Above the highest plane, a stop means the same as DCStop.
    above = _ccsds122.encode(image, Parameters(bit_depth=12, bit_plane_stop=31))
    assert above[20:] == dc_only[20:]
    assert np.array_equal(decode(above), decode(dc_only))


def test_heuristic_code_parameters():
    image = noisy((64, 64), 14, False, 4)
    sizes = {}
    for optimal in (True, False):
        parameters = Parameters(
            integer_transform=True, bit_depth=14, optimal_dc=optimal, optimal_ac=optimal
        )
        stream = _ccsds122.encode(image, parameters)
        assert np.array_equal(decode(stream), image)
        sizes[optimal] = len(stream)
    assert sizes[True] <= sizes[False] <= sizes[True] + 64


def test_fill():
    image = pattern(24, 24)
    filled = Parameters(integer_transform=True, segment_bytes=1000, use_fill=True)
    unfilled = Parameters(integer_transform=True, segment_bytes=1000)
    stream, short = _ccsds122.encode(image, filled), _ccsds122.encode(image, unfilled)
    assert len(stream) == 1000
    assert stream[20:] == short[20:] + bytes(1000 - len(short))
    assert np.array_equal(decode(stream), image)


def test_stream_may_be_cut_anywhere():
    image = noisy((33, 41), 12, False, 6)
    stream = _ccsds122.encode(image, Parameters(bit_depth=12))
    for size in range(20, len(stream), 7):
        assert decode(stream[:size]).shape == image.shape
    assert psnr(image, decode(stream[:300]), 4095) > psnr(image, decode(stream[:120]), 4095) + 6


def test_images_in_a_row():
    parameters = Parameters(integer_transform=True, segment_blocks=9, width=20)
    first, second = pattern(17, 20), pattern(24, 20) + 7
    stream = b"".join(
        _ccsds122.encode(i, parameters, optional_parts=False) for i in (first, second)
    )
    image, size = _ccsds122.decode(stream, parameters)
    assert np.array_equal(image, first)
    image, rest = _ccsds122.decode(stream, parameters, offset=size)
    assert np.array_equal(image, second)
    assert size + rest == len(stream)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"bit_depth": 26, "integer_transform": True}, "bit_depth is 26, expected 1 to 25"),
        ({"bit_depth": 28}, "bit_depth is 28, expected 1 to 27"),
        ({"bit_depth": 8}, "a pixel is 300, expected 0 to 255"),
        ({"segment_bytes": 1001, "word_bytes": 4}, "a multiple of the 4-byte words"),
        ({"segment_bytes": 12}, "less than the segment's header"),
        ({"segment_blocks": 5}, "segment_blocks is 5, expected at least 16"),
        ({"stage_stop": 5}, "stage_stop is 5, expected 1 to 4"),
        ({"custom_shifts": [4] * 10}, "a custom shift is 4, expected 0 to 3"),
    ],
)
def test_refused_parameters(keywords, message):
    with pytest.raises(ValueError, match=message):
        _ccsds122.encode(np.full((24, 24), 300, np.int32), Parameters(**keywords))


def test_refused_images():
    with pytest.raises(ValueError, match="16 x 40 pixels, expected at least 17 x 17"):
        _ccsds122.encode(np.zeros((16, 40), np.int32), Parameters())
    with pytest.raises(ValueError, match="3 dimensions, expected 2"):
        _ccsds122.encode(np.zeros((20, 20, 1), np.int32), Parameters())


# ---- damaged bytes ----


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_streams(data):
    stream = bytearray(base64.b85decode(data.draw(st.sampled_from([NEBRASKA, BARCELONA_SEGMENTS]))))
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(stream) - 1) | st.integers(0, 23))
        stream[index] = data.draw(st.integers(0, 255))
    del stream[data.draw(st.integers(0, len(stream))) :]
    try:
        image, size = _ccsds122.decode(bytes(stream), max_samples=1 << 14)
    except _ccsds122.StreamError:
        return
    assert 0 < size <= len(stream)
    assert image.size <= 1 << 14


def test_size_is_limited():
    stream = base64.b85decode(NEBRASKA)
    assert decode(stream, max_samples=24 * 32).size == 19 * 26
    with pytest.raises(_ccsds122.StreamError, match="12 blocks, expected at most 11"):
        decode(stream, max_samples=24 * 32 - 1)


def test_missing_parameters():
    stream = _ccsds122.encode(pattern(20, 20), Parameters(), optional_parts=False)
    with pytest.raises(_ccsds122.StreamError, match="part 3 or 4 of the segment header is missing"):
        decode(stream)


def test_segments_in_wrong_order():
    stream = bytearray(base64.b85decode(BARCELONA_SEGMENTS))
    stream[0] &= 0x7F
    with pytest.raises(
        _ccsds122.StreamError,
        match="found a further segment with number 0, expected a first segment with number 0",
    ):
        decode(bytes(stream))


def test_stub_matches_module():
    command = [sys.executable, "-m", "mypy.stubtest", "hyspec_bench._ccsds122", "--concise"]
    command += ["--mypy-config-file", str(ROOT / "pyproject.toml")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    problems = [line for line in result.stdout.splitlines() if "metaclass differs" not in line]
    assert not problems, "\n".join(problems)
    assert result.returncode == 0 or result.stdout, result.stderr
