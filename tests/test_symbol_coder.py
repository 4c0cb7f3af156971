"""Tables, table numbers and escapes: any int32 survives, nothing else is accepted."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec import _core
from hyspec_bench import constriction_models

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1

Table = tuple[list[int], int]  # frequencies with the escape symbol last, value of the first symbol


def core_tables(tables: list[Table]) -> _core.CdfTables:
    start = list(itertools.accumulate((len(f) for f, _ in tables), initial=0))
    return _core.CdfTables(
        np.array([x for f, _ in tables for x in f], np.uint16),
        np.array(start, np.uint32),
        np.array([first for _, first in tables], np.int32),
    )


def oracle_steps(value: int, table: Table) -> list[tuple[int, int | None]]:
    """What docs/entropy_coder.md makes of a value: (position, None) or (number, bits)."""
    freq, first = table
    regular = len(freq) - 1
    if 0 <= value - first < regular:
        return [(value - first, None)]
    above = value > first
    distance = value - (first + regular - 1) if above else first - value
    k = distance.bit_length() - 1
    rest = distance - (1 << k)
    steps: list[tuple[int, int | None]] = [(regular, None), (int(above), 1), (k, 5)]
    if k > 16:
        steps += [(rest >> 16, k - 16), (rest & 0xFFFF, 16)]
    elif k > 0:
        steps += [(rest, k)]
    return steps


def oracle_encode(
    tables: list[Table], symbols: list[int], index: list[int]
) -> npt.NDArray[np.uint32]:
    models = [constriction_models.categorical(np.array(f, np.uint16)) for f, _ in tables]
    encoder = constriction_models.encoder()
    for value, i in zip(symbols, index, strict=True):
        for number, bits in oracle_steps(value, tables[i]):
            encoder.encode(number, models[i] if bits is None else constriction_models.uniform(bits))
    words: npt.NDArray[np.uint32] = encoder.get_compressed()
    return words


def oracle_decode(
    tables: list[Table], words: npt.NDArray[np.uint32], index: list[int]
) -> list[int]:
    models = [constriction_models.categorical(np.array(f, np.uint16)) for f, _ in tables]
    decoder = constriction_models.decoder(words)

    def number(bits: int) -> int:
        return int(decoder.decode(constriction_models.uniform(bits))) if bits else 0

    values = []
    for i in index:
        freq, first = tables[i]
        position = decoder.decode(models[i])
        if position < len(freq) - 1:
            values.append(first + position)
            continue
        above, k = number(1), number(5)
        rest = (number(k - 16) << 16) + number(16) if k > 16 else number(k)
        distance = (1 << k) + rest
        values.append(first + len(freq) - 2 + distance if above else first - distance)
    assert decoder.maybe_exhausted()
    return values


@st.composite
def table(draw: st.DrawFn) -> Table:
    size = draw(st.integers(2, 40))
    cuts = draw(
        st.lists(st.integers(1, 65535), min_size=size - 1, max_size=size - 1, unique=True).map(
            sorted
        )
    )
    freq = [b - a for a, b in itertools.pairwise([0, *cuts, 65536])]
    highest = INT32_MAX - (size - 2)
    edges = st.sampled_from([INT32_MIN, -1, 0, highest])
    return freq, draw(edges | st.integers(-50, 50) | st.integers(INT32_MIN, highest))


@st.composite
def message(draw: st.DrawFn) -> tuple[list[Table], list[int], list[int]]:
    tables = draw(st.lists(table(), min_size=1, max_size=4))
    index = draw(st.lists(st.integers(0, len(tables) - 1), max_size=40))
    symbols = []
    for i in index:
        freq, first = tables[i]
        near = st.integers(max(INT32_MIN, first - 3), min(INT32_MAX, first + len(freq) + 3))
        edges = st.sampled_from([INT32_MIN, INT32_MIN + 1, INT32_MAX - 1, INT32_MAX])
        symbols.append(draw(near | edges | st.integers(INT32_MIN, INT32_MAX)))
    return tables, symbols, index


@settings(deadline=None, max_examples=150)
@given(message())
def test_constriction_agrees(case: tuple[list[Table], list[int], list[int]]) -> None:
    tables, symbols, index = case
    core, s, i = core_tables(tables), np.array(symbols, np.int32), np.array(index, np.uint16)
    words = _core.encode_symbols(core, s, i)
    np.testing.assert_array_equal(words, oracle_encode(tables, symbols, index))
    np.testing.assert_array_equal(_core.decode_symbols(core, words, i), s)
    assert oracle_decode(tables, words, index) == symbols
    bits = sum(
        16 - np.log2(tables[t][0][number]) if size is None else size
        for value, t in zip(symbols, index, strict=True)
        for number, size in oracle_steps(value, tables[t])
    )
    assert _core.code_length(core, s, i) == pytest.approx(bits, rel=1e-6)
    # The words are at most two above the ideal code length, and half a word is the worst they save.
    assert bits - 32 <= 32 * len(words) <= 1.001 * bits + 64


def test_golden_words() -> None:
    tables = [([60000, 5000, 535, 1], -1), ([1, 1, 65534], 7)]
    symbols = [0, -1, 2, 7, INT32_MAX, 8, INT32_MIN, 9, -2, 70_000, 1, 6]
    index = [0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    words = _core.encode_symbols(
        core_tables(tables), np.array(symbols, np.int32), np.array(index, np.uint16)
    )
    assert words.tolist() == [
        4232157711,
        744302334,
        3788505079,
        269021181,
        2988441599,
        3713942569,
        1543214962,
        2752156672,
    ]


@pytest.mark.parametrize("first", [INT32_MIN, -1, 0, INT32_MAX])
def test_extreme_values(first: int) -> None:
    core = core_tables([([65535, 1], first)])
    powers = [sign * (1 << k) + d for sign in (-1, 1) for k in range(32) for d in (-1, 0, 1)]
    values = sorted({v for v in powers if INT32_MIN <= v <= INT32_MAX} | {first})
    symbols = np.array(values, np.int32)
    index = np.zeros(len(symbols), np.uint16)
    words = _core.encode_symbols(core, symbols, index)
    np.testing.assert_array_equal(_core.decode_symbols(core, words, index), symbols)


def test_every_position_of_a_large_table() -> None:
    rng = np.random.default_rng(0)
    freq = np.ones(65536 - 300, np.int64)
    freq[rng.integers(0, len(freq), 300)] += 1
    freq[0] += 65536 - freq.sum()
    core = core_tables([(freq.tolist(), -32768)])
    symbols = np.arange(-32768, -32768 + len(freq) - 1, dtype=np.int32)
    index = np.zeros(len(symbols), np.uint16)
    words = _core.encode_symbols(core, symbols, index)
    np.testing.assert_array_equal(_core.decode_symbols(core, words, index), symbols)


def test_as_many_tables_as_there_are_table_numbers() -> None:
    count = 65536
    freq = np.tile(np.array([65535, 1], np.uint16), count)
    freq[0::2] -= np.arange(count, dtype=np.uint16) % 65535
    freq[1::2] += np.arange(count, dtype=np.uint16) % 65535
    core = _core.CdfTables(
        freq, 2 * np.arange(count + 1, dtype=np.uint32), np.arange(count, dtype=np.int32)
    )
    assert core.count == count
    index = np.arange(count, dtype=np.uint16)
    symbols = np.arange(count, dtype=np.int32) + index % 3
    words = _core.encode_symbols(core, symbols, index)
    np.testing.assert_array_equal(_core.decode_symbols(core, words, index), symbols)


@pytest.mark.parametrize(
    ("freq", "start", "first", "message"),
    [
        ([], [0], [], "0 tables, expected 1 to 65536"),
        ([1], [0] * 65538, [0] * 65537, "65537 tables"),
        ([65535, 1], [0, 2, 2], [0], "3 offsets, expected 2"),
        ([65535, 1], [1, 2], [0], "offsets run from 1 to 2, expected 0 to 2"),
        ([65535, 1], [0, 3], [0], "offsets run from 0 to 3"),
        ([65535, 1], [0, 4, 2], [0, 0], "table 0: its offsets"),
        ([65535, 1, 65535, 1], [0, 3, 2, 4], [0, 0, 0], "table 1: its offsets"),
        ([65535], [0, 1], [0], "table 0: 1 symbols, expected at least one and"),
        ([65535, 1], [0, 2, 2], [0, 0], "table 1: 0 symbols"),
        ([65535, 0, 1], [0, 3], [0], "table 0: symbol 1 has frequency 0"),
        ([65534, 1], [0, 2], [0], "table 0: its frequencies sum to 65535"),
        ([65535, 1, 1], [0, 3], [0], "table 0: its frequencies sum to more"),
        ([65535, 1, 65535, 2], [0, 2, 4], [0, 0], "table 1: its frequencies sum to more"),
        ([1] * 65537, [0, 65537], [0], "table 0: more than 65536"),
        ([65534, 1, 1], [0, 3], [INT32_MAX], "table 0: its last symbol"),
    ],
)
def test_bad_tables(freq: list[int], start: list[int], first: list[int], message: str) -> None:
    with pytest.raises(_core.CoreError, match=message) as error:
        _core.CdfTables(
            np.array(freq, np.uint16), np.array(start, np.uint32), np.array(first, np.int32)
        )
    assert error.value.args[2] == "bad-argument"


def test_bad_arguments() -> None:
    core = core_tables([([65535, 1], 0)])
    symbols, index = np.zeros(3, np.int32), np.zeros(3, np.uint16)
    words = _core.encode_symbols(core, symbols, index)
    high = np.array([0, 1, 0], np.uint16)
    for call in (_core.encode_symbols, _core.code_length):
        with pytest.raises(_core.CoreError, match="3 symbols, but 2 table numbers"):
            call(core, symbols, index[:2])
        with pytest.raises(_core.CoreError, match="table number 1, expected less than 1"):
            call(core, symbols, high)
    with pytest.raises(_core.CoreError, match="table number 1, expected less than 1"):
        _core.decode_symbols(core, words, high)


def test_array_types() -> None:
    core = core_tables([([30000, 30000, 5535, 1], 0)])
    symbols = np.array([0, 1, 2, 0, 2, 1], np.int32)
    index = np.zeros(6, np.uint16)
    words = _core.encode_symbols(core, symbols, index)
    # Conversions that keep every value are made, others are refused.
    for same in (symbols.astype(np.int8), symbols.astype(">i4"), np.repeat(symbols, 2)[::2]):
        np.testing.assert_array_equal(_core.encode_symbols(core, same, index), words)  # type: ignore[arg-type]
    for wrong in (symbols.astype(np.int64), symbols.astype(np.float32), symbols.astype(np.uint32)):
        with pytest.raises(TypeError, match="symbols has dtype"):
            _core.encode_symbols(core, wrong, index)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="index has dtype int16"):
        _core.decode_symbols(core, words, index.astype(np.int16))
    with pytest.raises(TypeError, match="words has dtype int64"):
        _core.decode_symbols(core, words.astype(np.int64), index)
    with pytest.raises(ValueError, match="symbols has 2 dimensions, expected 1"):
        _core.encode_symbols(core, symbols.reshape(2, 3), index)
    with pytest.raises(TypeError):
        _core.encode_symbols(core, symbols.tolist(), index)


@settings(deadline=None, max_examples=300)
@given(
    tables=st.lists(table(), min_size=1, max_size=3),
    words=st.lists(st.integers(0, 2**32 - 1) | st.sampled_from([0, 2**32 - 1]), max_size=12),
    count=st.integers(0, 300),
)
def test_hostile_words(tables: list[Table], words: list[int], count: int) -> None:
    core, w = core_tables(tables), np.array(words, np.uint32)
    index = (np.arange(count) % len(tables)).astype(np.uint16)
    try:
        decoded = _core.decode_symbols(core, w, index)
    except _core.CoreError as error:
        assert error.args[2] in ("truncated", "corrupt")
        assert 0 <= error.args[1] <= 4 * len(words)
    else:
        # Exactly one sequence of words stands for a message.
        np.testing.assert_array_equal(_core.encode_symbols(core, decoded, index), w)


def test_escaped_value_beyond_int32_is_corrupt() -> None:
    # The distance 2^31 + 1 above 0 exists in the code, but not among 32-bit integers.
    encoder = constriction_models.encoder()
    encoder.encode(1, constriction_models.categorical(np.array([65535, 1], np.uint16)))
    for number, bits in ((1, 1), (31, 5), (0, 15), (1, 16)):
        encoder.encode(number, constriction_models.uniform(bits))
    with pytest.raises(_core.CoreError, match="escaped symbol 2147483649") as error:
        _core.decode_symbols(
            core_tables([([65535, 1], 0)]), encoder.get_compressed(), np.zeros(1, np.uint16)
        )
    assert error.value.args[2] == "corrupt"


def test_threads_share_tables() -> None:
    from concurrent.futures import ThreadPoolExecutor

    core = core_tables([([30000, 30000, 5535, 1], 0)])
    rng = np.random.default_rng(1)
    messages = [rng.integers(-3, 6, 20_000).astype(np.int32) for _ in range(8)]
    index = np.zeros(20_000, np.uint16)
    with ThreadPoolExecutor(4) as pool:
        words = list(pool.map(lambda s: _core.encode_symbols(core, s, index), messages))
        decoded = list(pool.map(lambda w: _core.decode_symbols(core, w, index), words))
    for symbols, w, d in zip(messages, words, decoded, strict=True):
        np.testing.assert_array_equal(d, symbols)
        np.testing.assert_array_equal(_core.encode_symbols(core, symbols, index), w)
