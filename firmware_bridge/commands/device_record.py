"""`sonoedge device record`: the frames of a source with their time stamps, losslessly, into one file.

Of each frame only the de-identified ultrasound picture is written, unless the whole screen is asked for.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli import ANSWER_IS_NO, DONE, Command
from edge.commands import options

if TYPE_CHECKING:
    from edge.frame import Frame, FrameSource
    from edge.screen.read import ScreenReader
    from firmware_bridge.raw_recording import RawRecorder

    Look = Callable[[Frame], Frame | str]  # the frame to be written, or why there is none


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="a new file: `raw:FILE` reads it, `replay:raw:FILE` plays it at its own pace",
    )
    parser.add_argument("--source", required=True, metavar="S", help="any source, as for `sonoedge run`")
    parser.add_argument(
        "--seconds", type=options.above_zero, metavar="N", help="end after so many [the source ends, or Ctrl-C]"
    )
    parser.add_argument(
        "--as-captured", action="store_true", help="write the whole screen, with whatever names are on it"
    )
    options.add_screen(parser)


def run(args: argparse.Namespace) -> int:
    """Done when a frame was written; when there was none the answer is no, and no file is left."""
    from edge.sources import open_source
    from firmware_bridge.raw_recording import RawRecorder

    source = open_source(args.source)
    left_out: Counter[str] = Counter()
    try:
        look = _look(args, source.stream)
        with RawRecorder(args.file, stream=source.stream) as recorder:
            if args.as_captured:
                print(f"sonoedge: warning: {args.file} will hold whole screens: names may be in it", file=sys.stderr)
            try:
                with suppress(KeyboardInterrupt):  # what is written until then is whole
                    _record(source, look, recorder, left_out, args.seconds)
            finally:
                if not recorder.frames:
                    args.file.unlink()
    finally:
        source.close()
    print(_summary(source, recorder, left_out))
    return DONE if recorder.frames else ANSWER_IS_NO


def _look(args: argparse.Namespace, stream: bool) -> Look:
    """What is done to each frame of a source."""
    from edge.errors import UsageError
    from edge.screen.read import ScreenReader

    if not args.as_captured:
        spacing, profile = options.manual_spacing(args.spacing_mm), options.profile(args)
        return partial(_de_identified, ScreenReader(stream=stream, spacing=spacing, roi=args.roi, profile=profile))
    if (args.spacing_mm, args.roi, args.profile) != (None, None, None):
        raise UsageError("--as-captured: the screen is not read: leave --spacing-mm, --roi and --profile out")
    return lambda frame: frame


def _de_identified(reader: ScreenReader, frame: Frame) -> Frame | str:
    """The picture alone, in which nothing is left to read; its pixels are valid until the next call."""
    from edge.errors import RedactionError
    from edge.frame import Frame, Roi
    from edge.recorder import TEXT_LEFT
    from edge.screen.redact import checked

    reading = reader(frame)
    if reading.scan is None:
        return reading.reason.value if reading.reason else "no picture"
    try:
        picture = checked(reading.scan.pixels)
    except RedactionError:
        return TEXT_LEFT
    whole, spacing = Roi(0, 0, picture.shape[1], picture.shape[0]), reading.scan.spacing
    return Frame(picture, frame.timestamp_ns, frame.index, spacing=spacing, region=whole, taken_ns=frame.taken_ns)


def _record(
    source: FrameSource, look: Look, recorder: RawRecorder, left_out: Counter[str], seconds: float | None
) -> None:
    """Write the frames of a source, of its first `seconds` if that is said; count why one was left out."""
    from edge.progress import counter

    begun_ns: int | None = None
    with counter("frames", len(source) or None, unit="frame") as bar:
        for frame in source:
            begun_ns = frame.shown_ns if begun_ns is None else begun_ns
            if seconds is not None and frame.shown_ns - begun_ns >= seconds * 1e9:
                return
            seen = look(frame)
            if isinstance(seen, str):
                left_out[seen] += 1
            else:
                recorder.write(seen)
            bar.update()


def _summary(source: FrameSource, recorder: RawRecorder, left_out: Counter[str]) -> str:
    from edge.frame import LiveSource

    reasons = "".join(f"; {count} {reason}" for reason, count in left_out.most_common())
    lines = [f"frames       {recorder.frames} written of {recorder.frames + left_out.total()}{reasons}"]
    if isinstance(source, LiveSource):
        lines.append(f"dropped      {source.dropped}")
    if recorder.frames:
        lines.append(f"recording    {recorder.path}, {recorder.path.stat().st_size / 1e6:.1f} MB")
    return "\n".join(lines)


COMMAND = Command("record a source with its time stamps, losslessly and de-identified", add_arguments, run)
