"""What `sonoedge evaluate` found, as one record: its JSON and its text."""

from __future__ import annotations

import math

import msgspec

from convert.evaluation.figures import Figure
from edge.findings import GRADES, View
from edge.report import DISCLAIMER

Figures = dict[str, Figure]
Columns = dict[str, Figures]  # "int8", "float" -> figures; `figures` says what each is
Confusion = list[list[int]]  # (4, 5) wrists: a row a true grade, a column a grade given, the last one for none

EVALUATION_VERSION = 1
SECTIONS = {
    "segment": "segmentation, against the true masks",
    "grade": "the grader alone, on crops about the true nerve",
    "cascade": "the whole bundle as the device runs it",
    "size": "the nerve's size alone, CTS against normal",
}


class DeLongTest(msgspec.Struct, frozen=True):
    """DeLong's test between two models' AUC, CTS against normal, on the wrists that both graded."""

    auc: float
    auc_against: float
    difference: float
    ci95: tuple[float, float]
    p: float


class Against(msgspec.Struct, frozen=True, kw_only=True):
    """Another model on the same samples, and how far this one differs: this less the other."""

    name: str
    column: str  # which of our columns it stands beside
    segment: Figures = {}
    grade: Figures = {}
    cascade: Figures = {}
    difference: dict[str, Figures] = {}  # section -> figures
    delong: dict[str, DeLongTest] = {}  # "grade", "cascade"


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of models on a labelled data folder. A section or a column that was not computed is not there."""

    version: int = EVALUATION_VERSION
    disclaimer: str = DISCLAIMER
    data: str  # the folder's name
    view: View
    models: dict[str, tuple[str, ...]]  # column -> where its networks come from, and each of them
    n_images: int  # that any section used
    n_subjects: int
    counts: dict[str, dict[str, int]]  # section -> images, subjects, wrists
    segment: Columns = {}
    grade: Columns = {}
    cascade: Columns = {}
    size: Columns = {}  # "true" of the true masks, and as the columns measured it
    confusion: dict[str, dict[str, Confusion]] = {}  # section -> column
    ungradable: dict[str, dict[str, int]] = {}  # column -> reason -> wrists, of the cascade
    against: Against | None = None
    notes: tuple[str, ...] = ()


def as_json(evaluation: Evaluation) -> bytes:
    """Indented JSON; what cannot be computed is null."""
    return msgspec.json.format(msgspec.json.encode(evaluation), indent=2) + b"\n"


def as_text(evaluation: Evaluation) -> str:
    """The figures as a table, a section after the other."""
    of = f"{evaluation.n_images} images of {evaluation.n_subjects} subjects"
    lines = [f"{evaluation.data}, {evaluation.view}: {of}"]
    lines += [f"{column}: {', '.join(names)}" for column, names in evaluation.models.items()]
    lines.append(DISCLAIMER)
    for section, words in SECTIONS.items():
        columns: Columns = getattr(evaluation, section)
        if columns:
            counts = ", ".join(f"{number} {what}" for what, number in evaluation.counts[section].items())
            lines += ["", f"{section}: {words} ({counts})", *_table(columns)]
    for column, reasons in evaluation.ungradable.items():
        told = ", ".join(f"{reason} ({wrists})" for reason, wrists in reasons.items()) or "none"
        lines += ["", f"wrists without a grade, {column}: {told}"]
    if evaluation.against:
        lines += _against(evaluation.against)
    return "\n".join([*lines, "", *(f"note: {note}" for note in evaluation.notes)]).rstrip()


def shown_figure(figure: Figure) -> str:
    """A figure in a few characters: value, interval, and SD where there are several models."""
    text = _number(figure.value)
    if figure.sd is not None:
        text += f" ± {_number(figure.sd)}"
    if figure.ci95 is None or any(map(math.isnan, figure.ci95)):
        return text
    return f"{text} ({_number(figure.ci95[0])} to {_number(figure.ci95[1])})"


def _table(columns: Columns) -> list[str]:
    found = dict.fromkeys(name for figures in columns.values() for name in figures)
    names = [name for name in found if not name.endswith(GRADES)]  # a class's own are in the JSON
    rows = [["", *columns]]
    for name in names:
        rows.append([name, *(shown_figure(each[name]) if name in each else "" for each in columns.values())])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [f"  {line.rstrip()}" for line in padded]


def _against(against: Against) -> list[str]:
    lines = ["", f"against {against.name} ({against.column} less it)"]
    for section, figures in against.difference.items():
        lines += [f" {section}", *_table({"difference": figures})]
    for section, test in against.delong.items():
        interval = f"{_number(test.ci95[0])} to {_number(test.ci95[1])}"
        aucs = f"AUC {_number(test.auc)} against {_number(test.auc_against)}"
        lines += [f" DeLong, {section}: {aucs}, difference {_number(test.difference)} ({interval}), p {test.p:.3g}"]
    return lines


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    if 0 < abs(value) < 0.0005:
        return f"{value:.2g}"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.0f}"
