"""The plots of an evaluation, each as one piece of inline SVG."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from convert.evaluation.grades import NO_GRADE, GradeRows
from convert.evaluation.masks import MaskRows
from convert.report.plots import drawing
from edge.findings import View
from edge.html import QUIET
from edge.metrics import auc, bland_altman, reliability, roc_curve

_COLOURS = {"int8": "#0b5cad", "float": "#9a6700"}
_MARKS = {"int8": "o", "float": "x"}
_WORDS = {"int8": "INT8", "float": "float"}


def roc(columns: Mapping[str, GradeRows]) -> str:
    """ROC of CTS against normal, a line a column; empty where one class alone is there."""
    curves = {name: _cts(rows) for name, rows in columns.items()}
    curves = {name: (labels, scores) for name, (labels, scores) in curves.items() if 0 < labels.sum() < len(labels)}
    if not curves:
        return ""
    with drawing(3.4) as (figure, svg):
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle="--")
        for name, (labels, scores) in curves.items():
            words = f"{_WORDS[name]}: AUC {auc(labels, scores):.3f}"
            axes.plot(*roc_curve(labels, scores), color=_COLOURS[name], linewidth=1.5, label=words)
        axes.set_aspect("equal")
        axes.set_xlabel("normal wrists called CTS, share (1 - specificity)")
        axes.set_ylabel("CTS wrists called CTS, share (recall)")
        axes.legend(loc="lower right", frameon=False)
        return svg("ROC curve, CTS against normal")


def reliability_diagram(columns: Mapping[str, GradeRows]) -> str:
    """How often a grade of a confidence is right, by bins of confidence; empty where nothing was graded."""
    graded = {name: rows for name, rows in columns.items() if (rows.predicted != NO_GRADE).any()}
    if not graded:
        return ""
    with drawing(3.4) as (figure, svg):
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle="--")
        for name, rows in graded.items():
            known = rows.predicted != NO_GRADE
            bins = reliability(rows.probabilities[known].max(axis=1).clip(0, 1), (rows.predicted == rows.truth)[known])
            used = bins.answers > 0
            at = bins.confidence[used], bins.accuracy[used]
            axes.plot(*at, color=_COLOURS[name], linewidth=1, marker=_MARKS[name], markersize=4, label=_WORDS[name])
            if name == next(iter(graded)):
                for x, y, count in zip(*at, bins.answers[used].tolist(), strict=True):
                    axes.annotate(str(count), (x, y), (0, 6), textcoords="offset points", ha="center", color=QUIET)
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, 1.08)
        axes.set_xlabel("confidence: probability of the grade given")
        axes.set_ylabel("share right")
        axes.legend(loc="lower right", frameon=False)
        return svg("reliability diagram")


def agreement(columns: Mapping[str, MaskRows], view: View) -> str:
    """Bland-Altman of the nerve's size, a colour a column, the limits of the first; empty without a spacing."""
    pairs = {name: _both_measured(rows) for name, rows in columns.items()}
    pairs = {name: sizes for name, sizes in pairs.items() if len(sizes) > 1}
    if not pairs:
        return ""
    what, unit = ("CSA", "mm²") if view == "transverse" else ("AP diameter", "mm")
    with drawing(3.2) as (figure, svg):
        axes = figure.subplots()
        for name, sizes in pairs.items():
            at = sizes.mean(axis=1), sizes[:, 0] - sizes[:, 1]
            axes.plot(*at, _MARKS[name], color=_COLOURS[name], markersize=3, alpha=0.5, label=_WORDS[name])
        first = next(iter(pairs))
        found = bland_altman(pairs[first][:, 0], pairs[first][:, 1])
        for value, words in zip(found, ("bias", "lower limit", "upper limit"), strict=True):
            axes.axhline(value, color=_COLOURS[first], linewidth=1, linestyle="-" if words == "bias" else "--")
            axes.annotate(
                f"{words} {value:+.2f}", (1, value), (-2, 2), xycoords=("axes fraction", "data"),
                textcoords="offset points", ha="right", color=_COLOURS[first],
            )  # fmt: skip
        axes.set_xlabel(f"mean of measured and true {what}, {unit}")
        axes.set_ylabel(f"measured less true, {unit}")
        figure.legend(loc="outside upper left", ncols=2, frameon=False)
        return svg(f"Bland-Altman plot of the {what}")


def _cts(rows: GradeRows) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    known = rows.predicted != NO_GRADE
    return rows.truth[known] > 0, 1 - rows.probabilities[known, 0]


def _both_measured(rows: MaskRows) -> npt.NDArray[np.float64]:
    return rows.sizes[(rows.sizes > 0).all(axis=1)]
