"""`sonoedge confidence`: make a bundle say how sure it is, and when it is not."""

from __future__ import annotations

import argparse
from pathlib import Path

from convert.commands.options import check_outputs, heavy_imports
from edge.cli import DONE, Command
from edge.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", metavar="B", help="a .sonobundle file, or the name of a packaged one")
    parser.add_argument(
        "--data",
        required=True,
        action="append",
        type=Path,
        metavar="DIR",
        help="labelled frames of subjects that no training has seen; may be given again",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="B2.sonobundle", help="the bundle to write")
    parser.add_argument(
        "--coverage",
        type=float,
        default=0.9,
        metavar="P",
        help="share of wrists whose set of grades shall hold the true one [%(default)s]",
    )
    parser.add_argument("--json", type=Path, metavar="J", help="write the report as JSON")


def run(args: argparse.Namespace) -> int:
    from convert.data.dataset import read_data_folder
    from edge.bundle import SUFFIX
    from edge.commands.options import open_bundle

    if not 0.5 <= args.coverage <= 0.99:
        raise UsageError(f"--coverage {args.coverage:g}: give 0.5 to 0.99")
    if args.out.suffix != SUFFIX:
        raise UsageError(f"--out {args.out}: the name of a bundle ends in {SUFFIX}")
    check_outputs(args.out, args.json)
    bundle, folders = open_bundle(args), [read_data_folder(path) for path in args.data]
    with heavy_imports("sonoedge confidence"):
        from convert.confidence.confide import as_text, find_confidence, write_report

    found = find_confidence(bundle, folders, args.coverage)
    found.write(bundle, args.out)
    if args.json:
        write_report(found.report, args.json)
    print(as_text(found.report))
    return DONE


COMMAND = Command(
    "fit how sure a bundle is on held-out subjects: temperature, sets of grades, what is typical", add_arguments, run
)
