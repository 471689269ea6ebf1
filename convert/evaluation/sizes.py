"""The nerve's size alone against the true grades (P2 on CSA): one row a wrist."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from convert.data.dataset import Sample
from convert.evaluation.grades import graded_rows
from convert.evaluation.masks import true_size
from convert.evaluation.wrists import by_subject
from edge.findings import GRADES, ClipGrade, View
from edge.progress import tracked

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SizeRows:
    """One row a wrist: CSA, mm², or longitudinal the AP diameter, mm."""

    view: View
    subjects: tuple[str, ...]  # (W,)
    truth: npt.NDArray[np.int64]  # (W,) index into `GRADES`
    sizes: Floats  # (W,), nan where nothing was measured


def true_sizes(samples: Sequence[Sample], view: View) -> SizeRows:
    """Of the true masks, each with a spacing and a nerve, as the device measures; the mean over a wrist's frames.

    Raises:
        DataError: a mask cannot be read.
    """
    frames = [true_size(sample, view) for sample in tracked(samples, "measure", unit="frame")]
    return _rows(samples, by_subject(samples, np.array(frames))[2].tolist(), view)


def measured_sizes(samples: Sequence[Sample], clips: Sequence[ClipGrade], view: View) -> SizeRows:
    """As the device reports them, the median over the graded frames of each clip."""
    sizes = [clip.csa_mm2 if view == "transverse" else clip.ap_diameter_mm for clip in clips]
    return _rows(samples, [math.nan if size is None else size for size in sizes], view)


def _rows(samples: Sequence[Sample], sizes: Sequence[float], view: View) -> SizeRows:
    whose = graded_rows(samples, np.full((len(sizes), len(GRADES)), np.nan))
    return SizeRows(view, whose.subjects, whose.truth, np.array(sizes, np.float64))
