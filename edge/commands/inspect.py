"""`sonoedge inspect`: what is inside a bundle."""

from __future__ import annotations

import argparse

from edge.cli import DONE, Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", metavar="B", help="a .sonobundle file, or the name of a packaged one")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--json", action="store_true", help="print the manifest as JSON")
    what.add_argument(
        "--card", action="store_true", help="print the model card: its purpose, and how good it was found"
    )


def run(args: argparse.Namespace) -> int:
    from edge.bundle import CARD_FILE
    from edge.commands.options import open_bundle
    from edge.inspect_bundle import as_json, as_text

    bundle = open_bundle(args)
    if args.card:
        print(bundle.read(CARD_FILE).decode())
    else:
        print(as_json(bundle) if args.json else as_text(bundle))
    return DONE


COMMAND = Command("show what is inside a bundle", add_arguments, run)
