"""A data folder on disk, `images/`, `masks/` and `labels.csv`, read and checked once."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convert.data.picture_file import SUFFIXES, read_grey, read_rgb
from convert.data.stages import Stages, read_stages
from convert.errors import DataError
from edge.findings import GRADES
from edge.frame import UNKNOWN_SPACING, Mask, Pixels, Spacing

REQUIRED_COLUMNS = ("file", "subject", "grade", "view")


@dataclass(frozen=True)
class Sample:
    """One row: a picture, whose it is, and what is known of it. `settings` holds the optional columns as written."""

    file: str
    image_path: Path
    mask_path: Path | None
    subject: str
    grade: str | None
    view: str
    spacing: Spacing
    settings: dict[str, str]

    def image(self) -> Pixels:
        """Grey, (H, W) uint8.

        Raises:
            DataError: the file is no picture or array of 8 bits.
        """
        return read_grey(self.image_path)

    def colours(self) -> Pixels:
        """RGB, (H, W, 3) uint8; the three are alike in a grey picture.

        Raises:
            DataError: as `image`.
        """
        return read_rgb(self.image_path)

    def mask(self) -> Mask:
        """(H, W), 1 = nerve.

        Raises:
            DataError: there is none, it is no picture, or its size is not the image's.
        """
        if self.mask_path is None:
            raise DataError(f"{self.image_path}: no mask of that name: put one into masks/")
        return (read_grey(self.mask_path) > 0).astype(np.uint8)


@dataclass(frozen=True)
class DataFolder:
    """The samples of a folder, in the order of `labels.csv`."""

    path: Path
    samples: tuple[Sample, ...]
    labelled: bool  # False: no labels.csv, each image is taken as its own subject

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Each subject once, sorted."""
        return tuple(sorted({sample.subject for sample in self.samples}))

    def of_subjects(self, subjects: set[str]) -> DataFolder:
        """The part of the folder that belongs to these subjects."""
        return DataFolder(self.path, tuple(s for s in self.samples if s.subject in subjects), self.labelled)


def read_data_folder(path: Path) -> DataFolder:
    """Read a data folder's table; the pictures themselves are read when they are asked for.

    Raises:
        DataError: no such folder, no pictures, a broken table, an unknown grade, a file that is not there or
            that is listed twice.
    """
    images = path / "images"
    if not images.is_dir():
        raise DataError(f"{path}: no folder images/ in it: a data folder holds images/, masks/ and labels.csv")
    labels = path / "labels.csv"
    samples = _from_table(path, labels) if labels.is_file() else _from_pictures(path)
    if not samples:
        raise DataError(f"{path}: holds no picture")
    return DataFolder(path, tuple(samples), labels.is_file())


def _from_pictures(path: Path) -> list[Sample]:
    files = sorted(file.name for file in (path / "images").iterdir() if file.suffix.lower() in SUFFIXES)
    return [
        Sample(file, path / "images" / file, _mask_of(path, file), file, None, "", UNKNOWN_SPACING, {})
        for file in files
    ]


def _from_table(path: Path, labels: Path) -> list[Sample]:
    try:
        with labels.open(newline="", encoding="utf-8-sig") as table:
            reader = csv.DictReader(table)
            rows = list(reader)
            columns = reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{labels}: not a table of comma-separated UTF-8 text ({error})") from error
    missing = [column for column in REQUIRED_COLUMNS if column not in columns]
    if missing:
        raise DataError(f"{labels}: no column {', '.join(missing)}: the first line names the columns")
    stages = read_stages(path)
    samples: dict[str, Sample] = {}
    for line, row in enumerate(rows, start=2):
        sample = _sample(path, row, stages, f"{labels}:{line}")
        if sample.file in samples:
            raise DataError(f"{labels}:{line}: {sample.file} is listed twice: keep one of the lines")
        samples[sample.file] = sample
    return list(samples.values())


def _sample(path: Path, row: dict[str, str], stages: Stages, where: str) -> Sample:
    file, subject, grade = ((row[column] or "").strip() for column in ("file", "subject", "grade"))
    grade = stages.get(grade, grade)
    image = path / "images" / file
    if not file or not image.is_file():
        raise DataError(f"{where}: no file images/{file}: is this the table of another folder?")
    if not subject:
        raise DataError(f"{where}: {file} has no subject: give each person a code of their own")
    if grade and grade not in GRADES:
        known = f"one of {', '.join(GRADES)}, or a stage, {', '.join(stages)}, or empty"
        raise DataError(f"{where}: unknown grade {grade!r}: {known}")
    rest = {column: value for column, value in row.items() if column not in REQUIRED_COLUMNS and value}
    spacing = _spacing(rest.pop("spacing_mm", ""), where)
    view = (row["view"] or "").strip()
    return Sample(file, image, _mask_of(path, file), subject, grade or None, view, spacing, rest)


def _spacing(text: str, where: str) -> Spacing:
    if not text.strip():
        return UNKNOWN_SPACING
    try:
        return Spacing(float(text), "manual")
    except ValueError as error:
        raise DataError(f"{where}: spacing_mm {text!r} is no spacing in mm per px") from error


def _mask_of(path: Path, file: str) -> Path | None:
    exact = path / "masks" / file
    if exact.is_file():
        return exact
    return next((other for other in sorted((path / "masks").glob(f"{Path(file).stem}.*"))), None)
