"""Speed of hyspec's entropy coder against ``constriction`` called from Python.

Run ``python -m hyspec_bench.range_coder [--json] [--symbols N] [--rounds N]``. Both code the same
symbols with the same tables and produce the same words; the two are timed in turns (A B A B ...)
in one process and one thread, and medians are reported.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core
from hyspec_bench import constriction_models
from hyspec_bench.machine import cpu_name
from hyspec_bench.turns import medians

Int32 = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint32]

#: Standard deviations of the quantised Gaussians that serve as tables, in symbols.
MANY_SCALES = np.geomspace(0.3, 8.0, 64)
HALF_WIDTH = 24


@dataclass
class Row:
    """One line of the report: median speeds in million symbols per second."""

    case: str
    operation: str
    symbols: int
    bits_per_symbol: float
    hyspec_msym_s: float
    constriction_msym_s: float
    ratio: float


@dataclass
class Case:
    """The same message for both coders; symbols are positions in tables of equal size."""

    name: str
    freq: npt.NDArray[np.uint16]  # (tables, size)
    symbols: Int32  # (n,)
    index: npt.NDArray[np.uint16]  # (n,)


def gaussian_frequencies(sigma: float) -> npt.NDArray[np.uint16]:
    """Frequencies out of 65536 of the integers within `HALF_WIDTH` of 0, then the escape symbol."""
    x = np.arange(-HALF_WIDTH, HALF_WIDTH + 1)
    weights = np.append(np.exp(-0.5 * (x / sigma) ** 2), 1e-6)
    freq = 1 + np.floor(weights / weights.sum() * (65536 - len(weights))).astype(np.int64)
    freq[HALF_WIDTH] += 65536 - freq.sum()
    result: npt.NDArray[np.uint16] = freq.astype(np.uint16)
    return result


def make_case(name: str, sigmas: npt.ArrayLike, count: int) -> Case:
    """Symbols drawn from the tables; each symbol picks its table at random."""
    rng = np.random.default_rng(20)
    freq = np.stack([gaussian_frequencies(float(s)) for s in np.atleast_1d(sigmas)])
    index = rng.integers(0, len(freq), count).astype(np.uint16)
    cumulative = np.cumsum(freq[:, :-1].astype(np.int64), axis=1)
    # Below the last cumulative frequency, so that no symbol is an escape.
    quantile = (rng.random(count) * cumulative[index, -1]).astype(np.int64)
    symbols = (quantile[:, None] >= cumulative[index]).sum(axis=1).astype(np.int32)
    return Case(name, freq, symbols, index)


def theirs(case: Case) -> tuple[Callable[[], Words], Callable[[Words], Int32]]:
    """Encode and decode with `constriction`; building its models is not part of the time."""
    if len(case.freq) == 1:
        model = constriction_models.categorical(case.freq[0])
        arguments: tuple[Any, ...] = (model,)
        decode_arguments: tuple[Any, ...] = (model, len(case.symbols))
    else:
        family = constriction_models.categorical_family()
        rows = constriction_models.exact_weights(case.freq).astype(np.float32)[case.index]
        arguments = decode_arguments = (family, rows)

    def encode() -> Words:
        encoder = constriction_models.encoder()
        encoder.encode(case.symbols, *arguments)
        words: Words = encoder.get_compressed()
        return words

    def decode(words: Words) -> Int32:
        symbols: Int32 = constriction_models.decoder(words).decode(*decode_arguments)
        return symbols

    return encode, decode


def measure(case: Case, rounds: int) -> list[Row]:
    """Time one case; RuntimeError if the two coders disagree on a word or a symbol."""
    tables = _core.CdfTables(
        case.freq.ravel(),
        (np.arange(len(case.freq) + 1) * case.freq.shape[1]).astype(np.uint32),
        np.zeros(len(case.freq), np.int32),
    )
    their_encode, their_decode = theirs(case)
    words = _core.encode_symbols(tables, case.symbols, case.index)
    if not np.array_equal(words, their_encode()):
        raise RuntimeError(f"{case.name}: the words differ")
    if not np.array_equal(their_decode(words), case.symbols):
        raise RuntimeError(f"{case.name}: the symbols differ")

    def row(operation: str, ours: Callable[[], Any], other: Callable[[], Any]) -> Row:
        seconds, other_seconds = medians((ours, other), rounds)
        return Row(
            case=case.name,
            operation=operation,
            symbols=len(case.symbols),
            bits_per_symbol=32 * len(words) / len(case.symbols),
            hyspec_msym_s=len(case.symbols) / seconds / 1e6,
            constriction_msym_s=len(case.symbols) / other_seconds / 1e6,
            ratio=other_seconds / seconds,
        )

    return [
        row(
            "encode",
            lambda: _core.encode_symbols(tables, case.symbols, case.index),
            their_encode,
        ),
        row(
            "decode",
            lambda: _core.decode_symbols(tables, words, case.index),
            lambda: their_decode(words),
        ),
    ]


def run(count: int, rounds: int) -> list[Row]:
    """Measure one table for all symbols, then one of many tables per symbol."""
    cases = [
        make_case("one table, wide", 4.0, count),
        make_case("one table, skewed", 0.3, count),
        make_case(f"{len(MANY_SCALES)} tables", MANY_SCALES, count),
    ]
    return [row for case in cases for row in measure(case, rounds)]


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark and print it."""
    parser = argparse.ArgumentParser(
        prog="python -m hyspec_bench.range_coder", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--symbols", type=int, default=1_000_000, help="symbols per message")
    parser.add_argument("--rounds", type=int, default=9, help="timed turns of each coder")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(argv)
    rows = run(options.symbols, options.rounds)
    cpu = cpu_name()
    if options.json:
        print(json.dumps({"cpu": cpu, "rounds": options.rounds, "rows": list(map(asdict, rows))}))
        return 0
    print(f"CPU: {cpu}, one thread; median of {options.rounds} turns of {options.symbols} symbols")
    print("Million symbols per second. Timings share the machine with whatever else runs on it:")
    print("trust the ratio of two medians taken in turns, not a single figure.")
    print(f"{'case':20}{'':8}{'bit/symbol':>11}{'hyspec':>9}{'constriction':>14}{'ratio':>7}")
    for r in rows:
        print(
            f"{r.case:20}{r.operation:8}{r.bits_per_symbol:11.3f}"
            f"{r.hyspec_msym_s:9.1f}{r.constriction_msym_s:14.1f}{r.ratio:7.2f}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
