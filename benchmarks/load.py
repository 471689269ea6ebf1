"""A device at 30 frames a second, idle and under full load: how old frames get, what is dropped, what is given up.

    python -m benchmarks.load [--frames 10000] [--budget-ms 100] [--json J]

The frames come from `replay:` of the packaged clip, over and over, decoded as they are due, into `sonoedge run`: the
way of a capture device, but for its driver. Under load one burner a core computes without end beside it. The figures
are those of the run's own report, and its counts are counted again here from the frames.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from edge.bundle import ASSETS
from edge.host import usable_cores
from edge.report import Report, decode

BURN = "while True: pass"
COLUMNS = ("frames", "dropped", "p50", "p95", "p99", "max", "missed", "not graded", "given up")


def main() -> int:
    """Print the table, as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=10_000, metavar="N", help="frames a run [%(default)s]")
    parser.add_argument("--budget-ms", type=float, default=100.0, metavar="MS", help="[%(default)s]")
    parser.add_argument("--threads", default="1", metavar="N", help="as of `sonoedge run` [%(default)s]")
    parser.add_argument("--json", type=Path, metavar="J", help="write the figures here")
    args = parser.parse_args()
    found = {}
    for name, burners in (("idle", 0), ("full load", usable_cores())):
        with burning(burners):
            try:
                found[name] = figures(examined(args.frames, args.budget_ms, args.threads))
            except subprocess.CalledProcessError:  # it has said why
                return 2
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n")
    print("| | " + " | ".join(COLUMNS) + " |\n" + "|---" * (len(COLUMNS) + 1) + "|")
    for name, row in found.items():
        print(f"| {name} | " + " | ".join(f"{row[column]:g}" for column in COLUMNS) + " |")
    return 0


@contextmanager
def burning(count: int) -> Iterator[None]:
    """So many processes that compute without end."""
    burners = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(count)]  # noqa: S603
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def examined(frames: int, budget_ms: float, threads: str = "1") -> Report:
    """The report of so many frames, 30 a second."""
    clip = ASSETS / "demo-transverse.mp4"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        words = ["run", "--source", f"replay:{clip}?fps=30&loop=1", "--grader", "mobilenet_v2", "--threads", threads]
        words += ["--frames", str(frames), "--budget-ms", str(budget_ms), "--report", str(report)]
        subprocess.run(  # noqa: S603
            [sys.executable, "-m", "edge.cli", *words],
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])},
        )
        return decode(report.read_bytes(), report.name)


def figures(report: Report) -> dict[str, float]:
    """The row of a run, ms and counts.

    Raises:
        ValueError: the report's counts are not what its frames say.
    """
    ages = [frame.age_ms for frame in report.frames]
    budget_ms = report.latency.budget_ms or float("inf")
    missed = sum(age > budget_ms for age in ages)
    if (report.latency.deadline_misses, report.latency.frames) != (missed, len(ages)):
        raise ValueError(f"the report counts {report.latency.deadline_misses} misses, its frames show {missed}")
    p50, p95, p99, longest = np.percentile(ages, (50, 95, 99, 100), method="inverted_cdf").round(1)
    return {
        "frames": len(ages),
        "dropped": float(report.source.dropped or 0),
        "p50": p50,
        "p95": p95,
        "p99": p99,
        "max": longest,
        "missed": missed,
        "not graded": report.latency.graders_skipped,
        "given up": report.latency.frames_skipped,
    }


if __name__ == "__main__":
    sys.exit(main())
