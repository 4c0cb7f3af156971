"""The range coder's words against ``constriction`` and against arithmetic on unbounded integers."""

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec import _core
from hyspec_bench import constriction_models, range_coder

Freq = npt.NDArray[np.uint16]


def one_table(freq: Sequence[int] | Freq) -> _core.CdfTables:
    return _core.CdfTables(
        np.asarray(freq, np.uint16), np.array([0, len(freq)], np.uint32), np.array([0], np.int32)
    )


def zeros(count: int) -> npt.NDArray[np.uint16]:
    return np.zeros(count, np.uint16)


def encode(freq: Sequence[int] | Freq, symbols: npt.ArrayLike) -> npt.NDArray[np.uint32]:
    s = np.asarray(symbols, np.int32)
    return _core.encode_symbols(one_table(freq), s, zeros(len(s)))


def random_freq(rng: np.random.Generator, size: int, skew: float = 1.0) -> Freq:
    """Random frequencies with a heavy tail for large ``skew``; each at least 1."""
    weights = rng.random(size) ** skew + 1e-12
    freq = 1 + np.floor(weights / weights.sum() * (65536 - size)).astype(np.int64)
    freq[rng.integers(size)] += 65536 - freq.sum()
    result: Freq = freq.astype(np.uint16)
    return result


class Interval:
    """The interval of a message in unbounded integers: carries take care of themselves."""

    def __init__(self, freq: Sequence[int] | Freq) -> None:
        self.freq = [256 * int(f) for f in freq]
        self.start = [sum(self.freq[:i]) for i in range(len(freq))]
        self.lower, self.range, self.shifts = 0, 2**64 - 1, 0

    def part(self, symbol: int) -> tuple[int, int]:
        """Lower end and size of what the symbol would leave."""
        scale = self.range >> 24
        return self.lower + scale * self.start[symbol], scale * self.freq[symbol]

    def encode(self, symbol: int) -> bool:
        """Narrow the interval; true if that made a shift by one word necessary."""
        self.lower, self.range = self.part(symbol)
        if self.range >= 2**32:
            return False
        self.lower, self.range, self.shifts = self.lower << 32, self.range << 32, self.shifts + 1
        return True

    def words(self) -> npt.NDArray[np.uint32]:
        if self.range == 2**64 - 1:
            return np.zeros(0, np.uint32)
        point = (self.lower + 2**32 - 1) >> 32
        words = [point >> (32 * i) & 0xFFFFFFFF for i in range(self.shifts, -1, -1)]
        if (self.lower + self.range) >> 32 == point:
            words.append(0)
        return np.array(words, np.uint32)


BOUNDARY_WORD = 0x76543210


def around_a_boundary(
    freq: Freq, length: int, above: bool
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint32], int]:
    """Up to ``length`` symbols whose interval keeps the boundary between two words inside.

    Every word that goes out meanwhile depends on whether the interval ends up above the boundary.
    Return the symbols, their words, and how many of the words hung on the last symbols.
    """
    interval = Interval(freq)
    boundary = BOUNDARY_WORD << 32
    regular = range(len(freq) - 1)
    symbols: list[int] = []
    for _ in range(length):
        parts = [interval.part(s) for s in regular]
        around = [s for s in regular if 0 < boundary - parts[s][0] < parts[s][1]]
        if not around:  # it is in the remainder that no symbol owns, or on the edge of a symbol
            break
        symbols.append(around[0])
        if interval.encode(symbols[-1]):
            boundary <<= 32
    held = interval.shifts
    for _ in range(60):
        symbols.append(regular[-1] if above else 0)
        interval.encode(symbols[-1])
    return np.array(symbols, np.int32), interval.words(), held


def test_golden_words() -> None:
    freq = [30000, 20000, 10000, 5000, 535, 1]
    symbols = [0, 1, 2, 3, 4, 0, 0, 0, 1, 1, 2, 4, 3, 4, 4, 0, 0, 4, 2, 0, 3, 1]
    assert encode(freq, symbols).tolist() == [1448514229, 2226392271, 3294538283]


def test_no_symbols_no_words() -> None:
    assert encode([65535, 1], []).tolist() == []
    assert _core.decode_symbols(one_table([65535, 1]), np.zeros(0, np.uint32), zeros(0)).size == 0


@pytest.mark.parametrize(
    "freq",
    [
        [65535, 1],
        [1, 65534, 1],
        [1, 1, 65534],
        [32768, 32768],
        [1] * 65535 + [1],
        [21845, 43690, 1],
    ],
    ids=["certain", "rare first", "rare regular", "half", "all rare", "thirds"],
)
@pytest.mark.parametrize("choice", ["drawn", "uniform", "first", "last"])
def test_words_of_constriction(freq: list[int], choice: str) -> None:
    rng = np.random.default_rng(len(freq))
    regular = len(freq) - 1
    count = 3000
    symbols = {
        "drawn": rng.choice(len(freq), count, p=np.array(freq) / 65536) % regular,
        "uniform": rng.integers(0, regular, count),
        "first": np.zeros(count),
        "last": np.full(count, regular - 1),
    }[choice].astype(np.int32)
    check_against_constriction(freq, symbols)


def check_against_constriction(
    freq: Sequence[int] | Freq, symbols: npt.NDArray[np.int32]
) -> npt.NDArray[np.uint32]:
    model = constriction_models.categorical(np.asarray(freq, np.uint16))
    encoder = constriction_models.encoder()
    encoder.encode(symbols, model)
    theirs = encoder.get_compressed()
    ours = encode(freq, symbols)
    np.testing.assert_array_equal(ours, theirs)
    decoded = _core.decode_symbols(one_table(freq), theirs, zeros(len(symbols)))
    np.testing.assert_array_equal(decoded, symbols)
    decoder = constriction_models.decoder(ours)
    np.testing.assert_array_equal(decoder.decode(model, len(symbols)), symbols)
    assert decoder.maybe_exhausted()
    return ours


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(2, 300),
    skew=st.sampled_from([0.5, 1.0, 4.0, 30.0]),
    count=st.integers(1, 400),
)
def test_words_of_constriction_random(seed: int, size: int, skew: float, count: int) -> None:
    rng = np.random.default_rng(seed)
    freq = random_freq(rng, size, skew)
    symbols = rng.choice(size, count, p=freq / 65536) % (size - 1)
    words = check_against_constriction(freq, symbols.astype(np.int32))
    interval = Interval(freq)
    for s in symbols:
        interval.encode(int(s))
    np.testing.assert_array_equal(words, interval.words())


@pytest.mark.parametrize("above", [False, True])
@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5, 6, 7])
def test_long_carries(seed: int, above: bool) -> None:
    freq = np.append(random_freq(np.random.default_rng(seed), 40), 1).astype(np.uint16)
    freq[np.argmax(freq)] -= 1
    symbols, words, held = around_a_boundary(freq, 600, above)
    assert held > 50
    assert words[0] == BOUNDARY_WORD - (not above)
    assert set(words[1:held].tolist()) == {0 if above else 0xFFFFFFFF}
    np.testing.assert_array_equal(check_against_constriction(freq, symbols), words)


def test_the_seal_carries() -> None:
    # Messages that end while the boundary is less than a word above the lower end of the interval.
    freq = np.append(random_freq(np.random.default_rng(0), 40), 1).astype(np.uint16)
    freq[np.argmax(freq)] -= 1
    symbols, _, _ = around_a_boundary(freq, 600, True)
    interval = Interval(freq)
    carrying = 0
    for count, s in enumerate(symbols, start=1):
        interval.encode(int(s))
        if interval.shifts and (interval.lower + 2**32 - 1) >> 64 > interval.lower >> 64:
            words = check_against_constriction(freq, symbols[:count])
            np.testing.assert_array_equal(words, interval.words())
            carrying += 1
    assert carrying > 5


@pytest.mark.parametrize("tail", [[], [0], [3, 3, 3, 3], [7] * 300, [0] * 300])
@pytest.mark.parametrize("ends", [True, False])
def test_boundary_is_hit_exactly(ends: bool, tail: list[int]) -> None:
    # After the first three symbols the range is 2^32 and a bit, its scale is 2^8, and from then on
    # everything is a power of two. Symbol 6 ends and symbol 7 begins in the middle of the interval.
    freq = [3, 765, 512, 21874, 8, 9605, 1, 32767, 1]
    head = [6, 0, 3, 4, 4, 6] if ends else [6, 0, 3, 4, 4, 2, 7]
    interval = Interval(freq)
    for s in head:
        interval.encode(s)
    edge = interval.lower + interval.range if ends else interval.lower
    assert edge % 2**64 == 0
    for s in tail:
        interval.encode(s)
    words = check_against_constriction(freq, np.array(head + tail, np.int32))
    np.testing.assert_array_equal(words, interval.words())


def test_entropy_within_a_thousandth() -> None:
    rng = np.random.default_rng(7)
    for size in (3, 60, 4000):
        freq = random_freq(rng, size, 3.0)
        p = freq[:-1] / freq[:-1].sum()
        symbols = rng.choice(size - 1, 1_000_000, p=p).astype(np.int32)
        ideal = -np.log2(freq / 65536)[symbols].sum()
        words = encode(freq, symbols)
        assert 32 * len(words) <= 1.001 * ideal
        estimate = _core.code_length(one_table(freq), symbols, zeros(len(symbols)))
        assert estimate == pytest.approx(ideal, rel=1e-6)


def test_missing_and_superfluous_words() -> None:
    rng = np.random.default_rng(3)
    freq = random_freq(rng, 20)
    symbols = rng.choice(19, 300).astype(np.int32)
    tables, words = one_table(freq), encode(freq, symbols)
    for count in range(len(words)):
        with pytest.raises(_core.CoreError, match=r"truncated|corrupt"):
            _core.decode_symbols(tables, words[:count], zeros(300))
    for extra in ([0], [1], [0xFFFFFFFF], [0, 0], [5, 6, 7]):
        with pytest.raises(_core.CoreError, match="corrupt"):
            _core.decode_symbols(tables, np.append(words, extra).astype(np.uint32), zeros(300))
    with pytest.raises(_core.CoreError, match="corrupt"):
        _core.decode_symbols(tables, words, zeros(0))
    with pytest.raises(_core.CoreError, match="truncated"):
        _core.decode_symbols(tables, np.zeros(0, np.uint32), zeros(1))


def test_the_zero_word_of_a_seal_is_checked() -> None:
    rng = np.random.default_rng(9)
    freq = random_freq(rng, 20)
    tables, symbols = one_table(freq), rng.choice(19, 400).astype(np.int32)
    zero_words = 0
    for count in range(1, len(symbols)):
        words = encode(freq, symbols[:count])
        if words[-1] == 0:
            zero_words += 1
            words[-1] = 1
            with pytest.raises(_core.CoreError, match="goes on after the last symbol"):
                _core.decode_symbols(tables, words, zeros(count))
    assert zero_words > 3


def test_missing_words_are_noticed_at_once() -> None:
    # At the first word that is needed beyond the zero after the end, not after the last symbol.
    freq = [1, 1, 65534]
    words = encode(freq, np.zeros(2000))
    with pytest.raises(_core.CoreError, match="ends after 500 words, before") as error:
        _core.decode_symbols(one_table(freq), words[:500], zeros(2000))
    assert error.value.args[:3] == (4, 4 * 500, "truncated")


def test_every_bit_flip_is_another_message_or_an_error() -> None:
    freq = [40000, 20000, 5000, 535, 1]
    symbols = np.array([0, 1, 0, 0, 2, 3, 0, 1, 1, 0, 2, 0, -5, 0, 9, 3, 0], np.int32)
    tables, words, index = one_table(freq), encode(freq, symbols), zeros(len(symbols))
    outcomes = {"error": 0, "message": 0}
    for bit in range(32 * len(words)):
        flipped = words.copy()
        flipped[bit // 32] ^= np.uint32(1 << bit % 32)
        try:
            decoded = _core.decode_symbols(tables, flipped, index)
        except _core.CoreError:
            outcomes["error"] += 1
            continue
        outcomes["message"] += 1
        # Exactly one sequence of words stands for a message.
        np.testing.assert_array_equal(_core.encode_symbols(tables, decoded, index), flipped)
    assert outcomes["error"] > 0.9 * 32 * len(words)


def test_unowned_numbers_are_refused() -> None:
    # No symbol owns the numbers above 2^24 times the scale, the first remainder of all.
    with pytest.raises(_core.CoreError, match="points to no symbol"):
        _core.decode_symbols(
            one_table([65535, 1]), np.array([0xFFFFFFFF, 0xFFFFFFFF], np.uint32), zeros(1)
        )


def test_benchmark_agrees_and_reports(capsys: pytest.CaptureFixture[str]) -> None:
    # It refuses to time coders that disagree, so running it compares 64 tables per symbol as well.
    assert range_coder.main(["--symbols", "3000", "--rounds", "1", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["cpu"]
    assert [row["operation"] for row in report["rows"]] == ["encode", "decode"] * 3
    assert all(row["ratio"] > 0 for row in report["rows"])
    assert range_coder.main(["--symbols", "1000", "--rounds", "1"]) == 0
    assert "CPU: " in capsys.readouterr().out
