"""The microcontroller's ticks as host time, by question and answer, with a stated error (docs/protocol.md).

    host    asked ------------------------------- now
    probe           received ------- sent

What the probe did not hold of the round trip was on the way, in shares that nobody knows: half of it is the error.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

MS = 1_000_000  # ns
QUICK, QUICK_NS, ASK_NS = 5, 50 * MS, 1000 * MS  # at the start of a session so many questions quickly, then each second
KEPT = 16  # answers
DRIFT = 200e-6  # two crystals drift apart by no more
REMEMBERED = 1000  # round trips
UNANSWERED = 8  # questions that an answer may still come to


@dataclass(frozen=True)
class HostTime:
    """A moment of the probe's in host time: the truth lies within plus and minus the error."""

    ns: int  # monotonic
    error_ns: int


@dataclass(frozen=True)
class _Answer:
    ahead_ns: int  # of the host's clock before the probe's
    error_ns: int
    at_ns: int


@dataclass
class TimeSync:
    """The time there, in one session."""

    round_trips_ns: deque[int] = field(default_factory=lambda: deque(maxlen=REMEMBERED))  # of the latest answers
    _answers: deque[_Answer] = field(default_factory=lambda: deque(maxlen=KEPT))
    _open: deque[int] = field(default_factory=lambda: deque(maxlen=UNANSWERED))
    _asked: int = 0
    _due_ns: int = 0

    @property
    def due_ns(self) -> int:
        """When to ask."""
        return self._due_ns

    def asked(self, now_ns: int) -> None:
        """A question leaves now."""
        self._open.append(now_ns)
        self._asked += 1
        self._due_ns = now_ns + (QUICK_NS if self._asked < QUICK else ASK_NS)

    def told(self, asked_ns: int, received_us: int, sent_us: int, now_ns: int) -> None:
        """An answer came; one that was never asked for, or that was held for longer than it took, is none."""
        if asked_ns not in self._open:
            return
        self._open.remove(asked_ns)
        on_the_way_ns = now_ns - asked_ns - (sent_us - received_us) * 1000
        if sent_us < received_us or on_the_way_ns < -1000:  # a tick of the probe's is 1000 ns
            return
        self.round_trips_ns.append(max(on_the_way_ns, 0))
        ahead_ns = (asked_ns + now_ns) // 2 - (received_us + sent_us) * 500
        self._answers.append(_Answer(ahead_ns, max(on_the_way_ns, 0) // 2 + 1000, now_ns))

    def host_time(self, ticks_us: int) -> HostTime | None:
        """A moment of the probe's, by the best answer for it; None: nothing was answered yet."""
        best: HostTime | None = None
        for answer in self._answers:
            ns = ticks_us * 1000 + answer.ahead_ns
            error_ns = answer.error_ns + int(DRIFT * abs(ns - answer.at_ns))
            if best is None or error_ns < best.error_ns:
                best = HostTime(ns, error_ns)
        return best

    def ticks_us(self, host_ns: int) -> int | None:
        """A moment of the host's in the probe's ticks; None: nothing was answered yet, or it was before its start."""
        if not self._answers:
            return None
        best = min(self._answers, key=lambda each: each.error_ns + DRIFT * abs(host_ns - each.at_ns))
        ticks = (host_ns - best.ahead_ns) // 1000
        return ticks if ticks >= 0 else None
