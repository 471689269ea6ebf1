"""`sonoedge run`: a live source, frame by frame, until it ends, enough frames are seen, or Ctrl-C."""

from __future__ import annotations

import argparse
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from edge.cli import DONE, Command
from edge.commands import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_model(parser)
    parser.add_argument(
        "--source",
        required=True,
        metavar="S",
        help="v4l2:/dev/video0, picamera2:0, replay:FILE, a video, an .mha, a DICOM file or a folder",
    )
    options.add_scale(parser)
    options.add_probe(parser)
    options.add_exam(parser)
    options.add_budget(parser, chooses=True)
    parser.add_argument(
        "--frames", type=_count, metavar="N", help="stop after N frames [when the source ends, or Ctrl-C]"
    )
    parser.add_argument("--report", type=Path, metavar="R.json", help="write the report here")
    parser.add_argument(
        "--overlays",
        type=Path,
        metavar="DIR",
        help="write an annotated PNG of each frame with a picture; of a device, of as many as there is time for",
    )


def run(args: argparse.Namespace) -> int:
    from edge.commands.chosen import chosen
    from edge.commands.exam import examine, overlays_into, summary
    from edge.output import check_place
    from edge.probe import open_probe
    from edge.report import write
    from edge.sources import open_source

    if args.report:
        check_place(args.report)
    gated = options.probe_gates(args)
    bundle = options.open_bundle(args)
    with ExitStack() as opened:
        probe = opened.enter_context(closing(open_probe(args.probe))) if args.probe is not None else None
        source = open_source(args.source)
        report = examine(
            bundle,
            replace(chosen(args, bundle, by_budget=True), gated=gated),
            source,
            args.source,
            probe=probe,
            budget_ms=options.budget_ms(args),
            exam=options.exam(args),
            draw=overlays_into(args.overlays) if args.overlays else None,
            limit=args.frames,
            stoppable=True,
        )
    if args.report:
        write(report, args.report)
    print(summary(report))
    if args.report:
        print(f"report       {args.report}")
    return DONE


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


COMMAND = Command("grade a live source within the latency budget", add_arguments, run)
