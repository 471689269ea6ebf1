"""A running link: one thread that owns a wire and the rules of `endpoint`, and opens the wire again when it is gone.

    do, send       from any thread: put into a queue that the thread looks into soon; nobody waits
    listen         called in the link's thread with each event and the rules, and is not to wait either

A serial port is one wire (`serial_link`), a pair of sockets within a process another (`wire.loopback`).
"""

from __future__ import annotations

import os
import secrets
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from firmware_bridge.errors import PortError
from firmware_bridge.link import endpoint
from firmware_bridge.link.endpoint import Counts, Endpoint
from firmware_bridge.link.messages import FORMS, Hello, Message, encode
from firmware_bridge.link.wire import Wire

MS = 1_000_000  # ns
BACK_OFF_NS = (100 * MS, 500 * MS)  # between two tries to open the wire: the first, the longest
BRISK_NS, LOOK_NS = 1000 * MS, 10 * MS  # after a task: for so long, so often it looks for others without being woken
PATIENCE_S = 0.3  # that `close` has with what is still to be said
MOST_TASKS = 1000  # that the thread has not come to
MOST_OWED = 256  # numbered messages that the other side does not have yet
MOST_PENDING = 8192  # bytes that the wire does not take: what is more is lost, as on a bad cable


@dataclass(frozen=True)
class Opened:
    """The wire is there; nobody has spoken on it yet."""

    name: str


@dataclass(frozen=True)
class Absent:
    """The wire is gone, or cannot be opened. It is tried again until the link is closed."""

    why: str


Event: TypeAlias = endpoint.Event | Opened | Absent
Task: TypeAlias = Callable[[Endpoint], None]
Listen: TypeAlias = Callable[[Event, Endpoint], None]


class Link:
    """One side of a running link."""

    def __init__(
        self,
        open_wire: Callable[[], Wire],
        hello: Hello,
        listen: Listen,
        *,
        asks_time: bool = False,
        wait: bool = False,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`clock` gives ns. `wait`: the wire need not be there yet.

        Raises:
            PortError: it is not there, and not to be waited for.
        """
        self._open_wire, self._listen, self._clock = open_wire, listen, clock
        self._endpoint = Endpoint(hello, secrets.randbelow(2**32 - 1) + 1, asks_time=asks_time)
        self._wire: Wire | None = None
        self._pending = bytearray()  # what the wire has not taken yet
        self._open_ns, self._back_off_ns, self._absent = 0, BACK_OFF_NS[0], ""
        self._tasks: deque[Task] = deque()
        self.refused = 0  # tasks and messages that there was no room for
        self.crowded = 0  # frames that the wire had no room for
        self._waking, self._asleep, self._ended = threading.Lock(), False, False
        self._brisk_ns = 0  # until then it looks by itself: to wake it would cost each frame 0.1 ms
        self._until_ns: int | None = None  # closing, at the latest then
        first = None if wait else open_wire()
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, args=(first,), name="link", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> Counts:
        """What went wrong, and was mended or dropped."""
        return self._endpoint.counts

    @property
    def pending(self) -> int:
        """Bytes that the wire has not taken yet."""
        return len(self._pending)

    def send(self, message: Message) -> None:
        """Says a message: a numbered one once somebody is there, a passing one now or never.

        Raises:
            ValueError: a number does not fit its field.
        """
        encode(message)
        self.do(partial(self._send, message))

    def do(self, task: Task) -> None:
        """Has the thread do something with the rules, soon; nothing after `close`."""
        if len(self._tasks) >= MOST_TASKS:
            self.refused += 1
            return
        self._tasks.append(task)
        if self._asleep:
            self._wake()

    def close(self, patience_s: float = PATIENCE_S) -> None:
        """Says what is owed to who is there, for as long as `patience_s`, and lets go of the wire. Again: nothing."""
        if self._until_ns is None:
            self._until_ns = self._clock() + int(patience_s * 1e9)
        self._wake()
        if self._thread is not threading.current_thread():
            self._thread.join(patience_s + 0.5)  # a port that takes nothing may take its time to close

    def _send(self, message: Message, rules: Endpoint) -> None:
        if rules.owed >= MOST_OWED and FORMS[type(message)].numbered:
            self.refused += 1
        else:
            rules.send(message)

    def _wake(self) -> None:
        with self._waking:
            if not self._ended:
                self._asleep = False
                os.eventfd_write(self._wake_fd, 1)

    def _run(self, first: Wire | None) -> None:
        try:
            if first:
                self._opened(first)
            while not self._done():
                self._step()
        finally:
            self._drop_wire()
            with self._waking:
                self._ended = True
                os.close(self._wake_fd)
            self._tasks.clear()

    def _done(self) -> bool:
        if self._until_ns is None or self._tasks:
            return False
        nothing_left = not self._endpoint.owed and not self._pending
        return nothing_left or self._wire is None or self._endpoint.silent or self._clock() >= self._until_ns

    def _step(self) -> None:
        try:
            while self._tasks:
                self._tasks.popleft()(self._endpoint)
                self._brisk_ns = self._clock() + BRISK_NS
            if self._wire:
                self._say(self._wire)
            elif self._clock() >= self._open_ns:
                self._opened(self._open_wire())
            self._tell()
            if self._wait() and self._wire:
                self._endpoint.received(self._wire.read(), self._clock())
                self._back_off_ns = BACK_OFF_NS[0]
        except PortError as error:
            self._lost(str(error))
        self._tell()

    def _opened(self, wire: Wire) -> None:
        self._wire, self._absent = wire, ""
        self._endpoint.reopened()
        self._listen(Opened(wire.name), self._endpoint)

    def _lost(self, why: str) -> None:
        self._drop_wire()
        self._open_ns = self._clock() + self._back_off_ns
        self._back_off_ns = min(2 * self._back_off_ns, BACK_OFF_NS[1])
        if why != self._absent:
            self._absent = why
            self._listen(Absent(why), self._endpoint)

    def _drop_wire(self) -> None:
        wire, self._wire = self._wire, None
        self._pending.clear()
        if wire:
            wire.close()

    def _say(self, wire: Wire) -> None:
        for frame in self._endpoint.poll(self._clock()):
            if len(self._pending) + len(frame) > MOST_PENDING:
                self.crowded += 1
            else:
                self._pending += frame
        if self._pending:
            del self._pending[: wire.write(self._pending)]

    def _tell(self) -> None:
        for event in self._endpoint.events():
            self._listen(event, self._endpoint)

    def _wait(self) -> bool:
        """Until something is due, comes, fits or is asked for; whether there is something to read."""
        poller = select.poll()
        poller.register(self._wake_fd, select.POLLIN)
        if self._wire:
            poller.register(self._wire.fd, select.POLLIN | (select.POLLOUT if self._pending else 0))
        ready = dict(poller.poll(max(0, -(-(self._due_ns() - self._clock()) // MS))))
        self._asleep = False
        if self._wake_fd in ready:
            os.eventfd_read(self._wake_fd)
        return bool(self._wire and ready.get(self._wire.fd, 0) & ~select.POLLOUT)

    def _due_ns(self) -> int:
        """Until when it may sleep. From here on who has a task wakes it, unless it looks by itself."""
        now_ns = self._clock()
        self._asleep = now_ns >= self._brisk_ns
        due_ns = self._endpoint.due_ns() if self._wire else self._open_ns
        if self._until_ns is not None:
            due_ns = min(due_ns, self._until_ns)
        if self._tasks:
            return now_ns
        return due_ns if self._asleep else min(due_ns, now_ns + LOOK_NS)
