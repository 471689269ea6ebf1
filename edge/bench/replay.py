"""Frames held in memory and given again and again, back to back or at a frame rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from edge.errors import SourceError
from edge.frame import Frame, FrameSource, Pixels, Roi, Spacing

HELD_FRAMES, HELD_MIB = 60, 64  # so many frames of the source are held at most, in about so much memory


def hold(source: FrameSource) -> list[Frame]:
    """The first frames of a source, copied out of its memory.

    Raises:
        SourceError: it has none.
    """
    held: list[Frame] = []
    size = 0
    for frame in source:
        held.append(replace(frame, pixels=_copied(frame.pixels), chroma=_copied(frame.chroma)))
        size += held_bytes(held[-1:])
        if len(held) >= HELD_FRAMES or size >= HELD_MIB * 2**20:
            break
    if not held:
        raise SourceError("the source gave no frame: bench needs at least one")
    return held


def held_bytes(held: Sequence[Frame]) -> int:
    """Memory of the frames' pictures."""
    parts = [part for frame in held for part in (frame.pixels, frame.chroma) if part is not None]
    return sum((part if part.base is None else part.base).nbytes for part in parts)


@dataclass
class Replay:
    """A source of `count` frames out of `held`, back to back or at `fps`, then the newest that is due."""

    held: Sequence[Frame]
    count: int
    stream: bool
    fps: float | None = None
    first: int = 0  # index of its first frame: the clock and the numbers of a replay before it run on
    between: Callable[[], None] = lambda: None  # called before each frame, while none is on its way
    waits_ns: list[int] = field(default_factory=list)  # of each frame given: from its stamp until it was handed over
    cpu_ns: int = 0  # of the process, from before the first frame until after the last

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Frame]:
        cpu_ns, start_ns, index = time.process_time_ns(), time.monotonic_ns(), 0
        while True:
            self.between()
            stamp_ns = time.monotonic_ns()
            if self.fps is not None:
                period_ns = 1e9 / self.fps
                index = max(index, int((stamp_ns - start_ns) / period_ns))  # the newest that is due
                stamp_ns = start_ns + int(index * period_ns)
            if index >= self.count:
                break
            time.sleep(max(0, stamp_ns - time.monotonic_ns()) / 1e9)
            frame = self._frame(index, stamp_ns)
            self.waits_ns.append(max(0, time.monotonic_ns() - stamp_ns))
            yield frame
            index += 1
        self.cpu_ns = time.process_time_ns() - cpu_ns

    def _frame(self, index: int, stamp_ns: int) -> Frame:
        index += self.first
        lap, place = divmod(index, len(self.held))
        frame = self.held[place]
        taken_ns = None if frame.taken_ns is None else frame.taken_ns + lap * self._length_ns()
        return replace(frame, timestamp_ns=stamp_ns, index=index, taken_ns=taken_ns)

    def _length_ns(self) -> int:
        """Of what is held, on the recording's clock, which runs on when it is repeated."""
        taken = [frame.taken_ns for frame in self.held if frame.taken_ns is not None]
        return 0 if len(taken) < 2 else (taken[-1] - taken[0]) * len(taken) // (len(taken) - 1)

    def close(self) -> None:
        """Nothing is open."""


def scaled(frame: Frame, factor: float) -> Frame:
    """The same picture on a smaller screen, `factor` (0..1] of its height; a pixel is then larger by as much."""
    if frame.pixels is None or factor == 1.0:
        return frame
    height, width = frame.pixels.shape[:2]
    colour = frame.pixels if frame.chroma is None else frame.chroma
    down, across = height // colour.shape[0], width // colour.shape[1]  # colour stays as many times smaller
    rows, columns = max(1, round(height * factor / down)), max(1, round(width * factor / across))
    return replace(
        frame,
        pixels=_resized(frame.pixels, (across * columns, down * rows)),
        chroma=None if frame.chroma is None else _resized(frame.chroma, (columns, rows)),
        spacing=scaled_spacing(frame.spacing, factor),
        region=frame.region and scaled_box(frame.region, factor),
    )


def scaled_spacing(spacing: Spacing, factor: float) -> Spacing:
    """What a pixel is on a screen of `factor` times the height."""
    return replace(spacing, mm_per_px=spacing.mm_per_px and spacing.mm_per_px / factor)


def scaled_box(box: Roi, factor: float) -> Roi:
    """Where a box lies on a screen of `factor` times the height; within it, if it was."""
    x, y = int(box.x * factor), int(box.y * factor)
    right, bottom = int((box.x + box.width) * factor), int((box.y + box.height) * factor)
    return Roi(x, y, max(1, right - x), max(1, bottom - y))


def _resized(picture: Pixels, size: tuple[int, int]) -> Pixels:
    resized: Pixels = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return resized


def _copied(picture: Pixels | None) -> Pixels | None:
    """The same picture in memory of its own, with the same gaps: luma between its chroma is slower to read."""
    if picture is None or min(picture.strides) < 0:
        return None if picture is None else picture.copy()
    span = 1 + sum((count - 1) * step for count, step in zip(picture.shape, picture.strides, strict=True))
    copy: Pixels = np.ndarray(picture.shape, np.uint8, np.zeros(span, np.uint8), strides=picture.strides)
    np.copyto(copy, picture)
    return copy
