"""The latency budget: how old a frame is when its report is there, and how often that was too late.

Age runs from capture to report and so holds everything: queues, reading the screen, models, aggregation. A run may
last days, so ages go into a histogram of fixed size: percentiles are right to 0.5 %, the maximum is exact.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from itertools import accumulate
from typing import Literal, NamedTuple

import msgspec

from edge.errors import SourceError

# Bin i holds ages up to LOWEST_MS * STEP ** i: 0.01 ms to 17 minutes; what lies outside goes to the ends.
_LOWEST_MS = 0.01
_STEP = 1.01
_BINS = 1 + math.ceil(math.log(1e6 / _LOWEST_MS, _STEP))


Skipped = Literal["grader", "frame"]


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Frame ages of a run, in ms; None where there was no frame. Percentiles are right to 0.5 %."""

    budget_ms: float | None  # None: no budget was set, so none was missed
    age_p50_ms: float | None
    age_p95_ms: float | None
    age_max_ms: float | None
    deadline_misses: int
    frames: int
    graders_skipped: int = 0  # frames whose nerve was measured and not graded, as that would have been too late
    frames_skipped: int = 0  # frames that were given up before the network looked at them, likewise


class Age(NamedTuple):
    """One frame's age at its report, and whether that is past the budget."""

    age_ms: float
    overrun: bool


class Budget:
    """Counts the frames of one run against `budget_ms`; of constant size, for one thread."""

    def __init__(self, budget_ms: float | None) -> None:
        """`budget_ms` above 0, or None for no budget.

        Raises:
            ValueError: it is 0, negative or not finite.
        """
        if budget_ms is not None and not 0.0 < budget_ms < math.inf:
            raise ValueError(f"a budget of {budget_ms} ms: it must be above 0")
        self.budget_ms = budget_ms
        self._bins = [0] * _BINS
        self._frames = self._misses = 0
        self._skipped: Counter[Skipped] = Counter()
        self._max_ms = 0.0

    def record(self, timestamp_ns: int, now_ns: int | None = None, *, skipped: Skipped | None = None) -> Age:
        """Counts a frame that was captured at `timestamp_ns` and is reported at `now_ns`, both `time.monotonic_ns()`.

        `skipped` is what of it was given up as too late.

        Raises:
            SourceError: the frame is from the future: its source does not stamp frames with the monotonic clock.
        """
        age_ms = ((time.monotonic_ns() if now_ns is None else now_ns) - timestamp_ns) / 1e6
        if age_ms < 0.0:
            raise SourceError(f"a frame is stamped {-age_ms:.3f} ms ahead: its source must use the monotonic clock")
        overrun = self.budget_ms is not None and age_ms > self.budget_ms
        self._bins[_bin_of(age_ms)] += 1
        self._frames += 1
        self._misses += overrun
        if skipped is not None:
            self._skipped[skipped] += 1
        self._max_ms = max(self._max_ms, age_ms)
        return Age(age_ms, overrun)

    def summary(self) -> Latency:
        """The ages so far."""
        return Latency(
            budget_ms=self.budget_ms,
            age_p50_ms=self._percentile(50),
            age_p95_ms=self._percentile(95),
            age_max_ms=self._max_ms if self._frames else None,
            deadline_misses=self._misses,
            frames=self._frames,
            graders_skipped=self._skipped["grader"],
            frames_skipped=self._skipped["frame"],
        )

    def _percentile(self, percent: int) -> float | None:
        """The smallest age that `percent` % of the frames do not exceed (nearest rank), as the middle of its bin."""
        if not self._frames:
            return None
        rank = -(-self._frames * percent // 100)
        index = next(index for index, count in enumerate(accumulate(self._bins)) if count >= rank)
        return min(_LOWEST_MS * math.pow(_STEP, index - 0.5), self._max_ms)


def _bin_of(age_ms: float) -> int:
    if age_ms <= _LOWEST_MS:
        return 0
    return min(math.ceil(math.log(age_ms / _LOWEST_MS, _STEP)), _BINS - 1)
