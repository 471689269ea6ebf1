"""What serves a task is kept, what does not is counted and named, and nothing at all is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from convert.data.dataset import DataFolder, Sample
from convert.data.usable import usable
from convert.errors import DataError
from edge.frame import UNKNOWN_SPACING


def folder(*samples: Sample) -> DataFolder:
    return DataFolder(Path("mine"), samples, True)


def sample(name: str, grade: str | None = "mild", view: str = "transverse") -> Sample:
    return Sample(name, Path(name), Path("m") / name, name, grade, view, UNKNOWN_SPACING, {})


def test_missing_masks_are_left_out_and_named() -> None:
    whole = [sample(f"{i}.png") for i in range(3)]
    bare = [replace(sample(f"b{i}.png"), mask_path=None) for i in range(5)]
    kept, [note] = usable([folder(*whole, *bare)], "segment")
    assert kept == whole
    assert note == "mine: 5 of 8 images (b0.png, b1.png, b2.png, ...) have no mask: left out"
    with pytest.raises(DataError, match="no image has a mask"):
        usable([folder(*bare)], "segment")


def test_a_folder_named_twice_counts_twice_and_is_told_once() -> None:
    one = folder(sample("a.png"), replace(sample("b.png"), mask_path=None))
    kept, [note] = usable([one, one], "segment")
    assert [each.file for each in kept] == ["a.png", "a.png"]
    assert note == "mine: 1 of 2 images (b.png) has no mask: left out"


def test_a_grader_needs_grades_and_two_of_them() -> None:
    samples = [sample("a.png", "mild"), sample("b.png", None), sample("c.png", "severe")]
    kept, [note] = usable([folder(*samples)], "grade")
    assert [each.file for each in kept] == ["a.png", "c.png"]
    assert "1 of 3 images (b.png) has no grade" in note
    with pytest.raises(DataError, match="fewer than two grades"):
        usable([folder(samples[0], samples[1])], "grade")


def test_two_planes_are_told_and_one_can_be_taken() -> None:
    both = folder(sample("a.png"), sample("b.png", view="longitudinal"))
    kept, [note] = usable([both], "segment")
    assert len(kept) == 2 and "longitudinal and transverse images are mixed" in note
    assert [each.file for each in usable([both], "segment", "longitudinal")[0]] == ["b.png"]
    with pytest.raises(DataError, match="no image is longitudinal"):
        usable([folder(sample("a.png"))], "segment", "longitudinal")
