"""A machine's screens during one sweep: rendered outside the machine, whose processor is slow, and read inside it."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from edge.frame import Pixels

SIZE = (1280, 720)
FRAMES, FPS = 16, 10  # the picture moves from one frame to the next: a still one is frozen
BITS, BLOCK_PX = 8, 16  # the frame's number, in black and white blocks in the screen's upper left corner
PLACE = "SWEEP"  # environment variable: where it lies


def write_sweep(path: Path) -> None:
    """Renders the sweep, (FRAMES, 720, 1280) grey."""
    from convert.phantom.acquisition import draw_settings
    from convert.phantom.clip import SEED, SETTINGS_SEED, SUBJECT, steady_sweep
    from convert.phantom.frames import TRANSVERSE
    from convert.phantom.screen import Display, draw_screen
    from convert.phantom.subject import draw_subject

    subject, settings = draw_subject(SUBJECT, SEED), draw_settings(SUBJECT, SETTINGS_SEED)
    display = Display(*SIZE, mm_per_px=0.06)
    screens = []
    for number, frame in enumerate(steady_sweep(subject, settings, TRANSVERSE, FRAMES)):
        screen = draw_screen(frame, display, index=number, at_s=number / FPS)
        screens.append(_numbered(cv2.cvtColor(screen.pixels, cv2.COLOR_BGR2GRAY), number))
    np.save(path, np.stack(screens))


def read_sweep() -> list[Pixels]:
    """What `write_sweep` wrote."""
    return list(np.load(os.environ[PLACE]))


def number_of(grey: Pixels) -> int:
    """Which frame of the sweep this is."""
    middles = grey[BLOCK_PX // 2, BLOCK_PX // 2 : BITS * BLOCK_PX : BLOCK_PX]
    return sum(1 << bit for bit, level in enumerate(middles.tolist()) if level > 128)


def _numbered(grey: Pixels, number: int) -> Pixels:
    for bit in range(BITS):
        grey[:BLOCK_PX, bit * BLOCK_PX : (bit + 1) * BLOCK_PX] = 235 if number >> bit & 1 else 16
    return grey
