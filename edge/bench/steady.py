"""Warming up: frames that are not measured, until batches of them take the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

import msgspec

BATCH = 20  # frames of a batch at least; each is of whole rounds of the held frames, so that all batches are alike
AGREE = 0.05  # the device is steady when the medians of the last two batches differ by no more than this share


class Warmup(msgspec.Struct, frozen=True, kw_only=True):
    """What came before the measured frames."""

    frames: int
    steady: bool  # whether the last two batches agreed within `AGREE`
    medians_ms: tuple[float, ...]  # of each batch, of a frame's age


def warm_up(ages_of: Callable[[int, int], Sequence[float]], held: int, most: int) -> Warmup:
    """Run batches until they agree, or `most` frames were run.

    `ages_of(first, count)` runs that many frames, of which the first has the number `first`, and gives their ages in
    ms; `held` is how many different frames there are.
    """
    batch = held * -(-BATCH // held)
    medians: list[float] = []
    frames = 0
    while frames < most and not is_steady(medians):
        count = min(batch, most - frames)
        medians.append(median(ages_of(frames, count)))
        frames += count
    return Warmup(frames=frames, steady=is_steady(medians), medians_ms=tuple(medians))


def is_steady(medians: Sequence[float]) -> bool:
    """Whether the last two agree within `AGREE`."""
    return len(medians) > 1 and abs(medians[-1] - medians[-2]) <= AGREE * max(medians[-2:])
