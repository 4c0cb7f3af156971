"""Running a recipe: joint training, fine-tuning per interval, packs."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from hyspec.errors import DataError, UsageError
from hyspec_training.balle import BandNetwork
from hyspec_training.config import Config
from hyspec_training.data import PatchSampler, Scene, find_scenes, load_scene
from hyspec_training.export import write_pack
from hyspec_training.loop import Stage, train_stage

#: Seeds of the stages are this far apart.
_SEED_STRIDE = 1000


def load_scenes(config: Config, folder: Path) -> tuple[list[Scene], list[Scene]]:
    """Open the scenes of a recipe: those to train on, and those to validate on.

    Raises
    ------
    DataError
        A pattern matches nothing, or no scene is left to train on.
    UsageError
        A validation scene is not among the scenes.
    """
    scenes = [load_scene(*found) for found in find_scenes(folder, config.data.scenes)]
    names = {scene.name for scene in scenes}
    unknown = sorted(set(config.data.validation) - names)
    if unknown:
        raise UsageError(
            f"validation scenes {unknown} are not among the scenes of the recipe",
            hint=f"the scenes are {sorted(names)}",
        )
    train = [s for s in scenes if s.name not in config.data.validation]
    if not train:
        raise DataError("the recipe leaves no scene to train on")
    return train, [s for s in scenes if s.name in config.data.validation]


def run(
    config: Config,
    data: Path,
    work: Path,
    packs: Path,
    *,
    threads: int | None = None,
    force: bool = False,
    quiet: bool = False,
) -> list[Path]:
    """Train everything that a recipe describes and write its packs.

    An interrupted run continues from its checkpoints in ``work`` and ends with the same weights.
    Packs are written when all training is done.

    Parameters
    ----------
    config
        The recipe.
    data
        Folder that the scene patterns are relative to.
    work
        Folder for checkpoints and the validation history.
    packs
        Folder to write the packs to.
    threads
        Threads of PyTorch; by default as many as it finds processors.
    force
        Replace existing packs.
    quiet
        Show no progress bars.

    Returns
    -------
    list of Path
        The packs that were written.

    Raises
    ------
    DataError
        A scene is missing or unusable, or the training diverges.
    UsageError
        A pack exists already, or ``work`` holds checkpoints of other settings.
    """
    if threads is not None:
        if threads < 1:
            raise UsageError(f"threads is {threads}; expected at least 1")
        torch.set_num_threads(threads)
    written = [packs / name for name in (config.pack.joint_name, config.pack.name) if name]
    for folder in written:
        if folder.exists() and not force:
            raise UsageError(f"{folder} exists already", hint="choose another name or use --force")
    train, validation = load_scenes(config, data)
    names = [scene.name for scene in train]
    work.mkdir(parents=True, exist_ok=True)
    _claim(work, config, names)
    settings = config.training
    torch.manual_seed(settings.seed)
    joint = BandNetwork(config.network.filters, config.network.octaves)
    joint = joint.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def stage(name: str, steps: int, rate: float, number: int) -> Stage:
        return Stage(
            name=name,
            steps=steps,
            batch=settings.batch,
            learning_rate=rate,
            final_learning_rate=settings.final_learning_rate,
            clip_norm=settings.clip_norm,
            rate_slope=settings.rate_slope,
            seed=settings.seed + number * _SEED_STRIDE,
            checkpoint_every=settings.checkpoint_every,
            validate_every=settings.validate_every,
        )

    first = stage("joint", settings.steps, settings.learning_rate, 0)
    sampler = PatchSampler(train, config.data.patch, first.seed)
    history = {"joint": train_stage(joint, first, sampler, validation, work, quiet=quiet)}
    networks, summary = [joint], _last(history["joint"])
    if len(config.pack.models) > 1:
        networks, summary = [], []
        for k, model in enumerate(config.pack.models):
            networks.append(copy.deepcopy(joint))
            tuning = stage(
                f"model-{k}", settings.finetune_steps, settings.finetune_learning_rate, k + 1
            )
            sampler = PatchSampler(
                train, config.data.patch, tuning.seed, k, settings.finetune_own_share
            )
            records = train_stage(
                networks[k], tuning, sampler, validation, work, model=k, quiet=quiet
            )
            history[tuning.name] = records
            summary += [{"model": model, **record} for record in _last(records)]
    (work / "history.json").write_text(json.dumps(history, indent=1), encoding="utf-8")
    if config.pack.joint_name:
        write_pack(
            written[0],
            config.for_joint_model(),
            [joint],
            scenes=names,
            validation=_last(history["joint"]),
            force=force,
        )
    write_pack(written[-1], config, networks, scenes=names, validation=summary, force=force)
    return written


def _claim(work: Path, config: Config, scenes: Sequence[str]) -> None:
    """Note in the work folder what its checkpoints are made from, or compare with what is noted.

    Raises
    ------
    UsageError
        The checkpoints were made from other settings or scenes.
    """
    wanted: dict[str, Any] = {
        "models": list(config.pack.models),
        "scenes": list(scenes),
        "validation": sorted(config.data.validation),
        "patch": config.data.patch,
        **dataclasses.asdict(config.network),
        **dataclasses.asdict(config.training),
    }
    for harmless in ("checkpoint_every", "validate_every"):
        del wanted[harmless]
    note = work / "settings.json"
    if not note.exists():
        note.write_text(json.dumps(wanted, indent=1), encoding="utf-8")
        return
    found = json.loads(note.read_text(encoding="utf-8"))
    for key, value in wanted.items():
        if found.get(key) != value:
            raise UsageError(
                f"the checkpoints in {work} were made with {key} = {found.get(key)!r}; "
                f"the recipe now says {value!r}",
                hint="give another folder with --work, or empty this one to start again",
            )


def _last(history: Sequence[dict[str, float]]) -> list[dict[str, Any]]:
    """Records of the last validation."""
    return [dict(r) for r in history if r["step"] == max(q["step"] for q in history)]
