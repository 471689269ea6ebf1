"""`sonoedge phantom`: simulate labelled ultrasound frames."""

from __future__ import annotations

import argparse
from pathlib import Path

from convert.commands.options import heavy_imports
from edge.cli import DONE, Command
from edge.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the data folder to write")
    parser.add_argument("--subjects", type=int, default=100, metavar="N", help="how many people [%(default)s]")
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="S",
        help="which population: the same seed, the same people [%(default)s]",
    )
    for plane, frames in (("transverse", 1), ("forearm", 0), ("longitudinal", 0)):
        parser.add_argument(
            f"--{plane}", type=int, default=frames, metavar="N", help=f"{plane} frames a subject [%(default)s]"
        )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that render [%(default)s]")


def run(args: argparse.Namespace) -> int:
    with heavy_imports("sonoedge phantom"):
        from convert.phantom.folder import PLANES, Population, write_population

    if args.subjects < 1 or args.workers < 1:
        raise UsageError("--subjects and --workers are 1 or more")
    frames = {plane: getattr(args, plane) for plane in PLANES if getattr(args, plane) > 0}
    if not frames:
        raise UsageError("nothing to render: give --transverse, --forearm or --longitudinal a number above 0")
    if args.out.is_dir() and any(args.out.iterdir()):
        raise UsageError(f"--out {args.out}: holds files already, these would mix with them: name a new folder")
    count = write_population(args.out, Population(args.seed, args.subjects, frames), workers=args.workers)
    print(f"{count} frames of {args.subjects} subjects in {args.out}")
    return DONE


COMMAND = Command("simulate labelled ultrasound frames", add_arguments, run)
