"""Phantoms as a data folder: `images/`, `masks/` and `labels.csv`, the form that `train` and `convert` take."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from convert.phantom.acquisition import draw_settings
from convert.phantom.frames import FOREARM, LONGITUDINAL, TRANSVERSE, PhantomFrame, render
from convert.phantom.subject import draw_subject
from edge.errors import OutputError
from edge.output import write_atomically
from edge.progress import tracked

COLUMNS = (
    *("file", "subject", "grade", "view", "spacing_mm", "side", "level"),
    *("machine", "depth_mm", "gain", "frequency_mhz"),
)
PLANES = {"transverse": TRANSVERSE, "forearm": FOREARM, "longitudinal": LONGITUDINAL}


@dataclass(frozen=True)
class Population:
    """Who is simulated, and how each is scanned."""

    seed: int
    subjects: int
    frames: dict[str, int]  # frames a subject, by the names of PLANES
    px_across: int | None = None  # pixels across the probe; None = the machine's own
    machine: str | None = None  # all on one, a name of MACHINES; None = each exam on one of them


def exam(population: Population, index: int) -> Iterator[PhantomFrame]:
    """Every frame of subject number `index`, at random places of the sweep."""
    subject = draw_subject(index, population.seed)
    settings = draw_settings(index, population.seed, px_across=population.px_across, machine_name=population.machine)
    rng = np.random.default_rng([population.seed, index, 3])
    for plane in (PLANES[name] for name, count in population.frames.items() for _ in range(count)):
        along_mm = rng.uniform(-plane.sweep_mm, plane.sweep_mm)
        yield render(subject, settings, plane, along_mm=along_mm, seed=int(rng.integers(2**31)))


def write_population(folder: Path, population: Population, *, workers: int = 1) -> int:
    """Render everyone into `folder`; the number of frames. The same population gives the same bytes."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "masks").mkdir(exist_ok=True)
    everyone = range(population.subjects)
    with ProcessPoolExecutor(workers) as pool:
        exams = pool.map(partial(_write_exam, folder, population), everyone, chunksize=4)
        rows = [
            row for exam_rows in tracked(exams, "phantoms", population.subjects, unit="subject") for row in exam_rows
        ]
    _write_labels(folder / "labels.csv", rows)
    return len(rows)


def _write_exam(folder: Path, population: Population, index: int) -> list[tuple[str, ...]]:
    rows = []
    for number, frame in enumerate(exam(population, index)):
        file = f"{frame.subject.name}-{number:02d}.png"
        for kind, pixels in (("images", frame.pixels), ("masks", frame.mask * 255)):
            _write_picture(folder / kind / file, pixels)
        rows.append(labels_of(frame, file))
    return rows


def _write_picture(path: Path, pixels: npt.NDArray[np.uint8]) -> None:
    """Not atomic, frame by frame: `labels.csv` comes last, and without it the folder is not a population."""
    try:
        path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error


def labels_of(frame: PhantomFrame, file: str) -> tuple[str, ...]:
    """One row of `labels.csv`. The forearm carries no grade: the syndrome is at the wrist."""
    s = frame.settings
    view, level = frame.plane.view, frame.plane.level
    grade = frame.subject.grade if level == "DWC" else ""
    numbers = (f"{s.depth_mm:g}", f"{s.gain_db:.2f}", f"{s.frequency_mhz:.2f}")
    return (file, frame.subject.name, grade, view, f"{s.mm_per_px:.6f}", frame.subject.side, level, s.machine, *numbers)


def _write_labels(path: Path, rows: Sequence[tuple[str, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    write_atomically(path, text.getvalue().encode())
