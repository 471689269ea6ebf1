"""The clinical nouns: what is measured on a nerve, how it is graded, and why there is no grade when there is none."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import msgspec

View = Literal["transverse", "longitudinal"]
Side = Literal["left", "right"]

GRADES = ("normal", "mild", "moderate", "severe")
"""P3's four severities of carpal tunnel syndrome, by nerve conduction, in order."""

UNGRADABLE = "UNGRADABLE"


class Reason(str, Enum):
    """Why a frame or a clip has no grade. One list for the whole package; the text is what the operator reads."""

    UNREADABLE = "unreadable picture"
    BLACK = "black screen"
    FLAT = "screen of one colour"
    COLOUR_BARS = "colour bars"
    NO_SIGNAL = "no signal"
    MENU = "no ultrasound picture: menu or desktop"
    FROZEN = "frozen picture"
    NO_PICTURE = "no ultrasound picture"
    AMBIGUOUS_VIEWS = "two pictures, and none is marked as active"
    NOT_THE_PROFILE = "screen is not the profile's"
    TOO_SMALL = "picture too small"
    NO_CONTRAST = "no contrast: probe off the skin or gain too low"
    NO_CONTACT = "probe off the skin"
    TOO_DARK = "too dark"
    SATURATED = "saturated: gain too high"
    NOT_B_MODE = "not B-mode"
    BLURRED = "blurred"
    NO_NERVE = "no nerve found"
    NERVE_CUT_OFF = "nerve cut off at the edge of the picture"
    IMPLAUSIBLE_NERVE = "nerve implausible"
    WRONG_PLANE = "wrong plane"
    SHADOW = "shadow over the nerve"
    MARKED = "text or calipers over the nerve"
    NO_SPACING = "no spacing"
    SPACING_CONFLICT = "spacing conflict: two sources disagree"
    UNLIKE_TRAINING = "unlike training"
    NO_GRADER = "bundle has no grader"
    TOO_FEW_FRAMES = "too few gradable frames"
    DISAGREEING_FRAMES = "frames disagree"
    DISAGREEING_PLANES = "planes disagree"
    UNSURE = "unsure: too many grades are possible"


class Ellipse(msgspec.Struct, frozen=True):
    """The ellipse with the nerve's own second moments, in pixels of the scan."""

    x_px: float
    y_px: float
    major_px: float  # full length of the long axis
    minor_px: float  # full length of the short axis
    angle_deg: float  # of the long axis against the picture's rows, -90..90, positive = right end deeper


Outline = tuple[tuple[float, float], ...]
"""Corners (x, y) of a closed line, in pixels of the scan."""


class Nerve(msgspec.Struct, frozen=True, omit_defaults=False):
    """The measured nerve. Millimetres are None when the spacing is not known: no spacing means no mm².

    `csa_mm2` belongs to a transverse view, `ap_diameter_mm` to a longitudinal one; the other is None.
    """

    ellipse: Ellipse
    area_share: float  # share of the picture's pixels, 0..1
    flattening_ratio: float  # long axis over short axis, >= 1
    components: int  # 2 = bifid; the area is the sum
    ellipse_fill: float  # area over that of the ellipse with the same moments, of the least elliptical strand, 0..1
    csa_mm2: float | None
    perimeter_mm: float | None
    ap_diameter_mm: float | None
    outlines: tuple[Outline, ...]  # the mask, one outline a component, through the centres of its border pixels


class FrameGrade(msgspec.Struct, frozen=True):
    """One frame's grade, with P(each grade) in the order of `GRADES`, or UNGRADABLE with its reason."""

    grade: str
    probabilities: tuple[float, float, float, float] | None
    reason: Reason | None
    unscaled: bool = False  # graded on a crop of no known size (--allow-unscaled)

    @property
    def gradable(self) -> bool:
        return self.probabilities is not None

    @property
    def cts_probability(self) -> float | None:
        """P(CTS) = P(grade > normal), the binary answer of P2."""
        return None if self.probabilities is None else 1.0 - self.probabilities[0]


GradeSet = tuple[str, ...]
"""Neighbouring grades, mildest first, of which one is the true one in the share of wrists that the bundle states
(`edge.manifest.Conformal`). It stands beside a grade, and beside `Reason.UNSURE` where it is too wide for one."""


class ClipGrade(msgspec.Struct, frozen=True):
    """The grade of one sweep, from its gradable frames, or UNGRADABLE with its reason."""

    grade: str
    probabilities: tuple[float, float, float, float] | None
    confidence: float | None  # probability of the grade given
    cts_probability: float | None
    csa_mm2: float | None  # median over the graded frames
    ap_diameter_mm: float | None
    frames_graded: int
    frames_total: int
    reason: Reason | None
    unscaled: bool = False
    grade_set: GradeSet | None = None


def ungradable(reason: Reason) -> FrameGrade:
    """No grade, and why."""
    return FrameGrade(grade=UNGRADABLE, probabilities=None, reason=reason)


def in_words(grades: GradeSet) -> str:
    """A set of grades as a person says it: "mild", "mild or moderate", "mild, moderate or severe"."""
    *first, last = grades
    return f"{', '.join(first)} or {last}" if first else last
