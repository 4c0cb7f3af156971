"""Scalers: definitions, what they were fitted to, and their way through JSON."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec.analysis import scaling
from hyspec.errors import DataError, UsageError

AFFINE = ("global-minmax", "band-minmax", "standard", "none")


def spectra(seed, pixels=30, bands=6):
    return np.random.default_rng(seed).normal(500, 200, (pixels, bands))


def test_minmax_of_deephyp():
    """(x - min + 0.001) / max, spectrum by spectrum, which is not the true min-max."""
    scaler = scaling.fit("minmax", spectra(1, bands=3))
    assert scaler(np.array([[2.0, 3, 4]])) == pytest.approx(
        np.array([[0.001 / 4, 1.001 / 4, 2.001 / 4]])
    )
    assert np.array_equal(scaler(np.zeros((1, 3))), np.full((1, 3), 0.001))


def test_minmax_does_not_depend_on_the_training_pixels():
    x = spectra(2)
    assert np.array_equal(scaling.fit("minmax", x)(x), scaling.fit("minmax", x[:3] * 9)(x))


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_ranges_on_the_training_pixels(seed):
    x = spectra(seed)
    by_band = scaling.fit("band-minmax", x)(x)
    assert by_band.min(axis=0) == pytest.approx(0)
    assert by_band.max(axis=0) == pytest.approx(1)
    overall = scaling.fit("global-minmax", x)(x)
    assert (overall.min(), overall.max()) == pytest.approx((0, 1))
    assert np.ptp(overall, axis=0) == pytest.approx(np.ptp(x, axis=0) / np.ptp(x))
    standard = scaling.fit("standard", x)(x)
    assert standard.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert standard.std(axis=0) == pytest.approx(1)


@pytest.mark.parametrize("kind", AFFINE)
def test_only_training_pixels_decide(kind):
    train, test = spectra(3), spectra(4) * 10
    scaler = scaling.fit(kind, train)
    together = np.concatenate([train, test])
    assert np.array_equal(scaler(together)[: len(train)], scaler(train))
    if kind != "none":
        assert scaler(test).max() > scaler(train).max()


@pytest.mark.parametrize("kind", AFFINE)
def test_inverse_and_record(kind):
    image = spectra(5).reshape(5, 6, 6)
    scaler = scaling.fit(kind, image)
    assert scaler.inverse(scaler(image)) == pytest.approx(image)
    again = scaling.of_record(json.loads(json.dumps(scaler.record())))
    assert np.array_equal(again(image), scaler(image))


@pytest.mark.parametrize("kind", scaling.KINDS)
def test_constant_bands_stay_finite(kind):
    x = spectra(6)
    x[:, 2] = 0.1 + 0.2
    scaled = scaling.fit(kind, x)(x)
    assert np.isfinite(scaled).all()
    if kind in ("band-minmax", "standard"):
        assert scaled[:, 2] == pytest.approx(0, abs=1e-9)


def test_unusable():
    with pytest.raises(UsageError, match="not known"):
        scaling.fit("max", spectra(1))
    with pytest.raises(DataError, match="NaN"):
        scaling.fit("standard", np.full((3, 4), np.nan))
    with pytest.raises(DataError, match="shape"):
        scaling.fit("standard", np.ones((0, 4)))
    with pytest.raises(DataError, match="6 bands"):
        scaling.fit("standard", spectra(1))(np.ones((2, 5)))
    with pytest.raises(UsageError, match="undone"):
        scaling.fit("minmax", spectra(1)).inverse(spectra(1))


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"kind": "standard", "offset": [1], "scale": ["a"]},
        {"kind": "other", "offset": [1.0], "scale": [1.0]},
        {"kind": "standard", "offset": [1.0], "scale": [0.0]},
        {"kind": "standard", "offset": [1.0, 2.0], "scale": [1.0]},
        {"kind": "standard", "offset": [float("nan")], "scale": [1.0]},
    ],
)
def test_spoilt_records(record):
    with pytest.raises(DataError, match="record of a scaler"):
        scaling.of_record(record)
