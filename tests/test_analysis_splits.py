"""Splits: buffered ones leak nothing, whatever the shape, and random ones leak much."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec.analysis import random_splits, spatial_split
from hyspec.analysis.split import PARTS, Split, SplitWarning
from hyspec.errors import DataError, UsageError


def fields(rows, columns, classes=4, side=8, seed=0, background=0.3):
    """Map of square fields of one class each, as farmland has them, and some background."""
    random = np.random.default_rng(seed)
    coarse = random.integers(1, classes + 1, (rows // side + 1, columns // side + 1))
    coarse[random.random(coarse.shape) < background] = 0
    coarse[0, 0] = 1
    return np.kron(coarse, np.ones((side, side), int))[:rows, :columns]


def patch_pixels(row, column, patch):
    """The pixels of a patch, by the definition alone."""
    before = patch // 2
    return {
        (r, c)
        for r in range(row - before, row - before + patch)
        for c in range(column - before, column - before + patch)
    }


def shared(split, first, second):
    """Numbers of pixels of the first part whose patch meets pixels, and patches, of the second."""
    others = set(zip(*np.nonzero(getattr(split, second)), strict=True))
    others = {(int(r), int(c)) for r, c in others}
    patches = set().union(*(patch_pixels(r, c, split.patch) for r, c in others), set())
    mine = list(zip(*np.nonzero(getattr(split, first)), strict=True))
    holds = sum(bool(patch_pixels(int(r), int(c), split.patch) & others) for r, c in mine)
    meets = sum(bool(patch_pixels(int(r), int(c), split.patch) & patches) for r, c in mine)
    return holds, meets, len(mine)


@st.composite
def label_maps(draw):
    rows, columns = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    seed = draw(st.integers(0, 2**32))
    kind = draw(st.sampled_from(["fields", "sparse", "noise"]))
    random = np.random.default_rng(seed)
    if kind == "fields":
        labels = fields(rows, columns, 3, draw(st.integers(1, 9)), seed)
    else:
        share = 0.1 if kind == "sparse" else 1.0
        labels = random.integers(1, 4, (rows, columns)) * (random.random((rows, columns)) < share)
    labels.flat[0] = 1
    return labels


@settings(max_examples=150, deadline=None)
@given(
    label_maps(),
    st.integers(1, 12),
    st.sampled_from([(0.5, 0.0), (0.3, 0.2), (0.6, 0.2), (0.1, 0.1)]),
    st.integers(0, 2**32),
)
def test_buffered_split_leaks_nothing(labels, patch, fractions, seed):
    try:
        split = spatial_split.spatial(
            labels,
            train=fractions[0],
            validation=fractions[1],
            patch=patch,
            seed=seed,
            candidates=6,
            missing="ignore",
        )
    except DataError as error:
        assert "no division" in str(error)
        return
    assert split.leakage() == split.overlap() == split.validation_overlap() == 0
    for first in PARTS:
        for second in PARTS:
            if first != second:
                assert shared(split, first, second)[:2] == (0, 0)


@settings(max_examples=60, deadline=None)
@given(label_maps(), st.integers(1, 12), st.floats(0.05, 0.9), st.integers(0, 2**32))
def test_leakage_is_what_it_says(labels, patch, train, seed):
    """Of any split, against a count by the definition."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SplitWarning)
        try:
            split = random_splits.stratified(labels, train=train, patch=patch, seed=seed)
        except DataError:
            return
    holds, meets, count = shared(split, "test", "train")
    assert split.leakage() == pytest.approx(holds / count)
    assert split.overlap() == pytest.approx(meets / count)
    assert split.leakage() <= split.overlap()


def test_random_splits_leak():
    """One pixel in ten in training: nearly every 5 x 5 patch of the test holds one."""
    labels = fields(120, 120, classes=9, side=12)
    split = random_splits.stratified(labels, train=0.1, patch=5, seed=1)
    assert 0.8 < split.leakage() < 1
    assert split.overlap() > 0.99
    buffered = spatial_split.spatial(labels, train=0.1, patch=5, seed=1)
    assert buffered.overlap() == 0


def test_disjoint_areas_without_buffer_leak():
    labels = np.ones((40, 40), int)
    west = np.arange(40) < 20
    split = random_splits.of_masks(labels, train=west * labels, patch=9)
    assert split.leakage() == pytest.approx(4 / 20)
    assert split.overlap() == pytest.approx(8 / 20)


@pytest.mark.parametrize("patch", [1, 2, 5, 9])
def test_every_class_in_every_part(patch):
    labels = fields(120, 100, classes=5, side=10, seed=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        split = spatial_split.spatial(labels, train=0.4, validation=0.2, patch=patch, seed=2)
    assert split.missing() == {}
    counts = np.array(list(split.counts().values()))
    shares = counts.sum(axis=0) / counts.sum()
    assert shares == pytest.approx([0.4, 0.2, 0.4], abs=0.15)
    if patch == 1:  # no buffer
        assert counts.sum() == np.count_nonzero(labels)


def test_a_class_in_one_field_is_divided():
    labels = np.ones((60, 60), int)
    labels[20:36, 30:46] = 2
    split = spatial_split.spatial(labels, train=0.5, patch=5, seed=1)
    assert split.missing() == {}


def test_a_class_that_cannot_be_divided():
    labels = np.ones((60, 60), int)
    labels[30, 30] = 2
    with pytest.warns(SplitWarning, match=r"lacks classes \[2\]"):
        split = spatial_split.spatial(labels, train=0.5, patch=5, seed=1)
    assert sum(map(len, split.missing().values())) == 1
    with pytest.raises(DataError, match=r"lacks classes \[2\]"):
        spatial_split.spatial(labels, train=0.5, patch=5, seed=1, missing="error")


def test_patches_too_large_for_the_image():
    with pytest.raises(DataError, match="no division") as found:
        spatial_split.spatial(np.ones((8, 8), int), train=0.5, patch=9, seed=0)
    assert "smaller patch" in found.value.hint


def test_sparse_labels_lose_nothing_to_the_buffer():
    """Pixels that are far from any other are kept, wherever areas meet."""
    labels = np.zeros((64, 64), int)
    labels[::16, ::16] = np.arange(16).reshape(4, 4) % 2 + 1
    split = spatial_split.spatial(labels, train=0.5, patch=15, seed=0)
    assert np.array_equal(split.train | split.test, labels > 0)


def test_same_seed_same_split():
    labels = fields(50, 60)
    for make in (
        lambda seed: spatial_split.spatial(labels, train=0.5, patch=3, seed=seed, candidates=4),
        lambda seed: random_splits.stratified(labels, train=0.5, patch=3, seed=seed),
    ):
        assert np.array_equal(make(1).train, make(1).train)
        assert not np.array_equal(make(1).train, make(2).train)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.02, 0.9), st.floats(0, 0.09))
def test_stratified_keeps_proportions(seed, train, validation):
    labels = fields(60, 60, side=6, seed=seed)
    split = random_splits.stratified(labels, train=train, validation=validation, patch=1, seed=seed)
    for label, (a, b, c) in split.counts().items():
        assert a + b + c == np.count_nonzero(labels == label)
        assert abs(a - train * (a + b + c)) <= 1
        assert abs(b - validation * (a + b + c)) <= 1
        assert a > 0
        assert c > 0


def test_fixed_per_class():
    labels = fields(60, 60, side=6)
    split = random_splits.fixed_per_class(labels, train=20, validation=5, patch=3, seed=0)
    assert all(counts[:2] == (20, 5) for counts in split.counts().values())
    small = labels * (labels != 2)
    small[0, :8] = 2
    with pytest.warns(SplitWarning, match="1 classes have no more than 25 pixels"):
        split = random_splits.fixed_per_class(small, train=20, validation=5, patch=3, seed=0)
    assert split.counts()[2] == (3, 1, 4)


def test_a_single_pixel_is_for_training():
    labels = np.ones((9, 9), int)
    labels[4, 4] = 2
    with pytest.warns(SplitWarning, match=r"classes \[2\] have a single pixel"):
        split = random_splits.stratified(labels, train=0.5, patch=1, seed=0)
    assert split.train[4, 4]


def test_own_masks():
    labels = fields(20, 20, side=5)
    train = np.zeros_like(labels)
    train[:8] = labels[:8]
    split = random_splits.of_masks(labels, train=train, patch=3)
    assert np.array_equal(split.train, train > 0)
    assert np.array_equal(split.test, (labels > 0) & (train == 0))
    with pytest.raises(DataError, match="two parts"):
        random_splits.of_masks(labels, train=train, test=labels, patch=3)
    with pytest.raises(DataError, match="shape"):
        random_splits.of_masks(labels, train=train[1:], patch=3)


def test_validation_is_taken_from_training_by_place():
    labels = fields(80, 80, side=10, seed=2)
    given_masks = spatial_split.spatial(labels, train=0.5, patch=5, seed=1)
    split = spatial_split.with_validation(given_masks, fraction=0.3, seed=1)
    assert np.array_equal(split.test, given_masks.test)
    assert not np.any((split.train | split.validation) & ~given_masks.train)
    assert 0 < np.count_nonzero(split.validation) < np.count_nonzero(split.train)
    assert split.validation_overlap() == split.overlap() == 0


def test_summary_names_the_leakage():
    labels = fields(60, 60, side=6)
    split = random_splits.stratified(labels, train=0.2, validation=0.1, patch=5, seed=0)
    text = str(split)
    assert f"{100 * split.leakage():.1f} % of test patches hold a training pixel" in text
    assert "5x5 patches" in text
    assert "validation" in text


@pytest.mark.parametrize("fractions", [(0, 0), (1, 0), (0.6, 0.4), (-0.1, 0), (10, 0)])
def test_fractions_are_fractions(fractions):
    for make in (random_splits.stratified, spatial_split.spatial):
        with pytest.raises(UsageError, match="fraction"):
            make(np.ones((9, 9), int), train=fractions[0], validation=fractions[1], patch=1, seed=0)


def test_unusable():
    labels = fields(20, 20)
    with pytest.raises(UsageError, match="whole numbers"):
        random_splits.fixed_per_class(labels, train=0, patch=1, seed=0)
    with pytest.raises(UsageError, match="side 0"):
        random_splits.stratified(labels, train=0.5, patch=0, seed=0)
    with pytest.raises(DataError, match="integers"):
        spatial_split.spatial(labels * 1.0, train=0.5, patch=1, seed=0)
    with pytest.raises(DataError, match="no pixel is labelled"):
        spatial_split.spatial(labels * 0, train=0.5, patch=1, seed=0)
    none = np.zeros((20, 20), bool)
    with pytest.raises(DataError, match="left for train"):
        Split(labels, none, none, labels > 0, 1, "nothing to train with")
    with pytest.raises(DataError, match="without label"):
        Split(labels, ~none, none, none, 1, "everything")
