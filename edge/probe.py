"""The probe in the operator's hand, as far as its own firmware speaks of it and is spoken to (`Probe`).

    open_probe("serial:/dev/ttyACM0")     `scheme:rest`, where a package registers the scheme
    open_probe("serial:usb-1-1.3")        the same by the socket it is plugged into

A package adds a scheme through the entry-point group `sonoedge.probes`: its name is the scheme, its value a callable
`(rest: str) -> Probe`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias, cast, runtime_checkable

from edge.errors import ProbeError
from edge.findings import ClipGrade, Reason, Side
from edge.frame import SourceEvent
from edge.registered import names, registered

GROUP = "sonoedge.probes"

DEPTH_MM = (5.0, 400.0)
GAIN_PERCENT = (0, 100)
FREQUENCY_MHZ = (0.5, 60.0)


@dataclass(frozen=True)
class ProbeState:
    """How a probe is set, by its own word; None where it does not say.

    Raises:
        ValueError: a number outside its range. Who takes one off a wire asks the ranges above first.
    """

    frozen: bool | None = None
    depth_mm: float | None = None  # that the whole height of the picture shows
    gain_percent: float | None = None  # of its range
    frequency_mhz: float | None = None
    preset: int | None = None  # a maker's number
    body_mark: int | None = None  # a maker's number
    side: Side | None = None

    def __post_init__(self) -> None:
        for what, value, (least, most) in (
            ("depth_mm", self.depth_mm, DEPTH_MM),
            ("gain_percent", self.gain_percent, GAIN_PERCENT),
            ("frequency_mhz", self.frequency_mhz, FREQUENCY_MHZ),
        ):
            if value is not None and not least <= value <= most:
                raise ValueError(f"{what} is {value}: it lies between {least} and {most}")


class ProbeName(NamedTuple):
    """Who a probe says it is: no serial number, and nobody's name."""

    name: str
    firmware: str  # its version


@dataclass(frozen=True)
class Outcome:
    """What became of one frame, for the probe to show."""

    timestamp_ns: int  # time.monotonic_ns() at the frame's capture
    grade: str  # one of GRADES, or UNGRADABLE
    confidence: float | None  # probability of the grade given, 0..1; None without one
    csa_mm2: float | None  # None: not measured
    reason: Reason | None  # why UNGRADABLE


@runtime_checkable
class Probe(Protocol):
    """A probe's firmware at the other end of a link. Only `ended` and `close` wait for it, for a moment."""

    @property
    def name(self) -> ProbeName | None:
        """None until it has said so."""

    @property
    def left_out(self) -> int:
        """Outcomes that a newer one overtook before they left."""

    def state_at(self, timestamp_ns: int) -> ProbeState | None:
        """How it was set at a time of the host, `time.monotonic_ns()`, by what is known now.

        None: nothing was said of that time, or the link is silent, so that nobody knows whether it still holds.
        """

    def tell(self, outcome: Outcome) -> None:
        """What became of a frame. The newest one counts: an older one that has not left yet is left out."""

    def started(self, side: Side | None) -> None:
        """An exam begins, of this wrist if that was said."""

    def ended(self, clip: ClipGrade) -> bool:
        """The exam has ended, with this grade. Whether the probe has said that it has the grade, within a second."""

    def events(self) -> tuple[SourceEvent, ...]:
        """What befell the link so far, the newest thousand at most; "live" and "silent" are among its states."""

    def close(self) -> None:
        """Says what is still to be said, for a moment, and lets go of the link. May be called twice."""


Opener: TypeAlias = Callable[[str], Probe]


def open_probe(uri: str) -> Probe:
    """The probe at `uri`, `scheme:rest`; that it answers is not waited for.

    Raises:
        ProbeError: there is no such scheme; and whatever the scheme's own opener raises.
    """
    scheme, _, rest = uri.partition(":")
    opener = registered(GROUP, scheme, uri, ProbeError)
    if opener is None:
        known = ", ".join(sorted(names(GROUP))) or "none: install a package that brings one"
        raise ProbeError(f"{uri or 'no probe given'}: no probe called '{scheme}'; the probes are {known}")
    return cast(Opener, opener)(rest)
