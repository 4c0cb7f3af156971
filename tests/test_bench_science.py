"""Tasks of remote sensing, their report over the rate, and the baselines of unmixing."""

import numpy as np
import pytest
from scipy.io import savemat

from hyspec.analysis import auc, rx
from hyspec.errors import DataError
from hyspec_bench import cli, scenes, science, tasks, unmixing_baselines


@pytest.fixture(scope="module")
def anomalous(tmp_path_factory, scene_cube):
    """Scene of which a few pixels hold a spectrum of their own."""
    path = tmp_path_factory.mktemp("anomalies") / "port.mat"
    cube = scene_cube.array[:36, :34].copy()
    targets = np.zeros(cube.shape[:2], np.uint8)
    targets[5:8, 9:11] = targets[20, 30] = 1
    cube[targets == 1, ::2] = cube[targets == 1, ::2] // 2 + 3
    savemat(path, {"data": cube, "map": targets})
    return path


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Scene of three known endmembers with pure pixels, in counts."""
    path = tmp_path_factory.mktemp("mixtures") / "jasper-ridge.mat"  # for its scale
    random = np.random.default_rng(0)
    endmembers = random.uniform(0.1, 1, (3, 40))
    abundances = random.dirichlet(np.ones(3), (20, 24))
    abundances[0, :3] = np.eye(3)
    counts = np.rint(abundances @ endmembers * 5000).astype(np.uint16)
    savemat(
        path,
        {
            "Y": counts.transpose(2, 1, 0).reshape(40, -1),
            "lines": 20,
            "cols": 24,
            "GT": endmembers,
            "S_GT": abundances,
        },
    )
    return path


def test_shipped_tasks_have_short_names():
    assert set(tasks.load(tasks.SHIPPED)) == set(tasks.SHIPPED)


def test_detection_of_a_scene(anomalous):
    scene = scenes.load(anomalous)
    samples = scene.cube.array
    found = science.rx_auc(scene, samples)
    targets = science._anomalies(anomalous)
    assert np.count_nonzero(targets) == 7
    assert found == auc(rx(samples), targets) > 0.95
    assert science.plain_rx_auc(scene, samples) > 0.95
    shuffled = np.random.default_rng(1).permutation(samples.reshape(-1, 24)).reshape(samples.shape)
    assert science.rx_auc(scene, shuffled) < 0.9


def test_unmixing_of_a_scene(mixed):
    scene = scenes.load(mixed)
    samples = scene.cube.array
    assert science.fcls_a_rmse(scene, samples) < 1e-3  # counts are rounded
    assert science.vca_angle(scene, samples) < 1e-3
    noisy = samples + np.random.default_rng(2).integers(-500, 500, samples.shape)
    assert science.fcls_a_rmse(scene, noisy) > 0.01
    assert science.vca_angle(scene, noisy) > 0.01


def test_scenes_without_ground_truth(anomalous, mixed):
    with pytest.raises(DataError, match="has no abundances"):
        science.fcls_a_rmse(scenes.load(anomalous), np.ones((36, 34, 24), int))
    with pytest.raises(DataError, match="has no anomalies"):
        science.rx_auc(scenes.load(mixed), np.ones((20, 24, 40), int))


def test_tasks_over_the_rate(run, anomalous, tmp_path):
    options = ("--codecs", "j2k_mc_ns,klt_j2k_ns", "--rates", "0.3,3", "--out", tmp_path, "--quiet")
    done = run(cli.main, "tasks", "--scenes", anomalous, *options)
    assert done.code == 0, done.err
    text = (tmp_path / "tasks.md").read_text()
    assert text in done.out
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| port")]
    assert [row[2] for row in rows] == ["j2k_mc_ns", "klt_j2k_ns"]
    scene = scenes.load(anomalous)
    original = science.rx_auc(scene, scene.cube.array)
    for row in rows:
        assert row[1] == f"{original:.4f}"
        value, difference, _, rate = row[4].strip("| ").replace("(", "").replace(")", "").split()
        assert float(value) - original == pytest.approx(float(difference), abs=1e-4)
        assert float(rate) == pytest.approx(3, rel=0.1)
    assert (tmp_path / "tasks.png").read_bytes().startswith(b"\x89PNG")


def test_baselines(run, mixed):
    done = run(unmixing_baselines.main, mixed, "--seeds", "3")
    assert done.code == 0
    header, _, *rows = (line.strip("| ").split(" | ") for line in done.out.splitlines())
    assert header[2:] == list(unmixing_baselines.COLUMNS)
    assert [row[1] for row in rows] == [
        "FCLS, true endmembers",
        "VCA + FCLS, 3 seeds",
        "VCA by principal components + FCLS, 3 seeds",
        "archetypes + FCLS, 3 seeds",
    ]
    assert float(rows[0][3]) < 1e-3
    for row in rows[1:3]:
        assert float(row[3].split(" ± ")[0]) < 2e-3  # there are pure pixels
    assert float(rows[3][2].split(" ± ")[0]) < 0.08  # averages of pixels, none of them quite pure
    single = run(unmixing_baselines.main, mixed, "--seeds", "1")
    assert "±" not in single.out


def test_baselines_of_another_file(run, anomalous):
    done = run(unmixing_baselines.main, anomalous)
    assert done.code == 1
    assert done.err.startswith("error: ")
