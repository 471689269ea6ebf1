"""Grades may be written as stages of nerve conduction; the folder may say which stage is which grade."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.data.dataset import read_data_folder
from convert.data.stages import P2_STAGES, read_stages
from convert.errors import DataError
from edge.findings import GRADES


def make_folder(path: Path, grades: list[str]) -> Path:
    (path / "images").mkdir()
    rows = ["file,subject,grade,view"]
    for number, grade in enumerate(grades):
        cv2.imwrite(str(path / "images" / f"{number}.png"), np.full((8, 8), 9, np.uint8))
        rows.append(f"{number}.png,P{number},{grade},transverse")
    (path / "labels.csv").write_text("\n".join(rows) + "\n")
    return path


def test_p2_s_stages_become_grades_beside_written_ones(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, ["1", "2", "3", "4", "5", "mild", ""])
    assert [sample.grade for sample in read_data_folder(folder)] == [
        "normal", "mild", "moderate", "severe", "severe", "mild", None,
    ]  # fmt: skip
    assert set(P2_STAGES.values()) == set(GRADES)


def test_a_folder_s_own_table_replaces_it(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, ["I", "IIb"])
    (folder / "stages.csv").write_text("stage,grade\nI,normal\nIIb,severe\n")
    assert [sample.grade for sample in read_data_folder(folder)] == ["normal", "severe"]


def test_a_stage_of_another_table_is_an_unknown_grade(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"labels.csv:2: unknown grade '6': .*or a stage, 1, 2, 3, 4, 5"):
        read_data_folder(make_folder(tmp_path, ["6"]))


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("stage,grade\nI,dreadful\n", "stages.csv:2"),
        ("stage,grade\nI,mild\nI,severe\n", "stages.csv:3"),
        ("level,grade\nI,mild\n", "stages.csv:2"),
        ("stage,grade\n", "no row"),
        ("", "no row"),
    ],
)
def test_faults_of_the_table_are_told_in_one_line(tmp_path: Path, table: str, told: str) -> None:
    (tmp_path / "stages.csv").write_text(table)
    with pytest.raises(DataError) as caught:
        read_stages(tmp_path)
    assert told in str(caught.value) and "\n" not in str(caught.value)
