"""What the tests of this folder show: wrists on consoles, loops of them, videos; and the real screens at hand."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.phantom.acquisition import draw_settings
from convert.phantom.frames import PhantomFrame, render
from convert.phantom.screen import Display, Screen, draw_screen
from convert.phantom.subject import draw_subject
from edge.findings import Reason
from edge.frame import Frame, Pixels
from edge.pipeline import Observation, Pipeline
from tests.program import ROOT

SHARED = ROOT.parent / "shared" / "data"
GRABBED, DICOM, OWN_SCREENS = SHARED / "framegrabber", SHARED / "dicom_us", SHARED / "screens"
PHOTOGRAPHS = SHARED / "public_models" / "coral"
BK = GRABBED / "SegmentationTest_BKMedical_RandomStepperMotionData2_Trimmed.igs.mha"
BK_ANONYMIZED = BK.with_name(BK.name.replace("Trimmed", "Trimmed_Anonymized"))
VLCUS = GRABBED / "SegmentationTest_VLCUS_RandomStepperMotionData2.igs.mha"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the real screens of ../shared/data are not here")

FPS = 30
SIZE = (1280, 720)
WRIST = 1  # of the population below, one that the packaged bundle grades on every console
SETTINGS_SEED = 7
Told = tuple[int, str, str]  # exit status, what was printed, what was complained of


@functools.lru_cache
def wrist(
    console: str = "console-a", speckle: int = 0, width_mm: float | None = None, zoom: float = 1.0
) -> PhantomFrame:
    """A wrist on a console; `width_mm` is the probe's, `zoom` shows more tissue on the same pixels."""
    settings = draw_settings(WRIST, SETTINGS_SEED, machine_name=console)
    if width_mm is not None:
        settings = replace(settings, width_mm=width_mm * zoom, depth_mm=28.0 * zoom)
    return render(draw_subject(WRIST, SETTINGS_SEED), settings, seed=speckle)


def shown(frame: PhantomFrame, *, at_s: float = 0.0, **display: object) -> Screen:
    return draw_screen(frame, Display(*SIZE, **display), index=round(at_s * FPS), at_s=at_s)


@functools.lru_cache
def living(console: str = "console-a") -> tuple[Pixels, ...]:
    """Screens between which the tissue moves; looped they are a live stream of any length."""
    return tuple(shown(wrist(console, speckle), at_s=speckle / FPS).pixels for speckle in range(7))


def looped(pictures: Sequence[Pixels], seconds: float) -> list[Pixels]:
    return [pictures[number % len(pictures)] for number in range(round(seconds * FPS))]


def with_clock(picture: Pixels, seconds: float, at: tuple[int, int]) -> Iterator[Pixels]:
    """One picture, a clock with hundredths running beside it."""
    for number in range(round(seconds * FPS)):
        screen = picture.copy()
        clock = f"12:34:{number / FPS:05.2f}"
        cv2.putText(screen, clock, at, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (210,) * 3, 1, cv2.LINE_AA)
        yield screen


def frames(pictures: Sequence[Pixels]) -> Iterator[Frame]:
    """A recording at 30 images a second."""
    for number, pixels in enumerate(pictures):
        yield Frame(pixels, 0, number, taken_ns=number * 1_000_000_000 // FPS)


def play(pipeline: Pipeline, pictures: Sequence[Pixels]) -> list[Observation]:
    return [pipeline(frame) for frame in frames(pictures)]


def parts(seen: Sequence[Observation], *seconds: float) -> list[Sequence[Observation]]:
    """What was seen, cut after so many seconds, and so many, and the rest."""
    cuts = [0, *np.cumsum([round(each * FPS) for each in seconds]), len(seen)]
    return [seen[begin:end] for begin, end in itertools.pairwise(cuts)]


def reasons(seen: Sequence[Observation]) -> set[Reason | None]:
    return {each.grade.reason for each in seen}


def first(seen: Sequence[Observation], wanted: Callable[[Observation], bool]) -> float:
    """Seconds until the first that is wanted."""
    return next((number / FPS for number, each in enumerate(seen) if wanted(each)), np.inf)


def write_video(path: Path, pictures: Sequence[Pixels]) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), FPS, pictures[0].shape[1::-1])
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path
