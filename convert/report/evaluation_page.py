"""An evaluation as one HTML page: no script, nothing loaded from outside; the answer first, pictures last."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from convert.evaluation.evaluate import Evaluated
from convert.evaluation.figures import Figure
from convert.evaluation.record import SECTIONS, Against, Columns, Confusion, Evaluation, shown_figure
from convert.evaluation.worst import Case
from convert.report.evaluation_plots import agreement, reliability_diagram, roc
from edge.findings import GRADES
from edge.frame import Mask
from edge.html import STYLE, Markup, note, page, paragraph, plot, safe, table

TITLES = {
    "segment": "Segmentation",
    "grade": "The grader alone",
    "cascade": "The whole bundle",
    "size": "The nerve's size alone",
}
WORDS = {
    "dsc": "DSC (overlap, 1 is best)",
    "precision": "precision: share of the mask that is nerve",
    "recall": "recall: share of the nerve that is found",
    "auc": "",  # of what, is the section's to say
    "zero_overlap": "images without any overlap, share",
    "no_nerve": "images in which no nerve was found, share",
    "hd_px": "Hausdorff distance, px of the canvas",
    "hd95_px": "HD95, px of the canvas",
    "hd95_mm": "HD95, mm",
    "csa_error_mm2": "CSA: mean absolute error, mm²",
    "csa_bias_mm2": "CSA: bias, measured less true, mm²",
    "csa_limit_low_mm2": "CSA: lower limit of agreement, mm²",
    "csa_limit_high_mm2": "CSA: upper limit of agreement, mm²",
    "ap_diameter_error_mm": "AP diameter: mean absolute error, mm",
    "ap_diameter_bias_mm": "AP diameter: bias, measured less true, mm",
    "ap_diameter_limit_low_mm": "AP diameter: lower limit of agreement, mm",
    "ap_diameter_limit_high_mm": "AP diameter: upper limit of agreement, mm",
    "accuracy": "right grade of four, share",
    "ungradable": "no grade given, share",
    "cts_accuracy": "CTS or normal: right, share",
    "cts_precision": "CTS: precision",
    "cts_recall": "CTS: recall (sensitivity)",
    "cts_specificity": "CTS: specificity",
    "cts_f1": "CTS: F",
    "quadratic_weighted_kappa": "quadratic-weighted kappa",
    "ece": "calibration error (ECE, 0 is best)",
    "normal_mean_mm2": "normal: mean, mm²",
    "normal_sd_mm2": "normal: SD, mm²",
    "cts_mean_mm2": "CTS: mean, mm²",
    "cts_sd_mm2": "CTS: SD, mm²",
    "normal_mean_mm": "normal: mean, mm",
    "normal_sd_mm": "normal: SD, mm",
    "cts_mean_mm": "CTS: mean, mm",
    "cts_sd_mm": "CTS: SD, mm",
    "mann_whitney_u": "Mann-Whitney U",
    "mann_whitney_p": "Mann-Whitney p, two-sided",
}
ANSWERS = (
    ("segment", "dsc", "The masks overlap the true nerve with a DSC of {}."),
    ("segment", "csa_error_mm2", "The area is off by {} mm² on average."),
    ("segment", "ap_diameter_error_mm", "The AP diameter is off by {} mm on average."),
    ("grade", "accuracy", "On crops about the true nerve the share of wrists given the right grade is {},"),
    ("grade", "auc", "and CTS is told from normal with an AUC of {}."),
    ("cascade", "accuracy", "As the device runs it the share of wrists given the right grade is {},"),
    ("cascade", "auc", "and CTS is told from normal with an AUC of {}."),
)
COLUMNS = {"int8": "INT8", "float": "float", "true": "true masks"}
TRUTH_COLOUR, ANSWER_COLOUR = (255, 200, 60), (40, 140, 255)  # BGR: blue and orange
SIDE_PX = 384  # of a picture of a case
PICTURES = """
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; }
.cases figure { margin: 0; } .cases img { width: 100%; } .truth { color: #0b6bcb; } .model { color: #b35900; }
"""


def page_of(evaluated: Evaluated, cases: Mapping[str, Sequence[Case]]) -> str:
    """The page as text; `cases` are pictures by what they show.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    record, sections = evaluated.record, evaluated.sections
    title = f"Evaluation on {record.data}"
    single = {
        section: {name: rows[0] for name, rows in columns.items() if len(rows) == 1}
        for section, columns in sections.items()
    }
    parts = [*_head(record, title, any(cases.values()))]
    for section in SECTIONS:
        if getattr(record, section, None):
            parts += _section(record, section, single[section])
    if record.against:
        parts += _against(record.against)
    parts += _gallery(cases)
    parts += _made_how()
    return page(title, parts, style=STYLE + PICTURES, pictures=True)


def _head(record: Evaluation, title: str, has_pictures: bool) -> Iterator[str]:
    yield f"<h1>{safe(title)}</h1>"
    yield f'<p class="answer">{"<br>".join(map(safe, answer(record)))}</p>'
    yield note(record.disclaimer)
    if has_pictures:
        yield paragraph(
            Markup("<strong>This page holds pictures of patients</strong>: keep and share it as you do their images.")
        )
    models = "; ".join(f"{COLUMNS[column]}: {', '.join(names)}" for column, names in record.models.items())
    yield paragraph(f"{record.view}, {record.n_images} images of {record.n_subjects} subjects. {models}.")
    yield from map(note, record.notes)


def answer(record: Evaluation) -> Iterator[str]:
    """What the reader came for, a line each; of INT8 where it is there."""
    first = next(iter(record.models))
    yield f"{COLUMNS[first]} on {record.n_subjects} subjects, with 95 % intervals:"
    for section, name, words in ANSWERS:
        columns: Columns = getattr(record, section)
        if found := columns.get(first, {}).get(name):
            yield words.format(_shown(found))


def _section(record: Evaluation, section: str, rows: Mapping[str, Any]) -> Iterator[str]:
    columns: Columns = getattr(record, section)
    counts = ", ".join(f"{number} {what}" for what, number in record.counts[section].items())
    yield f"<h2>{TITLES[section]}</h2>"
    words = SECTIONS[section]
    yield paragraph(f"{words[0].upper()}{words[1:]}: {counts}.")
    yield _figures(columns, section)
    if section == "segment":
        yield plot(
            agreement(rows, record.view),
            "Bland-Altman: each point an image. Lines: the bias and the limits that hold 95 % of the differences.",
        )
    if section in ("grade", "cascade"):
        yield from _grading(record, section, rows)


def _grading(record: Evaluation, section: str, rows: Mapping[str, Any]) -> Iterator[str]:
    for column, reasons in record.ungradable.items() if section == "cascade" else ():
        if reasons:
            told = ", ".join(f"{reason}: {count}" for reason, count in reasons.items())
            yield paragraph(f"Wrists without a grade, {COLUMNS[column]}: {told}.")
    yield plot(roc(rows), "ROC: CTS against normal, one answer a wrist. The dashed line is guessing.")
    for column, counts in record.confusion[section].items():
        yield f"<h3>Confusion, {COLUMNS[column]}</h3>"
        yield _confusion(counts)
        yield _by_grade(getattr(record, section)[column])
    yield plot(
        reliability_diagram(rows),
        "Reliability: how often a grade of a confidence is right. On the dashed line a confidence can be taken at its "
        "word; numbers: wrists.",
    )


def _figures(columns: Columns, section: str) -> str:
    names = [name for name in dict.fromkeys(n for figures in columns.values() for n in figures) if name in WORDS]
    rows = []
    for name in names:
        of_what = "of pixels, mean over images" if section == "segment" else "CTS against normal"
        cells = (_shown(figures[name]) if name in figures else "" for figures in columns.values())
        rows.append((f"AUC, {of_what}" if name == "auc" else WORDS[name], *cells))
    return table(("", *(COLUMNS[column] for column in columns)), rows, numbers=range(1, len(columns) + 1))


def _by_grade(figures: Mapping[str, Any]) -> str:
    rates = ("precision", "recall", "specificity", "f1")
    rows = [(grade, *(_shown(figures[f"{rate}_{grade}"]) for rate in rates)) for grade in GRADES]
    return table(("grade", "precision", "recall", "specificity", "F"), rows, numbers=range(1, 5))


def _shown(figure: Figure) -> str:
    return shown_figure(figure).replace("-", "−")


def _confusion(counts: Confusion) -> str:
    rows = [
        (f"true {grade}", *(_shaded(count, sum(row)) for count in row))
        for grade, row in zip(GRADES, counts, strict=True)
    ]
    return table(("wrists", *(f"given {grade}" for grade in GRADES), "no grade"), rows, numbers=range(1, 6))


def _shaded(count: int, of: int) -> str:
    share = count / of if of else 0.0
    return Markup(f'<div style="background: rgba(11, 92, 173, {0.6 * share:.2f}); padding: 0 .4rem">{count}</div>')


def _against(against: Against) -> Iterator[str]:
    yield f"<h2>Against {safe(against.name)}</h2>"
    yield paragraph(
        f"Each figure of {COLUMNS[against.column]} less that of {against.name}, on the same drawn subjects: an "
        "interval that holds 0 shows no difference."
    )
    for section, figures in against.difference.items():
        yield f"<h3>{TITLES[section]}</h3>"
        yield _figures({against.column: figures}, section)
        if test := against.delong.get(section):
            yield paragraph(f"DeLong's test: AUC {test.auc:.4f} against {test.auc_against:.4f}, p = {test.p:.3g}.")


def _gallery(cases: Mapping[str, Sequence[Case]]) -> Iterator[str]:
    for what, pictures in cases.items():
        if pictures:
            yield f"<h2>{safe(what)}</h2>"
            yield note(
                Markup(
                    'Outlines: <strong class="truth">blue</strong> the true nerve, '
                    '<strong class="model">orange</strong> the model\'s. What lies outside the ultrasound picture is '
                    "not shown."
                )
            )
            shown = (
                f'<figure><img alt="{safe(case.told)}" src="{_jpeg(case)}">'
                f'<figcaption class="note">{safe(case.told)}</figcaption></figure>'
                for case in pictures
            )
            yield f'<div class="cases">{"".join(shown)}</div>'


def _jpeg(case: Case) -> str:
    masks = ((case.truth, TRUTH_COLOUR), (case.answer, ANSWER_COLOUR))
    drawn = [(mask, colour) for mask, colour in masks if mask is not None and mask.any()]
    window = _about([mask for mask, _ in drawn], case.picture.shape)
    part = case.picture[window]
    zoom = SIDE_PX / max(part.shape)
    picture = cv2.resize(cv2.cvtColor(part, cv2.COLOR_GRAY2BGR), None, fx=zoom, fy=zoom)
    for mask, colour in drawn:
        enlarged = cv2.resize(mask[window], picture.shape[1::-1], interpolation=cv2.INTER_LINEAR_EXACT)
        contours, _ = cv2.findContours(enlarged, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, colour, 1, cv2.LINE_AA)
    data = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, 88))[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def _about(masks: Sequence[Mask], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """The part of a picture that shows the masks with what lies round them; all of it without a mask."""
    if not masks:
        return slice(0, shape[0]), slice(0, shape[1])
    points = np.argwhere(np.any(masks, axis=0))
    first, last = points.min(axis=0), points.max(axis=0) + 1
    reach = max(0.75 * (last - first).max(), min(shape) / 5)
    middle = (first + last) / 2
    low, high = np.maximum(middle - reach, 0).astype(int), np.minimum(middle + reach, shape).astype(int)
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))


def _made_how() -> Iterator[str]:
    yield "<h2>How the figures are made</h2>"
    for line in (
        "In brackets: the 95 % interval by bootstrap over subjects. A subject is drawn with all of its images, as "
        "images of one person are no independent witnesses. After ±: the SD over several models.",
        "Segmentation is measured on the segmenter's own canvas. An image in which no nerve is found has DSC, "
        "precision and recall of 0, lies as far off as the canvas is long, and counts as an area of 0; Bland-Altman "
        "leaves it out.",
        "A wrist without a grade counts as wrong in the accuracy and as missed in the recall of its grade; AUC, kappa "
        "and calibration error are of the wrists that were graded. CTS is called above a probability of one half.",
    ):
        yield note(line)
