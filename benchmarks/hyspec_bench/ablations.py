"""What parts of hyspec are worth: python -m hyspec_bench.ablations SCENE... [--against PACK].

Encodes every scene at several qualities, in a form to compare with and in others, and decodes
every stream. Prints three Markdown tables: rate and PSNR of every stream, with the difference in
PSNR to the form to compare with at equal rate, between its points; the Bjøntegaard rate difference
in per cent, positive where more bits are needed at equal PSNR, with the PSNR that both curves
reach; and the change of the mean spectral angle at equal rate in per cent.

With --against, that pack is compared with those of --pack. Without it, the default of the encoder
is compared with variants, those of the profile of the pack. Of the band profile:

- one interval: all bands of a tile are one chunk;
- each band alone: every band is an interval, a chunk of its own that nothing is predicted from;
- plain rounding: latents are rounded to the nearest integer, whatever the bits cost.

Of the spectral profile:

- fast: latents are rounded one by one, with what the bits cost;
- metric sam: spectral angles are kept small in place of squared errors;
- five intervals: each has principal components of its own;
- five intervals, joint: what their leading components have in common is transformed, too;
- tiles of 64 x 64, tiles of 32 x 32: each begins with fresh models, and may share a basis with
  others of its row;
- tiles of n x n, a basis each: the same, but no basis is shared.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest import mock

from tqdm import tqdm

import hyspec
from hyspec import band_profile, spectral_profile
from hyspec import pack as packs
from hyspec.errors import HyspecError
from hyspec.options import EncodeSettings
from hyspec_bench import curves, delta
from hyspec_bench.delta import ALL_RATES, Point
from hyspec_bench.table import Table, number
from hyspec_tools.arguments import positive
from hyspec_tools.common import to_json

#: Default qualities: those of `generic-band` from below 0.05 to about 2 bits per sample.
QUALITIES = (25.0, 35.0, 45.0, 55.0, 65.0, 75.0)
_DEFAULT_PACK = "generic-band"


@dataclass(frozen=True)
class Form:
    """A way to encode.

    Attributes
    ----------
    name : str
    settings : EncodeSettings
        Without a target.
    bit_value : float
        What a bit is worth in squared steps when the band profile rounds latents; 0 rounds to the
        nearest.
    sharing : bool
        Whether tiles of a row may share a basis in the spectral profile.
    """

    name: str
    settings: EncodeSettings
    bit_value: float = band_profile.BIT_VALUE
    sharing: bool = True


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes
    ----------
    scene, variant, reference : str
        What was encoded, and the names of the forms that are compared.
    qualities : list of float
    curve, reference_curve : list of (float, float)
        Bits per sample and PSNR in dB at each quality.
    gains_db : list of float
        PSNR at each quality minus that of the form to compare with at the same rate; NaN where its
        curve does not reach the rate.
    bd_rate : float
        Mean difference in rate at equal PSNR in per cent; NaN where the curves share no PSNR.
    psnr_db : (float, float)
        First and last PSNR that both curves reach.
    angle_change : float
        Mean change of the spectral angle at equal rate in per cent; NaN where the curves share no
        rate.
    """

    scene: str
    variant: str
    reference: str
    qualities: list[float]
    curve: list[Point]
    reference_curve: list[Point]
    gains_db: list[float]
    bd_rate: float
    psnr_db: tuple[float, float]
    angle_change: float


def forms_of_encoder(pack: str, settings: EncodeSettings, bands: int) -> list[Form]:
    """Return the default of the profile of a pack and its variants, for a number of bands."""
    default: EncodeSettings = {**settings, "pack": pack}
    if packs.load(pack).profile == spectral_profile.PROFILE_NAME:
        return [
            Form("default", default),
            Form("fast", {**default, "fast": True}),
            Form("metric sam", {**default, "metric": "sam"}),
            Form("five intervals", {**default, "intervals": "seed"}),
            Form("five intervals, joint", {**default, "intervals": "seed", "joint": True}),
            *(
                Form(f"tiles of {n} x {n}{text}", {**default, "tile": (n, n)}, sharing=sharing)
                for n in (64, 32)
                for sharing, text in ((True, ""), (False, ", a basis each"))
            ),
        ]
    each = ",".join(map(str, range(1, bands + 1)))
    return [
        Form("default", default),
        Form("one interval", {**default, "intervals": "all"}),
        Form("each band alone", {**default, "intervals": each}),
        Form("plain rounding", default, bit_value=0.0),
    ]


def forms_of_packs(chosen: Sequence[str], against: str, settings: EncodeSettings) -> list[Form]:
    """Return the pack to compare with, then the others, called as they were given."""
    return [Form(pack, {**settings, "pack": pack}) for pack in (against, *chosen)]


def measure(
    scene: str, cube: hyspec.Cube, forms: Sequence[Form], qualities: Sequence[float]
) -> Iterator[Row]:
    """Yield the comparison of every form but the first with the first."""
    reference, reference_angles = _curves(cube, forms[0], qualities)
    for form in forms[1:]:
        curve, angles = _curves(cube, form, qualities)
        yield Row(
            scene=scene,
            variant=form.name,
            reference=forms[0].name,
            qualities=list(qualities),
            curve=curve,
            reference_curve=reference,
            gains_db=[psnr - delta.psnr_at(reference, rate) for rate, psnr in curve],
            bd_rate=delta.bd_rate(reference, curve, ALL_RATES),
            psnr_db=delta.overlap(reference, curve, ALL_RATES, 1),
            angle_change=delta.angle_change(reference_angles, angles, ALL_RATES),
        )


def _curves(
    cube: hyspec.Cube, form: Form, qualities: Sequence[float]
) -> tuple[list[Point], list[Point]]:
    """PSNR and mean spectral angle by rate."""
    with (
        mock.patch.object(band_profile, "BIT_VALUE", form.bit_value),
        mock.patch.object(spectral_profile.SpectralCoder, "by_row", form.sharing),
    ):
        found = curves.encodings(cube, form.settings, qualities)
    return (
        [(e.bps, e.comparison.psnr_db) for e in found],
        [(e.bps, e.comparison.sam_deg) for e in found],
    )


def point_table(rows: Sequence[Row]) -> Table:
    """Rate and PSNR of every stream, and the difference in PSNR at equal rate."""
    lines = []
    for scene in dict.fromkeys(row.scene for row in rows):
        mine = [row for row in rows if row.scene == scene]
        nothing = [math.nan] * len(mine[0].qualities)
        forms = [(mine[0].reference, mine[0].reference_curve, nothing)]
        forms += [(row.variant, row.curve, row.gains_db) for row in mine]
        for name, curve, gains in forms:
            points = zip(mine[0].qualities, curve, gains, strict=True)
            lines += [
                [scene, name, f"{quality:g}", f"{r:.4f}", f"{p:.2f}", number(gain, "{:+.2f}")]
                for quality, (r, p), gain in points
            ]
    gain = f"dB above {rows[0].reference} at this rate"
    return Table(
        "Rate and PSNR", ["scene", "form", "quality", "bit/sample", "PSNR in dB", gain], lines
    )


def rate_table(rows: Sequence[Row]) -> Table:
    """Rate differences by scene and variant, and their means; a dash where there is none."""
    title = f"BD-rate in % against {rows[0].reference} (dB compared)"
    return _by_scene(title, rows, _difference, lambda row: row.bd_rate)


def angle_table(rows: Sequence[Row]) -> Table:
    """Changes of the spectral angle by scene and variant, and their means."""
    title = f"Spectral angle at equal rate, change in % from {rows[0].reference}"
    return _by_scene(
        title, rows, lambda row: number(row.angle_change, "{:+.1f}"), lambda row: row.angle_change
    )


def _by_scene(
    title: str, rows: Sequence[Row], cell: Callable[[Row], str], value: Callable[[Row], float]
) -> Table:
    """One line per scene, one column per variant, and the means of a value."""
    variants = list(dict.fromkeys(row.variant for row in rows))
    lines = [
        [scene, *(cell(row) for row in rows if row.scene == scene)]
        for scene in dict.fromkeys(row.scene for row in rows)
    ]
    means = [statistics.fmean(value(r) for r in rows if r.variant == name) for name in variants]
    lines.append(["mean", *(number(mean, "{:+.1f}") for mean in means)])
    return Table(title, ["scene", *variants], lines)


def _difference(row: Row) -> str:
    low, high = row.psnr_db
    return number(row.bd_rate, f"{{:+.1f}} ({low:.1f} to {high:.1f})")


def parser() -> argparse.ArgumentParser:
    """Return the arguments of the program."""
    program = argparse.ArgumentParser(
        "python -m hyspec_bench.ablations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    program.add_argument("scenes", nargs="+", metavar="SCENE", help="cubes that hyspec reads")
    program.add_argument(
        "--pack",
        nargs="+",
        default=[_DEFAULT_PACK],
        metavar="NAME|PATH",
        help=f"packs to encode with, one without --against (default: {_DEFAULT_PACK})",
    )
    program.add_argument("--against", metavar="NAME|PATH", help="pack to compare them with")
    program.add_argument(
        "--network",
        type=int,
        metavar="N",
        help="number of the network, from 0, to encode all tiles with (default: chosen by tile)",
    )
    program.add_argument(
        "--qualities",
        nargs="+",
        type=float,
        default=QUALITIES,
        metavar="Q",
        help="qualities of the curves, at least two (default: "
        f"{' '.join(f'{quality:g}' for quality in QUALITIES)})",
    )
    program.add_argument("--threads", type=positive, default=1, metavar="N")
    program.add_argument("--json", action="store_true", help="print a line of JSON per comparison")
    return program


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print it."""
    arguments = parser()
    options = arguments.parse_args(argv)
    if len(set(options.qualities)) < 2:
        arguments.error("found one quality; expected at least two for a curve")
    if options.against is None and len(options.pack) > 1:
        arguments.error("found several packs without --against; expected one to compare them with")
    if len({options.against, *options.pack}) <= len(options.pack):
        arguments.error("found a pack twice; expected packs that differ")
    settings: EncodeSettings = {"network": options.network, "threads": options.threads}
    rows = []
    for path in tqdm(options.scenes, unit="scene", disable=None):
        try:
            cube = hyspec.io.read(path)
            if options.against is None:
                forms = forms_of_encoder(options.pack[0], settings, cube.bands)
            else:
                forms = forms_of_packs(options.pack, options.against, settings)
            for row in measure(Path(path).stem, cube, forms, options.qualities):
                rows.append(row)
                if options.json:
                    print(to_json(asdict(row)), flush=True)
        except HyspecError as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
    if not options.json:
        for table in (point_table(rows), rate_table(rows), angle_table(rows)):
            print(f"{table.title}\n\n{table.markdown()}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
