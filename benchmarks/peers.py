"""The same models and the same 1080p frames through us and through others: python -m benchmarks.peers --out DIR

Each way has a process of its own, loads once, and then waits; they are told to run in turn, a short burst each, round
after round, so that nobody runs beside another one and what befalls the machine befalls all. In DIR: peers.json,
peers.md, peers.png, and the graphs, which a second run finds there.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks import textbook
from benchmarks.engines import ENGINES, Engine
from benchmarks.findings import (
    OUR_ENGINE,
    Answers,
    Findings,
    grades_of,
    invoke_findings,
    overlap,
    way_findings,
)
from benchmarks.graphs import Subject, prepare, subjects
from benchmarks.page import tables
from benchmarks.runner import OURS, TEXTBOOK, Job, serve
from benchmarks.setting import machine, versions
from benchmarks.truth import Truth, make_truth, read_truth
from edge import host
from edge.bundle import Bundle, packaged_bundle, resolve_bundle
from edge.errors import MissingExtraError, SonoEdgeError, SourceError, UsageError
from edge.output import write_atomically
from edge.progress import counter

SPAWN = multiprocessing.get_context("spawn")  # a child starts clean: no engine of the parent's, no threads of its
_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    rounds: int = 8  # after one that warms up
    frames: int = 24  # a burst of the whole way
    pictures: int = 100  # unseen subjects
    calibration: int = 100  # frames at most


QUICK = Extent(rounds=1, frames=4, pictures=4, calibration=4)


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    extent = QUICK if args.quick else replace(Extent(), rounds=args.rounds)
    try:
        found = compare(args, extent)
    except SonoEdgeError as error:
        print(f"peers: {error}", file=sys.stderr)
        return 2
    write_atomically(args.out / "peers.json", msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    page = tables(found)
    write_atomically(args.out / "peers.md", page.encode())
    print(page, end="")
    try:
        from benchmarks.plot import draw  # noqa: PLC0415

        draw(found, args.out / "peers.png")
    except ModuleNotFoundError:
        print("no picture: matplotlib is not installed (extra 'bench')", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="what is found, and the graphs")
    parser.add_argument("--bundle", default="transverse", help="a file, or a packaged bundle's name [transverse]")
    parser.add_argument("--grader", help="of the whole way [the bundle's default]")
    parser.add_argument("--source", help="a video of a 1080p screen [the packaged clip]")
    parser.add_argument("--reference", type=Path, metavar="DIR", help="`models` of a `make reference`: float graphs")
    parser.add_argument("--calibration", type=Path, metavar="DIR", help="frames for the peers' own INT8")
    parser.add_argument("--rounds", type=int, default=Extent().rounds, help="[%(default)s]")
    parser.add_argument("--quick", action="store_true", help="one round of a few frames: does it run? No figure counts")
    return parser


def compare(args: argparse.Namespace, extent: Extent) -> Findings:
    """Prepare, measure in turn, and put together what was found.

    Raises:
        SonoEdgeError: no such bundle or clip, no frame with a picture, or an extra that is not installed.
    """
    bundle = Bundle.open(resolve_bundle(args.bundle))
    manifest = bundle.manifest
    clip = args.source or str(packaged_bundle("transverse").with_name(f"demo-{manifest.view}.mp4"))
    grader = args.grader or manifest.default_grader
    if manifest.segmenter is None or grader not in manifest.graders:
        raise UsageError(f"{bundle.path.name}: the whole way needs a segmenter and a grader (--grader)")
    work = args.out / f"{bundle.digest[:12]}-{'reference' if args.reference else 'dequantized'}-{extent.calibration}"
    work.mkdir(parents=True, exist_ok=True)
    absent = _made_aside(
        prepare, bundle.path, work, args.calibration or _ROOT / "calibration_data" / manifest.view,
        args.reference, extent.calibration,
    )  # fmt: skip
    truth = read_truth(_made_aside(make_truth, bundle.path, args.out, extent.pictures))
    chosen = [subject for subject in subjects(bundle) if (work / subject.name / "int8.tflite").is_file()]
    engines, missing = _present(absent)
    held, roi, mm_per_px = _hold(bundle, clip, args.out, extent.frames)
    job = Job(
        label="", threads=1, bundle=bundle.path.absolute(), graphs=work, subjects=tuple(chosen),
        segmenter=manifest.segmenter.arch, grader=grader, clip=clip, held=held, roi=roi, mm_per_px=mm_per_px,
    )  # fmt: skip
    with ExitStack() as stack:
        crew = {
            (cores, label): stack.enter_context(_started(replace(job, label=label, threads=cores)))
            for cores in sorted({1, host.usable_cores()})
            for label in (OURS, TEXTBOOK, *(engine.label for engine in engines))
        }
        able, refused = _able(crew, engines, chosen)
        times, rates = _in_turn(crew, able, job, extent)
        answers = _answers(crew, able, chosen, truth)
    return Findings(
        machine=machine(),
        versions=versions(),
        bundle=manifest.name,
        bundle_digest=bundle.digest,
        segmenter=job.segmenter,
        grader=grader,
        paper=next((subject.name for subject in chosen if subject.role == "paper"), None),
        source=Path(clip).name,
        float_graphs="as trained" if args.reference else "of the INT8 files, dequantized",
        rounds=extent.rounds,
        frames_a_burst=extent.frames,
        pictures=extent.pictures,
        absent=missing | refused,
        invokes=invoke_findings(times),
        ways=way_findings(rates),
        answers=answers,
    )


def _made_aside(make: Any, *arguments: Any) -> Any:
    """In a process that ends: what making it loads stays out of the measuring.

    Raises:
        MissingExtraError: a package of the extra is not there.
    """
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
        try:
            return pool.submit(make, *arguments).result()
        except ModuleNotFoundError as error:
            raise MissingExtraError(f"benchmarks.peers ({error.name})", "bench") from error


def _present(absent: dict[str, str]) -> tuple[list[Engine], dict[str, str]]:
    """The engines that can run, and why the others cannot."""
    why = {engine.label: f"{engine.package} is not installed" for engine in ENGINES if not engine.is_here}
    why |= {engine.label: absent[engine.graph] for engine in ENGINES if engine.graph in absent}
    return [engine for engine in ENGINES if engine.label not in why], why


def _hold(bundle: Bundle, clip: str, folder: Path, count: int) -> tuple[Path, tuple[int, int, int, int], float]:
    """The clip's first frames as one file that every process maps, and where on them the picture is, by our reading.

    Raises:
        SourceError: there is no frame, none shows an ultrasound picture, or none says what a millimetre is.
    """
    from edge.frame import Frame  # noqa: PLC0415
    from edge.screen.read import ScreenReader  # noqa: PLC0415

    frames = np.stack(list(islice(textbook.frames(clip), count)) or [np.zeros((0, 0, 3), np.uint8)])
    reader = ScreenReader(stream=True)
    for index, pixels in enumerate(frames if frames.size else []):
        scan = reader(Frame(pixels, index, index)).scan
        if scan is not None and scan.spacing.mm_per_px is not None:
            path = folder / "frames.npy"
            np.save(path, frames)
            return path, (scan.roi.x, scan.roi.y, scan.roi.width, scan.roi.height), scan.spacing.mm_per_px
    raise SourceError(f"{clip}: no frame of a screen with an ultrasound picture and a ruler: give another --source")


@contextmanager
def _started(job: Job) -> Iterator[Connection]:
    """A process that serves `job`, on one core where that is what it is to have."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=serve, args=(job, theirs), daemon=True)
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(usable)} if job.threads == 1 else usable)  # a child starts with its parent's
    process.start()
    os.sched_setaffinity(0, usable)
    theirs.close()
    try:
        yield ours
    finally:
        with contextlib.suppress(BrokenPipeError):  # it ended by itself
            ours.send(None)
        process.join()


Crew = dict[tuple[int, str], Connection]


def _told(connection: Connection, order: str, *arguments: Any) -> Any:
    """Obey, and give the answer.

    Raises:
        SourceError: the process ended.
    """
    connection.send((order, arguments))
    try:
        return connection.recv()
    except EOFError as error:
        raise SourceError(f"a runner ended while it was told {order} {arguments[:1]}: see what it wrote") from error


Able = list[tuple[str, str]]  # model, engine: those of which each can run the other


def _able(crew: Crew, engines: Sequence[Engine], models: Sequence[Subject]) -> tuple[Able, dict[str, str]]:
    """Who can run what, and why the others cannot."""
    able, refused = [], {}
    for model in models:
        for engine in engines:
            if why := _told(crew[1, engine.label], "refusal", model.name):
                refused[f"{model.name} in {engine.label}"] = why
            else:
                able.append((model.name, engine.label))
    return able, refused


def _in_turn(crew: Crew, able: Able, job: Job, extent: Extent) -> tuple[Any, Any]:
    """Round after round, each starting with another one; the first round only warms up."""
    times: defaultdict[tuple[int, str, str], list[float]] = defaultdict(list)
    rates: defaultdict[tuple[int, str, str], list[float]] = defaultdict(list)
    invokes = [(cores, *pair) for cores in _cores(crew) for pair in able]
    whole = [OURS, TEXTBOOK, *(who for model, who in able if model == job.segmenter and (job.grader, who) in able)]
    ways = [(cores, frames, who) for cores in _cores(crew) for frames in ("held", "decoded") for who in whole]
    bar = counter("bursts", (extent.rounds + 1) * (len(invokes) + len(ways)))
    for turn in range(extent.rounds + 1):
        for cores, model, engine in _rotated(invokes, turn):
            burst = _told(crew[cores, engine], "invokes", model)
            times[cores, model, engine] += [float(np.median(burst))] * (turn > 0)
            bar.update()
        for cores, frames, who in _rotated(ways, turn):
            rate = _told(crew[cores, who], "frames_per_second", frames, extent.frames)
            rates[cores, frames, who] += [rate] * (turn > 0)
            bar.update()
    bar.close()
    return times, rates


def _cores(crew: Crew) -> list[int]:
    return sorted({cores for cores, _ in crew})


def _rotated(items: list[Any], by: int) -> list[Any]:
    return items[by % len(items) :] + items[: by % len(items)]


def _answers(crew: Crew, able: Able, models: Sequence[Subject], truth: Truth) -> list[Answers]:
    found = []
    for model in models:
        if model.role == "paper":
            continue  # it is not trained
        pictures = truth.pictures if model.role == "segmenter" else truth.crops[model.name]
        said = {who: _told(crew[1, who], "answers", model.name, pictures) for name, who in able if name == model.name}
        for engine, logits in said.items():
            if model.role == "segmenter":
                agree = (overlap(logits > 0, truth.masks > 0), overlap(logits > 0, said[OUR_ENGINE] > 0))
            else:
                grades, ours = grades_of(logits), grades_of(said[OUR_ENGINE])
                agree = (float((grades == truth.grades).mean()), float((grades == ours).mean()))
            found.append(Answers(engine=engine, model=model.name, truth=agree[0], as_ours=agree[1]))
    return found


if __name__ == "__main__":
    sys.exit(main())
