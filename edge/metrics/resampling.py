"""How sure a figure is: percentiles, and the bootstrap over subjects, of one model and of two on the same subjects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edge.metrics.arrays import AnyArray, FloatArray


class Interval(NamedTuple):
    """A statistic and its confidence interval."""

    value: float
    low: float
    high: float


class PairedInterval(NamedTuple):
    """A statistic of two models on the same subjects, and the confidence interval of first less second."""

    first: float
    second: float
    difference: float
    low: float  # two-sided interval
    high: float
    upper: float  # one-sided: the difference lies below it; a bound of non-inferiority


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
    draws = _resamples("bootstrap_ci", subjects, columns, n, seed, level)
    values = [statistic(*(column[rows] for column in columns)) for rows in draws]
    tail = 50.0 * (1.0 - level)
    low, high = _of_known(values, (tail, 100.0 - tail))
    return Interval(float(statistic(*columns)), low, high)


def paired_bootstrap(
    statistic: Callable[..., float],
    subjects: npt.ArrayLike,
    first_arrays: Sequence[npt.ArrayLike],
    second_arrays: Sequence[npt.ArrayLike],
    *,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> PairedInterval:
    """`statistic(*first_arrays) - statistic(*second_arrays)` with its percentile-bootstrap interval over *subjects*.

    Both models are seen on the same drawn subjects, so that what is hard for both cancels: the interval of the
    difference is far narrower than the two intervals apart. Subjects, rows and nan as in `bootstrap_ci`.

    Raises:
        ValueError: as `bootstrap_ci`.
    """
    first, second = [np.asarray(a) for a in first_arrays], [np.asarray(a) for a in second_arrays]
    draws = _resamples("paired_bootstrap", subjects, [*first, *second], n, seed, level)
    values = [statistic(*(a[rows] for a in first)) - statistic(*(a[rows] for a in second)) for rows in draws]
    tail = 50.0 * (1.0 - level)
    low, high, upper = _of_known(values, (tail, 100.0 - tail, 100.0 * level))
    before, after = float(statistic(*first)), float(statistic(*second))
    return PairedInterval(before, after, before - after, low, high, upper)


def _resamples(
    who: str, subjects: npt.ArrayLike, columns: Sequence[AnyArray], n: int, seed: int, level: float
) -> Iterator[npt.NDArray[np.intp]]:
    """Checks the arguments of `who`; then the rows of each of `n` draws of as many subjects as there are."""
    owners = np.asarray(subjects)
    if owners.ndim != 1 or not owners.size or any(len(column) != len(owners) for column in columns):
        raise ValueError(f"{who}: one subject for each row, and at least one row")
    if n < 1 or not 0.0 < level < 1.0:
        raise ValueError(f"{who}: n is at least 1, level between 0 and 1")
    _, owner = np.unique(owners, return_inverse=True)
    by_owner, counts = np.argsort(owner, kind="stable"), np.bincount(owner)
    starts = np.cumsum(counts) - counts
    draws = np.random.default_rng(seed).integers(0, len(counts), (n, len(counts)))
    return (by_owner[_runs(starts[draw], counts[draw])] for draw in draws)


def _runs(starts: npt.NDArray[np.intp], lengths: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """start, start + 1, ... of each run, one after the other."""
    ends = np.cumsum(lengths)
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(ends[-1])


def _of_known(values: Sequence[float], percents: Sequence[float]) -> tuple[float, ...]:
    resampled = np.array(values, np.float64)
    return tuple(float(value) for value in percentiles(resampled[~np.isnan(resampled)], percents))
