"""Running a recipe: joint training, fine-tuning per interval, packs."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path

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
    config: Config, data: Path, work: Path, packs: Path, *, force: bool = False, quiet: bool = False
) -> list[Path]:
    """Train everything that a recipe describes and write its packs.

    An interrupted run continues from its checkpoints in ``work`` and ends with the same weights.

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

    Returns
    -------
    list of Path
        The packs that were written.
    """
    train, validation = load_scenes(config, data)
    work.mkdir(parents=True, exist_ok=True)
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
    written = []
    names = [scene.name for scene in train]
    if config.pack.joint_name:
        joint_pack = config.for_joint_model()
        written.append(packs / config.pack.joint_name)
        write_pack(
            written[-1],
            joint_pack,
            [joint],
            scenes=names,
            validation=_last(history["joint"]),
            force=force,
        )
    if len(config.pack.models) == 1:
        written.append(packs / config.pack.name)
        summary = _last(history["joint"])
        write_pack(written[-1], config, [joint], scenes=names, validation=summary, force=force)
        return written
    networks: list[BandNetwork] = []
    for k in range(len(config.pack.models)):
        network = copy.deepcopy(joint)
        tuning = stage(
            f"model-{k}", settings.finetune_steps, settings.finetune_learning_rate, k + 1
        )
        sampler = PatchSampler(
            train, config.data.patch, tuning.seed, k, settings.finetune_own_share
        )
        history[tuning.name] = train_stage(
            network, tuning, sampler, validation, work, model=k, quiet=quiet
        )
        networks.append(network)
    (work / "history.json").write_text(json.dumps(history, indent=1))
    written.append(packs / config.pack.name)
    summary = [
        {"model": name, **record}
        for k, name in enumerate(config.pack.models)
        for record in _last(history[f"model-{k}"])
    ]
    write_pack(written[-1], config, networks, scenes=names, validation=summary, force=force)
    return written


def _last(history: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    """Records of the last validation."""
    return [r for r in history if r["step"] == max(q["step"] for q in history)]
