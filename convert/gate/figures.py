"""The gate's figures: what is kept of each answer, and the table of both sides that is made of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from convert.evaluation.masks import Seen
from convert.evaluation.wrists import predicted_grades
from convert.gate.verdict import MIN_A_CLASS, GateFigure, Margins, compare
from edge.findings import GRADES, View
from edge.metrics import accuracy, auc, delong, dice, hd95, quadratic_weighted_kappa

Rows: TypeAlias = npt.NDArray[Any]  # (N, ...), one row an answer

higher = partial(compare, higher_is_better=True)
lower = partial(compare, higher_is_better=False)


def mask_row(seen: Seen, truth: Seen) -> tuple[float, float, float, float]:
    """DSC, HD95 (px), error of the size (as `Seen.size`) and the same in % of the truth's, 100 at most.

    The DSC is of the network's whole answer (P1); distance and size are of the nerve that the device keeps. A nerve
    where there is none, or none where there is one, is as far off as the canvas is long; the error in % is nan where
    the truth has no nerve.
    """
    distance = min(hd95(seen.nerve, truth.nerve), math.hypot(*truth.mask.shape))
    error = abs(seen.size - truth.size)
    percent = min(100.0, 100.0 * error / truth.size) if truth.size else math.nan
    return dice(seen.mask, truth.mask), distance, error, percent


def mask_figures(
    subjects: Sequence[str], mm_per_px: Rows, in_float: Rows, in_int8: Rows, view: View, margins: Margins
) -> list[GateFigure]:
    """Figures of rows of `mask_row`; `mm_per_px` (N,) is the canvas's, nan where no spacing is known.

    Distance and size are in millimetres if that is known of at least half the frames, which alone then count; else in
    px and % of all.
    """
    both = in_float, in_int8
    missed_before, missed_after = ((rows[:, 0] == 0).astype(np.float64) for rows in both)
    figures = [
        higher("DSC", "", margins.dsc, subjects, [in_float[:, 0]], [in_int8[:, 0]]),
        lower("zero overlap", "share", margins.zero_overlap, subjects, [missed_before], [missed_after]),
    ]
    transverse = view == "transverse"
    size = "CSA error" if transverse else "AP diameter error"
    if np.mean(~np.isnan(mm_per_px)) >= 0.5:
        unit, power, margin = ("mm²", 2, margins.csa_mm2) if transverse else ("mm", 1, margins.ap_mm)
        distances = [rows[:, 1] * mm_per_px for rows in both]  # times nan is nan, and left out
        errors = [rows[:, 2] * mm_per_px**power for rows in both]
        return [
            *figures,
            _lower_of_known("HD95", "mm", margins.hd95_mm, subjects, *distances),
            _lower_of_known(size, unit, margin, subjects, *errors),
        ]
    percent_margin = margins.csa_percent if transverse else margins.ap_percent
    return [
        *figures,
        lower("HD95", "px", margins.hd95_px, subjects, [in_float[:, 1]], [in_int8[:, 1]]),
        _lower_of_known(size, "%", percent_margin, subjects, in_float[:, 3], in_int8[:, 3]),
    ]


def mask_agreement(
    pictures: Sequence[str], in_float: Rows, in_int8: Rows, view: View, margins: Margins
) -> list[GateFigure]:
    """Figures of rows of `mask_row` whose truth is float's own mask."""
    size = "CSA difference" if view == "transverse" else "AP diameter difference"
    dsc = higher(
        "DSC with float", "", margins.agreement_dsc, pictures, [in_float[:, 0]], [in_int8[:, 0]], drawn_are="pictures"
    )
    rows = in_float[:, 3], in_int8[:, 3]
    return [dsc, _lower_of_known(size, "%", margins.agreement_size, pictures, *rows, drawn_are="pictures")]


def grade_figures(
    subjects: Sequence[str], grades: Sequence[str], in_float: Rows, in_int8: Rows, margins: Margins
) -> list[GateFigure]:
    """Figures of P(each grade), (W, 4) a side, one row a wrist; nan where a side gave no grade.

    Accuracy and changed grades take an abstention for an answer of its own; AUC and kappa are of the wrists that both
    sides graded.
    """
    truth = np.array([GRADES.index(grade) for grade in grades])
    before, after = predicted_grades(in_float), predicted_grades(in_int8)
    known = (before >= 0) & (after >= 0)
    graded = np.array(subjects)[known].tolist()
    kappa = partial(quadratic_weighted_kappa, classes=range(len(GRADES)))
    rows_before, rows_after = [truth[known], before[known]], [truth[known], after[known]]
    return [
        _auc_figure(graded, truth[known] > 0, 1 - in_float[known, 0], 1 - in_int8[known, 0], margins),
        higher("quadratic-weighted kappa", "", margins.kappa, graded, rows_before, rows_after, statistic=kappa),
        higher("accuracy", "share", margins.accuracy, subjects, [truth, before], [truth, after], statistic=accuracy),
        _lost("changed grades", margins.changed_grades, subjects, before != after),
    ]


def abstention(subjects: Sequence[str], in_float: Rows, in_int8: Rows, margins: Margins) -> GateFigure:
    """Share of the wrists, rows (W, 4), that are given no grade."""
    before, after = (np.isnan(rows).any(axis=1).astype(np.float64) for rows in (in_float, in_int8))
    return lower("ungradable", "share", margins.ungradable, subjects, [before], [after])


def grade_agreement(pictures: Sequence[str], in_float: Rows, in_int8: Rows, margins: Margins) -> list[GateFigure]:
    """Figures of P(each grade), (N, 4) a side; the decision is CTS or normal."""
    grades = predicted_grades(in_float) != predicted_grades(in_int8)
    decisions = (in_float[:, 0] < 0.5) != (in_int8[:, 0] < 0.5)
    return [
        _lost("changed grades", margins.changed_grades, pictures, grades, drawn_are="pictures"),
        _lost("changed decisions", margins.changed_decisions, pictures, decisions, drawn_are="pictures"),
    ]


def class_agreement(pictures: Sequence[str], in_float: Rows, in_int8: Rows, margins: Margins) -> list[GateFigure]:
    """Figures of logits (N, C) a side; the first five are compared where there are more."""
    chosen, instead = in_float.argmax(axis=1), in_int8.argmax(axis=1)
    weights = np.exp(in_float - in_float.max(axis=1, keepdims=True))
    rows = np.arange(len(weights))
    given_up = (weights[rows, chosen] - weights[rows, instead]) / weights.sum(axis=1)
    figures = [
        _lost("probability given up", margins.given_up, pictures, given_up, drawn_are="pictures"),
        _lost("another top-1", margins.top1, pictures, chosen != instead, drawn_are="pictures"),
    ]
    if in_float.shape[1] > 5:
        before, after = (np.argsort(-rows, axis=1, kind="stable")[:, :5] for rows in (in_float, in_int8))
        found = (before[:, :, None] == after[:, None, :]).any(axis=2)
        figures.append(_lost("missing of top-5", margins.top5, pictures, 1 - found.mean(axis=1), drawn_are="pictures"))
    return figures


def _auc_figure(subjects: Sequence[str], labels: Rows, before: Rows, after: Rows, margins: Margins) -> GateFigure:
    whose = np.array(subjects)
    normal, cts = len(set(whose[~labels])), len(set(whose[labels]))
    lacking = f"too few for a curve: {normal} subjects normal, {cts} with CTS, {MIN_A_CLASS} of each are needed"
    figure = higher(
        "AUC, CTS against normal",
        "",
        margins.auc,
        subjects,
        [labels, before],
        [labels, after],
        statistic=auc,
        lacking=lacking if min(normal, cts) < MIN_A_CLASS else "",
    )
    test = delong(labels, before, after)
    if math.isnan(test.p):
        return figure
    return msgspec.structs.replace(figure, delong_ci95=(test.low, test.high), delong_p=test.p)


def _lower_of_known(
    name: str, unit: str, margin: float | None, owners: Sequence[str], before: Rows, after: Rows, **options: Any
) -> GateFigure:
    """As `lower`, of the rows that are not nan."""
    known = ~np.isnan(before)
    whose = np.array(owners)[known].tolist()
    return lower(name, unit, margin, whose, [before[known]], [after[known]], **options)


def _lost(name: str, margin: float | None, owners: Sequence[str], lost: Rows, **options: Any) -> GateFigure:
    """A share, of which float, being its own measure, has none."""
    return lower(name, "share", margin, owners, [np.zeros(len(lost))], [lost.astype(np.float64)], **options)
