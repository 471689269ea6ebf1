"""A number for each reason why there is no grade, for a probe that shows one: once given, never another's."""

from __future__ import annotations

from edge.findings import Reason

REASON_CODES: dict[Reason, int] = {
    Reason.UNREADABLE: 1,
    Reason.BLACK: 2,
    Reason.FLAT: 3,
    Reason.COLOUR_BARS: 4,
    Reason.NO_SIGNAL: 5,
    Reason.MENU: 6,
    Reason.FROZEN: 7,
    Reason.NO_PICTURE: 8,
    Reason.AMBIGUOUS_VIEWS: 9,
    Reason.NOT_THE_PROFILE: 10,
    Reason.TOO_SMALL: 11,
    Reason.NO_CONTRAST: 12,
    Reason.NO_CONTACT: 13,
    Reason.TOO_DARK: 14,
    Reason.SATURATED: 15,
    Reason.NOT_B_MODE: 16,
    Reason.BLURRED: 17,
    Reason.NO_NERVE: 18,
    Reason.NERVE_CUT_OFF: 19,
    Reason.IMPLAUSIBLE_NERVE: 20,
    Reason.WRONG_PLANE: 21,
    Reason.SHADOW: 22,
    Reason.MARKED: 23,
    Reason.NO_SPACING: 24,
    Reason.SPACING_CONFLICT: 25,
    Reason.UNLIKE_TRAINING: 26,
    Reason.NO_GRADER: 27,
    Reason.TOO_LATE: 28,
    Reason.TOO_FEW_FRAMES: 29,
    Reason.DISAGREEING_FRAMES: 30,
    Reason.DISAGREEING_PLANES: 31,
    Reason.UNSURE: 32,
    Reason.PROBE_SILENT: 33,
}
"""0 stands for none: there is a grade. 255 stands for a reason that is newer than this table's reader."""
