"""`sonoedge phantom`: frames of nobody, beside nobody's own."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("scipy", reason="the extra `convert` is not installed")

from edge.cli import main


def test_a_folder_that_holds_files_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("mine")
    assert main(["phantom", "--out", str(tmp_path), "--subjects", "1"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert str(tmp_path) in line and "name a new folder" in line
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"] and table.read_text() == "mine"
