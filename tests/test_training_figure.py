"""The figure of a run: a line per network and scene, axes per interval, drawn without a display."""

import matplotlib.figure
import pytest

from hyspec_training.figure import draw_history


def records(*scenes, step=10, offset=0.0):
    return [
        {"step": step, "scene": scene, "quality": q, "bps": 0.1 * q + offset, "snr_db": 6.0 * q}
        for scene in scenes
        for q in range(3)
    ]


@pytest.fixture
def drawn(monkeypatch):
    """Keep the figures that are saved."""
    figures = []
    save = matplotlib.figure.Figure.savefig

    def keep(self, *arguments, **options):
        figures.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", keep)
    return figures


def test_files_and_lines(tmp_path, drawn):
    history = {
        "low": [*records("a", "b", step=5, offset=9), *records("a", "b")],
        "low-interval-0": records("a"),
        "low-interval-3": records("a", "b"),
        "high": records("a", "b", offset=0.5),
    }
    files = draw_history(history, tmp_path / "curve")
    assert [file.name for file in files] == ["curve.png", "curve.pdf"]
    assert files[0].read_bytes().startswith(b"\x89PNG")
    assert files[1].read_bytes().startswith(b"%PDF")
    titles = {axes.get_title(): axes for axes in drawn[0].axes}
    assert list(titles) == ["all bands", "interval 1", "interval 4"]
    lines = {line.get_label(): line for line in titles["all bands"].lines}
    assert list(lines) == ["low, a", "low, b", "high, a", "high, b"]
    assert lines["low, a"].get_xdata() == pytest.approx([0, 0.1, 0.2])  # of the last validation
    assert lines["high, b"].get_xdata() == pytest.approx([0.5, 0.6, 0.7])
    assert lines["low, b"].get_ydata() == pytest.approx([0, 6, 12])
    assert "bit/sample" in titles["all bands"].get_xlabel()
    assert "dB" in titles["all bands"].get_ylabel()
    colours = {label: line.get_color() for label, line in lines.items()}
    assert colours["low, a"] == colours["low, b"] != colours["high, a"]
    [line] = titles["interval 1"].lines
    assert line.get_color() == colours["low, a"]


def test_nothing_is_drawn_of_nothing(tmp_path):
    assert draw_history({"low": []}, tmp_path / "curve") == []
    assert not list(tmp_path.iterdir())
