"""What a recipe makes: stages, checkpoints, records and figures; and what is refused at once."""

import json
import shutil

import numpy as np
import pytest
import torch

from hyspec.errors import DataError, UsageError
from hyspec_training import checkpoint, config, export, networks, packing, recipe
from training_fixtures import write_recipe, write_scenes

torch.set_num_threads(1)

FIVE = (
    ('models = ["any"]', 'models = ["a", "b", "c", "d", "e"]\njoint_name = "all"'),
    ("steps = 120", "steps = 6\nfinetune_steps = 3"),
    ("validate_every = 60", "validate_every = 3"),
    (
        "[training]",
        '[[network]]\nname = "high"\nsteps = 4\nkind = "lapped"\noctaves = 3\nbatch = 2\n'
        'lowest_quality = 1.5\nper_interval = false\nloss = "ms-ssim"\n[training]',
    ),
)
SHORT = ("steps = 120", "steps = 2")


@pytest.fixture
def packs_written(monkeypatch):
    """Write no packs, but note what they would have been made of."""
    calls = []

    def note(folder, recipe, checkpoints, scenes, **_):
        calls.append((folder, recipe, checkpoints, scenes))

    monkeypatch.setattr(packing, "write", note)
    return calls


@pytest.fixture
def data(tmp_path, grid):
    return write_scenes(tmp_path / "data", grid)


@pytest.fixture
def train(tmp_path, data):
    def train(*changes, **options):
        loaded = config.load(write_recipe(tmp_path, *changes))
        work, packs = tmp_path / "work", tmp_path / "packs"
        return recipe.run(loaded, data, work, packs, threads=1, quiet=True, **options)

    return train


def weights(work, stage):
    return torch.load(work / f"{stage}.pt", weights_only=True)["model"]["analysis.0.weight"]


def test_networks_and_their_interval_models(tmp_path, train, packs_written):
    work, packs = tmp_path / "work", tmp_path / "packs"
    assert train(*FIVE) == [packs / "all", packs / "pocket"]
    joint, five = packs_written
    assert (joint[0], five[0]) == (packs / "all", packs / "pocket")
    assert joint[1].pack.models == ("any",)
    assert [c.stage for c in joint[2]] == ["low", "high"]
    stages = ["low", *(f"low-interval-{k}" for k in range(5)), "high"]
    assert [c.stage for c in five[2]] == stages
    assert [scene.name for scene in five[3]] == ["scene-0.npy", "scene-1.npy"]
    own = [weights(work, stage) for stage in stages[:6]]
    for k, first in enumerate(own):  # fine-tuned from the joint weights, each on other planes
        assert not any(torch.equal(first, second) for second in own[:k])
        assert (first - own[0]).abs().max() < 1e-4  # three steps of Adam from there
    assert own[0].std() > 1e-2
    history = json.loads((work / "history.json").read_text())
    assert list(history) == stages
    assert [(r["step"], r["quality"]) for r in history["low"]] == [
        (step, quality) for step in (3, 6) for quality in (0, 1, 2)
    ]
    assert [(r["step"], r["quality"]) for r in history["high"]] == [
        (step, quality) for step in (3, 4) for quality in (2, 3)
    ]
    assert {r["scene"] for records in history.values() for r in records} == {"scene-2.npy"}
    assert sorted(p.stem for p in work.glob("*.pt")) == sorted(stages)
    assert sorted(p.name for p in (work / "tensorboard").iterdir()) == sorted(stages)


def test_the_figure_is_drawn(trained):
    assert (trained.work / "rate_distortion.png").read_bytes().startswith(b"\x89PNG")
    assert (trained.work / "rate_distortion.pdf").read_bytes().startswith(b"%PDF")


def test_existing_packs_are_noticed_before_training(tmp_path, train, packs_written):
    (tmp_path / "packs" / "all").mkdir(parents=True)
    with pytest.raises(UsageError, match="all exists already"):
        train(*FIVE)
    assert not (tmp_path / "work").exists()
    assert not packs_written


def test_validation_records_are_finite_and_improve_with_quality(trained):
    records = json.loads((trained.work / "history.json").read_text())["low"]
    assert [r["step"] for r in records] == [60] * 3 + [120] * 3
    for at_step in (records[:3], records[3:]):
        rates = [r["bps"] for r in at_step]
        assert rates == sorted(rates)
        assert rates[0] > 0
        assert np.isfinite([r["snr_db"] for r in at_step]).all()
        assert all(0 < r["ms_ssim"] < 1 for r in at_step)


def test_no_validation_scenes_are_no_error(tmp_path, train, packs_written):
    train(('validation = ["scene-2.npy"]', "validation = []"), SHORT)
    [(_, _, [found], scenes)] = packs_written
    assert [s.name for s in scenes] == ["scene-0.npy", "scene-1.npy", "scene-2.npy"]
    assert found.history == []
    assert not list((tmp_path / "work").glob("rate_distortion.*"))


def test_divergence_is_an_error(train, packs_written):
    with pytest.raises(DataError, match="diverged") as caught:
        train(("learning_rate = 1e-2", "learning_rate = 1e30"), ("steps = 120", "steps = 50"))
    assert "learning rate" in caught.value.hint
    assert not packs_written


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_are_positive(trained, tmp_path, threads):
    loaded = config.load(trained.recipe)
    with pytest.raises(UsageError, match="threads"):
        recipe.run(loaded, trained.data, tmp_path, tmp_path, threads=threads)


@pytest.mark.usefixtures("packs_written")
def test_scenes_may_be_cached_elsewhere(tmp_path, train):
    train(SHORT, cache_folder=tmp_path / "copies")
    assert len(list((tmp_path / "copies").glob("*.npy"))) == 3
    assert not (tmp_path / "work" / "cache").exists()


# ---- settings that change the weights -----------------------------------------------------------


@pytest.mark.usefixtures("packs_written")
def test_the_optimiser_makes_a_difference(tmp_path, train):
    found = []
    for setting in ("adam", "adamw"):
        settings = f'seed = 11\noptimiser = "{setting}"\nweight_decay = 0.5'
        train(("steps = 120", "steps = 1"), ("seed = 11", settings))
        found.append(torch.load(tmp_path / "work" / "low.pt", weights_only=True)["model"])
        shutil.rmtree(tmp_path / "work")
    torch.manual_seed(11)
    initial_network = networks.build(config.NetworkConfig("low", 1, filters=4, octaves=2))
    for name, initial in initial_network.named_parameters():
        decay = 1e-4 * 0.5 if initial.ndim == 4 else 0  # first learning rate, times weight_decay
        torch.testing.assert_close(
            found[0][name] - found[1][name], decay * initial, rtol=0, atol=1e-7
        )


@pytest.mark.usefixtures("packs_written")
@pytest.mark.parametrize(
    "change",
    [
        ("batch = 4", 'batch = 4\nloss = "ms-ssim"'),
        ("[training]", "[augmentation]\nband_mixing = 1.0\n[training]"),
        ("[training]", "[augmentation]\nhalf_scale = 1.0\n[training]"),
        ("[training]", "[augmentation]\nnoise = 0.5\n[training]"),
    ],
)
def test_loss_and_augmentation_make_a_difference(tmp_path, train, change):
    found = []
    for changes in ([SHORT], [SHORT], [SHORT, change]):
        train(*changes)
        found.append(weights(tmp_path / "work", "low"))
        shutil.rmtree(tmp_path / "work")
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.usefixtures("packs_written")
def test_qualities_begin_at_the_lowest(monkeypatch, train):
    drawn = []
    build = networks.build

    def listening(settings):
        net = build(settings)
        net.register_forward_hook(
            lambda _, arguments, __: drawn.append(arguments[1]) if len(arguments) > 2 else None
        )
        return net

    monkeypatch.setattr(networks, "build", listening)
    train(("steps = 120", "steps = 40\nlowest_quality = 0.5"))
    qualities = torch.cat(drawn)
    assert len(qualities) == 160
    assert 0.5 <= qualities.min() < 0.6
    assert 1.9 < qualities.max() < 2


@pytest.mark.usefixtures("packs_written")
def test_a_warm_start_takes_the_weights_of_a_checkpoint(tmp_path, trained, train):
    start = trained.work / "low.pt"
    train(SHORT, ("batch = 4", f"batch = 4\nwarm_start = '{start}'"))
    began, ended = weights(trained.work, "low"), weights(tmp_path / "work", "low")
    assert (began - ended).abs().max() < 1e-3  # two steps of Adam at a hundredth of 1e-2
    assert checkpoint.load(tmp_path / "work" / "low.pt").step == 2


@pytest.mark.usefixtures("packs_written")
def test_a_warm_start_from_nothing_or_another_network(tmp_path, trained, train):
    with pytest.raises(DataError, match=r"none\.pt does not exist"):
        train(SHORT, ("batch = 4", f"batch = 4\nwarm_start = '{tmp_path / 'none.pt'}'"))
    path = trained.work / "low.pt"
    with pytest.raises(DataError, match="another network"):
        train(SHORT, ("filters = 4", f"filters = 5\nwarm_start = '{path}'"))


# ---- packs --------------------------------------------------------------------------------------


def test_a_pack_needs_all_networks_of_all_models(trained, tmp_path):
    net, loaded = trained.network(), config.load(trained.recipe)
    for models, found in (
        ([[net], [net]], "2 sets of networks for 1 models"),
        ([[net, net]], "2 networks in a model, 1 expected"),
    ):
        with pytest.raises(UsageError, match=found):
            export.write_pack(tmp_path / "p", loaded, models, scenes=[], validation=[])
    assert not list(tmp_path.iterdir())
