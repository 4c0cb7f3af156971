"""Checkpoints: one file per stage that says what it was made from, by itself enough to export."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from hyspec.errors import DataError, UsageError

_FORMAT = "hyspec-checkpoint-1"
#: Settings that old checkpoints do not state.
_UNSTATED = {"profile": "band"}
#: What reading a checkpoint of any content can raise.
_DAMAGED = (
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
)


@dataclass
class Checkpoint:
    """The state of a stage after some of its steps.

    Attributes
    ----------
    stage, network : str
        Names of the stage and of its network in the recipe.
    interval : int or None
        Interval model that the network was fine-tuned for.
    recipe : str
        Text of the recipe.
    scenes : list of str
        Names of the scenes that were trained on.
    settings : dict
        All that decides the weights, see :func:`hyspec_training.stages.stages`.
    step, steps : int
        Steps done and to do.
    model, optimiser : dict
        States of the network and of the optimiser.
    history : list of dict
        Validation records, see :func:`hyspec_training.validation.validate`.
    best : dict or None
        State of the network at its best validation, of trainings that keep it.
    """

    stage: str
    network: str
    interval: int | None
    recipe: str
    scenes: list[str]
    settings: dict[str, Any]
    step: int
    steps: int
    model: dict[str, Any] = field(repr=False)
    optimiser: dict[str, Any] = field(repr=False)
    history: list[dict[str, Any]] = field(repr=False)
    best: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.step >= self.steps

    def save(self, path: Path) -> None:
        """Write the checkpoint.

        It is written beside and renamed: a kill in the middle leaves the previous one.
        """
        temporary = path.with_suffix(".tmp")
        torch.save({"format": _FORMAT, **vars(self)}, temporary)
        temporary.replace(path)

    def check(self, settings: dict[str, Any], path: Path) -> None:
        """Compare with the settings of the recipe as it is now.

        Raises
        ------
        UsageError
            The checkpoint was made from others.
        """
        for key, value in settings.items():
            found = self.settings.get(key, _UNSTATED.get(key))
            if found != value:
                raise UsageError(
                    f"checkpoint {path} was made with {key} = {found!r}; "
                    f"the recipe now says {value!r}",
                    hint="give another folder with --work, or delete the checkpoint to train "
                    "this stage again",
                )


def load(path: Path) -> Checkpoint:
    """Read a checkpoint; all tensors are on the CPU.

    Raises
    ------
    DataError
        The file is missing, is no checkpoint, or is damaged.
    """
    if not path.is_file():
        raise DataError(f"checkpoint {path} does not exist")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content.pop("format") != _FORMAT:
            raise ValueError("another format")
        return Checkpoint(**content)
    except _DAMAGED as error:
        raise DataError(
            f"checkpoint {path} is damaged: {type(error).__name__}",
            hint="delete it to train this stage again from its beginning",
        ) from error


def resumed(path: Path, settings: dict[str, Any], net: Any, optimiser: Any) -> Checkpoint | None:
    """Set a network and its optimiser to the states of a checkpoint, if there is one.

    Returns
    -------
    Checkpoint or None
        The checkpoint.

    Raises
    ------
    DataError
        The checkpoint is damaged, or is of another network.
    UsageError
        It was made with other settings.
    """
    if not path.exists():
        return None
    found = load(path)
    found.check(settings, path)
    restore(path, found, net, optimiser)
    return found


def restore(path: Path, checkpoint: Checkpoint, net: Any, optimiser: Any = None) -> None:
    """Set a network, and an optimiser, to the states of a checkpoint that was loaded from a path.

    Raises
    ------
    DataError
        The states are those of another network.
    """
    try:
        net.load_state_dict(checkpoint.model)
        if optimiser is not None:
            optimiser.load_state_dict(checkpoint.optimiser)
    except _DAMAGED as error:
        raise DataError(
            f"checkpoint {path} is of another network: {str(error).splitlines()[0]}",
            hint="delete it to train this stage again; a warm start needs a network of the same "
            "kind and sizes",
        ) from error
