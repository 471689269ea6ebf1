"""The table of messages: what may be said over the link, by whom, and in which bytes.

A message is a frozen dataclass whose fields are its payload, little-endian and in this order. A text is the last field
and takes the rest. Whole numbers throughout: units are in the names. `python -m firmware_bridge.c_tables` makes the
firmware's header from here.

A minor version may add fields at the end of a message without a text, and messages: a reader takes the fields that it
knows, and skips messages that it does not. Ids 0x0030 to 0x003F are for sample blocks of other signals, those from
0x8000 on for a maker's own.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import Field, dataclass
from enum import IntEnum, IntFlag
from functools import cached_property
from typing import Annotated, ClassVar, Literal, TypeAlias, TypeVar, get_type_hints

from firmware_bridge.link.packet import MAX_PAYLOAD


@dataclass(frozen=True)
class Wire:
    """How a field lies in the payload: a code of `struct`, or "text"."""

    code: str
    c_type: str


U8: TypeAlias = Annotated[int, Wire("B", "uint8_t")]
U16: TypeAlias = Annotated[int, Wire("H", "uint16_t")]
I16: TypeAlias = Annotated[int, Wire("h", "int16_t")]
U32: TypeAlias = Annotated[int, Wire("I", "uint32_t")]
U64: TypeAlias = Annotated[int, Wire("Q", "uint64_t")]
Text: TypeAlias = Annotated[str, Wire("text", "char")]  # UTF-8, at most what is left of MAX_PAYLOAD

Speaker = Literal["probe", "host", "both"]
UNKNOWN_U8, UNKNOWN_U16 = 0xFF, 0xFFFF


class Capability(IntFlag):
    """What a probe has, in `Hello.capabilities`."""

    FREEZE = 1
    DEPTH = 2
    BUTTONS = 4
    BATTERY = 8
    RESULT_LED = 16
    SAMPLES = 32


class Freeze(IntEnum):
    """`State.freeze`."""

    LIVE = 0
    FROZEN = 1
    UNKNOWN = UNKNOWN_U8


class SideCode(IntEnum):
    """Of the body, in `State.side` and `ExamStarted.side`."""

    NOT_SAID = 0
    LEFT = 1
    RIGHT = 2


class Button(IntEnum):
    """`ButtonEvent.button`; from 16 on a maker's own."""

    FREEZE = 0
    SAVE = 1
    UP = 2
    DOWN = 3


class Action(IntEnum):
    """`ButtonEvent.action`."""

    RELEASED = 0
    PRESSED = 1
    HELD = 2  # for a second


class Level(IntEnum):
    """`Log.level`."""

    DEBUG = 0
    INFO = 1
    WARNING = 2
    ERROR = 3


class GradeCode(IntEnum):
    """`Grade.grade`: P3's severities in order, or none."""

    NORMAL = 0
    MILD = 1
    MODERATE = 2
    SEVERE = 3
    NONE = UNKNOWN_U8


@dataclass(frozen=True)
class Form:
    """A message's line of the table."""

    id: int
    speaker: Speaker
    numbered: bool  # said again until acknowledged; else it passes once
    wires: tuple[tuple[str, Wire], ...]  # of each field, in the payload's order

    @property
    def has_text(self) -> bool:
        """Whether it ends in a text."""
        return bool(self.wires) and self.wires[-1][1].code == "text"

    @cached_property
    def numbers(self) -> struct.Struct:
        """Its fields but for a text."""
        return struct.Struct("<" + "".join(wire.code for _, wire in self.wires if wire.code != "text"))


M = TypeVar("M", bound="type[Message]")
FORMS: dict[type[Message], Form] = {}


def _message(number: int, speaker: Speaker, *, numbered: bool) -> Callable[[M], M]:
    def enter(cls: M) -> M:
        hints = get_type_hints(cls, include_extras=True)
        wires = tuple((name, hints[name].__metadata__[0]) for name in cls.__dataclass_fields__)
        FORMS[cls] = Form(number, speaker, numbered, wires)
        return cls

    return enter


class Message:
    """One of the table below."""

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]


@_message(0x0001, "both", numbered=False)
@dataclass(frozen=True)
class Hello(Message):
    """Who I am, and what I can: said until the other side is known."""

    max_payload: U16  # bytes that I take: 32 at least, of which no message to a probe needs more
    capabilities: U32  # `Capability`
    board: U32  # a maker's number of the board: an image for another one is refused
    major: U8  # of the firmware's version
    minor: U8
    patch: U16
    name: Text  # of the product; no serial number, and nobody's name


@_message(0x0002, "both", numbered=False)
@dataclass(frozen=True)
class Refused(Message):
    """I do not speak your major version."""

    major: U8  # the one that I speak


@_message(0x0003, "both", numbered=False)
@dataclass(frozen=True)
class Heartbeat(Message):
    """I am here; what is acknowledged is in the packet's header."""


@_message(0x0004, "host", numbered=False)
@dataclass(frozen=True)
class TimeAsk(Message):
    """What time is it there?"""

    host_ns: U64  # monotonic, as the answer gives it back


@_message(0x0005, "probe", numbered=False)
@dataclass(frozen=True)
class TimeTold(Message):
    """The microcontroller's ticks when the question came, and when this answer left."""

    host_ns: U64
    received_us: U64
    sent_us: U64


@_message(0x0010, "probe", numbered=True)
@dataclass(frozen=True)
class State(Message):
    """How the probe is set, from `ticks_us` on: said at the start of a session and whenever something changes."""

    ticks_us: U64
    freeze: U8  # `Freeze`
    depth_tenths_mm: U16  # of the whole picture; 0: not known
    gain_percent: U8  # of its range; 255: not known
    frequency_khz: U16  # 0: not known
    preset: U8  # a maker's number; 255: none
    body_mark: U8  # a maker's number; 255: none
    side: U8  # `SideCode`


@_message(0x0011, "probe", numbered=True)
@dataclass(frozen=True)
class ButtonEvent(Message):
    """A button was pressed, let go, or held."""

    ticks_us: U64
    button: U8  # `Button`
    action: U8  # `Action`


@_message(0x0012, "probe", numbered=True)
@dataclass(frozen=True)
class Power(Message):
    """Battery and temperature, when they change by a step."""

    battery_percent: U8  # 255: not known
    charging: U8  # 0, 1; 255: not known
    temperature_tenths_c: I16  # of the probe's head; -32768: not known


@_message(0x0013, "probe", numbered=False)
@dataclass(frozen=True)
class Log(Message):
    """A line of the firmware's own log."""

    level: U8  # `Level`
    line: Text


@_message(0x0020, "host", numbered=True)
@dataclass(frozen=True)
class ExamStarted(Message):
    """Frames are graded from now on."""

    side: U8  # `SideCode`


@_message(0x0021, "host", numbered=True)
@dataclass(frozen=True)
class ExamEnded(Message):
    """The last frame of the exam was graded."""

    frames_total: U32
    frames_graded: U32


@_message(0x0022, "host", numbered=True)
@dataclass(frozen=True)
class Grade(Message):
    """What became of one frame, or of the exam: a grade, or the reason why there is none."""

    ticks_us: U64  # the frame's capture in the probe's time; 0: not known
    whole_exam: U8  # 1: of all frames together
    grade: U8  # `GradeCode`
    confidence_percent: U8  # probability of the grade given; 255: no grade
    reason: U8  # firmware_bridge.link.reason_codes; 0: there is a grade
    csa_hundredths_mm2: U16  # 65535: not measured, or beyond


BY_ID: dict[int, type[Message]] = {form.id: cls for cls, form in FORMS.items()}


def encode(message: Message) -> bytes:
    """The payload of a message. A text that is longer than its room is cut between two characters.

    Raises:
        ValueError: a number does not fit its field.
    """
    form = FORMS[type(message)]
    values = [getattr(message, name) for name, _ in form.wires]
    text = b""
    if form.has_text:
        room = MAX_PAYLOAD - form.numbers.size
        text = values.pop().encode()[:room].decode(errors="ignore").encode()
    try:
        return form.numbers.pack(*values) + text
    except struct.error as error:
        raise ValueError(f"{message}: {error}") from error


def decode(number: int, payload: bytes) -> Message | None:
    """The message of this id; None where the id is not known, or the payload is shorter than its fields."""
    cls = BY_ID.get(number)
    if cls is None:
        return None
    form = FORMS[cls]
    if len(payload) < form.numbers.size:
        return None
    values: list[int | str] = list(form.numbers.unpack_from(payload))
    if form.has_text:
        values.append(payload[form.numbers.size :].decode(errors="replace"))
    return cls(*values)
