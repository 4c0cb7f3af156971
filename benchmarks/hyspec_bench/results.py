"""The folder of a benchmark: records of measurements, of scenes and of the machine.

``results.jsonl`` holds one JSON record per measurement and is only ever appended to;
``results.csv`` the columns of it that tables need; ``pairs.jsonl`` the times of codecs that took
turns; ``about.json`` machine, versions, codecs and scenes. JSON has no infinity and no NaN: they
are written as null, and read back as what they were.
"""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyspec.errors import DataError
from hyspec_tools.common import to_json

COLUMNS = (
    "scene",
    "codec",
    "kind",
    "setting",
    "bps",
    "psnr_db",
    "snr_db",
    "mse",
    "sam_deg",
    "max_abs_error",
    "encode_seconds",
    "decode_seconds",
    "bytes",
)

#: Scene, codec, kind and value of the target.
Key = tuple[str, str, str, float]


@dataclass
class Results:
    """Records of a folder; opening it reads what earlier runs left.

    Attributes
    ----------
    folder : Path
        Made where it does not exist.
    records : dict
        One per measurement. A record of a failure has the key ``error`` and no figures.
    pairs : dict
        Records of codecs that were timed in turns, by key and name of the first codec.
    """

    folder: Path
    records: dict[Key, dict[str, Any]] = field(default_factory=dict)
    pairs: dict[tuple[Key, str], dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the records; a last line that was cut off by an interruption is dropped."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.records = {key_of(record): record for record in _read(self._store)}
        self.pairs = {(key_of(r), r["first"]): r for r in _read(self._pair_store)}

    @property
    def _store(self) -> Path:
        return self.folder / "results.jsonl"

    @property
    def _pair_store(self) -> Path:
        return self.folder / "pairs.jsonl"

    def add(self, record: dict[str, Any]) -> None:
        """Keep a record of a measurement and write it to the disk."""
        self.records[key_of(record)] = _append(self._store, record)

    def add_pair(self, record: dict[str, Any]) -> None:
        """Keep a record of `pairs.measure` and write it to the disk."""
        self.pairs[key_of(record), record["first"]] = _append(self._pair_store, record)

    def measured(self) -> list[dict[str, Any]]:
        """Records that hold figures, sorted by scene, codec, kind and rate."""
        found = [record for record in self.records.values() if "error" not in record]
        return sorted(found, key=lambda r: (r["scene"], r["codec"], r["kind"], r["bps"]))

    def stream(self, key: Key) -> Path:
        """File of the encoded bytes of a lossy measurement."""
        scene, codec, _, setting = key
        name = re.sub(r"[^\w@.-]", "_", codec)
        return self.folder / "streams" / f"{scene}-{name}-{setting:g}.bin"

    def write_csv(self) -> Path:
        """Write the table of all measurements."""
        path = self.folder / "results.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            for record in self.measured():
                writer.writerow({name: _text(record[name]) for name in COLUMNS})
        return path

    def about(self) -> dict[str, Any]:
        """What is known of machine, versions and scenes."""
        path = self.folder / "about.json"
        known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return known

    def write_about(self, about: dict[str, Any]) -> None:
        """Keep machine, versions and scenes."""
        (self.folder / "about.json").write_text(json.dumps(about, indent=2) + "\n")


def key_of(record: dict[str, Any]) -> Key:
    """Return what tells a measurement from all others."""
    return record["scene"], record["codec"], record["kind"], float(record["setting"])


def _read(path: Path) -> list[dict[str, Any]]:
    """Records of a file; none where there is no file."""
    if not path.exists():
        return []
    lines = path.read_text().splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
        path.write_text("".join(lines))
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(_parsed(line))
        except json.JSONDecodeError as error:
            raise DataError(
                f"{path}, line {number}: {error}",
                hint="remove the line; its measurement is then done again",
            ) from error
    return records


def _append(path: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Write a record and return it as it will be read back."""
    line = to_json(record)
    with path.open("a") as file:
        file.write(line + "\n")
    return _parsed(line)


def _parsed(line: str) -> dict[str, Any]:
    """Record of a line, with infinity or NaN where a measure is null."""
    record: dict[str, Any] = json.loads(line)
    for name in {"psnr_db", "snr_db"} & set(record):
        if record[name] is None:  # of no error, or of an original that is constant, or zero
            record[name] = math.inf if record["mse"] == 0 else -math.inf
    if record.get("ms_ssim", 0) is None:
        record["ms_ssim"] = math.nan
    for name, missing in (("interval_psnr_db", math.inf), ("tasks", math.nan)):
        values = record.get(name, {})
        values.update({key: missing for key, value in values.items() if value is None})
    return record


def _text(value: Any) -> Any:
    """Numbers with as many digits as mean something."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.7g}"
    return value
