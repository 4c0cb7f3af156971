"""hyspec-demo: what it writes, what it refuses to write over, and when it finds out."""

import sys

import pytest

import hyspec
from hyspec import io
from hyspec_tools import demo, report

FILES = ["comparison.png", "decoded.hdr", "decoded.img", "scene.hdr", "scene.hyc", "scene.img"]


@pytest.fixture
def show(run, tmp_path, tiny_pack):
    def show(*arguments, pack=tiny_pack):
        return run(demo.main, tmp_path / "demo", "--size", 24, "--pack", pack, *arguments)

    return show


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_and_record(show, tmp_path):
    pytest.importorskip("matplotlib")
    done = show("--json")
    assert (done.code, done.err) == (0, "")
    assert sorted(content(tmp_path / "demo")) == FILES
    cube = io.read(tmp_path / "demo" / "scene.hdr")
    assert list(done.json) == list(report.KEYS)
    assert all(value is not None for value in done.json.values())
    assert done.json["samples"] == cube.array.size
    assert done.json["bps"] == 8 * done.json["bytes"] / done.json["samples"]


@pytest.mark.parametrize("name", FILES)
def test_existing_files(show, tmp_path, monkeypatch, name):
    """They are noticed before any work is done."""

    def work(*_args, **_kwargs):
        raise AssertionError("too late")

    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / name).write_bytes(b"precious")
    with monkeypatch.context() as patch:
        patch.setattr(demo, "scene", work)
        done = show()
    assert done.code == 2
    assert f"{name} exists already\nhint: " in done.err
    assert "--force" in done.err
    assert content(tmp_path / "demo") == {name: b"precious"}


def test_force(show, tmp_path):
    pytest.importorskip("matplotlib")
    (tmp_path / "demo").mkdir()
    for name in FILES:
        (tmp_path / "demo" / name).write_bytes(b"old")
    assert show("--force", "--json").code == 0
    assert sorted(content(tmp_path / "demo")) == FILES
    assert b"old" not in content(tmp_path / "demo").values()


def test_matplotlib_is_looked_for_first(show, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = show()
    assert done.code == 1
    assert "hint: pip install 'hyspec[plot]'" in done.err
    assert not (tmp_path / "demo").exists()


def test_failure_leaves_an_old_picture(show, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")

    def broken(*_args):
        raise hyspec.errors.DataError("no picture")

    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "comparison.png").write_bytes(b"old")
    monkeypatch.setattr(demo, "comparison_figure", broken)
    assert show("--force").code == 1
    assert (tmp_path / "demo" / "comparison.png").read_bytes() == b"old"
