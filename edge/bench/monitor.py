"""The device's state over a run, once a second, read between frames: in the time and the CPU of none of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from edge import energy, heat
from edge.host import ROOT

EVERY_S = 1.0
MOST = 600  # moments kept; of a longer run every second, fourth ... of them


class Moment(msgspec.Struct, frozen=True):
    """The device at one moment of a run; None where it does not say."""

    at_s: float  # since the run began
    temperature_c: float | None
    frequency_mhz: float | None


class Energy(msgspec.Struct, frozen=True, kw_only=True):
    """Of the whole processor or board, and so of all that ran on it."""

    meter: str
    joules: float
    joules_per_frame: float
    watts: float


@dataclass
class Monitor:
    """To be called between frames: reads the device when a second has passed, and tells how far the run is."""

    root: Path = ROOT
    tick: Callable[[int], object] = lambda frames: None  # gets how many frames were begun since it was last called
    course: list[Moment] = field(default_factory=list)
    cpu_ns: int = 0  # that its own reading took
    seconds: float = 0.0
    joules: float | None = None
    told: int = 0  # frames that `tick` was told of
    _begun: int = 0

    def start(self) -> None:
        """Before the run."""
        self._start_s = time.monotonic()
        self._every_s = EVERY_S
        self._next_s = self._start_s + self._every_s
        self._meter = energy.open_meter(self._start_s, self.root)
        self._brakes = [heat.brakes(self.root, ask_firmware=True)]
        self._read()

    def __call__(self) -> None:
        self._begun += 1
        if time.monotonic() >= self._next_s:
            cpu_ns = time.process_time_ns()
            self._read()
            self._brakes.append(heat.brakes(self.root))
            self.tick(self._begun - self.told)
            self.told = self._begun
            self._next_s = time.monotonic() + self._every_s
            self.cpu_ns += time.process_time_ns() - cpu_ns

    def stop(self) -> heat.Throttling:
        """After the run: what held it back."""
        self._read()
        self.seconds = self.course[-1].at_s
        return heat.throttling([*self._brakes, heat.brakes(self.root, ask_firmware=True)])

    def energy(self, frames: int) -> Energy | None:
        """What the run of so many frames took, once it has stopped."""
        if self._meter is None or self.joules is None or not self.seconds:
            return None
        return Energy(
            meter=self._meter.name,
            joules=self.joules,
            joules_per_frame=self.joules / frames,
            watts=self.joules / self.seconds,
        )

    def _read(self) -> None:
        now_s = time.monotonic()
        if self._meter is not None:
            self.joules = self._meter.joules(now_s)
        self.course.append(Moment(now_s - self._start_s, heat.temperature_c(self.root), heat.frequency_mhz(self.root)))
        if len(self.course) > MOST:
            del self.course[1::2]
            self._every_s *= 2
