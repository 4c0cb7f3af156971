"""Recipes: what is read, and that every error names the setting it is about."""

import dataclasses
import re
from pathlib import Path

import pytest

from hyspec.errors import DataError, UsageError
from hyspec_training import config, refinement_config
from training_fixtures import RECIPE, SPECTRAL, write_recipe

CONFIGS = Path(__file__).parents[1] / "training" / "configs"


def test_a_recipe_is_read(tmp_path):
    recipe = config.load(write_recipe(tmp_path))
    assert recipe.pack.models == ("any",)
    assert recipe.pack.licence == "Apache-2.0"
    assert recipe.data == config.DataConfig(("scene-*.npy",), ("scene-2.npy",), 32)
    [network] = recipe.networks
    assert (network.name, network.filters, network.octaves) == ("low", 4, 2)
    assert network.learning_rate == 0.01
    assert network.clip_norm == config.NetworkConfig.clip_norm
    assert recipe.augmentation == config.AugmentationConfig(0, 0, 0)
    assert recipe.training == config.TrainingConfig(11, 50, 60, "adam", 0.01)
    assert recipe.text == RECIPE


def test_whole_numbers_stand_for_numbers(tmp_path):
    path = write_recipe(tmp_path, ("learning_rate = 1e-2", "learning_rate = 1"))
    rate = config.load(path).networks[0].learning_rate
    assert rate == 1
    assert isinstance(rate, float)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda p: p.name)
def test_recipes_of_the_repository_are_valid(path):
    reader = refinement_config if path.stem.endswith("-refinement") else config
    assert reader.load(path).text == path.read_text(encoding="utf-8")


SECOND = """[[network]]
name = "high"
kind = "lapped"
steps = 7
octaves = 9
lowest_quality = 2
per_interval = false
loss = "ms-ssim"

[augmentation]
noise = 0.05

[training]"""


def test_several_networks_and_augmentation(tmp_path):
    path = write_recipe(tmp_path, ("[training]", SECOND))
    recipe = config.load(path)
    assert [network.name for network in recipe.networks] == ["low", "high"]
    high = recipe.networks[1]
    assert (high.kind, high.steps, high.lowest_quality, high.loss) == ("lapped", 7, 2.0, "ms-ssim")
    assert (recipe.networks[0].per_interval, high.per_interval) == (True, False)
    assert recipe.augmentation == config.AugmentationConfig(noise=0.05)
    assert config.parse(path.read_text(), "text") == recipe


def test_the_joint_pack_has_its_own_name(tmp_path):
    path = write_recipe(
        tmp_path,
        ('models = ["any"]', 'models = ["a", "b", "c", "d", "e"]\njoint_name = "all"'),
        ("steps = 120", "steps = 120\nfinetune_steps = 5"),
    )
    recipe = config.load(path)
    joint = recipe.for_joint_model()
    assert (joint.pack.name, joint.pack.models) == ("all", ("any",))
    assert dataclasses.replace(joint, pack=recipe.pack) == recipe
    alone = config.load(write_recipe(tmp_path))
    assert alone.for_joint_model() == alone


def test_the_profile(tmp_path):
    assert config.load(write_recipe(tmp_path)).pack.profile == "band"
    assert config.load(write_recipe(tmp_path, *SPECTRAL)).pack.profile == "spectral"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (('models = ["any"]', 'models = ["a", "b", "c", "d", "e"]'), "[pack] models are 5"),
        (('kind = "wavelet"', 'kind = "balle"'), "[[network]] 1 kind is 'balle'"),
        (('kind = "wavelet"', 'kind = "lapped"'), "[[network]] 1 kind is 'lapped'"),
        (
            ("[training]", '[[network]]\nname = "more"\nkind = "wavelet"\nsteps = 1\n[training]'),
            "found 2 networks",
        ),
    ],
)
def test_what_spectral_packs_can_not_hold(tmp_path, change, problem):
    with pytest.raises(UsageError, match=re.escape(problem)) as caught:
        config.load(write_recipe(tmp_path, *SPECTRAL, change))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "setting"),
    [
        ('models = ["any"]', 'models = ["any"]\nprofile = "bands"', "[pack] profile"),
        ("filters = 4", "filter = 4", "'filter'"),
        ("filters = 4", "filters = 0", "[[network]] 1 filters"),
        ("filters = 4", "filters = 100000", "[[network]] 1 filters"),
        ("filters = 4", 'filters = "4"', "[[network]] 1 filters"),
        ("filters = 4", "filters = 4.0", "[[network]] 1 filters"),
        ("filters = 4", "filters = true", "[[network]] 1 filters"),
        ("octaves = 2", "octaves = 0", "[[network]] 1 octaves"),
        ("octaves = 2", "octaves = 40", "[[network]] 1 octaves"),
        ("patch = 32", "patch = 33", "[data] patch"),
        ("patch = 32", "patch = 0", "[data] patch"),
        ('scenes = ["scene-*.npy"]', "scenes = []", "[data] scenes"),
        ('scenes = ["scene-*.npy"]', 'scenes = "scene-*.npy"', "[data] scenes"),
        ('scenes = ["scene-*.npy"]', "scenes = [1]", "[data] scenes"),
        ('validation = ["scene-2.npy"]', "", "'validation'"),
        ("seed = 11", "", "'seed'"),
        ("seed = 11", "seed = -1", "[training] seed"),
        ("steps = 120", "steps = 0", "[[network]] 1 steps"),
        ("batch = 4", "batch = 0", "[[network]] 1 batch"),
        ("batch = 4", "batch = 4\nmomentum = 0.9", "'momentum'"),
        ("learning_rate = 1e-2", "learning_rate = 0.0", "[[network]] 1 learning_rate"),
        ("learning_rate = 1e-2", "learning_rate = nan", "[[network]] 1 learning_rate"),
        ("learning_rate = 1e-2", "learning_rate = inf", "[[network]] 1 learning_rate"),
        ("final_learning_rate = 1e-3", "final_learning_rate = -1.0", "final_learning_rate"),
        ("checkpoint_every = 50", "checkpoint_every = 0", "[training] checkpoint_every"),
        ("validate_every = 60", "validate_every = 0", "[training] validate_every"),
        ("batch = 4", "batch = 4\nclip_norm = -1", "[[network]] 1 clip_norm"),
        ("batch = 4", "batch = 4\nrate_slope = 0", "[[network]] 1 rate_slope"),
        ("batch = 4", "batch = 4\nfinetune_own_share = 2", "[[network]] 1 finetune_own_share"),
        ("batch = 4", "batch = 4\nfinetune_steps = -1", "[[network]] 1 finetune_steps"),
        ("batch = 4", 'batch = 4\nkind = "vgg"', "one of balle, lapped, wavelet"),
        ("batch = 4", 'batch = 4\nkind = "wavelet"', "[[network]] 1 kind is 'wavelet'"),
        ("batch = 4", 'batch = 4\nloss = "mae"', "one of mse, ms-ssim"),
        ("batch = 4", 'batch = 4\nsynthesis = "huge"', "one of plain, heavy"),
        ("batch = 4", "batch = 4\nper_interval = 1", "expected true or false"),
        ("batch = 4", "batch = 4\nlowest_quality = -1", "[[network]] 1 lowest_quality"),
        ("batch = 4", "batch = 4\nlowest_quality = 2", "[[network]] 1 lowest_quality"),
        ('name = "low"', "", "'name'"),
        ('name = "low"', 'name = "low/1"', "[[network]] 1 name"),
        ('name = "low"', 'name = "low-interval-1"', "[[network]] 1 name"),
        ("[training]", '[[network]]\nname = "low"\nsteps = 1\n[training]', "[[network]] 2 name"),
        ("[training]", "[augmentation]\nnoise = -1\n[training]", "[augmentation] noise"),
        ("[training]", "[augmentation]\nband_mixing = 2\n[training]", "[augmentation] band_mix"),
        ("[training]", "[augmentation]\nhalf_scale = nan\n[training]", "[augmentation] half"),
        ("[training]", "[augmentation]\nflips = true\n[training]", "'flips'"),
        ("seed = 11", 'seed = 11\noptimiser = "sgd"', "one of adam, adamw"),
        ("seed = 11", "seed = 11\nweight_decay = -1", "[training] weight_decay"),
        ('models = ["any"]', 'models = ["a", "b"]', "[pack] models"),
        ('models = ["any"]', "models = []", "[pack] models"),
        ('models = ["any"]', 'models = ["a", "b", "c", "d", "e"]', "[[network]] 1 finetune_steps"),
        ('name = "pocket"', 'name = ""', "[pack] name"),
        ('name = "pocket"', 'name = "../pocket"', "[pack] name"),
        ('name = "pocket"', 'name = "pocket"\njoint_name = "a/b"', "[pack] joint_name"),
        ('name = "pocket"', 'name = "pocket"\njoint_name = "pocket"', "[pack] joint_name"),
    ],
)
def test_errors_name_the_setting(tmp_path, old, new, setting):
    path = write_recipe(tmp_path, (old, new))
    with pytest.raises(UsageError) as caught:
        config.load(path)
    assert setting in str(caught.value)
    assert path.name in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "section"),
    [
        ("[[network]]", "[[networks]]", "networks"),
        ("[[network]]", "[network]", r"\[network\].* expected a list"),
        ("[[network]]", "[data.more]", "network"),
        ("[training]", "[speed]\nfast = true\n[training]", "speed"),
    ],
)
def test_sections_are_fixed(tmp_path, old, new, section):
    path = write_recipe(tmp_path, (old, new))
    with pytest.raises(UsageError, match=section):
        config.load(path)


def test_a_setting_in_place_of_a_section(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text("pack = 1\ndata = 2\nnetwork = [3]\ntraining = 4\n")
    with pytest.raises(UsageError, match=r"\[\[network\]\] 1 is 3; expected a section"):
        config.load(path)
    path.write_text("pack = 1\ndata = 2\nnetwork = []\ntraining = 4\n")
    with pytest.raises(UsageError, match=r"\[network\] is \[\]; expected a list"):
        config.load(path)


def test_five_models_need_a_network_of_their_own(tmp_path):
    five = ('models = ["any"]', 'models = ["a", "b", "c", "d", "e"]')
    path = write_recipe(tmp_path, five, ("steps = 120", "steps = 120\nper_interval = false"))
    with pytest.raises(UsageError, match="no network has per_interval"):
        config.load(path)


@pytest.mark.parametrize("content", [b"[pack", b"\xff\xfe\x00", b"seed = 1\nseed = 2\n"])
def test_files_that_are_no_toml(tmp_path, content):
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not valid TOML"):
        config.load(path)


def test_missing_and_unreadable_files(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(DataError, match="cannot read the recipe"):
            config.load(path)


def test_every_setting_is_read_somewhere():
    package = Path(config.__file__).parent
    code = "\n".join(p.read_text(encoding="utf-8") for p in package.glob("*.py"))
    for cls in (
        config.PackConfig,
        config.DataConfig,
        config.AugmentationConfig,
        config.NetworkConfig,
        config.TrainingConfig,
    ):
        for field in dataclasses.fields(cls):
            assert f".{field.name}" in code, f"{cls.__name__}.{field.name} has no effect"
