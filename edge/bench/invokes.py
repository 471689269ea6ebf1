"""Bare invokes: what a model takes with nothing round it, the floor that the runtime is held against."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from edge.frame import Pixels
from edge.interpreter import Model


class Invokes(NamedTuple):
    """Times of one model's bare invokes, in ns, one of each an invoke."""

    wall_ns: tuple[int, ...]
    cpu_ns: tuple[int, ...]  # of all threads of the process, the interpreter's own included

    def __add__(self, later: tuple[object, ...]) -> Invokes:
        """These invokes and `later` ones of the same model."""
        if not isinstance(later, Invokes):
            return NotImplemented
        return Invokes(self.wall_ns + later.wall_ns, self.cpu_ns + later.cpu_ns)

    @property
    def wall_ms(self) -> float:
        """Median of an invoke, in ms."""
        return float(np.median(self.wall_ns)) / 1e6

    @property
    def cpu_ms(self) -> float:
        """Mean of an invoke's CPU time, in ms: means add up to what many invokes take, medians do not."""
        return float(np.mean(self.cpu_ns)) / 1e6


def time_invokes(model: Model, picture: Pixels, count: int) -> Invokes:
    """`count` (1 or more) invokes of `model` on `picture`, which is of the model's size: (H, W) or (H, W, 3) uint8.

    Raises:
        InterpreterError: the picture is not of the model's size, or the model cannot be run.
    """
    wall_ns, cpu_ns = [], []
    for _ in range(count):
        model.write_input(picture)  # an interpreter may use its input's memory again
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        model.invoke()
        wall_ns.append(time.perf_counter_ns() - wall)
        cpu_ns.append(time.process_time_ns() - cpu)
    return Invokes(tuple(wall_ns), tuple(cpu_ns))
