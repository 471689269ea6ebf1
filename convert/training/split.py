"""Who is trained on and who is held out: whole subjects, never frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

import numpy as np

from convert.data.dataset import Sample
from convert.errors import DataError
from edge.findings import GRADES

HELD_OUT_SHARE = 0.1
FEW_SUBJECTS = 10
ENOUGH_FOR_TWO = 8


def subjects_of(samples: Sequence[Sample]) -> list[str]:
    """Each subject once, sorted."""
    return sorted({sample.subject for sample in samples})


def split_subjects(subjects: Collection[str], seed: int) -> tuple[set[str], set[str]]:
    """Subjects to train on and subjects held out, a tenth, at least two of eight or more; no subject in both.

    Raises:
        DataError: there is one subject alone.
    """
    if len(subjects) < 2:
        raise DataError(
            f"{', '.join(subjects) or 'nobody'}: one subject alone cannot be split: frames of at least two are needed"
        )
    codes = [str(code) for code in np.random.default_rng(seed).permutation(sorted(subjects))]
    least = 2 if len(codes) >= ENOUGH_FOR_TWO else 1  # one subject's loss chooses an epoch by chance
    held_out = max(least, round(HELD_OUT_SHARE * len(codes)))
    return set(codes[held_out:]), set(codes[:held_out])


def subject_folds(samples: Sequence[Sample], folds: int, seed: int) -> list[set[str]]:
    """The subjects in `folds` parts, as equal as can be in size and in each grade.

    Raises:
        DataError: fewer than two folds, a fold would be empty, or too few subjects are left to train on.
    """
    worst = _worst_grades(samples)
    if not 2 <= folds <= len(worst) or len(worst) < 3:
        raise DataError(f"{folds} folds of {len(worst)} subjects: 2 folds at least, no more than subjects, 3 subjects")
    shuffled = np.random.default_rng(seed).permutation(sorted(worst))
    dealt = sorted((str(code) for code in shuffled), key=lambda subject: worst[subject])
    return [set(dealt[first::folds]) for first in range(folds)]


def subject_notes(samples: Sequence[Sample], task: str) -> list[str]:
    """What the reader of the figures must know of these subjects, one line each."""
    subjects, notes = subjects_of(samples), []
    if len(subjects) < FEW_SUBJECTS:
        notes.append(f"{len(subjects)} subjects: below {FEW_SUBJECTS} the figures say little of anybody else")
    owners: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        owners[sample.grade or ""].add(sample.subject)
    for grade in GRADES if task == "grade" else ():
        if len(owners[grade]) == 1:
            notes.append(f"grade {grade} has one subject, {min(owners[grade])}: trained on or tested, never both")
    return notes


def _worst_grades(samples: Sequence[Sample]) -> dict[str, int]:
    worst: dict[str, int] = {}
    for sample in samples:
        grade = GRADES.index(sample.grade) if sample.grade else -1
        worst[sample.subject] = max(grade, worst.get(sample.subject, -1))
    return worst
