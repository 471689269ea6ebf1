"""The demonstration clips: one wrist swept in both planes on a machine's screen, as video files with their truth.

    python -m convert.phantom.clip edge/assets

The codec is MPEG-4 part 2: OpenCV's own wheels write and read it, a 1080p frame decodes in 3 ms, and the same wheel
writes the same bytes each time (WebM carries a random identifier). Its loss inside the picture is stated in
edge/assets/README.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from convert.errors import ConvertError
from convert.phantom import anatomy, bmode, nerve
from convert.phantom.acquisition import Settings, draw_settings
from convert.phantom.frames import LONGITUDINAL, TRANSVERSE, PhantomFrame, Plane, facing
from convert.phantom.screen import Display, Screen, draw_screen
from convert.phantom.subject import Subject, draw_subject
from convert.phantom.tissue import Floats, Points, TissueMap
from edge.output import replacing, write_atomically

SEED = 4  # of the population that demonstrates; 1, 2, 3 and 11 train, test and calibrate
SUBJECT = 74
SETTINGS_SEED = 108
DISPLAY = Display(1920, 1080, mm_per_px=0.04)
FRAMES, FPS = 36, 12.0
KINSHIP = 0.85  # of the speckle, from one frame to the next
CODEC, SUFFIX = "mp4v", ".mp4"


class _SteadyTissue(TissueMap):
    """A slice whose shapes stay where they are in the next slice.

    Grain thrown for each pixel of a shape takes more dice when the shape grows by a pixel, and all that is drawn after
    it moves. Here the grain is a field of its own that the whole sweep shares.
    """

    def __init__(self, settings: Settings, grain: Floats) -> None:
        super().__init__(settings.shape, settings.mm_per_px, anatomy.BED_DB)
        self._grain = grain

    def fill(
        self, outline: Points, level_db: float, grain_db: float = 0.0, rng: np.random.Generator | None = None
    ) -> None:
        super().fill(outline, level_db)
        if grain_db:
            window, within = self._window(outline)
            self.level_db[window][within] += np.float32(grain_db) * self._grain[window][within]


def steady_sweep(subject: Subject, settings: Settings, plane: Plane, count: int) -> Iterator[PhantomFrame]:
    """`count` frames along one sweep in which the anatomy drifts and the speckle changes slowly."""
    rng = np.random.default_rng([subject.seed, settings.seed, 98])
    grain = rng.standard_normal(settings.shape, dtype=np.float32)
    scatterers = bmode.speckle(settings.shape, settings.looks, rng)
    keep, change = np.float32(KINSHIP), np.float32(np.sqrt(1 - KINSHIP**2))
    for along_mm in np.linspace(-plane.sweep_mm, plane.sweep_mm, count):
        fresh = bmode.speckle(settings.shape, settings.looks, rng)
        scatterers = [keep * old + change * new for old, new in zip(scatterers, fresh, strict=True)]
        tissue = _SteadyTissue(settings, grain)
        mask = tissue.mostly_inside(plane.slice(tissue, subject, float(along_mm)))
        pixels = bmode.picture(tissue, settings, scatterers, rng)
        yield facing(PhantomFrame(pixels, mask, subject, settings, plane))


def demo_screens(plane: Plane, count: int = FRAMES) -> Iterator[Screen]:
    """The screens of one demonstration clip."""
    subject, settings = draw_subject(SUBJECT, SEED), draw_settings(SUBJECT, SETTINGS_SEED)
    for index, frame in enumerate(steady_sweep(subject, settings, plane, count)):
        yield draw_screen(frame, DISPLAY, index=index, at_s=index / FPS)


def true_ap_diameter_mm(subject: Subject, settings: Settings) -> float:
    """Antero-posterior diameter at the middle of the sweep: the band's median thickness across its course."""
    upper, lower = nerve.longitudinal_edges(subject, settings.width_mm / 2, 0.0, 0.0)
    middle = (upper + lower) / 2
    slope = np.polyfit(middle[:, 0], middle[:, 1], 1)[0]
    return float(np.median(lower[:, 1] - upper[:, 1]) * np.cos(np.arctan(slope)))


def write_clip(path: Path, screens: Iterator[Screen], fps: float = FPS) -> None:
    """Write screens as a video.

    Raises:
        ConvertError: this OpenCV cannot write the codec.
        OutputError: the file cannot be written.
    """
    with replacing(path) as temporary:
        size = DISPLAY.width, DISPLAY.height
        writer = cv2.VideoWriter(str(temporary), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*CODEC), fps, size)
        if not writer.isOpened():
            raise ConvertError(f"{path}: this OpenCV cannot write {CODEC}: use the opencv-python-headless wheel")
        count = 0
        for screen in screens:
            writer.write(screen.pixels)
            count += 1
        writer.release()
        if cv2.VideoCapture(str(temporary), cv2.CAP_FFMPEG).get(cv2.CAP_PROP_FRAME_COUNT) != count:
            raise ConvertError(f"{path}: not all {count} frames were written: is the disk full?")


def write_demo(folder: Path) -> None:
    """Write both clips and `demo.json`, their truth, into `folder`."""
    subject, settings = draw_subject(SUBJECT, SEED), draw_settings(SUBJECT, SETTINGS_SEED)
    truths: dict[str, dict[str, float]] = {
        "transverse": {"csa_mm2": round(subject.csa_mm2, 2)},
        "longitudinal": {"ap_diameter_mm": round(true_ap_diameter_mm(subject, settings), 2)},
    }
    clips = []
    for plane in (TRANSVERSE, LONGITUDINAL):
        file = f"demo-{plane.view}{SUFFIX}"
        write_clip(folder / file, demo_screens(plane))
        about = {"file": file, "view": plane.view, "mm_per_px": DISPLAY.mm_per_px, "frames": FRAMES, "fps": FPS}
        who = {"subject": subject.name, "seed": SEED, "side": subject.side, "grade": subject.grade}
        clips.append({**about, **who, **truths[plane.view]})
    write_atomically(folder / "demo.json", (json.dumps({"clips": clips}, indent=2) + "\n").encode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the demonstration clips and their truth.")
    parser.add_argument("folder", type=Path)
    write_demo(parser.parse_args().folder)
