"""Analysis packs in 8-bit integers: a little less exact, and told how much."""

import numpy as np
import onnx
import pytest
import torch

from analysis_cases import model_of
from analysis_packs import classifier, encoder, scaler
from hyspec import Cube, analysis, errors, inference, io
from hyspec.analysis import pack, prediction, scaling
from hyspec_tools import classify
from hyspec_tools import quantise as program
from hyspec_training.analysis.export import export_model
from hyspec_training.analysis.quantise import inner_products, quantise_pack
from hyspec_training.analysis.registry import build

CLASSES = 3


@pytest.fixture(scope="module")
def labels(scene_cube):
    """Thirds of the pixels by the ratio of two bands; the first rows are not known."""
    samples = scene_cube.array.astype(np.float64)
    ratio = samples[:, :, 18] / samples[:, :, 6]
    found = 1 + np.digitize(ratio, np.quantile(ratio, [1 / 3, 2 / 3]))
    found[:3] = 0
    return found.astype(np.int64)


@pytest.fixture(scope="module")
def trained(scene_cube, labels):
    """A pack of a small network, trained for some moments."""
    fitted = scaling.fit("standard", scene_cube.array)
    x = torch.from_numpy(fitted(scene_cube.array)[labels > 0]).float()[:, :, None, None]
    y = torch.from_numpy(labels[labels > 0] - 1)
    torch.manual_seed(1)
    torch.set_num_threads(1)
    model = build("hu", 24, CLASSES)
    optimiser = torch.optim.Adam(model.parameters(), 5e-3)
    for _ in range(60):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(model(x)[:, :, 0, 0], y).backward()
        optimiser.step()
    return classifier(
        model="hu", patch=1, scaler=fitted, graphs=export_model(model), about={"licence": "MIT"}
    )


def test_a_trained_classifier(trained, scene_cube, labels):
    made, lost = quantise_pack(trained, scene_cube, pixels=500, labels=labels)
    graph, whole = made.graphs_int8["scores"], trained.graphs["scores"]
    assert made.graphs == trained.graphs
    assert made.about == {"licence": "MIT", "measured": {"int8": lost}}
    operators = [node.op_type for node in onnx.load_from_string(graph).graph.node]
    assert operators.count("QuantizeLinear") >= 2
    assert len(graph) < 0.5 * len(whole)
    maps = [analysis.classify(scene_cube, made, precision=p) for p in ("fp32", "int8")]
    assert lost["agreement"] == (maps[0] == maps[1]).mean()
    known = labels > 0
    for key, found in zip(("accuracy", "accuracy_int8"), maps, strict=True):
        assert lost[key] == (found == labels)[known].mean()
    assert lost["accuracy"] > 0.9
    assert lost["accuracy_int8"] > lost["accuracy"] - 0.03
    assert 0 < lost["relative"] < 0.1
    assert quantise_pack(trained, scene_cube, pixels=500)[0].graphs_int8 == made.graphs_int8


@pytest.mark.parametrize("name", ["hamida", "compact-unmixing"])
def test_networks_of_all_kinds(name, scene_cube):
    """Convolutions along the spectrum, or with space, and dense layers."""
    model = model_of(name, 24)
    graphs = export_model(model)
    about = {
        "patch": model.patch, "whole_scenes": model.whole_scenes, "graphs": graphs,
        "scaler": scaling.fit("standard", scene_cube.array),
    }  # fmt: skip
    if "abundances" in graphs:
        made = encoder(task="unmixing", latents=None, endmembers=pack.named("abcd"), **about)
    else:
        made = classifier(classes=pack.named("abcd"), **about)
    made, lost = quantise_pack(made, scene_cube, pixels=300)
    assert 0 < lost["relative"] < 0.15
    assert ("agreement" in lost) == (made.task == "classification")
    assert made.graphs_int8


def test_patches_are_those_of_the_pieces(nodata_cube):
    """The graph gives for drawn patches what it gives for their pixels in the scene."""
    for whole in (True, False):
        made = classifier(patch=4, whole_scenes=whole)
        patches = prediction.sampled_patches(nodata_cube, made, 5000)
        assert patches.shape[1:] == (24, 4, 4)
        found = inference.Network(made.graphs["scores"])(patches)[:, :, 0, 0]
        scores = {
            tuple(np.round(value, 3))
            for piece in prediction.pieces(nodata_cube, made, "scores", 3)
            for value in piece.values[piece.valid].tolist()
        }
        assert 900 < len(patches) < 1440
        near = [tuple(np.round(value, 3)) in scores for value in found.tolist()]
        assert np.mean(near) > 0.95  # all but what rounds to another third digit
    fewer = prediction.sampled_patches(nodata_cube, made, 50)
    assert 25 < len(fewer) <= 50


def test_what_cannot_be_quantised(scene_cube):
    with pytest.raises(errors.PackError, match="no named product but the last"):
        quantise_pack(classifier(), scene_cube)
    with pytest.raises(errors.UsageError, match="takes any bands"):
        quantise_pack(encoder(bands=None, scaler=scaler(1)), scene_cube)
    empty = Cube(np.full((5, 5, 24), np.nan, np.float32))
    with pytest.raises(errors.DataError, match="no pixel whose samples are all measured"):
        quantise_pack(classifier(), empty)


def test_the_last_products_stay(trained):
    inner = inner_products(trained.graphs["scores"])
    graph = onnx.load_from_string(trained.graphs["scores"]).graph
    products = [node.name for node in graph.node if node.op_type in ("Conv", "Gemm", "MatMul")]
    assert inner == products[:-1]


def test_program(run, trained, scene_hdr, labels, tmp_path):
    pack.save(trained, tmp_path / "float")
    io.write(tmp_path / "labels.tif", Cube(labels[:, :, None].astype(np.uint8)))
    arguments = (program.main, scene_hdr, tmp_path / "float", tmp_path / "int8.zip",
                 "--labels", tmp_path / "labels.tif", "--pixels", 500)  # fmt: skip
    done = run(*arguments, "--json")
    assert done.code == 0, done.err
    found = pack.load(tmp_path / "int8.zip")
    assert done.json["pack_id"] == found.id.hex()
    lost = found.about["measured"]["int8"]
    assert {key: done.json[key] for key in lost} == lost
    assert lost["accuracy_int8"] > 0.87
    done = run(*arguments)
    assert (done.code, "exists already" in done.err) == (2, True)
    done = run(*arguments, "--force")
    assert done.code == 0
    assert "same class" in done.out
    done = run(classify.main, scene_hdr, tmp_path / "int8.zip", tmp_path / "c.tif", "--precision",
               "int8", "--json")  # fmt: skip
    assert done.code == 0, done.err
    right = (io.read(tmp_path / "c.tif").array[:, :, 0] == labels)[labels > 0].mean()
    assert right == lost["accuracy_int8"]


def test_labels_of_another_scene(run, trained, scene_hdr, tmp_path):
    pack.save(trained, tmp_path / "float")
    io.write(tmp_path / "labels.tif", Cube(np.ones((4, 5, 1), np.uint8)))
    done = run(program.main, scene_hdr, tmp_path / "float", tmp_path / "int8",
               "--labels", tmp_path / "labels.tif")  # fmt: skip
    assert done.code == 1
    assert "labels have shape (4, 5)" in done.err
    assert not (tmp_path / "int8").exists()
