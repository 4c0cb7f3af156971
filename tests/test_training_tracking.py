"""Progress and curves: what the bar says, and what TensorBoard reads back."""

import math
import time

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hyspec_training.tracking import Tracker


def curves(folder):
    events = EventAccumulator(str(folder)).Reload()
    return {
        tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]
    }


SHOWN = {"bps": ("rate", ".3f"), "mse": ("distortion", ".4f")}


def values(loss, rate, distortion):
    return {"loss": loss, "rate": rate, "distortion": distortion}


def test_curves_can_be_read_back(trained):
    found = curves(trained.work / "tensorboard" / "low")
    training = {tag for tag in found if tag.startswith("training/")}
    assert training == {
        f"training/{name}" for name in ("loss", "rate", "distortion", "learning_rate")
    }
    for tag in training:
        assert [step for step, _ in found[tag]] == [20, 40, 60, 80, 100, 120]
        assert all(math.isfinite(value) for _, value in found[tag])
    # A fifth of the warm-up of 100 steps, and the end of half a cosine from 1e-2 to 1e-3.
    rates = [value for _, value in found["training/learning_rate"]]
    assert rates[0] == pytest.approx(0.2 * 1e-2, rel=0.1)
    assert rates[-1] == pytest.approx(1e-3, rel=0.01)
    snr = found["validation scene-2.npy/snr_db at quality 2"]
    assert [step for step, _ in snr] == [60, 120]
    assert len(found) == 4 + 3 * 3


def test_points_after_the_resumed_checkpoint_are_replaced(tmp_path):
    with Tracker("t", 0, 100, tmp_path, quiet=True, shown=SHOWN) as tracker:
        for done in range(1, 61):
            tracker.step(done, values(1.0, 1.0, 1.0), 1e-3)
    time.sleep(1.1)  # TensorBoard orders files by the second they were begun in
    with Tracker("t", 20, 100, tmp_path, quiet=True, shown=SHOWN) as tracker:
        for done in range(21, 101):
            tracker.step(done, values(2.0, 2.0, 2.0), 1e-3)
        tracker.validated(100, {"a.hdr/snr_db at quality 3": 17.5})
    found = curves(tmp_path)
    assert [step for step, _ in found["training/rate"]] == [20, 40, 60, 80, 100]
    assert [value for _, value in found["training/rate"]] == [1, 2, 2, 2, 2]
    assert found["validation a.hdr/snr_db at quality 3"] == [(100, 17.5)]


def test_the_bar_shows_running_means(capsys, tmp_path):
    with Tracker("low (1/2)", 10, 40, tmp_path, quiet=False, shown=SHOWN) as tracker:
        for done in range(11, 41):
            tracker.step(done, values(3.0, 0.25, 0.125), 1e-3)
    last = capsys.readouterr().err.splitlines()[-1]
    assert "low (1/2): 100%" in last
    assert "40/40" in last
    assert "bps=0.250, mse=0.1250" in last


def test_quiet_means_no_bar(capsys):
    with Tracker("low", 0, 2, None, quiet=True, shown=SHOWN) as tracker:
        tracker.step(1, values(3.0, 0.25, 0.125), 1e-3)
        tracker.validated(1, {"a.hdr/bps at quality 0": 0.5})
    assert capsys.readouterr() == ("", "")
