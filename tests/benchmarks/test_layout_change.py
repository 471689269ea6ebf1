"""The wait for a new layout is timed of frames whose layout is truly read anew."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from benchmarks import layout_change
from edge.bench.replay import hold
from edge.bundle import ASSETS
from edge.sources import open_source


@pytest.fixture(scope="module")
def frames():
    return hold(open_source(str(ASSETS / "demo-transverse.mp4")))


def test_each_change_is_a_wait(frames):
    waits = list(layout_change.changes(frames, 3))
    assert len(waits) == 3
    assert min(waits) > 0


def test_what_hdmi_gives_is_moved_with_its_chroma(frames):
    luma = layout_change.in_luma(frames[0])
    assert luma.chroma.shape == (540, 960, 2)
    beside = layout_change.moved(luma)
    assert (beside.pixels[:, :-160] == luma.pixels[:, 160:]).all()
    assert (beside.chroma[:, :-80] == luma.chroma[:, 80:]).all()
    assert len(list(layout_change.changes([layout_change.in_luma(frame) for frame in frames], 1))) == 1


def test_a_picture_that_is_not_found_is_no_figure(frames):
    black = [replace(frame, pixels=frame.pixels * 0) for frame in frames]
    with pytest.raises(ValueError, match="not found"):
        list(layout_change.changes(black, 1))


def test_the_command_prints_a_table():
    command = [sys.executable, "-m", "benchmarks.layout_change", "--changes", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [line.split(" | ")[0] for line in done.stdout.splitlines()] == [
        "| ms",
        "|---|---|---|---|",
        "| BGR",
        "| luma and chroma",
    ]
