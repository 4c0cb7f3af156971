"""Encoders for any sensor: python -m hyspec_bench.shared_encoder RECIPE.toml... [--classify].

Trains each recipe without one sensor after the other, and prints a Markdown table of how well the
encoders keep scenes of sensors that they have not seen: PSNR in dB and structural similarity.
Scenes of the part ``test`` are never trained on. With --classify, the table is one of classifiers
that are fine-tuned with few labels: overall and average accuracy in percent, from pretraining
without the sensor of the scene and from scratch. Trainings are kept in --work, and done once.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hyspec.analysis import local_sets, sensor_scenes
from hyspec.analysis.sensor_scenes import SensorScene
from hyspec.errors import HyspecError
from hyspec_bench.table import Table
from hyspec_tools.arguments import positive
from hyspec_tools.common import extra

with extra("train", "encoders for any sensor"):
    from hyspec_training.analysis import config, fine_tuning, unseen_sensors
    from hyspec_training.analysis.config import Recipe
    from hyspec_training.analysis.unseen_sensors import Reconstruction, Trained

#: Scenes with classes, by the name of their data set: their files among those of many sensors.
LABELLED = {
    "samson": "test/samson.mat",
    "jasper-ridge": "test/jasper-ridge.mat",
    "berlin-hymap": "train/HyMap02_Berlin_Urban_Gradient_2009.bsq",
    "berlin-enmap": "train/EnMAP_BerlinUrbanGradient.bsq",
}


class Trainings:
    """Encoders of recipes, trained when they are asked for first.

    Parameters
    ----------
    data
        Folder of the scenes.
    work
        Folder of the trainings.
    threads
        Of PyTorch.
    """

    def __init__(self, data: Path, work: Path, threads: int | None) -> None:
        self.data, self._work, self._threads = data, work, threads
        self._found: dict[tuple[str, tuple[str, ...]], Trained] = {}
        self._scenes: dict[str, SensorScene] = {}

    def encoder(self, recipe: Recipe, left_out: tuple[str, ...]) -> Trained:
        """Encoder of a recipe that was trained without some sensors."""
        names = (recipe.analysis.name, str(recipe.model.options.get("latents", "")))
        folder = self._work / "-".join(filter(None, names))
        key = (folder.name, left_out)
        if key not in self._found:
            self._found[key] = unseen_sensors.trained(
                recipe, left_out, self.data, folder, threads=self._threads, quiet=True
            )
        return self._found[key]

    def left_out_for(self, recipe: Recipe, sensor: str) -> tuple[str, ...]:
        """Sensors that a training leaves out so that it has not seen this one."""
        return next((f for f in unseen_sensors.folds(recipe) if sensor in f), ())

    def scene(self, file: str) -> SensorScene:
        """Return a scene."""
        if file not in self._scenes:
            self._scenes[file] = sensor_scenes.load(file, self.data)
        return self._scenes[file]


def reconstructions(recipes: Sequence[Recipe], trainings: Trainings) -> Table:
    """Table of unseen sensors by recipes; the last rows are means, and of the sensors seen."""
    sensors = dict.fromkeys(source.sensor for source in sensor_scenes.SCENES.values())
    rows, numbers = [], []
    for sensor in sensors:
        found = [_of_sensor(recipe, sensor, trainings) for recipe in recipes]
        rows.append([sensor, *(_text(each) for each in found), *_gains(found)])
        if None not in found:
            numbers.append(found)
    means = [
        _mean([each for each in column if each is not None])
        for column in zip(*numbers, strict=True)
    ]
    rows.append(["mean of sensors that all take", *map(_text, means), *_gains(means)])
    seen = [trainings.encoder(recipe, ()).seen_psnr_db for recipe in recipes]
    texts = [f"{each:.2f}" for each in seen]
    gains = [f"{each - seen[0]:+.2f}" for each in seen[1:]]
    rows.append(["sensors seen, other ground", *texts, *gains])
    names = [recipe.analysis.name for recipe in recipes]
    return Table("", ("sensor", *names, *(f"{n} - {names[0]}" for n in names[1:])), rows)


def classifications(
    recipes: Sequence[Recipe], trainings: Trainings, seeds: int, settings: fine_tuning.Settings
) -> Table:
    """Table of scenes and recipes: accuracies from scratch and from pretraining."""
    rows = []
    for name, file in LABELLED.items():
        scene = trainings.scene(file)
        labels = _labels(name, scene, trainings)
        few = [fine_tuning.few_labels(labels, settings.share, seed) for seed in range(seeds)]
        for recipe in recipes:
            left_out = trainings.left_out_for(recipe, scene.sensor)
            pretrained = trainings.encoder(recipe, left_out).model
            results = []
            for seed in range(seeds):
                scratch = unseen_sensors.initial(recipe, seed)
                results.append(
                    [
                        fine_tuning.classified(model, scene, labels, few[seed], seed, settings)
                        for model in (scratch, pretrained)
                    ]
                )
            cells = []
            for measure in ("overall_accuracy", "average_accuracy"):
                pairs = [[100 * getattr(each, measure) for each in pair] for pair in results]
                cells += [_spread(values) for values in zip(*pairs, strict=True)]
                cells.append(_spread([after - before for before, after in pairs], sign="+"))
            drawn = statistics.fmean(np.count_nonzero(each.drawn) for each in few)
            overlap = max(each.split.overlap() for each in few)
            rows.append(
                [name, recipe.analysis.name, f"{drawn:.0f}", f"{100 * overlap:.1f} %", *cells]
            )
    header = ("scene", "encoder", "labels", "overlap", "OA, scratch", "OA, pretrained", "change")
    return Table("", (*header, "AA, scratch", "AA, pretrained", "change"), rows)


def _labels(name: str, scene: SensorScene, trainings: Trainings) -> npt.NDArray[np.int64]:
    """Classes of a scene: those of its map, or its dominant endmembers."""
    [known] = local_sets.load(name, root=trainings.data)
    if known.labels is not None:
        labels = known.labels
    else:
        assert known.abundances is not None  # one of the two is there
        mixed = known.abundances.sum(axis=2) > 0
        labels = np.where(mixed, known.abundances.argmax(axis=2) + 1, 0)
    return np.where(scene.measured, labels, 0).astype(np.int64)


def _of_sensor(recipe: Recipe, sensor: str, trainings: Trainings) -> Reconstruction | None:
    """Mean over the scenes of a sensor that was left out; None if the encoder cannot take them."""
    model = trainings.encoder(recipe, trainings.left_out_for(recipe, sensor)).model
    scenes = [
        trainings.scene(file)
        for file, source in sensor_scenes.SCENES.items()
        if source.sensor == sensor
    ]
    if not all(unseen_sensors.takes(model, scene) for scene in scenes):
        return None
    return _mean([unseen_sensors.reconstruction(model, scene) for scene in scenes])


def _mean(found: Sequence[Reconstruction]) -> Reconstruction:
    return unseen_sensors.Reconstruction(
        statistics.fmean(each.psnr_db for each in found),
        statistics.fmean(each.ssim for each in found),
    )


def _text(found: Reconstruction | None) -> str:
    return "-" if found is None else f"{found.psnr_db:.2f} / {found.ssim:.3f}"


def _gains(found: Sequence[Reconstruction | None]) -> list[str]:
    first = found[0]
    return [
        "-" if first is None or each is None else f"{each.psnr_db - first.psnr_db:+.2f}"
        for each in found[1:]
    ]


def _spread(values: Sequence[float], sign: str = "") -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.fmean(values):{sign}.1f} ± {deviation:.1f}"


def _with_latents(recipe: Recipe, latents: int | None) -> Recipe:
    if latents is None:
        return recipe
    options = {**recipe.model.options, "latents": latents}
    return dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, options=options))


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    program = argparse.ArgumentParser(
        "python -m hyspec_bench.shared_encoder", description=__doc__.split("\n\n")[0]
    )
    program.add_argument("recipes", nargs="+", type=Path, metavar="RECIPE.toml")
    program.add_argument("--classify", action="store_true", help="classifiers with few labels")
    program.add_argument(
        "--plain", action="store_true", help="classifiers see latents that are not standardised"
    )
    program.add_argument("--data", type=Path, help="folder of the scenes (default: HYSPEC_DATA)")
    program.add_argument("--work", type=Path, default=Path("runs/shared-encoder"))
    program.add_argument("--latents", type=positive, metavar="R", help="default: the recipe's")
    program.add_argument("--seeds", type=positive, default=5, metavar="N", help="of classifiers")
    program.add_argument("--threads", type=positive, metavar="N")
    options = program.parse_args(argv)
    try:
        data = options.data or local_sets.folder()
        recipes = [_with_latents(config.load(path), options.latents) for path in options.recipes]
        trainings = Trainings(data, options.work, options.threads)
        if options.classify:
            settings = fine_tuning.Settings(standardised=not options.plain)
            table = classifications(recipes, trainings, options.seeds, settings)
        else:
            table = reconstructions(recipes, trainings)
    except HyspecError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1
    print(table.markdown())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
