"""What is worked out beside the frames that go on.

Its answer is used a fixed time later on the frames' own clock, and waited for if it must be, so that a recording comes
out the same however fast it is played.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Answer = TypeVar("Answer")

AFTER_S = 0.002  # the frame that it is about goes first: Python runs one thread at a time, but for a network's invoke
USED_AFTER_NS = 400_000_000  # from the beginning to the first frame that the answer is used for


class Later(Generic[Answer]):
    """One such work at a time, in a thread of its own."""

    def __init__(self, name: str) -> None:
        self._beside = ThreadPoolExecutor(1, name)
        self._answer: Future[Answer] | None = None
        self._begun_ns = 0

    def begin(self, now_ns: int, work: Callable[[], Answer]) -> None:
        """Work on what nobody else writes to; the answer of earlier work is forgotten."""
        self._answer, self._begun_ns = self._beside.submit(_in_a_while, work), now_ns

    def forget(self) -> None:
        """What is worked on is of no use any more."""
        self._answer = None

    def answer(self, now_ns: int) -> Answer | None:
        """The answer, once, when it is time to use it; raises what the work raised."""
        if self._answer is None or now_ns - self._begun_ns < USED_AFTER_NS:
            return None
        answer, self._answer = self._answer, None
        return answer.result()


def _in_a_while(work: Callable[[], Answer]) -> Answer:
    time.sleep(AFTER_S)
    return work()
