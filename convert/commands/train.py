"""`sonoedge train`: train a segmenter or a grader."""

from __future__ import annotations

import argparse
from pathlib import Path

from convert.commands.options import heavy_imports
from edge.cli import DONE, Command
from edge.errors import UsageError

TASKS = ("segment", "grade")


def add_arguments(parser: argparse.ArgumentParser) -> None:
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


def run(args: argparse.Namespace) -> int:
    from convert.data.dataset import read_data_folder
    from convert.models import architecture

    arch = architecture(args.arch)
    if arch.task != args.task:
        raise UsageError(f"--arch {arch.name} is there to {arch.task}, --task says {args.task}")
    if args.out.suffix != ".keras":
        raise UsageError(f"--out {args.out}: the name of a model ends in .keras")
    folders = [read_data_folder(path) for path in args.data]
    with heavy_imports("sonoedge train"):
        from convert.training.train import Schedule, train

    schedule = Schedule(args.epochs, args.batch, args.learning_rate, window_px=args.window_px)
    record = train(arch, folders, args.out, schedule, seed=args.seed, init=args.init)
    print(
        f"{args.out}: best epoch {record.best_epoch + 1} of {record.epochs}, "
        f"loss {record.held_out_loss:.4f} on {len(record.held_out_subjects)} held-out subjects"
    )
    return DONE


COMMAND = Command("train a segmenter or a grader", add_arguments, run)
