"""Metrics against values made by hand and against their definitions, computed the slow way."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.metrics import accuracy, auc, bootstrap_ci, confusion, dice, percentiles

scored = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=30)


def test_dice_by_hand():
    mask = np.array([[1, 1], [0, 0]], np.uint8)
    truth = np.array([[255, 0], [255, 0]], np.uint8)
    assert dice(mask, truth) == 0.5  # 2 x 1 / (2 + 2), whatever the value of "inside"
    assert dice(mask, mask) == 1.0
    assert dice(mask, 1 - mask) == 0.0


def test_dice_of_two_empty_masks_is_one_and_of_one_is_zero():
    empty = np.zeros((4, 4), np.uint8)
    assert dice(empty, empty) == 1.0
    assert dice(empty, np.ones((4, 4), np.uint8)) == 0.0


def test_auc_by_hand():
    assert auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) == 0.75
    assert auc([0, 1], [0.0, 1.0]) == 1.0
    assert auc([0, 1], [1.0, 0.0]) == 0.0
    assert auc([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5]) == 0.5


@given(scored)
def test_auc_is_the_share_of_pairs_in_order(rows):
    positives = [score for label, score in rows if label]
    negatives = [score for label, score in rows if not label]
    value = auc(*zip(*rows, strict=True))
    if not positives or not negatives:
        assert math.isnan(value)
    else:
        pairs = [(p > q) + 0.5 * (p == q) for p, q in product(positives, negatives)]
        assert value == pytest.approx(sum(pairs) / len(pairs))


def test_auc_refuses_nan_scores():
    with pytest.raises(ValueError, match="nan"):
        auc([0, 1], [0.1, float("nan")])


def test_accuracy_by_hand():
    assert accuracy(["mild", "mild", "severe"], ["mild", "normal", "severe"]) == pytest.approx(2 / 3)
    assert math.isnan(accuracy([], []))


def test_confusion_has_truth_in_rows():
    counts = confusion(["a", "a", "b"], ["a", "b", "b"], ("a", "b", "c"))
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert counts.dtype == np.int64


def test_confusion_refuses_what_is_no_class():
    with pytest.raises(ValueError, match="none of the classes"):
        confusion(["a"], ["z"], ("a", "b"))
    with pytest.raises(ValueError, match="twice"):
        confusion(["a"], ["a"], ("a", "a"))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_accuracy_is_the_trace_of_the_confusion(pairs):
    truth, predicted = zip(*pairs, strict=True)
    counts = confusion(truth, predicted, range(4))
    assert counts.sum() == len(pairs)
    assert accuracy(truth, predicted) == pytest.approx(np.trace(counts) / len(pairs))


@pytest.mark.parametrize("metric", [dice, auc, accuracy, lambda a, b: confusion(a, b, (0, 1))])
def test_shapes_must_agree(metric):
    with pytest.raises(ValueError, match="differ"):
        metric([0, 1, 1], [0])  # NumPy would broadcast this one


def test_percentiles_by_hand():
    assert percentiles([3, 1, 2], (0, 50, 100)).tolist() == [1.0, 2.0, 3.0]
    assert percentiles([0, 10], (25,)).tolist() == [2.5]
    assert np.isnan(percentiles([], (50, 95))).all()


def test_bootstrap_draws_subjects_not_rows():
    # One row repeated 50 times a subject: no more is known than from the 20 subjects.
    subjects = np.arange(20)
    values = np.random.default_rng(1).normal(size=20)
    once = bootstrap_ci(np.mean, subjects, values)
    repeated = bootstrap_ci(np.mean, np.repeat(subjects, 50), np.repeat(values, 50))
    assert repeated == pytest.approx(once)
    assert once.low < once.value < once.high
    by_row = bootstrap_ci(np.mean, np.arange(1000), np.repeat(values, 50))
    assert by_row.high - by_row.low < 0.3 * (once.high - once.low)


def test_bootstrap_of_a_mean_agrees_with_its_standard_error():
    values = np.random.default_rng(2).normal(size=400)
    interval = bootstrap_ci(np.mean, np.arange(400), values, n=4000)
    error = values.std() / math.sqrt(400)
    assert interval.low == pytest.approx(values.mean() - 1.96 * error, abs=0.1 * error)
    assert interval.high == pytest.approx(values.mean() + 1.96 * error, abs=0.1 * error)


def test_bootstrap_keeps_each_subjects_rows_together_in_any_order():
    subjects = np.array(["b", "a", "b", "a", "c"])
    seen = []

    def note(rows):
        seen.append(sorted(rows.tolist()))
        return 0.0

    bootstrap_ci(note, subjects, np.arange(5), n=200)
    for rows in seen:
        assert rows.count(1) == rows.count(3)
        assert rows.count(0) == rows.count(2)
        assert rows.count(0) + rows.count(1) + rows.count(4) == 3


def test_bootstrap_is_repeatable_and_seeded():
    values = np.random.default_rng(3).normal(size=15)
    first, again, other = (bootstrap_ci(np.mean, range(15), values, n=100, seed=seed) for seed in (4, 4, 5))
    assert first == again
    assert first != other


def test_bootstrap_leaves_out_resamples_without_a_curve():
    interval = bootstrap_ci(auc, [1, 2, 3], [0, 1, 1], [0.1, 0.7, 0.9])
    assert interval == (1.0, 1.0, 1.0)
    nothing = bootstrap_ci(auc, [1, 1], [1, 1], [0.1, 0.7])
    assert all(map(math.isnan, nothing))


@pytest.mark.parametrize(
    ("subjects", "values", "options"),
    [([1, 2], [1.0], {}), ([], [], {}), ([1], [1.0], {"n": 0}), ([1], [1.0], {"level": 1.0})],
)
def test_bootstrap_refuses_what_it_cannot_draw_from(subjects, values, options):
    with pytest.raises(ValueError, match="bootstrap_ci"):
        bootstrap_ci(np.mean, subjects, values, **options)
