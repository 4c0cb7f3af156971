"""The recipe of an analysis model: its sections, and which of them go together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyspec.analysis.scaling import KINDS as SCALERS
from hyspec.errors import UsageError
from hyspec_training.analysis.baselines import BASELINES
from hyspec_training.analysis.losses import LOSSES
from hyspec_training.analysis.registry import entry
from hyspec_training.config import is_plain_name
from hyspec_training.settings import (
    AT_LEAST_ONE,
    NOT_NEGATIVE,
    POSITIVE,
    SEED,
    SHARE,
    Limits,
    one_of,
    read_text,
    section,
    tables,
)

#: What models of a task learn from; the first one if the recipe does not say.
TARGETS = {
    "classification": ("labels", "dominant"),
    "unmixing": ("abundances", "spectra"),
    "autoencoder": ("spectra",),
    "shared-encoder": ("spectra",),
}
#: The loss if the recipe does not name one, by target.
DEFAULT_LOSSES = {
    "labels": "cross-entropy",
    "dominant": "cross-entropy",
    "abundances": "mse",
    "spectra": "sse",
}
METHODS = ("spatial", "random", "fixed", "masks", "official", "whole")
OPTIMISERS = ("adam", "adamw", "sgd")
DECAYS = ("none", "exponential", "piecewise", "cosine")
ENDMEMBERS = ("", "true", "vca", "archetypes")


@dataclass(frozen=True)
class AnalysisConfig:
    """What the model is for.

    ``target`` is what it learns from: the classes of pixels (``labels``, or the ``dominant``
    endmember), their ``abundances``, or their ``spectra`` alone.
    """

    name: str
    task: str
    target: str = ""
    description: str = ""
    sensor: str = "any"
    licence: str = "Apache-2.0"


@dataclass(frozen=True)
class SceneConfig:
    """Scenes: a data set by name, or files, whose paths are relative to the data folder.

    ``cube`` may be a pattern of many files if there are no ``labels``. ``part`` says that all
    pixels of these scenes are for training, validation or test.
    """

    source: str = ""
    cube: str = ""
    labels: str = ""
    cube_variable: str = ""
    labels_variable: str = ""
    part: str = ""


@dataclass(frozen=True)
class SplitConfig:
    """Which pixels are for what, see :mod:`hyspec_training.analysis.splitting`.

    ``train`` and ``validation`` are fractions, or of ``fixed`` numbers of pixels per class; of
    ``masks``, files say what is what. ``patch`` is the side that patches must not meet within; by
    default that of the model. Of the training and of the validation pixels, ``per_class`` of each
    class are kept, or the share ``kept`` of all labelled pixels of the class, drawn at random. With
    ``varied``, each run has a split of its own.
    """

    method: str = "spatial"
    train: float = 0.3
    validation: float = 0.1
    patch: int = 0
    per_class: int = 0
    kept: float = 0.0
    seed: int = 0
    varied: bool = False
    candidates: int = 256
    train_mask: str = ""
    validation_mask: str = ""
    test_mask: str = ""


@dataclass(frozen=True)
class ScalingConfig:
    """How samples are scaled, see :mod:`hyspec.analysis.scaling`."""

    kind: str = "standard"


@dataclass(frozen=True)
class AugmentationConfig:
    """What is done to patches, see :mod:`hyspec_training.analysis.augmentation`."""

    flips: bool = False
    radiation: float = 0.0
    mixture: float = 0.0
    noise: float = 0.04


@dataclass(frozen=True)
class ModelConfig:
    """The model, or a baseline of scikit-learn, by name.

    ``options`` are those of its class. ``endmembers`` says where those of an unmixing network begin
    or stay: at the ``true`` ones, or at those of vertex component analysis (``vca``) or archetypal
    analysis (``archetypes``). ``classes`` is the number of endmembers of scenes without abundances.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    endmembers: str = ""
    classes: int = 0


@dataclass(frozen=True)
class TrainingConfig:
    """How the model is trained; rates of learning are by epochs.

    ``patience`` is the number of epochs without a better validation after which a run ends; 0 for
    never. ``epoch_size`` limits the pixels of an epoch, ``unlabelled`` is the share of a batch
    that is drawn from pixels without class, ``pretraining`` the number of epochs for each pair of
    layers before the whole.
    """

    epochs: int = 100
    batch: int = 100
    runs: int = 1
    seed: int = 0
    optimiser: str = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    decay: str = "none"
    decay_factor: float = 0.9
    decay_every: int = 1
    staircase: bool = True
    decay_epochs: tuple[int, ...] = ()
    decay_rates: tuple[float, ...] = ()
    loss: str = ""
    label_smoothing: float = 0.0
    balance: bool = False
    patience: int = 0
    validate_every: int = 1
    checkpoint_every: int = 10
    epoch_size: int = 0
    unlabelled: float = 0.0
    pretraining: int = 0


@dataclass(frozen=True)
class Recipe:
    """The whole recipe; ``text`` is the file it was read from."""

    analysis: AnalysisConfig
    scenes: tuple[SceneConfig, ...]
    model: ModelConfig
    split: SplitConfig = SplitConfig()
    scaling: ScalingConfig = ScalingConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    training: TrainingConfig = TrainingConfig()
    text: str = field(default="", repr=False)

    @property
    def target(self) -> str:
        """What the model learns from."""
        return self.analysis.target or TARGETS[self.analysis.task][0]

    @property
    def loss(self) -> str:
        """Name of the loss."""
        return self.training.loss or DEFAULT_LOSSES[self.target]


LIMITS: Limits = {
    "task": one_of(TARGETS),
    "part": one_of(("", "train", "validation", "test")),
    "method": one_of(METHODS),
    "train": POSITIVE,
    "validation": NOT_NEGATIVE,
    "patch": NOT_NEGATIVE,
    "per_class": NOT_NEGATIVE,
    "kept": SHARE,
    "candidates": AT_LEAST_ONE,
    "kind": one_of(SCALERS),
    "radiation": SHARE,
    "mixture": SHARE,
    "noise": NOT_NEGATIVE,
    "endmembers": one_of(ENDMEMBERS),
    "classes": NOT_NEGATIVE,
    "epochs": AT_LEAST_ONE,
    "batch": AT_LEAST_ONE,
    "runs": AT_LEAST_ONE,
    "seed": SEED,
    "optimiser": one_of(OPTIMISERS),
    "learning_rate": POSITIVE,
    "momentum": SHARE,
    "weight_decay": NOT_NEGATIVE,
    "clip_norm": NOT_NEGATIVE,
    "decay": one_of(DECAYS),
    "decay_factor": POSITIVE,
    "decay_every": AT_LEAST_ONE,
    "loss": one_of(("cross-entropy", *LOSSES)),
    "label_smoothing": SHARE,
    "patience": NOT_NEGATIVE,
    "validate_every": AT_LEAST_ONE,
    "checkpoint_every": AT_LEAST_ONE,
    "epoch_size": NOT_NEGATIVE,
    "unlabelled": (lambda v: 0 <= v < 1, "0 to less than 1"),
    "pretraining": NOT_NEGATIVE,
}
_SECTIONS: dict[str, Any] = {
    "analysis": AnalysisConfig,
    "scene": SceneConfig,
    "split": SplitConfig,
    "scaling": ScalingConfig,
    "augmentation": AugmentationConfig,
    "model": ModelConfig,
    "training": TrainingConfig,
}
_NEEDED = {"analysis", "scene", "model"}
#: The section that tells these recipes from those of the codec's packs.
MARK = "analysis"


def load(path: Path) -> Recipe:
    """Read a recipe.

    Raises
    ------
    DataError
        The file is missing or is not TOML.
    UsageError
        A section or setting is unknown or missing, or has a value that makes no sense.
    """
    return parse(read_text(path), str(path))


def parse(text: str, where: str) -> Recipe:
    """Read the text of a recipe; ``where`` it is from begins the messages of errors.

    Raises
    ------
    DataError, UsageError
        As of :func:`load`.
    """
    raw = tables(text, where)
    if not _NEEDED <= set(raw) <= set(_SECTIONS):
        raise UsageError(
            f"{where}: found sections {sorted(raw)}, expected {sorted(_NEEDED)} and may be "
            f"{sorted(set(_SECTIONS) - _NEEDED)}",
            hint="see training/configs/analysis for complete recipes",
        )
    found = raw.pop("scene")
    if not isinstance(found, list) or not found:
        raise UsageError(
            f"{where} [scene] is {found!r}; expected a list of sections",
            hint="write [[scene]], once for each scene or data set",
        )
    scenes = tuple(
        section(SceneConfig, table, f"{where} [[scene]] {k + 1}", LIMITS)
        for k, table in enumerate(found)
    )
    sections = {
        name: section(_SECTIONS[name], values, f"{where} [{name}]", LIMITS)
        for name, values in raw.items()
    }
    recipe = Recipe(scenes=scenes, text=text, **sections)
    _check(recipe, where)
    return recipe


def _check(recipe: Recipe, where: str) -> None:
    """Refuse combinations that would fail, or mean nothing."""
    task, model, training = recipe.analysis.task, recipe.model, recipe.training
    if not is_plain_name(recipe.analysis.name):
        raise UsageError(
            f"{where} [analysis] name is {recipe.analysis.name!r}; expected a plain name"
        )
    if recipe.analysis.target and recipe.analysis.target not in TARGETS[task]:
        raise UsageError(
            f"{where} [analysis] target is {recipe.analysis.target!r}; expected one of "
            f"{', '.join(TARGETS[task])} for the task {task}"
        )
    found = "classification" if model.name in BASELINES else entry(model.name).task
    if found != task:
        raise UsageError(f"{where} [model] name is {model.name!r}, a model of the task {found}")
    for k, scene in enumerate(recipe.scenes):
        if bool(scene.source) == bool(scene.cube):
            raise UsageError(
                f"{where} [[scene]] {k + 1}: expected either a source or a cube",
                hint="a source is the name of a data set, a cube is a file",
            )
    if (recipe.loss == "cross-entropy") != (task == "classification"):
        raise UsageError(
            f"{where} [training] loss is {recipe.loss!r} for the task {task}",
            hint="cross-entropy is for classification, and for nothing else",
        )
    if training.decay == "piecewise" and (
        not training.decay_epochs
        or len(training.decay_epochs) != len(training.decay_rates)
        or list(training.decay_epochs) != sorted(set(training.decay_epochs))
    ):
        raise UsageError(
            f"{where} [training] decay_epochs {training.decay_epochs} and decay_rates "
            f"{training.decay_rates}; expected rising epochs, and a rate of learning for each"
        )
    if recipe.split.method == "masks" and not recipe.split.train_mask:
        raise UsageError(f"{where} [split] train_mask is missing for the method masks")
    if (
        recipe.split.method not in ("fixed", "whole")
        and recipe.split.train + recipe.split.validation >= 1
    ):
        raise UsageError(
            f"{where} [split] train and validation are {recipe.split.train:g} and "
            f"{recipe.split.validation:g}; expected fractions with something left for the test"
        )
    if recipe.split.method == "whole" and recipe.target != "spectra":
        raise UsageError(
            f"{where} [split] method is 'whole' for the target {recipe.target}",
            hint="all pixels are training and test alike only for models that see spectra alone",
        )
    if recipe.split.per_class and recipe.split.kept:
        raise UsageError(f"{where} [split] per_class and kept; expected one of them")
    if recipe.augmentation.mixture and recipe.target == "spectra":
        raise UsageError(f"{where} [augmentation] mixture needs classes or abundances")
