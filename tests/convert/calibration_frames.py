"""Small data folders made from the frames that ship, each spoilt in one way."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from convert.training.training_record import TrainingRecord
from edge.frame import Pixels
from tests.program import ROOT

SHIPPED = ROOT / "calibration_data" / "transverse"
Row = Mapping[str, str]


def rows(count: int = 16) -> list[Row]:
    """The first rows of the set that ships, each of another subject."""
    with (SHIPPED / "labels.csv").open(newline="") as table:
        return list(csv.DictReader(table))[:count]


def write(
    path: Path,
    change: Callable[[Pixels], Any] = lambda picture: picture,
    *,
    table: Sequence[Row] | None = None,
    suffix: str = ".png",
    labels: bool = True,
    masks: bool = True,
) -> Path:
    """A data folder of `change`d frames; the same row twice gives two files of one frame."""
    for kind in ("images", "masks"):
        (path / kind).mkdir(parents=True)
    written = []
    for at, row in enumerate(rows() if table is None else table):
        picture = change(cv2.imread(str(SHIPPED / "images" / row["file"]), cv2.IMREAD_GRAYSCALE))
        file = f"{at:03d}{suffix}"
        if suffix == ".npy":
            np.save(path / "images" / file, picture)
        else:
            cv2.imwrite(str(path / "images" / file), picture)
        if masks:
            shutil.copy(SHIPPED / "masks" / row["file"], path / "masks" / f"{at:03d}.png")
        written.append({**row, "file": file})
    if labels:
        with (path / "labels.csv").open("w", newline="") as out:
            writer = csv.DictWriter(out, list(written[0]))
            writer.writeheader()
            writer.writerows(written)
    return path


def record(task: str = "segment", **changed: Any) -> TrainingRecord:
    """What trainings of the reference networks wrote of their pixels."""
    arch, mean, std = ("sa_unet", 58.3, 62.3) if task == "segment" else ("mobilenet_v2", 102.9, 69.8)
    fields = {
        "arch": arch, "task": task, "seed": 1, "epochs": 1, "subjects": ("T1",), "held_out_subjects": ("T2",),
        "pixel_mean": mean, "pixel_std": std, "mm_per_px": 0.2, "best_epoch": 0, "held_out_loss": 0.1,
    }  # fmt: skip
    return TrainingRecord(**fields | changed)
