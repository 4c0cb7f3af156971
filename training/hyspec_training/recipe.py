"""Running a recipe: joint training, fine-tuning per interval, packs."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from hyspec.errors import DataError, UsageError
from hyspec_training import cache, checkpoint, networks, packing
from hyspec_training.allocator import keep_freed_memory
from hyspec_training.config import Config, NetworkConfig, ScenesConfig
from hyspec_training.data import Scene, find_scenes
from hyspec_training.distributed import processes
from hyspec_training.figure import draw_history
from hyspec_training.loop import train_stage
from hyspec_training.profiles import PROFILES
from hyspec_training.sampling import PatchSampler
from hyspec_training.stages import Stage, initial_seed, stages


def load_scenes(config: ScenesConfig, data: Path, folder: Path) -> tuple[list[Scene], list[Scene]]:
    """Open the scenes of a recipe: those to train on, and those to validate on.

    Parameters
    ----------
    config
        What the recipe says of scenes.
    data
        Folder of the scenes.
    folder
        Cache folder, see :mod:`hyspec_training.cache`.

    Raises
    ------
    DataError
        A pattern matches nothing, or no scene is left to train on.
    UsageError
        A validation scene is not among the scenes.
    """
    found = find_scenes(data, config.scenes)
    names = {name for _, name in found}
    unknown = sorted(set(config.validation) - names)
    if unknown:
        raise UsageError(
            f"validation scenes {unknown} are not among the scenes of the recipe",
            hint=f"the scenes are {sorted(names)}",
        )
    if not names - set(config.validation):
        raise DataError("the recipe leaves no scene to train on")
    folder.mkdir(parents=True, exist_ok=True)
    scenes = [cache.open_scene(path, name, folder) for path, name in found]
    train = [s for s in scenes if s.name not in config.validation]
    return train, [s for s in scenes if s.name in config.validation]


def set_up(threads: int | None) -> None:
    """Prepare this process for training: memory that is kept, and threads of PyTorch.

    Raises
    ------
    UsageError
        The number of threads is below 1.
    """
    if threads is not None:
        if threads < 1:
            raise UsageError(f"threads is {threads}; expected at least 1")
        torch.set_num_threads(threads)
    keep_freed_memory()


def run(
    config: Config,
    data: Path,
    work: Path,
    packs: Path,
    *,
    threads: int | None = None,
    device: str = "auto",
    cache_folder: Path | None = None,
    force: bool = False,
    quiet: bool = False,
) -> list[Path]:
    """Train everything that a recipe describes and write its packs.

    An interrupted run continues from its checkpoints in ``work`` and ends with the same weights.
    Packs are written when all training is done. Of several processes, see
    :mod:`hyspec_training.distributed`, the first one writes.

    Parameters
    ----------
    config
        The recipe.
    data
        Folder that the scene patterns are relative to.
    work
        Folder for checkpoints, curves, the validation history and its figure.
    packs
        Folder to write the packs to.
    threads
        Threads of PyTorch; by default as many as it finds processors.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    cache_folder
        Folder for copies of scenes that cannot be mapped; by default ``cache`` in ``work``.
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
        A pack exists already, ``work`` holds checkpoints of other settings, there is no such
        device, or the number of threads is below 1.
    """
    set_up(threads)
    written = [packs / name for name in (config.pack.joint_name, config.pack.name) if name]
    for folder in written:
        if folder.exists() and not force:
            raise UsageError(f"{folder} exists already", hint="choose another name or use --force")
    with processes(device) as group:
        for network in config.networks:
            if network.batch % group.size:
                raise UsageError(
                    f"network {network.name} has batch {network.batch}; expected a multiple of "
                    f"the {group.size} processes"
                )
        if not group.leads:
            group.wait()
        folder = cache_folder or work / "cache"
        train, validation = load_scenes(config.data, data, folder)
        planes = _planes(config, train, data, folder)
        validation = _planes(config, validation, data, folder)
        if group.leads:  # the others find the copies that this one made
            group.wait()
        names = [scene.name for scene in train]
        plan = [stages(config, network, names) for network in config.networks]
        _check_checkpoints([stage for of_network in plan for stage in of_network], work)
        history: dict[str, list[dict[str, Any]]] = {}
        count = sum(len(of_network) for of_network in plan)
        for of_network in plan:
            net = _initial(config, of_network[0].network)
            for stage in of_network:
                trained = net if stage.interval is None else copy.deepcopy(net)
                history[stage.name] = train_stage(
                    trained,
                    stage,
                    config,
                    _sampler(config, stage, planes, trained.bands),
                    validation,
                    work,
                    group,
                    title=f"{stage.name} ({len(history) + 1}/{count})",
                    quiet=quiet,
                )
        if not group.leads:
            return []
        (work / "history.json").write_text(json.dumps(history, indent=1), encoding="utf-8")
        draw_history(history, work / "rate_distortion")
        _write_packs(config, plan, train, work, written, force=force, quiet=quiet)
    return written


def _planes(config: Config, scenes: Sequence[Scene], data: Path, folder: Path) -> list[Scene]:
    """What networks see of scenes, whose names are relative to the data folder."""
    planes = PROFILES[config.pack.profile].planes
    return [part for scene in scenes for part in planes(scene, data / scene.name, folder)]


def _initial(config: Config, network: NetworkConfig) -> Any:
    torch.manual_seed(initial_seed(config, network))
    net: Any = networks.build(network)
    if network.warm_start:
        path = Path(network.warm_start)
        checkpoint.restore(path, checkpoint.load(path), net)
    return net.to(memory_format=torch.channels_last)


def _sampler(config: Config, stage: Stage, scenes: Sequence[Scene], depth: int) -> PatchSampler:
    return PatchSampler(
        scenes,
        config.data.patch,
        stage.seed,
        stage.interval,
        stage.network.finetune_own_share,
        config.augmentation,
        depth,
    )


def _check_checkpoints(plan: Sequence[Stage], work: Path) -> None:
    """Refuse checkpoints of other settings before any training.

    Raises
    ------
    UsageError
        A checkpoint was made from other settings or scenes.
    """
    for stage in plan:
        path = work / f"{stage.name}.pt"
        if path.exists():
            checkpoint.load(path).check(stage.settings, path)


def _write_packs(
    config: Config,
    plan: Sequence[Sequence[Stage]],
    scenes: Sequence[Scene],
    work: Path,
    folders: Sequence[Path],
    **options: bool,
) -> None:
    checkpoints = packing.collect(work / f"{s.name}.pt" for of_one in plan for s in of_one)
    joint = [c for c in checkpoints if c.interval is None]
    if config.pack.joint_name:
        packing.write(folders[0], config.for_joint_model(), joint, scenes, **options)
    packing.write(folders[-1], config, checkpoints, scenes, **options)
