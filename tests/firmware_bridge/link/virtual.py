"""Two endpoints and two cables in virtual time: an hour takes seconds."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from firmware_bridge.link.endpoint import Arrived, Connected, Delivered, Endpoint, Event
from firmware_bridge.link.faults import Cable, Faults
from firmware_bridge.link.messages import Hello, Message

MS, SECOND = 1_000_000, 1_000_000_000
BOOT_NS = 7_000 * SECOND  # the host's clock is so far ahead of the probe's

HOST = Hello(256, 0, 0, 0, 1, 0, "host")
PROBE = Hello(256, 7, 0x501, 2, 3, 4, "probe")


@dataclass
class Side:
    """An endpoint, and everything that befell it."""

    endpoint: Endpoint
    cable: Cable  # away from it
    clock_ns: int = 0  # what its clock shows at time 0
    log: list[Event] = field(default_factory=list)

    @property
    def got(self) -> list[Message]:
        return [each.message for each in self.log if isinstance(each, Arrived)]

    @property
    def delivered(self) -> list[Delivered]:
        return [each for each in self.log if isinstance(each, Delivered)]

    @property
    def connections(self) -> list[Connected]:
        return [each for each in self.log if isinstance(each, Connected)]


class Bench:
    """The host, the probe, and the time between them."""

    def __init__(self, faults: Faults = Faults(), seed: int = 1) -> None:  # noqa: B008  it is frozen
        self.now_ns = 0
        self.host = Side(Endpoint(HOST, 0xA0000001, asks_time=True), Cable(faults, seed), BOOT_NS)
        self.probe = Side(Endpoint(PROBE, 0xB0000001), Cable(faults, seed + 1))
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self.cut = False

    def at(self, ns: int, do: Callable[[], None]) -> None:
        """Do something at a time."""
        heapq.heappush(self._queue, (ns, next(self._order), do))

    def run_until(self, end_ns: int) -> None:
        """Let the time pass."""
        while True:
            for side, other in ((self.host, self.probe), (self.probe, self.host)):
                self._settle(side, other)
            due_ns = min(each.endpoint.due_ns() - each.clock_ns for each in (self.host, self.probe))
            next_ns = max(min(due_ns, self._queue[0][0] if self._queue else end_ns, end_ns), self.now_ns)
            self.now_ns = next_ns
            if next_ns >= end_ns:
                return
            while self._queue and self._queue[0][0] <= next_ns:
                heapq.heappop(self._queue)[2]()

    def _settle(self, side: Side, other: Side) -> None:
        for sent in side.endpoint.poll(self.now_ns + side.clock_ns):
            for delay_ns, data in [] if self.cut else side.cable(sent):
                self.at(self.now_ns + delay_ns, lambda data=data: self._arrive(other, data))
        side.log += side.endpoint.events()

    def _arrive(self, side: Side, data: bytes) -> None:
        side.endpoint.received(data, self.now_ns + side.clock_ns)
