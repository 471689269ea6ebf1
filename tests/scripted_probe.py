"""A `edge.probe.Probe` in this process, whose firmware is the test."""

from __future__ import annotations

import time

from edge.findings import ClipGrade, Side
from edge.frame import SourceEvent
from edge.probe import Outcome, ProbeName, ProbeState


class ScriptedProbe:
    """Says what `say` was given from then on, or from the time that was given; `None` is silence."""

    def __init__(self, *said: tuple[int, ProbeState | None]) -> None:
        self.name: ProbeName | None = None
        self.outcomes: list[Outcome] = []
        self.exams: list[Side | ClipGrade | None] = []
        self.closed = False
        self.left_out = 0
        self._said: list[tuple[int, ProbeState | None]] = []
        self._events: list[SourceEvent] = []
        for since_ns, state in said:
            self.say(state, since_ns)

    def say(self, state: ProbeState | None, since_ns: int | None = None) -> None:
        now_ns = time.monotonic_ns() if since_ns is None else since_ns
        if state is not None:
            self.name = ProbeName("SonoHand", "1.4.2")
        if not self._said or (self._said[-1][1] is None) != (state is None):
            told = ("silent", "no heartbeat") if state is None else ("live", "it answers")
            self._events.append(SourceEvent(now_ns, *told))
        self._said.append((now_ns, state))

    def go_silent(self) -> None:
        self.say(None)

    def come_back(self) -> None:
        self.say(next(state for _, state in reversed(self._said) if state is not None))

    def state_at(self, timestamp_ns: int) -> ProbeState | None:
        known = [state for since_ns, state in self._said if since_ns <= timestamp_ns]
        return known[-1] if known and not self.closed else None

    def tell(self, outcome: Outcome) -> None:
        if not self.closed and self._said and self._said[-1][1] is not None:
            self.outcomes.append(outcome)

    def started(self, side: Side | None) -> None:
        self.exams.append(side)

    def ended(self, clip: ClipGrade) -> bool:
        self.exams.append(clip)
        return not self.closed and bool(self._said) and self._said[-1][1] is not None

    def events(self) -> tuple[SourceEvent, ...]:
        return tuple(self._events)

    def close(self) -> None:
        self.closed = True
