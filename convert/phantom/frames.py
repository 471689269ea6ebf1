"""One call from subject and settings to a frame with its truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from convert.phantom import anatomy, bmode
from convert.phantom.acquisition import Settings
from convert.phantom.subject import Subject
from convert.phantom.tissue import Points, TissueMap
from edge.findings import View

Level = Literal["DWC", "DWC+10"]
Slice = Callable[[TissueMap, Subject, float], list[Points]]

SWEEP_MM = 10.0  # a sweep runs from -10 to 10 mm about the distal wrist crease (P2)
LONGITUDINAL_SWEEP_MM = 1.5  # the longitudinal view is held; it only trembles


@dataclass(frozen=True)
class Plane:
    """One way to hold the probe."""

    view: View
    level: Level
    slice: Slice
    sweep_mm: float


TRANSVERSE = Plane("transverse", "DWC", anatomy.carpal_tunnel_inlet, SWEEP_MM)
FOREARM = Plane("transverse", "DWC+10", anatomy.mid_forearm, SWEEP_MM)
LONGITUDINAL = Plane("longitudinal", "DWC", anatomy.along_the_tunnel, LONGITUDINAL_SWEEP_MM)


@dataclass(frozen=True)
class PhantomFrame:
    """A picture with its exact truth."""

    pixels: npt.NDArray[np.uint8]  # (H, W)
    mask: npt.NDArray[np.uint8]  # (H, W), 1 = nerve
    subject: Subject
    settings: Settings
    plane: Plane

    @property
    def mm_per_px(self) -> float:
        return self.settings.mm_per_px

    @property
    def csa_mm2(self) -> float | None:
        """Area of the nerve in a transverse slice, None in a longitudinal one."""
        return float(self.mask.sum()) * self.mm_per_px**2 if self.plane.view == "transverse" else None


def render(
    subject: Subject,
    settings: Settings,
    plane: Plane = TRANSVERSE,
    *,
    along_mm: float = 0.0,
    seed: int = 0,
    scatterers: list[np.ndarray] | None = None,
) -> PhantomFrame:
    """The frame of one slice. `scatterers` lets neighbouring frames of a sweep share their speckle."""
    rng = np.random.default_rng([subject.seed, settings.seed, seed])
    tissue = TissueMap(settings.shape, settings.mm_per_px, anatomy.BED_DB)
    strands = plane.slice(tissue, subject, along_mm)
    mask = np.zeros(settings.shape, np.uint8)
    for outline in strands:
        mask |= tissue.inside(outline)
    field = scatterers or bmode.speckle(settings.shape, settings.looks, rng)
    pixels = bmode.picture(tissue, settings, field, rng)
    if subject.side == "left":
        pixels, mask = cv2.flip(pixels, 1), cv2.flip(mask, 1)
    return PhantomFrame(pixels, mask, subject, settings, plane)


def sweep(
    subject: Subject, settings: Settings, plane: Plane, count: int, *, kinship: float = 0.9
) -> Iterator[PhantomFrame]:
    """`count` neighbouring frames along the sweep; `kinship` is the correlation of the speckle from one to the next."""
    rng = np.random.default_rng([subject.seed, settings.seed, 99])
    field = bmode.speckle(settings.shape, settings.looks, rng)
    keep, change = np.float32(kinship), np.float32(np.sqrt(1 - kinship**2))
    for number, along in enumerate(np.linspace(-plane.sweep_mm, plane.sweep_mm, count)):
        fresh = bmode.speckle(settings.shape, settings.looks, rng)
        field = [keep * old + change * new for old, new in zip(field, fresh, strict=True)]
        yield render(subject, settings, plane, along_mm=float(along), seed=number, scatterers=field)
