"""Makes the pack that tests and golden streams use: python tests/golden/make_tiny_pack.py OUT.

Its two networks are the lowest frequencies of a block cosine transform, so that nothing has to be
trained but the entropy models; they see a few synthetic scenes.

Run once per pack format version; OUT is committed under tests/golden/packs and never changed,
because golden streams name it by its hash.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

from hyspec import _core, synthetic
from hyspec.band_profile import BandCoder
from hyspec.pack import PackModel, PackNetwork
from hyspec.quality import step_for_octave
from hyspec.sample_type import SampleType

OPSET, IR_VERSION = 18, 8
LEVELS_PER_OCTAVE = 32
#: Steps of the latents at quality 0, in octaves.
FIRST_STEP = 3
#: Bits that a slot remembers of the training scenes.
MOST_COUNT = 12


@dataclass(frozen=True)
class Recipe:
    """One network: block size, frequencies (vertical, horizontal), and what the manifest says."""

    name: str
    stride: int
    frequencies: list[tuple[int, int]]
    octaves: int
    context_bands: int
    from_level: int

    @property
    def channels(self) -> int:
        return len(self.frequencies)

    @property
    def levels(self) -> int:
        return self.octaves * LEVELS_PER_OCTAVE + 1


LOW = Recipe("low", 16, [(0, 0), (0, 1), (1, 0), (1, 1)], 6, 1, 0)
HIGH = Recipe(
    "high", 8, [(0, 0), (0, 1), (1, 0), (0, 2), (2, 0), (1, 1), (1, 2), (2, 1)], 10, 3, 48
)


def filters(recipe: Recipe) -> npt.NDArray[np.float16]:
    """Orthonormal cosine functions of a block, shape (channels, 1, stride, stride)."""
    n = recipe.stride
    place = np.arange(n) + 0.5
    waves = np.cos(np.pi / n * np.outer(np.arange(n), place)) * np.sqrt(2 / n)
    waves[0] /= np.sqrt(2)
    return np.stack([np.outer(waves[v], waves[h]) for v, h in recipe.frequencies])[:, None].astype(
        np.float16
    )


# ---- graphs


def tensor(name: str, shape: list[Any]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def graph(
    nodes: list[NodeProto], inputs: list[Any], output: Any, weights: dict[str, npt.NDArray[Any]]
) -> bytes:
    """Serialise a graph with its weights, those of half precision behind Cast nodes."""
    casts = [
        helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT)
        for name, values in weights.items()
        if values.dtype == np.float16
    ]
    stored = [
        numpy_helper.from_array(v, f"{name}.half" if v.dtype == np.float16 else name)
        for name, v in weights.items()
    ]
    model: ModelProto = helper.make_model(
        helper.make_graph([*casts, *nodes], "tiny", inputs, [output], stored),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def analysis(recipe: Recipe) -> bytes:
    strides = [recipe.stride, recipe.stride]
    return graph(
        [helper.make_node("Conv", ["plane", "filters"], ["latents"], strides=strides)],
        [tensor("plane", ["n", 1, "y", "x"])],
        tensor("latents", ["n", recipe.channels, "h", "w"]),
        {"filters": filters(recipe)},
    )


def synthesis(recipe: Recipe) -> bytes:
    """The transform back; with three bands, a little of the slope between the neighbours is added.

    That share falls with the quality, so that all latents and the second input show in the result.
    """
    inputs = [tensor("latents", ["n", recipe.context_bands * recipe.channels, "h", "w"])]
    weights: dict[str, npt.NDArray[Any]] = {"filters": filters(recipe)}
    nodes = []
    own = "latents"
    if recipe.context_bands == 3:
        inputs.append(tensor("octave", ["n", 1, 1, 1]))
        weights |= {"one": np.array(1, np.float32), "share": np.array(0.02, np.float32)}
        nodes = [
            helper.make_node(
                "Split", ["latents"], ["this", "before", "after"], axis=1, num_outputs=3
            ),
            helper.make_node("Sub", ["after", "before"], ["slope"]),
            helper.make_node("Add", ["octave", "one"], ["quality"]),
            helper.make_node("Div", ["share", "quality"], ["factor"]),
            helper.make_node("Mul", ["slope", "factor"], ["correction"]),
            helper.make_node("Add", ["this", "correction"], ["own"]),
        ]
        own = "own"
    strides = [recipe.stride, recipe.stride]
    nodes.append(helper.make_node("ConvTranspose", [own, "filters"], ["plane"], strides=strides))
    return graph(nodes, inputs, tensor("plane", ["n", 1, "y", "x"]), weights)


def gains(recipe: Recipe) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    """Codes of gains and inverse gains, (levels, channels); steps get finer with the frequency."""
    octave = np.arange(recipe.levels)[:, None] / LEVELS_PER_OCTAVE - FIRST_STEP
    gain = np.rint(256 * octave + 20 * np.arange(recipe.channels)).astype(np.int16)
    return gain, (3 - gain).astype(np.int16)


# ---- entropy models

State = tuple[npt.NDArray[Any], ...]


def train(network: PackNetwork) -> State:
    """State after a few synthetic scenes; what they did not reach is varied at random."""
    coder = BandCoder(PackModel("any", (network,)))
    trainer = _core.LatentTrainer(network.latents)
    counts = SampleType(np.dtype(np.uint16))
    for seed in range(3):
        samples = synthetic.scene(96, 96, sensor="enmap", seed=seed).cube.array[:, :, ::6]
        chunk = coder.analyse(samples, None, counts)
        middle = 2.0 ** ((float(np.median(chunk.scale)) - 65) / 16)
        for octave in (5.0, 2.0, 7.0, 1.0, 3.0, 4.0):
            symbols = coder.encode(chunk, step_for_octave(middle, octave))[2]
            levels = _core.band_levels(chunk.scale, symbols.step, network.levels)
            grid = (96 // network.stride, 96 // network.stride)
            latents = symbols.latents.reshape(-1, network.channels, *grid)
            trainer.learn(levels[levels >= 0].astype(np.uint32), latents)
    probability, count, mixers, intra = trainer.state
    rng = np.random.default_rng(network.stride)
    varied = np.where(count == 0, rng.integers(8192, 57344, len(count)), probability)
    return varied.astype(np.uint16), np.minimum(count, MOST_COUNT), mixers, intra


# ---- files


def npy(values: npt.NDArray[Any], dtype: str) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(values, dtype), allow_pickle=False)
    return buffer.getvalue()


def network_files(recipe: Recipe) -> dict[str, bytes]:
    gain, inverse = gains(recipe)
    network = PackNetwork(
        name=recipe.name,
        stride=recipe.stride,
        channels=recipe.channels,
        levels=recipe.levels,
        from_level=recipe.from_level,
        context_bands=recipe.context_bands,
        analysis=analysis(recipe),
        analysis_int8=None,
        synthesis=synthesis(recipe),
        inverse_gain=np.exp2(inverse / 256).astype(np.float32),
        latents=_core.LatentModel.untrained(gain),
    )
    probability, count, mixers, intra = train(network)
    files = {
        "analysis.onnx": network.analysis,
        "synthesis.onnx": network.synthesis,
        "gain.npy": npy(gain, "<i2"),
        "inverse_gain.npy": npy(inverse, "<i2"),
        "probability.npy": npy(probability, "<u2"),
        "count.npy": npy(count, "|u1"),
        "mixers.npy": npy(mixers, "<i4"),
        "intra.npy": npy(intra, "<i4"),
    }
    return {f"{recipe.name}/{name}": data for name, data in files.items()}


def about(recipe: Recipe) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "stride": recipe.stride,
        "channels": recipe.channels,
        "levels": recipe.levels,
        "context_bands": recipe.context_bands,
        "from_level": recipe.from_level,
        "gains_per_octave": 256,
    }


def main(out: Path) -> None:
    files = network_files(LOW) | network_files(HIGH)
    manifest = {
        "format": "hyspec-pack",
        "format_version": 2,
        "name": "tiny",
        "profile": "band",
        "description": "Two very small cosine transforms, for tests and golden streams only",
        "sensor": "synthetic",
        "licence": "Apache-2.0",
        "opset": OPSET,
        "networks": [about(LOW), about(HIGH)],
        "models": [{"name": "any", "networks": [LOW.name, HIGH.name]}],
        "quality_range": [0, 10 * HIGH.octaves],
        "recipe": "",
        "scenes": [],
        "validation": [],
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    }
    files["manifest.json"] = (json.dumps(manifest, indent=1) + "\n").encode()
    for name, data in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
