"""Learning a screen profile: frames of one machine in one preset -> what stays, where the picture is, its scale."""

from __future__ import annotations

from collections.abc import Sequence

from edge.errors import ProfileError
from edge.frame import UNKNOWN_SPACING, Pixels, Roi, Spacing
from edge.screen.layout import Layout, layout_at, read_layout
from edge.screen.profile import Profile, Ruler, ruler_at, signature
from edge.screen.ruler import read_ruler
from edge.screen.spacing import SpacingConflict, agreed
from edge.screen.ticks import Ticks, find_ticks

LOOKS = 8  # of the screens, at which the picture is looked for
BESIDE = 1 / 90  # of the screen's height, half the width of a ruler's strip: ticks are as long as a letter is high


def learn(
    screens: Sequence[Pixels],
    *,
    name: str,
    machine: str = "",
    roi: Roi | None = None,
    ruler: Roi | None = None,
    spacing: Spacing = UNKNOWN_SPACING,
) -> Profile:
    """The profile of screens (H, W), grey, of one machine, preset and depth.

    `roi`, `ruler` and `spacing` are the user's word on what is else found. A spacing is kept only together with a
    ruler's strip: without one nothing would tell that the depth has changed, and the scale with it.

    Raises:
        ProfileError: the screens do not belong together, hold no picture, or the spacing cannot be kept.
    """
    if len({screen.shape for screen in screens}) != 1:
        raise ProfileError("a profile is learned from frames of one size: record the machine's screen alone")
    for key, box in (("--roi", roi), ("--ruler", ruler)):
        if box is not None and not box.fits(screens[0]):
            raise ProfileError(f"{key} lies outside the {screens[0].shape[1]} x {screens[0].shape[0]} screen")
    layout = _layout(screens) if roi is None else layout_at(screens[0], roi)
    assert layout.picture is not None  # noqa: S101  there is one, or an error
    place = layout.picture.roi
    strips = _strips(screens, place, ruler)
    known = _spacing(screens, place, spacing)
    if known.mm_per_px is not None and not strips:
        raise ProfileError(
            "no ruler at rest beside the picture, so nothing would tell a change of depth: give the box of the ruler "
            "or of the depth in words with --ruler X,Y,W,H, or leave --spacing-mm out"
        )
    return Profile(
        name=name,
        machine=machine,
        screen=(screens[0].shape[1], screens[0].shape[0]),
        picture=(place.x, place.y, place.width, place.height),
        outline=layout.outline or (),
        mm_per_px=known.mm_per_px,
        **({} if known.mm_per_px is None or known.provenance == "manual" else {"uncertainty": known.uncertainty}),
        still=signature(screens, place),
        ruler=strips,
    )


def _layout(screens: Sequence[Pixels]) -> Layout:
    """The layout as `read` would see it: of single screens, of which most agree; the one of middle size."""
    layouts = [read_layout([screen]) for screen in screens[:: max(1, len(screens) // LOOKS)]]
    if any(layout.ambiguous for layout in layouts):
        raise ProfileError("two ultrasound pictures on these screens: give the box of one with --roi X,Y,W,H")
    found = [(layout.picture.roi.width * layout.picture.roi.height, layout) for layout in layouts if layout.picture]
    if len(found) <= len(layouts) / 2:
        raise ProfileError("no ultrasound picture found on these screens: give its box with --roi X,Y,W,H")
    return sorted(found, key=lambda each: each[0])[len(found) // 2][1]


def _spacing(screens: Sequence[Pixels], picture: Roi, given: Spacing) -> Spacing:
    known = agreed((given, read_ruler(screens[0], picture).claim))
    if isinstance(known, SpacingConflict):
        raise ProfileError(f"the screen and the user do not agree on a scale: {known}: measure the ruler again")
    return known


def _strips(screens: Sequence[Pixels], picture: Roi, given: Roi | None) -> tuple[Ruler, ...]:
    """The strips that will tell the depth; of those found, the ones at rest."""
    if given is None:
        found = (ruler_at(screens, _strip(row, screens[0])) for row in find_ticks(screens[0], picture))
        return tuple(ruler for ruler in found if ruler is not None)
    ruler = ruler_at(screens, given)
    if ruler is None:
        raise ProfileError("--ruler: there is nothing to see at that place, or it is not at rest: choose another")
    return (ruler,)


def _strip(row: Ticks, screen: Pixels) -> Roi:
    height, width = screen.shape
    beside = end = round(height * BESIDE)
    spans = [(row.at - beside, row.at + beside), (row.first - end, row.last + end)]
    (left, right), (top, bottom) = spans if row.axis == "down" else spans[::-1]
    x, y = max(0, round(left)), max(0, round(top))
    return Roi(x, y, min(width, round(right)) - x, min(height, round(bottom)) - y)
