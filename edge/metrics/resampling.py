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
    values = bootstrap(statistic, subjects, *arrays, n=n, seed=seed)
    low, high = interval(values, level)
    return Interval(float(statistic(*map(np.asarray, arrays))), float(low), float(high))


def bootstrap(
    statistic: Callable[..., npt.ArrayLike],
    subjects: npt.ArrayLike,
    *arrays: npt.ArrayLike,
    n: int = 1000,
    seed: int = 0,
) -> FloatArray:
    """`statistic` of each of `n` draws of subjects, (n, ...): a number, or an array of many figures at once.

    Subjects and arrays as in `bootstrap_ci`. The same subjects and the same seed give the same draws, so that the
    values of two models may be subtracted row by row.

    Raises:
        ValueError: the arrays are of different lengths or empty, or `n` < 1.
    """
    columns = [np.asarray(array) for array in arrays]
    draws = _resamples(subjects, columns, n, seed)
    return np.array([statistic(*(column[rows] for column in columns)) for rows in draws], np.float64)


def interval(values: npt.ArrayLike, level: float = 0.95) -> FloatArray:
    """The percentile interval (2, ...) of resampled values (n, ...), nan left out; both ends nan where all are.

    Raises:
        ValueError: `level` is not within 0..1.
    """
    if not 0.0 < level < 1.0:
        raise ValueError("interval: level is between 0 and 1")
    resampled = np.asarray(values, np.float64)
    ends = np.full((2, *resampled.shape[1:]), np.nan)
    known = ~np.isnan(resampled).all(axis=0)
    tail = 50.0 * (1.0 - level)
    ends[:, known] = np.nanpercentile(resampled[:, known], (tail, 100.0 - tail), axis=0)
    return ends


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

    def difference(*both: AnyArray) -> float:
        return statistic(*both[: len(first_arrays)]) - statistic(*both[len(first_arrays) :])

    values = bootstrap(difference, subjects, *first_arrays, *second_arrays, n=n, seed=seed)
    low, high = interval(values, level)
    (upper,) = percentiles(values[~np.isnan(values)], (100.0 * level,))
    before, after = (float(statistic(*map(np.asarray, arrays))) for arrays in (first_arrays, second_arrays))
    return PairedInterval(before, after, before - after, float(low), float(high), float(upper))


def _resamples(
    subjects: npt.ArrayLike, columns: Sequence[AnyArray], n: int, seed: int
) -> Iterator[npt.NDArray[np.intp]]:
    """Checks the arguments; then the rows of each of `n` draws of as many subjects as there are."""
    owners = np.asarray(subjects)
    if owners.ndim != 1 or not owners.size or any(len(column) != len(owners) for column in columns):
        raise ValueError("bootstrap: one subject for each row, and at least one row")
    if n < 1:
        raise ValueError("bootstrap: n is at least 1")
    _, owner = np.unique(owners, return_inverse=True)
    by_owner, counts = np.argsort(owner, kind="stable"), np.bincount(owner)
    starts = np.cumsum(counts) - counts
    draws = np.random.default_rng(seed).integers(0, len(counts), (n, len(counts)))
    return (by_owner[_runs(starts[draw], counts[draw])] for draw in draws)


def _runs(starts: npt.NDArray[np.intp], lengths: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """start, start + 1, ... of each run, one after the other."""
    ends = np.cumsum(lengths)
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(ends[-1])
