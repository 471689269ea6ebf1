"""What hours of training would end in is refused before them; `test_convert` has the same of a conversion."""

from __future__ import annotations

from pathlib import Path

import pytest

from convert.commands.options import check_outputs
from edge.cli import BAD_USE
from tests.convert.commands.conftest import Sonoedge


@pytest.mark.parametrize(("out", "told"), [("absent/m.keras", "make it first"), ("folder.keras", "name a file")])
def test_a_trained_model_that_cannot_be_written_is_one_line(
    sonoedge: Sonoedge, tmp_path: Path, out: str, told: str
) -> None:
    (tmp_path / "folder.keras").mkdir()
    words = ("--task", "segment", "--arch", "sa_unet", "--data", tmp_path / "nowhere")  # it would be told, were it read
    done = sonoedge("train", *words, "--out", tmp_path / out)
    (line,) = done.err.splitlines()
    assert (done.status, done.out) == (BAD_USE, "")
    assert str(tmp_path / out) in line and told in line


def test_a_trial_leaves_all_as_it_was_and_lets_streams_alone(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_bytes(b"old")
    check_outputs(old, tmp_path / "new.json", None, Path("/dev/null"))
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old.json", b"old")]
