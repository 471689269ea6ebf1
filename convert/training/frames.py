"""The frames of a training, read once and held as bytes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from convert.data.dataset import Sample
from convert.data.samples import Pair, grade_input, input_spec, read_pair, segment_input
from convert.data.usable import listed
from convert.errors import DataError
from convert.models import Architecture
from convert.training.augment import Augmentation
from convert.training.losses import ordinal_targets
from edge.findings import GRADES
from edge.manifest import InputSpec
from edge.progress import tracked

MARGIN = 1.3  # the grader's crops are kept this much wider, so that a shift or a turn has pixels to show

Bytes = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Frames:
    """Pictures, each once, with what is to be answered to it; `rows` says where each sample's picture is."""

    task: str
    samples: tuple[Sample, ...]  # as listed: one listed twice counts twice
    rows: Rows  # (len(samples),)
    fed: Bytes  # (N, side, side) as the device feeds the network
    wide: Bytes  # (N, side', side') what is augmented: a grader's with a margin
    answers: Bytes  # a segmenter's masks, (N, side, side), 1 = nerve; a grader's ordinal targets, (N, 3)

    def rows_of(self, subjects: set[str]) -> Rows:
        """The rows of these subjects' samples, as often as they are listed."""
        return self.rows[[sample.subject in subjects for sample in self.samples]]

    def drawn(self, row: int, side: int, augmentation: Augmentation, rng: np.random.Generator) -> tuple[Bytes, Bytes]:
        """One picture augmented, (side, side), and its answer, (side, side, 1) or (3,)."""
        if self.task == "segment":
            picture, mask = augmentation(self.wide[row], self.answers[row], side, rng)
            return picture, mask[..., None]
        picture, _ = augmentation(self.wide[row], np.zeros_like(self.wide[row]), side, rng)
        return picture, self.answers[row]

    def weights(self, rows: Rows, balanced: bool) -> npt.NDArray[np.float64]:
        """(N,): how much a frame counts, so that each grade among `rows` counts alike; ones for a segmenter."""
        if self.task == "segment" or not balanced:
            return np.ones(len(self.fed))
        grades = self.answers.sum(axis=1).tolist()
        counts = Counter(grades[row] for row in rows)
        return np.array([len(rows) / len(counts) / counts[grade] if grade in counts else 1.0 for grade in grades])

    def mean_and_std(self, rows: Rows) -> tuple[float, float]:
        """Of the pixels as fed, 0..255. From a histogram: `numpy.std` would want eight times the bytes."""
        counts, levels = np.zeros(256), np.arange(256)
        for row in rows:
            counts += np.bincount(self.fed[row].ravel(), minlength=256)
        mean = float((counts * levels).sum() / counts.sum())
        return mean, float(np.sqrt((counts * (levels - mean) ** 2).sum() / counts.sum()))

    def digest(self) -> str:
        """What tells these frames from any others."""
        told = hashlib.sha256(repr([(sample.file, sample.subject) for sample in self.samples]).encode())
        for array in (self.rows, self.fed, self.answers):
            told.update(array.data)
        return told.hexdigest()


def read_frames(arch: Architecture, samples: Sequence[Sample]) -> tuple[Frames, list[str]]:
    """Read what a network of this architecture is trained on, and a line for each thing that its owner should know.

    Raises:
        DataError: a file cannot be read, a mask is of another size than its image, or no mask shows a nerve.
    """
    once = list({sample.image_path: sample for sample in samples}.values())
    spec, read = input_spec(arch), _READERS[arch.task]
    places: dict[object, int] = {}
    empty: list[Sample] = []
    sizes: Counter[tuple[int, ...]] = Counter()
    store: list[Bytes] = []
    for sample in tracked(once, "read", unit="frame"):
        pair = read_pair(sample)
        sizes[pair[0].shape] += 1
        if not pair[1].any():
            empty.append(sample)
            if arch.task == "grade":
                continue  # nothing to crop about
        arrays = read(pair, sample, spec)
        store = store or [np.empty((len(once), *array.shape), np.uint8) for array in arrays]
        row = places[sample.image_path] = len(places)
        for whole, array in zip(store, arrays, strict=True):
            whole[row] = array
    if len(empty) == len(once):
        raise DataError(
            f"{once[0].mask_path}: shows no nerve, nor does any other mask: its pixels are the non-zero ones"
        )
    kept = tuple(sample for sample in samples if sample.image_path in places)
    rows = np.array([places[sample.image_path] for sample in kept])
    fed, answers, *wide = (whole[: len(places)] for whole in store)
    return Frames(arch.task, kept, rows, fed, wide[0] if wide else fed, answers), _notes(once, empty, sizes, arch.task)


def _segment(pair: Pair, sample: Sample, spec: InputSpec) -> tuple[Bytes, ...]:
    return segment_input(sample, spec, pair)


def _grade(pair: Pair, sample: Sample, spec: InputSpec) -> tuple[Bytes, ...]:
    crop, wide = (grade_input(sample, spec, margin, pair) for margin in (1.0, MARGIN))
    return crop, ordinal_targets(sample.grade or GRADES[0]), wide


_READERS: dict[str, Callable[[Pair, Sample, InputSpec], tuple[Bytes, ...]]] = {"segment": _segment, "grade": _grade}
"""As fed, the answer, and for a grader the wider crop."""


def _notes(samples: Sequence[Sample], empty: Sequence[Sample], sizes: Counter[tuple[int, ...]], task: str) -> list[str]:
    notes = []
    if empty:
        fate = "left out" if task == "grade" else "trained on as pictures without a nerve"
        notes.append(f"{listed(empty, samples)} an empty mask: {fate}")
    if len(sizes) > 1:
        told = ", ".join(f"{width} x {height} ({count})" for (height, width), count in sizes.most_common(3))
        unscaled = any(sample.spacing.mm_per_px is None for sample in samples)
        mend = "without spacing_mm each is fitted to the network's width" if unscaled else "spacing_mm makes them one"
        notes.append(f"images of {len(sizes)} sizes, {told}{', ...' if len(sizes) > 3 else ''}: {mend}")
    return notes
