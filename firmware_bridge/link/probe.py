"""`serial:/dev/ttyACM0`: a link as `edge.probe.Probe`.

    serial:/dev/ttyACM0                 a port
    serial:usb-1-1.3                    the port of the probe in this USB socket, whatever its number
    serial:usb-1-1.3?wait=1             not there yet: waited for, where otherwise that is an error
    serial:/dev/ttyUSB0?baud=115200     a port that has a rate; USB's own do not mind

What the probe said is kept by host time, so that a frame is told how it was at its capture. Where a clock's error
leaves a doubt, the probe counts as frozen.
"""

from __future__ import annotations

import re
import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from functools import partial
from importlib import metadata
from typing import TypeAlias, TypeVar
from urllib.parse import parse_qsl

from edge.findings import UNGRADABLE, ClipGrade, Reason, Side
from edge.frame import SourceEvent
from edge.probe import DEPTH_MM, FREQUENCY_MHZ, GAIN_PERCENT, Outcome, ProbeName, ProbeState
from firmware_bridge.errors import PortError
from firmware_bridge.link.endpoint import SILENCE_NS, Arrived, Connected, Delivered, Endpoint, HeardAgain
from firmware_bridge.link.messages import (
    UNKNOWN_U8,
    UNKNOWN_U16,
    ExamEnded,
    ExamStarted,
    Freeze,
    Grade,
    GradeCode,
    Hello,
    SideCode,
    State,
)
from firmware_bridge.link.numbered import LONGEST_RETRY_NS
from firmware_bridge.link.packet import MAX_PAYLOAD
from firmware_bridge.link.reason_codes import REASON_CODES
from firmware_bridge.link.running import Event, Link, Listen
from firmware_bridge.link.serial_link import BAUD, SerialLink
from firmware_bridge.link.words import befell, product, version

OPTIONS = {"wait": "0|1", "baud": r"[1-9]\d{2,6}"}
KEPT = 256  # states, by host time
REMEMBERED = 1000  # events
END_PATIENCE_S = SILENCE_NS / 1e9  # with the acknowledgement of an exam's grade: who says nothing for so long is silent

Said: TypeAlias = tuple[int, "ProbeState | None"]  # from this host time on; None: nobody knows
LinkTo: TypeAlias = Callable[[Hello, Listen], Link]
Number = TypeVar("Number", int, float)


def open_serial(rest: str) -> LinkProbe:
    """The probe `serial:<rest>`.

    Raises:
        PortError: the port cannot be opened, and is not to be waited for; or an option is none.
    """
    place, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name, value in options.items():
        if name not in OPTIONS:
            raise PortError(f"serial:{rest}: there is no option {name!r}, only {', '.join(OPTIONS)}")
        if not re.fullmatch(OPTIONS[name], value):
            example = {"wait": "1", "baud": str(BAUD)}[name]
            raise PortError(f"serial:{rest}: {name}={value}: give one like {example}")
    baud, wait = int(options.get("baud", BAUD)), options.get("wait") == "1"
    return LinkProbe(partial(SerialLink, place, baud=baud, wait=wait))


def our_hello() -> Hello:
    """Who we are."""
    major, minor, patch = (int(part) for part in re.findall(r"\d+", metadata.version("sonoedge"))[:3])
    return Hello(MAX_PAYLOAD, 0, 0, major, minor, patch, "sonoedge")


class LinkProbe:
    """The probe at the other end of a link: an `edge.probe.Probe`."""

    def __init__(self, link_to: LinkTo) -> None:
        """`link_to` makes the link, from who we are and what listens."""
        self.left_out = 0  # grades that a newer one overtook
        self._name: ProbeName | None = None
        self._history: tuple[Said, ...] = ()  # replaced whole: another thread reads it
        self._last: ProbeState | None = None
        self._word_ns = 0  # from when on that holds: what comes later in a session does not reach back behind it
        self._events: deque[SourceEvent] = deque(maxlen=REMEMBERED)
        self._closed = False
        self._exam: ExamStarted | None = None  # that goes on
        self._exam_told = False  # to who was there
        self._whole: Grade | None = None  # the grade of the exam that ended
        self._whole_told = threading.Event()
        self._link = link_to(our_hello(), self._listen)

    @property
    def name(self) -> ProbeName | None:
        """None until it has said so."""
        return self._name

    def state_at(self, timestamp_ns: int) -> ProbeState | None:
        """How it was set at a time of the host; None: nobody knows."""
        history = self._history
        at = bisect_right(history, timestamp_ns, key=lambda said: said[0])
        return history[at - 1][1] if at and not self._closed else None

    def tell(self, outcome: Outcome) -> None:
        """What became of a frame; one that is newer takes the place of one that has not left yet."""
        self._link.do(partial(self._tell, outcome))

    def started(self, side: Side | None) -> None:
        """An exam begins."""
        self._exam = ExamStarted(SIDES[side])
        self._link.send(self._exam)

    def ended(self, clip: ClipGrade) -> bool:
        """The exam has ended; whether its grade was acknowledged, for which it waits a second at most."""
        self._exam, self._whole = None, grade_of(0, clip, whole_exam=True)
        self._whole_told.clear()
        self._link.send(ExamEnded(clip.frames_total, clip.frames_graded))
        self._link.send(self._whole)
        return not self._closed and self._whole_told.wait(END_PATIENCE_S)

    def events(self) -> tuple[SourceEvent, ...]:
        """What befell the link so far."""
        return tuple(self._events)

    def close(self) -> None:
        """Says what is still to be said, for a moment, and lets go of the port."""
        self._closed = True
        self._link.close()

    def _tell(self, outcome: Outcome, rules: Endpoint) -> None:
        self.left_out += rules.send_newest(grade_of(rules.time.ticks_us(outcome.timestamp_ns) or 0, outcome))

    def _listen(self, event: Event, rules: Endpoint) -> None:
        now_ns = time.monotonic_ns()
        if isinstance(event, Arrived):
            if isinstance(event.message, State):
                self._set(event.message, event.at_ns, rules)
            return
        if isinstance(event, Delivered):
            self._exam_told |= event.message is self._exam
            if event.message is self._whole:
                self._whole_told.set()
        if (told := befell(event)) is None:
            return
        self._events.append(SourceEvent(now_ns, *told))
        if isinstance(event, Connected):
            self._name, self._last = ProbeName(product(event.hello), version(event.hello)), None
            self._word_ns = now_ns
            self._tell_of_the_exam(event, rules)
        self._enter(now_ns, None)
        if isinstance(event, HeardAgain) and self._last:
            # Whether it was set otherwise meanwhile is known when what it owes has come, after one retry at the latest.
            self._enter(now_ns + LONGEST_RETRY_NS, self._last)

    def _tell_of_the_exam(self, event: Connected, rules: Endpoint) -> None:
        """A probe that restarts amid an exam is told that one goes on; what was never sent is sent anyway."""
        if self._exam and (self._exam_told or self._exam in event.lost):
            rules.send(self._exam)
        self._exam_told = False

    def _set(self, said: State, came_ns: int, rules: Endpoint) -> None:
        self._last = state_of(said)
        since_ns = came_ns
        if at := rules.time.host_time(said.ticks_us):
            since_ns = min(at.ns - at.error_ns if self._last.frozen else at.ns + at.error_ns, came_ns)
        self._word_ns = max(self._word_ns, since_ns)
        self._enter(self._word_ns, self._last)

    def _enter(self, since_ns: int, state: ProbeState | None) -> None:
        """The newest word overrides what was said of the time after its own."""
        before = [said for said in self._history[1 - KEPT :] if said[0] < since_ns]
        self._history = (*before, (since_ns, state))


def state_of(said: State) -> ProbeState:
    """A probe's word, without what cannot be."""
    return ProbeState(
        frozen={int(Freeze.LIVE): False, int(Freeze.FROZEN): True}.get(said.freeze),
        depth_mm=_within(said.depth_tenths_mm / 10, DEPTH_MM),
        gain_percent=_within(said.gain_percent, GAIN_PERCENT),
        frequency_mhz=_within(said.frequency_khz / 1000, FREQUENCY_MHZ),
        preset=None if said.preset == UNKNOWN_U8 else said.preset,
        body_mark=None if said.body_mark == UNKNOWN_U8 else said.body_mark,
        side=next((side for side, code in SIDES.items() if code == said.side), None),
    )


def grade_of(ticks_us: int, what: Outcome | ClipGrade, *, whole_exam: bool = False) -> Grade:
    """A grade, or the reason why there is none, as the wire carries it."""
    graded = what.grade != UNGRADABLE
    return Grade(
        ticks_us=ticks_us,
        whole_exam=whole_exam,
        grade=GradeCode[what.grade.upper()] if graded else GradeCode.NONE,
        confidence_percent=round(100 * what.confidence) if graded and what.confidence is not None else UNKNOWN_U8,
        reason=0 if graded else _code(what.reason),
        csa_hundredths_mm2=UNKNOWN_U16 if what.csa_mm2 is None else min(round(100 * what.csa_mm2), UNKNOWN_U16),
    )


def _code(reason: Reason | None) -> int:
    return UNKNOWN_U8 if reason is None else REASON_CODES.get(reason, UNKNOWN_U8)


def _within(value: Number, limits: tuple[Number, Number]) -> Number | None:
    least, most = limits
    return value if least <= value <= most else None


SIDES: dict[Side | None, SideCode] = {None: SideCode.NOT_SAID, "left": SideCode.LEFT, "right": SideCode.RIGHT}
