"""`sonoedge convert`: make an INT8 bundle of a trained model."""

from __future__ import annotations

import argparse
from pathlib import Path

from convert.commands.options import VIEWS, heavy_imports
from edge.cli import DONE, Command

TASKS = ("segment", "grade")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .keras file")
    parser.add_argument("--task", required=True, choices=TASKS, help="what the model does")
    parser.add_argument("--view", default="transverse", choices=VIEWS, help="the plane it looks at [%(default)s]")
    parser.add_argument(
        "--calibration",
        required=True,
        type=Path,
        metavar="DIR",
        help="a data folder of frames like those of the device",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="B.sonobundle", help="the bundle to write")
    parser.add_argument("--into", type=Path, metavar="B0", help="add the model to a copy of this bundle")
    parser.add_argument("--name", metavar="NAME", help="a grader's name in the bundle [its architecture]")
    parser.add_argument("--recipe", default="full_integer", metavar="R", help="how it becomes INT8 [%(default)s]")
    parser.add_argument(
        "--mm-per-px", type=float, metavar="X", help="size of a pixel the model was trained at [what M.train.json says]"
    )
    parser.add_argument("--licence", default="Apache-2.0", metavar="SPDX", help="licence of the weights [%(default)s]")
    parser.add_argument(
        "--attribution",
        action="append",
        default=[],
        metavar="TEXT",
        help="whose data the weights owe to; may be given again",
    )


def run(args: argparse.Namespace) -> int:
    from convert.dataset import read_data_folder
    from edge.bundle import Bundle

    calibration = read_data_folder(args.calibration)
    base = Bundle.open(args.into) if args.into else None
    with heavy_imports("sonoedge convert"):
        import keras  # noqa: F401  what the road needs is missed now, not half way

        from convert.conversion import convert_model
        from convert.packaging import pack
        from convert.quantize import load_recipe

    converted = convert_model(
        args.model, args.task, args.view, calibration, recipe=load_recipe(args.recipe), mm_per_px=args.mm_per_px
    )
    bundle = pack(
        args.out,
        converted,
        args.view,
        base=base,
        name=args.name,
        licence=args.licence,
        attribution=tuple(args.attribution),
    )
    parity = converted.parity
    print(
        f"{bundle.path}: {converted.entry.arch}, "
        f"{len(converted.int8) / 1024:.0f} KiB INT8 of {len(converted.float_tflite) / 1024:.0f} KiB float"
    )
    print(
        f"against float on {parity.pictures} calibration frames: {parity.changed_decisions:.3%} of decisions changed, "
        f"largest error {parity.max_error:.3f} in a logit"
    )
    print("unlabelled: gated on agreement with float alone, never against an expert's answer")
    return DONE


COMMAND = Command("make an INT8 bundle of a trained model", add_arguments, run)
