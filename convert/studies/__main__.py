"""`python -m convert.studies NAME`: make one of the papers' comparisons again, and write its table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from convert.studies.graders import graders
from convert.studies.planes import planes
from convert.studies.screens import screens
from convert.studies.segmenters import segmenters
from convert.studies.study import Workshop
from edge.errors import SonoEdgeError
from edge.output import write_atomically

STUDIES: Mapping[str, tuple[Callable[..., str], int]] = {
    "segmenters": (segmenters, 20),
    "graders": (graders, 10),
    "planes": (planes, 0),
}
"""Name -> study, and its epochs."""
ON_REAL_SCREENS = "screens"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m convert.studies",
        description="the papers' comparisons, on phantoms; and what is read of real screens",
    )
    parser.add_argument("study", choices=[*STUDIES, ON_REAL_SCREENS])
    parser.add_argument("--work", type=Path, default=Path("studies-build"), help="what is done already lies there")
    parser.add_argument("--out", type=Path, default=Path("docs/studies"))
    parser.add_argument("--full", action="store_true", help="the paper's size; many hours on two cores")
    parser.add_argument("--epochs", type=int, help="of each training [as the study says]")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="screens: public data")
    parser.add_argument("--truth", type=Path, default=Path("tests/edge/screen_truth"), help="screens: what is on them")
    args = parser.parse_args(argv)
    words = f"python -m convert.studies {args.study}" + (" --full" if args.full else "")
    words += f" --epochs {args.epochs}" if args.epochs else ""
    try:
        text = screens(args.data, args.truth) if args.study == ON_REAL_SCREENS else _on_phantoms(args)
        args.out.mkdir(parents=True, exist_ok=True)
        write_atomically(args.out / f"{args.study}.md", f"{text}\nMade by `{words}`.\n".encode())
    except SonoEdgeError as error:
        print(f"studies: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("studies: interrupted: the same command goes on from here", file=sys.stderr)
        return 130
    print(text)
    return 0


def _on_phantoms(args: argparse.Namespace) -> str:
    make, epochs = STUDIES[args.study]
    epochs = args.epochs or epochs
    shop = Workshop(args.work / f"{args.study}-{'full' if args.full else 'quick'}-{epochs}", args.workers)
    return make(shop, full=args.full, epochs=epochs)


if __name__ == "__main__":
    sys.exit(main())
