"""A data folder's table: what is read from it, and what each fault in it is told as."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.data.dataset import read_data_folder
from convert.errors import DataError

HEADER = "file,subject,grade,view,spacing_mm,side\n"


def make_folder(path: Path, table: str | None, files: tuple[str, ...] = ("a.png", "b.png")) -> Path:
    for kind in ("images", "masks"):
        (path / kind).mkdir()
        for file in files:
            cv2.imwrite(str(path / kind / file), np.full((20, 30), 100, np.uint8))
    if table is not None:
        (path / "labels.csv").write_text(table)
    return path


def test_reads_rows_in_order(tmp_path: Path) -> None:
    folder = read_data_folder(
        make_folder(tmp_path, HEADER + "b.png,P1,mild,transverse,0.1,left\na.png,P2,,longitudinal,,\n")
    )
    first, second = folder
    assert (first.file, first.subject, first.grade, first.view) == ("b.png", "P1", "mild", "transverse")
    assert first.spacing.mm_per_px == 0.1 and first.spacing.provenance == "manual"
    assert first.settings == {"side": "left"}
    assert second.grade is None and second.spacing.mm_per_px is None
    assert folder.subjects == ("P1", "P2")
    assert first.image().shape == (20, 30) and first.mask().max() == 1


def test_without_table_each_image_is_its_own_subject(tmp_path: Path) -> None:
    folder = read_data_folder(make_folder(tmp_path, None))
    assert not folder.labelled
    assert folder.subjects == ("a.png", "b.png")


def test_mask_of_another_suffix_is_found(tmp_path: Path) -> None:
    make_folder(tmp_path, None, ("a.png",))
    (tmp_path / "masks" / "a.png").rename(tmp_path / "masks" / "a.bmp")
    (sample,) = read_data_folder(tmp_path)
    assert sample.mask_path == tmp_path / "masks" / "a.bmp"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("a.png,P1,dreadful,transverse,,\n", "unknown grade 'dreadful'"),
        ("a.png,P1,,transverse,,\na.png,P1,,transverse,,\n", "labels.csv:3: a.png is listed twice"),
        ("c.png,P1,,transverse,,\n", "no file images/c.png"),
        ("a.png,,,transverse,,\n", "a.png has no subject"),
        ("a.png,P1,,transverse,wide,\n", "spacing_mm 'wide'"),
        ("a.png,P1,,transverse,-1,\n", "spacing_mm '-1'"),
        ("", "holds no picture"),
    ],
)
def test_faults_are_told_in_one_line(tmp_path: Path, rows: str, told: str) -> None:
    with pytest.raises(DataError) as caught:
        read_data_folder(make_folder(tmp_path, HEADER + rows))
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_missing_column_and_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column grade"):
        read_data_folder(make_folder(tmp_path, "file,subject,view\n"))
    with pytest.raises(DataError, match="no folder images/"):
        read_data_folder(tmp_path / "elsewhere")


def test_sixteen_bit_and_broken_pictures_are_refused(tmp_path: Path) -> None:
    make_folder(tmp_path, None, ("a.png",))
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.zeros((20, 30), np.uint16))
    (sample,) = read_data_folder(tmp_path)
    with pytest.raises(DataError, match="8 bits"):
        sample.image()
    (tmp_path / "images" / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="is no picture"):
        sample.image()
