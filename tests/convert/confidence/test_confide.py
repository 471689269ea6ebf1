"""`sonoedge confidence` on a real cascade: what it stores is what the device then does, and old bundles stay."""

from __future__ import annotations

import json
import math
from argparse import Namespace

import cv2
import msgspec
import numpy as np
import pytest

pytest.importorskip("scipy", reason="the extra convert is not installed")

from convert.commands import confidence as command
from convert.confidence.answers import collect
from convert.confidence.confide import HEADING, find_confidence
from convert.confidence.fit import Fitted, clip_grade, fit, halves
from convert.confidence.resplits import worth
from convert.data.dataset import read_data_folder
from convert.data.subjects import subject_mark
from convert.errors import DataError
from edge.bundle import CARD_FILE, Bundle
from edge.errors import UsageError
from edge.findings import GRADES, Reason
from edge.frame import Frame
from edge.manifest import Thresholds, Typical
from edge.pipeline import Options, Pipeline
from tests.convert.confidence.simulated import simulated
from tests.pictures import MM_PER_PX, Oval, tissue, wrist

USUAL = Thresholds()
SUBJECTS = 48


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Subjects whose nerve grows with their grade or a neighbouring one; two frames each, one of them shows nothing."""
    path = tmp_path_factory.mktemp("held-out")
    (path / "images").mkdir()
    rng = np.random.default_rng(5)
    lines = ["file,subject,grade,view,spacing_mm"]
    for number in range(SUBJECTS):
        area = rng.uniform(6.0, 34.0)
        looks_like = int(np.searchsorted([11.0, 19.5, 29.5], area))
        grade = GRADES[int(np.clip(looks_like + rng.choice([-1, 0, 0, 0, 1]), 0, 3))]
        for shot in range(2):
            a = math.sqrt(area / math.pi * rng.uniform(1.6, 2.4))
            oval = Oval(19.0, rng.uniform(12.0, 16.0), a, area / math.pi / a, rng.uniform(-20, 20))
            empty = number == 7 and shot == 1
            pixels = wrist(*(() if empty else (oval,)), seed=100 * number + shot)
            file = f"{number}-{shot}.png"
            cv2.imwrite(str(path / "images" / file), pixels)
            lines.append(f"{file},P{number},{grade},transverse,{MM_PER_PX}")
    (path / "labels.csv").write_text("\n".join(lines) + "\n")
    return read_data_folder(path)


@pytest.fixture(scope="module")
def found(tiny_bundle, folder):
    return find_confidence(tiny_bundle, [folder], 0.8, resplits=5)


def test_what_is_stored_is_what_the_device_does(tiny_bundle, folder, found, tmp_path):
    bundle = found.write(tiny_bundle, tmp_path / "sure.sonobundle")
    views = collect(tiny_bundle, ["brightness"], tuple(folder))["brightness"]
    entry = bundle.manifest.graders["brightness"]
    assert (entry.temperature, entry.conformal, entry.typical) == (
        found.fitted["brightness"].temperature,
        found.fitted["brightness"].conformal,
        found.fitted["brightness"].typical,
    )
    pipeline = Pipeline(bundle, Options(), stream=False)
    for number, view in enumerate(views):
        frames = [Frame(s.image(), 0, i, spacing=s.spacing) for i, s in enumerate(folder.samples[2 * number :][:2])]
        seen = [pipeline(frame) for frame in frames]
        device = pipeline.clip_grade([each.grade for each in seen], [None] * len(seen))
        assert clip_grade(view, found.fitted["brightness"], USUAL) == device
        assert device.grade_set is not None or device.probabilities is None
    assert views[7].refused == (Reason.NO_NERVE,)


def test_the_models_stay_and_the_card_tells_once(tiny_bundle, found, tmp_path):
    once = found.write(tiny_bundle, tmp_path / "once.sonobundle")
    again = found.write(once, tmp_path / "once.sonobundle")  # in its own place
    for file in tiny_bundle.manifest.files:
        assert again.read(file) == tiny_bundle.read(file)
    card = again.read(CARD_FILE).decode()
    assert card.count(HEADING) == 1 and "brightness: temperature" in card
    assert again.manifest.name == "once"
    assert again.manifest.segmenter == tiny_bundle.manifest.segmenter


def test_a_bundle_without_it_answers_as_before(tiny_bundle, folder):
    plain = collect(tiny_bundle, ["brightness"], tuple(folder))["brightness"]
    answers = [clip_grade(view, Fitted(), USUAL) for view in plain]
    assert all(answer.grade_set is None for answer in answers)
    assert not any(answer.reason in (Reason.UNSURE, Reason.UNLIKE_TRAINING) for answer in answers)


def test_the_report_shows_what_each_threshold_keeps(found):
    told = found.report.graders["brightness"].worth
    assert sum(each.share for each in told.outcomes.values()) == pytest.approx(1.0)
    assert set(told.before) == set(told.after)
    assert told.before["sets that hold the true grade"].value is None
    assert 0.6 < told.after["sets that hold the true grade"].value <= 1.0
    assert (found.report.subjects, found.report.wrists, found.report.coverage) == (SUBJECTS, SUBJECTS, 0.8)


def test_no_subject_is_on_both_sides():
    for seed in range(5):
        first, second = halves(simulated(41, frames=2), seed, 1 / 3)
        assert not {w.subject for w in first} & {w.subject for w in second}
        assert len(first) == 14 and len(second) == 27


def test_on_subjects_that_fitted_nothing_it_keeps_its_promises():
    """Split, fit, judge: the whole of it, on answers whose temperature is 2 and whose sets are to hold in 90 %."""
    clips = simulated(600, temperature=2.0, frames=2, seed=9)
    assert fit(clips, 0.9, USUAL, 0).temperature == pytest.approx(2.0, rel=0.15)
    told = worth(clips, 0.9, USUAL, resplits=20)
    assert told.after["sets that hold the true grade"].value == pytest.approx(0.9, abs=0.03)
    assert told.after["frames taken for typical"].value == pytest.approx(0.95, abs=0.04)
    assert told.after["NLL"].value < told.before["NLL"].value
    assert told.after["ECE"].value < told.before["ECE"].value


def run(bundle, folder, out, **changed):
    words = {"bundle": str(bundle.path), "data": [folder.path], "out": out, "coverage": 0.8, "json": None}
    return command.run(Namespace(**(words | changed)))


def test_the_command_writes_bundle_and_json(tiny_bundle, folder, tmp_path, capsys):
    out, report = tmp_path / "sure.sonobundle", tmp_path / "sure.json"
    assert run(tiny_bundle, folder, out, json=report) == 0
    assert Bundle.open(out).manifest.graders["darkness"].conformal.coverage == 0.8
    plain = json.loads(report.read_text())
    assert plain["graders"]["brightness"]["worth"]["resplits"] == 50
    assert "sets that hold the true grade" in capsys.readouterr().out


def test_what_cannot_be_is_told_in_one_line(tiny_bundle, measuring_bundle, make_bundle, folder, tmp_path):
    out = tmp_path / "sure.sonobundle"
    few = folder.of_subjects({f"P{number}" for number in range(12)})
    with pytest.raises(DataError, match=r"of 12 subjects with a grade .* needs 20: add subjects"):
        find_confidence(tiny_bundle, [few], 0.8)
    with pytest.raises(DataError, match=r"coverage of 0.99 needs 198"):
        find_confidence(tiny_bundle, [folder], 0.99)
    grader = tiny_bundle.manifest.graders["brightness"]
    trained = msgspec.structs.replace(grader, trained_on=(subject_mark("P3"), subject_mark("somebody else")))
    with pytest.raises(DataError, match=r"1 of 48 subjects \(P3 ...\) were trained on"):
        find_confidence(make_bundle(graders={"brightness": trained}), [folder], 0.8)
    with pytest.raises(UsageError, match="has no grader"):
        find_confidence(measuring_bundle, [folder], 0.8)
    for changed, said in ({"coverage": 1.0}, "--coverage 1"), ({"out": tmp_path / "sure.zip"}, "ends in .sonobundle"):
        with pytest.raises(UsageError, match=said):
            run(tiny_bundle, folder, **({"out": out} | changed))
    assert not out.exists()


def test_a_bundle_whose_features_are_out_of_date_is_fitted_anew(tiny_bundle, make_bundle, folder):
    grader = tiny_bundle.manifest.graders["brightness"]
    mood = Typical(features=("mood",), centre=(0.0,), precision=((1.0,),), threshold=1.0, coverage=0.9, subjects=9)
    aged = make_bundle(graders={"brightness": msgspec.structs.replace(grader, typical=mood)})
    few = tuple(folder.of_subjects({"P1", "P2"}))
    assert len(collect(aged, ["brightness"], few)["brightness"]) == 2


def test_frames_without_a_grade_are_no_witnesses(tiny_bundle, tmp_path):
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), tissue())
    with pytest.raises(DataError, match="no transverse frame has a grade"):
        find_confidence(tiny_bundle, [read_data_folder(tmp_path)], 0.9)
