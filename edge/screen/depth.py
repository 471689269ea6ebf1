"""A probe's depth over the rows of its picture -> a claim on the spacing.

It is taken that the picture shows from the probe's face down to that depth, over the whole height of its box, and that
pixels are square. Nobody says so: some machines draw a strip of gel above, or a margin below. On real screens of
linear probes the depth and the rows of the box that is found differ from the ruler by 0.2 to 5.9 %, on simulated ones
by 0.4 % at most. A box that a person gave holds what the depth covers.

The box of a curved probe's picture begins above its face, and a picture whose deep corners are dark may go on below
its box: where the picture does not fill its box, a depth says nothing.
"""

from __future__ import annotations

from edge.frame import UNKNOWN_SPACING, Spacing
from edge.screen.layout import Layout
from edge.screen.spacing import SpacingConflict, agreed

DEPTH_STEP_MM = 0.1  # of what a firmware states
AS_FOUND = 0.06  # by how much a box that was found may differ from what the depth covers, a share
EDGES_PX = 2  # the upper and the lower edge of a box lie within a row each
LEAST_ROWS = 64  # of a picture whose edges are worth counting from


def by_depth(depth_mm: float, layout: Layout, *, box_given: bool) -> Spacing:
    """The spacing of a picture that shows this depth, in `edge.probe.DEPTH_MM`; `box_given`: by a person.

    `UNKNOWN_SPACING` where the picture's box does not tell what the depth covers.
    """
    picture = layout.picture
    if picture is None or layout.outline is not None or picture.roi.height < LEAST_ROWS:
        return UNKNOWN_SPACING
    rows = picture.roi.height
    uncertainty = EDGES_PX / rows + DEPTH_STEP_MM / 2 / depth_mm + (0.0 if box_given else AS_FOUND)
    return Spacing(depth_mm / rows, "firmware", uncertainty)


def with_depth(spacing: Spacing | SpacingConflict, claim: Spacing) -> Spacing | SpacingConflict:
    """What the others agreed on, if the depth does not speak against it: it is the least sure, and stands alone only
    where nobody else says anything."""
    both = agreed([spacing, claim])
    alone = isinstance(spacing, Spacing) and spacing.mm_per_px is None
    return both if alone or isinstance(both, SpacingConflict) else spacing
