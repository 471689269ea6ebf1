"""ReadScreen: a frame as captured -> the ultrasound picture alone, or the reason why there is none.

What is where is read when the layout changes: for stills each time; for a stream at its first frame, once more when
there is a second look at the same layout to compare with, and whenever the cheap look at each frame says that it no
longer holds. In between only the picture's own pixels are touched; the second look, and marks that come, are read
beside the frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import cv2
import numpy as np

from edge.errors import UsageError
from edge.findings import Reason
from edge.frame import UNKNOWN_SPACING, Frame, Pixels, Roi, Scan, Spacing
from edge.screen.colour import chroma_within, in_colour
from edge.screen.depth import by_depth, with_depth
from edge.screen.freeze import FreezeWatch
from edge.screen.knowledge import Known, Learned, Learner, called
from edge.screen.later import Later
from edge.screen.layout import LayoutWatch
from edge.screen.levels import STRETCH
from edge.screen.marks import colour_share
from edge.screen.profile import Profile
from edge.screen.redact import Redaction
from edge.screen.signal import Signal, signal_state
from edge.screen.spacing import SpacingConflict, agreed
from edge.screen.turns import Turns

SECOND_LOOK_NS = 1_000_000_000  # after the first: by then tissue has moved under what is painted over it
LOOK_AGAIN_NS = 1_500_000_000  # grading resumes within 2 s of life
ROWS = 64  # are fetched at once before they are made grey: memory answers a copy sooner than a pass that computes

NO_SIGNAL: dict[Signal, Reason] = {
    "unreadable": Reason.UNREADABLE,
    "black": Reason.BLACK,
    "flat": Reason.FLAT,
    "colour bars": Reason.COLOUR_BARS,
    "no signal": Reason.NO_SIGNAL,
}


@dataclass(frozen=True)
class Reading:
    """What the screen says: a scan, or a reason; `conflict` beside it where sources of the spacing disagree."""

    signal: Signal
    scan: Scan | None
    reason: Reason | None
    conflict: SpacingConflict | None = None


class ScreenReader:
    """Reads the frames of one source.

    `spacing` and `roi` are the user's word, `profile` what a person taught of this screen; a region that the frame's
    own header states is looked into. Whoever states a spacing states it beside the others: they must agree. A probe
    that says it is frozen is believed before the screen is looked at.
    """

    def __init__(
        self,
        *,
        stream: bool,
        spacing: Spacing = UNKNOWN_SPACING,
        roi: Roi | None = None,
        profile: Profile | None = None,
    ) -> None:
        self._stream, self._spacing = stream, spacing
        self._learn = Learner(stream=stream, roi=roi, profile=profile)
        self._box_given = roi is not None or profile is not None
        self._known: Known | Reason | None = None
        self._watch: LayoutWatch | None = None
        self._first_look: tuple[Pixels, int] | None = None  # a frame of this layout and its time, until the second
        self._second_look = Later[tuple[Pixels, Learned]]("layout")
        self._read_ns = 0  # when the layout was last read
        self._freeze = FreezeWatch()
        self._marks_since = Later[Redaction]("marks")
        self._turns = Turns()
        self._colour_share = 0.0
        self._grey: Pixels = np.empty((0, 0), np.uint8)
        self._near: Pixels = np.empty((0, 0, 3), np.uint8)

    def __call__(self, frame: Frame) -> Reading:
        """The scan of one frame; its pixels are valid until the next call.

        Raises:
            UsageError: the user's ROI or spacing contradicts the frame's header.
        """
        pixels = frame.pixels
        if pixels is None or (frame.probe is not None and frame.probe.frozen):
            return _not_looked_at(frame)
        held = self._watch if self._watch is not None and self._watch.holds(pixels) else None
        signal: Signal = "live" if held is not None and held.vouches else signal_state(pixels)
        if signal in NO_SIGNAL:
            return Reading(signal, None, NO_SIGNAL[signal])
        known = self._layout(frame, pixels, holds=held is not None)
        if isinstance(known, Reason):
            return Reading("menu" if known is Reason.MENU else signal, None, known)
        picture = known.layout.picture
        assert picture is not None  # noqa: S101  a layout without one is a Reason
        if self._stream and self._freeze(pixels, picture.roi, frame.shown_ns):
            return Reading("frozen", None, Reason.FROZEN)
        spacing = agreed([*self._stated(frame), *known.claims])
        if frame.probe is not None and frame.probe.depth_mm is not None:
            spacing = with_depth(spacing, by_depth(frame.probe.depth_mm, known.layout, box_given=self._box_given))
        if isinstance(spacing, SpacingConflict):
            return Reading(signal, None, Reason.SPACING_CONFLICT, spacing)
        part, chroma = picture.roi.of(pixels), chroma_within(picture.roi, pixels, frame.chroma)
        self._turns.at(frame.shown_ns, busy=self._freeze.looked)
        kept = np.empty_like(part) if self._stream and self._turns.take("marks") else None
        grey = self._to_grey(part, kept)
        known = self._with_marks_since(known, kept, chroma, frame.shown_ns)
        if known.limited:
            cv2.LUT(grey, STRETCH, dst=grey)
        known.redaction(grey)
        if not self._stream or self._turns.take("colour"):
            self._colour_share = colour_share(part, chroma)
        return Reading(signal, Scan(grey, spacing, picture.roi, self._colour_share, known.redaction.marks), None)

    def _to_grey(self, part: Pixels, kept: Pixels | None) -> Pixels:
        """The picture as grey, in memory of ours that the next frame will use again; as it is in `kept`, if given."""
        if (len(self._grey), *self._near.shape[1:]) != part.shape:
            self._grey = np.empty(part.shape[:2], np.uint8)
            self._near = np.empty((ROWS, *part.shape[1:]), np.uint8)
        for top in range(0, len(part), ROWS):
            rows, grey = part[top : top + ROWS], self._grey[top : top + ROWS]
            near = self._near[: len(rows)] if kept is None else kept[top : top + ROWS]
            np.copyto(near, rows)
            if part.ndim == 3:
                cv2.cvtColor(near, cv2.COLOR_BGR2GRAY, dst=grey)
            else:
                np.copyto(grey, near)
        return self._grey

    def _with_marks_since(self, known: Known, kept: Pixels | None, chroma: Pixels | None, now_ns: int) -> Known:
        """What is known once marks that came into the picture are counted in; in `kept`, if given, more are looked for.

        The look goes on beside the frames, whose memory a source may use again.
        """
        if anew := self._marks_since.answer(now_ns):
            self._known = known = replace(known, redaction=anew)
        if kept is not None:
            beside = None if chroma is None else chroma.copy()
            self._marks_since.begin(now_ns, lambda: Redaction.of([in_colour(kept, beside)], known.layout.outline))
        return known

    def _layout(self, frame: Frame, pixels: Pixels, *, holds: bool) -> Known | Reason:
        """What is known of the layout, read anew where it must be; `holds`: it is that of the frame before."""
        now_ns = frame.shown_ns
        if not holds:
            screen = in_colour(pixels, frame.chroma)
            if self._stream and (self._first_look is None or self._known is not Reason.AMBIGUOUS_VIEWS):
                # Of two pictures the one that moves is meant.
                self._first_look = screen.copy() if screen is pixels else screen, now_ns
            self._learn_now(frame, pixels, screen)
        elif seen := self._second_look.answer(now_ns):
            self._take(*seen, now_ns)
        elif self._first_look and now_ns - self._first_look[1] >= SECOND_LOOK_NS:
            earlier, self._first_look = self._first_look[0], None
            if isinstance(self._known, Known):
                self._look_again(frame, pixels, earlier)
            else:  # no frame is graded that could wait
                self._learn_now(frame, pixels, earlier, in_colour(pixels, frame.chroma))
        elif not isinstance(self._known, Known) and now_ns - self._read_ns >= LOOK_AGAIN_NS:
            self._learn_now(frame, pixels, in_colour(pixels, frame.chroma))  # is there a picture by now?
        assert self._known is not None  # noqa: S101  what holds was learned
        return self._known

    def _look_again(self, frame: Frame, pixels: Pixels, earlier: Pixels) -> None:
        """Read a layout that still holds beside the frames that go on, whose memory a source may use again."""
        now, chroma = pixels.copy(), None if frame.chroma is None else frame.chroma.copy()
        still = replace(frame, pixels=None, chroma=None)

        def look() -> tuple[Pixels, Learned]:
            return now, self._learn(still, [earlier, in_colour(now, chroma)])

        self._second_look.begin(frame.shown_ns, look)
        self._marks_looked_for(frame.shown_ns)

    def _marks_looked_for(self, now_ns: int) -> None:
        """Reading a layout is a look for marks too."""
        self._marks_since.forget()
        self._turns.begin(now_ns, "marks")

    def _learn_now(self, frame: Frame, pixels: Pixels, *screens: Pixels) -> None:
        """Read a layout while the frame waits for it; `screens` of it are in colour, the last that of the frame."""
        self._second_look.forget()
        with _every_core():
            learned = self._learn(frame, screens)
            self._take(pixels, learned, frame.shown_ns)
        self._marks_looked_for(frame.shown_ns)

    def _take(self, pixels: Pixels, learned: Learned, now_ns: int) -> None:
        """From now on this is the layout, as read of the frame `pixels`."""
        self._known, self._read_ns = learned.known, now_ns
        if self._stream:
            self._watch = (self._watch.again if self._watch else LayoutWatch)(pixels, learned.layout, learned.anchors)

    def _stated(self, frame: Frame) -> list[Spacing]:
        """What header and user state, who must not contradict each other.

        Raises:
            UsageError: they do.
        """
        stated = [frame.spacing, self._spacing]
        if isinstance(conflict := agreed(stated), SpacingConflict):
            raise UsageError(f"{called(frame)}: {conflict}: leave --spacing-mm out")
        return stated


def _not_looked_at(frame: Frame) -> Reading:
    """Of a frame of which its device, or the probe's firmware, has said enough."""
    if frame.pixels is not None:
        return Reading("frozen", None, Reason.FROZEN)
    known_as: Signal = "no signal" if frame.no_signal else "unreadable"
    return Reading(known_as, None, NO_SIGNAL[known_as])


@contextmanager
def _every_core() -> Iterator[None]:
    """For what a frame waits for: a whole screen is worth waking OpenCV's other threads."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(cv2.getNumberOfCPUs())
    try:
        yield
    finally:
        cv2.setNumThreads(before)
