"""One grader's confidence from held-out wrists, and a wrist judged by it exactly as the device does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from convert.confidence.answers import Wrist
from convert.confidence.conformal import fit_conformal
from convert.confidence.temperature import fit_temperature
from convert.confidence.typical import fit_typical
from edge.findings import ClipGrade, FrameGrade, Reason, ungradable
from edge.manifest import Conformal, ModelEntry, Thresholds, Typical
from edge.stages.aggregate import aggregate
from edge.stages.grade import grade_probabilities, most_likely
from edge.stages.typical import Typicality


@dataclass(frozen=True)
class Fitted:
    """What a grader's entry in the manifest says of its confidence; as a bundle without any has it, by default."""

    temperature: float = 1.0
    conformal: Conformal | None = None
    typical: Typical | None = None

    def into(self, entry: ModelEntry) -> ModelEntry:
        """The entry with it."""
        return msgspec.structs.replace(
            entry, temperature=self.temperature, conformal=self.conformal, typical=self.typical
        )


def fit(clips: Sequence[Wrist], coverage: float, thresholds: Thresholds, seed: int) -> Fitted:
    """Temperature, and what is typical, from one half of the subjects; both thresholds from the other half.

    So no threshold is taken from subjects that shaped what it is a threshold of.
    """
    first, second = halves([wrist for wrist in clips if len(wrist.seen)], seed)
    unbound = Fitted(temperature=fit_temperature(first), typical=fit_typical(first, second))
    answers = [(wrist, clip_grade(wrist, unbound, thresholds).probabilities) for wrist in second]
    known = [(wrist, row) for wrist, row in answers if row is not None]
    subjects, grades = [wrist.subject for wrist, _ in known], [wrist.grade for wrist, _ in known]
    conformal = fit_conformal(subjects, grades, [row for _, row in known], coverage)
    return Fitted(unbound.temperature, conformal, unbound.typical)


def halves(clips: Sequence[Wrist], seed: int, share: float = 0.5) -> tuple[list[Wrist], list[Wrist]]:
    """The wrists of a random `share` of the subjects, and those of the others."""
    subjects = sorted({wrist.subject for wrist in clips})
    drawn = np.random.default_rng(seed).permutation(len(subjects))[: round(share * len(subjects))]
    first = {subjects[place] for place in drawn}
    return [w for w in clips if w.subject in first], [w for w in clips if w.subject not in first]


def clip_grade(wrist: Wrist, fitted: Fitted, thresholds: Thresholds) -> ClipGrade:
    """What the device answers to the wrist; its measures, which decide nothing, are left out."""
    typicality = Typicality("held-out answers", fitted.typical) if fitted.typical else None
    grades = [ungradable(reason) for reason in wrist.refused]
    for seen, logits in zip(wrist.seen, wrist.logits.tolist(), strict=True):
        if typicality is None or typicality(seen) is None:
            row = grade_probabilities(logits, fitted.temperature)
            grades.append(FrameGrade(most_likely(row), row, None))
        else:
            grades.append(ungradable(Reason.UNLIKE_TRAINING))
    return aggregate(grades, [None] * len(grades), thresholds, fitted.conformal)
