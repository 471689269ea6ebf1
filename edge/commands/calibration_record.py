"""`sonoedge calibration record`: good, different, de-identified frames of a source, as a data folder."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli import ANSWER_IS_NO, DONE, Command
from edge.commands import options

if TYPE_CHECKING:
    from edge.recorder import Recording


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="a new folder, or one of an earlier recording to add to"
    )
    parser.add_argument("--source", required=True, metavar="S", help="any source, as for `sonoedge run`")
    parser.add_argument("--count", type=_count, default=200, metavar="N", help="keep so many frames [%(default)s]")
    parser.add_argument(
        "--frames", type=_count, metavar="N", help="look at N frames [until the source ends, or Ctrl-C]"
    )
    parser.add_argument("--subject", metavar="CODE", help="code of the person, never a name [one made up]")
    parser.add_argument("--view", choices=("transverse", "longitudinal"), default="", help="the plane of the frames")
    parser.add_argument("--side", choices=("left", "right"), default="", help="which wrist")
    parser.add_argument("--level", default="", metavar="L", help="where along the arm: DWC, DWC+1, DWC+10 ...")
    parser.add_argument("--machine", default="", metavar="M", help="a code of the machine")
    parser.add_argument("--gain", default="", metavar="G", help="the machine's gain, as it shows it")
    options.add_screen(parser)
    options.add_bundle(parser)


def run(args: argparse.Namespace) -> int:
    from edge.progress import counter
    from edge.recorder import Recording, Settings, new_code, record
    from edge.screen.read import ScreenReader
    from edge.sources import open_source

    subject = new_code() if args.subject is None else args.subject
    settings = Settings(subject, args.view, args.side, args.level, args.machine, args.gain)
    spacing = options.manual_spacing(args.spacing_mm)
    thresholds = options.open_bundle(args).manifest.thresholds
    source = open_source(args.source)
    try:
        recording = Recording(args.folder, settings, args.count, args.source)
        reader = ScreenReader(stream=source.stream, spacing=spacing, roi=args.roi, profile=options.profile(args))
        total = args.frames or len(source) or None
        with counter("frames", total, unit="frame") as bar:
            try:
                with suppress(KeyboardInterrupt):  # what is kept until now is whole
                    record(source, reader, thresholds, recording, limit=args.frames, step=bar.update)
            finally:
                recording.close()
    finally:
        source.close()
    print(_summary(recording, args.folder))
    return DONE if len(recording) else ANSWER_IS_NO


def _summary(recording: Recording, folder: Path) -> str:
    refused = "".join(f"; {count} {reason}" for reason, count in recording.refused.most_common())
    return f"frames       {len(recording)} kept of {recording.seen}{refused}\nfolder       {folder}"


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


COMMAND = Command("record de-identified calibration frames from a source", add_arguments, run)
