"""What is painted over a picture while it is watched: a caliper that is set, a name that is typed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from edge.findings import Outline
from edge.frame import Pixels
from edge.screen.colour import in_colour
from edge.screen.marks import find_marks
from edge.screen.outline import inside
from edge.screen.redact import Redaction

AGAIN_NS = 1_000_000_000  # from look to look
USED_AFTER_NS = 400_000_000  # from the look to the first picture that is redacted by it


def redaction_of(pictures: Sequence[Pixels], outline: Outline | None) -> Redaction:
    """The redaction of pictures (H, W) or BGR (H, W, 3) of one layout, all of it within `outline`."""
    marks = find_marks(*pictures)
    return Redaction(marks, inside(outline, marks.shape) if outline else None)


class RedactionWatch:
    """Looks for marks again and again, beside the frames that go on: one look lasts as long as some frames.

    Its answer is used a fixed time later on the frames' own clock, and waited for if it must be, so that a recording
    comes out the same however fast it is played.
    """

    def __init__(self) -> None:
        self._beside = ThreadPoolExecutor(1, "redaction")
        self._answer: Future[Redaction] | None = None
        self._looked_ns = 0

    def begin(self, now_ns: int) -> None:
        """A layout has been read, its marks too: what was looked for in the one before is of no use."""
        self._answer, self._looked_ns = None, now_ns

    def __call__(
        self, picture: Pixels, chroma: Pixels | None, outline: Outline | None, now_ns: int
    ) -> Redaction | None:
        """The answer to an earlier look, once; the picture is looked at when it is time to."""
        since_ns = now_ns - self._looked_ns
        if since_ns < 0:  # a clock set back
            self.begin(now_ns)
        if self._answer is not None and since_ns >= USED_AFTER_NS:
            answer, self._answer = self._answer, None
            return answer.result()
        if since_ns >= AGAIN_NS:
            self._answer = self._beside.submit(redaction_of, [in_colour(picture, chroma).copy()], outline)
            self._looked_ns = now_ns
        return None
