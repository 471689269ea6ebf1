"""From rows to figures: name -> value with its 95 % interval by bootstrap over subjects.

The one way to a reported figure: of `sonoedge evaluate`, of the folds of a training, and of the model card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from convert.evaluation.grades import NO_GRADE, GradeRows
from convert.evaluation.masks import MEASURES, MaskRows
from convert.evaluation.sizes import SizeRows
from edge.findings import GRADES, View
from edge.metrics import (
    Interval,
    accuracy,
    auc,
    bland_altman,
    bootstrap,
    class_rates,
    confusion,
    expected_calibration_error,
    interval,
    mann_whitney,
    quadratic_weighted_kappa,
)

Floats = npt.NDArray[np.float64]
Rows: TypeAlias = MaskRows | GradeRows | SizeRows

SIZE: dict[View, tuple[str, str]] = {"transverse": ("csa", "mm2"), "longitudinal": ("ap_diameter", "mm")}
"""What the nerve's size is called, and its unit, as in the names of figures."""

_CLASSES = (*range(len(GRADES)), NO_GRADE)
_RATES = ("precision", "recall", "specificity", "f1")
_GRADE_NAMES = (
    "accuracy", "ungradable", *(f"{rate}_{grade}" for rate in _RATES for grade in GRADES),
    "cts_accuracy", *(f"cts_{rate}" for rate in _RATES),
)  # fmt: skip


class Figure(msgspec.Struct, frozen=True, omit_defaults=True):
    """A figure with its 95 % interval by bootstrap over subjects; nan (in JSON null) is what cannot be computed."""

    value: float
    ci95: tuple[float, float] | None  # None: a test's own number, which has none
    sd: float | None = None  # over several models (folds, seeds), of which `value` is the mean


class _Part(NamedTuple):
    """Figures that are computed at once from the same rows."""

    names: Sequence[str]
    statistic: Callable[..., Floats]  # drawn arrays -> (len(names),)
    subjects: Sequence[str]
    models: Sequence[tuple[npt.NDArray[Any], ...]]  # the arrays of each model


def figure(found: Interval) -> Figure:
    return Figure(found.value, (found.low, found.high))


def figures(*models: Rows) -> dict[str, Figure]:
    """The figures of a model's rows; of several models on the same samples the mean, with its SD over the models.

    Of several, the interval is that of the mean over the same drawn subjects, and what needs a grade is of the wrists
    that all of them graded. Figures in mm are there where a spacing is known of any row.

    `MaskRows`: dsc, precision, recall, auc (of pixels, mean over images), zero_overlap, no_nerve (shares of images),
    hd_px, hd95_px, hd95_mm, and csa_error_mm2, csa_bias_mm2, csa_limit_low_mm2, csa_limit_high_mm2 (mean absolute
    error; Bland-Altman), longitudinal ap_diameter_*_mm.

    `GradeRows`: accuracy, ungradable (share), RATE_GRADE of each grade, cts_accuracy and cts_RATE of CTS (a
    probability above one half) against normal, RATE being precision, recall, specificity and f1; auc (CTS against
    normal), quadratic_weighted_kappa, ece.

    `SizeRows`: auc (CTS against normal), normal_mean_mm2, normal_sd_mm2, cts_mean_mm2, cts_sd_mm2 (longitudinal _mm),
    mann_whitney_u, mann_whitney_p.

    Raises:
        ValueError: there is no row.
    """
    found: dict[str, Figure] = {}
    for part in _parts(models):
        values = np.array([part.statistic(*arrays) for arrays in part.models])
        ends = interval(np.mean([_drawn(part, arrays) for arrays in part.models], axis=0))
        spread = values.std(axis=0, ddof=1).tolist() if len(models) > 1 else [None] * len(part.names)
        rows = zip(part.names, values.mean(axis=0).tolist(), ends.T.tolist(), spread, strict=True)
        found |= {name: Figure(value, (low, high), sd) for name, value, (low, high), sd in rows}
    return found | (_size_test(models[0]) if isinstance(models[0], SizeRows) else {})


def differences(first: Rows, second: Rows) -> dict[str, Figure]:
    """Each figure of the first model less that of the second, on the same rows; both see the same drawn subjects.

    Raises:
        ValueError: there is no row.
    """
    found: dict[str, Figure] = {}
    for part in _parts((first, second)):
        one, other = (part.statistic(*arrays) for arrays in part.models)
        ends = interval(_drawn(part, part.models[0]) - _drawn(part, part.models[1]))
        rows = zip(part.names, (one - other).tolist(), ends.T.tolist(), strict=True)
        found |= {name: Figure(value, (low, high)) for name, value, (low, high) in rows}
    return found


def _drawn(part: _Part, arrays: tuple[npt.NDArray[Any], ...]) -> Floats:
    """The figures of each draw of subjects, (n, len(names)); nothing but nan where no row is left."""
    if not part.subjects:
        return np.full((1, len(part.names)), np.nan)
    return bootstrap(part.statistic, part.subjects, *arrays)


def _parts(models: Sequence[Rows]) -> Iterator[_Part]:
    yield from _PARTS[type(models[0])](models)


def _mask_parts(models: Sequence[MaskRows]) -> Iterator[_Part]:
    first = models[0]
    known = ~np.isnan(first.measures).all(axis=0)
    names = [name for name, is_known in zip(MEASURES, known, strict=True) if is_known]
    yield _Part(names, _means, first.subjects, [(rows.measures[:, known],) for rows in models])
    if not np.isnan(first.sizes).all():
        size, unit = SIZE[first.view]
        named = [f"{size}_{what}_{unit}" for what in ("error", "bias", "limit_low", "limit_high")]
        yield _Part(named, _size_agreement, first.subjects, [(rows.sizes,) for rows in models])


def _means(measures: Floats) -> Floats:
    """Mean of each column over the rows that are known."""
    known = ~np.isnan(measures)
    with np.errstate(invalid="ignore"):
        return np.where(known, measures, 0.0).sum(axis=0) / known.sum(axis=0)


def _size_agreement(sizes: Floats) -> Floats:
    known = sizes[~np.isnan(sizes).any(axis=1)]
    error = _means(np.abs(known[:, :1] - known[:, 1:]))
    both = known[(known > 0).all(axis=1)]
    return np.append(error, bland_altman(both[:, 0], both[:, 1]))


def _grade_parts(models: Sequence[GradeRows]) -> Iterator[_Part]:
    first = models[0]
    answers = [(rows.truth, rows.predicted, _called(rows)) for rows in models]
    yield _Part(_GRADE_NAMES, _right_and_wrong, first.subjects, answers)
    graded = np.all([rows.predicted != NO_GRADE for rows in models], axis=0)
    subjects = [subject for subject, known in zip(first.subjects, graded, strict=True) if known]
    known = [(rows.truth[graded], rows.probabilities[graded]) for rows in models]
    yield _Part(("auc", "quadratic_weighted_kappa", "ece"), _ranked, subjects, known)


def _called(rows: GradeRows) -> npt.NDArray[np.int64]:
    """1 = called CTS, 0 = called normal, -1 = no grade."""
    return np.where(rows.predicted == NO_GRADE, NO_GRADE, rows.probabilities[:, 0] < 0.5).astype(np.int64)


def _right_and_wrong(truth: Floats, predicted: Floats, called: Floats) -> Floats:
    rates = class_rates(confusion(truth, predicted, _CLASSES))
    cts = class_rates(confusion(truth > 0, called, (0, 1, NO_GRADE)))
    return np.array(
        [
            accuracy(truth, predicted),
            np.mean(predicted == NO_GRADE),
            *np.concatenate([rate[: len(GRADES)] for rate in rates]),
            accuracy(truth > 0, called),
            *(rate[1] for rate in cts),
        ]
    )


def _ranked(truth: Floats, probabilities: Floats) -> Floats:
    predicted = probabilities.argmax(axis=1)
    return np.array(
        [
            auc(truth > 0, 1 - probabilities[:, 0]),
            quadratic_weighted_kappa(truth, predicted, range(len(GRADES))),
            expected_calibration_error(probabilities.max(axis=1).clip(0, 1), truth == predicted),
        ]
    )


def _size_parts(models: Sequence[SizeRows]) -> Iterator[_Part]:
    first, unit = models[0], SIZE[models[0].view][1]
    known = ~np.any([np.isnan(rows.sizes) for rows in models], axis=0)
    subjects = [subject for subject, is_known in zip(first.subjects, known, strict=True) if is_known]
    names = ("auc", *(f"{group}_{what}_{unit}" for group in ("normal", "cts") for what in ("mean", "sd")))
    yield _Part(names, _groups, subjects, [(rows.truth[known] > 0, rows.sizes[known]) for rows in models])


def _groups(cts: npt.NDArray[np.bool_], sizes: Floats) -> Floats:
    return np.array([auc(cts, sizes), *_mean_and_sd(sizes[~cts]), *_mean_and_sd(sizes[cts])])


def _mean_and_sd(values: Floats) -> tuple[float, float]:
    mean = float(values.mean()) if len(values) else float("nan")
    return mean, float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def _size_test(rows: SizeRows) -> dict[str, Figure]:
    known = ~np.isnan(rows.sizes)
    cts = rows.truth > 0
    test = mann_whitney(rows.sizes[known & cts], rows.sizes[known & ~cts])
    return {"mann_whitney_u": Figure(test.u, None), "mann_whitney_p": Figure(test.p, None)}


_PARTS: dict[type, Callable[[Any], Iterator[_Part]]] = {
    MaskRows: _mask_parts,
    GradeRows: _grade_parts,
    SizeRows: _size_parts,
}
