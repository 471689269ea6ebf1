"""The way from a model to a bundle: what a check refuses is not written, what somebody waives is recorded."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.conversion import Job, convert_model
from convert.data.dataset import DataFolder, read_data_folder
from convert.errors import ModelError
from convert.gate.verdict import Margins
from convert.packing.pack import pack_gated
from convert.report.conversion_report import decode, encode
from convert.report.from_conversion import as_text, report_of
from edge.verify import verify

keras = pytest.importorskip("keras", reason="the extra convert is not installed")

SIDE, FRAMES = 64, 40


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright is nerve: one convolution."""
    picture = keras.Input((SIDE, SIDE, 1))
    layer = keras.layers.Conv2D(1, 3, padding="same")
    network = keras.Model(picture, layer(picture), name="bright")
    layer.set_weights([np.full((3, 3, 1, 1), 4.0, np.float32), np.array([-22.0], np.float32)])
    path = tmp_path_factory.mktemp("model") / "bright.keras"
    network.save(path)
    return path


def folder(path: Path, *, smooth: bool, frames: int = FRAMES) -> DataFolder:
    """Frames of as many subjects: blobs, or white noise."""
    (path / "images").mkdir(parents=True)
    rows = ["file,subject,grade,view,spacing_mm"]
    for number in range(frames):
        noise = np.random.default_rng(number).normal(size=(SIDE, SIDE))
        grain = cv2.GaussianBlur(noise, (0, 0), 6) if smooth else noise
        grey = cv2.normalize(grain, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
        cv2.imwrite(str(path / "images" / f"{number}.png"), grey)
        rows.append(f"{number}.png,S{number},,transverse,0.2")
    (path / "labels.csv").write_text("\n".join(rows))
    return read_data_folder(path)


def job(model: Path, calibration: DataFolder, **options: object) -> Job:
    return Job(model, "segment", "transverse", calibration, mm_per_px=0.2, progress=False, **options)  # type: ignore[arg-type]


def test_good_frames_give_a_bundle_that_verifies(model: Path, tmp_path: Path) -> None:
    conversion = convert_model(job(model, folder(tmp_path / "blobs", smooth=True)))
    packed = pack_gated(tmp_path / "b.sonobundle", conversion)
    assert packed.refusal == "" and packed.bundle is not None
    assert verify(packed.bundle).passed
    entry = packed.bundle.manifest.segmenter
    assert entry is not None and entry.proof is not None and not entry.proof.labelled
    assert entry.waived == () and len(entry.candidates) == 2
    report = report_of(conversion, packed)
    assert decode(encode(report), "report") == report
    assert as_text(report).splitlines()[-1] == "b.sonobundle: written"
    steps = ("read", "lint", "calibration frames", "source against float", "quantize", "gate", "tensor errors")
    assert tuple(report.seconds) == (*steps, "golden vectors", "packing")
    assert str(tmp_path).encode() not in encode(report)


def test_noise_is_stopped_by_the_lint_and_nothing_is_written(model: Path, tmp_path: Path) -> None:
    conversion = convert_model(job(model, folder(tmp_path / "noise", smooth=False)))
    assert conversion.converted is None and "texture" in conversion.refusal
    packed = pack_gated(tmp_path / "b.sonobundle", conversion)
    assert packed.bundle is None and list(tmp_path.glob("*.sonobundle")) == []
    assert as_text(report_of(conversion, packed)).splitlines()[-1].startswith("no bundle: calibration lint")


def test_what_somebody_waives_is_in_the_manifest(model: Path, tmp_path: Path) -> None:
    noise = folder(tmp_path / "noise", smooth=False)
    failed = convert_model(job(model, noise)).lint.failed
    lenient = Margins(agreement_size=1e9, agreement_dsc=1.0)  # the gate has tests of its own
    conversion = convert_model(job(model, noise, waived=failed, margins=lenient))
    assert conversion.converted is not None, conversion.refusal
    assert set(conversion.converted.entry.waived) == set(failed)


NO_LOSS = Margins(agreement_dsc=0.0)


def test_a_gate_that_shows_a_loss_is_searched_unless_somebody_says_no(model: Path, tmp_path: Path) -> None:
    blobs = folder(tmp_path / "blobs", smooth=True)
    found = convert_model(job(model, blobs, margins=NO_LOSS))
    assert found.gate is not None and found.gate.verdict == "failed" and found.gate.lost and not found.gate.labelled
    assert found.search is not None and len(found.search.trials) > 1
    assert convert_model(job(model, blobs, margins=NO_LOSS, may_search=False)).search is None


def test_a_gate_that_lacks_subjects_is_not_searched_and_says_what_would_decide(model: Path, tmp_path: Path) -> None:
    few = folder(tmp_path / "few", smooth=True, frames=20)
    found = convert_model(job(model, few, margins=NO_LOSS, waived=("frames",)))
    assert found.gate is not None and found.gate.shortfall > 0
    assert found.search is None and found.converted is None
    assert found.refusal == "gate undecided: DSC with float, CSA difference: more pictures would decide"


def test_a_model_of_another_task_is_refused(model: Path, tmp_path: Path) -> None:
    blobs = folder(tmp_path / "blobs", smooth=True)
    with pytest.raises(ModelError, match="the task 'grade' wants"):
        convert_model(Job(model, "grade", "transverse", blobs, mm_per_px=0.1))
