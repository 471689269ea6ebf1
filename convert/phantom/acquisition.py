"""How a picture was taken: the machine and its settings, drawn apart from the subject's grade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Machine:
    """A make of machine, as far as its pictures show it."""

    name: str
    width_mm: tuple[float, float]  # aperture of its linear probes
    frequency_mhz: tuple[float, float]
    dynamic_range_db: tuple[float, float]
    gamma: float  # grey map: above 1 darkens the middle
    looks: int  # compounded views: more of them, smoother speckle
    px_across: int  # pixels across the aperture


MACHINES = (
    Machine("console-a", (38.0, 42.0), (12.0, 18.0), (50.0, 62.0), 1.5, 2, 480),
    Machine("console-b", (36.0, 40.0), (10.0, 15.0), (54.0, 68.0), 1.9, 3, 440),
    Machine("portable-c", (36.0, 40.0), (8.0, 13.0), (48.0, 60.0), 1.7, 2, 384),
    Machine("handheld-d", (34.0, 38.5), (7.5, 12.0), (46.0, 56.0), 1.6, 2, 320),
    Machine("console-e", (38.0, 50.0), (14.0, 20.0), (56.0, 70.0), 2.1, 4, 512),
)


@dataclass(frozen=True)
class Settings:
    """One exam's settings. Nothing in them depends on the grade."""

    machine: str
    width_mm: float
    depth_mm: float
    frequency_mhz: float
    dynamic_range_db: float
    gain_db: float
    gamma: float
    looks: int
    mm_per_px: float
    focus_mm: float
    tgc_db: tuple[float, float, float]  # error of the time gain at the skin, the middle and the bottom
    seed: int

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the picture in pixels."""
        return round(self.depth_mm / self.mm_per_px), round(self.width_mm / self.mm_per_px)


def draw_settings(index: int, seed: int, *, px_across: int | None = None, machine_name: str | None = None) -> Settings:
    """Settings for exam number `index`; `px_across` and `machine_name` override what is drawn."""
    rng = np.random.default_rng([seed, index, 2])
    drawn = MACHINES[int(rng.integers(len(MACHINES)))]
    machine = next((machine for machine in MACHINES if machine.name == machine_name), drawn)
    width = float(rng.uniform(*machine.width_mm))
    return Settings(
        machine=machine.name,
        width_mm=width,
        depth_mm=float(rng.choice((20.0, 25.0, 30.0, 35.0))),
        frequency_mhz=float(rng.uniform(*machine.frequency_mhz)),
        dynamic_range_db=float(rng.uniform(*machine.dynamic_range_db)),
        gain_db=float(rng.uniform(-5.0, 5.0)),
        gamma=machine.gamma * float(rng.uniform(0.9, 1.1)),
        looks=machine.looks,
        mm_per_px=width / (px_across or machine.px_across),
        focus_mm=float(rng.uniform(6.0, 18.0)),
        tgc_db=(float(rng.normal(0, 1.5)), float(rng.normal(0, 1.5)), float(rng.normal(-3, 3.0))),
        seed=int(rng.integers(2**31)),
    )
