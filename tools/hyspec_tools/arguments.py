"""Options that several programs have, and the types of their values."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any

from hyspec import options


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a whole number of at least 1")
    return int(text)


def byte_count(text: str) -> int:
    """Read a number of bytes such as 4096, 500M or 64G; the suffixes are powers of 1024."""
    found = re.fullmatch("([0-9]{1,15})([kMGT]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(
            f"found {text!r}; expected a number of bytes such as 4096, 500M or 64G"
        )
    return int(found[1]) << 10 * " kMGT".index(found[2] or " ")


def sizes(text: str) -> tuple[int, ...] | None:
    """Read sizes such as 2x640x481; ``None`` for any other text."""
    parts = text.lower().split("x")
    if not all(re.fullmatch("[0-9]{1,15}", part) for part in parts):
        return None
    return tuple(map(int, parts))


def error_bounds(text: str) -> float | list[float]:
    """Read a number, or several with commas between them."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"found {text!r}; expected a number such as 2, or one for each band: 2,2,5"
        ) from None
    return values[0] if len(values) == 1 else values


_SHARED: dict[str, dict[str, Any]] = {
    "pack": {"metavar": "NAME|PATH", "help": "pack to decode with, if it is not a shipped one"},
    "threads": {"type": positive, "metavar": "N", "help": "default: all processors"},
    "json": {"action": "store_true", "help": "print one line of JSON"},
    "force": {"action": "store_true", "help": "replace what exists of the output"},
    "quiet": {"action": "store_true", "help": "print nothing but errors"},
}


def add_shared(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add some of the options ``pack``, ``threads``, ``json``, ``force`` and ``quiet``."""
    for name in names:
        parser.add_argument(f"--{name}", **_SHARED[name])


def add_profile_and_pack(
    parser: argparse.ArgumentParser, profiles: Sequence[str] = options.PROFILES
) -> None:
    """Add the options that name the profile, one of those given, and the pack to encode with."""
    parser.add_argument(
        "--profile",
        choices=profiles,
        help="coding profile (default: that of the pack, and spectral without one"
        + ("; bounded with --lossless and limits of errors)" if "bounded" in profiles else ")"),
    )
    parser.add_argument(
        "--pack",
        metavar="NAME|PATH",
        help="trained models to use (default: those of the profile)",
    )
