"""Numbered messages of one session: sent until acknowledged, handed on once and in order (docs/protocol.md)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from firmware_bridge.link.messages import Message
from firmware_bridge.link.packet import SEQUENCES

MS = 1_000_000  # ns
FIRST_RETRY_NS, SHORTEST_RETRY_NS, LONGEST_RETRY_NS = 200 * MS, 20 * MS, 1000 * MS
NEVER_NS = 1 << 62
AHEAD = SEQUENCES // 2  # a sequence that is further on than this lies behind


def ahead(sequence: int, of: int) -> int:
    """How far a sequence lies beyond another, -AHEAD..AHEAD - 1: they are counted in a circle."""
    return (sequence - of + AHEAD) % SEQUENCES - AHEAD


@dataclass
class RetryTime:
    """How long an acknowledgement is waited for (RFC 6298): the round trip as measured, doubled at each try."""

    _smoothed_ns: float = 0.0
    _varies_ns: float = 0.0
    _tries: int = 0

    def measured(self, round_trip_ns: int) -> None:
        """A message that was sent once was acknowledged after so long."""
        if not self._smoothed_ns:
            self._smoothed_ns, self._varies_ns = round_trip_ns, round_trip_ns / 2
            return
        self._varies_ns += (abs(self._smoothed_ns - round_trip_ns) - self._varies_ns) / 4
        self._smoothed_ns += (round_trip_ns - self._smoothed_ns) / 8

    def again(self) -> None:
        """Another try was made."""
        self._tries += 1

    def progress(self) -> None:
        """Something was acknowledged."""
        self._tries = 0

    @property
    def ns(self) -> int:
        """From sending to sending again."""
        once = max(self._smoothed_ns + 4 * self._varies_ns, SHORTEST_RETRY_NS) if self._smoothed_ns else FIRST_RETRY_NS
        return int(min(once * 2 ** min(self._tries, 10), LONGEST_RETRY_NS))


@dataclass(eq=False)
class _Waiting:
    message: Message
    newest: bool  # a newer one may take its place


@dataclass
class _Sent:
    sequence: int
    what: _Waiting
    first_ns: int
    tries: int = 1


@dataclass
class Outbox:
    """What this side owes the other."""

    retry: RetryTime = field(default_factory=RetryTime)
    resent: int = 0
    _waiting: deque[_Waiting] = field(default_factory=deque)
    _sent: deque[_Sent] = field(default_factory=deque)
    _next: int = 0
    _sent_ns: int = 0  # when the oldest was last sent

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sent)

    def add(self, message: Message) -> None:
        """Send it once there is room."""
        self._waiting.append(_Waiting(message, newest=False))

    def add_newest(self, message: Message) -> bool:
        """Send it once there is room and none like it is on its way. One that waits is forgotten: whether one was."""
        overtaken = next((each for each in self._waiting if each.newest), None)
        if overtaken:
            self._waiting.remove(overtaken)
        self._waiting.append(_Waiting(message, newest=True))
        return overtaken is not None

    def due(self, now_ns: int, window: int) -> Iterator[tuple[int, Message]]:
        """What is to be sent now, each with its sequence: again what is late, and more as far as the window goes."""
        if self._sent and now_ns >= self._sent_ns + self.retry.ns:
            self.retry.again()
            self._sent_ns = now_ns
            for each in self._sent:
                each.tries += 1
                self.resent += 1
                yield each.sequence, each.what.message
        while self._may_send(window):
            what = self._waiting.popleft()
            if not self._sent:
                self._sent_ns = now_ns
            self._sent.append(_Sent(self._next, what, now_ns))
            yield self._next, what.message
            self._next = (self._next + 1) % SEQUENCES

    def acknowledged(self, sequence: int, now_ns: int) -> Iterator[tuple[Message, int]]:
        """What the other side has by this acknowledgement, with the time it took in ns."""
        if not 0 < ahead(sequence, self._oldest) <= len(self._sent):
            return
        self.retry.progress()
        self._sent_ns = now_ns
        while self._sent and ahead(sequence, self._oldest) > 0:
            done = self._sent.popleft()
            if done.tries == 1:
                self.retry.measured(now_ns - done.first_ns)
            yield done.what.message, now_ns - done.first_ns

    def due_ns(self, window: int) -> int:
        """When `due` has something to say, as things are."""
        if self._may_send(window):
            return 0
        return self._sent_ns + self.retry.ns if self._sent else NEVER_NS

    def hurry(self) -> None:
        """The way is open again: what was sent into nothing is due at once."""
        self.retry.progress()
        self._sent_ns = -LONGEST_RETRY_NS

    def restart(self) -> tuple[Message, ...]:
        """The other side is another: what it may or may not have executed; what was never sent stays."""
        lost = tuple(each.what.message for each in self._sent)
        self._sent.clear()
        self._next = 0
        self.retry = RetryTime()
        return lost

    def _may_send(self, window: int) -> bool:
        """Whether the next that waits may go: what a newer one may overtake goes when none like it is on its way."""
        if not self._waiting or len(self._sent) >= window:
            return False
        return not (self._waiting[0].newest and any(each.what.newest for each in self._sent))

    @property
    def _oldest(self) -> int:
        return self._sent[0].sequence if self._sent else self._next


@dataclass
class Inbox:
    """What the other side owes this one: early packets wait for those before them."""

    window: int
    expected: int = 0  # the sequence of the next packet to hand on
    repeated: int = 0  # packets that had come before
    beyond: int = 0  # packets that there was no room for
    _early: dict[int, tuple[int, bytes]] = field(default_factory=dict)

    def __call__(self, sequence: int, message: int, payload: bytes) -> Iterator[tuple[int, bytes]]:
        """The messages, id and payload, that may be handed on now that this one is here."""
        distance = ahead(sequence, self.expected)
        if distance < 0 or sequence in self._early:
            self.repeated += 1
        elif distance >= self.window:
            self.beyond += 1
        else:
            self._early[sequence] = message, payload
        while self.expected in self._early:
            yield self._early.pop(self.expected)
            self.expected = (self.expected + 1) % SEQUENCES
