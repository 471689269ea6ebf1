"""The peers' command runs with what is installed, names what is not, and its table is made of its JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks.engines import ENGINES
from benchmarks.findings import OUR_ENGINE, Findings, grades_of, invoke_findings, overlap, way_findings
from benchmarks.page import tables
from benchmarks.runner import OURS, TEXTBOOK
from tests.program import ROOT


def test_ratios_are_taken_within_a_round() -> None:
    """Both take twice as long in every second round: a ratio of medians over rounds would not see the 3."""
    ours, theirs = [1.0, 2.0, 1.0, 2.0], [3.0, 6.0, 3.0, 6.0]
    [_, other] = invoke_findings({(1, "m", OUR_ENGINE): ours, (1, "m", "Other, int8"): theirs})
    assert (other.times_ours.p10, other.times_ours.median, other.times_ours.p90) == (3.0, 3.0, 3.0)
    [_, book] = way_findings({(1, "held", OURS): [100.0, 50.0], (1, "held", TEXTBOOK): [50.0, 25.0]})
    assert book.ours_times.median == 2.0
    assert book.fps.median == 37.5


def test_overlap_and_grades() -> None:
    masks = np.zeros((2, 4, 4), bool)
    masks[0, :2] = True
    half = masks.copy()
    half[0, 1] = False
    assert overlap(masks, masks) == 1.0
    assert overlap(masks, half) == pytest.approx((2 / 3 + 1) / 2)
    assert grades_of(np.array([[-9.0, -9, -9], [9, -9, -9], [9, 9, 9]])).tolist() == [0, 1, 3]


def _found() -> Findings:
    invokes = {
        (1, "light", OUR_ENGINE): [4.0, 4.0],
        (1, "light", "LiteRT, float"): [16.0, 16.0],
        (1, "light", "Quick, int8"): [2.0, 3.0],
        (1, "paper", OUR_ENGINE): [20.0, 20.0],
        (1, "paper", "LiteRT, float"): [40.0, 40.0],
    }
    return Findings(
        machine="a machine", versions={"numpy": "2"}, bundle="b", bundle_digest="d" * 64, segmenter="light", grader="g",
        paper="paper", source="clip.mp4", float_graphs="as trained", rounds=2, frames_a_burst=3, pictures=0,
        absent={"FAST, float": "fast is not installed"}, invokes=invoke_findings(invokes),
        ways=way_findings({(1, "held", OURS): [90.0, 90.0], (1, "held", TEXTBOOK): [100.0, 100.0]}), answers=[],
    )  # fmt: skip


def test_the_table_is_made_of_the_json_and_says_who_is_faster() -> None:
    page = tables(msgspec.json.decode(msgspec.json.encode(_found()), type=Findings))
    assert "| textbook | 100 (100-100) | 0.90 (0.90-0.90) |" in page
    assert "| Quick, int8 | 2.50, x 0.62 (0.53-0.72) | - |" in page
    assert "| light | 4.00 (4.00-4.00) | Quick, int8: x 0.62 (0.53-0.72) |" in page
    assert "light in INT8 takes 0.100 of the time of the paper's paper in float" in page
    assert "- FAST, float: fast is not installed" in page


def test_a_wrong_clip_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("keras", reason="needs the extra 'bench'")
    done = _peers(tmp_path, "--bundle", "nowhere.sonobundle")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("peers: nowhere.sonobundle")


@pytest.mark.slow
def test_the_command_runs_with_what_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("scipy", reason="needs the extra 'bench'")
    done = _peers(tmp_path, "--quick")
    assert done.returncode == 0, done.stderr
    found = msgspec.json.decode((tmp_path / "peers.json").read_bytes(), type=Findings)
    assert tables(found) == (tmp_path / "peers.md").read_text() == done.stdout
    measured = {invoke.engine for invoke in found.invokes}
    for engine in ENGINES:
        assert (engine.label in measured) != (engine.label in found.absent)
        assert engine.is_here or found.absent[engine.label].endswith("is not installed")
    assert {OURS, TEXTBOOK, *measured} == {way.runner for way in found.ways}
    assert all(way.fps.median > 0 for way in found.ways)
    assert min(answer.as_ours for answer in found.answers if answer.model == found.segmenter) > 0.95
    json.loads((tmp_path / "peers.json").read_text())


def _peers(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.peers", "--out", str(out), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
