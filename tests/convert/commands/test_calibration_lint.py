"""`sonoedge calibration lint` as its user meets it: what it prints, its exit status, no TensorFlow needed."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import msgspec
import pytest

from convert.commands.calibration_lint import COMMAND
from edge.cli import ANSWER_IS_NO, BAD_USE, DONE
from edge.errors import SonoEdgeError
from tests.convert import calibration_frames as frames
from tests.program import HEAVY, ROOT, install, own_entry_points, run


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that nobody opens, and its record."""
    (tmp_path / "m.train.json").write_bytes(msgspec.json.encode(frames.record("grade")))
    path = tmp_path / "m.keras"
    path.write_bytes(b"")
    return path


def asked(*argv: object) -> int:
    parser = argparse.ArgumentParser()
    COMMAND.add_arguments(parser)
    return COMMAND.run(parser.parse_args([str(word) for word in argv]))


def test_a_fit_set_is_done_and_an_unfit_one_is_no(tmp_path: Path, model: Path, capsys) -> None:
    good = frames.write(tmp_path / "good", table=frames.rows(8))
    assert asked(good, "--model", model) == DONE
    assert capsys.readouterr().out.splitlines()[-1] == f"{good}: 8 frames of 8 subjects: fit to calibrate with"
    bad = frames.write(tmp_path / "bad", lambda p: 255 - p, table=frames.rows(8))
    assert asked(bad, "--model", model) == ANSWER_IS_NO
    assert capsys.readouterr().out.splitlines()[-1].endswith("not fit: polarity")
    assert asked(bad, "--model", model, "--waive", "polarity", "--json") == DONE
    said = json.loads(capsys.readouterr().out)
    assert said["passed"] is True and said["waived"] == ["polarity"]


def test_evaluation_and_task_without_a_record(tmp_path: Path, capsys) -> None:
    path = frames.write(tmp_path / "set", table=frames.rows(8))
    assert asked(path, "--task", "segment", "--gate", path) == ANSWER_IS_NO
    out = capsys.readouterr().out
    assert "8 frames become inputs of the model" in out and "not fit: leakage" in out


def test_the_plane_is_the_folders_own(tmp_path: Path, capsys) -> None:
    table = [{**row, "view": "longitudinal"} for row in frames.rows(8)]
    assert asked(frames.write(tmp_path / "set", table=table), "--task", "grade") == DONE


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--model", "nowhere.keras"), "nowhere.keras: no such model"),
        (("--task", "grade", "--view", "longitudinal"), "holds no longitudinal frame"),
        (("--waive", "everything"), "no rule is called 'everything'"),
    ],
)
def test_bad_use_is_one_line(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    path = frames.write(tmp_path / "set", table=frames.rows(1))
    with pytest.raises(SonoEdgeError) as caught:
        asked(path, *options)
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_a_task_that_is_not_the_models(tmp_path: Path, model: Path) -> None:
    path = frames.write(tmp_path / "set", table=frames.rows(1))
    with pytest.raises(SonoEdgeError, match="is there to grade, --task says segment"):
        asked(path, "--model", model, "--task", "segment")


def test_the_program_needs_nothing_heavy(tmp_path: Path, model: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    install(site, "sonoedge", own_entry_points(), editable=ROOT)
    for name in (*HEAVY, "onnx", "onnxruntime"):
        (site / f"{name}.py").write_text("raise ImportError('blocked')\n")
    good = frames.write(tmp_path / "good", table=frames.rows(8))
    done = run("-m", "edge.cli", "calibration", "lint", str(good), "--model", str(model), first_on_path=site)
    assert (done.returncode, done.stderr) == (DONE, "")
    (good / "labels.csv").write_text("file,subject,grade,view\nother.png,P1,,transverse\n")
    done = run("-m", "edge.cli", "calibration", "lint", str(good), "--model", str(model), first_on_path=site)
    assert (done.returncode, done.stdout) == (BAD_USE, "")
    (line,) = done.stderr.splitlines()
    assert "labels.csv:2: no file images/other.png: is this the table of another folder?" in line
