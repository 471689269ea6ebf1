"""What is painted over a picture while it is watched: a caliper that is set, a name that is typed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from edge.findings import Outline
from edge.frame import Pixels
from edge.screen.marks import find_marks
from edge.screen.outline import inside
from edge.screen.redact import Redaction

AFTER_S = 0.002  # from the call for a look to its beginning
USED_AFTER_NS = 400_000_000  # from the look to the first picture that is redacted by it


def redaction_of(pictures: Sequence[Pixels], outline: Outline | None) -> Redaction:
    """The redaction of pictures (H, W) or BGR (H, W, 3) of one layout, all of it within `outline`."""
    marks = find_marks(*pictures)
    return Redaction(marks, inside(outline, marks.shape) if outline else None)


class RedactionWatch:
    """Looks for marks beside the frames that go on.

    Its answer is used a fixed time later on the frames' own clock, and waited for if it must be, so that a recording
    comes out the same however fast it is played.
    """

    def __init__(self) -> None:
        self._beside = ThreadPoolExecutor(1, "redaction")
        self._answer: Future[Redaction] | None = None
        self._looked_ns = 0

    def begin(self) -> None:
        """A layout has been read, its marks too: what was looked for in the one before is of no use."""
        self._answer = None

    def look(self, picture: Pixels, outline: Outline | None, now_ns: int) -> None:
        """Look for marks in a picture (H, W) or BGR (H, W, 3) that nobody writes to until the answer is there."""
        self._answer, self._looked_ns = self._beside.submit(_in_a_while, picture, outline), now_ns

    def answer(self, now_ns: int) -> Redaction | None:
        """What the last look found, once, when it is time to use it."""
        if self._answer is None or now_ns - self._looked_ns < USED_AFTER_NS:
            return None
        answer, self._answer = self._answer, None
        return answer.result()


def _in_a_while(picture: Pixels, outline: Outline | None) -> Redaction:
    """The frame that the picture is of goes first: Python runs one thread at a time, but for a network's invoke."""
    time.sleep(AFTER_S)
    return redaction_of([picture], outline)
