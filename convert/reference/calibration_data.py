"""The calibration set that ships: phantoms of a population of their own, with a manifest of what they are.

    python -m convert.reference.calibration_data calibration_data

Each subject gives one frame. The wrists and the forearms are one data folder, as a transverse network sees both; the
longitudinal frames are another. Nobody in it is used to train, to test or to demonstrate.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from convert.phantom.folder import COLUMNS, Population, exam, labels_of
from edge.output import write_atomically

SEED = 3  # 1 and 11 train, 2 tests, 4 demonstrates
PX_ACROSS = 320
LICENCE = "Apache-2.0"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Group:
    """Subjects `first` to `first + count - 1`, scanned in one plane into one data folder."""

    folder: str
    plane: str  # one of convert.phantom.folder.PLANES
    first: int
    count: int


GROUPS = (
    Group("transverse", "transverse", 0, 90),
    Group("transverse", "forearm", 90, 40),
    Group("longitudinal", "longitudinal", 130, 70),
)


def frames(group: Group) -> Iterator[tuple[tuple[str, ...], bytes, bytes]]:
    """Each frame of a group: its row of `labels.csv`, and the PNG files of image and mask (255 = nerve)."""
    population = Population(SEED, group.first + group.count, {group.plane: 1}, PX_ACROSS)
    for index in range(group.first, group.first + group.count):
        (frame,) = exam(population, index)
        row = labels_of(frame, f"{frame.subject.name}-00.png")
        yield row, _png(frame.pixels), _png(frame.mask * np.uint8(255))


def write_calibration_set(folder: Path) -> int:
    """Write the whole set; the number of frames. The same machine writes the same bytes.

    Raises:
        OutputError: a file cannot be written.
    """
    rows: dict[str, list[tuple[str, ...]]] = {}
    for group in GROUPS:
        target = folder / group.folder
        for kind in ("images", "masks"):
            (target / kind).mkdir(parents=True, exist_ok=True)
        for row, image, mask in frames(group):
            write_atomically(target / "images" / row[0], image)
            write_atomically(target / "masks" / row[0], mask)
            rows.setdefault(group.folder, []).append(row)
    for name, table in rows.items():
        write_atomically(folder / name / "labels.csv", _table(table))
    write_atomically(folder / MANIFEST, (json.dumps(_manifest(folder), indent=1) + "\n").encode())
    return sum(map(len, rows.values()))


def sha256_of_files(folder: Path) -> dict[str, str]:
    """The sha256 of every file of the data folders, by its path within `folder`."""
    files = sorted(path for name in {group.folder for group in GROUPS} for path in (folder / name).rglob("*.*"))
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _manifest(folder: Path) -> dict[str, Any]:
    return {
        "what": "simulated B-mode frames for calibration (a representative data set), no patient",
        "provenance": "convert.phantom, by `python -m convert.reference.calibration_data calibration_data`",
        "licence": LICENCE,
        "population_seed": SEED,
        "px_across": PX_ACROSS,
        "groups": [asdict(group) for group in GROUPS],
        "tools": {"numpy": np.__version__, "opencv": cv2.__version__},
        "sha256": sha256_of_files(folder),
    }


def _png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()


def _table(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the calibration set.")
    parser.add_argument("folder", type=Path)
    print(f"{write_calibration_set(parser.parse_args().folder)} frames")
