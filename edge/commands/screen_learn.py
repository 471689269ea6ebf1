"""`sonoedge screen learn`: a profile of one machine's screen, from its own frames."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli import DONE, Command
from edge.commands import options
from edge.errors import ProfileError, UsageError

if TYPE_CHECKING:
    from edge.frame import FrameSource, Pixels
    from edge.screen.profile import Profile

FRAMES, EVERY = 40, 5  # of a stream, some seconds: a clock has moved, and no hand has touched the depth


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--source", required=True, metavar="S", help="a device, clip or folder of that machine's screen"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="P.toml", help="write the profile here")
    parser.add_argument("--name", metavar="N", help="what the profile is called [its file's name]")
    parser.add_argument("--machine", default="", metavar="M", help="make and model, for whoever reads the file")
    parser.add_argument(
        "--roi",
        type=options.box,
        metavar="X,Y,W,H",
        help="the ultrasound picture's box on the screen, in pixels [found]",
    )
    parser.add_argument(
        "--ruler",
        type=options.box,
        metavar="X,Y,W,H",
        help="a box that looks different at each depth [the ruler found]",
    )
    parser.add_argument("--spacing-mm", type=float, metavar="X", help="millimetres per pixel [what the ruler says]")


def run(args: argparse.Namespace) -> int:
    from edge.screen.learn import learn
    from edge.screen.profile import write
    from edge.sources import open_source

    if args.out.exists():
        raise UsageError(f"{args.out}: is there already: give another name, or remove it")
    source = open_source(args.source)
    try:
        screens = _some(source)
    finally:
        source.close()
    try:
        profile = learn(
            screens,
            name=args.name or args.out.stem,
            machine=args.machine,
            roi=args.roi,
            ruler=args.ruler,
            spacing=options.manual_spacing(args.spacing_mm),
        )
    except ProfileError as error:
        raise ProfileError(f"{args.source}: {error}") from error
    write(profile, args.out)
    print(_summary(profile, len(screens)))
    print(f"profile      {args.out}")
    return DONE


def _some(source: FrameSource) -> list[Pixels]:
    """Grey screens of a source, some seconds of a stream or the first of its stills."""
    from itertools import islice

    from edge.screen.colour import to_grey

    every = EVERY if source.stream else 1
    frames = [frame.pixels for frame in islice(source, 0, FRAMES * every, every)]
    screens = [to_grey(pixels) for pixels in frames if pixels is not None]
    if not screens:
        raise ProfileError("no frame of it can be read: check the source")
    return screens


def _summary(profile: Profile, frames: int) -> str:
    x, y, width, height = profile.picture
    told = sum(len(row) // 2 - row.count("--") for row in profile.still)
    scale = (
        "none: no ruler said it, and no --spacing-mm"
        if profile.mm_per_px is None
        else (f"{profile.mm_per_px:.5g} mm per px ± {profile.uncertainty:.1%}, while the ruler looks as it does")
    )
    lines = [
        f"screen       {profile.screen[0]} x {profile.screen[1]} px, {told} cells at rest, from {frames} frames",
        f"picture      {width} x {height} px at {x},{y}, {len(profile.outline) or 4} corners",
        f"scale        {scale}",
    ]
    if frames == 1:
        lines.append("note         one frame alone: all beside the picture is taken to be at rest; a clip tells better")
    return "\n".join(lines)


COMMAND = Command("learn a profile of one machine's screen", add_arguments, run)
