"""One call from subject and settings to a frame with its truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
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
    subject: Subject, settings: Settings, plane: Plane = TRANSVERSE, *, along_mm: float = 0.0, seed: int = 0
) -> PhantomFrame:
    """The frame of one slice, `along_mm` from the middle of the sweep; `seed` is the speckle's."""
    rng = np.random.default_rng([subject.seed, settings.seed, seed])
    tissue = TissueMap(settings.shape, settings.mm_per_px, anatomy.BED_DB)
    mask = tissue.mostly_inside(plane.slice(tissue, subject, along_mm))
    pixels = bmode.picture(tissue, settings, bmode.speckle(settings.shape, settings.looks, rng), rng)
    return facing(PhantomFrame(pixels, mask, subject, settings, plane))


def facing(frame: PhantomFrame) -> PhantomFrame:
    """The frame as the subject's side shows it: slices are drawn for a right wrist, a left one mirrors it."""
    if frame.subject.side == "right":
        return frame
    return replace(frame, pixels=cv2.flip(frame.pixels, 1), mask=cv2.flip(frame.mask, 1))
