"""The machine underneath, as Linux tells it: who it is, how many cores, how much memory. What it does not tell is None.

`heat` and `energy` read the rest. All of them read below a root folder, so that a copy of another machine's files reads
as that machine.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def cpu_model(root: Path = ROOT) -> str:
    """The board on a single-board computer, else the processor."""
    if board := text(root / "proc/device-tree/model"):
        return board.rstrip("\0")
    for line in (text(root / "proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0))


def thread_counts() -> tuple[int, ...]:
    """What to try of threads here: 1, 2, 4 ... and as many as there are usable cores."""
    cores = usable_cores()
    return tuple(sorted({cores, *(1 << power for power in range(cores.bit_length()))}))


def peak_rss_mib(root: Path = ROOT) -> float | None:
    """The most memory that this process has held resident so far, in MiB.

    Not `getrusage`: its maximum starts at what the parent held when it started this program.
    """
    status = dict(line.split(":", 1) for line in (text(root / "proc/self/status") or "").splitlines() if ":" in line)
    return int(status["VmHWM"].split()[0]) / 1024 if "VmHWM" in status else None


def text(path: Path) -> str | None:
    """What a file of the kernel says, without the space round it; None where there is none, or it cannot be read."""
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):  # not on this machine, a sensor that is off, or for root alone
        return None


def number(path: Path) -> int | None:
    """A whole number out of a file of the kernel; None where there is none."""
    said = text(path)
    return int(said) if said and said.removeprefix("-").isdecimal() else None


def numbers(root: Path, pattern: str) -> Iterator[tuple[Path, int]]:
    """The files below `root` that match `pattern` and hold a whole number, in order, with it."""
    for path in sorted(root.glob(pattern)):
        if (value := number(path)) is not None:
            yield path, value
