"""`sonoedge train` from its words: each fault of a data folder in one line, a kill and Ctrl-C that cost an epoch."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("keras", reason="the extra `convert` is not installed")

from edge.cli import main
from edge.findings import GRADES
from tests.convert.training.discs import disc_folder, write_frame

TWELVE = [*GRADES] * 3


def train(folder: Path, *words: str | Path) -> int:
    task = ("--task", "segment", "--arch", "light_unet") if "--task" not in words else ()
    return main(["train", *task, "--data", str(folder), "--out", str(folder / "m.keras"), *map(str, words)])


def append(folder: Path, line: str) -> None:
    with (folder / "labels.csv").open("a") as table:
        table.write(line + "\n")


def other_mask(folder: Path) -> None:
    cv2.imwrite(str(folder / "masks" / "S03-1.png"), np.full((75, 90), 255, np.uint8))


def no_masks(folder: Path) -> None:
    for mask in (folder / "masks").iterdir():
        mask.unlink()


def unknown_grade(folder: Path) -> None:
    append(folder, "S00-0.png,S00,dreadful,transverse,")


def listed_twice(folder: Path) -> None:
    append(folder, "S00-0.png,S00,mild,transverse,")


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "unknown grade": (unknown_grade, "labels.csv:26: unknown grade 'dreadful'"),
    "listed twice": (listed_twice, "labels.csv:26: S00-0.png is listed twice"),
    "mask of another size": (other_mask, "masks/S03-1.png: 90 x 75, its image 180 x 150: export the mask"),
    "no mask at all": (no_masks, "no image has a mask"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_trained_on_is_one_line(fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil, told = FAULTS[fault]
    spoil(disc_folder(tmp_path, TWELVE))
    assert train(tmp_path) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("sonoedge: ") and told in line


def test_one_subject_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(disc_folder(tmp_path, ["mild"], frames=4)) == 2
    warning, error = capsys.readouterr().err.splitlines()
    assert "1 subjects: below 10" in warning
    assert "one subject alone cannot be split" in error


def test_what_is_doubtful_is_a_line_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The start from a file that is not there ends it once all is read."""
    disc_folder(tmp_path, ["1", "1", "2", "3", "3", "5"])  # stages of nerve conduction
    (tmp_path / "masks" / "S00-1.png").unlink()
    cv2.imwrite(str(tmp_path / "masks" / "S01-1.png"), np.zeros((150, 180), np.uint8))
    write_frame(tmp_path, "S02-0.png", np.array([60, 50]), 9, np.random.default_rng(0), (100, 120))
    assert train(tmp_path, "--task", "grade", "--arch", "squeezenet", "--init", tmp_path / "no.keras") == 2
    *warnings, error = capsys.readouterr().err.splitlines()
    assert all(line.startswith("sonoedge train: warning: ") for line in warnings)
    told = [line.removeprefix("sonoedge train: warning: ") for line in warnings]
    assert told == [
        f"{tmp_path}: 1 of 12 images (S00-1.png) has no mask: left out",
        "6 subjects: below 10 the figures say little of anybody else",
        "grade mild has one subject, S02: trained on or tested, never both",
        "grade severe has one subject, S05: trained on or tested, never both",
        "1 of 11 images (S01-1.png) has an empty mask: left out",
        "images of 2 sizes, 180 x 150 (10), 120 x 100 (1): spacing_mm makes them one",
    ]
    assert error == f"sonoedge: {tmp_path / 'no.keras'}: no such file: give the .keras file that `sonoedge train` wrote"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--no-aug", "flip,bluur"), "no augmentation is called 'bluur'"),
        (("--folds", "13"), "13 folds of 12 subjects"),
        (("--folds", "1"), "1 folds of 12 subjects"),
        (("--folds", "3", "--window-px", "96"), "--folds with --window-px"),
        (("--init", "weights.h5"), "ends in .keras or .onnx"),
        (("--view", "longitudinal"), "no image is longitudinal"),
    ],
)
def test_words_that_cannot_be_are_told(
    words: tuple[str, ...], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(disc_folder(tmp_path, TWELVE), *words) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert told in line


@pytest.mark.slow
def test_a_kill_and_a_ctrl_c_cost_an_epoch_and_change_nothing(tmp_path: Path) -> None:
    disc_folder(tmp_path, TWELVE)
    words = ["--task", "grade", "--arch", "squeezenet", "--data", tmp_path]
    words += ["--epochs", "3", "--frames-per-epoch", "64", "--batch", "8", "--seed", "3"]
    whole, cut = tmp_path / "whole.keras", tmp_path / "cut.keras"
    assert start(words, whole).wait() == 0

    killed = start(words, cut)
    wait_for_an_epoch(cut, killed)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not cut.exists()

    stopped = start(words, cut)
    wait_for_an_epoch(cut, stopped, newer_than=epoch_time(cut))
    stopped.send_signal(signal.SIGINT)
    _, told = stopped.communicate()
    assert stopped.returncode == 130
    assert told.splitlines()[-1].startswith(
        "sonoedge train: stopped; to go on after the last whole epoch: sonoedge train "
    )

    again = start(words, cut)
    assert again.wait() == 0
    assert not (tmp_path / "cut.keras.state").exists()
    from convert.readers.keras_model import load_keras

    pairs = zip(load_keras(whole).get_weights(), load_keras(cut).get_weights(), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


def start(words: list[str | Path], out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "edge.cli", "train", *map(str, words), "--out", str(out)]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  a background job ignores it
    )  # fmt: skip


def epoch_time(out: Path) -> int:
    path = out.with_name(out.name + ".state") / "all.last.npz"
    return path.stat().st_mtime_ns if path.is_file() else 0


def wait_for_an_epoch(out: Path, process: subprocess.Popen[str], newer_than: int = 0) -> None:
    while epoch_time(out) <= newer_than:
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.05)
