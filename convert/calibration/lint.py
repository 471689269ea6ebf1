"""The calibration lint: is this set of frames fit to calibrate this model with?

frame_facts        one frame -> what it shows
calibration_rules  the set -> findings on pixels, frames, people
label_coverage     the set -> findings on the columns of labels.csv
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import msgspec

from convert.calibration.frame_facts import digest_of, frame_facts
from convert.calibration.frames import CalibrationSet
from convert.calibration.label_coverage import COLUMNS, coverage
from convert.calibration.rules import RULES, Finding, SetFacts
from convert.data.dataset import DataFolder, Sample
from convert.errors import DataError
from convert.readers.preprocessing import Preprocessing
from convert.training.training_record import TrainingRecord
from edge.errors import UsageError
from edge.manifest import Task
from edge.progress import tracked

T = TypeVar("T")

RULE_NAMES = (
    *("layout", "feeding", "range", "polarity", "texture", "statistics", "channel-order"),
    *("frames", "subjects", "duplicates", "leakage"),
    *(column.name for column in COLUMNS),
)
"""What a finding's `rule` may be, and what may be waived."""


class Lint(msgspec.Struct, frozen=True):
    """What every rule says of a set, and which rules somebody waived by name."""

    folder: str
    frames: int
    subjects: int
    findings: tuple[Finding, ...]
    waived: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[str, ...]:
        """The rules that fail the set: none that is waived."""
        return tuple(f.rule for f in self.findings if f.level == "fail" and f.rule not in self.waived)

    @property
    def overruled(self) -> tuple[str, ...]:
        """The rules that would fail the set, had nobody waived them."""
        return tuple(f.rule for f in self.findings if f.level == "fail" and f.rule in self.waived)

    @property
    def passed(self) -> bool:
        """Whether the set may be used."""
        return not self.failed

    @property
    def answer(self) -> str:
        """In words."""
        if not self.passed:
            return f"not fit: {', '.join(self.failed)}"
        return f"used although it fails: {', '.join(self.overruled)}" if self.overruled else "fit to calibrate with"


def lint(
    folder: DataFolder,
    calibration: CalibrationSet | None,
    *,
    record: TrainingRecord | None,
    evaluation: Sequence[DataFolder] = (),
    task: Task | None = None,
    preprocessing: Preprocessing | None = None,
    waive: Collection[str] = (),
    progress: bool = True,
) -> Lint:
    """Judge the frames of `folder` that `calibration` takes; all of them, and no model, where it is None.

    `record` is the model's own (`training_record.read_record`). `evaluation` are the folders that the result will be
    proved on. `task` is what the model does, where no `calibration` says it. `preprocessing` tells the colours that a
    model of coloured pictures was trained on. A frame that cannot be read or fed is a finding, not an error.

    Raises:
        UsageError: `waive` names a rule that there is none of.
    """
    if unknown := sorted(set(waive) - set(RULE_NAMES)):
        raise UsageError(f"no rule is called {unknown[0]!r}: one of {', '.join(RULE_NAMES)}")
    samples = tuple(folder) if calibration is None else calibration.samples
    facts = SetFacts(
        frames=_each(partial(frame_facts, calibration=calibration), samples, "lint", progress),
        labelled=folder.labelled,
        task=calibration.task if calibration else task,
        record=record,
        rgb_mean=_rgb_mean(preprocessing) if preprocessing else None,
        evaluation_subjects=_subjects(evaluation) if evaluation else None,
        evaluation_digests=_digests(evaluation, progress),
    )
    findings = (*(rule(facts) for rule in RULES), *coverage(facts))
    return Lint(
        folder=str(folder.path),
        frames=len(samples),
        subjects=len({sample.subject for sample in samples}) if folder.labelled else 0,
        findings=findings,
        waived=tuple(sorted(waive)),
    )


def as_text(lint: Lint) -> str:
    """The findings as a table, what to mend below each, and the answer in the last line."""
    lines = []
    for finding in lint.findings:
        word = "waived" if finding.rule in lint.overruled else _WORDS[finding.level]
        lines.append(f"{word:8}{finding.rule:15}{finding.detail}")
        if finding.mend:
            lines.append(f"{'':23}-> {finding.mend}")
    people = f" of {lint.subjects} subjects" if lint.subjects else ""
    return "\n".join([*lines, f"{lint.folder}: {lint.frames} frames{people}: {lint.answer}"])


def as_json(lint: Lint) -> str:
    """The same as indented JSON, with the answer as `passed`."""
    return msgspec.json.format(msgspec.json.encode(msgspec.to_builtins(lint) | {"passed": lint.passed})).decode()


_WORDS = {"ok": "ok", "warning": "WARNING", "fail": "FAIL", "unknown": "?"}


def _rgb_mean(preprocessing: Preprocessing) -> tuple[float, float, float] | None:
    """The mean colour that a network takes off, 0..255; None where it takes grey or one number off every channel."""
    if preprocessing.order == "grey" or len(preprocessing.mean) != 3:
        return None
    mean = [255 * one / preprocessing.white for one in preprocessing.mean]
    red, green, blue = mean if preprocessing.order == "rgb" else reversed(mean)
    return red, green, blue


def _subjects(folders: Sequence[DataFolder]) -> frozenset[str]:
    """Whose frames are in them; where no table says so, the name of a file is no name of a person."""
    return frozenset(subject for folder in folders if folder.labelled for subject in folder.subjects)


def _digests(folders: Sequence[DataFolder], progress: bool) -> frozenset[str]:
    samples = [sample for folder in folders for sample in folder]
    return frozenset(filter(None, _each(_digest, samples, "evaluation", progress)))


def _digest(sample: Sample) -> str | None:
    try:
        return digest_of(sample.image())
    except DataError:  # the gate tells of it; nothing leaks from a picture that cannot be read
        return None


def _each(measure: Callable[[Sample], T], samples: Sequence[Sample], word: str, progress: bool) -> tuple[T, ...]:
    """Decoding takes the time, and OpenCV decodes beside Python: one thread a core."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = pool.map(measure, samples)
        bar = tracked(done, word, len(samples), unit="frame", shown=progress)
        return tuple(bar)
