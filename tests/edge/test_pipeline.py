"""The pipeline on pictures whose nerve is known, with real INT8 models whose answer can be worked out by hand."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from edge.budget import Budget
from edge.errors import BundleError, UsageError
from edge.examine import Examination
from edge.findings import UNGRADABLE, Reason
from edge.frame import Roi, Spacing
from edge.manifest import InputSpec, Thresholds
from edge.pipeline import STAGES, Options, Pipeline
from edge.report import Exam
from tests import tiny_tflite
from tests.conftest import GRADE, GRADE_SPEC, SEGMENT, SEGMENT_SPEC, entry
from tests.pictures import CENTRED, MM_PER_PX, SHAPE, Listed, Oval, frame, is_nerve, screen, tissue, wrist


def look(bundle, pixels, options=None, **stated):
    """What the pipeline sees in one still."""
    return Pipeline(bundle, options or Options(), stream=False)(frame(pixels, **stated))


@pytest.mark.parametrize(
    "oval",
    [CENTRED, Oval(12.0, 9.0, 3.0, 1.2, 25.0), Oval(27.5, 20.0, 2.2, 2.0), Oval(20.0, 14.0, 4.6, 1.5, -40.0)],
    ids=str,
)
def test_measures_the_nerve_that_is_there(tiny_bundle, oval):
    nerve = look(tiny_bundle, wrist(oval)).nerve
    assert nerve.csa_mm2 == pytest.approx(oval.area_mm2, rel=0.03)
    assert nerve.perimeter_mm == pytest.approx(oval.perimeter_mm, rel=0.03)
    assert nerve.flattening_ratio == pytest.approx(oval.a / oval.b, rel=0.05)
    assert nerve.area_share == pytest.approx(oval.area_mm2 / (30 * 38), rel=0.03)
    assert nerve.components == 1
    assert nerve.ap_diameter_mm is None
    ellipse = nerve.ellipse
    assert (ellipse.x_px + 0.5) * MM_PER_PX == pytest.approx(oval.x, abs=0.05)
    assert (ellipse.y_px + 0.5) * MM_PER_PX == pytest.approx(oval.y, abs=0.05)
    assert ellipse.major_px * MM_PER_PX == pytest.approx(2 * oval.a, rel=0.04)
    assert ellipse.minor_px * MM_PER_PX == pytest.approx(2 * oval.b, rel=0.04)
    if oval.a / oval.b > 1.3:
        assert ellipse.angle_deg == pytest.approx(oval.angle_deg, abs=2.0)


def test_area_does_not_depend_on_the_machines_pixels(tiny_bundle):
    areas = [
        look(tiny_bundle, wrist(CENTRED, shape=(rows, columns), mm_per_px=mm), mm_per_px=mm).nerve.csa_mm2
        for rows, columns, mm in ((300, 380, 0.1), (600, 760, 0.05), (144, 182, 0.2), (120, 152, 0.25))
    ]
    assert areas == pytest.approx([CENTRED.area_mm2] * 4, rel=0.04)


@pytest.mark.parametrize(("area", "grade"), [(8.0, "normal"), (15.0, "mild"), (24.0, "moderate"), (35.0, "severe")])
def test_a_larger_nerve_is_graded_severer_by_the_brightness_grader(tiny_bundle, area, grade):
    a = (area / np.pi * 2) ** 0.5
    seen = look(tiny_bundle, wrist(Oval(19.0, 14.0, a, a / 2)))
    assert seen.grade.grade == grade
    assert seen.grade.reason is None
    assert not seen.grade.unscaled
    assert sum(seen.grade.probabilities) == pytest.approx(1.0)
    assert tuple(seen.stage_ns) == STAGES


def test_the_grader_asked_for_is_the_one_that_grades(tiny_bundle):
    assert look(tiny_bundle, wrist(CENTRED), Options(grader="darkness")).grade.grade == "normal"
    with pytest.raises(UsageError, match="no grader 'best': it has brightness, darkness"):
        Pipeline(tiny_bundle, Options(grader="best"), stream=False)


def test_the_mask_lies_on_the_nerve(tiny_bundle):
    pixels = wrist(CENTRED)
    mask, truth = look(tiny_bundle, pixels).scan_mask(), is_nerve(pixels)
    assert mask.shape == SHAPE
    assert 2 * (mask & truth).sum() / (mask.sum() + truth.sum()) > 0.97


def test_two_strands_are_one_bifid_nerve(tiny_bundle):
    strands = Oval(16.0, 12.0, 2.0, 1.2), Oval(20.6, 12.4, 1.5, 1.0)
    nerve = look(tiny_bundle, wrist(*strands)).nerve
    assert nerve.components == 2
    assert nerve.csa_mm2 == pytest.approx(sum(strand.area_mm2 for strand in strands), rel=0.04)


def test_a_vessel_that_clings_to_the_nerve_makes_it_implausible(tiny_bundle):
    """What touches the nerve cannot be told from it: the whole is no ellipse, and is not graded (P1)."""
    seen = look(tiny_bundle, wrist(Oval(19.0, 12.0, 4.0, 1.6), Oval(20.5, 14.6, 1.2, 1.2)))
    assert seen.nerve.components == 1
    assert seen.grade.reason is Reason.IMPLAUSIBLE_NERVE


@pytest.mark.parametrize(
    "vessel",
    [Oval(32.0, 22.0, 0.9, 0.9), Oval(30.0, 24.0, 2.4, 1.6), Oval(24.4, 12.0, 0.9, 0.9)],
    ids=["small and far", "large and far", "small and near"],
)
def test_what_is_no_strand_is_left_out(tiny_bundle, vessel):
    seen = look(tiny_bundle, wrist(CENTRED, vessel))
    assert seen.nerve.components == 1
    assert seen.nerve.csa_mm2 == pytest.approx(CENTRED.area_mm2, rel=0.03)
    assert not seen.scan_mask()[int(vessel.y * 10), int(vessel.x * 10)]


def test_a_far_vessel_does_not_hide_the_second_strand(tiny_bundle):
    strands = Oval(14.0, 12.0, 2.0, 1.4), Oval(18.4, 12.4, 1.4, 1.0)
    vessel = Oval(32.0, 25.0, 1.6, 1.6)  # larger than the second strand
    assert look(tiny_bundle, wrist(*strands, vessel)).nerve.components == 2


@pytest.mark.parametrize("oval", [Oval(1.0, 12.0, 3.0, 1.5), Oval(37.5, 12.0, 3.0, 1.5), Oval(19.0, 29.5, 3.0, 1.5)])
def test_a_nerve_that_leaves_the_picture_is_cut_off(tiny_bundle, oval):
    seen = look(tiny_bundle, wrist(oval))
    assert seen.grade.reason is Reason.NERVE_CUT_OFF
    assert seen.nerve is not None
    assert seen.mask is not None


def test_a_nerve_at_the_edge_of_what_the_network_sees_is_cut_off(tiny_bundle):
    wide = wrist(Oval(5.2, 12.0, 3.0, 1.5), shape=(300, 480))  # 48 mm; the segmenter sees the middle 38.4
    assert look(tiny_bundle, wide).grade.reason is Reason.NERVE_CUT_OFF


@pytest.mark.parametrize(
    ("oval", "within"),
    [
        (Oval(19.0, 12.0, 0.7, 0.5), "smaller than 2 mm²"),
        (Oval(19.0, 14.0, 5.0, 4.0), "larger than 40 mm²"),
        (Oval(19.0, 14.0, 8.0, 0.8), "flatter than 8"),
    ],
)
def test_an_implausible_nerve_is_not_graded(tiny_bundle, oval, within):
    assert look(tiny_bundle, wrist(oval)).grade.reason is Reason.IMPLAUSIBLE_NERVE, within


def test_without_a_spacing_nothing_is_in_millimetres_and_nothing_is_graded(tiny_bundle):
    seen = look(tiny_bundle, wrist(CENTRED), mm_per_px=None)
    assert seen.grade.reason is Reason.NO_SPACING
    assert seen.grade.grade == UNGRADABLE
    nerve = seen.nerve
    assert (nerve.csa_mm2, nerve.perimeter_mm, nerve.ap_diameter_mm) == (None, None, None)
    assert nerve.flattening_ratio == pytest.approx(2.0, rel=0.03)
    assert nerve.area_share == pytest.approx(CENTRED.area_mm2 / (30 * 38), rel=0.03)
    assert seen.scan_mask().sum() == pytest.approx(CENTRED.area_mm2 / MM_PER_PX**2, rel=0.03)


def test_allow_unscaled_grades_and_says_so(tiny_bundle):
    seen = look(tiny_bundle, wrist(CENTRED), Options(allow_unscaled=True), mm_per_px=None)
    assert seen.grade.gradable
    assert seen.grade.unscaled
    assert seen.nerve.csa_mm2 is None


def test_allow_unscaled_changes_nothing_where_the_spacing_is_known(tiny_bundle):
    assert (
        look(tiny_bundle, wrist(CENTRED), Options(allow_unscaled=True)).grade == look(tiny_bundle, wrist(CENTRED)).grade
    )


def test_a_segmenter_alone_measures_and_never_grades(measuring_bundle):
    seen = look(measuring_bundle, wrist(CENTRED))
    assert seen.grade.reason is Reason.NO_GRADER
    assert seen.nerve.csa_mm2 == pytest.approx(CENTRED.area_mm2, rel=0.03)


def test_a_longitudinal_view_has_a_diameter_and_never_an_area(longitudinal_bundle):
    pixels = tissue()
    pixels[100:130] = 220  # a band of 3 mm through the whole picture
    seen = look(longitudinal_bundle, pixels)
    assert seen.nerve.ap_diameter_mm == pytest.approx(3.0, abs=0.1)
    assert (seen.nerve.csa_mm2, seen.nerve.perimeter_mm) == (None, None)
    assert seen.grade.gradable


def test_a_speck_is_no_longitudinal_nerve(longitudinal_bundle):
    assert look(longitudinal_bundle, wrist(Oval(19.0, 12.0, 0.3, 0.3))).grade.reason is Reason.IMPLAUSIBLE_NERVE


def saturated():
    return np.minimum(tissue().astype(int) * 6, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("pixels", "reason", "signal"),
    [
        (None, Reason.UNREADABLE, "unreadable"),
        (np.zeros(SHAPE, np.uint8), Reason.BLACK, "black"),
        (np.full(SHAPE, 16, np.uint8), Reason.BLACK, "black"),
        (np.full((*SHAPE, 3), 130, np.uint8), Reason.FLAT, "flat"),
        (np.zeros((1, 1), np.uint8), Reason.TOO_SMALL, "black"),
        (np.full((1, 1, 3), 200, np.uint8), Reason.TOO_SMALL, "flat"),
        (tissue((300, 60)), Reason.TOO_SMALL, "live"),
        (tissue() // 8 + 90, Reason.FLAT, "flat"),
        (saturated(), Reason.SATURATED, "live"),
        (tissue(), Reason.NO_NERVE, "live"),
    ],
)
def test_a_frame_that_cannot_be_graded_says_why(tiny_bundle, pixels, reason, signal):
    seen = look(tiny_bundle, pixels)
    assert (seen.grade.grade, seen.grade.reason, seen.signal) == (UNGRADABLE, reason, signal)
    assert seen.nerve is None
    assert seen.scan_mask() is None


def test_what_the_network_answers_outside_the_picture_is_no_nerve(make_bundle):
    # Marks everything darker than any pixel of a picture can be, too: the black margin of the canvas becomes nerve.
    inverted = make_bundle(files={SEGMENT: tiny_tflite.segmenter(192, -10)})
    narrow = tissue((300, 200))  # 20 of the canvas's 38 mm
    seen = look(inverted, narrow)
    assert seen.scan_mask().all()
    assert seen.nerve.area_share == pytest.approx(1.0)
    assert seen.nerve.csa_mm2 == pytest.approx(600.0, rel=0.01)


def test_a_thresholds_value_decides(make_bundle):
    bundle = make_bundle(thresholds=Thresholds(max_nerve_mm2=20.0))
    assert look(bundle, wrist(CENTRED)).grade.reason is Reason.IMPLAUSIBLE_NERVE


@pytest.mark.parametrize(("probability", "found"), [(0.0, True), (0.5, True), (0.999, True), (1.0, False)])
def test_nerve_probability_moves_the_masks_level(make_bundle, probability, found):
    bundle = make_bundle(thresholds=Thresholds(nerve_probability=probability))
    assert (look(bundle, wrist(CENTRED)).nerve is not None) == found


def test_a_temperature_moves_the_masks_level_but_for_an_even_chance(make_bundle):
    """At probability 0.9 the level is 40 (pixel - 140) / 255 = 2.2 logits: 154; at twice the temperature 168."""
    pixels = tissue()
    pixels[100:150, 100:200] = 160
    hot = msgspec.structs.replace(entry(SEGMENT, SEGMENT_SPEC, ("nerve",)), temperature=2.0)
    for probability, segmenter_found in ((0.9, {"cold": True, "hot": False}), (0.5, {"cold": True, "hot": True})):
        sure = Thresholds(nerve_probability=probability)
        cold_bundle, hot_bundle = make_bundle(thresholds=sure), make_bundle(thresholds=sure, segmenter=hot)
        found = {"cold": look(cold_bundle, pixels).nerve, "hot": look(hot_bundle, pixels).nerve}
        assert {name: nerve is not None for name, nerve in found.items()} == segmenter_found


def test_a_bgr_screen_with_a_region_is_the_grey_picture_of_that_region(tiny_bundle):
    picture = wrist(CENTRED)
    options = Options(roi=Roi(200, 90, SHAPE[1], SHAPE[0]), spacing=Spacing(MM_PER_PX, "manual"))
    on_screen = Pipeline(tiny_bundle, options, stream=True)(frame(screen(picture), mm_per_px=None, whole=False))
    alone = look(tiny_bundle, picture)
    assert (on_screen.nerve, on_screen.grade) == (alone.nerve, alone.grade)
    assert np.array_equal(on_screen.scan.pixels, picture)
    assert on_screen.scan.spacing.provenance == "manual"


def test_frames_do_not_remember_each_other(tiny_bundle):
    pictures = [wrist(CENTRED), tissue(), wrist(Oval(12.0, 9.0, 3.0, 1.2, 25.0)), wrist(CENTRED, shape=(200, 260))]
    pipeline = Pipeline(tiny_bundle, Options(), stream=True)
    for pixels in [*pictures, *reversed(pictures)]:
        again, alone = pipeline(frame(pixels)), look(tiny_bundle, pixels)
        assert (again.nerve, again.grade) == (alone.nerve, alone.grade)


def test_a_bundle_without_a_segmenter_cannot_run(make_bundle):
    with pytest.raises(UsageError, match="no segmenter"):
        Pipeline(make_bundle(segmenter=None), Options(), stream=False)


@pytest.mark.parametrize(
    ("changed", "files", "said"),
    [
        ({}, {SEGMENT: tiny_tflite.segmenter(96)}, "input shape 1 x 96 x 96 x 1, manifest 1 x 192 x 192 x 1"),
        ({}, {SEGMENT: tiny_tflite.segmenter(192, scale=0.00389)}, "input scale 0.00389"),
        ({}, {GRADE: tiny_tflite.grader(75, (1.0, 2.0))}, "output shape 1 x 2, needed 1 x 3"),
        ({"segmenter": entry(GRADE, GRADE_SPEC, ("nerve",))}, {}, "output shape 1 x 3, needed 1 x 75 x 75 x 1"),
    ],
)
def test_a_model_that_is_not_what_its_manifest_says_is_refused(make_bundle, changed, files, said):
    with pytest.raises(BundleError, match=said) as caught:
        Pipeline(make_bundle(files=files, **changed), Options(), stream=False)
    assert "\n" not in str(caught.value)


def test_a_foreign_float_range_is_a_matter_of_scale(make_bundle):
    spec = InputSpec(height=192, width=192, mm_per_px=0.2, float_low=0.0, float_high=255.0)
    model = tiny_tflite.segmenter(192, scale=1.0)  # 40 * (255 p - 140) / 255 in real numbers: all but black is nerve
    bundle = make_bundle(files={SEGMENT: model}, segmenter=entry(SEGMENT, spec, ("nerve",)))
    assert look(bundle, wrist(CENTRED)).nerve.area_share == pytest.approx(1.0)


class TestExamination:
    def examine(self, bundle, frames, limit=None, budget_ms=10_000.0):
        pipeline = Pipeline(bundle, Options(), stream=False)
        exam = Examination(bundle, pipeline, Listed(frames), "clip.mp4", Budget(budget_ms), Exam(id="E1", side="left"))
        seen = []
        exam.run(lambda each: seen.append(each.frame.index), limit)
        return exam.report(), seen

    def test_every_frame_is_in_the_report(self, tiny_bundle):
        pictures = [wrist(CENTRED), np.zeros(SHAPE, np.uint8), None, tissue(), wrist(CENTRED)]
        report, seen = self.examine(tiny_bundle, [frame(p, index=i, name=f"{i}.png") for i, p in enumerate(pictures)])
        assert [each.index for each in report.frames] == seen == [0, 1, 2, 3, 4]
        expected = [None, Reason.BLACK, Reason.UNREADABLE, Reason.NO_NERVE, None]
        assert [each.reason for each in report.frames] == expected
        assert [each.roi is None for each in report.frames] == [False, True, True, False, False]
        assert (report.clip.frames_graded, report.clip.frames_total) == (2, 5)
        assert report.clip.grade == "moderate"
        assert report.clip.csa_mm2 == pytest.approx(CENTRED.area_mm2, rel=0.03)
        assert report.latency.frames == 5
        assert report.latency.deadline_misses == 0
        assert report.bundle.digest == tiny_bundle.digest
        assert report.bundle.grader == "brightness"
        assert (report.exam.id, report.exam.side) == ("E1", "left")

    def test_a_segmenter_alone_reports_the_area_of_the_clip(self, measuring_bundle):
        report, _ = self.examine(measuring_bundle, [frame(wrist(CENTRED))])
        assert report.clip.reason is Reason.NO_GRADER
        assert report.clip.csa_mm2 == pytest.approx(CENTRED.area_mm2, rel=0.03)
        assert report.bundle.grader is None

    def test_stops_at_the_limit(self, tiny_bundle):
        report, seen = self.examine(tiny_bundle, [frame(wrist(CENTRED), index=i) for i in range(5)], limit=2)
        assert seen == [0, 1]
        assert report.source.frames == 2

    def test_no_frame_is_a_report_too(self, tiny_bundle):
        report, _ = self.examine(tiny_bundle, [])
        assert (report.clip.grade, report.clip.reason) == (UNGRADABLE, Reason.TOO_FEW_FRAMES)

    def test_an_overrun_is_counted_and_reported(self, tiny_bundle):
        report, _ = self.examine(tiny_bundle, [frame(wrist(CENTRED))], budget_ms=1e-6)
        assert report.latency.deadline_misses == 1
        assert report.frames[0].overrun


def test_the_segmenter_sees_what_training_saw(tiny_bundle):
    """The canvas holds the picture at the model's own mm per pixel, skin at the top, centred."""
    pipeline = Pipeline(tiny_bundle, Options(), stream=False)
    pipeline(frame(wrist(CENTRED)))
    placement = pipeline.segmenter.placement
    assert (placement.scale_x, placement.scale_y) == (0.5, 0.5)
    assert (placement.target.left, placement.target.top) == (1, 0)
    assert pipeline.segmenter.canvas.shape == (SEGMENT_SPEC.height, SEGMENT_SPEC.width)
    assert not pipeline.segmenter.canvas[150:].any()
