"""All that is read of one layout: where the picture is, what a millimetre is, what is painted over it, which range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy.ma  # noqa: F401  NumPy's median asks for it: loaded now and not while the first frame grows old

from edge.errors import UsageError
from edge.findings import Reason
from edge.frame import Frame, Pixels, Roi, Spacing
from edge.screen.colour import to_grey
from edge.screen.glyphs import reader
from edge.screen.layout import Layout, layout_at, read_layout
from edge.screen.levels import is_limited
from edge.screen.profile import Profile
from edge.screen.redact import Redaction
from edge.screen.ruler import read_ruler
from edge.screen.spacing import SpacingConflict


@dataclass(frozen=True)
class Known:
    """What the frames of one layout have in common."""

    layout: Layout
    claims: tuple[Spacing | SpacingConflict, ...]  # of what the screen shows: ruler, profile
    redaction: Redaction
    limited: bool  # range


@dataclass(frozen=True)
class Learned:
    """What came of reading a layout."""

    known: Known | Reason
    layout: Layout  # to be watched; without a picture where a reason is all that is known
    anchors: tuple[Roi, ...] = ()  # places of the screen from which a number was read


class Learner:
    """Reads the layouts of one source; `roi` is the user's word, `profile` what a person taught of this screen."""

    def __init__(self, *, stream: bool, roi: Roi | None, profile: Profile | None) -> None:
        self._stream, self._roi, self._profile = stream, roi, profile
        reader()  # opened now and not while the first frame grows old
        self._limited: dict[tuple[int, ...], bool] = {}  # by the shape of the frame: it does not change on the way

    def __call__(self, frame: Frame, screens: Sequence[Pixels]) -> Learned:
        """The layout of screens (H, W) or BGR (H, W, 3), the last of them that of `frame`.

        Raises:
            UsageError: the user's ROI, or the header's region, does not lie in the frame.
        """
        now = screens[-1]
        layout = self._layout(frame, screens)
        if isinstance(layout, Reason):
            return Learned(layout, Layout((now.shape[0], now.shape[1]), None, None, ambiguous=False))
        assert layout.picture is not None  # noqa: S101  a layout without one is a Reason
        roi = layout.picture.roi
        ruler = read_ruler(now, roi)
        claims, anchors = [ruler.claim], ruler.places
        if self._profile is not None:
            claims.append(self._profile.spacing(now))
            anchors = (*anchors, *(Roi(*strip.place) for strip in self._profile.ruler))
        redaction = Redaction.of([roi.of(screen) for screen in screens], layout.outline)
        return Learned(Known(layout, tuple(claims), redaction, self._is_limited(screens)), layout, anchors)

    def _layout(self, frame: Frame, screens: Sequence[Pixels]) -> Layout | Reason:
        """Where the picture is: as the user says, as the profile says, or as it is seen, within the header's region."""
        now = screens[-1]
        if self._roi is not None:
            return layout_at(now, _fitting(self._roi, frame, now))
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

    def _is_limited(self, screens: Sequence[Pixels]) -> bool:
        """The range of a source does not change on the way; a later screen may have too little white to tell it."""
        if not self._stream:
            return is_limited(screens[-1])
        return self._limited.setdefault(screens[-1].shape, is_limited(*screens))


def called(frame: Frame) -> str:
    """A frame's name, for an error."""
    return frame.name or f"frame {frame.index}"


def _fitting(roi: Roi, frame: Frame, pixels: Pixels) -> Roi:
    if not roi.fits(pixels):
        raise UsageError(
            f"{called(frame)}: the region {roi.x},{roi.y},{roi.width},{roi.height} lies outside "
            f"the {pixels.shape[1]} x {pixels.shape[0]} picture: give --roi X,Y,W,H inside it"
        )
    return roi
