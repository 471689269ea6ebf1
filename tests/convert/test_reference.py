"""`make reference` from an empty folder, on a small scale: each step leaves its file, the checks have the last word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

keras = pytest.importorskip("keras", reason="the extra convert is not installed")

from convert.phantom.folder import Population  # noqa: E402
from convert.reference import __main__ as reference  # noqa: E402
from convert.training.train import Schedule  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
NERVE_REGIONS = ROOT.parent / "shared" / "data" / "nerve_regions"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not NERVE_REGIONS.is_dir(), reason=f"no frames at {NERVE_REGIONS}"),
]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of the command with eight subjects a population, a step or two a training: hours become minutes."""
    populations = {
        name: Population(each.seed, 8, dict.fromkeys(each.frames, 1)) for name, each in reference.POPULATIONS.items()
    }
    short = Schedule(1, 4, 1e-3, 8)
    trainings = [
        replace(each, schedule=replace(short, window_px=each.schedule.window_px)) for each in reference.TRAININGS
    ]
    monkeypatch.setattr(reference, "POPULATIONS", populations)
    monkeypatch.setattr(reference, "TRAININGS", trainings)


def test_from_an_empty_folder_to_the_checks_which_refuse_what_nobody_trained(
    small: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work, out = tmp_path / "work", tmp_path / "out"
    out.mkdir()
    words = ["--work", str(work), "--out", str(out), "--nerve-regions", str(NERVE_REGIONS)]
    words += ["--calibration", str(ROOT / "calibration_data")]
    assert reference.main(words) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("reference: ") and f"{work / 'models' / 'segment.keras'}: " in told
    assert {path.name for path in (work / "data").iterdir()} == set(reference.POPULATIONS)
    models = {path: path.stat().st_mtime_ns for path in (work / "models").glob("*.keras")}
    assert {path.stem for path in models} == {each.name for each in reference.TRAININGS}
    assert list(out.iterdir()) == []

    assert reference.main(words) == 2  # again: nothing is simulated or trained a second time
    assert {path: path.stat().st_mtime_ns for path in (work / "models").glob("*.keras")} == models
