"""What a frame waits for whose screen's layout is another: it is read anew while the frame waits.

    python -m benchmarks.layout_change [--changes 24]

The frames are the packaged clip's, 1080p, as a video file gives them (BGR) and as HDMI does (luma, and chroma at half
the size). Every half second of the clip the whole screen is moved sideways, or back. What a layout that holds costs is
the first row of `sonoedge bench`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice

import cv2
import numpy as np

from edge.bench.replay import hold
from edge.bundle import ASSETS
from edge.frame import Frame
from edge.screen.read import ScreenReader
from edge.sources import open_source

SIDEWAYS = 160  # px
FRAMES = 6  # of a layout: too few for the second look, which goes on beside the frames
APART_NS = 83_000_000


def main() -> int:
    """Print the table, as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layout_change", description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=24, metavar="N", help="[%(default)s]")
    args = parser.parse_args()
    cv2.setNumThreads(1)  # as the pipeline sets it
    held = hold(open_source(str(ASSETS / "demo-transverse.mp4")))
    print("| ms | p50 | p95 | max |\n|---|---|---|---|")
    for name, frames in (("BGR", held), ("luma and chroma", [in_luma(frame) for frame in held])):
        waits = list(changes(frames, args.changes))
        print(f"| {name} | " + " | ".join(f"{x:.1f}" for x in np.percentile(waits, (50, 95, 100))) + " |")
    return 0


def changes(frames: Sequence[Frame], count: int) -> Iterator[float]:
    """Milliseconds of `count` frames that show another layout than the one before.

    Raises:
        ValueError: the picture was not found where it is.
    """
    reader, now_ns, at = ScreenReader(stream=True), 0, None
    for turn in islice(cycle((frames[:FRAMES], [moved(frame) for frame in frames[:FRAMES]])), count + 1):
        for number, frame in enumerate(turn):
            now_ns += APART_NS
            shown = replace(frame, timestamp_ns=now_ns, taken_ns=None)
            start_ns = time.perf_counter_ns()
            scan = reader(shown).scan
            wait_ns = time.perf_counter_ns() - start_ns
            if number == 0:
                if scan is None or (at is not None and abs(scan.roi.x - at) != SIDEWAYS):
                    raise ValueError(f"the picture was not found {SIDEWAYS} px beside the one before")
                if at is not None:
                    yield wait_ns / 1e6
                at = scan.roi.x


def moved(frame: Frame) -> Frame:
    """All of its screen further left."""
    assert frame.pixels is not None  # noqa: S101  a clip's frames were decoded
    chroma = frame.chroma
    if chroma is not None:
        chroma = np.roll(chroma, -SIDEWAYS * chroma.shape[1] // frame.pixels.shape[1], axis=1)
    return replace(frame, pixels=np.roll(frame.pixels, -SIDEWAYS, axis=1), chroma=chroma)


def in_luma(frame: Frame) -> Frame:
    """As HDMI gives it."""
    assert frame.pixels is not None  # noqa: S101  a clip's frames were decoded
    luma, red, blue = cv2.split(cv2.cvtColor(frame.pixels, cv2.COLOR_BGR2YCrCb))
    return replace(frame, pixels=luma, chroma=np.ascontiguousarray(cv2.merge((blue, red))[::2, ::2]))


if __name__ == "__main__":
    sys.exit(main())
