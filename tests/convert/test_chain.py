"""The whole road by its own commands: simulate, train, convert, inspect, verify, grade."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# Networks of two epochs are full of ties, and may find no nerve at all; the gate has tests of its own.
LENIENT = ("--margin", "changed_grades=1", "--margin", "changed_decisions=1")
LENIENT_ON_MASKS = ("--margin", "dsc=1", "--margin", "hd95_mm=1e9", "--margin", "csa_mm2=1e9", "--waive", "leakage")


def sonoedge(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)


def succeed(*words: str | Path) -> str:
    done = sonoedge(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def convert_segmenter(work: Path) -> tuple[str | Path, ...]:
    """The words before the bundle's name."""
    data = work / "data"
    frames = ("--calibration", data, "--gate", data)
    return "convert", work / "s2.keras", "--task", "segment", *frames, *LENIENT_ON_MASKS, "--out"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("chain")
    succeed("phantom", "--out", work / "data", "--subjects", "40", "--seed", "77", "--workers", "2")
    return work


@pytest.fixture(scope="module")
def bundle(work: Path) -> Path:
    window = ("--window-px", "96", "--epochs", "1", "--batch", "8")
    succeed(
        "train", "--task", "segment", "--arch", "sa_unet", "--data", work / "data", "--out", work / "s.keras", *window
    )
    again = ("--init", work / "s.keras", "--epochs", "1", "--batch", "4")
    succeed(
        "train", "--task", "segment", "--arch", "sa_unet", "--data", work / "data", "--out", work / "s2.keras", *again
    )
    grader = ("--data", work / "data", "--data", work / "data", "--out", work / "g.keras", "--epochs", "2")
    succeed("train", "--task", "grade", "--arch", "squeezenet", *grader)
    segmenter = work / "segmenter.sonobundle"
    succeed(*convert_segmenter(work), segmenter)
    both = work / "both.sonobundle"
    told = succeed(
        "convert",
        work / "g.keras",
        "--task",
        "grade",
        "--calibration",
        work / "data",
        "--into",
        segmenter,
        *LENIENT,
        "--out",
        both,
    )
    assert "unlabelled" in told
    return both


def test_the_bundle_verifies_and_holds_both(bundle: Path) -> None:
    assert "squeezenet" in succeed("inspect", bundle)
    succeed("verify", bundle)
    manifest = json.loads(succeed("inspect", bundle, "--json"))["manifest"]
    assert manifest["segmenter"]["arch"] == "sa_unet"
    assert list(manifest["graders"]) == ["squeezenet"]
    assert manifest["labels"] == "unlabelled"


def test_the_same_model_and_frames_give_the_same_bytes(bundle: Path, work: Path) -> None:
    again = work / "again" / "segmenter.sonobundle"
    again.parent.mkdir()
    succeed(*convert_segmenter(work), again)
    assert again.read_bytes() == (work / "segmenter.sonobundle").read_bytes()


def test_it_grades_every_frame_or_says_why(bundle: Path, work: Path) -> None:
    report = work / "report.json"
    succeed("grade", work / "data" / "images", "--bundle", bundle, "--spacing-mm", "0.1", "--report", report)
    frames = json.loads(report.read_text())["frames"]
    assert len(frames) == 40
    assert all((frame["grade"] == "UNGRADABLE") == (frame["reason"] is not None) for frame in frames)


def test_training_leaves_its_record(bundle: Path, work: Path) -> None:
    record = json.loads((work / "g.train.json").read_text())
    assert record["arch"] == "squeezenet" and record["mm_per_px"] == 15 / 160
    assert not set(record["subjects"]) & set(record["held_out_subjects"])
    assert len(record["subjects"]) + len(record["held_out_subjects"]) == 40
    assert 0 < record["pixel_mean"] < 255


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("convert", "nowhere.keras", "--task", "grade", "--calibration", "{data}", "--out", "x.sonobundle"),
            "nowhere.keras",
        ),
        (
            ("train", "--task", "grade", "--arch", "sa_unet", "--data", "{data}", "--out", "x.keras"),
            "is there to segment",
        ),
        (("train", "--task", "grade", "--arch", "resnet", "--data", "{data}", "--out", "x.keras"), "no architecture"),
        (
            ("convert", "{work}/s2.keras", "--task", "grade", "--calibration", "{data}", "--out", "x.sonobundle"),
            "logits",
        ),
    ],
)
def test_bad_use_is_one_line(bundle: Path, work: Path, words: tuple[str, ...], told: str) -> None:
    done = sonoedge(*(word.format(data=work / "data", work=work) for word in words))
    assert done.returncode == 2
    assert told in done.stderr and len(done.stderr.strip().splitlines()) == 1
