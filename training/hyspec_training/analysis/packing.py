"""The analysis pack of a trained model: what the recipe and its scenes say, and the graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.analysis.pack_contents import AnalysisPack, Named, named
from hyspec.analysis.scaling import Scaler
from hyspec.errors import DataError
from hyspec.intervals import to_nanometres
from hyspec_training.analysis.config import Recipe
from hyspec_training.analysis.export import export_model
from hyspec_training.analysis.preparation import Prepared
from hyspec_training.analysis.registry import Model
from hyspec_training.analysis.scenes import Subject
from hyspec_training.analysis.wavelength_encoder import WavelengthEncoder
from hyspec_training.onnx_graphs import OPSET


def pack_of(
    recipe: Recipe,
    prepared: Prepared,
    model: Model,
    *,
    training: dict[str, Any],
    measured: dict[str, Any],
) -> AnalysisPack:
    """Make the pack of a model.

    Parameters
    ----------
    recipe
        What it was trained by.
    prepared
        Scenes of its run.
    model
        The model; goes to the processor.
    training, measured
        How it went, and figures of the test, for the manifest.

    Raises
    ------
    DataError
        A model of any bands was trained on samples that each sensor scales in its own way.
    """
    subject = prepared.subjects[0]
    any_bands = isinstance(model, WavelengthEncoder)
    scaler = _common(prepared) if any_bands else prepared.scalers[len(subject.bands)]
    wavelengths, fwhm = (None, None) if any_bands else _axis(subject)
    selected = not any_bands and len(subject.bands) < subject.scene.cube.bands
    graphs = export_model(model)
    task = recipe.analysis.task
    return AnalysisPack(
        name=recipe.analysis.name,
        model=recipe.model.name,
        task=task,
        patch=model.patch,
        whole_scenes=model.whole_scenes,
        bands=None if any_bands else len(subject.bands),
        scaler=scaler,
        graphs=graphs,
        wavelengths=wavelengths,
        fwhm=fwhm,
        source_bands=subject.scene.cube.bands if selected else None,
        selected=tuple(subject.bands.tolist()) if selected else (),
        classes=_classes(prepared) if task == "classification" else (),
        endmembers=_endmembers(prepared, model, scaler) if task == "unmixing" else (),
        latents=getattr(model, "latents", None),
        about={
            "description": recipe.analysis.description,
            "sensor": recipe.analysis.sensor,
            "licence": recipe.analysis.licence,
            "opset": OPSET,
            "recipe": recipe.text,
            "training": training,
            "measured": measured,
        },
    )


def _common(prepared: Prepared) -> Scaler:
    """Scaler of one number that stands for those of all bands and sensors.

    Of the kind ``level``, readers fit it to each scene.
    """
    if {scaler.kind for scaler in prepared.scalers.values()} == {"level"}:
        return Scaler("level", np.zeros(1), np.ones(1))
    found = {
        (scaler.kind, offset, scale)
        for scaler in prepared.scalers.values()
        for offset, scale in zip(scaler.offset.tolist(), scaler.scale.tolist(), strict=True)
    }
    if len(found) > 1:
        raise DataError(
            "samples are scaled by band or by sensor; a model of any bands needs one scale",
            hint='write kind = "level" or "none" in [scaling]',
        )
    [(kind, offset, scale)] = found
    return Scaler(kind, np.array([offset]), np.array([scale]))


def _axis(
    subject: Subject,
) -> tuple[npt.NDArray[np.float64] | None, npt.NDArray[np.float64] | None]:
    """Centres and widths of the bands in use in nanometres, where the scene has them."""
    cube = subject.scene.cube
    if cube.wavelengths is None:
        return None, None
    centres = to_nanometres(cube.wavelengths, cube.wavelength_unit)
    if centres is None or cube.fwhm is None:
        return None if centres is None else centres[subject.bands], None
    widths = (cube.fwhm * centres / cube.wavelengths)[subject.bands]
    known = bool((np.isfinite(widths) & (widths > 0)).all())
    return centres[subject.bands], widths if known else None


def _classes(prepared: Prepared) -> tuple[Named, ...]:
    known = prepared.subjects[0].scene.class_names
    return named(known[k] if k < len(known) else f"class {k + 1}" for k in range(prepared.classes))


def _endmembers(prepared: Prepared, model: Model, scaler: Scaler) -> tuple[Named, ...]:
    """Endmembers by number; with their spectra where the model has learned them."""
    names = [f"endmember {k + 1}" for k in range(prepared.classes)]
    learned = getattr(model, "endmembers", None)
    if learned is None or isinstance(learned, int) or scaler.kind == "minmax":
        return named(names)
    return named(names, spectra=scaler.inverse(learned.detach().cpu().numpy()))
