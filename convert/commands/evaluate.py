"""`sonoedge evaluate`: how good a bundle or a model is, by subject, in the papers' figures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from convert.commands.options import VIEWS, check_outputs, heavy_imports
from edge.cli import DONE, Command
from edge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convert.evaluation.evaluate import Evaluated
    from convert.evaluation.sides import FloatFile, Side
    from convert.evaluation.worst import Case
    from edge.bundle import Bundle
    from edge.findings import View

FLOAT_SUFFIXES = (".keras", ".onnx", ".tflite")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--bundle", metavar="B", help="a .sonobundle file, or a packaged one: transverse, longitudinal")
    what.add_argument(
        "--model",
        action="append",
        type=Path,
        metavar="M",
        help="a float model in the place of a bundle; given again, folds or seeds: mean and SD over them",
    )
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="labelled frames of unseen subjects")
    parser.add_argument("--grader", metavar="NAME", help="a grader of the bundle [the bundle's default]")
    parser.add_argument(
        "--float",
        action="append",
        default=[],
        type=Path,
        metavar="MODEL",
        help="a model of the bundle before INT8, for the column beside it; may be given again, segmenter and grader",
    )
    parser.add_argument(
        "--against", metavar="B2", help="another bundle or model, for the differences and DeLong's test"
    )
    parser.add_argument("--view", choices=VIEWS, help="the plane [the bundle's; transverse]")
    parser.add_argument(
        "--allow-unscaled", action="store_true", help="grade frames without a spacing too, on crops of no known size"
    )
    parser.add_argument("--json", type=Path, metavar="J", help="write the figures as JSON")
    parser.add_argument("--html", type=Path, metavar="H", help="write them as a page, with plots and the worst cases")


def run(args: argparse.Namespace) -> int:
    from convert.data.dataset import read_data_folder
    from edge.output import write_atomically

    check_outputs(args.json, args.html)
    if args.float and not args.bundle:
        raise UsageError("--float stands beside a bundle's INT8: give --bundle, or the model alone with --model")
    if args.grader and not args.bundle:
        raise UsageError("--grader chooses one of a bundle's: give --bundle")
    bundle = _bundle(args.bundle) if args.bundle else None
    view = _view(args, bundle)
    folder = read_data_folder(args.data)
    with heavy_imports("sonoedge evaluate"):
        from convert.evaluation.evaluate import evaluate
        from convert.evaluation.record import as_json, as_text

        if args.html:
            import matplotlib  # noqa: F401  what the page needs is missed now, not after minutes
    sides = _sides(args, bundle)
    evaluated = evaluate(folder, view, sides, _against(args, view, sides))
    if args.json:
        write_atomically(args.json, as_json(evaluated.record))
    if args.html:
        from convert.report.evaluation_page import page_of

        write_atomically(args.html, page_of(evaluated, _worst(evaluated, sides)).encode())
    print(as_text(evaluated.record))
    return DONE


def _bundle(text: str) -> Bundle:
    from edge.bundle import Bundle, resolve_bundle

    return Bundle.open(resolve_bundle(text))


def _view(args: argparse.Namespace, bundle: Bundle | None) -> View:
    of_bundle: View = bundle.manifest.view if bundle else "transverse"
    if bundle and args.view not in (None, of_bundle):
        raise UsageError(f"--view {args.view}: {bundle.path.name} looks at the {of_bundle} plane: leave it out")
    return args.view or of_bundle


def _sides(args: argparse.Namespace, bundle: Bundle | None) -> dict[str, Side]:
    from convert.evaluation.sides import float_side, int8_side

    if bundle is None:
        return {"float": float_side([_float(path) for path in args.model])}
    sides = {"int8": int8_side(bundle, args.grader, allow_unscaled=args.allow_unscaled)}
    if args.float:
        files = [_float(path, bundle, args.grader) for path in args.float]
        sides["float"] = float_side(files, bundle, args.grader, allow_unscaled=args.allow_unscaled)
    return sides


def _against(args: argparse.Namespace, view: View, sides: Mapping[str, Side]) -> tuple[str, Side] | None:
    from convert.evaluation.sides import float_side, int8_side

    if args.against is None:
        return None
    if any(len(networks) > 1 for side in sides.values() for networks in (side.segmenters, side.graders)):
        raise UsageError("--against compares one model with one: give --model once for each task")
    path = Path(args.against)
    if path.suffix.lower() in FLOAT_SUFFIXES or path.is_dir():
        return path.name, float_side([_float(path)])
    bundle = _bundle(args.against)
    if bundle.manifest.view != view:
        raise UsageError(f"--against {args.against}: looks at the {bundle.manifest.view} plane, not the {view} one")
    return bundle.path.name, int8_side(bundle, allow_unscaled=args.allow_unscaled)


def _float(path: Path, bundle: Bundle | None = None, grader: str | None = None) -> FloatFile:
    from convert.evaluation.sides import read_float
    from convert.training.training_record import read_record, subject_marks

    with heavy_imports("sonoedge evaluate of a float model"):
        import keras  # noqa: F401
    record = read_record(path)
    known = (record.mm_per_px, subject_marks(record), record.arch) if record else ()
    return read_float(path, *known, bundle=bundle, grader=grader)


def _worst(evaluated: Evaluated, sides: Mapping[str, Side]) -> dict[str, Sequence[Case]]:
    """The worst cases of the first column, by what they show."""
    from convert.evaluation.worst import worst_crops, worst_masks, worst_wrists

    column, side = next(iter(sides.items()))
    sections, labelled = evaluated.sections, evaluated.labelled
    cases: dict[str, Sequence[Case]] = {}
    if column in sections.get("segment", {}):
        rows = sections["segment"][column][0]
        cases["The worst masks"] = worst_masks(side.segmenters[0], labelled.masked, rows)
    if side.cascade and column in sections.get("cascade", {}):
        rows = sections["cascade"][column][0]
        cases["The worst grades, as the device runs it"] = worst_wrists(side.cascade, labelled.graded, rows)
    elif column in sections.get("grade", {}):
        rows = sections["grade"][column][0]
        cases["The worst grades"] = worst_crops(side.graders[0], labelled.cropped, rows)
    return cases


COMMAND = Command("state how good a bundle or a model is on labelled frames", add_arguments, run)
