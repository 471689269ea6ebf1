"""Nobody is trained on and held out at once."""

from __future__ import annotations

import pytest

pytest.importorskip("keras", reason="the extra `convert` is not installed")

from pathlib import Path

from convert.data.dataset import DataFolder, Sample
from convert.errors import DataError
from convert.training.train import ordinal_targets, split_subjects
from edge.findings import GRADES
from edge.frame import UNKNOWN_SPACING


def folder_of(subjects: list[str]) -> DataFolder:
    samples = tuple(
        Sample(f"{i}.png", Path(f"{i}.png"), None, subject, None, "transverse", UNKNOWN_SPACING, {})
        for i, subject in enumerate(subjects)
    )
    return DataFolder(Path("somewhere"), samples, True)


def test_split_is_by_subject_and_by_seed() -> None:
    folder = folder_of([f"P{i // 3}" for i in range(90)])
    chosen, held_out = split_subjects([folder, folder], seed=4)
    assert not chosen & held_out
    assert chosen | held_out == set(folder.subjects)
    assert len(held_out) == 3
    assert split_subjects([folder], seed=4) == (chosen, held_out)
    assert split_subjects([folder], seed=5) != (chosen, held_out)


def test_one_subject_cannot_be_split() -> None:
    with pytest.raises(DataError, match="at least two"):
        split_subjects([folder_of(["P1", "P1"])], seed=0)


def test_ordinal_targets_climb() -> None:
    assert [ordinal_targets(grade).sum() for grade in GRADES] == [0, 1, 2, 3]
    assert list(ordinal_targets("mild")) == [1, 0, 0]
