"""What a benchmark ran on: processor, system, and versions of all that takes part."""

from __future__ import annotations

import contextlib
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import imagecodecs

import hyspec
from hyspec.errors import MissingDependencyError
from hyspec_bench import openjp2

_PACKAGES = ("numpy", "scipy", "onnxruntime", "imagecodecs", "bjontegaard")
#: Those of imagecodecs that rivals use.
_LIBRARIES = ("bitshuffle", "charls", "libaec", "libjxl", "sperr", "sz3", "zfp", "zstd")


def describe() -> dict[str, Any]:
    """Names and versions, as JSON takes them."""
    versions = {"hyspec": hyspec.__version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    with contextlib.suppress(MissingDependencyError):
        versions["openjpeg"] = openjp2.version()
    libraries = imagecodecs.version(dict)
    versions |= {name: libraries[name] for name in _LIBRARIES if name in libraries}
    return {
        "processor": cpu_name(),
        "processors": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20,
        "threads": 1,
        "system": platform.platform(),
        "versions": versions,
    }


def cpu_name() -> str:
    """Name of the processor, as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
