"""The commands and the pieces of code that the documents show."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """Contents of the fenced blocks of a page that name this language; commands name none."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.M | re.S)
    return [text for name, text in found if name == language]


def commands(page: Path) -> list[str]:
    """Commands of a page, each in one line."""
    text = "".join(blocks(page, "")).replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip()]


def environment() -> dict[str, str]:
    """Variables with which the programs of this Python are found."""
    scripts = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": scripts + os.pathsep + os.environ["PATH"]}
