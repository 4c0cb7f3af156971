"""The recipe of a pack: its sections, and which of them go together."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyspec.errors import UsageError
from hyspec_training.limits import LIMITS
from hyspec_training.settings import read_text, section, tables


@dataclass(frozen=True)
class PackConfig:
    """What the pack, and the pack of the joint model where one is wanted, say of themselves.

    ``models`` names one model for all bands, or five: one for each AVIRIS interval. ``profile``
    says what the networks see: bands of scenes, or their principal components.
    """

    name: str
    description: str
    profile: str = "band"
    joint_name: str = ""
    joint_description: str = ""
    sensor: str = "any"
    licence: str = "Apache-2.0"
    models: tuple[str, ...] = ("any",)


@dataclass(frozen=True)
class ScenesConfig:
    """Scenes to train and validate on; paths are relative to the data folder.

    ``validation`` names whole scenes: they are never trained on.
    """

    scenes: tuple[str, ...]
    validation: tuple[str, ...]


@dataclass(frozen=True)
class DataConfig(ScenesConfig):
    """Scenes, and the side of the planes that are cut out of them, in samples."""

    patch: int = 96


@dataclass(frozen=True)
class AugmentationConfig:
    """What is done to the planes beside turning and mirroring, see :mod:`augment`.

    ``band_mixing`` and ``half_scale`` are shares of the planes, ``noise`` is the largest standard
    deviation of added noise in units of the band's own.
    """

    band_mixing: float = 0.0
    half_scale: float = 0.0
    noise: float = 0.0


@dataclass(frozen=True)
class NetworkConfig:
    """One network of each model: what it is and how it is trained.

    Qualities are drawn from ``lowest_quality`` to ``octaves``. Learning rates fall from their first
    to the final value along half a cosine. ``rate_slope`` weighs distortion against rate, see
    :mod:`hyspec_training.loss`. With ``per_interval``, each of five models gets a copy that is
    fine-tuned for its interval: ``finetune_own_share`` of its planes come from bands of that one.
    ``warm_start`` is a checkpoint to take the first weights from.
    """

    name: str
    steps: int
    kind: str = "balle"
    filters: int = 48
    octaves: int = 7
    synthesis: str = "plain"
    lowest_quality: float = 0.0
    per_interval: bool = True
    loss: str = "mse"
    batch: int = 16
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    clip_norm: float = 1.0
    rate_slope: float = 0.42
    finetune_steps: int = 0
    finetune_learning_rate: float = 3e-4
    finetune_own_share: float = 0.75
    warm_start: str = ""


@dataclass(frozen=True)
class TrainingConfig:
    """What all networks are trained with.

    ``weight_decay`` is that of AdamW, for the kernels of convolutions alone.
    """

    seed: int
    checkpoint_every: int = 500
    validate_every: int = 1000
    optimiser: str = "adam"
    weight_decay: float = 0.01


@dataclass(frozen=True)
class Config:
    """The whole recipe; ``text`` is the file it was read from."""

    pack: PackConfig
    data: DataConfig
    networks: tuple[NetworkConfig, ...]
    training: TrainingConfig
    augmentation: AugmentationConfig = AugmentationConfig()
    text: str = field(default="", repr=False)

    def for_joint_model(self) -> Config:
        """The same recipe, as the pack of the joint model states it."""
        pack = dataclasses.replace(
            self.pack,
            name=self.pack.joint_name or self.pack.name,
            description=self.pack.joint_description or self.pack.description,
            sensor="any" if self.pack.joint_name else self.pack.sensor,
            models=("any",),
        )
        return dataclasses.replace(self, pack=pack)


#: Sections of a recipe: their class, and whether they may be missing.
_SECTIONS: dict[str, tuple[Any, bool]] = {
    "pack": (PackConfig, False),
    "data": (DataConfig, False),
    "augmentation": (AugmentationConfig, True),
    "network": (NetworkConfig, False),
    "training": (TrainingConfig, False),
}


def load(path: Path) -> Config:
    """Read a recipe.

    Raises
    ------
    DataError
        The file is missing or is not TOML.
    UsageError
        A section or setting is unknown or missing, or has a value that makes no sense.
    """
    return parse(read_text(path), str(path))


def parse(text: str, where: str) -> Config:
    """Read the text of a recipe; ``where`` it is from begins the messages of errors.

    Raises
    ------
    DataError, UsageError
        As of :func:`load`.
    """
    raw = tables(text, where)
    needed = {name for name, (_, optional) in _SECTIONS.items() if not optional}
    if not needed <= set(raw) <= set(_SECTIONS):
        raise UsageError(
            f"{where}: found sections {sorted(raw)}, expected {sorted(needed)} and may be "
            f"{sorted(set(_SECTIONS) - needed)}",
            hint="see training/configs for complete recipes",
        )
    found = raw.pop("network")
    if not isinstance(found, list) or not found:
        raise UsageError(
            f"{where} [network] is {found!r}; expected a list of sections",
            hint="write [[network]], once for each network",
        )
    networks = tuple(
        section(NetworkConfig, table, f"{where} [[network]] {k + 1}", LIMITS)
        for k, table in enumerate(found)
    )
    sections = {
        name: section(_SECTIONS[name][0], values, f"{where} [{name}]", LIMITS)
        for name, values in raw.items()
    }
    config = Config(networks=networks, text=text, **sections)
    _check(config, where)
    return config


def _check(config: Config, where: str) -> None:
    """Refuse combinations that would fail, or mean nothing, hours later."""
    pack = config.pack
    for key, name in (("name", pack.name), ("joint_name", pack.joint_name or pack.name)):
        if not is_plain_name(name):
            raise UsageError(f"{where} [pack] {key} is {name!r}; expected a plain name")
    if pack.joint_name == pack.name:
        raise UsageError(f"{where} [pack] joint_name is that of the pack itself, {pack.name!r}")
    if pack.profile == "spectral":
        _check_spectral(config, where)
    for k, network in enumerate(config.networks):
        place = f"{where} [[network]] {k + 1}"
        if pack.profile == "band" and network.kind == "wavelet":
            raise UsageError(
                f"{place} kind is 'wavelet'; expected 'balle' or 'lapped', as the pack is of the "
                "band profile",
                hint='write kind = "lapped", or profile = "spectral" in [pack]',
            )
        # Names of checkpoints are made of it.
        if not re.fullmatch("[A-Za-z0-9_]{1,40}", network.name):
            raise UsageError(
                f"{place} name is {network.name!r}; expected letters, digits and underscores"
            )
        if any(network.name == other.name for other in config.networks[:k]):
            raise UsageError(f"{place} name is {network.name!r}, as that of another network")
        if network.lowest_quality >= network.octaves:
            raise UsageError(
                f"{place} lowest_quality is {network.lowest_quality:g}; expected less than the "
                f"{network.octaves} octaves"
            )
        if len(pack.models) > 1 and network.per_interval and network.finetune_steps < 1:
            raise UsageError(
                f"{place} finetune_steps is {network.finetune_steps}; expected at least 1, as "
                f"there are {len(pack.models)} models",
                hint="or share the network between the models: per_interval = false",
            )
    if len(pack.models) > 1 and not any(network.per_interval for network in config.networks):
        raise UsageError(
            f"{where}: {len(pack.models)} models, but no network has per_interval = true",
            hint='give the pack one model: models = ["any"]',
        )


def _check_spectral(config: Config, where: str) -> None:
    """Refuse what a pack of the ``spectral`` profile can not hold."""
    models = config.pack.models
    if len(models) > 1:
        raise UsageError(
            f"{where} [pack] models are {len(models)}; expected one, as principal components "
            "belong to no interval of bands",
            hint='give the pack one model: models = ["any"]',
        )
    if len(config.networks) > 1:
        raise UsageError(
            f"{where}: found {len(config.networks)} networks; expected one, as encoders of the "
            "spectral profile do not choose between networks",
            hint="leave one [[network]]",
        )
    kind = config.networks[0].kind
    if kind != "wavelet":
        raise UsageError(
            f"{where} [[network]] 1 kind is {kind!r}; expected 'wavelet', as models of the "
            "spectral profile expect latents of a wavelet transform",
            hint='write kind = "wavelet", octaves = 14',
        )


def is_plain_name(name: str) -> bool:
    """Whether a name can be that of a folder and stand in a stream's header."""
    fits = 1 <= len(name.encode()) <= 255 and name not in (".", "..")
    return fits and name.isprintable() and not set(name) & set("/\\")
