"""What is given up when a live frame would be late: first the grader, then the frame. A rule over times that were seen.

    before the segmenter   no time left for the look (segment, measure, judge)      -> the frame is given up
    before the grader      no time left for the grade (crop, grade, judge)          -> the nerve is measured, no grade

What a part is expected to take is the longest that it took lately. That fades: a little with each run, and much faster
with each frame that was given up, so that a part is tried again soon: one hiccup costs a few frames.
"""

from __future__ import annotations

from typing import Literal

from edge.findings import Reason, Shortfall

Part = Literal["look", "grade"]

FADES = 0.97  # with each run: at 30 a second, what was long a second ago counts for a third
FORGETS = 0.8  # with each frame given up: twice the time that is left is tried again after three of them


class Overrun:
    """The rule for the frames of one live source, all held to `budget_ms`."""

    def __init__(self, budget_ms: float) -> None:
        self._budget_ns = budget_ms * 1e6
        self._expected_ns: dict[Part, float] = {"look": 0.0, "grade": 0.0}

    def took(self, part: Part, ns: int) -> None:
        """Notes what a part of a frame's way took."""
        self._expected_ns[part] = max(float(ns), FADES * self._expected_ns[part])

    def too_late(self, part: Part, age_ns: int) -> Shortfall | None:
        """Why a part is not begun for a frame of that age: the age it would be reported at, in ms, and the budget."""
        end_ns = age_ns + self._expected_ns[part]
        if end_ns <= self._budget_ns:
            return None
        self._expected_ns[part] *= FORGETS
        return Shortfall(Reason.TOO_LATE, end_ns / 1e6, self._budget_ns / 1e6)
