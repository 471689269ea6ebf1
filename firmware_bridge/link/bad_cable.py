"""A cable between two descriptors as bad as `Faults` says, or as slow as a line: a thread that carries frames."""

from __future__ import annotations

import heapq
import os
import select
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from firmware_bridge.link.faults import Cable, Faults

MS = 1_000_000  # ns
ROOM = 1024  # bytes that are on the way at a time, before the sender has to wait
LOOK_MS = 100  # so that a cable that is closed, or joined again, is noticed
READ_BYTES = 4096  # at a time


@dataclass
class _Way:
    """One direction."""

    source: int
    target: int
    cable: Cable
    bytes_per_s: float | None
    begun: bytes = b""  # of a frame whose end has not come
    out: bytearray = field(default_factory=bytearray)  # what the other end does not take yet
    on_the_way: list[tuple[int, int, bytes]] = field(default_factory=list)  # due in ns, and in this order
    _order: count[int] = field(default_factory=count)
    _free_ns: int = 0  # when the line has carried what went before
    _bytes: int = 0  # on the way

    @property
    def has_room(self) -> bool:
        return self._bytes + len(self.out) < ROOM

    def take(self, data: bytes, now_ns: int) -> None:
        """Bytes go in; those of whole frames come out one day, or not."""
        *runs, self.begun = (self.begun + data).split(b"\0")
        for run in filter(None, runs):
            for delay_ns, frame in self.cable(b"\0" + run + b"\0"):
                if self.bytes_per_s:
                    self._free_ns = max(self._free_ns, now_ns) + int(len(frame) / self.bytes_per_s * 1e9)
                heapq.heappush(self.on_the_way, (max(now_ns, self._free_ns) + delay_ns, next(self._order), frame))
                self._bytes += len(frame)

    def give(self, now_ns: int, *, cut: bool) -> None:
        """What is due comes out."""
        while self.on_the_way and self.on_the_way[0][0] <= now_ns:
            _, _, frame = heapq.heappop(self.on_the_way)
            self._bytes -= len(frame)
            if not cut:
                self.out += frame
        if self.out:
            with suppress(BlockingIOError):
                del self.out[: os.write(self.target, self.out)]


class BadCable:
    """Carries frames between `one` and `other`, descriptors that do not block, until it is closed or one is gone."""

    def __init__(
        self,
        one: int,
        other: int,
        faults: Faults = Faults(),  # noqa: B008  it is frozen
        *,
        seed: int = 1,
        delay_ns: int = 1 * MS,
        bytes_per_s: float | None = None,
    ) -> None:
        """`bytes_per_s`: of the line, each way; None: as fast as it goes."""
        self.cut = False  # nothing comes out
        self._ways = [
            _Way(one, other, Cable(faults, seed, delay_ns), bytes_per_s),
            _Way(other, one, Cable(faults, seed + 1, delay_ns), bytes_per_s),
        ]
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="cable", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends; the descriptors are the caller's to close."""
        self._stopping = True
        self._thread.join()

    def _run(self) -> None:
        with suppress(OSError):  # an end is gone
            while not self._stopping:
                self._carry()

    def _carry(self) -> None:
        poller, wants = select.poll(), dict[int, int]()
        due_ns = time.monotonic_ns() + LOOK_MS * MS
        for way in self._ways:
            if way.has_room:
                wants[way.source] = wants.get(way.source, 0) | select.POLLIN
            if way.out:
                wants[way.target] = wants.get(way.target, 0) | select.POLLOUT
            if way.on_the_way:
                due_ns = min(due_ns, way.on_the_way[0][0])
        for fd, events in wants.items():
            poller.register(fd, events)
        ready = dict(poller.poll(max(0, (due_ns - time.monotonic_ns()) / MS)))
        for way in self._ways:
            if way.has_room and ready.get(way.source, 0) & ~select.POLLOUT:
                data = os.read(way.source, READ_BYTES)
                if not data:
                    raise BrokenPipeError("the end is gone")
                way.take(data, time.monotonic_ns())
            way.give(time.monotonic_ns(), cut=self.cut)
