"""A refinement for a pack that is there: trained on what its encoder makes, and put into a copy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from hyspec import pack as packs
from hyspec.errors import UsageError
from hyspec.pack_storage import MANIFEST, replace_pack
from hyspec.refinement import INPUTS
from hyspec_training import refinement_training
from hyspec_training.coded_planes import coded_chunks
from hyspec_training.onnx_graphs import halved, stored_in_half, to_onnx
from hyspec_training.recipe import load_scenes, set_up
from hyspec_training.refinement import Refinement
from hyspec_training.refinement_config import RefinementRecipe


def run(
    recipe: RefinementRecipe,
    source: str | Path,
    data: Path,
    work: Path,
    out: Path,
    *,
    cache_folder: Path | None = None,
    threads: int | None = None,
    force: bool = False,
    quiet: bool = False,
) -> str:
    """Train a refinement for a pack, and write a copy of the pack that has it.

    An interrupted run continues from its checkpoint in ``work``, and ends with the same weights.

    Parameters
    ----------
    recipe
        The recipe.
    source
        Name of a shipped pack, or path of a pack directory.
    data
        Folder that the scene patterns are relative to.
    work
        Folder for the checkpoint.
    out
        Directory to create.
    cache_folder
        Folder for copies of scenes that cannot be mapped, and for coded planes; by default
        ``cache`` in ``work``.
    threads
        Threads of PyTorch; by default as many as it finds processors.
    force
        Replace an existing directory.
    quiet
        Show no progress bars.

    Returns
    -------
    str
        Identifier of the new pack in hexadecimal.

    Raises
    ------
    DataError
        A scene is missing or unusable, or the training diverges.
    PackError
        The pack is missing or damaged.
    UsageError
        The directory exists, the pack is of another profile or not a directory, ``work`` holds a
        checkpoint of other settings, or the number of threads is below 1.
    """
    if out.exists() and not force:
        raise UsageError(f"{out} exists already", hint="choose another name or use --force")
    folder, pack = _directory(source)
    set_up(threads)
    work.mkdir(parents=True, exist_ok=True)
    cache = cache_folder or work / "cache"
    training, validation = load_scenes(recipe.data, data, cache)
    names = [scene.name for scene in training]
    settings = refinement_training.settings_of(recipe, pack.id.hex(), names)
    torch.manual_seed(recipe.refinement.seed)
    net = Refinement(recipe.refinement.width, recipe.refinement.blocks)
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    chunks = coded_chunks(training, pack, cache, quiet=quiet)
    refinement_training.train(net, chunks, recipe, settings, work, quiet=quiet)
    kept = coded_chunks(validation, pack, cache, quiet=quiet)
    records = refinement_training.validate(net, kept)
    about = {"recipe": recipe.text, "scenes": names, "validation": records}
    return write(folder, out, export(net), about)


def export(net: Refinement) -> bytes:
    """Graph of a refinement, its larger weights in half precision."""
    examples = [torch.zeros(2, INPUTS, 16, 24), torch.zeros(2, 1, 1, 1)]
    module = halved(net.to("cpu").eval())
    return stored_in_half(to_onnx(module, examples, ["planes", "octave"], "correction"))


def write(source: Path, out: Path, graph: bytes, about: dict[str, Any]) -> str:
    """Write a copy of a pack directory whose networks have a refinement.

    Parameters
    ----------
    source
        The pack.
    out
        Directory to create, or to replace.
    graph
        The refinement.
    about
        What the manifest says of it: ``recipe``, ``scenes``, ``validation``.

    Returns
    -------
    str
        Identifier of the copy in hexadecimal.
    """
    manifest = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    files = {name: (source / name).read_bytes() for name in manifest["files"]}
    files |= {f"{network['name']}/refinement.onnx": graph for network in manifest["networks"]}
    return replace_pack(out, {**manifest, "refinement": about}, files)


def _directory(source: str | Path) -> tuple[Path, packs.Pack]:
    """Directory of a pack of the ``spectral`` profile, and the pack."""
    pack = packs.load(source)
    shipped = packs.SHIPPED / source
    folder = shipped if shipped.is_dir() else Path(source)
    if pack.profile != "spectral":
        raise UsageError(
            f"pack {pack.name!r} serves profile {pack.profile!r}; expected 'spectral'",
            hint="planes of other profiles have no refinement",
        )
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file; expected the directory of a pack")
    return folder, pack
