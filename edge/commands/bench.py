"""`sonoedge bench`: how long each step takes on this device; two such records side by side."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli import DONE, Command
from edge.commands import options

if TYPE_CHECKING:
    from edge.bench.result import BenchResult
    from edge.bundle import Bundle

Made = tuple[str, Callable[[], bytes], Callable[[], str]]  # what is printed, the JSON, the page


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_model(parser)
    parser.add_argument(
        "--source", metavar="S", help="where the frames come from [the packaged demo clip of the bundle's view]"
    )
    options.add_scale(parser)
    options.add_budget(parser)
    parser.add_argument("--frames", type=int, default=200, metavar="N", help="frames to measure [%(default)s]")
    parser.add_argument(
        "--fps",
        type=options.above_zero,
        metavar="F",
        help="frames a second, as from a device: the newest wins, late ones are given up [back to back]",
    )
    parser.add_argument(
        "--matrix", action="store_true", help="the same over graders, threads and heights of the screen too"
    )
    parser.add_argument("--graders", type=_names, default=(), metavar="A,B", help="graders of the matrix [all]")
    parser.add_argument(
        "--thread-counts", type=_threads, default=(), metavar="N,M", help="threads of the matrix [1, 2, 4 ... cores]"
    )
    parser.add_argument(
        "--heights",
        type=_counts,
        default=(),
        metavar="H,I",
        help="screen heights of the matrix, px [its own, 1080, 720, 480]",
    )
    parser.add_argument(
        "--compare",
        nargs=2,
        type=Path,
        metavar=("A.json", "B.json"),
        help="measure nothing: two earlier records side by side",
    )
    parser.add_argument("--json", type=Path, metavar="J", help="write the figures here")
    parser.add_argument("--html", type=Path, metavar="H", help="write a page here")


def run(args: argparse.Namespace) -> int:
    from edge.output import check_place, write_atomically

    for path in (args.json, args.html):
        if path:
            check_place(path)  # now, so that minutes of measuring are not lost
    printed, as_json, as_page = _compared(args.compare) if args.compare else _measured(args)
    print(printed, flush=True)
    if args.json:
        write_atomically(args.json, as_json())
    if args.html:
        write_atomically(args.html, as_page().encode())
    return DONE


def _compared(files: list[Path]) -> Made:
    import msgspec

    from edge.bench.compare import compare
    from edge.bench.page import comparison_page
    from edge.bench.result import read
    from edge.bench.text import comparison_text

    a, b = map(read, files)
    found = compare(a, b, (files[0].name, files[1].name))
    as_json = msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
    return comparison_text(found), lambda: as_json, lambda: comparison_page(found, a, b)


def _measured(args: argparse.Namespace) -> Made:
    from edge.bench import as_json, as_text
    from edge.bench.page import page_of

    result = _measure(args)
    return as_text(result), lambda: as_json(result), lambda: page_of(result)


def _measure(args: argparse.Namespace) -> BenchResult:
    import msgspec

    from edge.bench.figures import WARMUP, measured
    from edge.bench.matrix import NO_CELLS, axes, matrix
    from edge.bench.measure import Pace
    from edge.bench.replay import hold
    from edge.commands.chosen import chosen
    from edge.frame import LiveSource
    from edge.host import ROOT
    from edge.progress import counter
    from edge.sources import open_source

    bundle = options.open_bundle(args)
    _check(args)
    if args.source is None:
        _take_demo_clip(args, bundle)
    asked = chosen(args, bundle)
    source = open_source(args.source)
    try:
        held = hold(source)
    finally:
        source.close()
    wanted = {"graders": args.graders, "threads": args.thread_counts, "heights": args.heights}
    over = axes(bundle, asked, held, **wanted) if args.matrix else NO_CELLS
    pace = Pace(args.frames, min(WARMUP, args.frames), options.budget_ms(args), args.fps)
    uri = None if isinstance(source, LiveSource) else args.source
    total = args.frames * (1 + over.cells)
    with counter("frames", total, unit="frame") as bar:
        result = measured(bundle, held, source.stream, asked, pace, uri, bar.update, ROOT)
        cells = matrix(bundle, held, source.stream, asked, pace, over, tick=bar.update)
    return msgspec.structs.replace(result, matrix=cells)


def _check(args: argparse.Namespace) -> None:
    from edge.errors import UsageError

    if args.frames < 1:
        raise UsageError(f"--frames {args.frames}: give 1 or more")
    if not args.matrix and (args.graders or args.thread_counts or args.heights):
        raise UsageError("--graders, --thread-counts and --heights are of a matrix: give --matrix too")


def _take_demo_clip(args: argparse.Namespace, bundle: Bundle) -> None:
    from edge.commands.demo import demo_clip

    clip = demo_clip(bundle.manifest.view)
    args.source, args.spacing_mm = str(clip.path), clip.mm_per_px


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _threads(text: str) -> tuple[int, ...]:
    return tuple(map(options.within_cores, _counts(text)))


def _counts(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r}: give whole numbers above 0 with commas between, like 1,2")
    return tuple(map(int, parts))


COMMAND = Command("measure stages, frame age and memory on this device", add_arguments, run)
