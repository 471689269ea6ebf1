"""ReadScreen: a frame as captured -> the ultrasound picture alone, or the reason why there is none.

The place of the picture is read when the screen changes, not in each frame: for stills each time, for a stream when the
frame's size changes. Only the picture's own pixels are made grey.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.errors import UsageError
from edge.findings import Reason
from edge.frame import UNKNOWN_SPACING, Frame, Pixels, Roi, Scan, Spacing
from edge.screen.roi import find_roi
from edge.screen.signal import Signal, signal_state

DISAGREEMENT = 0.02  # two sources of a spacing may differ by this share; more is an error, not an average


@dataclass(frozen=True)
class Reading:
    """What the screen says: a scan, or a reason."""

    signal: Signal
    scan: Scan | None
    reason: Reason | None


class ScreenReader:
    """Reads the frames of one source.

    `spacing` and `roi` are the user's word; a region and a spacing that the frame's own header states go before what
    is seen, and a spacing that contradicts the user's is refused.
    """

    def __init__(self, *, stream: bool, spacing: Spacing = UNKNOWN_SPACING, roi: Roi | None = None) -> None:
        self._stream, self._spacing, self._given_roi = stream, spacing, roi
        self._roi: Roi | None = None
        self._read_for: tuple[int, ...] | None = None
        self._grey: Pixels = np.empty((0, 0), np.uint8)

    def __call__(self, frame: Frame) -> Reading:
        """The scan of one frame; its pixels are valid until the next call.

        Raises:
            UsageError: the user's ROI or spacing contradicts the frame.
        """
        signal = signal_state(frame.pixels)
        if frame.pixels is None:
            return Reading(signal, None, Reason.UNREADABLE)
        if signal != "live":
            return Reading(signal, None, Reason.NO_PICTURE)
        roi = self._place(frame, frame.pixels)
        if roi is None:
            return Reading(signal, None, Reason.NO_PICTURE)
        return Reading(signal, Scan(self._grey_part(frame.pixels, roi), self._agreed_spacing(frame), roi), None)

    def _place(self, frame: Frame, pixels: Pixels) -> Roi | None:
        fixed = self._given_roi or frame.region
        if fixed is not None:
            if not fixed.fits(pixels):
                raise UsageError(
                    f"{_called(frame)}: the region {fixed.x},{fixed.y},{fixed.width},{fixed.height} lies outside "
                    f"the {pixels.shape[1]} x {pixels.shape[0]} picture: give --roi X,Y,W,H inside it"
                )
            return fixed
        if not self._stream or self._roi is None or self._read_for != pixels.shape:
            self._roi = find_roi(to_grey(pixels))
            self._read_for = pixels.shape
        return self._roi

    def _grey_part(self, pixels: Pixels, roi: Roi) -> Pixels:
        part = roi.of(pixels)
        if part.ndim == 2:
            return part
        if self._grey.shape != part.shape[:2]:
            self._grey = np.empty(part.shape[:2], np.uint8)
        cv2.cvtColor(part, cv2.COLOR_BGR2GRAY, dst=self._grey)
        return self._grey

    def _agreed_spacing(self, frame: Frame) -> Spacing:
        own, given = frame.spacing, self._spacing
        if own.mm_per_px is None or given.mm_per_px is None:
            return given if own.mm_per_px is None else own
        if abs(own.mm_per_px / given.mm_per_px - 1) > DISAGREEMENT:
            raise UsageError(
                f"{_called(frame)}: its header says {own.mm_per_px:.5g} mm per px, "
                f"--spacing-mm {given.mm_per_px:.5g}: leave --spacing-mm out"
            )
        return own


def to_grey(pixels: Pixels) -> Pixels:
    """(H, W) or BGR (H, W, 3) as grey (H, W)."""
    if pixels.ndim == 2:
        return pixels
    grey: Pixels = np.empty(pixels.shape[:2], np.uint8)
    cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY, dst=grey)
    return grey


def _called(frame: Frame) -> str:
    return frame.name or f"frame {frame.index}"
