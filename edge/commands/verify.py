"""`sonoedge verify`: is a bundle whole, all-integer, fed as this runtime feeds it, and does it answer as it should?"""

from __future__ import annotations

import argparse

from edge.cli import ANSWER_IS_NO, DONE, Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", metavar="B", help="a .sonobundle file, or the name of a packaged one")
    parser.add_argument(
        "--interpreter", default="auto", metavar="NAME", help="litert, tflite-runtime or auto [%(default)s]"
    )
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")


def run(args: argparse.Namespace) -> int:
    from edge.commands.options import open_bundle
    from edge.verify import as_json, as_text, verify

    verification = verify(open_bundle(args), args.interpreter)
    print(as_json(verification) if args.json else as_text(verification))
    return DONE if verification.passed else ANSWER_IS_NO


COMMAND = Command(
    "check that a bundle is whole, all-integer, and answers here as where it was made", add_arguments, run
)
