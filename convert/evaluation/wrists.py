"""Grades belong to wrists, not to frames: which frames are one wrist's, and what is true of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from convert.data.dataset import Sample

Floats = npt.NDArray[np.float64]


def wrists(samples: Sequence[Sample]) -> list[list[int]]:
    """Row numbers of each wrist's frames: one subject, one side where the table names it, one grade (P3)."""
    rows: dict[tuple[str, str, str], list[int]] = {}
    for number, sample in enumerate(samples):
        key = (sample.subject, sample.settings.get("side", ""), sample.grade or "")
        rows.setdefault(key, []).append(number)
    return list(rows.values())


def owners(samples: Sequence[Sample]) -> tuple[list[str], list[str]]:
    """The subject and the grade of each of `wrists(samples)`."""
    firsts = [samples[rows[0]] for rows in wrists(samples)]
    return [sample.subject for sample in firsts], [sample.grade or "" for sample in firsts]


def by_subject(samples: Sequence[Sample], values: Floats) -> tuple[list[str], list[str], Floats]:
    """Of each wrist: its subject, its grade, and the mean of `values` (N, ...) over its frames."""
    subjects, grades = owners(samples)
    return subjects, grades, np.array([values[rows].mean(axis=0) for rows in wrists(samples)])


def predicted_grades(probabilities: Floats) -> npt.NDArray[np.int64]:
    """Rows (W, 4) -> index into `GRADES` (W,), -1 where a row is nan: no grade was given."""
    known = ~np.isnan(probabilities).any(axis=1)
    return np.where(known, np.nan_to_num(probabilities).argmax(axis=1), -1)
