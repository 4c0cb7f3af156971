"""Write golden payloads of the bounded profile: run once per version of the format, never again.

Each file holds a payload as an encoder of its version wrote it, the tile, and the checksum of the
samples: python tests/golden/make_bounded_payloads.py.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bounded_payload_cases import KINDS, cube
from hyspec import _core

FOLDER = Path(__file__).parent / "payloads"
VERSION = "v1.0-bounded"

MOST = 2**32 - 1
#: Name, kind, shape, range, error limits, masked, bands of a prediction, wide, relative error as
#: numerator and denominator, and zero.
CASES: list[tuple[Any, ...]] = [
    ("lossless", "smooth", (20, 24, 40), (0, 9000), [0], False, 16, False),
    ("few-bands", "smooth", (4, 40, 41), (-3000, 3000), [0], False, 16, True),
    ("limits", "saturated", (5, 16, 16), (0, 255), [0, 1, 2, 5, 70000], False, 3, False),
    ("masked", "impulses", (9, 15, 21), (-32768, 32767), [2], True, 8, False),
    ("32-bits", "smooth", (6, 14, 19), (-(2**31), 2**31 - 1), [1000], False, 32, True),
    ("constant", "constant", (3, 4, 5), (7, 9), [0], False, 0, False),
    ("relative", "smooth", (8, 20, 30), (-200, 9000), [MOST], False, 16, False, 1, 100, 0),
    ("both-limits", "impulses", (5, 12, 14), (0, 65535), [30], True, 8, True, 499, 9999, -100),
]


def main() -> None:
    """Write what is not there yet."""
    FOLDER.mkdir(exist_ok=True)
    for number, (name, kind, shape, ends, limits, masked, *how) in enumerate(CASES):
        path = FOLDER / f"{VERSION}-{name}.json"
        if path.exists():
            continue
        assert kind in KINDS
        samples = cube(kind, shape, *ends, number)
        valid = None
        if masked:
            valid = (np.random.default_rng(number).random(shape) < 0.8).astype(np.uint8)
            valid[2] = 0
        errors = np.broadcast_to(np.array(limits, np.uint32), shape[0])
        payload, checksum = _core.encode_bounded_payload(samples, valid, errors, *how)
        content = {"tile": shape, "checksum": checksum, "payload": payload.hex()}
        path.write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
