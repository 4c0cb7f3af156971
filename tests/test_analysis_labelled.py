"""Scenes with ground truth: files of one's own, and the formats of the data sets."""

import os

import numpy as np
import pytest
from scipy.io import savemat

from hyspec import Cube, io
from hyspec.analysis import LabelledScene, labelled, local_sets
from hyspec.errors import DataError, UsageError

RANDOM = np.random.default_rng(0)
CUBE = RANDOM.integers(0, 1000, (7, 9, 5)).astype(np.uint16)
LABELS = RANDOM.integers(0, 4, (7, 9)).astype(np.uint8)


def save(path, array, **variables):
    if path.suffix == ".mat":
        savemat(path, {"x": array, **variables})
    elif path.suffix == ".npy":
        np.save(path, array)
    else:
        io.write(path, Cube(array if array.ndim == 3 else array[..., None]))
    return path


@pytest.mark.parametrize("suffix", [".mat", ".tif", ".hdr", ".npy"])
def test_files_of_ones_own(tmp_path, suffix):
    cube = save(tmp_path / f"field{suffix}", CUBE)
    labels = save(tmp_path / f"classes{suffix}", LABELS)
    scene = labelled.read(cube, labels, class_names=("a", "b", "c"))
    assert scene.name == "field"
    assert np.array_equal(scene.cube.array, CUBE)
    assert np.array_equal(scene.labels, LABELS)
    assert scene.labels.dtype == np.int64
    assert scene.class_names[1] == "b"


def test_variables_of_one_file(tmp_path):
    path = save(tmp_path / "all.mat", CUBE, classes=LABELS, other=LABELS + 1)
    scene = labelled.read(path, path, labels_variable="classes")
    assert np.array_equal(scene.labels, LABELS)


def test_arrays_and_background():
    labels = LABELS.astype(np.float32)
    labels[0, :3] = (-9999, np.nan, np.inf)
    scene = labelled.read(Cube(CUBE), labels)
    assert scene.labels[0, :3].tolist() == [0, 0, 0]
    assert np.array_equal(scene.labels[1:], LABELS[1:])


def test_what_is_no_map(tmp_path):
    with pytest.raises(DataError, match="5 bands"):
        labelled.read_map(save(tmp_path / "a.tif", CUBE))
    with pytest.raises(DataError, match="whole numbers"):
        labelled.read(Cube(CUBE), LABELS + 0.5)
    with pytest.raises(DataError, match="expected"):
        labelled.read(Cube(CUBE), CUBE)
    with pytest.raises(DataError, match="labels have shape"):
        labelled.read(Cube(CUBE), LABELS[:-1])
    with pytest.raises(DataError, match="endmembers have shape"):
        LabelledScene("x", Cube(CUBE), endmembers=np.ones((3, 6)))


def test_unmixing_file(tmp_path):
    """Pixels and abundances of the file are in MATLAB's order, column after column."""
    abundances = RANDOM.dirichlet(np.ones(3), (7, 9))
    savemat(
        tmp_path / "lake.mat",
        {
            "Y": CUBE.transpose(2, 1, 0).reshape(5, -1),
            "lines": 7,
            "cols": 9,
            "GT": RANDOM.random((3, 5)),
            "S_GT": abundances,
            "A": abundances.transpose(2, 1, 0).reshape(3, -1),
        },
    )
    scene = local_sets.read_unmixing(tmp_path / "lake.mat", endmember_scale=0.001)
    assert np.array_equal(scene.cube.array, CUBE)
    assert np.array_equal(scene.abundances, abundances)
    assert scene.endmembers.shape == (3, 5)
    assert scene.spectra() == pytest.approx(CUBE / 1000)


def test_anomaly_files(tmp_path):
    targets = LABELS == 2
    savemat(tmp_path / "with.mat", {"data": CUBE, "map": targets.astype(np.uint8)})
    savemat(tmp_path / "without.mat", {"data": CUBE})
    np.save(tmp_path / "without-map.npy", targets.astype(np.uint8))
    for name in ("with", "without"):
        scene = local_sets.read_anomalies(tmp_path / f"{name}.mat")
        assert np.array_equal(scene.anomalies, targets)
        assert np.array_equal(scene.cube.array, CUBE)


def test_berlin(tmp_path):
    (tmp_path / "train").mkdir()
    beside = tmp_path / "labelled" / "berlin"
    beside.mkdir(parents=True)
    io.write(tmp_path / "train" / "EnMAP_BerlinUrbanGradient.hdr", Cube(CUBE))
    fractions = RANDOM.dirichlet(np.ones(6), (7, 9)).astype(np.float32)
    np.save(beside / "enmap_80x60_level2_fractions.npy", fractions.transpose(2, 0, 1))
    np.save(beside / "enmap_80x60_level2_label.npy", LABELS)
    (scene,) = local_sets.load("berlin-enmap", root=tmp_path)
    assert np.array_equal(scene.labels, LABELS)
    assert np.array_equal(scene.abundances, fractions)


def test_tiles_with_official_split(tmp_path):
    base = tmp_path / "labelled" / "enmap-potsdam"
    for folder in ("images", "labels"):
        (base / folder).mkdir(parents=True)
    for number, part in enumerate(("train", "validation", "test")):
        name = f"tile_{number}.tif"
        io.write(base / "images" / name, Cube(CUBE.astype(np.float32)))
        io.write(base / "labels" / name, Cube(LABELS.astype(np.float32)[..., None]))
        text = f"image,mask\nimages/{name},labels/{name}\n"
        (base / f"{part}_files.csv").write_text(text)
    scenes = local_sets.load("enmap-potsdam", root=tmp_path)
    assert [(s.name, s.part) for s in scenes] == [
        ("tile_0", "train"),
        ("tile_1", "validation"),
        ("tile_2", "test"),
    ]
    assert all(np.array_equal(s.labels, LABELS) for s in scenes)
    assert all(s.cube.nodata == -32768 for s in scenes)
    (base / "test_files.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="expected image and mask"):
        local_sets.load("enmap-potsdam", root=tmp_path)
    (base / "test_files.csv").unlink()
    with pytest.raises(DataError, match="cannot read"):
        local_sets.load("enmap-potsdam", root=tmp_path)


def test_crowns(tmp_path):
    base = tmp_path / "labelled" / "neon-idtrees"
    (base / "images").mkdir(parents=True)
    io.write(base / "images" / "OSBS_1.tif", Cube(CUBE))
    np.savez(base / "crown_species_rasters.npz", OSBS_1=LABELS, OSBS_2=LABELS)
    (base / "crown_species_classes.txt").write_text("1 ACPE\n2 ACRU\n3 PIPA2\n")
    (scene,) = local_sets.load("neon-idtrees", root=tmp_path)
    assert scene.class_names == ("ACPE", "ACRU", "PIPA2")
    assert np.array_equal(scene.labels, LABELS)


def test_folder(monkeypatch, tmp_path):
    monkeypatch.delenv(local_sets.VARIABLE, raising=False)
    with pytest.raises(UsageError, match="HYSPEC_DATA is not set"):
        local_sets.load("samson")
    monkeypatch.setenv(local_sets.VARIABLE, str(tmp_path / "none"))
    with pytest.raises(UsageError, match="no folder"):
        local_sets.load("samson")
    monkeypatch.setenv(local_sets.VARIABLE, str(tmp_path))
    with pytest.raises(DataError, match="does not exist"):
        local_sets.load("samson")
    with pytest.raises(UsageError, match="not known"):
        local_sets.load("atlantis")


#: name: scenes, (rows, columns, bands) of the first, what is known, labelled or anomalous pixels
KNOWN = {
    "jasper-ridge": (1, (100, 100, 198), {"abundances", "endmembers"}, None),
    "samson": (1, (95, 95, 156), {"abundances", "endmembers"}, None),
    "moffett": (1, (50, 50, 184), {"abundances", "endmembers"}, None),
    "berlin-hymap": (1, (100, 67, 111), {"labels", "abundances"}, 2576),
    "berlin-enmap": (1, (80, 60, 244), {"labels", "abundances"}, 829),
    "enmap-potsdam": (18, (32, 32, 224), {"labels"}, 5672),
    "neon-idtrees": (38, (20, 20, 369), {"labels"}, 6582),
    "hydice-urban": (1, (80, 100, 162), {"anomalies"}, 17),
    "abu-beach-3": (1, (100, 100, 205), {"anomalies"}, 11),
    "abu-airport-1": (1, (100, 100, 205), {"anomalies"}, 144),
}


@pytest.mark.skipif(
    not os.environ.get("HYSPEC_DATA"), reason="HYSPEC_DATA does not name a folder of scenes"
)
@pytest.mark.parametrize("name", KNOWN)
def test_real_sets(name):
    count, shape, known, pixels = KNOWN[name]
    scenes = local_sets.load(name)
    assert len(scenes) == count
    assert scenes[0].cube.shape == shape
    kinds = ("labels", "abundances", "endmembers", "anomalies")
    assert {kind for kind in kinds if getattr(scenes[0], kind) is not None} == known
    if "endmembers" in known:
        assert scenes[0].abundances.sum(axis=2) == pytest.approx(1)
    if pixels is not None:
        kind = "labels" if "labels" in known else "anomalies"
        assert sum(np.count_nonzero(getattr(scene, kind)) for scene in scenes) == pixels
