"""Export of trained networks to a pack: ONNX graphs, gains and integer tables.

The format is described in docs/pack_format.md.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import shutil
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxscript  # noqa: F401  (the exporter's own need, missed here rather than after training)
import torch
from torch import nn

from hyspec.errors import UsageError
from hyspec_training import tables
from hyspec_training.balle import STRIDE, BandNetwork
from hyspec_training.config import Config

#: ONNX operator set of the graphs: old enough for the runtimes on small boards.
OPSET = 18
#: ONNX format version of the graphs: the one that came with the operator set.
IR_VERSION = 8
#: Quality levels per octave: a step of one changes the rate by about one per cent.
LEVELS_PER_OCTAVE = 32
#: Octaves beyond the trained range that can still be asked for.
EXTRA_OCTAVES = 3


def to_onnx(module: nn.Module, example: torch.Tensor, inputs: str, outputs: str) -> bytes:
    """Serialise a module with one input and one output, both (N, C, H, W) with free N, H, W."""
    dynamic = {0: torch.export.Dim("n"), 2: torch.export.Dim("h"), 3: torch.export.Dim("w")}
    with warnings.catch_warnings(), _silenced(logging.getLogger("torch.onnx")):
        # Deprecations inside the exporter are not ours to mend.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.onnx.export(
            module.eval(),
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[inputs],
            output_names=[outputs],
            dynamic_shapes=(dynamic,),
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    model.ir_version = IR_VERSION
    del model.metadata_props[:]
    for node in model.graph.node:  # source locations of the exporting machine
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        del value.metadata_props[:]
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


@contextlib.contextmanager
def _silenced(logger: logging.Logger) -> Iterator[None]:
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def log2_gains(net: BandNetwork) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Knots of the gains and inverse gains as base-2 logarithms, shape (octaves + 1, C)."""
    scale = 1 / np.log(2)
    return (
        np.asarray(net.gains.log_gain.detach().numpy() * scale, np.float32),
        np.asarray(net.gains.log_inverse.detach().numpy() * scale, np.float32),
    )


def write_pack(
    folder: Path,
    config: Config,
    networks: Sequence[BandNetwork],
    *,
    scenes: Sequence[str],
    validation: Sequence[dict[str, Any]],
    force: bool = False,
) -> str:
    """Write a pack directory.

    Parameters
    ----------
    folder
        Directory to create; an existing one is replaced only with ``force``.
    config
        The recipe.
    networks
        One network per model that the recipe names.
    scenes
        Names of the scenes that were trained on.
    validation
        Rate and distortion on the validation scenes, for the manifest.

    Returns
    -------
    str
        The pack's identifier in hexadecimal.

    Raises
    ------
    UsageError
        The directory exists, or the numbers of networks and models differ.
    DataError
        The gains span more octaves than the format has tables for.
    """
    if len(networks) != len(config.pack.models):
        raise UsageError(f"{len(networks)} networks for {len(config.pack.models)} models")
    if folder.exists() and not force:
        raise UsageError(f"{folder} exists already", hint="choose another name or use --force")
    files: dict[str, bytes] = {}
    octaves = config.network.octaves + EXTRA_OCTAVES
    levels = octaves * LEVELS_PER_OCTAVE + 1
    ladders = []
    for k, net in enumerate(networks):
        net = net.to("cpu").eval()
        files[f"model-{k}/analysis.onnx"] = to_onnx(
            net.analysis, torch.zeros(2, 1, 2 * STRIDE, 3 * STRIDE), "plane", "latents"
        )
        files[f"model-{k}/synthesis.onnx"] = to_onnx(
            net.synthesis, torch.zeros(2, net.filters, 2, 3), "latents", "plane"
        )
        gain, inverse = log2_gains(net)
        files[f"model-{k}/log2_gain.npy"] = _npy(gain, "<f4")
        files[f"model-{k}/log2_inverse_gain.npy"] = _npy(inverse, "<f4")
        quality = torch.arange(levels, dtype=torch.float32) / LEVELS_PER_OCTAVE
        with torch.no_grad():
            per_level = torch.log2(net.gains(quality)[0]).numpy().astype(np.float64)
        ladders.append((net, per_level))
    lowest = min(float(g.min()) for _, g in ladders)
    highest = max(float(g.max()) for _, g in ladders)
    rungs = 0
    for k, (net, per_level) in enumerate(ladders):
        built = tables.build(net.prior, per_level, lowest, highest)
        rungs = built.rungs
        files[f"model-{k}/freq.npy"] = _npy(built.freq, "<u2")
        files[f"model-{k}/start.npy"] = _npy(built.start, "<u4")
        files[f"model-{k}/first.npy"] = _npy(built.first, "<i4")
        files[f"model-{k}/ladder.npy"] = _npy(built.ladder, "|u1")
    manifest = {
        "format": "hyspec-pack",
        "format_version": 1,
        "name": config.pack.name,
        "profile": "band",
        "description": config.pack.description,
        "sensor": config.pack.sensor,
        "licence": config.pack.licence,
        "opset": OPSET,
        "stride": STRIDE,
        "channels": config.network.filters,
        "levels": levels,
        "levels_per_octave": LEVELS_PER_OCTAVE,
        "quality_range": [0, 10 * config.network.octaves],
        "rungs": rungs,
        "models": [{"name": name} for name in config.pack.models],
        "recipe": config.text,
        "scenes": list(scenes),
        "validation": list(validation),
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    # Written beside and renamed: nobody ever finds half a pack.
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    for name, data in files.items():
        (temporary / name).parent.mkdir(parents=True, exist_ok=True)
        (temporary / name).write_bytes(data)
    (temporary / "manifest.json").write_text(text, encoding="utf-8", newline="\n")
    if folder.exists():
        shutil.rmtree(folder)
    temporary.rename(folder)
    return hashlib.sha256(text.encode()).hexdigest()


def _npy(values: npt.NDArray[Any], dtype: str) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(values, dtype), allow_pickle=False)
    return buffer.getvalue()
