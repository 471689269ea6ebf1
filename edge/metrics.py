"""The only home of metrics: what is reported of a model is computed here, in NumPy, wherever it is reported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
AnyArray: TypeAlias = npt.NDArray[Any]


class Interval(NamedTuple):
    """A statistic and its confidence interval."""

    value: float
    low: float
    high: float


def dice(mask: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Dice similarity coefficient (DSC) of two masks of one shape, non-zero = inside; 0..1.

    Two empty masks agree: 1.

    Raises:
        ValueError: the shapes differ.
    """
    a, b = _same_shape(mask, truth)
    a, b = a != 0, b != 0
    total = np.count_nonzero(a) + np.count_nonzero(b)
    return 2.0 * np.count_nonzero(a & b) / total if total else 1.0


def auc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Area under the ROC curve: P(a positive scores above a negative), ties counting half; 0..1.

    `labels` (N,) non-zero = positive, `scores` (N,) finite. nan when only one class is there: no curve exists.

    Raises:
        ValueError: the shapes differ, or a score is nan.
    """
    positive, values = _same_shape(labels, scores)
    positive, values = positive.ravel() != 0, values.ravel().astype(np.float64)
    if np.isnan(values).any():
        raise ValueError("auc: a score is nan")
    positives, negatives = np.count_nonzero(positive), np.count_nonzero(~positive)
    if positives == 0 or negatives == 0:
        return float("nan")
    rank_sum = _mid_ranks(values)[positive].sum()
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))


def accuracy(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Share of equal elements, 0..1; nan when there is none.

    Raises:
        ValueError: the shapes differ.
    """
    a, b = _same_shape(truth, predicted)
    return float(np.mean(a == b)) if a.size else float("nan")


def confusion(truth: npt.ArrayLike, predicted: npt.ArrayLike, classes: Sequence[Any]) -> npt.NDArray[np.int64]:
    """Counts (K, K): row = true class, column = predicted class, both in the order of `classes`.

    Raises:
        ValueError: the shapes differ, `classes` repeats one, or an element is none of `classes`.
    """
    a, b = _same_shape(truth, predicted)
    place = {label: index for index, label in enumerate(classes)}
    if len(place) != len(classes):
        raise ValueError("confusion: a class is named twice")
    counts = np.zeros((len(classes), len(classes)), np.int64)
    for row, column in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True):
        if row not in place or column not in place:
            raise ValueError(f"confusion: {row!r} or {column!r} is none of the classes")
        counts[place[row], place[column]] += 1
    return counts


def percentiles(values: npt.ArrayLike, percents: Sequence[float] = (50, 95, 99)) -> FloatArray:
    """The percentiles (len(percents),) of all `values`, linear between neighbours; nan when there is no value."""
    flat = np.asarray(values, np.float64).ravel()
    return np.percentile(flat, percents) if flat.size else np.full(len(percents), np.nan)


def bootstrap_ci(
    statistic: Callable[..., float],
    subjects: npt.ArrayLike,
    *arrays: npt.ArrayLike,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """`statistic(*arrays)` with its percentile-bootstrap interval over *subjects*.

    A subject is drawn with all of its rows: frames of one wrist are no independent witnesses, and resampling rows
    would make the interval too narrow. `subjects` (N,) names each row's subject; each array is (N, ...). Resamples
    whose statistic is nan (an AUC of one class) are left out; both ends are nan when all are.

    Raises:
        ValueError: the arrays are of different lengths or empty, `n` < 1, or `level` is not within 0..1.
    """
    columns = [np.asarray(array) for array in arrays]
    owners = np.asarray(subjects)
    if owners.ndim != 1 or not owners.size or any(len(column) != len(owners) for column in columns):
        raise ValueError("bootstrap_ci: one subject for each row, and at least one row")
    if n < 1 or not 0.0 < level < 1.0:
        raise ValueError("bootstrap_ci: n is at least 1, level between 0 and 1")
    _, owner = np.unique(owners, return_inverse=True)
    rows_of = np.split(np.argsort(owner, kind="stable"), np.cumsum(np.bincount(owner))[:-1])
    draws = np.random.default_rng(seed).integers(0, len(rows_of), (n, len(rows_of)))
    resampled = np.empty(n)
    for i, draw in enumerate(draws):
        rows = np.concatenate([rows_of[subject] for subject in draw])
        resampled[i] = statistic(*(column[rows] for column in columns))
    tail = 50.0 * (1.0 - level)
    low, high = percentiles(resampled[~np.isnan(resampled)], (tail, 100.0 - tail))
    return Interval(float(statistic(*columns)), float(low), float(high))


def _same_shape(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[AnyArray, AnyArray]:
    a, b = np.asarray(first), np.asarray(second)
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} differ")
    return a, b


def _mid_ranks(values: FloatArray) -> FloatArray:
    """Ranks from 1; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]
