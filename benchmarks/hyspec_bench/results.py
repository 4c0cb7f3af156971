"""The folder of a benchmark: records of measurements, of scenes and of the machine.

``results.jsonl`` holds one JSON record per measurement and is only ever appended to;
``results.csv`` the columns of it that tables need; ``about.json`` machine, versions and scenes.
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
    """

    folder: Path
    records: dict[Key, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the records; a last line that was cut off by an interruption is dropped."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._store.exists():
            lines = self._store.read_text().splitlines(keepends=True)
            if lines and not lines[-1].endswith("\n"):
                lines.pop()
                self._store.write_text("".join(lines))
            for number, line in enumerate(lines, 1):
                try:
                    record = json.loads(line)
                except json.JSONDecodeError as error:
                    raise DataError(
                        f"{self._store}, line {number}: {error}",
                        hint="remove the line; its measurement is then done again",
                    ) from error
                self.records[key_of(record)] = record

    @property
    def _store(self) -> Path:
        return self.folder / "results.jsonl"

    def add(self, record: dict[str, Any]) -> None:
        """Keep a record and write it to the disk."""
        self.records[key_of(record)] = record
        with self._store.open("a") as file:
            file.write(json.dumps(record) + "\n")

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


def _text(value: Any) -> Any:
    """Numbers with as many digits as mean something."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.7g}"
    return value
