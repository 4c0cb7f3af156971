"""From the checkpoints of a run to a pack: what hyspec-export does, and hyspec-train at its end."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hyspec.errors import DataError, UsageError
from hyspec_training import cache, checkpoint, config, export, networks
from hyspec_training.checkpoint import Checkpoint
from hyspec_training.config import Config, NetworkConfig
from hyspec_training.data import Scene
from hyspec_training.stages import stages
from hyspec_training.validation import last_records, mean_over_scenes


def collect(paths: Iterable[Path]) -> list[Checkpoint]:
    """Load checkpoints; a folder stands for all that are in it.

    Raises
    ------
    DataError
        A file is no checkpoint, or a folder holds none.
    """
    files: list[Path] = []
    for path in paths:
        found = sorted(path.glob("*.pt")) if path.is_dir() else [path]
        if not found:
            raise DataError(
                f"{path} holds no checkpoint", hint="give the work folder of hyspec-train"
            )
        files += found
    return [checkpoint.load(file) for file in dict.fromkeys(files)]


def recipe_of(checkpoints: Sequence[Checkpoint], name: str | None = None) -> Config:
    """Return the recipe that checkpoints were made with.

    Parameters
    ----------
    checkpoints
        Checkpoints; not empty.
    name
        Name of the pack, in place of that of the recipe.

    Raises
    ------
    UsageError
        They were made with different ones, or the name cannot be that of a pack.
    """
    loaded: Config | None = None
    # A recipe may change for stages that are still to come: the one that fits all is the last.
    for each in checkpoints:
        try:
            loaded = _fitting_recipe(each, checkpoints)
            break
        except UsageError as error:
            mismatch = error
    if loaded is None:
        raise mismatch
    if all(each.interval is None for each in checkpoints):
        loaded = loaded.for_joint_model()
    if name is None:
        return loaded
    if not config.is_plain_name(name):
        raise UsageError(f"pack name is {name!r}; expected a plain name")
    return dataclasses.replace(loaded, pack=dataclasses.replace(loaded.pack, name=name))


def _fitting_recipe(source: Checkpoint, checkpoints: Sequence[Checkpoint]) -> Config:
    """Return the recipe in a checkpoint if all checkpoints fit to it."""
    loaded = config.parse(source.recipe, f"recipe of {source.stage}.pt")
    expected = {
        stage.name: stage.settings
        for network in loaded.networks
        for stage in stages(loaded, network, source.scenes)
    }
    for each in checkpoints:
        if each.stage not in expected:
            raise UsageError(
                f"{each.stage}.pt is no stage of the recipe of {source.stage}.pt, which has "
                f"{', '.join(expected)}",
                hint="give checkpoints of one run",
            )
        each.check(expected[each.stage], Path(f"{each.stage}.pt"))
    return loaded


def open_scenes(names: Sequence[str], data: Path, folder: Path) -> list[Scene]:
    """Open scenes by name.

    Parameters
    ----------
    names
        Names relative to the data folder.
    data
        Folder of the scenes.
    folder
        Cache folder, see :mod:`hyspec_training.cache`; made if there is none.

    Raises
    ------
    DataError
        A scene is missing or unusable.
    """
    for name in names:
        if not (data / name).exists():
            raise DataError(
                f"training scene {name} is not in {data}",
                hint="point --data (or HYSPEC_DATA) at the folder that was trained from",
            )
    folder.mkdir(parents=True, exist_ok=True)
    return [cache.open_scene(data / name, name, folder) for name in names]


def write(
    folder: Path,
    recipe: Config,
    checkpoints: Sequence[Checkpoint],
    scenes: Sequence[Scene],
    *,
    int8: bool = False,
    force: bool = False,
    quiet: bool = False,
) -> str:
    """Write the pack of some checkpoints of one run.

    It holds the networks that there are checkpoints of.

    Parameters
    ----------
    folder
        Directory to create; an existing one is replaced only with ``force``.
    recipe
        The recipe, which says whether the pack has one model or one per interval.
    checkpoints
        Checkpoints of its stages.
    scenes
        Training scenes, to count symbols and calibrate on.
    int8, force, quiet
        As of :func:`hyspec_training.export.write_pack`.

    Returns
    -------
    str
        The pack's identifier in hexadecimal.

    Raises
    ------
    UsageError
        The folder exists, or the checkpoints make no whole pack.
    """
    by_stage = {(c.network, c.interval): c for c in checkpoints}
    given = {c.network for c in checkpoints}
    chosen = tuple(network for network in recipe.networks if network.name in given)
    recipe = dataclasses.replace(recipe, networks=chosen)
    models, records = [], []
    for k, model in enumerate(recipe.pack.models):
        of_model = []
        for network in chosen:
            interval = k if len(recipe.pack.models) > 1 and network.per_interval else None
            found = by_stage.get((network.name, interval))
            if found is None:
                name = network.name if interval is None else f"{network.name}-interval-{k}"
                raise UsageError(
                    f"the pack needs checkpoint {name}.pt; "
                    f"found {', '.join(sorted(f'{c.stage}.pt' for c in checkpoints))}",
                    hint="give the work folder of a finished run, or the joint checkpoints alone",
                )
            of_model.append(restored(network, found))
            about = {"network": network.name, "model": model}
            records += [{**about, **r} for r in mean_over_scenes(last_records(found.history))]
        models.append(of_model)
    return export.write_pack(
        folder,
        recipe,
        models,
        scenes=scenes,
        validation=records,
        int8=int8,
        force=force,
        quiet=quiet,
    )


def restored(network: NetworkConfig, found: Checkpoint) -> Any:
    """Return a network with the weights of a checkpoint."""
    net = networks.build(network)
    checkpoint.restore(Path(f"{found.stage}.pt"), found, net)
    return net.eval()
