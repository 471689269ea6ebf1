"""`sonoedge grade`: stills and clips of one exam, offline."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli import DONE, Command
from edge.commands import options
from edge.errors import ReportError, UsageError

if TYPE_CHECKING:
    from edge.findings import View
    from edge.manifest import Thresholds
    from edge.report import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="pictures, clips, DICOM files or folders of one exam"
    )
    options.add_model(parser)
    options.add_scale(parser)
    options.add_exam(parser)
    options.add_budget(parser)
    parser.add_argument("--report", type=Path, metavar="R.json", help="write the report here")
    parser.add_argument(
        "--overlays", type=Path, metavar="DIR", help="write an annotated PNG of each frame with a picture"
    )
    parser.add_argument(
        "--join",
        type=Path,
        metavar="OTHER.json",
        help="report of the same wrist in the other plane: one grade from both",
    )


def run(args: argparse.Namespace) -> int:
    from edge.commands.chosen import chosen
    from edge.commands.exam import examine, joined_summary, overlays_into, summary
    from edge.output import check_place
    from edge.report import write
    from edge.sources import open_stills

    if args.report:
        check_place(args.report)
    bundle = options.open_bundle(args)
    other = read_other_plane(args.join, bundle.manifest.view) if args.join else None
    report = examine(
        bundle,
        chosen(args, bundle),
        open_stills(args.files),
        str(args.files[0]) if len(args.files) == 1 else f"{len(args.files)} files",
        budget_ms=options.budget_ms(args),
        exam=options.exam(args),
        draw=overlays_into(args.overlays) if args.overlays else None,
    )
    if other is not None:
        report = join(report, other, bundle.manifest.thresholds)
    if args.report:
        write(report, args.report)
    print(summary(report))
    if report.joined is not None:
        print(joined_summary(report.joined))
    if args.report:
        print(f"report       {args.report}")
    return DONE


def read_other_plane(path: Path, view: View) -> Report:
    """The report that `--join` names.

    Raises:
        ReportError: it cannot be read.
        UsageError: it is of the same plane.
    """
    from edge.report import decode

    try:
        other = decode(path.read_bytes(), path.name)
    except OSError as error:
        raise ReportError(f"{path}: cannot be read ({error.strerror})") from error
    if other.bundle.view == view:
        raise UsageError(f"{path}: is of the {view} plane too: --join takes the report of the other plane")
    return other


def join(report: Report, other: Report, thresholds: Thresholds | None = None) -> Report:
    """`report` with one grade from both planes (P3).

    Raises:
        UsageError: the two reports name different subjects or sides.
    """
    import msgspec

    from edge.manifest import Thresholds
    from edge.stages.aggregate import join_planes

    for what in ("subject", "side"):
        mine, theirs = getattr(report.exam, what), getattr(other.exam, what)
        if mine is not None and theirs is not None and mine != theirs:
            raise UsageError(f"the two reports are of different wrists: {what} {theirs} and {mine}")
    planes = {report.bundle.view: report.clip, other.bundle.view: other.clip}
    joined = join_planes(planes["transverse"], planes["longitudinal"], thresholds or Thresholds())
    return msgspec.structs.replace(report, joined=joined)


COMMAND = Command("grade stills and clips of one exam, offline", add_arguments, run)
