"""Write golden payloads of corrections: run once per version of the format, never again.

Each file holds a payload as an encoder of its version wrote it, with a base of a few bytes that no
decoder of corrections looks at; the tile, its mask as bits, and checksums of the symbols:
python tests/golden/make_corrected_payloads.py.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from corrected_cases import any_corrections
from hyspec import _core

FOLDER = Path(__file__).parent / "payloads"
VERSION = "v1.0-corrections"
CHECKSUM_OF_BASE = 0x12345678

#: Name, shape, share of corrections, largest one, error limits, masked.
CASES = [
    ("sparse", (12, 24, 30), 0.004, 3, [5], False),
    ("dense", (6, 16, 21), 0.4, 60, [2, 3, 5, 20, 70000, 2**31 - 1], False),
    ("masked", (7, 15, 20), 0.05, 2**30 - 1, [9], True),
]


def main() -> None:
    """Write what is not there yet."""
    FOLDER.mkdir(exist_ok=True)
    for number, (name, shape, share, most, limits, masked) in enumerate(CASES):
        path = FOLDER / f"{VERSION}-{name}.json"
        if path.exists():
            continue
        rng = np.random.default_rng(number)
        corrections = any_corrections(rng, shape, share, most)
        valid = None
        content: dict[str, object] = {"tile": shape, "checksum_of_base": CHECKSUM_OF_BASE}
        if masked:
            valid = (rng.random(shape) < 0.8).astype(np.uint8)
            valid[2] = 0
            corrections[valid == 0] = 0
            content["valid"] = np.packbits(valid).tobytes().hex()
        errors = np.broadcast_to(np.array(limits, np.uint32), shape[0])
        payload, checksum = _core.encode_corrected_payload(
            b"base", corrections, valid, errors, 3, CHECKSUM_OF_BASE
        )
        content |= {"checksum": checksum, "nonzero": int(np.count_nonzero(corrections))}
        content["payload"] = payload.hex()
        path.write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
