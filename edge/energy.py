"""What energy the machine has taken, where it tells: RAPL's counters on a PC, the INA3221's rails on a Jetson.

It is that of the whole processor or board and of all that runs on it, not of one program.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from edge.host import ROOT, number, numbers, text

_COUNTED = ("package-", "dram")  # RAPL's domains that do not hold one another: cores lie within a package


class Meter(Protocol):
    """Something that tells energy."""

    @property
    def name(self) -> str:
        """What is metered."""

    def joules(self, now_s: float) -> float:
        """Since the meter was opened. To be asked at least once a minute: a counter starts again, power changes."""


def open_meter(now_s: float, root: Path = ROOT) -> Meter | None:
    """The meter of this machine; None where it has none that may be read (RAPL's are often root's alone)."""
    for meter in (Rapl(root), Rails(root, now_s)):
        if meter.name:
            return meter
    return None


class Rapl:
    """The energy counters of a PC's processor: in microjoules, each starts again at 0 after its range."""

    def __init__(self, root: Path = ROOT) -> None:
        self._last: dict[Path, int] = {}
        names = []
        for path, count in numbers(root, "sys/class/powercap/intel-rapl:*/energy_uj"):
            domain = text(path.with_name("name")) or ""
            if domain.startswith(_COUNTED):
                self._last[path] = count
                names.append(domain)
        self.name = f"RAPL: {', '.join(names)}" if names else ""
        self._taken_uj = 0

    def joules(self, now_s: float) -> float:
        for path, last in self._last.items():
            count = number(path)
            if count is None:  # a processor that was taken offline
                continue
            span = number(path.with_name("max_energy_range_uj")) or 0
            self._taken_uj += count - last if count >= last else count + span - last
            self._last[path] = count
        return self._taken_uj / 1e6


class Rails:
    """The power of a Jetson's rails, in millivolts times milliamperes, summed over time."""

    def __init__(self, root: Path, now_s: float) -> None:
        rails = {}
        for path, _ in numbers(root, "sys/class/hwmon/hwmon*/curr[123]_input"):
            if text(path.with_name("name")) == "ina3221":
                channel = path.name.removeprefix("curr").removesuffix("_input")
                rails[text(path.with_name(f"in{channel}_label")) or channel] = (
                    path.with_name(f"in{channel}_input"),
                    path,
                )
        # Some boards have a rail through which all comes in; on the others the rails add up to the whole.
        inlet = {label: files for label, files in rails.items() if label.endswith("_IN")}
        self._rails = inlet or rails
        self.name = f"INA3221: {', '.join(self._rails)}" if self._rails else ""
        self._joules = 0.0
        self._last = (now_s, self._watts())

    def joules(self, now_s: float) -> float:
        watts = self._watts()
        last_s, last_watts = self._last
        self._joules += (now_s - last_s) * (watts + last_watts) / 2
        self._last = (now_s, watts)
        return self._joules

    def _watts(self) -> float:
        return sum((number(volts) or 0) * (number(amperes) or 0) for volts, amperes in self._rails.values()) / 1e6
