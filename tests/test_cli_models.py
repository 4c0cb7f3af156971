"""hyspec-train --list: the analysis models as a table and as JSON."""

import json
import re
import sys
from pathlib import Path

import pytest

from hyspec_tools.train import main
from hyspec_training.analysis.registry import MODELS

DOCUMENTS = Path(__file__).parents[1] / "docs"
PAGE = (DOCUMENTS / "analysis.md").read_text(encoding="utf-8")
COMMANDS = (DOCUMENTS / "command_line.md").read_text(encoding="utf-8")


def listed(capsys, *arguments):
    assert main(["--list", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_json(capsys):
    text = listed(capsys, "--json", "--bands", "162", "--classes", "6")
    assert text.count("\n") == 1
    records = {record["name"]: record for record in json.loads(text)}
    assert list(records) == list(MODELS)
    assert records["unmixing-cube-dcae"] == {
        "name": "unmixing-cube-dcae",
        "parameters": 5_094_420,
        "trainable": 5_093_286,
        "patch": 5,
        "task": "unmixing",
    }
    assert {record["task"] for record in records.values()} == {
        "classification",
        "autoencoder",
        "unmixing",
        "shared-encoder",
    }


def test_too_few_bands_for_some(capsys):
    records = json.loads(listed(capsys, "--json", "--bands", "40"))
    by_name = {record["name"]: record["parameters"] for record in records}
    assert by_name["chen"] is None
    assert by_name["hamida"] > 0
    lines = listed(capsys, "--bands", "40").splitlines()
    assert [line.split() for line in lines if line.startswith("chen ")] == [
        ["chen", "classification", "-", "-", "-"]
    ]


def test_the_documented_table_is_what_is_printed(capsys):
    [table] = re.findall(r"^```text\n(name .*?)^```$", PAGE, re.M | re.S)
    assert listed(capsys) == table
    assert listed(capsys, "--bands", "103", "--classes", "10") == table


def test_the_documented_commands_run(capsys):
    commands = re.findall("^hyspec-train (--list.*)$", COMMANDS, re.M)
    assert len(commands) == 2
    for command in commands:
        assert main(command.split()) == 0
        assert "wavelength-encoder" in capsys.readouterr().out


def test_every_model_is_documented():
    for name in MODELS:
        assert re.search(rf"^\| `{name}` \| [^|]{{20,}} \|[^|]*\|$", PAGE, re.M), name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--json"], "--json without --list"),
        (["--bands", "3", "recipe.toml"], "--bands without --list"),
        (["--list", "recipe.toml"], "--list and a recipe; expected one of them"),
        (["--list", "--classes", "0"], "--classes: found '0'"),
        ([], "no recipe was given"),
    ],
)
def test_bad_use(capsys, arguments, said):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err


def test_without_pytorch(capsys, monkeypatch):
    for name in [n for n in sys.modules if n.startswith("hyspec_training")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("hyspec_training.analysis", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["--list"]) == 1
    assert "listing models needs torch" in capsys.readouterr().err
