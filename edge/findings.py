"""The clinical nouns: what is measured on a nerve, how it is graded, and why there is no grade when there is none."""

from __future__ import annotations

import math
from enum import Enum
from typing import Literal, NamedTuple

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
    PROBE_SILENT = "no word from the probe"
    NO_PICTURE = "no ultrasound picture"
    AMBIGUOUS_VIEWS = "two pictures, and none is marked as active"
    NOT_THE_PROFILE = "screen is not the profile's"
    TOO_SMALL = "picture too small"
    NO_CONTRAST = "no contrast"
    NO_CONTACT = "probe off the skin"
    TOO_DARK = "too dark"
    SATURATED = "saturated"
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
    TOO_LATE = "no time left within the budget"
    TOO_FEW_FRAMES = "too few gradable frames"
    DISAGREEING_FRAMES = "frames disagree"
    DISAGREEING_PLANES = "planes disagree"
    UNSURE = "unsure: too many grades are possible"

    @classmethod
    def _missing_(cls, value: object) -> Reason | None:
        """The reasons of reports from before `HINTS`, when some texts held a hint after a colon."""
        plain = str(value).partition(":")[0]
        return next((reason for reason in cls if reason.value == plain), None)


HINTS = {
    Reason.BLACK: "wake the machine, check the cable",
    Reason.FLAT: "wake the machine, check the cable",
    Reason.COLOUR_BARS: "connect the machine's video output",
    Reason.NO_SIGNAL: "check the cable and the machine's video output",
    Reason.MENU: "close the menu, or give the picture's box (--roi)",
    Reason.FROZEN: "unfreeze",
    Reason.PROBE_SILENT: "check the probe's cable, or give --probe-lost ungated",
    Reason.NO_PICTURE: "show the ultrasound picture",
    Reason.AMBIGUOUS_VIEWS: "show one picture, not two",
    Reason.NOT_THE_PROFILE: "learn this screen anew",
    Reason.TOO_SMALL: "show the picture larger",
    Reason.NO_CONTRAST: "more gel, or turn the gain up",
    Reason.NO_CONTACT: "more gel, put the probe on the skin",
    Reason.TOO_DARK: "turn the gain up",
    Reason.SATURATED: "turn the gain down",
    Reason.NOT_B_MODE: "switch to B-mode, colour off",
    Reason.BLURRED: "hold the probe still, set the focus to the nerve",
    Reason.NO_NERVE: "slide along the wrist to the nerve",
    Reason.NERVE_CUT_OFF: "slide until the whole nerve is in the picture",
    Reason.IMPLAUSIBLE_NERVE: "tilt until the nerve's border is clear",
    Reason.WRONG_PLANE: "turn the probe by a quarter",
    Reason.SHADOW: "more gel, tilt or slide off what casts the shadow",
    Reason.MARKED: "take text and calipers off the picture",
    Reason.NO_SPACING: "show the ruler, or state the spacing",
    Reason.SPACING_CONFLICT: "correct the stated spacing or depth, or give --roi",
    Reason.TOO_LATE: "stop other programs here, or give a larger budget",
    Reason.TOO_FEW_FRAMES: "hold the nerve in the picture for longer",
    Reason.DISAGREEING_FRAMES: "sweep again, slowly",
    Reason.DISAGREEING_PLANES: "record both planes again",
}
"""What the operator can do about it; the other reasons are in no operator's hands."""


class Shortfall(NamedTuple):
    """Why a judge says no: what it looked at, in the unit of the threshold it was held against, and that threshold.

    Both numbers are None where there is nothing to count: there is no spacing, there is no nerve.
    """

    reason: Reason
    value: float | None = None
    limit: float | None = None


def below(reason: Reason, value: float, limit: float) -> Shortfall | None:
    """A shortfall if the value lies below its limit."""
    return Shortfall(reason, float(value), float(limit)) if value < limit else None


def above(reason: Reason, value: float, limit: float) -> Shortfall | None:
    """A shortfall if the value lies above its limit."""
    return Shortfall(reason, float(value), float(limit)) if value > limit else None


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

    `csa_mm2` belongs to a transverse view, `ap_diameter_mm` to a longitudinal one; the other is None. The truth lies
    within plus and minus an uncertainty as far as the spacing goes: the segmenter's own error is not in it. None where
    whoever stated the spacing stated no uncertainty.
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
    csa_uncertainty_mm2: float | None = None  # an area's share is twice the spacing's
    perimeter_uncertainty_mm: float | None = None
    ap_diameter_uncertainty_mm: float | None = None


class FrameGrade(msgspec.Struct, frozen=True):
    """One frame's grade, with P(each grade) in the order of `GRADES`, or UNGRADABLE with its `Shortfall`."""

    grade: str
    probabilities: tuple[float, float, float, float] | None
    reason: Reason | None
    unscaled: bool = False  # graded on a crop of no known size (--allow-unscaled)
    value: float | None = None  # what the judge looked at, in the unit of its threshold
    limit: float | None = None  # that threshold

    @property
    def gradable(self) -> bool:
        return self.probabilities is not None

    @property
    def hint(self) -> str | None:
        """What the operator can do about the reason."""
        return None if self.reason is None else HINTS.get(self.reason)

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
    value: float | None = None  # of the reason: what was looked at, in the unit of its threshold
    limit: float | None = None  # that threshold
    csa_uncertainty_mm2: float | None = None  # the spacing's share alone, as in `Nerve`
    ap_diameter_uncertainty_mm: float | None = None


def ungradable(reason: Reason, value: float | None = None, limit: float | None = None) -> FrameGrade:
    """No grade, and why: `ungradable(*shortfall)`."""
    return FrameGrade(grade=UNGRADABLE, probabilities=None, reason=reason, value=value, limit=limit)


def numbers(value: float | None, limit: float | None) -> str:
    """What a reason was decided by, as a person reads it: "0.162, limit 0.18"; "" where there is nothing to count."""
    return "" if value is None or limit is None else f"{value:.3g}, limit {limit:.3g}"


def with_uncertainty(value: float, uncertainty: float | None) -> str:
    """A measure as a person reads it, "14.5 ± 0.3": to a tenth, the uncertainty never rounded down."""
    return f"{value:.1f}" if uncertainty is None else f"{value:.1f} ± {math.ceil(uncertainty * 10 - 1e-9) / 10:.1f}"


def in_words(grades: GradeSet) -> str:
    """A set of grades as a person says it: "mild", "mild or moderate", "mild, moderate or severe"."""
    *first, last = grades
    return f"{', '.join(first)} or {last}" if first else last
