"""The gate on pictures whose nerve is known, with models whose answer can be worked out by hand."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.data.dataset import DataFolder, read_data_folder
from convert.errors import DataError
from convert.evaluation.cascade import cascade_probabilities
from convert.evaluation.wrists import by_subject
from convert.gate.cascade import FloatModel, gate_cascade
from convert.gate.trial import Trial, agreement_trial, grader_trial, segmenter_trial
from convert.gate.verdict import (
    Gate,
    GateFigure,
    Margins,
    as_text,
    compare,
    gate,
    read_margins,
    unseen_share,
)
from convert.quantizing.parity import Predict, int8_predictor
from edge.errors import UsageError
from edge.findings import GRADES
from edge.frame import UNKNOWN_SPACING
from edge.interpreter import open_model
from edge.pipeline import Options, Pipeline
from tests import tiny_tflite
from tests.conftest import CUTS, GRADE, GRADE_SPEC, SEGMENT, SEGMENT_SPEC
from tests.convert.scans import AREAS_MM2, COLUMNS, float_grader, float_segmenter, nerve_of
from tests.pictures import MM_PER_PX, is_nerve, wrist

SUBJECTS = 40


def write_folder(path: Path, rows: Sequence[Sequence[str]], pictures: Sequence[np.ndarray]) -> DataFolder:
    (path / "images").mkdir(parents=True)
    (path / "masks").mkdir()
    for row, pixels in zip(rows, pictures, strict=True):
        cv2.imwrite(str(path / "images" / row[0]), pixels)
        cv2.imwrite(str(path / "masks" / row[0]), is_nerve(pixels).astype(np.uint8) * 255)
    with (path / "labels.csv").open("w", newline="") as table:
        csv.writer(table).writerows([COLUMNS, *rows])
    return read_data_folder(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """One frame a subject, grades in turn, spacing known."""
    rows = [(f"{n}.png", f"S{n}", GRADES[n % 4], "transverse", str(MM_PER_PX), "") for n in range(SUBJECTS)]
    pictures = [wrist(nerve_of(n), seed=n) for n in range(SUBJECTS)]
    return write_folder(tmp_path_factory.mktemp("gate") / "labelled", rows, pictures)


def at_once(trial: Callable[..., Trial]) -> Callable[..., Gate]:
    """The gate of one INT8 model: float, INT8, and what the trial takes."""
    return lambda in_float, in_int8, *frames, **options: trial(in_float, *frames, **options)(in_int8)


gate_segmenter, gate_grader, gate_agreement = map(at_once, (segmenter_trial, grader_trial, agreement_trial))


def segmenter(grey_level: int = 140) -> Predict:
    return int8_predictor(open_model(tiny_tflite.segmenter(SEGMENT_SPEC.width, grey_level)))


def grader(*cuts: float) -> Predict:
    return int8_predictor(open_model(tiny_tflite.grader(GRADE_SPEC.width, cuts or CUTS)))


def figures_of(result: Gate) -> dict[str, GateFigure]:
    return {figure.name: figure for figure in result.figures}


def first(folder: DataFolder, count: int) -> DataFolder:
    return DataFolder(folder.path, folder.samples[:count], folder.labelled)


class TestSegmenter:
    def test_a_model_beside_itself_passes(self, folder: DataFolder) -> None:
        result = gate_segmenter(segmenter(), segmenter(), folder, SEGMENT_SPEC)
        assert result.passed and result.labelled and result.shortfall == 0.0
        assert (result.frames, result.subjects, result.left_out) == (SUBJECTS, SUBJECTS, 0)
        found = figures_of(result)
        assert [(each.name, each.unit) for each in result.figures] == [
            ("DSC", ""), ("zero overlap", "share"), ("HD95", "mm"), ("CSA error", "mm²"),
        ]  # fmt: skip
        assert all(each.difference == 0.0 for each in result.figures)
        assert found["DSC"].float_value > 0.95
        assert found["CSA error"].float_value < 0.8
        assert found["HD95"].float_value <= SEGMENT_SPEC.mm_per_px * 1.5
        assert (found["DSC"].margin, found["CSA error"].margin) == (0.01, 0.3)

    def test_one_that_finds_nothing_fails_in_every_figure(self, folder: DataFolder) -> None:
        result = gate_segmenter(segmenter(), segmenter(250), folder, SEGMENT_SPEC)
        found = figures_of(result)
        assert result.verdict == "failed" and result.shortfall > 10
        assert {found[name].verdict for name in ("DSC", "HD95", "CSA error")} == {"failed"}
        assert found["zero overlap"].int8_value == 1.0
        assert found["CSA error"].int8_value == pytest.approx(np.mean(AREAS_MM2), rel=0.03)
        assert found["HD95"].int8_value == pytest.approx(math.hypot(192, 192) * SEGMENT_SPEC.mm_per_px)

    def test_the_loss_is_positive_where_int8_is_worse(self, folder: DataFolder) -> None:
        worse = gate_segmenter(segmenter(), segmenter(200), folder, SEGMENT_SPEC)
        better = gate_segmenter(segmenter(200), segmenter(), folder, SEGMENT_SPEC)
        for name in ("DSC", "CSA error"):
            one, other = figures_of(worse)[name], figures_of(better)[name]
            assert one.difference > 0
            assert one.difference == pytest.approx(-other.difference)
            assert (one.float_value, one.int8_value) == (other.int8_value, other.float_value)
            assert one.ci95[0] <= one.difference <= one.bound <= one.ci95[1]

    def test_five_subjects_decide_nothing(self, folder: DataFolder) -> None:
        for int8 in (segmenter(), segmenter(250)):
            result = gate_segmenter(segmenter(), int8, first(folder, 5), SEGMENT_SPEC)
            assert result.verdict == "undecided" and not result.passed
            assert "too few subjects to decide: 5, at least 30" in figures_of(result)["DSC"].reason

    def test_many_frames_of_few_subjects_are_few_subjects(self, folder: DataFolder) -> None:
        samples = tuple(replace(sample, subject=f"S{n % 5}") for n, sample in enumerate(folder))
        result = gate_segmenter(segmenter(), segmenter(), DataFolder(folder.path, samples, True), SEGMENT_SPEC)
        assert (result.frames, result.subjects, result.verdict) == (SUBJECTS, 5, "undecided")

    def test_without_spacing_it_is_px_and_percent(self, folder: DataFolder) -> None:
        samples = tuple(replace(sample, spacing=UNKNOWN_SPACING) for sample in folder)
        result = gate_segmenter(segmenter(), segmenter(), DataFolder(folder.path, samples, True), SEGMENT_SPEC)
        found = figures_of(result)
        assert (found["HD95"].unit, found["CSA error"].unit) == ("px", "%")
        assert 0 < found["CSA error"].float_value < 5
        assert result.passed

    def test_frames_of_unknown_spacing_are_left_out_of_millimetres(self, folder: DataFolder) -> None:
        samples = [replace(s, spacing=UNKNOWN_SPACING) if n < 5 else s for n, s in enumerate(folder)]
        result = gate_segmenter(segmenter(), segmenter(), DataFolder(folder.path, tuple(samples), True), SEGMENT_SPEC)
        rows = {figure.name: figure.rows for figure in result.figures}
        assert rows == {"DSC": SUBJECTS, "zero overlap": SUBJECTS, "HD95": SUBJECTS - 5, "CSA error": SUBJECTS - 5}

    def test_a_longitudinal_nerve_has_a_diameter(self, folder: DataFolder) -> None:
        samples = tuple(replace(sample, view="longitudinal") for sample in folder)
        turned = DataFolder(folder.path, samples, True)
        result = gate_segmenter(segmenter(), segmenter(), turned, SEGMENT_SPEC, view="longitudinal")
        assert [(each.name, each.unit) for each in result.figures][3] == ("AP diameter error", "mm")
        with pytest.raises(DataError, match="no transverse frame"):
            gate_segmenter(segmenter(), segmenter(), turned, SEGMENT_SPEC)

    def test_frames_without_a_mask_are_left_out_and_counted(self, folder: DataFolder) -> None:
        samples = [replace(s, mask_path=None) if n < 8 else s for n, s in enumerate(folder)]
        result = gate_segmenter(segmenter(), segmenter(), DataFolder(folder.path, tuple(samples), True), SEGMENT_SPEC)
        assert (result.frames, result.left_out) == (SUBJECTS - 8, 8)
        assert "8 frames lack the label" in as_text(result)

    def test_no_mask_at_all_is_one_line(self, folder: DataFolder) -> None:
        bare = DataFolder(folder.path, tuple(replace(s, mask_path=None) for s in folder), True)
        with pytest.raises(DataError, match=r"none of its 40 frames has a mask: put masks/NAME") as caught:
            gate_segmenter(segmenter(), segmenter(), bare, SEGMENT_SPEC)
        assert "\n" not in str(caught.value) and str(folder.path) in str(caught.value)

    def test_a_trial_judges_any_number_of_candidates_alike(self, folder: DataFolder) -> None:
        some = first(folder, 6)
        trial = segmenter_trial(segmenter(), some, SEGMENT_SPEC)
        for level in (140, 250):
            assert trial(segmenter(level)) == gate_segmenter(segmenter(), segmenter(level), some, SEGMENT_SPEC)

    def test_a_margin_decides(self, folder: DataFolder) -> None:
        strict = gate_segmenter(segmenter(), segmenter(200), folder, SEGMENT_SPEC, margins=Margins(dsc=0.0))
        wide = gate_segmenter(segmenter(), segmenter(200), folder, SEGMENT_SPEC, margins=Margins(dsc=0.9))
        assert (figures_of(strict)["DSC"].verdict, figures_of(wide)["DSC"].verdict) == ("failed", "passed")

    def test_without_a_table_each_picture_is_a_subject_and_it_says_so(self, folder: DataFolder, tmp_path: Path) -> None:
        for kind in ("images", "masks"):
            (tmp_path / kind).symlink_to(folder.path / kind)
        result = gate_segmenter(segmenter(), segmenter(), read_data_folder(tmp_path), SEGMENT_SPEC)
        assert result.subjects == SUBJECTS
        assert "no labels.csv" in as_text(result)


class TestGrader:
    def test_a_model_beside_itself_passes(self, folder: DataFolder) -> None:
        result = gate_grader(grader(), grader(), folder, GRADE_SPEC)
        found = figures_of(result)
        assert result.passed
        assert found["AUC, CTS against normal"].float_value == 1.0
        assert found["accuracy"].float_value == found["quadratic-weighted kappa"].float_value == 1.0
        assert found["accuracy"].verdict == "not gated"
        assert found["AUC, CTS against normal"].delong_p == 1.0

    def test_one_whose_cuts_moved_changes_grades_and_fails(self, folder: DataFolder) -> None:
        result = gate_grader(grader(), grader(*(cut + 6 for cut in CUTS)), folder, GRADE_SPEC)
        found = figures_of(result)
        assert result.verdict == "failed"
        assert found["changed grades"].int8_value == 1 - found["accuracy"].int8_value > 0.4
        assert found["quadratic-weighted kappa"].verdict == "failed"
        assert found["AUC, CTS against normal"].verdict == "passed"  # the order of the scores is as it was

    def test_no_change_among_forty_does_not_prove_that_none_will(self, folder: DataFolder) -> None:
        changed = figures_of(gate_grader(grader(), grader(), folder, GRADE_SPEC))["changed grades"]
        assert changed.difference == 0.0 and changed.ci95 == (0.0, 0.0)
        assert changed.bound == pytest.approx(1 - 0.05 ** (1 / 40))
        tight = gate_grader(grader(), grader(), folder, GRADE_SPEC, margins=Margins(changed_grades=0.05))
        assert tight.verdict == "undecided"

    def test_a_curve_needs_both_kinds(self, folder: DataFolder) -> None:
        sick = DataFolder(folder.path, tuple(s for s in folder if s.grade != "normal" or s.subject == "S0"), True)
        result = gate_grader(grader(), grader(), sick, GRADE_SPEC)
        assert figures_of(result)["AUC, CTS against normal"].verdict == "undecided"
        assert "1 subjects normal, 30 with CTS" in as_text(result)
        none = DataFolder(folder.path, tuple(s for s in folder if s.grade != "normal"), True)
        lone = figures_of(gate_grader(grader(), grader(), none, GRADE_SPEC))["AUC, CTS against normal"]
        assert (lone.float_value, lone.bound, lone.verdict) == (None, None, "undecided")

    def test_two_wrists_of_a_subject_are_two_answers_and_one_draw(self, folder: DataFolder) -> None:
        samples = [
            replace(sample, subject=f"S{n // 2}", settings={"side": ("left", "right")[n % 2]})
            for n, sample in enumerate(folder)
        ]
        subjects, grades, values = by_subject(samples, np.arange(SUBJECTS, dtype=np.float64)[:, None])
        assert subjects == [f"S{n // 2}" for n in range(SUBJECTS)]
        assert grades == [sample.grade for sample in samples]
        assert values[:, 0].tolist() == list(range(SUBJECTS))
        result = gate_grader(grader(), grader(), DataFolder(folder.path, tuple(samples), True), GRADE_SPEC)
        found = figures_of(result)["accuracy"]
        assert (found.rows, found.subjects) == (SUBJECTS, SUBJECTS // 2)

    def test_frames_of_one_wrist_are_averaged(self, folder: DataFolder) -> None:
        samples = [replace(sample, subject="S", grade="mild") for sample in folder]
        assert by_subject(samples, np.arange(40.0)[:, None])[2].tolist() == [[19.5]]

    def test_what_is_missing_is_one_line(self, folder: DataFolder) -> None:
        ungraded = tuple(replace(sample, grade=None) for sample in folder)
        for labelled, told in ((True, "none of its frames has a grade"), (False, "it has no labels.csv")):
            with pytest.raises(DataError, match=told):
                gate_grader(grader(), grader(), DataFolder(folder.path, ungraded, labelled), GRADE_SPEC)

    def test_empty_masks_have_no_nerve_to_crop_about(self, folder: DataFolder, tmp_path: Path) -> None:
        cv2.imwrite(str(tmp_path / "empty.png"), np.zeros((300, 380), np.uint8))
        empty = [replace(sample, mask_path=tmp_path / "empty.png") for sample in folder]
        some = DataFolder(folder.path, (*empty[:3], *folder.samples[3:]), True)
        assert gate_grader(grader(), grader(), some, GRADE_SPEC).left_out == 3
        with pytest.raises(DataError, match="masks are empty"):
            gate_grader(grader(), grader(), DataFolder(folder.path, tuple(empty), True), GRADE_SPEC)


class TestAgreement:
    pictures = tuple(wrist(nerve_of(n), shape=(192, 192), mm_per_px=0.2, seed=n) for n in range(36))
    crops = tuple(wrist(nerve_of(n), shape=(75, 75), mm_per_px=0.4, seed=n) for n in range(36))

    def test_segmenters(self) -> None:
        alike = gate_agreement(segmenter(), segmenter(141), self.pictures, "segment")
        assert alike.passed and not alike.labelled and alike.drawn_are == "pictures"
        other = gate_agreement(segmenter(), segmenter(80), self.pictures, "segment")
        assert other.verdict == "failed"
        assert "unlabelled" in as_text(other)
        assert gate_agreement(segmenter(), segmenter(250), self.pictures, "segment").figures[1].int8_value == 100.0

    def test_graders(self) -> None:
        strict = Margins(changed_decisions=0.05)  # 36 pictures leave 8 % open
        assert gate_agreement(grader(), grader(), self.crops, "grade", margins=strict).passed is False
        wide = Margins(changed_decisions=0.1)
        assert gate_agreement(grader(), grader(), self.crops, "grade", margins=wide).passed
        moved = grader(*(cut - 60 for cut in CUTS))
        assert gate_agreement(grader(), moved, self.crops, "grade", margins=wide).verdict == "failed"

    def test_classifiers(self) -> None:
        random = np.random.default_rng(0)
        logits = {crop.tobytes(): random.normal(size=(1, 20)).astype(np.float32) for crop in self.crops}

        def exact(picture: np.ndarray) -> np.ndarray:
            return logits[picture.tobytes()]

        def sixth(picture: np.ndarray) -> np.ndarray:
            """The first five in their places, but for the fifth, which trades with the sixth."""
            answer = exact(picture).copy()
            order = np.argsort(-answer[0])
            answer[0, order[[4, 5]]] = answer[0, order[[5, 4]]]
            return answer

        same = figures_of(gate_agreement(exact, exact, self.crops, "classify"))
        assert [each.int8_value for each in same.values()] == [0.0, 0.0, 0.0]
        moved = figures_of(gate_agreement(exact, sixth, self.crops, "classify"))
        assert moved["another top-1"].int8_value == 0.0
        assert moved["missing of top-5"].int8_value == pytest.approx(0.2)
        assert gate_agreement(exact, lambda p: -exact(p), self.crops, "classify").verdict == "failed"

    def test_two_classes_that_float_holds_for_equal_may_trade_places(self) -> None:
        def equals(one: float, other: float) -> Predict:
            return lambda picture: np.array([[0.0, 0.0, 9.0 + one, 9.0 + other]], np.float32)

        traded = gate_agreement(equals(0.01, 0.0), equals(0.0, 0.01), self.crops, "classify")
        found = figures_of(traded)
        assert traded.verdict == "passed" and found["another top-1"].int8_value == 1.0
        assert found["probability given up"].int8_value == pytest.approx(0.005, rel=0.01)

    def test_no_picture_is_one_line(self) -> None:
        with pytest.raises(DataError, match="no picture"):
            gate_agreement(segmenter(), segmenter(), (), "segment")


class TestCascade:
    def test_the_whole_way_in_float_and_in_int8(self, tiny_bundle, folder: DataFolder) -> None:
        result = gate_cascade(tiny_bundle, {SEGMENT: float_segmenter(), GRADE: float_grader()}, folder)
        found = figures_of(result)
        assert (result.of, result.labelled, result.subjects) == ("cascade", True, SUBJECTS)
        assert result.notes == ("the float side: segmenter in float, grader in float",)
        assert found["accuracy"].float_value == found["accuracy"].int8_value == 1.0
        assert found["ungradable"].int8_value == 0.0
        assert found["AUC, CTS against normal"].verdict == "passed"

    def test_float_answers_are_not_rounded_to_int8(self, tiny_bundle, folder: DataFolder) -> None:
        entry = tiny_bundle.manifest.graders["brightness"]
        crop = wrist(nerve_of(2), shape=(75, 75), mm_per_px=0.2)
        model = FloatModel(entry, float_grader())
        model.write_input(crop)
        model.invoke()
        scale, zero_point = model.output_quantization
        expected = (crop.mean() - np.array(CUTS)) / 1.5
        assert (model.output()[0] - zero_point) * scale == pytest.approx(expected, abs=1e-3)

    def test_a_model_of_another_bundle_is_int8_on_both_sides(self, tiny_bundle, folder: DataFolder) -> None:
        result = gate_cascade(tiny_bundle, {GRADE: float_grader()}, first(folder, 8))
        assert "segmenter in INT8, as the bundle has it, grader in float" in as_text(result)
        itself = gate_cascade(tiny_bundle, {}, first(folder, 8))
        assert all(not figure.difference for figure in itself.figures)

    def test_a_segmenter_whose_int8_is_ruined_fails_the_whole(self, make_bundle, folder: DataFolder) -> None:
        ruined = make_bundle(files={SEGMENT: tiny_tflite.segmenter(192, 250)})
        result = gate_cascade(ruined, {SEGMENT: float_segmenter(), GRADE: float_grader()}, folder)
        found = figures_of(result)
        assert result.verdict == "failed"
        assert (found["ungradable"].float_value, found["ungradable"].int8_value) == (0.0, 1.0)
        assert found["quadratic-weighted kappa"].float_value is None

    def test_the_grader_asked_for_is_the_one_that_is_gated(self, tiny_bundle, folder: DataFolder) -> None:
        dark = gate_cascade(tiny_bundle, {}, first(folder, 8), grader="darkness")
        assert figures_of(dark)["accuracy"].int8_value == 0.25

    def test_each_wrist_gets_one_answer(self, tiny_bundle, folder: DataFolder) -> None:
        pipeline = Pipeline(tiny_bundle, Options(), stream=False)
        samples = [replace(sample, subject="S", grade="mild") for sample in folder.samples[1:9:4]]
        table = cascade_probabilities([pipeline, pipeline], samples)
        assert table.shape == (2, 1, 4)
        assert table[0, 0].argmax() == 1 and np.array_equal(table[0], table[1])

    def test_without_grades_it_is_one_line(self, tiny_bundle, folder: DataFolder) -> None:
        bare = DataFolder(folder.path, tuple(replace(s, grade=None) for s in folder), True)
        with pytest.raises(DataError, match="the cascade is gated on grades"):
            gate_cascade(tiny_bundle, {}, bare)


class TestVerdict:
    @settings(max_examples=40)
    @given(
        st.integers(0, 2**32 - 1),
        st.integers(1, 60),
        st.floats(0, 1),
        st.floats(0, 1),
        st.sampled_from(["", "share"]),
        st.booleans(),
    )
    def test_it_follows_from_interval_bound_and_margin(
        self, seed: int, subjects: int, shift: float, margin: float, unit: str, higher: bool
    ) -> None:
        before, noise = np.random.default_rng(seed).random((2, subjects))
        sign = -1 if higher else 1
        after = before + sign * (shift + 0.2 * noise)
        names = [str(number) for number in range(subjects)]
        figure = compare("x", unit, margin, names, [before], [after], higher_is_better=higher)
        assert figure.difference > -1e-9
        if subjects < 30:
            assert figure.verdict == "undecided" and figure.reason
        elif figure.bound <= margin:
            assert figure.verdict == "passed"
        else:
            assert figure.verdict == ("failed" if figure.ci95[0] > margin else "undecided")
            assert bool(figure.reason) == (figure.verdict == "undecided")
        assert gate([figure], of="x", labelled=True, frames=1, subjects=1).verdict == figure.verdict

    @given(st.integers(1, 1000))
    def test_the_unseen_share_is_the_one_that_would_be_missed_with_a_chance_of_five_percent(self, drawn: int) -> None:
        assert (1 - unseen_share(drawn)) ** drawn == pytest.approx(0.05)

    def figure(self, verdict: str, bound: float, margin: float | None = 0.1) -> GateFigure:
        return GateFigure(
            name="x", unit="", float_value=1.0, int8_value=1.0, difference=0.0, ci95=(0.0, bound), bound=bound,
            margin=margin, verdict=verdict, rows=40, subjects=40,
        )  # fmt: skip

    def test_the_worst_figure_is_the_gates(self) -> None:
        about = {"of": "x", "labelled": True, "frames": 40, "subjects": 40}
        passed, undecided = self.figure("passed", 0.05), self.figure("undecided", 0.2)
        failed, told = self.figure("failed", 0.4), self.figure("not gated", 9.0, None)
        assert gate([passed, told], **about).verdict == "passed"
        assert gate([passed, undecided], **about).verdict == "undecided"
        assert gate([undecided, failed, passed], **about).verdict == "failed"
        assert gate([told], **about).verdict == "undecided"  # nothing was asked, so nothing is proved
        assert gate([passed, told], **about).shortfall == 0.0
        assert gate([undecided, failed], **about).shortfall == pytest.approx(3.0)

    def test_a_gate_is_written_and_read(self, folder: DataFolder) -> None:
        result = gate_grader(grader(), grader(*(cut + 1 for cut in CUTS)), folder, GRADE_SPEC)
        raw = msgspec.json.encode(result)
        assert msgspec.json.decode(raw, type=Gate) == result
        assert b'"float":1.0' in raw and b'"int8":' in raw

    def test_margins_from_the_command_line(self) -> None:
        assert read_margins([]) == Margins()
        read = read_margins(["dsc=0.02", "accuracy=0.05"])
        assert (read.dsc, read.accuracy, read.auc) == (0.02, 0.05, 0.02)

    @pytest.mark.parametrize("pair", ["dsc", "dsc=", "dice=0.1", "dsc=-0.1", "dsc=nan", "dsc=inf", "dsc=a", "=1", ""])
    def test_a_margin_that_is_none_is_one_line(self, pair: str) -> None:
        with pytest.raises(UsageError, match="margin") as caught:
            read_margins([pair])
        assert "\n" not in str(caught.value)
