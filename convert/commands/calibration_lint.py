"""`sonoedge calibration lint`: is a set of frames fit to calibrate a model with?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from convert.commands.options import VIEWS
from edge.cli import ANSWER_IS_NO, DONE, Command
from edge.errors import UsageError

if TYPE_CHECKING:
    from convert.calibration.frames import CalibrationSet
    from convert.data.dataset import DataFolder
    from convert.training.training_record import TrainingRecord
    from edge.findings import View

TASKS = ("segment", "grade", "classify")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="a data folder of frames like those of the device")
    parser.add_argument(
        "--model", type=Path, metavar="M", help="the model to calibrate; M.train.json beside it says how it was trained"
    )
    parser.add_argument("--task", choices=TASKS, help="what the model does [what M.train.json says]")
    parser.add_argument("--view", choices=VIEWS, help="the plane it looks at [the folder's, if it holds one alone]")
    parser.add_argument(
        "--gate",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="a data folder that the result will be proved on; may be given again",
    )
    parser.add_argument(
        "--rgb-mean",
        nargs=3,
        type=float,
        metavar=("R", "G", "B"),
        help="mean colour, 0..255, of the pictures that a model of colours was trained on",
    )
    parser.add_argument(
        "--waive", action="append", default=[], metavar="RULE", help="pass although this rule fails; may be given again"
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(args: argparse.Namespace) -> int:
    from convert.calibration.lint import as_json, as_text, lint
    from convert.data.dataset import read_data_folder
    from convert.readers.preprocessing import Preprocessing
    from convert.training.training_record import read_record

    if args.model is not None and not args.model.exists():
        raise UsageError(f"{args.model}: no such model")
    record = read_record(args.model) if args.model is not None else None
    folder = read_data_folder(args.folder)
    found = lint(
        folder,
        _calibration(args, folder, record),
        record=record,
        evaluation=[read_data_folder(path) for path in args.gate],
        task=args.task,
        preprocessing=Preprocessing("rgb", 255.0, tuple(args.rgb_mean)) if args.rgb_mean else None,
        waive=args.waive,
    )
    print(as_json(found) if args.json else as_text(found))
    return DONE if found.passed else ANSWER_IS_NO


def _calibration(args: argparse.Namespace, folder: DataFolder, record: TrainingRecord | None) -> CalibrationSet | None:
    """The frames as the model would get them; None where nobody says what the model does."""
    from convert.calibration.frames import calibration_set
    from convert.data.samples import input_spec
    from convert.models import ARCHITECTURES, architecture

    if record is not None and args.task not in (None, record.task):
        raise UsageError(f"{args.model} is there to {record.task}, --task says {args.task}")
    if record is not None:
        arch = architecture(record.arch)
    elif args.task in ("segment", "grade"):  # the project's own networks of one task all take the same input
        arch = next(arch for arch in ARCHITECTURES.values() if arch.task == args.task)
    else:
        return None
    held = {sample.view for sample in folder} - {""}
    view: View = args.view or ("longitudinal" if held == {"longitudinal"} else "transverse")
    return calibration_set(folder, arch.task, view, input_spec(arch))


COMMAND = Command("is a set of frames fit to calibrate a model with?", add_arguments, run)
