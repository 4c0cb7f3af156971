"""Rivals are as strong as when another program first measured them, on three real scenes.

Environment variable HYSPEC_DATA names the folder that holds them.
"""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from hyspec_bench import registry, scenes
from hyspec_bench.codecs.codec import Kind, Target

FOLDER = os.environ.get("HYSPEC_DATA")
pytestmark = [
    pytest.mark.skipif(not FOLDER, reason="HYSPEC_DATA does not name a folder of scenes"),
    pytest.mark.skipif(
        importlib.util.find_spec("hyspec_bench._ccsds123") is None, reason="needs _ccsds123"
    ),
]

#: Bits per sample of each scene by codec and largest error, 0 for lossless.
RATES = {
    "jasper-ridge": {
        ("c123_default", 0): 6.491,
        ("c123_default", 1): 4.910,
        ("c123_default", 5): 3.095,
        ("c123_default", 20): 1.563,
        ("c123_default_sa", 0): 6.489,
        ("c123_tuned", 0): 6.229,
        ("c123_tuned", 1): 4.647,
        ("c123_tuned", 5): 2.774,
        ("c123_tuned", 20): 1.262,
        ("jpegls", 0): 9.076,
        ("jpegls", 5): 5.579,
        ("jpegls", 20): 3.653,
        ("jpegxl", 0): 8.409,
        ("sperr", 1): 5.809,
        ("sperr", 5): 3.923,
        ("sperr", 20): 1.919,
        ("sz3", 5): 4.385,
    },
    "hydice-urban": {
        ("c123_default", 0): 3.480,
        ("c123_default", 1): 2.085,
        ("c123_default", 5): 0.966,
        ("c123_default", 20): 0.415,
        ("c123_default_sa", 0): 3.469,
        ("c123_tuned", 0): 3.196,
        ("c123_tuned", 1): 1.795,
        ("c123_tuned", 5): 0.701,
        ("c123_tuned", 20): 0.245,
        ("jpegls", 0): 6.808,
        ("jpegls", 5): 3.330,
        ("jpegls", 20): 1.617,
        ("jpegxl", 0): 5.574,
        ("sperr", 1): 2.736,
        ("sperr", 5): 1.071,
        ("sperr", 20): 0.326,
        ("sz3", 5): 1.657,
    },
    "samson": {
        ("c123_default", 0): 2.650,
        ("c123_default", 1): 1.540,
        ("c123_default", 5): 0.690,
        ("c123_default", 20): 0.301,
        ("c123_default_sa", 0): 2.631,
        ("c123_tuned", 0): 2.461,
        ("c123_tuned", 1): 1.343,
        ("c123_tuned", 5): 0.478,
        ("c123_tuned", 20): 0.179,
        ("jpegls", 0): 6.368,
        ("jpegls", 5): 2.845,
        ("jpegls", 20): 1.477,
        ("jpegxl", 0): 5.361,
        ("sperr", 1): 1.830,
        ("sperr", 5): 0.619,
        ("sperr", 20): 0.198,
        ("sz3", 5): 1.270,
    },
}


@pytest.mark.parametrize("scene", RATES)
def test_rates(scene):
    (path,) = Path(FOLDER or "").glob(f"**/{scene}.mat")
    cube = scenes.load(path).cube
    for (name, limit), expected in RATES[scene].items():
        target = Target(Kind.MAX_ERROR, limit) if limit else Target(Kind.LOSSLESS)
        data = registry.create(name).encode(cube, target)
        decoded = registry.create(name).decode(data)
        assert np.abs(decoded.astype(np.int64) - cube.array).max() <= limit, (name, limit)
        assert 8 * len(data) / cube.array.size <= 1.02 * expected, (name, limit)
