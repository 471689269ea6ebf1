"""ReadScreen: a frame as captured -> the ultrasound picture alone, or the reason why there is none.

What is where is read when the layout changes: for stills each time; for a stream at its first frame, once more when
there is a second look at the same layout to compare with, and whenever the cheap look at each frame says that it no
longer holds. In between only the picture's own pixels are touched.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from edge.errors import UsageError
from edge.findings import Reason
from edge.frame import UNKNOWN_SPACING, Frame, Pixels, Roi, Scan, Spacing
from edge.screen.freeze import FreezeWatch
from edge.screen.layout import Layout, LayoutWatch, layout_at, read_layout
from edge.screen.levels import STRETCH, is_limited
from edge.screen.marks import colour_share, find_marks
from edge.screen.outline import inside
from edge.screen.profile import Profile
from edge.screen.redact import Redaction
from edge.screen.ruler import read_ruler
from edge.screen.signal import Signal, signal_state
from edge.screen.spacing import SpacingConflict, agreed

SECOND_LOOK_NS = 1_000_000_000  # after the first: by then tissue has moved under what is painted over it
LOOK_AGAIN_NS = 1_500_000_000  # grading resumes within 2 s of life

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


@dataclass(frozen=True)
class _Known:
    """All that was read of one layout."""

    layout: Layout
    claims: tuple[Spacing | SpacingConflict, ...]  # of what the screen shows: ruler, profile
    redaction: Redaction
    limited: bool  # range


class ScreenReader:
    """Reads the frames of one source.

    `spacing` and `roi` are the user's word, `profile` what a person taught of this screen; a region that the frame's
    own header states is looked into. Whoever states a spacing states it beside the others: they must agree.
    """

    def __init__(
        self,
        *,
        stream: bool,
        spacing: Spacing = UNKNOWN_SPACING,
        roi: Roi | None = None,
        profile: Profile | None = None,
    ) -> None:
        self._stream, self._spacing, self._given_roi, self._profile = stream, spacing, roi, profile
        self._known: _Known | Reason | None = None
        self._watch: LayoutWatch | None = None
        self._first_look: tuple[Pixels, int] | None = None  # a frame of this layout and its time, until the second
        self._read_ns = 0  # when the layout, or what is painted over it, was last read
        self._freeze = FreezeWatch()
        self._limited: dict[tuple[int, ...], bool] = {}  # by the shape of the frame: it does not change on the way
        self._grey: Pixels = np.empty((0, 0), np.uint8)

    def __call__(self, frame: Frame) -> Reading:
        """The scan of one frame; its pixels are valid until the next call.

        Raises:
            UsageError: the user's ROI or spacing contradicts the frame's header.
        """
        pixels = frame.pixels
        signal = signal_state(pixels)
        if pixels is None or signal in NO_SIGNAL:
            return Reading(signal, None, NO_SIGNAL[signal])
        known = self._layout(frame, pixels)
        if isinstance(known, Reason):
            return Reading("menu" if known is Reason.MENU else signal, None, known)
        picture = known.layout.picture
        assert picture is not None  # noqa: S101  a layout without one is a Reason
        if self._stream and self._freeze(pixels, picture.roi, frame.shown_ns):
            return Reading("frozen", None, Reason.FROZEN)
        spacing = agreed([*self._stated(frame), *known.claims])
        if isinstance(spacing, SpacingConflict):
            return Reading(signal, None, Reason.SPACING_CONFLICT, spacing)
        return Reading(signal, self._scan(pixels, picture.roi, spacing, known), None)

    def _layout(self, frame: Frame, pixels: Pixels) -> _Known | Reason:
        """What is known of the layout, read anew where it must be."""
        now_ns = frame.shown_ns
        if not self._stream or self._known is None or self._watch is None or not self._watch.holds(pixels):
            if self._stream and (self._first_look is None or self._known is not Reason.AMBIGUOUS_VIEWS):
                self._first_look = pixels.copy(), now_ns  # of two pictures the one that moves is meant
            self._learn(frame, [pixels])
        elif self._first_look and now_ns - self._first_look[1] >= SECOND_LOOK_NS:
            earlier, self._first_look = self._first_look[0], None
            self._learn(frame, [earlier, pixels])
        elif now_ns - self._read_ns >= LOOK_AGAIN_NS:
            self._look_again(frame, pixels)
        else:
            return self._known
        self._read_ns = now_ns
        return self._known  # type: ignore[return-value]  # just learned

    def _learn(self, frame: Frame, screens: list[Pixels]) -> None:
        """Read a layout; `screens` are frames of it, the present one last."""
        now, anchors = screens[-1], tuple[Roi, ...]()
        layout = self._read_layout(frame, screens)
        if isinstance(layout, Reason):
            self._known = layout
            layout = Layout((now.shape[0], now.shape[1]), None, None, ambiguous=False)
        elif layout.picture is not None:
            ruler = read_ruler(now, layout.picture.roi)
            claims, anchors = [ruler.claim], ruler.places
            if self._profile is not None:
                claims.append(self._profile.spacing(now))
                anchors = (*anchors, *(Roi(*strip.place) for strip in self._profile.ruler))
            # The range of a source does not change on the way; a later screen may have too little white to tell it.
            limited = self._limited.setdefault(now.shape, is_limited(*screens)) if self._stream else is_limited(now)
            self._known = _Known(layout, tuple(claims), _redaction(layout, screens), limited)
        if self._stream:
            self._watch = (self._watch.again if self._watch else LayoutWatch)(now, layout, anchors)

    def _look_again(self, frame: Frame, pixels: Pixels) -> None:
        """Once in a while: is there a picture by now, has a caliper been set?"""
        if isinstance(self._known, _Known):
            self._known = replace(self._known, redaction=_redaction(self._known.layout, [pixels]))
        else:
            self._learn(frame, [pixels])

    def _read_layout(self, frame: Frame, screens: list[Pixels]) -> Layout | Reason:
        """Where the picture is: as the user says, as the profile says, or as it is seen, within the header's region."""
        now = screens[-1]
        if self._given_roi is not None:
            return layout_at(now, _fitting(self._given_roi, frame, now))
        if self._profile is not None:
            if not self._profile.fits(now):
                return Reason.NOT_THE_PROFILE
            return layout_at(now, self._profile.roi, self._profile.corners)
        region = None if frame.region is None else _fitting(frame.region, frame, now)
        layout = read_layout([to_grey(screen) for screen in screens], within=region)
        if region is not None and (layout.ambiguous or layout.picture is None):
            return layout_at(now, region)  # the header knows of one picture
        if layout.ambiguous:
            return Reason.AMBIGUOUS_VIEWS
        return Reason.MENU if layout.picture is None else layout

    def _scan(self, pixels: Pixels, roi: Roi, spacing: Spacing, known: _Known) -> Scan:
        part = roi.of(pixels)
        if self._grey.shape != part.shape[:2]:
            self._grey = np.empty(part.shape[:2], np.uint8)
        if part.ndim == 3:
            cv2.cvtColor(part, cv2.COLOR_BGR2GRAY, dst=self._grey)
        else:
            np.copyto(self._grey, part)
        if known.limited:
            cv2.LUT(self._grey, STRETCH, dst=self._grey)
        known.redaction(self._grey)
        marks = known.redaction.marks if known.redaction.marks.any() else None
        return Scan(self._grey, spacing, roi, colour_share(part), marks)

    def _stated(self, frame: Frame) -> list[Spacing]:
        """What header and user state, who must not contradict each other.

        Raises:
            UsageError: they do.
        """
        stated = [frame.spacing, self._spacing]
        if isinstance(conflict := agreed(stated), SpacingConflict):
            raise UsageError(f"{_called(frame)}: {conflict}: leave --spacing-mm out")
        return stated


def _redaction(layout: Layout, screens: list[Pixels]) -> Redaction:
    assert layout.picture is not None  # noqa: S101  only a layout with a picture is redacted
    marks = find_marks(*(layout.picture.roi.of(screen) for screen in screens))
    return Redaction(marks, inside(layout.outline, marks.shape) if layout.outline else None)


def to_grey(pixels: Pixels) -> Pixels:
    """(H, W) or BGR (H, W, 3) as grey (H, W)."""
    if pixels.ndim == 2:
        return pixels
    grey: Pixels = np.empty(pixels.shape[:2], np.uint8)
    cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY, dst=grey)
    return grey


def _fitting(roi: Roi, frame: Frame, pixels: Pixels) -> Roi:
    if not roi.fits(pixels):
        raise UsageError(
            f"{_called(frame)}: the region {roi.x},{roi.y},{roi.width},{roi.height} lies outside "
            f"the {pixels.shape[1]} x {pixels.shape[0]} picture: give --roi X,Y,W,H inside it"
        )
    return roi


def _called(frame: Frame) -> str:
    return frame.name or f"frame {frame.index}"
