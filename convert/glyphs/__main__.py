"""`python -m convert.glyphs --out edge/assets [--fonts DIR]...`: glyphs.tflite, and glyphs.json, how it was made.

Half an hour on one core. More fonts make a better reader; the packaged one saw Debian's fonts-liberation, fonts-b612,
fonts-inconsolata, fonts-lato, fonts-open-sans, fonts-roboto-unhinted, fonts-terminus, fonts-unifont and xfonts-base.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from convert.glyphs.fonts import drawn_fonts, font_files, matplotlib_fonts
from convert.glyphs.train import PAPER_FRAMES, Plan, draw_strips, fit, paper_pictures, to_int8
from edge.errors import SonoEdgeError
from edge.output import write_atomically
from edge.screen.glyphs import ALPHABET, ASSET


def main(arguments: Sequence[str] | None = None) -> int:
    """0 done, 2 bad input."""
    parser = argparse.ArgumentParser(prog="python -m convert.glyphs", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for glyphs.tflite and glyphs.json")
    parser.add_argument("--fonts", type=Path, action="append", default=[], help="a folder of more fonts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--strips", type=int, default=Plan.strips)
    parser.add_argument("--epochs", type=int, default=Plan.epochs)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(arguments)
    plan = Plan(strips=options.strips, epochs=options.epochs)
    try:
        make(options.out, [matplotlib_fonts(), *options.fonts], plan, options.seed, options.workers)
    except SonoEdgeError as error:
        print(f"glyphs: {error}", file=sys.stderr)
        return 2
    return 0


def make(out: Path, folders: Sequence[Path], plan: Plan, seed: int, workers: int) -> None:
    """Draw, train, quantize, write."""
    strips = draw_strips(folders, paper_pictures(), plan.strips, seed, workers)
    done = to_int8(fit(strips, plan, seed), strips)
    fonts = [*drawn_fonts(), *font_files(folders)]
    record = {
        "command": "python -m convert.glyphs",
        "seed": seed,
        "plan": plan,
        "alphabet": ALPHABET[1:],
        "paper": {"simulator": "convert.phantom", "population": PAPER_FRAMES},
        "quantizer": done.name,
        "largest INT8 error in a logit": round(done.parity.max_error, 3),
        "kernels apart, LSB": done.spread.max_lsb,
        "fonts": [{"name": font.name, "licence": font.licence, "sha256": font.sha256} for font in fonts],
    }
    write_atomically(out / ASSET, done.model)
    write_atomically(out / "glyphs.json", msgspec.json.format(msgspec.json.encode(record), indent=1))


if __name__ == "__main__":
    sys.exit(main())
