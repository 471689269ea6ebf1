"""`sonoedge bench`: how long each step takes on this device."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.cli import DONE, Command
from edge.commands import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_model(parser)
    parser.add_argument(
        "--source", metavar="S", help="where the frames come from [the packaged demo clip of the bundle's view]"
    )
    options.add_scale(parser)
    options.add_budget(parser)
    parser.add_argument("--frames", type=int, default=200, metavar="N", help="frames to measure [%(default)s]")
    parser.add_argument("--json", type=Path, metavar="J", help="write the figures here")


def run(args: argparse.Namespace) -> int:
    from edge.bench import as_json, as_text, bench
    from edge.commands.demo import demo_clip
    from edge.errors import UsageError
    from edge.output import write_atomically
    from edge.sources import open_source

    bundle = options.open_bundle(args)
    if args.frames < 1:
        raise UsageError(f"--frames {args.frames}: give 1 or more")
    if args.source is None:
        clip = demo_clip(bundle.manifest.view)
        args.source, args.spacing_mm = str(clip.path), clip.mm_per_px
    source = open_source(args.source)
    try:
        result = bench(
            bundle, source, options.pipeline_options(args), frames=args.frames, budget_ms=options.budget_ms(args)
        )
    finally:
        source.close()
    if args.json:
        write_atomically(args.json, as_json(result))
    print(as_text(result))
    return DONE


COMMAND = Command("measure stages, frame age and memory on this device", add_arguments, run)
