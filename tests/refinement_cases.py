"""A copy of a pack whose networks have a refinement that is made by hand."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hyspec.refinement import INPUTS


def weighted_sum(weights: list[float], per_octave: float = 0.0) -> bytes:
    """Graph that returns a weighted sum of what it sees, and of the level in octaves."""
    assert len(weights) == INPUTS
    kernel = np.array(weights, np.float32).reshape(1, INPUTS, 1, 1)
    share = np.array([per_octave], np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["planes", "kernel"], ["sum"]),
            helper.make_node("Mul", ["octave", "share"], ["part"]),
            helper.make_node("Add", ["sum", "part"], ["correction"]),
        ],
        "refinement",
        [
            helper.make_tensor_value_info("planes", TensorProto.FLOAT, ["n", INPUTS, "h", "w"]),
            helper.make_tensor_value_info("octave", TensorProto.FLOAT, ["n", 1, 1, 1]),
        ],
        [helper.make_tensor_value_info("correction", TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(share, "share")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def with_refinement(source: Path, out: Path, graph: bytes) -> Path:
    """Write a copy of a pack directory; docs/pack_format.md, sections 1 to 3."""
    manifest: dict[str, Any] = json.loads((source / "manifest.json").read_text("utf-8"))
    files = {name: (source / name).read_bytes() for name in manifest["files"]}
    files |= {f"{network['name']}/refinement.onnx": graph for network in manifest["networks"]}
    for name, data in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)
        manifest["files"][name] = hashlib.sha256(data).hexdigest()
    (out / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return out
