"""What takes long to make, made once in a session of tests by whichever process is first."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> T:
    """What ``make`` leaves in a new folder and returns, which all tests share.

    Parameters
    ----------
    factory
        Temporary folders of the session.
    name
        Name of the folder; whoever gives it asks for the same.
    make
        Is given the folder; what it returns can be pickled.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each has a folder of its own in that of the session
        base = base.parent
    result = base / f"{name}.pickle"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            folder = base / name
            folder.mkdir()
            result.write_bytes(pickle.dumps(make(folder)))
        found: Any = pickle.loads(result.read_bytes())
    return found  # type: ignore[no-any-return]
