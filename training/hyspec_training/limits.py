"""What settings of a pack's recipe, and of a refinement's, must be beyond their types."""

from __future__ import annotations

from hyspec.intervals import SEED_STARTS
from hyspec.pack import SERVED_PROFILES
from hyspec_training.settings import (
    AT_LEAST_ONE,
    NOT_NEGATIVE,
    POSITIVE,
    SEED,
    SHARE,
    Limits,
    one_of,
)

#: Models of a pack: one for all bands, or one for each interval that the codec tells apart.
MODEL_COUNTS = (1, len(SEED_STARTS) + 1)
#: Sides of training planes are multiples of this, which the strides of all networks divide.
PLANE_MULTIPLE = 16
KINDS = ("balle", "lapped", "wavelet")
SYNTHESES = ("plain", "heavy")
LOSSES = ("mse", "ms-ssim")
OPTIMISERS = ("adam", "adamw")
#: Beyond these the integer tables of a pack would be too many for its format.
MAX_FILTERS = 512
MAX_OCTAVES = 16

#: By name of the setting.
LIMITS: Limits = {
    "profile": one_of(SERVED_PROFILES),
    "models": (lambda v: len(v) in MODEL_COUNTS, f"{' or '.join(map(str, MODEL_COUNTS))} names"),
    "scenes": (bool, "at least one pattern"),
    "patch": (lambda v: v > 0 and v % PLANE_MULTIPLE == 0, f"a multiple of {PLANE_MULTIPLE}"),
    "band_mixing": SHARE,
    "half_scale": SHARE,
    "noise": NOT_NEGATIVE,
    "kind": one_of(KINDS),
    "filters": (lambda v: 1 <= v <= MAX_FILTERS, f"1 to {MAX_FILTERS}"),
    "octaves": (lambda v: 1 <= v <= MAX_OCTAVES, f"1 to {MAX_OCTAVES}"),
    "synthesis": one_of(SYNTHESES),
    "lowest_quality": NOT_NEGATIVE,
    "loss": one_of(LOSSES),
    "steps": AT_LEAST_ONE,
    "batch": AT_LEAST_ONE,
    "learning_rate": POSITIVE,
    "final_learning_rate": NOT_NEGATIVE,
    "clip_norm": POSITIVE,
    "width": (lambda v: 1 <= v <= MAX_FILTERS, f"1 to {MAX_FILTERS}"),
    "blocks": (lambda v: 0 <= v <= 6, "0 to 6"),  # more would reach too far for decoders
    "rate_slope": POSITIVE,
    "finetune_steps": NOT_NEGATIVE,
    "finetune_learning_rate": POSITIVE,
    "finetune_own_share": SHARE,
    "seed": SEED,
    "checkpoint_every": AT_LEAST_ONE,
    "validate_every": AT_LEAST_ONE,
    "optimiser": one_of(OPTIMISERS),
    "weight_decay": NOT_NEGATIVE,
}
