"""A device that runs for days: a million frames leave no memory, no thread and no open file behind.

SONOEDGE_SOAK_FRAMES is another number of them, where half an hour is too long.

At 30 frames a second a million are nine hours. The networks are tiny, all round them is what a device runs: reading a
moving screen, judging, measuring, grading, the overrun rule, the budget, and the collector kept out.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from edge.budget import Budget
from edge.collector import collected_between_frames
from edge.overrun import Overrun
from edge.pipeline import Options, Pipeline
from tests.pictures import CENTRED, frame, screen, wrist

TICKS = int(os.environ.get("SONOEDGE_SOAK_FRAMES", "1_000_000"))
WARM = TICKS // 50
MOST_MIB = 5.0
PICTURES = 8


def held() -> tuple[float, int, int]:
    """Memory now (MiB resident), threads, open files."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return (
        pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        threading.active_count(),
        len(list(Path("/proc/self/fd").iterdir())),
    )


@pytest.mark.soak
def test_a_million_frames_leave_nothing_behind(tiny_bundle):
    pictures = [
        frame(
            screen(
                wrist(replace(CENTRED, x=CENTRED.x + 0.1 * n), shape=(120, 152), mm_per_px=0.25, seed=n),
                at=(20, 30),
                shape=(180, 240),
            ),
            mm_per_px=0.25,
            whole=False,
        )
        for n in range(PICTURES)
    ]
    rule, budget = Overrun(1e6), Budget(1e6)
    pipeline = Pipeline(tiny_bundle, Options(), stream=True, overrun=rule)
    graded, after_warming = 0, (0.0, 0, 0)
    with collected_between_frames() as collect:
        for tick in range(TICKS):
            shown = replace(
                pictures[tick % PICTURES], timestamp_ns=time.monotonic_ns(), index=tick, taken_ns=tick * 33_000_000
            )
            seen = pipeline(shown)
            budget.record(shown.timestamp_ns, skipped=seen.skipped)
            graded += seen.grade.gradable
            collect()
            if tick == WARM:
                after_warming = held()
    now = held()
    assert graded > 0.9 * TICKS, seen.grade
    assert budget.summary().frames == TICKS
    assert now[0] - after_warming[0] < MOST_MIB, (after_warming, now)
    assert now[1:] == after_warming[1:]
