"""How warm and how fast the processor is, and whether something held it back: heat, a weak supply, a power limit."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from edge.host import ROOT, number, numbers, text

_CPU = "sys/devices/system/cpu"
_COUNTERS = (f"{_CPU}/cpu*/thermal_throttle/*_throttle_count", "sys/class/hwmon/hwmon*/oc*_event_cnt")  # Intel; Jetson
_COOLING = ("cpufreq", "Processor", "thermal-idle", "powerclamp")  # in the names of devices that cool by going slower
_FIRMWARE = "sys/devices/platform/soc*/*firmware/get_throttled"  # a Raspberry Pi's, as vcgencmd gives it

# Bits of a Raspberry Pi's get_throttled: so it is now. The same 16 higher: so it has been since it was started.
PI_BITS = {
    0: "the supply's voltage is too low",
    1: "the clock is capped",
    2: "the processor is throttled",
    3: "the soft temperature limit is reached",
}
_SINCE_START = 16


class Throttling(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a run was held back."""

    throttled: bool | None  # None: this machine does not tell
    why: tuple[str, ...] = ()  # what held it back
    watched: tuple[str, ...] = ()  # what was read to know it
    notes: tuple[str, ...] = ()  # what was so before the run began


class Brakes(NamedTuple):
    """What may hold a processor back, at one moment."""

    counters: dict[str, int]  # path of a counter of such events -> events since the machine was started
    cooling: dict[str, int]  # name of a cooling device -> its state; above 0: it slows the processor down
    caps_khz: dict[str, tuple[int, int]]  # name of a cpufreq policy -> highest clock allowed now, and at all
    firmware: int | None  # a Raspberry Pi's `PI_BITS`


def temperature_c(root: Path = ROOT) -> float | None:
    """The hottest thermal zone, in degrees Celsius."""
    zones = numbers(root, "sys/class/thermal/thermal_zone*/temp")
    return max((millidegrees / 1000 for _, millidegrees in zones), default=None)


def frequency_mhz(root: Path = ROOT) -> float | None:
    """The clock of the fastest core now, in MHz: a run on one core leaves the others slow."""
    clocks = numbers(root, f"{_CPU}/cpufreq/policy*/scaling_cur_freq")
    return max((khz / 1000 for _, khz in clocks), default=None)


def brakes(root: Path = ROOT, *, ask_firmware: bool = False) -> Brakes:
    """What may hold the processor back, now. `ask_firmware` starts `vcgencmd` where only that knows: 10 ms and more."""
    return Brakes(
        counters={
            str(path.relative_to(root)): count for pattern in _COUNTERS for path, count in numbers(root, pattern)
        },
        cooling=dict(_cooling(root)),
        caps_khz=dict(_caps(root)),
        firmware=_firmware(root, ask_firmware),
    )


def throttling(seen: Sequence[Brakes]) -> Throttling:
    """What held a run back, from the brakes before it, now and then during it, and after it (one at least)."""
    first, last = seen[0], seen[-1]
    told = [each.firmware for each in seen if each.firmware is not None]
    watched = {
        "counters of throttling": first.counters,
        "cooling devices": first.cooling,
        "the Raspberry Pi's firmware": told,
    }
    why = (*_counted(first, last), *_cooled(seen), *_capped(seen), *_said_by_firmware(told))
    watching = tuple(name for name, found in watched.items() if found)
    return Throttling(
        throttled=True if why else False if watching else None,
        why=why,
        watched=watching,
        notes=tuple(_before(first)),
    )


def _cooling(root: Path) -> Iterator[tuple[str, int]]:
    for path, state in numbers(root, "sys/class/thermal/cooling_device*/cur_state"):
        kind = text(path.with_name("type")) or ""
        if any(word in kind for word in _COOLING):
            yield f"{kind} ({path.parent.name})", state


def _caps(root: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    for path, allowed in numbers(root, f"{_CPU}/cpufreq/policy*/scaling_max_freq"):
        yield path.parent.name, (allowed, number(path.with_name("cpuinfo_max_freq")) or allowed)


def _firmware(root: Path, ask: bool) -> int | None:
    for path in sorted(root.glob(_FIRMWARE)):
        if said := text(path):
            return _hex(said)
    command = shutil.which("vcgencmd") if ask and root == ROOT else None
    if command is None:
        return None
    try:
        done = subprocess.run([command, "get_throttled"], capture_output=True, text=True, timeout=5, check=True)  # noqa: S603 - found on the path
    except (OSError, subprocess.SubprocessError):  # not for this user, or no firmware behind it
        return None
    return _hex(done.stdout.strip().removeprefix("throttled="))


def _hex(said: str) -> int | None:
    try:
        return int(said, 16)
    except ValueError:
        return None


def _counted(first: Brakes, last: Brakes) -> Iterator[str]:
    """Each kind of counter by the core where it rose most: those of a package are repeated at each of its cores."""
    rises: dict[str, int] = {}
    for path, count in last.counters.items():
        kind = Path(path).name
        rises[kind] = max(rises.get(kind, 0), count - first.counters.get(path, count))
    yield from (f"{kind} rose by {rise}" for kind, rise in rises.items() if rise > 0)


def _cooled(seen: Sequence[Brakes]) -> Iterator[str]:
    for name in seen[0].cooling:
        state = max(each.cooling.get(name, 0) for each in seen)
        if state > 0:
            yield f"{name} slowed the processor down, state {state}"


def _capped(seen: Sequence[Brakes]) -> Iterator[str]:
    for name, (before, _) in seen[0].caps_khz.items():
        lowest = min(each.caps_khz.get(name, (before, before))[0] for each in seen)
        if lowest < before:
            yield f"{name}: the highest clock allowed fell from {before / 1000:.0f} to {lowest / 1000:.0f} MHz"


def _said_by_firmware(told: Sequence[int]) -> Iterator[str]:
    """What was so at one of the moments, or has become so between the first and the last."""
    if not told:
        return
    now = 0
    for bits in told:
        now |= bits
    since = (told[-1] & ~told[0]) >> _SINCE_START
    yield from (words for bit, words in PI_BITS.items() if (now | since) >> bit & 1)


def _before(first: Brakes) -> Iterator[str]:
    for name, (allowed, at_all) in first.caps_khz.items():
        if allowed < at_all:
            yield f"{name} may run at {allowed / 1000:.0f} of {at_all / 1000:.0f} MHz, since before the run"
    for bit, words in PI_BITS.items():
        if (first.firmware or 0) >> (bit + _SINCE_START) & 1:
            yield f"since the machine was started, before the run: {words}"
