"""Tables of classifiers: on data sets, and on scenes that were compressed."""

import re

import pytest

from analysis_scenes import known_scene, no_export, scene
from hyspec_bench import classification, coded_classification

__all__ = ["known_scene", "no_export"]

pytestmark = pytest.mark.usefixtures("known_scene", "no_export")

RECIPE = """
[analysis]
name = "x"
task = "classification"

[[scene]]
source = "samson"

[split]
train = 0.4
validation = 0.2
patch = 3
candidates = 16
per_class = 30
varied = true

[model]
name = "knn"

[training]
runs = 2
"""


@pytest.fixture
def recipes(tmp_path):
    paths = []
    for name, options in (("knn", ""), ("spectral-spatial", "options = { patch = 3, width = 8 }")):
        text = RECIPE.replace('name = "knn"', f'name = "{name}"\n{options}')
        paths.append(tmp_path / f"{name}.toml")
        paths[-1].write_text(text.replace("runs = 2", "runs = 2\nepochs = 2"))
    return paths


def cells(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_row_for_each_set_and_recipe(recipes, tmp_path, capsys):
    arguments = ["--sets", "jasper-ridge,moffett", "--data", str(tmp_path), "--out"]
    assert classification.main([*map(str, recipes), *arguments, str(tmp_path / "out")]) == 0
    header, _, *rows = cells(capsys.readouterr().out)
    assert tuple(header) == classification.HEADER
    names = [
        (name, model)
        for name in ("jasper-ridge", "moffett")
        for model in ("knn", "spectral-spatial")
    ]
    assert [(row[0], row[1]) for row in rows] == names
    for row in rows:
        assert all(re.fullmatch(r"-?[\d.]+ ± [\d.]+", cell) for cell in row[2:5]), row
        assert row[6] == "0.0 %"
    assert float(rows[0][2].split()[0]) > 90
    assert rows[0][2:] == rows[2][2:]  # both names stand for the same scene here


def test_other_tasks_have_no_classes(tmp_path, capsys):
    path = tmp_path / "unmixing.toml"
    path.write_text(RECIPE.replace("classification", "unmixing").replace("knn", "compact-unmixing"))
    arguments = [str(path), "--data", str(tmp_path), "--out", str(tmp_path)]
    assert classification.main(arguments) == 1
    assert "a recipe of the task unmixing" in capsys.readouterr().err


def test_planes_of_a_stream_tell_classes_apart(recipes, tmp_path, capsys):
    arguments = ["jasper-ridge", *map(str, recipes), "--rates", "0.5,2", "--runs", "1"]
    arguments += ["--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert coded_classification.main(arguments) == 0
    header, _, *rows = cells(capsys.readouterr().out)
    assert tuple(header) == coded_classification.HEADER
    assert [row[0] for row in rows] == ["knn"] * 3 + ["spectral-spatial"] * 3
    original, _, fine = rows[:3]
    accuracy = float(original[2].split()[0])
    assert 0.4 < float(rows[1][1]) < float(fine[1]) < 2.2
    for cell in fine[2:]:  # at a high rate, nothing is lost
        assert float(cell.split()[0]) > accuracy - 5


def test_planes_have_as_many_features_as_the_scene_allows():
    rate, decoded, planes = coded_classification.coded(scene(), 1.0)
    assert decoded.cube.shape == scene().cube.shape
    assert planes.cube.shape == (30, 28, 12)
    assert 0.5 < rate < 1.2
