"""Where a network's milliseconds go: python -m benchmarks.operators BUNDLE [--graphs DIR]

Each model of the bundle, INT8 beside float, on one thread: time by kind of operator as XNNPACK ran it, the slowest
single ones, and what each kind gains from INT8. Runs of the two take turns; the figures are medians over the runs.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.dequantized import dequantized
from benchmarks.profiler import Event, profiled
from edge.bundle import Bundle, resolve_bundle
from edge.errors import SonoEdgeError

RUNS, WARM_UP = 60, 5
_KINDS = (  # of XNNPACK's names, and what a network's author calls them
    (r"DWConv", "depthwise"),
    (r"Fully Connected|\bGEMM", "pointwise"),
    (r"IGEMM|Convolution", "convolution"),
    (r"Add|Multiply|Subtract", "add, multiply"),
    (r"Pooling|Mean", "pooling"),
    (r"Copy|Concat|Depth To Space|Transpose|Reshape|Pad", "moving data"),
    (r"^[A-Z_]+$", "outside XNNPACK"),  # TFLite's own names
)


@dataclass(frozen=True)
class Profile:
    """One graph: the median time of each operator, in the order of running."""

    operators: tuple[tuple[str, float], ...]  # XNNPACK's name, us

    @property
    def us(self) -> float:
        return sum(us for _, us in self.operators)

    def by_kind(self) -> dict[str, tuple[float, int]]:
        """Kind -> us in all, and how many operators."""
        kinds: defaultdict[str, list[float]] = defaultdict(list)
        for name, us in self.operators:
            kinds[kind_of(name)].append(us)
        return {kind: (sum(each), len(each)) for kind, each in kinds.items()}


def kind_of(operator: str) -> str:
    """What a network's author calls an operator of XNNPACK; its own name where there is no such word."""
    return next((kind for pattern, kind in _KINDS if re.search(pattern, operator)), operator)


def profile(graphs: Mapping[str, Path], runs: int = RUNS) -> dict[str, Profile]:
    """Each graph's profile, run in turns so that what befalls the machine befalls all.

    Raises:
        MissingExtraError, InterpreterError: as `benchmarks.profiler.profiled`.
    """
    taken: defaultdict[str, list[list[Event]]] = defaultdict(list)
    with ExitStack() as stack:
        runners = {name: stack.enter_context(profiled(path)) for name, path in graphs.items()}
        for turn in range(WARM_UP + runs):
            for name, run in runners.items():
                events = run()
                if turn >= WARM_UP:
                    taken[name].append(events)
    return {name: _median(each) for name, each in taken.items()}


def _median(runs: Sequence[Sequence[Event]]) -> Profile:
    times = np.median([[event.us for event in run] for run in runs], axis=0)
    return Profile(tuple((event.operator, float(us)) for event, us in zip(runs[0], times, strict=True)))


def table(name: str, int8: Profile, in_float: Profile) -> str:
    """Markdown: kinds of operators, INT8 beside float."""
    kinds, floats = int8.by_kind(), in_float.by_kind()
    rows = [
        f"| {kind} | {_of(kinds, kind)} | {_of(floats, kind)} | {_ratio(kinds, floats, kind)} |"
        for kind in sorted(kinds | floats, key=lambda kind: -floats.get(kind, (0.0, 0))[0])
    ]
    slowest = sorted(enumerate(int8.operators), key=lambda each: -each[1][1])[:5]
    named = ", ".join(f"{place}: {operator} {us:.0f} us" for place, (operator, us) in slowest)
    head = [f"| {name} | INT8 us (operators) | float us | float / INT8 |", "| --- | --- | --- | --- |"]
    total = f"| all | {int8.us:.0f} | {in_float.us:.0f} | {in_float.us / int8.us:.2f} |"
    return "\n".join([*head, *rows, total, "", f"Slowest in INT8, by their place: {named}."])


def _of(kinds: Mapping[str, tuple[float, int]], kind: str) -> str:
    us, count = kinds.get(kind, (0.0, 0))
    return f"{us:.0f} ({count})"


def _ratio(int8: Mapping[str, tuple[float, int]], in_float: Mapping[str, tuple[float, int]], kind: str) -> str:
    low, high = int8.get(kind, (0.0, 0))[0], in_float.get(kind, (0.0, 0))[0]
    return f"{high / low:.2f}" if low and high else "-"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operators", description=__doc__)
    parser.add_argument("bundle", help="a file, or a packaged bundle's name")
    parser.add_argument("--graphs", type=Path, metavar="DIR", help="folders of float.tflite and int8.tflite as well")
    parser.add_argument("--runs", type=int, default=RUNS, help="1 or more [%(default)s]")
    args = parser.parse_args(argv)
    if args.runs < 1:
        parser.error(f"--runs {args.runs}: give 1 or more")
    try:
        with TemporaryDirectory() as folder:
            for name, graphs in _graphs(Bundle.open(resolve_bundle(args.bundle)), Path(folder), args.graphs).items():
                found = profile(graphs, args.runs)
                print(table(name, found["int8"], found["float"]), end="\n\n", flush=True)
    except SonoEdgeError as error:
        print(f"operators: {error}", file=sys.stderr)
        return 2
    return 0


def _graphs(bundle: Bundle, folder: Path, more: Path | None) -> dict[str, dict[str, Path]]:
    """Model -> its two graphs; of a model without a float graph, the INT8 one's own in float."""
    found: dict[str, dict[str, Path]] = {}
    for entry in bundle.manifest.models:
        int8, in_float = folder / entry.file, folder / f"float-{entry.file}"
        int8.write_bytes(bundle.read(entry.file))
        in_float.write_bytes(dequantized(int8.read_bytes()))
        found[entry.arch] = {"int8": int8, "float": in_float}
    for path in sorted(more.glob("*/float.tflite")) if more else ():
        found[path.parent.name] = {"int8": path.with_name("int8.tflite"), "float": path}
    return found


if __name__ == "__main__":
    sys.exit(main())
