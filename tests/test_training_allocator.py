"""Freed memory is kept: large blocks that come and go cost page faults once."""

import platform
import subprocess
import sys

import pytest

COUNT = """
import resource, sys
import numpy as np
from hyspec_training.allocator import keep_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

if sys.argv[1] == "kept":
    assert keep_freed_memory()
np.ones(1 << 20)
before = faults()
for _ in range(20):
    np.ones(1 << 20)  # 8 MiB
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_large_blocks_are_reused():
    def faults(how):
        command = [sys.executable, "-c", COUNT, how]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    pages = 8 << 20 >> 12
    # Huge pages, where the system gives them, make the first number smaller, never the second.
    assert faults("kept") < min(pages, faults("returned") + 16)
