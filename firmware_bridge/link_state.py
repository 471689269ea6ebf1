"""A capture device over time, as rules: what was seen, and when -> the state it is in, and what is to be done next.

    absent ──opened──► no signal ──locked──► locking ──frames──► live
      ▲                    ▲                    │ ▲               │
      │                    └──── signal lost ───┴─┼───────────────┤
      │                                           └─ new timing, stall, broken stream
      └────────── gone, busy, or too many restarts without a frame

No I/O and no clock: `capture` does what is said here and tells what came of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

from firmware_bridge.hdmi import Link, LinkStatus
from firmware_bridge.timing import Timing

SECOND_NS = 1_000_000_000
QUERY_EVERY_NS = SECOND_NS // 10  # while there is no signal: a cable is plugged in for longer
LOOK_EVERY_NS = SECOND_NS // 2  # while live: a receiver that tells nothing by itself is asked
STALL_NS = SECOND_NS // 2  # without a frame: 12 frames of the slowest mode, 24 a second
FIRST_FRAME_NS = SECOND_NS  # from the start of a stream to its first whole frame
GOOD_FRAMES = 2  # make a stream live: the first after a change of mode may be torn
BAD_FRAMES = 10  # in a row break it
RESTARTS = 4  # without a live moment between them, then the device is opened anew
REMEMBERED = 1000  # transitions: a loose cable makes some hundred in an hour
BACK_OFF_NS = SECOND_NS // 4, 4 * SECOND_NS  # from one try to open to the next: doubled each time


class State(Enum):
    """Where a capture device stands."""

    ABSENT = "absent"
    NO_SIGNAL = "no signal"
    LOCKING = "locking"
    LIVE = "live"


class Action(Enum):
    """What is to be done, and then told by the method beside it."""

    OPEN = "open"  # -> opened, or lost
    QUERY = "query"  # -> linked
    START = "start"  # set what arrives, and stream -> started, or broken
    CLOSE = "close"  # -> nothing
    WAIT = "wait"  # for a frame or an event, until `due_ns` -> frame, changed, broken, lost or nothing


@dataclass(frozen=True)
class Transition:
    """One change of state, for the log and the report."""

    at_ns: int  # time.monotonic_ns()
    state: State
    why: str


class LinkRules:
    """One device. Each method tells what was seen at `now_ns`; `action` then says what to do about it."""

    def __init__(self, now_ns: int) -> None:
        self.state = State.ABSENT
        self.transitions = deque([Transition(now_ns, State.ABSENT, "not opened yet")], REMEMBERED)
        self.timing: Timing | None = None  # of the stream; None also where a device does not tell
        self._todo = Action.OPEN
        self._due_ns = now_ns  # when `_todo` is due
        self._back_off_ns = BACK_OFF_NS[0]
        self._restarts = self._good = self._bad = 0
        self._frame_ns = now_ns  # the last whole frame, or the start of the stream
        self._asked_ns = now_ns

    def action(self, now_ns: int) -> Action:
        """What is to be done now."""
        if self._todo is not Action.WAIT:
            return self._todo if now_ns >= self._due_ns else Action.WAIT
        if self.state is State.LIVE and now_ns - self._frame_ns > STALL_NS:
            self._restart(now_ns, "no frame came: a stall")
        elif self.state is State.LOCKING and now_ns - self._frame_ns > FIRST_FRAME_NS:
            self._restart(now_ns, "no whole frame came")
        elif self.state is State.LIVE and now_ns - self._asked_ns > LOOK_EVERY_NS:
            return Action.QUERY
        return self._todo

    def due_ns(self) -> int:
        """Until when WAIT may wait."""
        if self._todo is not Action.WAIT:
            return self._due_ns
        if self.state is State.LIVE:
            return min(self._frame_ns + STALL_NS, self._asked_ns + LOOK_EVERY_NS) + 1
        return self._frame_ns + FIRST_FRAME_NS + 1

    def opened(self, now_ns: int) -> None:
        """The device is open."""
        self._enter(State.NO_SIGNAL, now_ns, "opened")
        self._do(Action.QUERY, now_ns)

    def lost(self, now_ns: int, why: str) -> None:
        """It cannot be opened, or is gone: it is tried again, each time twice as late."""
        if self.state is not State.ABSENT:
            self._back_off_ns = BACK_OFF_NS[0]
        self._enter(State.ABSENT, now_ns, why)
        self._do(Action.OPEN, now_ns + self._back_off_ns)
        self._back_off_ns = min(2 * self._back_off_ns, BACK_OFF_NS[1])

    def linked(self, status: LinkStatus, now_ns: int) -> None:
        """What the receiver says of the source."""
        self._asked_ns = now_ns
        if status.link not in (Link.LOCKED, Link.UNTOLD):
            self._enter(State.NO_SIGNAL, now_ns, status.link.value)
            self._do(Action.QUERY, now_ns + QUERY_EVERY_NS)
        elif self.state in (State.LIVE, State.LOCKING) and self._todo is Action.WAIT and status.timing == self.timing:
            pass  # all is as it was
        else:
            self.timing = status.timing
            what = f"locked to {status.timing}" if status.timing else "the device does not tell its signal"
            self._enter(State.LOCKING, now_ns, what)
            self._do(Action.START, now_ns)

    def started(self, now_ns: int, why: str = "") -> None:
        """It streams; `why` is what there is to tell of how."""
        if why:
            self._enter(State.LOCKING, now_ns, why)
        self._frame_ns, self._good, self._bad = now_ns, 0, 0
        self._do(Action.WAIT, now_ns)

    def frame(self, now_ns: int, *, whole: bool) -> bool:
        """A buffer came; whether its picture may be used: it is whole, and the stream is live."""
        if not whole:
            self._good, self._bad = 0, self._bad + 1
            if self._bad >= BAD_FRAMES:
                self._restart(now_ns, f"{BAD_FRAMES} damaged frames in a row")
            return False
        self._frame_ns, self._good, self._bad = now_ns, self._good + 1, 0
        if self.state is State.LOCKING and self._good >= GOOD_FRAMES:
            self._restarts, self._back_off_ns = 0, BACK_OFF_NS[0]
            self._enter(State.LIVE, now_ns, "frames come")
        return self.state is State.LIVE

    def changed(self, now_ns: int) -> None:
        """The receiver reports that its source is another: what comes from now on is not what was asked for."""
        self._enter(State.LOCKING, now_ns, "source change")
        self._do(Action.QUERY, now_ns)

    def broken(self, now_ns: int, why: str) -> None:
        """The stream gave up, or could not be started."""
        self._restart(now_ns, why)

    def _restart(self, now_ns: int, why: str) -> None:
        self._restarts += 1
        if self._restarts > RESTARTS:
            self._restarts = 0
            self._enter(State.ABSENT, now_ns, f"{why}, {RESTARTS} restarts did not help: opened anew")
            self._do(Action.CLOSE, now_ns)
            return
        self._enter(State.LOCKING, now_ns, why)
        self._do(Action.QUERY, now_ns)

    def closed(self, now_ns: int) -> None:
        """It is closed, as CLOSE said."""
        self._do(Action.OPEN, now_ns + self._back_off_ns)
        self._back_off_ns = min(2 * self._back_off_ns, BACK_OFF_NS[1])

    def _do(self, action: Action, due_ns: int) -> None:
        self._todo, self._due_ns = action, due_ns

    def _enter(self, state: State, now_ns: int, why: str) -> None:
        last = self.transitions[-1]
        if state is not self.state or (state is not State.LIVE and why != last.why):
            self.transitions.append(Transition(now_ns, state, why))
        self.state = state
