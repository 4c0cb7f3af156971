"""Trained networks over a scene in pieces, in one piece, and in PyTorch: the same result."""

import numpy as np
import pytest
import torch

from analysis_cases import CLASSES, model_of
from analysis_packs import classifier
from hyspec import Cube
from hyspec.analysis import pack, prediction, scaling
from hyspec_training.analysis.export import export_model

torch.set_num_threads(1)

#: Of single pixels, of patches alone, and of planes of any size.
MODELS = {"hu": {}, "hamida": {}, "spectral-spatial": {"patch": 5, "width": 8}}


@pytest.mark.parametrize("name", MODELS)
def test_no_seam_is_to_be_seen(name, scene_cube, monkeypatch):
    cube = Cube(scene_cube.array[:17, :19])
    scaler = scaling.fit("standard", cube.array)
    model = model_of(name, 24, **MODELS[name])
    made = classifier(
        patch=model.patch,
        whole_scenes=model.whole_scenes,
        scaler=scaler,
        graphs=export_model(model),
        classes=pack.named([f"class {k}" for k in range(CLASSES)]),
    )
    border = model.patch // 2
    x = torch.from_numpy(scaler(cube.array)).float().permute(2, 0, 1)[None]
    x = torch.from_numpy(np.pad(x.numpy(), ((0, 0),) * 2 + ((border, border),) * 2, "symmetric"))
    with torch.no_grad():
        if model.whole_scenes:
            want = model(x)[0].permute(1, 2, 0).numpy()
        else:
            patches = x[0].unfold(1, model.patch, 1).unfold(2, model.patch, 1)
            patches = patches.permute(1, 2, 0, 3, 4).flatten(0, 1)
            want = model(patches)[:, :, 0, 0].reshape(17, 19, CLASSES).numpy()
    assert want.std() > 0.05
    for rows, samples in ((1000, 1 << 20), (5, 24 * 30), (1, 24)):
        monkeypatch.setattr(prediction, "_MOST_ROWS", rows)
        monkeypatch.setattr(prediction, "_SAMPLES", samples)
        monkeypatch.setattr(prediction, "_LEAST_PIXELS", 3)
        found = np.zeros_like(want)
        parts = list(prediction.pieces(cube, made, "scores", CLASSES))
        assert (len(parts) == 1) == (rows == 1000)
        for piece in parts:
            found[piece.rows, piece.columns] = piece.values
        np.testing.assert_allclose(found, want, rtol=0, atol=1e-4)
