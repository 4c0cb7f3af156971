"""Trained models over scenes: the same as a plain loop over pixels, whatever the pieces are."""

import subprocess
import sys
import threading

import numpy as np
import pytest

import hyspec
from analysis_packs import classifier, convolution, encoder, graph, scaler, unmixer, weights_of
from hyspec import Cube, analysis, errors
from hyspec.analysis import pack, prediction, scaling


def expected(cube, weights, made):
    """Results (rows, columns, F) of a convolution of scaled samples, and which pixels are valid."""
    samples = np.asarray(cube.array, np.float64)
    known = np.isfinite(samples)
    if cube.nodata is not None:
        known &= cube.array != cube.nodata
    scaled = made.scaler(np.where(known, samples, 0))
    side = made.patch
    before = side // 2
    border = (before, side - 1 - before)
    padded = np.pad(scaled, (border, border, (0, 0)), "symmetric")
    views = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))
    found = np.einsum("rcbij,fbij->rcf", views, weights.astype(np.float64), optimize=True)
    return found, known.all(axis=2)


@pytest.fixture(params=["pixel", "patch", "whole", "even"])
def model(request, scene_cube):
    """A classifier that sees a pixel, patches alone, planes of any size, or an even patch."""
    patch, whole = {
        "pixel": (1, True), "patch": (5, False), "whole": (5, True), "even": (4, False),
    }[request.param]  # fmt: skip
    fitted = scaling.fit("standard", scene_cube.array)  # so that all classes occur
    return classifier(patch=patch, whole_scenes=whole, scaler=fitted), weights_of(24, 3, patch)


@pytest.fixture
def small_pieces(monkeypatch):
    """Pieces of some rows and columns, which fit neither the scene nor each other."""
    monkeypatch.setattr(prediction, "_SAMPLES", 24 * 50)
    monkeypatch.setattr(prediction, "_LEAST_PIXELS", 20)
    monkeypatch.setattr(prediction, "_MOST_ROWS", 7)


def scores_of(cube, made, **settings):
    """All scores (rows, columns, F): what classes are told from."""
    result = np.full((*cube.shape[:2], made.outputs), np.nan, np.float32)
    for piece in prediction.pieces(cube, made, "scores", made.outputs, **settings):
        assert np.isnan(result[piece.rows, piece.columns]).all()  # each pixel once
        result[piece.rows, piece.columns] = piece.values
    return result


def test_pieces_and_the_whole_scene_agree(scene_cube, model, monkeypatch):
    made, weights = model
    monkeypatch.setattr(prediction, "_MOST_ROWS", 1000)
    whole = scores_of(scene_cube, made, threads=1)
    want, _ = expected(scene_cube, weights, made)
    np.testing.assert_allclose(whole, want, rtol=0, atol=2e-5)
    assert want.std() > 0.3
    for rows, samples in ((7, 24 * 50), (1, 24), (40, 24 * 200)):
        monkeypatch.setattr(prediction, "_MOST_ROWS", rows)
        monkeypatch.setattr(prediction, "_SAMPLES", samples)
        monkeypatch.setattr(prediction, "_LEAST_PIXELS", 5)
        tiled = scores_of(scene_cube, made, threads=3)
        np.testing.assert_allclose(tiled, whole, rtol=0, atol=2e-5)


@pytest.mark.usefixtures("small_pieces")
def test_classes(nodata_cube, model):
    made, weights = model
    found = analysis.classify(nodata_cube, made)
    scores, valid = expected(nodata_cube, weights, made)
    assert found.dtype == np.uint8
    assert set(np.unique(found)) == {0, 1, 2, 3}
    np.testing.assert_array_equal(found == 0, ~valid)
    clear = valid & (np.diff(np.sort(scores, axis=2)[:, :, -2:]).squeeze(2) > 1e-4)
    np.testing.assert_array_equal(found[clear], scores[clear].argmax(axis=1) + 1)
    assert clear.sum() > 0.9 * valid.sum()


@pytest.mark.usefixtures("small_pieces")
def test_abundances_and_features(nodata_cube):
    mixing, coding = unmixer(patch=3), encoder(patch=3)
    scores, valid = expected(nodata_cube, weights_of(24, 3, 3, seed=1), mixing)
    powers = np.exp(scores - scores.max(axis=2, keepdims=True))
    want = np.where(valid[:, :, None], powers / powers.sum(axis=2, keepdims=True), np.nan)
    found = analysis.unmix(nodata_cube, mixing)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-5)
    latents, _ = expected(nodata_cube, weights_of(24, 4, 3, seed=3), coding)
    found = analysis.features(nodata_cube, coding)
    np.testing.assert_allclose(
        found, np.where(valid[:, :, None], latents, np.nan), rtol=0, atol=2e-5
    )


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2)])
def test_scenes_smaller_than_a_patch(model, scene_cube, shape):
    made, weights = model
    cube = Cube(scene_cube.array[: shape[0], : shape[1]])
    want, _ = expected(cube, weights, made)
    np.testing.assert_allclose(scores_of(cube, made), want, rtol=0, atol=2e-5)


@pytest.mark.usefixtures("small_pieces")
def test_streams_are_decoded_on_the_way(
    scene_stream, scene_decoded, scene_cube, model, tiny_pack, tmp_path, monkeypatch
):
    """The same as of the decoded cube, from a stream and its path; each tile is decoded once."""
    made, _ = model
    decoded = Cube(scene_decoded, wavelengths=scene_cube.wavelengths)
    want = analysis.classify(decoded, made)
    read = []
    original = hyspec.Stream.read

    def counted(self, rows=None, *others, **settings):
        read.append(rows)
        return original(self, rows, *others, **settings)

    monkeypatch.setattr(hyspec.Stream, "read", counted)
    path = tmp_path / "scene.hyc"
    path.write_bytes(scene_stream)
    with hyspec.open(path, pack=tiny_pack) as stream:
        np.testing.assert_array_equal(analysis.classify(stream, made), want)
        height = stream.tile_size[0]
    starts = [start for start, _ in read]
    assert starts == list(range(0, 40, height))
    assert len(starts) > 2


def test_paths(scene_hdr, scene_cube, tmp_path):
    made = classifier()
    pack.save(made, tmp_path / "pack.zip")
    want = analysis.classify(scene_cube, made)
    np.testing.assert_array_equal(analysis.classify(scene_hdr, tmp_path / "pack.zip"), want)
    stream = tmp_path / "scene.hyc"
    stream.write_bytes(hyspec.encode(scene_cube, max_error=0))
    np.testing.assert_array_equal(analysis.classify(stream, str(tmp_path / "pack.zip")), want)


def test_existing_arrays_are_filled(scene_cube):
    made = unmixer()
    out = np.zeros((40, 36, 3), np.float32)
    assert analysis.unmix(scene_cube, made, out=out) is out
    assert out.any()
    with pytest.raises(errors.UsageError, match=r"expected float32 of shape \(40, 36, 3\)"):
        analysis.unmix(scene_cube, made, out=np.zeros((40, 36), np.float32))


@pytest.mark.usefixtures("small_pieces")
def test_progress_reaches_the_end(scene_cube):
    seen = []
    analysis.classify(scene_cube, classifier(), progress=lambda *each: seen.append(each), threads=2)
    assert seen[-1] == ("analysing", 40, 40)
    assert seen == sorted(seen)
    assert len(seen) == 6


@pytest.mark.usefixtures("small_pieces")
def test_memory_is_bounded_by_pieces(monkeypatch):
    """However many rows, no more than some pieces are in the making at a time."""
    lock, alive, most = threading.Lock(), [0], [0]
    original = prediction._tiles

    def watched(*arguments):
        for tile in original(*arguments):
            with lock:
                alive[0] += 1
                most[0] = max(most[0], alive[0])
            yield tile

    monkeypatch.setattr(prediction, "_tiles", watched)
    made = classifier(patch=1)
    cube = Cube(np.broadcast_to(np.zeros(24, np.uint16), (700, 36, 24)))
    count = 0
    for _ in prediction.pieces(cube, made, "scores", 3, threads=2):
        with lock:
            alive[0] -= 1
        count += 1
    assert count > 500
    assert most[0] <= 5


def test_more_classes_than_a_byte_holds(scene_cube):
    made = classifier(count=300, patch=1)
    found = analysis.classify(scene_cube, made)
    assert found.dtype == np.uint16
    assert found.max() > 255


def test_samples_beyond_all_bounds():
    """What overflows has no class; warnings are errors in tests."""
    array = np.full((3, 4, 24), 3000.0)
    array[1, 2] = 1e300
    array[0, 0, 3] = np.inf
    found = analysis.classify(Cube(array), classifier(patch=1))
    np.testing.assert_array_equal(np.argwhere(found == 0), [[0, 0], [1, 2]])


def test_tasks_have_functions_of_their_own(scene_cube):
    for function, made, want in (
        (analysis.classify, unmixer(), "classification"),
        (analysis.unmix, encoder(), "unmixing"),
        (analysis.features, classifier(), "autoencoder or shared-encoder"),
    ):
        with pytest.raises(errors.PackError, match=f"expected one for {want}"):
            function(scene_cube, made)


def test_arguments_that_make_no_sense(scene_cube):
    for settings, match in (
        ({"threads": 0}, "threads is 0"),
        ({"precision": "int4"}, "precision is 'int4'"),
        ({"bands": "some"}, "choice of bands 'some'"),
    ):
        with pytest.raises(errors.UsageError, match=match):
            analysis.classify(scene_cube, classifier(), **settings)
    with pytest.raises(errors.PackError, match="no graph 'scores' of precision int8"):
        analysis.classify(scene_cube, classifier(), precision="int8")


def test_integer_graphs_are_used_if_asked(scene_cube):
    other = convolution(weights_of(24, 3, 1, seed=9))
    made = classifier(patch=1, graphs_int8={"scores": other})
    want = analysis.classify(scene_cube, classifier(patch=1, graphs={"scores": other}))
    np.testing.assert_array_equal(analysis.classify(scene_cube, made, precision="int8"), want)
    assert (analysis.classify(scene_cube, made) != want).any()


@pytest.mark.parametrize("whole", [True, False])
def test_graphs_that_do_not_what_they_should(scene_cube, whole):
    for weights in (weights_of(24, 2, 3), weights_of(24, 3, 2), weights_of(23, 3, 3)):
        made = classifier(
            graphs={"scores": convolution(weights, side=None)}, whole_scenes=whole, patch=3
        )
        with pytest.raises(errors.PackError, match=r"expected|cannot run"):
            analysis.classify(scene_cube, made)
    with pytest.raises(errors.PackError, match="cannot load"):
        analysis.classify(scene_cube, classifier(graphs={"scores": b"no graph"}))


def test_models_of_any_bands(scene_cube):
    """Such graphs get the code of the bands beside the samples."""
    from onnx import helper

    nodes = [
        helper.make_node("Transpose", ["bands"], ["rows"], perm=[1, 0]),
        helper.make_node("Unsqueeze", ["rows", "axes"], ["kernels"]),
        helper.make_node("Conv", ["spectra", "kernels"], ["latents"]),
    ]
    made = graph(nodes, {}, "b", 3, result="latents", code=True)
    about = encoder(bands=None, count=3, graphs={"encoder": made}, scaler=scaler(1))
    fwhm = np.full(24, 90.0)
    cube = Cube(scene_cube.array, wavelengths=scene_cube.wavelengths, fwhm=fwhm,
                wavelength_unit="nm")  # fmt: skip
    code = np.column_stack([cube.wavelengths / 1000, fwhm / 1000, np.ones(24)])
    vapour = ((cube.wavelengths >= 1340) & (cube.wavelengths <= 1450)) | (
        (cube.wavelengths >= 1790) & (cube.wavelengths <= 1970)
    )
    code[vapour] = [1, 1, 0]
    want = ((cube.array - 3000.0) / 2500.0) @ code
    np.testing.assert_allclose(analysis.features(cube, about), want, rtol=0, atol=2e-4)
    bad = np.zeros(24, bool)
    bad[3] = True
    marked = Cube(cube.array, cube.wavelengths, fwhm, "nm", bad_bands=bad)
    code[3] = [1, 1, 0]
    want = ((cube.array - 3000.0) / 2500.0) @ code
    np.testing.assert_allclose(analysis.features(marked, about), want, rtol=0, atol=2e-4)
    with pytest.raises(errors.PackError, match="has no wavelengths"):
        analysis.features(Cube(cube.array), about)
    with pytest.raises(errors.UsageError, match="takes any bands"):
        analysis.features(cube, about, bands="pick")


def test_neither_torch_nor_onnx_is_needed(scene_hdr, tmp_path):
    pack.save(classifier(), tmp_path / "pack")
    script = f"""
import sys
from hyspec import analysis
analysis.classify({str(scene_hdr)!r}, {str(tmp_path / "pack")!r})
found = {{"torch", "onnx", "matplotlib", "scipy", "h5py"}} & set(sys.modules)
assert not found, found
"""
    subprocess.run([sys.executable, "-c", script], check=True)
