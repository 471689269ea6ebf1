"""The vectors that both sides of the link answer to: `python -m tests.firmware_bridge.vectors` writes vectors.json.

frames     a message, its packet and its frame, both ways
damaged    bytes, the payloads of the packets among them, and how many frames were none
dialogues  what a probe hears and is told to send, and when; what it says and hands on then, to the byte
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from firmware_bridge.link.endpoint import WINDOW, Arrived, Endpoint
from firmware_bridge.link.framing import Unframer, cobs_encode, frame
from firmware_bridge.link.messages import (
    FORMS,
    ButtonEvent,
    ExamEnded,
    ExamStarted,
    Grade,
    Heartbeat,
    Hello,
    Log,
    Message,
    Power,
    Refused,
    State,
    TimeAsk,
    encode,
)
from firmware_bridge.link.packet import MAX_PACKET, MAX_PAYLOAD, NOBODY, NUMBERED, Packet, decode

VECTORS = Path(__file__).with_name("vectors.json")
PROBE, HOST, NEXT_HOST, STRANGER = 0x11223344, 0xA1B2C3D4, 0xA1B2C3D5, 0x0BADCAFE
SAMPLES, MAKERS_OWN = 0x0030, 0x8001  # ids
LIMITS = {"B": (0, 0xFF), "H": (0, 0xFFFF), "h": (-0x8000, 0x7FFF), "I": (0, 2**32 - 1), "Q": (0, 2**64 - 1)}
PROBES_HELLO = Hello(256, 15, 7, 1, 2, 3, "probe")
HOSTS_HELLO = Hello(256, 0, 0, 1, 0, 0, "host")
STATE = State(250_000, 0, 350, 60, 10_000, 1, 255, 1)


def packet(number: int, payload: bytes, *, numbered: bool = False) -> Packet:
    """As the probe says it first in a session, after the heartbeat by which the host enters."""
    sequence = 0 if numbered or number in (FORMS[Hello].id, FORMS[Refused].id) else 1
    return Packet(number, payload, PROBE, HOST, sequence, acknowledged=0, window=4, numbered=numbered)


def _texts(room: int) -> Iterator[tuple[str, str]]:
    yield "no text", ""
    yield "a text", "low battery"
    yield "a text of several bytes a letter", "Größe 15 × 15 mm², 神経"
    yield "the longest text", "x" * room


def _instances() -> Iterator[tuple[str, Message]]:
    for cls, form in FORMS.items():
        codes = [wire.code for _, wire in form.wires if wire.code != "text"]
        numbers = {"zeros": [0] * len(codes), "least": [LIMITS[code][0] for code in codes]}
        numbers |= {"most": [LIMITS[code][1] for code in codes], "a row": list(range(1, len(codes) + 1))}
        for name, values in numbers.items():
            for text_name, text in _texts(MAX_PAYLOAD - form.numbers.size) if form.has_text else [("", None)]:
                yield (
                    f"{cls.__name__}, {name}, {text_name}".rstrip(", "),
                    cls(*values, *([] if text is None else [text])),
                )


def _payloads() -> Iterator[tuple[str, bytes]]:
    for count in (0, 1, 232, 233, 234, 235, 236, 237, 238, 253, 254, 255, 256):
        yield f"{count} bytes without a zero", b"\x01" * count
        yield f"{count} zeros", bytes(count)
    yield "254 bytes and a zero", b"\xff" * 254 + b"\0"
    yield "every byte", bytes(range(256))
    yield "every byte, downwards", bytes(range(255, -1, -1))
    yield "a zero every other byte", b"\x55\0" * 128


def _frame(name: str, whole: Packet, message: Message | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name}
    if message:
        told["message"] = {type(message).__name__: asdict(message)}  # type: ignore[call-overload]
    return told | {"packet": asdict(whole) | {"payload": whole.payload.hex()}, "frame": frame(whole.encode()).hex()}


def frames() -> list[dict[str, Any]]:
    """Each message, payloads of all lengths, headers with all bits."""
    made = [
        _frame(name, packet(FORMS[type(message)].id, encode(message), numbered=FORMS[type(message)].numbered), message)
        for name, message in _instances()
    ]
    for name, payload in _payloads():
        made.append(_frame(f"samples, {name}", packet(SAMPLES, payload)))
        made.append(_frame(f"a maker's own, {name}", packet(MAKERS_OWN, payload, numbered=True)))
    plain = packet(MAKERS_OWN, b"payload")
    whole = replace(plain, sender=2**32 - 1, receiver=2**32 - 2, sequence=0x7FFF, acknowledged=0xFFFF, window=127)
    made.append(_frame("a header of ones", whole))
    made.append(_frame("the highest minor", replace(plain, minor=15)))
    made.append(_frame("no window", replace(plain, window=0)))
    return made


def damaged() -> list[dict[str, Any]]:
    """What is a frame, and what is none; packets go from the host to the probe, passing."""

    def whole(sequence: int, payload: bytes) -> bytes:
        return frame(replace(packet(MAKERS_OWN, payload), sender=HOST, receiver=PROBE, sequence=sequence).encode())

    def own(bytes_: bytes) -> bytes:
        return b"\0" + cobs_encode(bytes_) + b"\0"

    one, two = whole(1, b"one"), whole(2, b"two")
    longest = whole(1, bytes(MAX_PAYLOAD))
    crc_of_nothing = bytes(4)
    cases = {
        "two frames": one + two,
        "two frames with one zero between": one + two[1:],
        "zeros before, between and after": b"\0\0\0" + one + b"\0\0" + two + b"\0",
        "no zero before the first": one[1:] + two,
        "the end is lost": one[:-1] + two,
        "the end and the next beginning are lost": one[:-1] + two[1:] + whole(3, b"three"),
        "cut in the middle": one[: len(one) // 2] + two,
        "the beginning is lost": one[5:] + two,
        "a bit is another": bytes([*one[:9], one[9] ^ 0x10, *one[10:]]) + two,
        "the CRC is another": bytes([*one[:-2], one[-2] ^ 0x01, *one[-1:]]) + two,
        "a byte came twice": one[:12] + one[11:] + two,
        "a byte is lost": one[:12] + one[13:] + two,
        "a zero in the middle": one[:12] + b"\0" + one[12:] + two,
        "a count beyond the end": b"\0\xff\x01\x02\0" + two,
        "a count one beyond the end": _last_count_beyond(one) + two,
        "a count alone": b"\0\x01\0" + two,
        "noise before": bytes(range(1, 256)) + one,
        "a thousand bytes of noise": b"\x5a" * 1000 + one,
        "the longest packet": longest,
        "a byte more than the longest": own(bytes(277)) + one,
        "the CRC of nothing": own(crc_of_nothing) + one,
        "a packet without a whole header": frame(b"\x10\x04\x01\x80" * 3) + one,
        "one byte": b"\x01",
        "nothing": b"",
    }
    return [_damage(name, data) for name, data in cases.items()]


def _last_count_beyond(whole: bytes) -> bytes:
    """The frame with its last count one too high: all the bytes are there, and their CRC holds."""
    code = bytearray(whole)
    at = 1
    while at + code[at] < len(code) - 1:
        at += code[at]
    code[at] += 1
    return bytes(code)


def _damage(name: str, data: bytes) -> dict[str, Any]:
    payloads, count = taken(data)
    return {"name": name, "bytes": data.hex(), "payloads": [each.hex() for each in payloads], "damaged": count}


def taken(data: bytes) -> tuple[list[bytes], int]:
    """The payloads of the packets in these bytes, and how many frames were none."""
    unframe = Unframer(MAX_PACKET)
    packets = [decode(whole) for whole in unframe(data)]
    return [each.payload for each in packets if each], unframe.damaged + packets.count(None)


@dataclass
class Dialogue:
    """A probe, and what befalls it."""

    name: str
    probe: Endpoint = field(default_factory=lambda: Endpoint(PROBES_HELLO, PROBE))
    steps: list[dict[str, Any]] = field(default_factory=list)

    def at(self, ms: float, *heard: bytes, sends: Message | None = None) -> Dialogue:
        """One step: the bytes that come, the message that the firmware sends, and what the probe says then."""
        now_ns = int(ms * 1000) * 1000
        for each in heard:
            self.probe.received(each, now_ns)
        if sends:
            self.probe.send(sends)
        handed = [event.message for event in self.probe.events() if isinstance(event, Arrived)]
        said = b"".join(self.probe.poll(now_ns))
        step: dict[str, Any] = {"at_us": now_ns // 1000}
        if heard:
            step["hears"] = b"".join(heard).hex()
        if sends:
            step["sends"] = {type(sends).__name__: asdict(sends)}  # type: ignore[call-overload]
        step["says"] = said.hex()
        if handed:
            step["hands_on"] = [{type(each).__name__: asdict(each)} for each in handed]  # type: ignore[call-overload]
        self.steps.append(step)
        return self

    def polls(self, *ms: float) -> Dialogue:
        """Nothing comes."""
        for each in ms:
            self.at(each)
        return self


def host(
    message: Message | tuple[int, bytes],
    sequence: int = 0,
    acknowledged: int = 0,
    *,
    session: int = HOST,
    probe: int = PROBE,
    numbered: bool | None = None,
    window: int = 16,
    major: int = 1,
) -> bytes:
    """A frame of the host's."""
    if isinstance(message, Message):
        number, payload, is_numbered = FORMS[type(message)].id, encode(message), FORMS[type(message)].numbered
    else:
        (number, payload), is_numbered = message, False
    is_numbered = is_numbered if numbered is None else numbered
    sent = Packet(number, payload, session, probe, sequence, acknowledged, window, is_numbered, major)
    return frame(sent.encode())


def _met(name: str) -> Dialogue:
    return Dialogue(name).at(0, host(HOSTS_HELLO))


def dialogues() -> list[Dialogue]:
    """Meeting, talking, losing one another; no retry, whose time is each side's own."""
    grade = Grade(123_456, 0, 2, 87, 0, 1180)
    return [
        Dialogue("the probe greets until somebody answers")
        .polls(0, 50, 99.999, 100, 150, 210)
        .at(250, host(HOSTS_HELLO, probe=NOBODY))
        .polls(300)
        .at(310, host(Heartbeat()))
        .at(320, sends=STATE)
        .at(330, host(Heartbeat(), 1, acknowledged=1)),
        _met("the host knows the probe already").at(1, sends=STATE).at(2, host(Heartbeat(), acknowledged=1)),
        _met("numbered messages are handed on once, and acknowledged each time")
        .at(1, host(ExamStarted(1)))
        .at(2, host(ExamStarted(1)))
        .at(3, host(grade, 1))
        .at(4, host(ExamStarted(1)))
        .at(5, host(grade, 1))
        .at(6, host(ExamEnded(9, 8), 2)),
        _met("what nobody knows is acknowledged and skipped")
        .at(1, host((0x7777, b"new"), numbered=True))
        .at(2, host((FORMS[Grade].id, b"short"), 1, numbered=True))
        .at(3, host((0x7778, b"")))
        .at(4, host(grade, 2)),
        _met("a newer minor's fields are skipped").at(1, host((FORMS[ExamStarted].id, b"\x02new"), numbered=True)),
        _met("the time is told").at(1, host(TimeAsk(10**15))).at(5_000_000, host(TimeAsk(2**64 - 1), 1)),
        _met("passing messages are taken once, and none after a later one")
        .at(1, host(TimeAsk(1), 5))
        .at(2, host(TimeAsk(1), 5))
        .at(3, host(TimeAsk(2), 4))
        .at(4, host(TimeAsk(3), 6)),
        _met("each side says something every 250 ms")
        .polls(100, 249.999, 250, 499, 500)
        .at(600, sends=Log(1, "tick"))
        .polls(749, 849.999, 850),
        _met("silence ends where it began")
        .polls(250, 500, 750, 1000, 1250, 2000)
        .at(2100, host(ExamStarted(2)))
        .at(2101, sends=STATE),
        _met("one message after another")
        .at(1, sends=STATE)
        .at(2, host(Heartbeat(), acknowledged=1))
        .at(3, sends=ButtonEvent(3000, 0, 1))
        .at(4, host(ExamStarted(0), acknowledged=2))
        .at(5, sends=Power(87, 0, 314)),
        _met("the host restarts")
        .at(1, host(ExamStarted(1)))
        .at(100, host(HOSTS_HELLO, session=NEXT_HOST, probe=NOBODY))
        .at(101, host(ExamStarted(2), session=NEXT_HOST))
        .at(102, host(ExamEnded(1, 1), 1))
        .at(103, host(ExamEnded(2, 2), 1, session=NEXT_HOST))
        .at(104, host(HOSTS_HELLO))
        .at(105, host(HOSTS_HELLO, probe=NOBODY)),
        _met("a stranger's packet is answered with a greeting, and nothing else")
        .at(120, host(ExamStarted(1), session=STRANGER))
        .at(121, host(ExamStarted(1), probe=PROBE + 1))
        .at(230, host(ExamStarted(1), session=STRANGER, probe=PROBE + 1)),
        _met("another major version is refused, at most every second")
        .at(1, host(ExamStarted(1), major=2))
        .at(2, host(ExamStarted(1)))
        .polls(1400)
        .at(1500, host(ExamStarted(1), 1, major=2))
        .polls(2900)
        .at(3000, host(Refused(2), major=2)),
        _met("damaged frames are dropped")
        .at(1, host(ExamStarted(1))[:-6] + host(ExamStarted(1)))
        .at(2, b"\x01\x02\x03" * 200 + host(ExamEnded(2, 1), 1)),
    ]


def vectors() -> dict[str, Any]:
    """All of them, as they lie in the file."""
    return {
        "sessions": {"probe": PROBE, "host": HOST},
        "numbered_flag": NUMBERED,
        "frames": frames(),
        "damaged": damaged(),
        "dialogues": {
            "window": WINDOW,
            "hello": asdict(PROBES_HELLO),
            "all": [{"name": each.name, "steps": each.steps} for each in dialogues()],
        },
    }


def as_text() -> str:
    """The file's text."""
    return json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(as_text())
