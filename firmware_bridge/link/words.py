"""What befalls a link, and what is said over it, as a person reads it."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from firmware_bridge.link.endpoint import Connected, HeardAgain, Incompatible, Silent
from firmware_bridge.link.messages import (
    UNKNOWN_U8,
    UNKNOWN_U16,
    Action,
    Button,
    ButtonEvent,
    ExamEnded,
    ExamStarted,
    Freeze,
    Grade,
    GradeCode,
    Hello,
    Level,
    Log,
    Message,
    Power,
    SideCode,
    State,
)
from firmware_bridge.link.packet import MAJOR
from firmware_bridge.link.reason_codes import REASON_CODES
from firmware_bridge.link.running import Absent, Event, Opened

ABSENT, SILENT, LIVE, INCOMPATIBLE = "absent", "silent", "live", "incompatible"
NO_TEMPERATURE = -32768
SIDES = {int(SideCode.LEFT): "left", int(SideCode.RIGHT): "right"}
REASONS = {code: reason.value for reason, code in REASON_CODES.items()}


def product(hello: Hello) -> str:
    """What it calls itself, without a control character."""
    return _printable(hello.name)


def version(hello: Hello) -> str:
    """Of the firmware: "1.4.2"."""
    return f"{hello.major}.{hello.minor}.{hello.patch}"


def befell(event: Event) -> tuple[str, str] | None:
    """How the link stands from now on, one of the four states above, and why; None: as before."""
    words = BEFELL.get(type(event))
    return words(event) if words else None


def in_words(message: Message) -> str:
    """One message in one line, without a control character."""
    return _printable(WORDS.get(type(message), str)(message))


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)


def _connected(event: Connected) -> str:
    lost = f"; of what the one before was told, {len(event.lost)} may or may not have been executed"
    return f"{product(event.hello)}, firmware {version(event.hello)}{lost if event.lost else ''}"


def _incompatible(event: Incompatible) -> str:
    older = "this sonoedge" if event.major > MAJOR else "the firmware"
    return f"the firmware speaks protocol {event.major}, this sonoedge {MAJOR}: upgrade {older}"


def _state(said: State) -> str:
    freeze = {int(Freeze.LIVE): "live", int(Freeze.FROZEN): "frozen"}.get(said.freeze)
    depth, gain, frequency = said.depth_tenths_mm / 10, said.gain_percent, said.frequency_khz / 1000
    parts = (
        freeze,
        f"depth {depth:g} mm" if depth else None,
        f"gain {gain} %" if gain != UNKNOWN_U8 else None,
        f"{frequency:g} MHz" if frequency else None,
        f"preset {said.preset}" if said.preset != UNKNOWN_U8 else None,
        f"body mark {said.body_mark}" if said.body_mark != UNKNOWN_U8 else None,
        SIDES.get(said.side),
    )
    return f"state: {', '.join(filter(None, parts)) or 'nothing is known'}"


def _power(said: Power) -> str:
    battery = "not known" if said.battery_percent == UNKNOWN_U8 else f"{said.battery_percent} %"
    charging = ", charging" if said.charging == 1 else ""
    known = said.temperature_tenths_c != NO_TEMPERATURE
    return f"battery: {battery}{charging}{f', {said.temperature_tenths_c / 10:g} °C' if known else ''}"


def _grade(said: Grade) -> str:
    csa = "" if said.csa_hundredths_mm2 == UNKNOWN_U16 else f", {said.csa_hundredths_mm2 / 100:.2f} mm²"
    if said.reason or said.grade == GradeCode.NONE:
        what = f"no grade: {REASONS.get(said.reason, 'a reason that this version does not know')}"
    else:
        what = f"grade: {_name(GradeCode, said.grade)}, {said.confidence_percent} %"
    return f"{'exam, ' if said.whole_exam else ''}{what}{csa}"


def _name(kind: type[IntEnum], code: int) -> str:
    return next((each.name.lower() for each in kind if each == code), str(code))


BEFELL: dict[type[Any], Callable[[Any], tuple[str, str]]] = {
    Absent: lambda event: (ABSENT, event.why),
    Opened: lambda event: (SILENT, f"{event.name} is open"),
    Connected: lambda event: (LIVE, _connected(event)),
    Silent: lambda event: (SILENT, "nothing was heard for a second"),
    HeardAgain: lambda event: (LIVE, "heard again"),
    Incompatible: lambda event: (INCOMPATIBLE, _incompatible(event)),
}
WORDS: dict[type[Message], Callable[[Any], str]] = {
    State: _state,
    Power: _power,
    ButtonEvent: lambda said: f"button: {_name(Button, said.button)} {_name(Action, said.action)}",
    Log: lambda said: f"firmware {_name(Level, said.level)}: {said.line}",
    ExamStarted: lambda said: "exam started" + (f", {SIDES[said.side]}" if said.side in SIDES else ""),
    ExamEnded: lambda said: f"exam ended: {said.frames_graded} of {said.frames_total} frames graded",
    Grade: _grade,
}
