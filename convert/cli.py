"""The workstation's sub-commands: `sonoedge phantom | train | convert`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.cli import DONE, Command
from edge.errors import MissingExtraError, UsageError
from edge.quiet import quiet_stderr

VIEWS = ("transverse", "longitudinal")
TASKS = ("segment", "grade")


def _phantom_arguments(parser: argparse.ArgumentParser) -> None:
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


def _phantom(args: argparse.Namespace) -> int:
    with _heavy_imports("sonoedge phantom"):
        from convert.phantom.folder import PLANES, Population, write_population

    if args.subjects < 1 or args.workers < 1:
        raise UsageError("--subjects and --workers are 1 or more")
    frames = {plane: getattr(args, plane) for plane in PLANES if getattr(args, plane) > 0}
    if not frames:
        raise UsageError("nothing to render: give --transverse, --forearm or --longitudinal a number above 0")
    count = write_population(args.out, Population(args.seed, args.subjects, frames), workers=args.workers)
    print(f"{count} frames of {args.subjects} subjects in {args.out}")
    return DONE


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", required=True, choices=TASKS, help="find the nerve, or grade it")
    parser.add_argument(
        "--arch", required=True, metavar="A", help="sa_unet; squeezenet, mobilenet_v2 or efficientnet_b0"
    )
    parser.add_argument(
        "--data",
        required=True,
        action="append",
        type=Path,
        metavar="DIR",
        help="a data folder; may be given again, and one given twice counts twice",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="M.keras", help="the model to write")
    parser.add_argument("--epochs", type=int, default=8, metavar="N", help="[%(default)s]")
    parser.add_argument("--batch", type=int, default=16, metavar="N", help="[%(default)s]")
    parser.add_argument("--learning-rate", type=float, default=1e-3, metavar="R", help="[%(default)s]")
    parser.add_argument(
        "--window-px",
        type=int,
        default=0,
        metavar="N",
        help="train a segmenter on windows of this size about the nerve [whole pictures]",
    )
    parser.add_argument(
        "--init", type=Path, metavar="M0.keras", help="start from these weights of the same architecture"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="[%(default)s]")


def _train(args: argparse.Namespace) -> int:
    from convert.dataset import read_data_folder
    from convert.models import architecture

    arch = architecture(args.arch)
    if arch.task != args.task:
        raise UsageError(f"--arch {arch.name} is there to {arch.task}, --task says {args.task}")
    if args.out.suffix != ".keras":
        raise UsageError(f"--out {args.out}: the name of a model ends in .keras")
    folders = [read_data_folder(path) for path in args.data]
    with _heavy_imports("sonoedge train"):
        from convert.train import Schedule, train

    schedule = Schedule(args.epochs, args.batch, args.learning_rate, window_px=args.window_px)
    record = train(arch, folders, args.out, schedule, seed=args.seed, init=args.init)
    print(
        f"{args.out}: best epoch {record.best_epoch + 1} of {record.epochs}, "
        f"loss {record.held_out_loss:.4f} on {len(record.held_out_subjects)} held-out subjects"
    )
    return DONE


def _convert_arguments(parser: argparse.ArgumentParser) -> None:
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


def _convert(args: argparse.Namespace) -> int:
    from convert.dataset import read_data_folder
    from edge.bundle import Bundle

    calibration = read_data_folder(args.calibration)
    base = Bundle.open(args.into) if args.into else None
    with _heavy_imports("sonoedge convert"):
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


@contextmanager
def _heavy_imports(what: str) -> Iterator[None]:
    """Import what the extra `convert` brings: its chatter is kept off the terminal, its absence is one line."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with quiet_stderr():
            yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(what, "convert") from error


PHANTOM = Command("simulate labelled ultrasound frames", _phantom_arguments, _phantom)
TRAIN = Command("train a segmenter or a grader", _train_arguments, _train)
CONVERT = Command("make an INT8 bundle of a trained model", _convert_arguments, _convert)
