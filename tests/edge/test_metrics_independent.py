"""Metrics against scikit-learn and SciPy, to 1e-6, and the bootstrap against its own promise."""

from __future__ import annotations

import math

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is in the extra dev")
stats = pytest.importorskip("scipy.stats", reason="SciPy is in the extra convert")

from scipy.spatial.distance import directed_hausdorff  # noqa: E402
from sklearn import metrics as theirs  # noqa: E402
from sklearn.calibration import calibration_curve  # noqa: E402

from edge.metrics import (  # noqa: E402
    accuracy,
    auc,
    bland_altman,
    bootstrap,
    bootstrap_ci,
    class_rates,
    confusion,
    dice,
    expected_calibration_error,
    hausdorff,
    interval,
    mann_whitney,
    precision_recall,
    quadratic_weighted_kappa,
    reliability,
    roc_curve,
)

SEEDS = range(8)
CLASSES = range(4)


def near(value: object) -> object:
    return pytest.approx(value, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_masks(seed: int) -> None:
    mask, truth = np.random.default_rng(seed).random((2, 30, 40)) < [[[0.3]], [[0.2]]]
    flat = truth.ravel(), mask.ravel()
    assert precision_recall(mask, truth) == near((theirs.precision_score(*flat), theirs.recall_score(*flat)))
    assert dice(mask, truth) == near(theirs.f1_score(*flat))
    borders = [np.argwhere(each & ~core(each)) for each in (mask, truth)]
    there, back = directed_hausdorff(*borders)[0], directed_hausdorff(*borders[::-1])[0]
    assert hausdorff(mask, truth) == near(max(there, back))


def core(mask: np.ndarray) -> np.ndarray:
    padded = np.pad(mask, 1)
    return padded[1:-1, :-2] & padded[1:-1, 2:] & padded[:-2, 1:-1] & padded[2:, 1:-1]


@pytest.mark.parametrize(("inside", "wanted", "expected"), [(0, 0, (1, 1)), (0, 5, (0, 0)), (5, 0, (0, 0))])
def test_precision_and_recall_of_empty_masks_follow_the_dsc(inside: int, wanted: int, expected: tuple) -> None:
    mask, truth = np.arange(20) < inside, np.arange(20) < wanted
    assert precision_recall(mask, truth) == expected
    assert dice(mask, truth) == expected[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_classes(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 4, 60)
    predicted = np.where(random.random(60) < 0.6, truth, random.integers(0, 4, 60))
    counts = confusion(truth, predicted, CLASSES)
    assert counts.tolist() == theirs.confusion_matrix(truth, predicted, labels=CLASSES).tolist()
    rates = class_rates(counts)
    expected = theirs.precision_recall_fscore_support(truth, predicted, labels=CLASSES, zero_division=np.nan)
    for ours, other in zip((rates.precision, rates.recall, rates.f1), expected, strict=False):
        assert ours == near(other)
    specificity = [theirs.recall_score(truth != grade, predicted != grade) for grade in CLASSES]
    assert rates.specificity == near(specificity)
    assert accuracy(truth, predicted) == near(theirs.accuracy_score(truth, predicted))
    kappa = theirs.cohen_kappa_score(truth, predicted, labels=CLASSES, weights="quadratic")
    assert quadratic_weighted_kappa(truth, predicted, CLASSES) == near(kappa)


def test_a_class_that_is_never_called_has_no_precision_and_one_that_is_not_there_no_recall() -> None:
    rates = class_rates(confusion([0, 0, 1], [0, 0, 0], (0, 1, 2)))
    assert rates.precision == near([2 / 3, math.nan, math.nan])
    assert rates.recall == near([1.0, 0.0, math.nan])
    assert rates.specificity == near([0.0, 1.0, 1.0])
    assert rates.f1 == near([0.8, 0.0, math.nan])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("levels", [5, 10**6])  # many ties, and none
def test_ranking(seed: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.arange(50) % 3 == 0
    scores = random.integers(0, levels, 50) / levels
    assert auc(labels, scores) == near(theirs.roc_auc_score(labels, scores))
    x, y = roc_curve(labels, scores)
    their_x, their_y, _ = theirs.roc_curve(labels, scores, drop_intermediate=False)
    assert x == near(their_x) and y == near(their_y)
    assert theirs.auc(x, y) == near(auc(labels, scores))


def test_a_curve_of_one_class_is_none() -> None:
    assert [len(each) for each in roc_curve([1, 1], [0.1, 0.2])] == [0, 0]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("m", "n"), [(1, 1), (3, 7), (8, 30), (9, 10), (40, 25)])
def test_mann_whitney_is_scipys(seed: int, m: int, n: int) -> None:
    random = np.random.default_rng(seed)
    first, second = random.normal(0.5, 1, m), random.normal(0, 1, n)
    for a, b in ((first, second), (np.round(first), np.round(second))):  # without ties and with many
        expected = stats.mannwhitneyu(a, b, alternative="two-sided", method="auto")
        if len(np.unique(np.concatenate([a, b]))) < m + n:  # SciPy's "auto" counts as if there were no ties
            expected = stats.mannwhitneyu(a, b, alternative="two-sided", method="asymptotic")
        ours = mann_whitney(a, b)
        assert (ours.u, ours.p) == near((expected.statistic, np.nan_to_num(expected.pvalue, nan=1.0)))
    labels = np.arange(m + n) < m
    assert mann_whitney(first, second).u / (m * n) == near(auc(labels, np.concatenate([first, second])))


def test_mann_whitney_of_nothing_and_of_nan() -> None:
    assert all(map(math.isnan, mann_whitney([], [1.0])))
    with pytest.raises(ValueError, match="nan"):
        mann_whitney([math.nan], [1.0])


@pytest.mark.parametrize("seed", SEEDS)
def test_reliability(seed: int) -> None:
    random = np.random.default_rng(seed)
    sure = random.random(200)
    right = random.random(200) < sure**2
    found = reliability(sure, right)
    used = found.answers > 0
    share, confidence = calibration_curve(right, sure, n_bins=10)
    assert found.accuracy[used] == near(share) and found.confidence[used] == near(confidence)
    weights = found.answers[used] / 200
    assert expected_calibration_error(sure, right) == near(float(np.sum(weights * np.abs(share - confidence))))


def test_reliability_by_hand() -> None:
    assert expected_calibration_error([1.0, 1.0, 0.1, 0.0], [1, 0, 0, 0]) == near(0.5 * 0.5 + 0.5 * 0.05)
    assert reliability([0.1, 0.1000001], [1, 1]).answers[:2].tolist() == [1, 1]  # an edge belongs to the bin below it
    assert math.isnan(expected_calibration_error([], []))
    with pytest.raises(ValueError, match=r"0\.\.1"):
        reliability([1.1], [1])


def test_bland_altman_by_hand() -> None:
    found = bland_altman([11.0, 9.0, 14.0], [10.0, 10.0, 10.0])  # differences 1, -1, 4: mean 4/3, SD sqrt(19/3)
    assert found == near((4 / 3, 4 / 3 - 1.96 * math.sqrt(19 / 3), 4 / 3 + 1.96 * math.sqrt(19 / 3)))
    assert bland_altman([2.0], [1.0]) == near((1.0, math.nan, math.nan))
    assert all(map(math.isnan, bland_altman([], [])))


def test_many_figures_at_once_are_each_as_if_alone() -> None:
    random = np.random.default_rng(3)
    subjects, values = random.integers(0, 9, 40), random.normal(size=(40, 2))
    together = bootstrap(lambda rows: rows.mean(axis=0), subjects, values)
    ends = interval(together)
    for column in range(2):
        alone = bootstrap_ci(lambda rows: float(np.mean(rows)), subjects, values[:, column])
        assert ends[:, column] == near((alone.low, alone.high))
    half = np.where(np.arange(1000)[:, None] < 500, together, np.nan)
    assert interval(half) == near(interval(together[:500]))
    assert np.isnan(interval(np.full((10, 2), np.nan))).all()


@pytest.mark.slow
def test_the_bootstrap_covers_at_its_nominal_rate_over_subjects_and_not_over_rows() -> None:
    """Studies of 60 subjects with 4 alike frames each: a mean, and the AUC of scores whose true AUC is known."""
    random, studies = np.random.default_rng(11), 400
    subjects, labels = np.repeat(np.arange(60), 4), np.repeat(np.arange(60) % 2, 4)
    shift = 1.2  # between the classes, in SD of a score: AUC = Phi(shift / sqrt 2)
    expected_auc = float(stats.norm.cdf(shift / math.sqrt(2)))
    covered = np.zeros(3)
    for _ in range(studies):
        person, frame = np.repeat(random.normal(size=60), 4), random.normal(size=240)
        scores = math.sqrt(0.7) * person + math.sqrt(0.3) * frame
        ends = interval(bootstrap(lambda s: float(np.mean(s)), subjects, scores, n=200))
        rows = interval(bootstrap(lambda s: float(np.mean(s)), np.arange(240), scores, n=200))
        shifted = scores + shift * labels
        curve = interval(bootstrap(auc, subjects, labels, shifted, n=200))
        covered += [ends[0] <= 0 <= ends[1], rows[0] <= 0 <= rows[1], curve[0] <= expected_auc <= curve[1]]
    mean, by_row, area = covered / studies
    # 400 studies tell a share of 0.95 to +- 0.02 (95 %); percentile intervals of 60 subjects lie a point or two below.
    assert 0.915 <= mean <= 0.975
    assert 0.905 <= area <= 0.975
    assert by_row < 0.8
