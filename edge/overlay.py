"""What a person looks at: the scan with the nerve's contour, and the grade beside it with its reason.

Only the scan is drawn. The rest of the screen, with whatever name stands on it, was dropped by ReadScreen.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from edge.errors import OutputError, RedactionError
from edge.examine import Watcher
from edge.findings import UNGRADABLE, numbers, with_uncertainty
from edge.frame import Pixels
from edge.output import replacing, write_atomically
from edge.pipeline import Observation
from edge.quiet import quiet_stderr
from edge.report import DISCLAIMER
from edge.screen.redact import checked

CODEC = "VP80"  # what a browser and any player show, and OpenCV's own build writes
PANEL_PX = 132  # height of the text below the scan
MIN_WIDTH_PX = 720  # narrower scans are enlarged, so that the text has room ...
MAX_ZOOM = 4.0  # ... but not beyond reason; what is narrower still has black beside it
CONTOUR = (80, 220, 255)  # BGR
TEXT = (235, 235, 235)
QUIET = (150, 150, 150)
COLOURS = {"normal": (120, 220, 120), "mild": (90, 220, 240), "moderate": (70, 160, 255), "severe": (80, 80, 255)}
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw(seen: Observation) -> Pixels | None:
    """The annotated scan, BGR (H, W, 3) with a panel of text below, or None when the frame held no scan.

    Raises:
        RedactionError: text may be left on the scan.
    """
    if seen.scan is None:
        return None
    clean = checked(seen.scan.pixels, name=seen.frame.name or f"frame {seen.frame.index}")
    picture = cv2.cvtColor(clean, cv2.COLOR_GRAY2BGR)
    zoom = min(max(1.0, MIN_WIDTH_PX / picture.shape[1]), MAX_ZOOM)
    picture = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
    mask = seen.scan_mask()
    if mask is not None:
        enlarged = cv2.resize(mask, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR_EXACT)
        contours, _ = cv2.findContours(enlarged, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, CONTOUR, 1, cv2.LINE_AA)
    framed = np.zeros((picture.shape[0] + PANEL_PX, max(picture.shape[1], MIN_WIDTH_PX), 3), np.uint8)
    framed[: picture.shape[0], : picture.shape[1]] = picture
    _write_panel(framed[picture.shape[0] :], seen)
    return framed


class Painter:
    """Draws frame after frame; one on which text may be left is None, and the first of them is told on stderr."""

    def __init__(self) -> None:
        self._told = False

    def __call__(self, seen: Observation) -> Pixels | None:
        try:
            return draw(seen)
        except RedactionError as error:
            if not self._told:
                tqdm.write(f"sonoedge: {error}; pictures like it are left out", file=sys.stderr)
            self._told = True
            return None


def save(picture: Pixels, path: Path) -> None:
    """Write a picture as PNG, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    write_atomically(path, cv2.imencode(".png", picture)[1].tobytes())


@contextmanager
def clip_into(path: Path, fps: float) -> Iterator[Watcher]:
    """A watcher that adds each annotated frame to one video, which takes the name `path` when the block ends.

    The first frame sets the size; later ones are fitted to it.

    Raises:
        OutputError: the video cannot be written whole.
    """
    writer: cv2.VideoWriter | None = None
    size, frames, paint = (0, 0), 0, Painter()

    with replacing(path) as temporary:

        def add(seen: Observation) -> None:
            nonlocal writer, size, frames
            picture = paint(seen)
            if picture is None:
                return
            if writer is None:
                size = (picture.shape[1] // 2 * 2, picture.shape[0] // 2 * 2)  # the codec wants even sizes
                with quiet_stderr():  # FFmpeg remarks on the codec's tag, and writes the file all the same
                    writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*CODEC), fps, size)
                if not writer.isOpened():
                    raise OutputError(f"{path}: OpenCV here cannot write {CODEC} video")
            writer.write(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
            frames += 1

        try:
            yield add
        finally:
            if writer is not None:
                writer.release()
        if frames and not _holds(temporary, frames):
            raise OutputError(f"{path}: the video was not written whole: is the disk full?")


def _holds(path: Path, frames: int) -> bool:
    """Whether the video's last frame can be read: OpenCV's writer keeps a full disk to itself."""
    video = cv2.VideoCapture(str(path))
    try:
        return sum(video.grab() for _ in range(frames)) == frames
    finally:
        video.release()


def _write_panel(panel: Pixels, seen: Observation) -> None:
    grade = seen.grade
    if grade.grade == UNGRADABLE:
        _text(panel, f"{UNGRADABLE}: {grade.reason.value if grade.reason else ''}", 34, 0.75, (140, 170, 255))
    else:
        unscaled = "  (unscaled)" if grade.unscaled else ""
        _text(panel, f"{grade.grade}{unscaled}", 34, 0.95, COLOURS[grade.grade])
    _text(panel, _measures(seen), 66, 0.55, TEXT)
    if grade.probabilities is not None:
        shares = zip(COLOURS, grade.probabilities, strict=True)
        _text(panel, "   ".join(f"{name} {share:.0%}" for name, share in shares), 94, 0.5, TEXT)
    else:
        decided = numbers(grade.value, grade.limit)
        _text(panel, "   ".join(filter(None, (grade.hint, decided and f"({decided})"))), 94, 0.5, TEXT)
    _text(panel, DISCLAIMER, 121, 0.38, QUIET)


def _measures(seen: Observation) -> str:
    nerve = seen.nerve
    if nerve is None:
        return ""
    parts = [
        _measure("CSA", nerve.csa_mm2, nerve.csa_uncertainty_mm2, "mm2"),
        _measure("AP diameter", nerve.ap_diameter_mm, nerve.ap_diameter_uncertainty_mm, "mm"),
        f"flattening {nerve.flattening_ratio:.1f}" if nerve.ap_diameter_mm is None else "",
        "two components" if nerve.components == 2 else "",
        "" if seen.scan and seen.scan.spacing.mm_per_px else "no mm: spacing unknown",
    ]
    return "   ".join(part for part in parts if part)


def _measure(name: str, size: float | None, uncertainty: float | None, unit: str) -> str:
    if size is None:
        return ""
    return f"{name} {with_uncertainty(size, uncertainty)} {unit}".replace("±", "+-")  # OpenCV's font is ASCII


def _text(panel: Pixels, text: str, baseline: int, size: float, colour: tuple[int, int, int]) -> None:
    cv2.putText(panel, text, (14, baseline), _FONT, size, colour, 1, cv2.LINE_AA)
