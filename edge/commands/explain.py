"""`sonoedge explain`: where the INT8 model looked in one frame."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli import ANSWER_IS_NO, DONE, Command
from edge.commands import options
from edge.errors import UsageError

if TYPE_CHECKING:
    from edge.explain.explanation import Explanation, Settings
    from edge.frame import Frame

OF = ("cts", "normal", "mild", "moderate", "severe", "segmenter")  # as edge.explain.sight.OF: help imports nothing
MAX_SIDE = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", type=Path, metavar="IMAGE", help="a picture, or a clip or DICOM file: see --frame")
    options.add_model(parser)
    options.add_scale(parser)
    parser.add_argument(
        "--method", choices=("occlusion", "lime"), default="occlusion", help="how to look [%(default)s]; lime: an extra"
    )
    parser.add_argument(
        "--of",
        choices=OF,
        default="cts",
        help="what to explain: P(CTS), the probability of a grade, or the nerve that the segmenter found [%(default)s]",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="PNG", help="write the heat map here")
    parser.add_argument("--json", type=Path, metavar="J", help="write the numbers here")
    parser.add_argument("--frame", type=int, default=0, metavar="N", help="of a clip, counted from 0 [%(default)s]")
    parser.add_argument(
        "--patches", type=int, default=64, metavar="N", help="patches of the grid, a square number [%(default)s]"
    )
    parser.add_argument("--samples", type=int, default=300, metavar="N", help="pictures that LIME asks [%(default)s]")
    parser.add_argument("--budget-s", type=float, metavar="S", help="stop after so many seconds with what there is")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all that is drawn [%(default)s]")


def run(args: argparse.Namespace) -> int:
    settings = read_settings(args)
    from edge.commands.chosen import chosen
    from edge.explain import heat_map
    from edge.explain.explanation import as_json, explain
    from edge.explain.sight import blind
    from edge.findings import UNGRADABLE
    from edge.output import write_atomically
    from edge.overlay import save
    from edge.pipeline import Pipeline

    bundle = options.open_bundle(args)
    pipeline = Pipeline(bundle, chosen(args, bundle), stream=False)
    seen = pipeline(nth_frame(args.image, args.frame))
    reason = blind(seen, settings.of)
    if reason is not None:
        print(f"{args.image.name}: {UNGRADABLE}: {reason.value}: nothing to explain")
        return ANSWER_IS_NO
    explained = explain(bundle, pipeline, seen, settings, progress=True)
    save(heat_map.draw(seen, explained), args.out)
    if args.json:
        write_atomically(args.json, as_json(explained.record))
    print(summary(explained.record))
    print(f"heat map     {args.out}")
    return DONE


def read_settings(args: argparse.Namespace) -> Settings:
    """The words of the command line, checked.

    Raises:
        UsageError: a word is out of range.
    """
    from edge.explain.explanation import Settings

    side = math.isqrt(max(0, args.patches))
    if not 2 <= side <= MAX_SIDE or side * side != args.patches:
        raise UsageError(f"--patches {args.patches}: give a square number from 4 to {MAX_SIDE**2}, like 64 (8 x 8)")
    if args.samples < 1:
        raise UsageError(f"--samples {args.samples}: give 1 or more")
    if args.seed < 0:
        raise UsageError(f"--seed {args.seed}: give 0 or more")
    if args.budget_s is not None and not 0 < args.budget_s < math.inf:
        raise UsageError(f"--budget-s {args.budget_s}: give a number of seconds above 0")
    if args.out.suffix.lower() != ".png":
        raise UsageError(f"--out {args.out}: give a name that ends in .png")
    return Settings(args.method, args.of, side, args.samples, args.budget_s, args.seed)


def nth_frame(path: Path, number: int) -> Frame:
    """One frame of a file, counted from 0.

    Raises:
        SourceError: the file cannot be read.
        UsageError: it has no such frame.
    """
    from edge.sources import open_stills

    source = open_stills([path])
    try:
        for index, frame in enumerate(source):
            if index == number:
                return frame
    finally:
        source.close()
    raise UsageError(f"{path}: has no frame {number}: they are counted from 0")


def summary(explanation: Explanation) -> str:
    """What the operator reads at the end."""
    lines = [f"grade        {explanation.grade}", f"explained    {explanation.of}, {explanation.baseline:.3f}"]
    if explanation.hottest_on_nerve is None:
        lines.append("looked       nowhere: whatever is hidden, the answer stays the same")
    else:
        lines.append(
            f"looked       {explanation.hottest_on_nerve:.0%} of the hottest tenth on the nerve, "
            f"which is {explanation.nerve_in_box:.0%} of what the model saw"
        )
    stopped = "" if explanation.tried == explanation.planned else f" of {explanation.planned}: the time was up"
    lines.append(f"asked        {explanation.tried}{stopped}; {explanation.seconds:.2f} s")
    return "\n".join(lines)


COMMAND = Command("show where the INT8 model looked in a frame: heat map and numbers", add_arguments, run)
