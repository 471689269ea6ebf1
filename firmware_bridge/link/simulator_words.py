"""What a person says to a simulated probe, typed or from a script: `2.5 freeze` is said 2.5 seconds on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from edge.errors import UsageError
from firmware_bridge.link.messages import Button, Freeze, Level, Log, SideCode
from firmware_bridge.link.simulator import SimulatedProbe

Deed: TypeAlias = Callable[[SimulatedProbe], None]


@dataclass(frozen=True)
class Word:
    """One line of the table below."""

    takes: str  # what is said after it; "": nothing
    means: str
    read: Callable[[str], Deed]  # what is said after it -> what is then done; UsageError where it cannot be


def parse(line: str) -> Deed:
    """What a line asks for.

    Raises:
        UsageError: nothing that may be asked for.
    """
    name, _, value = line.strip().partition(" ")
    if name not in WORDS:
        raise UsageError(f"{name!r} is no word for a simulated probe: there are {', '.join(WORDS)}")
    word, value = WORDS[name], value.strip()
    if bool(value) != bool(word.takes):
        raise UsageError(f"{name}: say {word.takes} after it" if word.takes else f"{name}: nothing is said after it")
    return word.read(value)


def script(path: Path) -> list[tuple[float, Deed]]:
    """What a script asks for, each with the seconds from its start, in the order of time. `#` begins a remark.

    Raises:
        UsageError: it cannot be read, or a line asks for nothing that may be.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"{path}: the script cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is no text: a script has lines like `2.5 freeze`") from error
    deeds = []
    for number, line in enumerate(lines, 1):
        at, _, rest = line.partition("#")[0].strip().partition(" ")
        if not at:
            continue
        try:
            deeds.append((_number(at, 0, 86_400, "number of seconds from the start"), parse(rest)))
        except UsageError as error:
            raise UsageError(f"{path}, line {number}: {error}") from error
    return sorted(deeds, key=lambda each: each[0])


def help_text() -> str:
    """The table for a person."""
    return "\n".join(f"  {f'{name} {word.takes}':24} {word.means}".rstrip() for name, word in WORDS.items())


def leave(probe: SimulatedProbe) -> None:
    """Asks the one who serves it to end."""


def _number(text: str, least: float, most: float, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise UsageError(f"{text!r} is no {what}, {least:g} to {most:g}")
    return value


def _one_of(text: str, words: tuple[str, ...]) -> str:
    if text not in words:
        raise UsageError(f"{text!r} is none of {', '.join(words)}")
    return text


def _plain(deed: Deed) -> Callable[[str], Deed]:
    return lambda _: deed


def _state(field: str, scale: int, least: float, most: float, what: str) -> Callable[[str], Deed]:
    """Sets a number of its state, in the wire's unit after `scale`."""

    def read(text: str) -> Deed:
        number = round(_number(text, least, most, what) * scale)
        return lambda probe: probe.firmware.say(replace(probe.firmware.state, **{field: number}))

    return read


def _power(field: str, scale: int, least: float, most: float, what: str) -> Callable[[str], Deed]:
    """The same of its power."""

    def read(text: str) -> Deed:
        number = round(_number(text, least, most, what) * scale)
        return lambda probe: probe.firmware.say(replace(probe.firmware.power, **{field: number}))

    return read


def _freeze(freeze: Freeze) -> Callable[[str], Deed]:
    return _plain(lambda probe: probe.firmware.say(replace(probe.firmware.state, freeze=freeze)))


def _side(text: str) -> Deed:
    side = SideCode[_one_of(text, SIDES).upper()]
    return lambda probe: probe.firmware.say(replace(probe.firmware.state, side=side))


def _button(text: str) -> Deed:
    button = Button[_one_of(text, BUTTONS).upper()]
    return lambda probe: probe.firmware.press(button)


def _log(text: str) -> Deed:
    return lambda probe: probe.firmware.say(Log(Level.INFO, text))


def _stall(text: str) -> Deed:
    seconds = _number(text, 0, 3600, "number of seconds")
    return lambda probe: probe.firmware.stall(seconds)


SIDES = ("left", "right")
BUTTONS = tuple(each.name.lower() for each in Button)
WORDS = {
    "freeze": Word("", "the picture is frozen", _freeze(Freeze.FROZEN)),
    "live": Word("", "it is live again", _freeze(Freeze.LIVE)),
    "depth": Word("MM", "of the whole picture", _state("depth_tenths_mm", 10, 0, 6553, "depth in mm")),
    "gain": Word("PERCENT", "of its range", _state("gain_percent", 1, 0, 100, "gain in per cent")),
    "frequency": Word("MHZ", "of its array", _state("frequency_khz", 1000, 0, 65, "frequency in MHz")),
    "preset": Word("N", "a maker's number", _state("preset", 1, 0, 254, "preset")),
    "mark": Word("N", "body mark, a maker's number", _state("body_mark", 1, 0, 254, "body mark")),
    "side": Word("|".join(SIDES), "of the body", _side),
    "button": Word("|".join(BUTTONS), "pressed and let go", _button),
    "battery": Word("PERCENT", "what is left", _power("battery_percent", 1, 0, 100, "charge in per cent")),
    "temperature": Word("C", "of its head", _power("temperature_tenths_c", 10, -100, 200, "temperature in °C")),
    "log": Word("TEXT", "a line of the firmware's log", _log),
    "reboot": Word("", "it starts anew, and forgets what it owed", _plain(lambda probe: probe.firmware.reboot())),
    "brownout": Word("", "it dies amid a frame, and starts anew", _plain(lambda probe: probe.firmware.brown_out())),
    "stall": Word("SECONDS", "it reads and writes nothing for so long", _stall),
    "unplug": Word("", "the port is gone", _plain(SimulatedProbe.plug_out)),
    "plug": Word("", "it is there again, as another port", _plain(SimulatedProbe.plug_in)),
    "quit": Word("", "it ends", _plain(leave)),
}
