"""Nobody is trained on and held out at once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.data.dataset import Sample
from convert.errors import DataError
from convert.training.split import split_subjects, subject_folds, subject_notes
from edge.findings import GRADES
from edge.frame import UNKNOWN_SPACING


def sample_of(subject: str, grade: str | None = None) -> Sample:
    return Sample(f"{subject}.png", Path(f"{subject}.png"), None, subject, grade, "transverse", UNKNOWN_SPACING, {})


def test_split_is_by_subject_and_by_seed() -> None:
    subjects = {f"P{i}" for i in range(30)}
    chosen, held_out = split_subjects(subjects, seed=4)
    assert not chosen & held_out
    assert chosen | held_out == subjects
    assert len(held_out) == 3
    assert split_subjects(sorted(subjects), seed=4) == (chosen, held_out)
    assert split_subjects(subjects, seed=5) != (chosen, held_out)


@pytest.mark.parametrize(("subjects", "held_out"), [(2, 1), (7, 1), (8, 2), (24, 2), (25, 2), (26, 3), (100, 10)])
def test_a_tenth_is_held_out_and_two_where_one_would_be_chance(subjects: int, held_out: int) -> None:
    assert len(split_subjects([f"P{i}" for i in range(subjects)], seed=0)[1]) == held_out


def test_one_subject_cannot_be_split() -> None:
    with pytest.raises(DataError, match="at least two"):
        split_subjects({"P1"}, seed=0)


@given(st.lists(st.sampled_from(GRADES), min_size=5, max_size=60), st.integers(2, 5), st.integers(0, 99))
def test_folds_part_the_subjects_alike_in_size_and_in_each_grade(grades: list[str], folds: int, seed: int) -> None:
    samples = [sample_of(f"P{i}", grade) for i, grade in enumerate(grades) for _ in range(1 + i % 3)]
    parts = subject_folds(samples, folds, seed)
    assert sorted(subject for part in parts for subject in part) == sorted({s.subject for s in samples})
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    for grade in GRADES:
        counts = Counter(number for number, part in enumerate(parts) for i, g in enumerate(grades)
                         if g == grade and f"P{i}" in part)  # fmt: skip
        assert max(counts.get(n, 0) for n in range(folds)) - min(counts.get(n, 0) for n in range(folds)) <= 1


def test_a_subject_of_two_wrists_is_in_one_fold() -> None:
    samples = [sample_of(f"P{i}", grade) for i in range(6) for grade in ("normal", "severe")]
    assert sum(map(len, subject_folds(samples, 3, 0))) == 6


@pytest.mark.parametrize(("subjects", "folds"), [(6, 1), (6, 7), (2, 2), (1, 2), (6, -3)])
def test_folds_that_cannot_be_are_refused(subjects: int, folds: int) -> None:
    with pytest.raises(DataError, match=f"{folds} folds of {subjects} subjects"):
        subject_folds([sample_of(f"P{i}") for i in range(subjects)], folds, 0)


def test_few_subjects_and_a_grade_of_one_are_told() -> None:
    grades = ["normal"] * 5 + ["mild"] * 3 + ["severe"]
    samples = [sample_of(f"P{i}", grade) for i, grade in enumerate(grades)] * 2
    few, alone = subject_notes(samples, "grade")
    assert "9 subjects: below 10" in few
    assert "severe has one subject, P8" in alone
    assert len(subject_notes(samples, "segment")) == 1
    assert subject_notes([sample_of(f"Q{i}", "mild") for i in range(10)], "grade") == []
