"""`sonoedge train`: train a segmenter or a grader."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from convert.commands.options import VIEWS, check_outputs, heavy_imports
from edge.cli import DONE, INTERRUPTED, Command
from edge.errors import UsageError

if TYPE_CHECKING:
    from convert.training.folds import Folds
    from convert.training.train import Recipe
    from convert.training.training_record import TrainingRecord

TASKS = ("segment", "grade")
EPOCHS, PATIENCE = 20, 6
BATCH_AND_RATE = {"segment": (4, 5e-4), "grade": (16, 1e-3)}
"""A segmenter's are P1's; with more pictures at a time the larger networks want more than 4 GiB."""
_SHOWN = {"segment": ("dsc", "zero_overlap", "hd95_px"), "grade": ("accuracy", "auc", "quadratic_weighted_kappa")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", required=True, choices=TASKS, help="find the nerve, or grade it")
    parser.add_argument("--arch", required=True, metavar="A", help="a network by name; a wrong one lists them")
    parser.add_argument(
        "--data",
        required=True,
        action="append",
        type=Path,
        metavar="DIR",
        help="a data folder; may be given again, and one given twice counts twice",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="M.keras", help="the model to write")
    parser.add_argument("--view", choices=VIEWS, help="only images of this plane [all]")
    parser.add_argument(
        "--folds", type=int, metavar="K", help="also K models that leave subjects out, and their figures"
    )
    parser.add_argument("--init", metavar="W", help="start from M0.keras, SQUEEZENET.onnx or keras:imagenet")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="[%(default)s]")
    _add_schedule(parser)
    _add_switches(parser)


def _add_schedule(parser: argparse.ArgumentParser) -> None:
    long = parser.add_argument_group("how long")
    long.add_argument("--epochs", type=_positive, default=EPOCHS, metavar="N", help="at most [%(default)s]")
    long.add_argument(
        "--patience",
        type=int,
        default=PATIENCE,
        metavar="N",
        help="stop after N epochs without a smaller held-out loss; 0: never [%(default)s]",
    )
    long.add_argument(
        "--frames-per-epoch", type=int, default=0, metavar="N", help="[each once; a small set more often, 400 in all]"
    )
    long.add_argument("--batch", type=_positive, metavar="N", help="pictures at a time [segment 4, grade 16]")
    long.add_argument("--learning-rate", type=float, metavar="R", help="[segment 5e-4, grade 1e-3]")
    long.add_argument(
        "--window-px",
        type=int,
        default=0,
        metavar="N",
        help="train a segmenter on windows of this size about the nerve [whole pictures]",
    )


def _add_switches(parser: argparse.ArgumentParser) -> None:
    off = parser.add_argument_group("what is switched off")
    off.add_argument(
        "--no-aug", type=_names, default=(), metavar="NAME[,NAME]",
        help="augmentation: shift scale rotation shear flip shade speckle intensity resolution crop overlay, or all",
    )  # fmt: skip
    off.add_argument("--no-balance", action="store_true", help="grades as often as they come")


def run(args: argparse.Namespace) -> int:
    try:
        return _run(args)
    except KeyboardInterrupt:
        again = shlex.join(["sonoedge", *sys.argv[1:]])
        print(f"sonoedge train: stopped; to go on after the last whole epoch: {again}", file=sys.stderr)
        return INTERRUPTED


def _run(args: argparse.Namespace) -> int:
    from convert.data.dataset import read_data_folder
    from convert.models import architecture

    arch = architecture(args.arch)
    if arch.task != args.task:
        raise UsageError(f"--arch {arch.name} is there to {arch.task}, --task says {args.task}")
    if args.out.suffix != ".keras":
        raise UsageError(f"--out {args.out}: the name of a model ends in .keras")
    check_outputs(args.out)
    folders = [read_data_folder(path) for path in args.data]
    with heavy_imports("sonoedge train"):
        from convert.training.folds import train_folds
        from convert.training.train import read_for, train_recipe

    recipe = _recipe(args)
    frames = read_for(arch, folders, args.view)
    if args.folds is not None:
        _tell_folds(args, train_folds(recipe, frames, args.out, args.folds))
    else:
        _tell(args.out, train_recipe(recipe, frames, args.out))
    return DONE


def _recipe(args: argparse.Namespace) -> Recipe:
    from convert.models import architecture
    from convert.training.augment import AUGMENTATIONS
    from convert.training.train import Recipe, Schedule

    batch, rate = BATCH_AND_RATE[args.task]
    off = AUGMENTATIONS[args.task].names if "all" in args.no_aug else args.no_aug
    recipe = Recipe(
        arch=architecture(args.arch),
        schedule=Schedule(
            epochs=args.epochs,
            batch=args.batch or batch,
            learning_rate=rate if args.learning_rate is None else args.learning_rate,
            samples_per_epoch=args.frames_per_epoch,
            window_px=args.window_px,
            patience=args.patience,
        ),
        seed=args.seed,
        init=args.init,
        no_augmentation=off,
        balanced=not args.no_balance,
    )
    recipe.augmentation  # noqa: B018  a wrong name is told before the frames are read
    return recipe


def _tell(out: Path, record: TrainingRecord) -> None:
    print(
        f"{out}: best epoch {record.best_epoch + 1} of {record.epochs}, "
        f"loss {record.held_out_loss:.4f} on {len(record.held_out_subjects)} held-out subjects"
    )


def _tell_folds(args: argparse.Namespace, found: Folds) -> None:
    print(
        f"{args.out}: and {len(found.folds)} folds; out of fold, {found.n_subjects} subjects, {found.n_images} images:"
    )
    for name in _SHOWN[args.task]:
        figure, (mean, sd) = found.figures[args.task]["float"][name], found.over_folds[name]
        low, high = figure.ci95 or (float("nan"), float("nan"))
        print(f"  {name:26s}{figure.value:.3f} ({low:.3f}-{high:.3f}), over folds {mean:.3f} +- {sd:.3f}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: at least 1")
    return number


COMMAND = Command("train a segmenter or a grader", add_arguments, run)
