"""Batches for one training: augmented ones, drawn anew each epoch, and held-out ones as the device feeds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from convert.training.augment import NO_AUGMENTATION, Augmentation
from convert.training.frames import Bytes, Frames, Rows

Floats = npt.NDArray[np.float32]
Batch = tuple[Floats, Floats, Floats]  # pictures (N, side, side, 1) in 0..1, answers, weights (N,)


@dataclass(frozen=True)
class Feed:
    """What one model is fitted to. Everything that is drawn depends on seed, epoch and row alone."""

    frames: Frames
    rows: Rows  # to train on
    held_out: Rows
    side: int  # of the network's picture
    batch: int
    per_epoch: int  # frames
    augmentation: Augmentation
    balanced: bool
    seed: int

    @property
    def steps(self) -> int:
        """Batches an epoch; what is left over is not fed."""
        return max(1, self.per_epoch // self.batch)

    def augmented(self, epoch: int) -> Iterator[Batch]:
        """One epoch's batches."""
        rng = np.random.default_rng([self.seed, epoch])
        order = balanced_order(self.frames.weights(self.rows, self.balanced)[self.rows], self.per_epoch, rng)
        for step in range(self.steps):
            numbers = order[step * self.batch : (step + 1) * self.batch]
            yield as_batch([self._drawn(epoch, int(number), step) for number in numbers], np.ones(len(numbers)))

    def untouched(self) -> Iterator[Batch]:
        """The held-out frames, each once, every grade with the weight that it has in training."""
        weights = self.frames.weights(self.rows, self.balanced)
        once = np.unique(self.held_out)
        for first in range(0, len(once), self.batch):
            rows = once[first : first + self.batch]
            yield as_batch([self._untouched(int(row)) for row in rows], weights[rows])

    def _drawn(self, epoch: int, number: int, step: int) -> tuple[Bytes, Bytes]:
        rng = np.random.default_rng([self.seed, epoch, number, step])  # step: a frame may come twice in an epoch
        return self.frames.drawn(int(self.rows[number]), self.side, self.augmentation, rng)

    def _untouched(self, row: int) -> tuple[Bytes, Bytes]:
        if self.side != self.frames.fed.shape[1]:  # a window about the nerve
            return self.frames.drawn(row, self.side, NO_AUGMENTATION, np.random.default_rng(row))
        answer = self.frames.answers[row]
        return self.frames.fed[row], answer[..., None] if self.frames.task == "segment" else answer


def as_batch(drawn: Sequence[tuple[Bytes, Bytes]], weights: npt.NDArray[np.float64]) -> Batch:
    """Pictures and their answers as the float graph takes them."""
    answers = np.stack([answer for _, answer in drawn]).astype(np.float32)
    return as_input([picture for picture, _ in drawn]), answers, weights.astype(np.float32)


def as_input(pictures: Sequence[Bytes]) -> Floats:
    """Grey pictures (H, W) as the float graph's input, (N, H, W, 1) in 0..1."""
    return np.stack(pictures)[..., None].astype(np.float32) / np.float32(255)


def balanced_order(weights: npt.NDArray[np.float64], count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """`count` numbers below len(weights), each as often as its weight says to within one, shuffled."""
    ends = np.cumsum(weights)
    marks = (np.arange(count) + rng.random()) * ends[-1] / count
    return rng.permutation(np.minimum(np.searchsorted(ends, marks, side="right"), len(weights) - 1))
