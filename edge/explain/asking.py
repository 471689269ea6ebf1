"""Asking a model again and again, until all is asked or the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeAlias

from edge.frame import Pixels
from edge.progress import tracked

Ask: TypeAlias = Callable[[Iterable[Pixels], int], list[float]]
"""Pictures and how many they are -> the answers, fewer where the time was up; always one at least."""


def asking(answer: Callable[[Pixels], float], *, budget_s: float | None, progress: bool) -> Ask:
    """Asks `answer` for at most about `budget_s` seconds from now on; None: as long as it takes."""
    until = None if budget_s is None else time.monotonic() + budget_s

    def ask(pictures: Iterable[Pixels], count: int) -> list[float]:
        answers: list[float] = []
        for picture in tracked(pictures, "asking", count, shown=progress):
            answers.append(answer(picture))
            if until is not None and time.monotonic() >= until:
                break
        return answers

    return ask
