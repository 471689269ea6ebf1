"""`sonoedge convert`: make an INT8 bundle of a trained model, with the proof that it may stand for it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from convert.commands.options import VIEWS, check_outputs, heavy_imports
from edge.cli import ANSWER_IS_NO, DONE, Command
from edge.errors import UsageError

if TYPE_CHECKING:
    from convert.conversion import Job
    from convert.data.dataset import DataFolder
    from convert.readers.preprocessing import Preprocessing

TASKS = ("segment", "grade", "classify")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .keras, .onnx or float .tflite file, a SavedModel")
    parser.add_argument("--task", required=True, choices=TASKS, help="what the model does")
    parser.add_argument("--view", default="transverse", choices=VIEWS, help="the plane it looks at [%(default)s]")
    parser.add_argument("--calibration", required=True, type=Path, metavar="DIR", help="frames like the device's")
    parser.add_argument("--out", required=True, type=Path, metavar="B.sonobundle", help="the bundle to write")
    parser.add_argument("--into", type=Path, metavar="B0", help="add the model to a copy of this bundle")
    parser.add_argument("--name", metavar="NAME", help="a grader's name in the bundle [its architecture]")
    _add_judgement(parser)
    _add_feeding(parser)
    parser.add_argument("--licence", default="Apache-2.0", metavar="SPDX", help="licence of the weights [%(default)s]")
    parser.add_argument("--attribution", action="append", default=[], metavar="TEXT", help="whose data they owe to")
    parser.add_argument("--json", type=Path, metavar="J", help="write the conversion report as JSON")
    parser.add_argument("--html", type=Path, metavar="H", help="write it as a page")


def _add_judgement(parser: argparse.ArgumentParser) -> None:
    judged = parser.add_argument_group("how it is judged")
    judged.add_argument("--gate", type=Path, metavar="DIR", help="labelled frames [agreement with float alone]")
    judged.add_argument("--margin", action="append", default=[], metavar="FIGURE=X", help="how much worse INT8 may be")
    judged.add_argument("--waive", action="append", default=[], metavar="RULE", help="a rule of the calibration lint")
    judged.add_argument("--recipe", default="full_integer", metavar="R", help="a name or a .json file [%(default)s]")
    judged.add_argument("--no-search", action="store_true", help="look for no other recipe when the gate fails")


def _add_feeding(parser: argparse.ArgumentParser) -> None:
    fed = parser.add_argument_group("how a foreign model wants its pixels: (pixel / 255 * white - mean) / std")
    fed.add_argument("--mm-per-px", type=float, metavar="X", help="pixel size trained at [what M.train.json says]")
    fed.add_argument("--order", default="grey", choices=("grey", "rgb", "bgr"), help="[%(default)s]")
    fed.add_argument("--white", type=float, default=1.0, metavar="X", help="what pixel 255 is to it [%(default)s]")
    fed.add_argument(
        "--mean", type=_numbers, default=(0.0,), metavar="X[,X,X]", help="a channel each, in its order [0]"
    )
    fed.add_argument("--std", type=_numbers, default=(1.0,), metavar="X[,X,X]", help="likewise [1]")
    fed.add_argument("--classes", type=Path, metavar="TXT", help="names of a classifier's classes, one a line")


def run(args: argparse.Namespace) -> int:
    from edge.bundle import SUFFIX, Bundle, resolve_bundle

    if args.out.suffix != SUFFIX:
        raise UsageError(f"--out {args.out}: the name of a bundle ends in {SUFFIX}")
    check_outputs(args.out, args.json, args.html)
    job, base = _job(args), Bundle.open(resolve_bundle(str(args.into))) if args.into else None
    with heavy_imports("sonoedge convert"):
        import keras  # noqa: F401  what the road needs is missed now, not half way

        from convert.conversion import convert_model
        from convert.packing.pack import pack_gated
        from convert.report.conversion_report import write_reports
        from convert.report.from_conversion import as_text, report_of

    conversion = convert_model(job)
    packed = pack_gated(
        args.out, conversion, base=base, name=args.name, licence=args.licence, attribution=tuple(args.attribution)
    )
    report = report_of(conversion, packed)
    write_reports(report, args.json, args.html)
    print(as_text(report))
    return DONE if report.passed else ANSWER_IS_NO


def _job(args: argparse.Namespace) -> Job:
    from convert.conversion import Job
    from convert.data.dataset import read_data_folder
    from convert.gate.verdict import read_margins
    from convert.quantizing.recipe import load_recipe

    return Job(
        args.model, args.task, args.view, read_data_folder(args.calibration),
        recipe=load_recipe(args.recipe),
        preprocessing=_preprocessing(args),
        channels=3 if args.task == "classify" and args.order != "grey" else 1,
        mm_per_px=args.mm_per_px,
        classes=_classes(args.classes),
        gate_on=_gate_folder(args),
        margins=read_margins(args.margin),
        waived=tuple(args.waive),
        may_search=not args.no_search,
    )  # fmt: skip


def _gate_folder(args: argparse.Namespace) -> DataFolder | None:
    """The labelled frames; that they lack their labels is told now, not when the gate asks for them."""
    from convert.data.dataset import read_data_folder
    from convert.gate.trial import labelled_samples

    if args.gate is None:
        return None
    folder = read_data_folder(args.gate)
    if args.task != "classify":  # gated on agreement with float alone
        labelled_samples(folder, args.task, args.view)
    return folder


def _preprocessing(args: argparse.Namespace) -> Preprocessing:
    from convert.readers.preprocessing import Preprocessing

    return Preprocessing(args.order, args.white, args.mean, args.std)


def _classes(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return ()
    try:
        return tuple(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--classes {path}: cannot be read as text ({error}): give one name a line") from error


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split(","))


COMMAND = Command("make an INT8 bundle of a trained model", add_arguments, run)
