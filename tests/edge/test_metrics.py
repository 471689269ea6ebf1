"""Metrics against values made by hand and against their definitions, computed the slow way."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.metrics import (
    accuracy,
    auc,
    bootstrap_ci,
    confusion,
    delong,
    dice,
    hausdorff,
    hd95,
    paired_bootstrap,
    percentiles,
    quadratic_weighted_kappa,
)

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


def box(top, left, height, width, shape=(24, 40)):
    mask = np.zeros(shape, np.uint8)
    mask[top : top + height, left : left + width] = 1
    return mask


def test_border_distances_by_hand():
    here, there = box(5, 5, 6, 10), box(5, 8, 6, 10)
    assert hausdorff(here, there) == hd95(here, there) == 3.0
    assert hd95(here, there, mm_per_px=0.2) == pytest.approx(0.6)
    assert hausdorff(box(0, 0, 1, 1), box(3, 4, 1, 1)) == 5.0  # 3 and 4 make 5, whatever lies at the picture's edge
    assert hausdorff(here, here * 255) == 0.0


def test_a_speck_decides_hausdorff_and_not_hd95():
    truth = box(5, 5, 10, 10)
    speck = truth.copy()
    speck[20, 30] = 1
    assert hausdorff(speck, truth) == pytest.approx(math.hypot(6, 16))
    assert hd95(speck, truth) == 0.0


def test_border_distance_of_empty_masks():
    empty, full = np.zeros((4, 4)), np.ones((4, 4))
    for distance in (hausdorff, hd95):
        assert distance(empty, empty) == 0.0
        assert distance(empty, full) == distance(full, empty) == math.inf
    with pytest.raises(ValueError, match="H, W"):
        hd95([1], [1])


def border_points(mask):
    padded = np.pad(mask, 1)
    core = padded[1:-1, :-2] & padded[1:-1, 2:] & padded[:-2, 1:-1] & padded[2:, 1:-1]
    return np.argwhere(mask & ~core)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.3, 0.7, 0.95]))
def test_border_distances_are_those_of_all_pairs(seed, density):
    first, second = np.random.default_rng(seed).random((2, 9, 13)) < density
    if not first.any() or not second.any():
        return
    apart = np.linalg.norm(border_points(first)[:, None] - border_points(second)[None], axis=2)
    one_way, other_way = apart.min(axis=1), apart.min(axis=0)
    assert hausdorff(first, second) == pytest.approx(max(one_way.max(), other_way.max()), abs=1e-4)
    expected = max(np.percentile(one_way, 95), np.percentile(other_way, 95))
    assert hd95(first, second) == hd95(second, first) == pytest.approx(expected, abs=1e-4)


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


def test_auc_as_scikit_learn_has_it():
    labels = [0, 0, 1, 1, 0, 1, 1, 0, 1, 0]
    assert auc(labels, [0.1, 0.4, 0.35, 0.8, 0.5, 0.5, 0.9, 0.2, 0.3, 0.3]) == pytest.approx(0.8)


def pair_shares(labels, scores):
    """DeLong's structural components, pair by pair."""
    positives, negatives = scores[labels], scores[~labels]
    wins = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
    return wins.mean(axis=1), wins.mean(axis=0)


@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(2, 12))
def test_delong_is_its_definition(seed, positives, negatives):
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(positives + negatives) < positives)
    first, second = random.integers(0, 8, (2, positives + negatives)) / 7
    (a10, a01), (b10, b01) = pair_shares(labels, first), pair_shares(labels, second)
    covariance = np.cov(a10, b10) / positives + np.cov(a01, b01) / negatives
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    test = delong(labels, first, second)
    assert test.auc_first == pytest.approx(a10.mean())
    assert test.difference == pytest.approx(a10.mean() - b10.mean())
    assert test.standard_error == pytest.approx(math.sqrt(max(variance, 0.0)), abs=1e-7)
    back = delong(labels, second, first)
    assert (back.low, back.high, back.p) == pytest.approx((-test.high, -test.low, test.p))


def test_delong_has_the_normal_distributions_p():
    random = np.random.default_rng(5)
    labels = np.arange(200) % 2
    first, second = labels + random.normal(size=(2, 200))
    test = delong(labels, first, second)
    z = abs(test.difference) / test.standard_error
    assert test.p == pytest.approx(math.erfc(z / math.sqrt(2)))
    assert (test.high - test.low) / 2 == pytest.approx(1.96 * test.standard_error, rel=1e-3)
    drawn = paired_bootstrap(auc, np.arange(200), (labels, first), (labels, second))
    assert (drawn.high - drawn.low) == pytest.approx(test.high - test.low, rel=0.15)


def test_delong_of_equal_ranks_and_of_one_class():
    same = delong([0, 1, 0, 1], [0.1, 0.9, 0.3, 0.2], [1, 9, 3, 2])
    assert (same.difference, same.standard_error, same.p) == (0.0, 0.0, 1.0)
    alone = delong([0, 1, 1], [0.1, 0.9, 0.3], [0.5, 0.2, 0.9])
    assert alone.auc_first == 1.0
    assert math.isnan(alone.p) and math.isnan(alone.standard_error)
    assert math.isnan(delong([1, 1], [0.1, 0.2], [0.3, 0.4]).auc_first)


def test_kappa_as_scikit_learn_has_it():
    truth = [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 0, 1]
    predicted = [0, 1, 0, 1, 1, 2, 0, 2, 3, 2, 3, 2, 3, 0, 0, 1]
    assert quadratic_weighted_kappa(truth, predicted, range(4)) == pytest.approx(0.6466876971608833)


def test_kappa_by_hand():
    grades = ("normal", "mild", "severe")
    assert quadratic_weighted_kappa(grades, grades, grades) == 1.0
    assert quadratic_weighted_kappa(["normal", "severe"], ["severe", "normal"], grades) == -1.0
    assert quadratic_weighted_kappa([0, 0, 1, 1], [1, 0, 1, 0], (0, 1)) == 0.0
    near, far = [0, 1, 2, 3, 0, 1], [0, 1, 2, 3, 3, 1]
    truth = [0, 1, 2, 3, 1, 1]
    assert quadratic_weighted_kappa(truth, near, range(4)) > quadratic_weighted_kappa(truth, far, range(4))


def test_kappa_where_chance_cannot_miss():
    assert math.isnan(quadratic_weighted_kappa([1, 1], [1, 1], range(4)))
    assert math.isnan(quadratic_weighted_kappa([], [], range(4)))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_kappa_does_not_depend_on_which_is_called_the_truth(pairs):
    truth, predicted = zip(*pairs, strict=True)
    value = quadratic_weighted_kappa(truth, predicted, range(4))
    assert value == pytest.approx(quadratic_weighted_kappa(predicted, truth, range(4)), nan_ok=True)
    assert math.isnan(value) or -1.0 <= value <= 1.0


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


@pytest.mark.parametrize("metric", [dice, hd95, auc, accuracy, lambda a, b: confusion(a, b, (0, 1))])
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
    ("subjects", "values", "options", "told"),
    [
        ([1, 2], [1.0], {}, "one subject"),
        ([], [], {}, "at least one row"),
        ([1], [1.0], {"n": 0}, "n is"),
        ([1], [1.0], {"level": 1.0}, "level"),
    ],
)
def test_bootstrap_refuses_what_it_cannot_draw_from(subjects, values, options, told):
    with pytest.raises(ValueError, match=told):
        bootstrap_ci(np.mean, subjects, values, **options)


def test_paired_bootstrap_of_a_mean_agrees_with_its_standard_error():
    random = np.random.default_rng(6)
    hard = random.normal(0.0, 1.0, 400)  # what both models find hard, and which a paired difference does not see
    first, second = hard + 0.1, hard + random.normal(0.0, 0.05, 400)
    paired = paired_bootstrap(np.mean, np.arange(400), [first], [second], n=4000)
    error = (first - second).std() / math.sqrt(400)
    assert paired.difference == pytest.approx(first.mean() - second.mean())
    assert (paired.first, paired.second) == (first.mean(), second.mean())
    assert paired.low == pytest.approx(paired.difference - 1.96 * error, abs=0.1 * error)
    assert paired.high == pytest.approx(paired.difference + 1.96 * error, abs=0.1 * error)
    assert paired.upper == pytest.approx(paired.difference + 1.645 * error, abs=0.1 * error)


def test_paired_bootstrap_of_a_model_with_itself_is_nothing_however_few_the_subjects():
    labels, scores = np.arange(12) % 2, np.random.default_rng(7).normal(size=12)
    paired = paired_bootstrap(auc, np.arange(12) // 2, (labels, scores), (labels, scores))
    assert paired.first == paired.second
    assert (paired.difference, paired.low, paired.high, paired.upper) == (0.0, 0.0, 0.0, 0.0)


def test_paired_bootstrap_draws_subjects_not_rows():
    first, second = np.random.default_rng(8).normal(size=(2, 20))
    once = paired_bootstrap(np.mean, np.arange(20), [first], [second])
    rows = np.repeat(first, 30), np.repeat(second, 30)
    assert paired_bootstrap(np.mean, np.repeat(np.arange(20), 30), [rows[0]], [rows[1]]) == pytest.approx(once)


def test_paired_bootstrap_holds_its_level():
    """A loss of exactly the bound's size: in about one of twenty studies the bound lies below it, and no more."""
    random, below = np.random.default_rng(9), 0
    for _ in range(200):
        lost = random.normal(0.02, 0.05, 60)
        below += paired_bootstrap(np.mean, np.arange(60), [lost], [np.zeros(60)], n=200).upper < 0.02
    assert 2 <= below <= 22


def test_paired_bootstrap_refuses_what_it_cannot_draw_from():
    with pytest.raises(ValueError, match="one subject"):
        paired_bootstrap(np.mean, [1, 2], [[1.0, 2.0]], [[1.0]])
    with pytest.raises(ValueError, match="one subject"):
        paired_bootstrap(np.mean, [], [[]], [[]])


def test_distances_are_exact_roots_of_whole_numbers():
    mask, truth = np.zeros((2, 64, 64), np.uint8)
    mask[3, 5], truth[20, 41] = 1, 1
    assert hausdorff(mask, truth) == hd95(mask, truth) == math.sqrt(17**2 + 36**2)  # to the last bit
