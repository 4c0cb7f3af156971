"""The stages of a recipe: for each network a joint one, and one per interval that is fine-tuned."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hyspec_training.config import Config, NetworkConfig

#: Seeds of the stages of a network are this far apart,
_SEED_STRIDE = 1000
#: and those of networks this far.
_NETWORK_SEED_STRIDE = 100_000
#: Settings of a network that its joint stage does not depend on.
_FINETUNING = (
    "per_interval",
    "finetune_steps",
    "finetune_learning_rate",
    "finetune_own_share",
)


@dataclass(frozen=True)
class Stage:
    """What one stage does.

    ``name`` is also that of its checkpoint, ``seed`` that of its quality and noise draws,
    ``interval`` the interval model to fine-tune for, and ``settings`` all that decides its weights.
    """

    name: str
    network: NetworkConfig
    interval: int | None
    steps: int
    learning_rate: float
    seed: int
    settings: dict[str, Any]


def initial_seed(config: Config, network: NetworkConfig) -> int:
    """Seed of the initial weights of a network."""
    return config.training.seed + config.networks.index(network) * _NETWORK_SEED_STRIDE


def stages(config: Config, network: NetworkConfig, scenes: Sequence[str]) -> list[Stage]:
    """Stages of a network: the joint one, then one per model if they have copies of their own.

    Parameters
    ----------
    config
        The recipe.
    network
        One of its networks.
    scenes
        Names of the scenes to train on.
    """
    seed = initial_seed(config, network)
    # The name says nothing about the weights, and validation decides nothing.
    settings: dict[str, Any] = {
        "profile": config.pack.profile,
        "scenes": list(scenes),
        "patch": config.data.patch,
        **dataclasses.asdict(config.augmentation),
        "seed": seed,
        "optimiser": config.training.optimiser,
        "weight_decay": config.training.weight_decay,
        **dataclasses.asdict(network),
    }
    del settings["name"]
    own = {key: settings.pop(key) for key in _FINETUNING}
    result = [
        Stage(network.name, network, None, network.steps, network.learning_rate, seed, settings)
    ]
    if len(config.pack.models) > 1 and network.per_interval:
        result += [
            Stage(
                name=f"{network.name}-interval-{k}",
                network=network,
                interval=k,
                steps=network.finetune_steps,
                learning_rate=network.finetune_learning_rate,
                seed=seed + (k + 1) * _SEED_STRIDE,
                settings={**settings, **own, "models": list(config.pack.models)},
            )
            for k in range(len(config.pack.models))
        ]
    return result
