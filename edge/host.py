"""The machine underneath, as Linux tells it: who it is, how warm, how much memory. What it does not tell is None."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_THERMAL = Path("/sys/class/thermal")
_CPUFREQ = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")
_BOARD = Path("/proc/device-tree/model")
_CPUINFO = Path("/proc/cpuinfo")
_STATUS = Path("/proc/self/status")


def cpu_model() -> str:
    """The board on a single-board computer, else the processor."""
    if board := _text(_BOARD):
        return board.rstrip("\0")
    for line in (_text(_CPUINFO) or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0))


def temperature_c() -> float | None:
    """The hottest thermal zone, in degrees Celsius."""
    readings = (_text(zone / "temp") for zone in _THERMAL.glob("thermal_zone*"))
    degrees = [int(reading) / 1000 for reading in readings if reading and reading.lstrip("-").isdecimal()]
    return max(degrees, default=None)


def frequency_mhz() -> float | None:
    """The first core's clock now, in MHz."""
    reading = _text(_CPUFREQ)
    return int(reading) / 1000 if reading and reading.isdecimal() else None


def peak_rss_mib() -> float | None:
    """The most memory that this process has held resident so far, in MiB.

    Not `getrusage`: its maximum starts at what the parent held when it started this program.
    """
    status = dict(line.split(":", 1) for line in (_text(_STATUS) or "").splitlines() if ":" in line)
    return int(status["VmHWM"].split()[0]) / 1024 if "VmHWM" in status else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):  # not on this machine, or a sensor that is off
        return None
