"""One side of a link as rules: who is on the other side, since when, what was heard and what is to be said now.

It has no clock and no port: bytes and the time come in (`received`), frames go out (`poll`), at `due_ns` at the latest;
what befell is in `events`. docs/protocol.md has the rules.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TypeAlias, cast

from firmware_bridge.link.framing import Unframer, frame
from firmware_bridge.link.messages import FORMS, Heartbeat, Hello, Message, Refused, TimeAsk, TimeTold, decode, encode
from firmware_bridge.link.numbered import MS, NEVER_NS, Inbox, Outbox, ahead
from firmware_bridge.link.packet import MAJOR, MAX_PACKET, NOBODY, SEQUENCES, Packet
from firmware_bridge.link.packet import decode as decode_packet
from firmware_bridge.link.time_sync import TimeSync

GREETING_NS = 100 * MS
HEARTBEAT_NS = 250 * MS
SILENCE_NS = 1000 * MS
REFUSAL_NS = 1000 * MS
WINDOW = 16  # numbered packets that this side has room for
UNCOUNTED = frozenset(FORMS[each].id for each in (Hello, Refused))  # they are said before there is a session too
RETIRED = 8  # earlier sessions of the other side that are remembered


@dataclass(frozen=True)
class Connected:
    """The other side is known; `lost` may or may not have been executed by the one that was there before."""

    hello: Hello
    lost: tuple[Message, ...] = ()


@dataclass(frozen=True)
class Silent:
    """Nothing was heard for `SILENCE_NS`."""


@dataclass(frozen=True)
class HeardAgain:
    """The same other side speaks again."""


@dataclass(frozen=True)
class Arrived:
    """A message for whoever listens, numbered ones once and in order."""

    message: Message
    at_ns: int


@dataclass(frozen=True)
class Delivered:
    """The other side has this numbered message of ours."""

    message: Message
    after_ns: int


@dataclass(frozen=True)
class Incompatible:
    """The other side speaks another major version of the protocol."""

    major: int


Event: TypeAlias = Connected | Silent | HeardAgain | Arrived | Delivered | Incompatible


@dataclass
class Counts:
    """What went wrong, and was mended or dropped."""

    damaged: int = 0  # frames that were none
    stale: int = 0  # packets of, or for, a session that is not this one
    unknown: int = 0  # messages with an id that is in no table, or with too few bytes
    missed: int = 0  # passing packets of the other side that never came, or after a later one
    repeated: int = 0  # numbered packets of the other side that came again
    resent: int = 0  # numbered packets of ours that were sent again


@dataclass
class _Other:
    """The other side in its present session."""

    session: int
    window: int
    heard_ns: int
    passing: int = 0  # the sequence of its next passing packet
    silent: bool = False

    @property
    def room(self) -> int:
        """The window for what is on its way. While it is silent nothing new goes: a newer grade may overtake that."""
        return 0 if self.silent else self.window


class Endpoint:
    """One side of one link. Not for two threads at a time."""

    def __init__(self, hello: Hello, session: int, *, asks_time: bool = False) -> None:
        """`session`: 1..2**32 - 1, one that this side did not have before. The host asks for the time there."""
        self._hello, self._session, self._asks_time = hello, session, asks_time
        self.time = TimeSync()
        self._unframe = Unframer(MAX_PACKET)
        self._outbox, self._inbox = Outbox(), Inbox(WINDOW)
        self._other: _Other | None = None
        self._candidate: tuple[int, Hello] | None = None
        self._retired: deque[int] = deque(maxlen=RETIRED)
        self._passing: deque[Message] = deque()
        self._passed = 0  # the sequence of our next passing packet
        self._asked: list[tuple[int, int]] = []  # for the time: the question, and when it came
        self._events: deque[Event] = deque()
        self._untaken = 0  # numbered messages among them
        self._greeted_ns = self._refused_ns = self._said_ns = -SILENCE_NS
        self._greet = self._greet_at_once = self._acknowledge = False
        self._refuse, self._incompatible = False, MAJOR
        self._counts = Counts()

    @property
    def connected(self) -> bool:
        """Whether somebody is there, who may be silent."""
        return self._other is not None

    @property
    def silent(self) -> bool:
        """Whether nobody is there, or somebody who says nothing."""
        return self._other is None or self._other.silent

    @property
    def owed(self) -> int:
        """Numbered messages that are not acknowledged yet."""
        return len(self._outbox)

    @property
    def counts(self) -> Counts:
        """Of all sessions."""
        inbox, outbox = self._inbox, self._outbox
        return replace(self._counts, damaged=self._unframe.damaged, repeated=inbox.repeated, resent=outbox.resent)

    def send(self, message: Message) -> None:
        """Say a message: a numbered one once somebody is there, a passing one now or never."""
        if FORMS[type(message)].numbered:
            self._outbox.add(message)
        elif self._other:
            self._passing.append(message)

    def send_newest(self, message: Message) -> bool:
        """Say a numbered message of which the newest counts: one at a time is on its way, and one that was not sent yet
        is overtaken. Whether one was."""
        return self._outbox.add_newest(message)

    def reopened(self) -> None:
        """The port is a new one: who was there is silent until heard, and what is owed is due at once."""
        self._unframe = Unframer(MAX_PACKET, self._unframe.damaged)
        if self._other:
            self._other.silent = True
        self._outbox.hurry()
        self._greet = True

    def events(self) -> list[Event]:
        """What befell since the last call."""
        taken = list(self._events)
        self._events.clear()
        if self._untaken > WINDOW // 2:  # whoever waits for room must hear that there is some again
            self._acknowledge = True
        self._untaken = 0
        return taken

    def received(self, data: bytes, now_ns: int) -> None:
        """Bytes came."""
        for whole in self._unframe(data):
            packet = decode_packet(whole)
            if packet is None:
                self._unframe.damaged += 1
            elif packet.major != MAJOR:
                self._another_version(packet)
            elif self._in_session(packet, now_ns):
                self._take(packet, now_ns)

    def poll(self, now_ns: int) -> list[bytes]:
        """The frames to send now."""
        frames: list[bytes] = []
        if self._refuse and now_ns - self._refused_ns >= REFUSAL_NS:
            frames.append(self._pass(Refused(MAJOR)))
            self._refuse, self._refused_ns = False, now_ns
        if now_ns >= self._greeting_due_ns():
            frames.append(self._pass(self._hello))
            self._greet = self._greet_at_once = False
            self._greeted_ns = now_ns
        if self._other and (owed := self._owed_now(self._other, now_ns)):
            frames += owed
            self._acknowledge, self._said_ns = False, now_ns
        return frames

    def due_ns(self) -> int:
        """When `poll` wants to be called at the latest."""
        due = [self._greeting_due_ns()]
        if self._refuse:
            due.append(self._refused_ns + REFUSAL_NS)
        if self._other:
            due += [self._said_ns + HEARTBEAT_NS, self._outbox.due_ns(self._other.room)]
            if self._asks_time:
                due.append(self.time.due_ns)
            if not self._other.silent:
                due.append(self._other.heard_ns + SILENCE_NS)
            if self._acknowledge or self._passing or self._asked:
                due.append(0)
        return min(due)

    def _owed_now(self, other: _Other, now_ns: int) -> list[bytes]:
        if not other.silent and now_ns - other.heard_ns >= SILENCE_NS:
            other.silent = True
            self._events.append(Silent())
        numbered = [self._frame(sequence, each) for sequence, each in self._outbox.due(now_ns, other.room)]
        if self._asks_time and now_ns >= self.time.due_ns:
            self.time.asked(now_ns)
            self._passing.append(TimeAsk(now_ns))
        self._passing.extend(TimeTold(asked, came_ns // 1000, now_ns // 1000) for asked, came_ns in self._asked)
        passing = [self._pass(each) for each in self._passing]
        self._asked.clear()
        self._passing.clear()
        if not numbered and not passing and (self._acknowledge or now_ns - self._said_ns >= HEARTBEAT_NS):
            return [self._pass(Heartbeat())]
        return numbered + passing

    def _greeting_due_ns(self) -> int:
        if self._greet_at_once:
            return 0
        if self._greet or self._other is None:
            return self._greeted_ns + GREETING_NS
        return NEVER_NS

    def _another_version(self, packet: Packet) -> None:
        if packet.message != FORMS[Refused].id:
            self._refuse = True
        if packet.major != self._incompatible:
            self._incompatible = packet.major
            self._events.append(Incompatible(packet.major))

    def _in_session(self, packet: Packet, now_ns: int) -> bool:
        """Whether a packet belongs to the session; enters a new one where the other side is a new one."""
        if packet.sender in (NOBODY, self._session, *self._retired):
            self._counts.stale += 1
            return False
        mine, present = packet.receiver == self._session, self._other and packet.sender == self._other.session
        if mine and present:
            return True
        hello = decode(packet.message, packet.payload)
        stranger = isinstance(hello, Hello) and not present
        if stranger:
            self._candidate = packet.sender, cast(Hello, hello)
        if mine and self._candidate and packet.sender == self._candidate[0]:
            self._enter(*self._candidate, now_ns)
            return True
        self._greet = True
        self._greet_at_once |= stranger
        self._counts.stale += not stranger
        return False

    def _enter(self, session: int, hello: Hello, now_ns: int) -> None:
        if self._other:
            self._retired.append(self._other.session)
        lost = self._outbox.restart()
        self._inbox = Inbox(WINDOW, repeated=self._inbox.repeated)
        self._other, self._candidate = _Other(session, 0, now_ns), None
        self.time = TimeSync()
        self._passed = 0
        self._passing.clear()
        self._asked.clear()
        self._acknowledge = True
        self._events.append(Connected(hello, lost))

    def _take(self, packet: Packet, now_ns: int) -> None:
        other = self._other
        assert other  # noqa: S101  who is in session is there
        other.heard_ns, other.window = now_ns, packet.window
        if other.silent:
            other.silent = False
            self._outbox.hurry()
            self._events.append(HeardAgain())
        for message, after_ns in self._outbox.acknowledged(packet.acknowledged, now_ns):
            self._events.append(Delivered(message, after_ns))
        if packet.numbered:
            self._acknowledge = True
            for number, payload in self._inbox(packet.sequence, packet.message, packet.payload):
                self._hand_on(number, payload, now_ns)
        elif packet.message not in UNCOUNTED and self._is_next(other, packet.sequence):
            self._hand_on(packet.message, packet.payload, now_ns)

    def _is_next(self, other: _Other, sequence: int) -> bool:
        """Of passing packets, one that comes after a later one has passed."""
        distance = ahead(sequence, other.passing)
        if distance < 0:
            return False
        self._counts.missed += distance
        other.passing = (sequence + 1) % SEQUENCES
        return True

    def _hand_on(self, number: int, payload: bytes, now_ns: int) -> None:
        message = decode(number, payload)
        if message is None:
            self._counts.unknown += 1
        elif isinstance(message, TimeAsk):
            self._asked.append((message.host_ns, now_ns))
        elif isinstance(message, TimeTold):
            self.time.told(message.host_ns, message.received_us, message.sent_us, now_ns)
        elif not isinstance(message, Heartbeat):
            self._events.append(Arrived(message, now_ns))
            self._untaken += FORMS[type(message)].numbered

    def _pass(self, message: Message) -> bytes:
        if FORMS[type(message)].id in UNCOUNTED:
            return self._frame(0, message)
        sequence, self._passed = self._passed, (self._passed + 1) % SEQUENCES
        return self._frame(sequence, message)

    def _frame(self, sequence: int, message: Message) -> bytes:
        form = FORMS[type(message)]
        greets = message is self._hello and self._candidate is not None
        receiver = self._candidate[0] if greets and self._candidate else self._other.session if self._other else NOBODY
        return frame(
            Packet(
                message=form.id,
                payload=encode(message),
                sender=self._session,
                receiver=receiver,
                sequence=sequence,
                acknowledged=self._inbox.expected,
                window=max(0, WINDOW - self._untaken),
                numbered=form.numbered,
            ).encode()
        )
