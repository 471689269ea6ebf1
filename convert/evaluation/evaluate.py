"""The run of `sonoedge evaluate`: models on a labelled data folder -> rows -> figures -> one record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from convert.data.dataset import DataFolder, Sample
from convert.data.subjects import subject_mark
from convert.errors import DataError
from convert.evaluation.cascade import cascade_clips, cascade_rows
from convert.evaluation.figures import Rows, differences, figures
from convert.evaluation.grades import NO_GRADE, GradeRows, grade_rows
from convert.evaluation.masks import mask_rows
from convert.evaluation.record import Against, DeLongTest, Evaluation
from convert.evaluation.sides import Side
from convert.evaluation.sizes import measured_sizes, true_sizes
from convert.evaluation.wrists import wrists
from edge.findings import GRADES, View
from edge.metrics import confusion, delong
from edge.progress import tracked

SEGMENT, GRADE, CASCADE, SIZE = "segment", "grade", "cascade", "size"
TRUE = "true"  # the column of the true masks' own size

Answers: TypeAlias = Mapping[str, Sequence[Any]]
"""Section -> rows of each model, most often one; several are folds or seeds."""


@dataclass(frozen=True)
class Labelled:
    """The samples of one view, by what is known of them."""

    view: View
    masked: tuple[Sample, ...]  # a mask
    cropped: tuple[Sample, ...]  # a grade, and a mask with a nerve in it
    graded: tuple[Sample, ...]  # a grade
    notes: tuple[str, ...]

    def of(self, section: str) -> tuple[Sample, ...]:
        """The samples that a section is computed on."""
        return {SEGMENT: self.masked, GRADE: self.cropped, CASCADE: self.graded, SIZE: self.graded}[section]


@dataclass(frozen=True)
class Evaluated:
    """The record, and the rows that its figures are of, for the plots."""

    record: Evaluation
    labelled: Labelled
    sections: Mapping[str, Mapping[str, Sequence[Any]]]  # section -> column -> rows of each model


def labelled_part(folder: DataFolder, view: View) -> Labelled:
    """What of a folder can be evaluated in this view.

    Raises:
        DataError: nothing of it is of this view, or a mask cannot be read.
    """
    seen = [sample for sample in folder if sample.view in ("", view)]
    if not seen:
        raise DataError(f"{folder.path}: holds no {view} frame: its view column says otherwise")
    masked = tuple(sample for sample in seen if sample.mask_path is not None)
    both = [sample for sample in masked if sample.grade is not None]
    with_nerve = [sample.mask().any() for sample in tracked(both, "masks", unit="frame")]
    return Labelled(
        view=view,
        masked=masked,
        cropped=tuple(sample for sample, is_there in zip(both, with_nerve, strict=True) if is_there),
        graded=tuple(sample for sample in seen if sample.grade is not None),
        notes=tuple(_notes(folder, seen)),
    )


def evaluate(
    folder: DataFolder, view: View, sides: Mapping[str, Side], against: tuple[str, Side] | None = None
) -> Evaluated:
    """Evaluate the models of each side, whose name is the column's, on the frames of `folder` in this view.

    `against` is another side and its name; it stands beside the first of `sides`.

    Raises:
        DataError: nothing can be evaluated, as the models' tasks and the folder's labels do not meet; or a file of the
            folder cannot be read.
    """
    labelled = labelled_part(folder, view)
    answers = {column: _answers(side, labelled) for column, side in sides.items()}
    if not any(answers.values()):
        raise DataError(f"{folder.path}: {_why_nothing(sides, labelled)}")
    sections: dict[str, dict[str, Sequence[Any]]] = {}
    if any(said.keys() - {SEGMENT} for said in answers.values()):
        scaled = [sample for sample in labelled.cropped if sample.spacing.mm_per_px is not None]
        sections |= {SIZE: {TRUE: [true_sizes(scaled, view)]}} if scaled else {}
    for column, said in answers.items():
        for section, rows in said.items():
            sections.setdefault(section, {})[column] = rows
    column = next(iter(sides))
    record = Evaluation(
        data=folder.path.resolve().name,
        view=view,
        models={name: side.names for name, side in sides.items()},
        **_counts(sections, labelled),
        **_figures(sections),
        confusion={
            section: {name: _confusion(rows[0]) for name, rows in sections[section].items() if len(rows) == 1}
            for section in (GRADE, CASCADE)
            if section in sections
        },
        ungradable={name: _reasons(rows[0]) for name, rows in sections.get(CASCADE, {}).items()},
        against=_against(against[0], column, answers[column], _answers(against[1], labelled)) if against else None,
        notes=(*labelled.notes, *_trained_on(sides, labelled)),
    )
    return Evaluated(record, labelled, sections)


def _answers(side: Side, labelled: Labelled) -> Answers:
    """What one side's models answer; a section that cannot be computed is not there."""
    view, said = labelled.view, dict[str, list[Rows]]()
    if side.segmenters and labelled.masked:
        said[SEGMENT] = [mask_rows(each.predict, labelled.masked, each.spec, view) for each in side.segmenters]
    if side.graders and labelled.cropped:
        said[GRADE] = [grade_rows(each.predict, labelled.cropped, each.spec, each.temperature) for each in side.graders]
    if side.cascade and labelled.graded:
        (clips,) = cascade_clips([side.cascade], labelled.graded)
        if side.cascade.grader_name is not None:
            said[CASCADE] = [cascade_rows(labelled.graded, clips)]
        if any(sample.spacing.mm_per_px is not None for sample in labelled.graded):
            said[SIZE] = [measured_sizes(labelled.graded, clips, view)]
    return said


def _figures(sections: Mapping[str, Mapping[str, Sequence[Rows]]]) -> dict[str, dict[str, Any]]:
    jobs = [(section, column, rows) for section, columns in sections.items() for column, rows in columns.items()]
    found: dict[str, dict[str, Any]] = {section: {} for section in sections}
    for section, column, rows in tracked(jobs, "figures", unit="column"):
        found[section][column] = figures(*rows)
    return found


def _against(name: str, column: str, ours: Answers, other: Answers) -> Against:
    both = [section for section in (SEGMENT, GRADE, CASCADE) if section in ours and section in other]
    return Against(
        name=name,
        column=column,
        **{section: figures(*other[section]) for section in both},
        difference={section: differences(ours[section][0], other[section][0]) for section in both},
        delong={section: _delong(ours[section][0], other[section][0]) for section in both if section != SEGMENT},
    )


def _delong(first: GradeRows, second: GradeRows) -> DeLongTest:
    known = (first.predicted != NO_GRADE) & (second.predicted != NO_GRADE)
    scores = (1 - rows.probabilities[known, 0] for rows in (first, second))
    test = delong(first.truth[known] > 0, *scores)
    return DeLongTest(test.auc_first, test.auc_second, test.difference, (test.low, test.high), test.p)


def _confusion(rows: GradeRows) -> list[list[int]]:
    grades = range(len(GRADES))
    counts: list[list[int]] = confusion(rows.truth, rows.predicted, (*grades, NO_GRADE))[: len(GRADES)].tolist()
    return counts


def _reasons(rows: GradeRows) -> dict[str, int]:
    return dict(Counter(filter(None, rows.reasons)).most_common())


def _counts(sections: Mapping[str, Any], labelled: Labelled) -> dict[str, Any]:
    used = {section: labelled.of(section) for section in sections}
    images = {sample.image_path: sample for samples in used.values() for sample in samples}
    counts = {section: {"images": len(of), "subjects": _subjects(of)} for section, of in used.items()}
    for section in counts.keys() - {SEGMENT}:
        counts[section]["wrists"] = len(wrists(used[section]))
    return {"n_images": len(images), "n_subjects": _subjects(images.values()), "counts": counts}


def _subjects(samples: Any) -> int:
    return len({sample.subject for sample in samples})


def _notes(folder: DataFolder, seen: Sequence[Sample]) -> Iterator[str]:
    lacking = {
        "mask: left out of the segmentation": sum(sample.mask_path is None for sample in seen),
        "grade: left out of the grading": sum(sample.grade is None for sample in seen),
        "spacing: nothing of these is given in mm": sum(sample.spacing.mm_per_px is None for sample in seen),
    }
    if not folder.labelled:
        yield f"{folder.path.name} has no labels.csv: each picture is taken for a subject"
    yield from (f"{count} of {len(seen)} frames have no {what}" for what, count in lacking.items() if count)


def _trained_on(sides: Mapping[str, Side], labelled: Labelled) -> Iterator[str]:
    subjects = {subject_mark(sample.subject) for sample in (*labelled.masked, *labelled.graded)}
    for network in (network for side in sides.values() for network in side.networks):
        if seen := subjects & network.trained_on:
            yield f"{network.name} was trained on {len(seen)} of the {len(subjects)} subjects: its figures flatter"


def _why_nothing(sides: Mapping[str, Side], labelled: Labelled) -> str:
    """Which label the models would need."""
    segmenters, graders = (any(getattr(side, of) for side in sides.values()) for of in ("segmenters", "graders"))
    faults = []
    if segmenters and not labelled.masked:
        faults.append("no frame has a mask to measure a segmenter against")
    if graders and not labelled.graded:
        faults.append("no frame has a grade to measure a grader against")
    elif graders and not labelled.cropped:
        faults.append("no graded frame has a mask of a nerve to crop about, which a grader without a segmenter needs")
    return f"nothing to evaluate: {' and '.join(faults) or 'the models neither segment nor grade'}"
