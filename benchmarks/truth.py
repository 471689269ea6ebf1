"""Simulated subjects that no model has seen: what every engine is asked, and what is true of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.bundle import Bundle
from edge.findings import GRADES
from edge.frame import Mask, Pixels

SEED = 97  # of the population; those of `convert.reference` and of calibration_data are others


@dataclass(frozen=True)
class Truth:
    """K pictures for the segmenter and K for a grader, with what a simulator knows of them."""

    pictures: Pixels  # (K, size, size)
    masks: Mask  # (K, size, size), 1 = nerve
    crops: dict[str, Pixels]  # grader -> (K, size, size)
    grades: npt.NDArray[np.int64]  # (K,), 0 normal to 3 severe


def make_truth(bundle_path: Path, folder: Path, count: int, workers: int = 2) -> Path:
    """Simulate `count` subjects, one frame each, as the models see them; the file that `read_truth` takes."""
    from convert.data.dataset import read_data_folder  # noqa: PLC0415
    from convert.data.samples import grade_input, segment_input  # noqa: PLC0415
    from convert.phantom.folder import Population, write_population  # noqa: PLC0415

    path = folder / f"truth-{count}.npz"
    if path.is_file():
        return path
    manifest = Bundle.open(bundle_path).manifest
    frames = folder / f"subjects-{count}"
    if not (frames / "labels.csv").is_file():
        write_population(frames, Population(SEED, count, {manifest.view: 1}), workers=workers)
    samples = list(read_data_folder(frames))
    arrays: dict[str, Any] = {
        f"crops {name}": np.stack([grade_input(sample, entry.input) for sample in samples])
        for name, entry in manifest.graders.items()
    }
    arrays["grades"] = np.array([GRADES.index(sample.grade or GRADES[0]) for sample in samples])
    if manifest.segmenter is not None:
        pairs = [segment_input(sample, manifest.segmenter.input) for sample in samples]
        arrays["pictures"], arrays["masks"] = map(np.stack, zip(*pairs, strict=True))
    np.savez(path, **arrays)
    return path


def read_truth(path: Path) -> Truth:
    with np.load(path) as held:
        crops = {name.removeprefix("crops "): held[name] for name in held.files if name.startswith("crops ")}
        return Truth(held["pictures"], held["masks"], crops, held["grades"])
