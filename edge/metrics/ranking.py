"""How well scores separate two classes: ROC curve and AUC, DeLong's test between two models' AUC, Mann-Whitney."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edge.metrics.arrays import FloatArray, same_shape

_TWO_SIDED_95 = 1.959963984540054  # standard deviations of a normal distribution
_FEW = 8  # values: with so few on one side and no ties, Mann-Whitney's p is counted, not approximated


class DeLong(NamedTuple):
    """Two AUC on the same subjects and their difference, first less second."""

    auc_first: float
    auc_second: float
    difference: float
    standard_error: float  # of the difference
    low: float  # 95 % interval of the difference
    high: float
    p: float  # two-sided, of no difference


class MannWhitney(NamedTuple):
    """Whether the values of one group tend to be larger than those of another."""

    u: float  # pairs in which the first group's value is the larger, ties counting half
    p: float  # two-sided, of no difference


def auc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Area under the ROC curve: P(a positive scores above a negative), ties counting half; 0..1.

    `labels` (N,) non-zero = positive, `scores` (N,) finite. nan when only one class is there: no curve exists.

    Raises:
        ValueError: the shapes differ, or a score is nan.
    """
    positive, values = _checked(labels, scores)
    positives, negatives = np.count_nonzero(positive), np.count_nonzero(~positive)
    if positives == 0 or negatives == 0:
        return float("nan")
    rank_sum = _mid_ranks(values)[positive].sum()
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))


def roc_curve(labels: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Corners of the ROC curve: share of the negatives and share of the positives at or above each score, falling.

    From (0, 0) to (1, 1); both empty when only one class is there: no curve exists. Arguments as in `auc`.

    Raises:
        ValueError: as `auc`.
    """
    positive, values = _checked(labels, scores)
    if positive.all() or not positive.any():
        return np.empty(0), np.empty(0)
    order = np.argsort(-values, kind="stable")
    last = np.append(np.flatnonzero(np.diff(values[order])), len(order) - 1)  # of each run of equal scores
    above = np.cumsum(positive[order])[last]
    return np.append(0.0, (last + 1 - above) / np.sum(~positive)), np.append(0.0, above / np.sum(positive))


def mann_whitney(first: npt.ArrayLike, second: npt.ArrayLike) -> MannWhitney:
    """Mann-Whitney's U test of two independent groups, (M,) and (N,), two-sided; P2 reports it of the nerve's area.

    With at most eight values in a group and no ties the p is exact, else by the normal approximation with its
    corrections for ties and continuity. u / (M N) is the AUC of telling first from second. An empty group: both nan.

    Raises:
        ValueError: a value is nan.
    """
    a, b = np.asarray(first, np.float64).ravel(), np.asarray(second, np.float64).ravel()
    m, n = len(a), len(b)
    both = np.concatenate([a, b])
    if np.isnan(both).any():
        raise ValueError("mann_whitney: a value is nan")
    if not m or not n:
        return MannWhitney(math.nan, math.nan)
    u = float(_mid_ranks(both)[:m].sum()) - m * (m + 1) / 2
    larger = max(u, m * n - u)
    ties = np.unique(both, return_counts=True)[1].astype(np.float64)
    if min(m, n) <= _FEW and ties.max() == 1:
        return MannWhitney(u, min(1.0, 2 * _share_at_least(round(larger), m, n)))
    total = m + n
    variance = m * n / 12 * (total + 1 - float((ties**3 - ties).sum()) / (total * (total - 1)))
    if variance <= 0.0:  # all values are equal
        return MannWhitney(u, 1.0)
    return MannWhitney(u, min(1.0, math.erfc((larger - m * n / 2 - 0.5) / math.sqrt(2 * variance))))


def _share_at_least(u: int, m: int, n: int) -> float:
    """Share of all orders of m + n values whose U is `u` or more: the coefficients of Gauss's binomial."""
    orders = [1] + [0] * (m * n)
    for i in range(1, min(m, n) + 1):
        step = max(m, n) + i
        for at in range(m * n, step - 1, -1):
            orders[at] -= orders[at - step]
        for at in range(i, m * n + 1):
            orders[at] += orders[at - i]
    return sum(orders[u:]) / sum(orders)


def delong(labels: npt.ArrayLike, first_scores: npt.ArrayLike, second_scores: npt.ArrayLike) -> DeLong:
    """DeLong's test between two correlated AUC, in the fast form of Sun & Xu (2014); P2 reports it.

    `labels` (N,) non-zero = positive, both scores (N,) finite; rows are independent, one a subject. With fewer than
    two rows of a class all but the AUC is nan. Two models that rank alike differ by 0 with p = 1.

    Raises:
        ValueError: the shapes differ, or a score is nan.
    """
    first, second = auc(labels, first_scores), auc(labels, second_scores)
    difference = first - second
    error = math.sqrt(_variance_of_difference(labels, first_scores, second_scores))
    if error > 0.0:
        p = math.erfc(abs(difference) / error / math.sqrt(2.0))
    else:
        p = math.nan if math.isnan(error) else float(difference == 0.0)
    reach = _TWO_SIDED_95 * error
    return DeLong(first, second, difference, error, difference - reach, difference + reach, p)


def _variance_of_difference(labels: npt.ArrayLike, first_scores: npt.ArrayLike, second_scores: npt.ArrayLike) -> float:
    variance = 0.0
    first, second = _placements(labels, first_scores), _placements(labels, second_scores)
    for a, b in zip(first, second, strict=True):
        variance += float(np.var(a - b, ddof=1)) / len(a) if len(a) > 1 else math.nan
    return variance


def _placements(labels: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Of each positive, the share of the negatives below it; of each negative, the share of the positives above it."""
    positive, values = _checked(labels, scores)
    positives, negatives = values[positive], values[~positive]
    ranks = _mid_ranks(values)
    below = (ranks[positive] - _mid_ranks(positives)) / max(len(negatives), 1)
    above = 1.0 - (ranks[~positive] - _mid_ranks(negatives)) / max(len(positives), 1)
    return below, above


def _checked(labels: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[npt.NDArray[np.bool_], FloatArray]:
    positive, values = same_shape(labels, scores)
    values = values.ravel().astype(np.float64)
    if np.isnan(values).any():
        raise ValueError("auc: a score is nan")
    return positive.ravel() != 0, values


def _mid_ranks(values: FloatArray) -> FloatArray:
    """Ranks from 1; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]
