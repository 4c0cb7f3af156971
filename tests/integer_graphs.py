"""A pack with graphs in the place of those in 8-bit integers, which tests can tell apart."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper


def write_pack(source: Path, folder: Path, factor: float) -> Path:
    """Copy a pack and add analysis graphs to it: those in float32, their latents times a factor."""
    shutil.copytree(source, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    for network in manifest["networks"]:
        model = onnx.load(folder / network["name"] / "analysis.onnx")
        end = model.graph.output[0].name
        last = next(node for node in model.graph.node if node.output[0] == end)
        last.output[0] = "before"
        model.graph.node.append(helper.make_node("Mul", ["before", "factor"], [end]))
        factors = numpy_helper.from_array(np.float32(factor), "factor")
        model.graph.initializer.append(factors)
        graph, name = model.SerializeToString(), f"{network['name']}/analysis-int8.onnx"
        (folder / name).write_bytes(graph)
        manifest["files"][name] = hashlib.sha256(graph).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
