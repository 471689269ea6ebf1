"""A sweep's grade is the mean of its frames, and no grade where that would say more than is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.findings import GRADES, UNGRADABLE, ClipGrade, Ellipse, FrameGrade, Nerve, Reason, ungradable
from edge.manifest import Conformal, Thresholds
from edge.stages.aggregate import aggregate, join_planes
from edge.stages.grade import grade_probabilities, most_likely

USUAL = Thresholds()
SURE = {name: tuple(0.94 if other == name else 0.02 for other in GRADES) for name in GRADES}


def graded(probabilities, *, unscaled=False):
    return FrameGrade(most_likely(probabilities), tuple(probabilities), None, unscaled)


def nerve(csa_mm2=10.0, ap_diameter_mm=None, csa_uncertainty_mm2=None):
    shape = Ellipse(0.0, 0.0, 2.0, 1.0, 0.0), 0.01, 2.0, 1, 0.98
    return Nerve(*shape, csa_mm2, None, ap_diameter_mm, (), csa_uncertainty_mm2=csa_uncertainty_mm2)


def clip(grades, nerves=None, thresholds=USUAL, conformal=None):
    return aggregate(grades, nerves or [None] * len(grades), thresholds, conformal)


def conformal(threshold):
    return Conformal(coverage=0.9, threshold=threshold, subjects=100)


def plane(name, probabilities=None, threshold=None) -> ClipGrade:
    return clip([graded(probabilities or SURE[name])], conformal=threshold and conformal(threshold))


distributions = st.lists(st.floats(-8, 8), min_size=3, max_size=3).map(lambda x: grade_probabilities(sorted(x)[::-1]))


@given(st.lists(distributions, min_size=1, max_size=8))
def test_the_mean_is_a_distribution_and_decides(rows):
    seen = clip([graded(row) for row in rows])
    assert seen.probabilities == pytest.approx(np.mean(rows, axis=0))
    assert sum(seen.probabilities) == pytest.approx(1.0)
    assert seen.cts_probability == pytest.approx(1 - seen.probabilities[0])
    if seen.reason is None:
        assert seen.grade == most_likely(seen.probabilities)
        assert seen.confidence == max(seen.probabilities) >= USUAL.min_confidence
    else:
        assert seen.reason is Reason.DISAGREEING_FRAMES
        assert (seen.grade, seen.confidence) == (UNGRADABLE, None)
        assert max(seen.probabilities) < USUAL.min_confidence


def test_one_odd_frame_does_not_decide():
    assert clip([graded(SURE["mild"])] * 4 + [graded(SURE["severe"])]).grade == "mild"


def test_frames_that_disagree_are_no_grade():
    seen = clip([graded(SURE[name]) for name in GRADES])
    assert (seen.grade, seen.reason, seen.frames_graded) == (UNGRADABLE, Reason.DISAGREEING_FRAMES, 4)


@pytest.mark.parametrize(("fit", "reason"), [(2, Reason.TOO_FEW_FRAMES), (3, None)])
def test_the_share_of_graded_frames_decides(fit, reason):
    grades = [graded(SURE["mild"])] * fit + [ungradable(Reason.NO_NERVE)] * (10 - fit)
    seen = clip(grades)
    assert seen.reason is reason
    assert (seen.frames_graded, seen.frames_total) == (fit, 10)


@pytest.mark.parametrize(("frames", "reason"), [(4, Reason.TOO_FEW_FRAMES), (5, None)])
def test_a_clip_needs_its_least_number_of_frames(frames, reason):
    assert clip([graded(SURE["mild"])] * frames, thresholds=Thresholds(min_clip_frames=5)).reason is reason


def test_where_nothing_was_graded_the_commonest_reason_stands():
    reasons = [Reason.NO_NERVE, Reason.NERVE_CUT_OFF, Reason.NERVE_CUT_OFF]
    seen = clip([ungradable(reason) for reason in reasons])
    assert (seen.grade, seen.reason, seen.probabilities) == (UNGRADABLE, Reason.NERVE_CUT_OFF, None)


def test_the_commonest_reason_brings_the_middle_of_its_own_numbers():
    numbers = [(Reason.BLURRED, 0.1, 0.18), (Reason.BLURRED, 0.16, 0.18), (Reason.BLURRED, 0.12, 0.18)]
    seen = clip([ungradable(*each) for each in [*numbers, (Reason.BLURRED, 0.21, 0.22), (Reason.TOO_DARK, 9.0, 40.0)]])
    assert (seen.reason, seen.value, seen.limit) == (Reason.BLURRED, 0.12, 0.18)
    nothing = clip([ungradable(Reason.NO_NERVE)])
    assert (nothing.reason, nothing.value, nothing.limit) == (Reason.NO_NERVE, None, None)


def test_a_clips_own_reasons_have_their_numbers():
    few = clip([graded(SURE["mild"])] * 2 + [ungradable(Reason.NO_NERVE)] * 8)
    assert (few.reason, few.value, few.limit) == (Reason.TOO_FEW_FRAMES, 2.0, 3.0)
    torn = clip([graded(SURE[name]) for name in GRADES])
    assert (torn.reason, torn.value, torn.limit) == (Reason.DISAGREEING_FRAMES, pytest.approx(0.25), 0.4)
    wide = clip([graded(TORN)], conformal=conformal(0.9))
    assert (wide.reason, wide.value, wide.limit) == (Reason.UNSURE, 3.0, 2.0)
    apart = join_planes(plane("normal"), plane("severe"), USUAL)
    assert (apart.reason, apart.value, apart.limit) == (Reason.DISAGREEING_PLANES, 3.0, 2.0)
    assert (join_planes(plane("mild"), few, USUAL).value, clip([graded(SURE["mild"])]).value) == (2.0, None)


def test_no_frames_are_too_few():
    assert clip([]).reason is Reason.TOO_FEW_FRAMES


def test_the_area_is_the_median_of_the_graded_frames():
    good, cut = graded(SURE["mild"]), ungradable(Reason.NERVE_CUT_OFF)
    seen = clip([good, good, good, cut], [nerve(9.0), nerve(10.0), nerve(30.0), nerve(1.0)])
    assert seen.csa_mm2 == 10.0
    assert seen.ap_diameter_mm is None
    assert seen.csa_uncertainty_mm2 is None


def test_the_areas_uncertainty_is_the_median_of_the_same_frames():
    good, cut = graded(SURE["mild"]), ungradable(Reason.NERVE_CUT_OFF)
    sizes = [(9.0, 0.18), (10.0, 0.2), (30.0, 0.6), (1.0, 0.02)]
    seen = clip([good, good, good, cut], [nerve(csa, csa_uncertainty_mm2=unsure) for csa, unsure in sizes])
    assert (seen.csa_mm2, seen.csa_uncertainty_mm2) == (10.0, 0.2)


def test_without_a_grader_the_area_is_that_of_the_fit_frames():
    grades = [ungradable(Reason.NO_GRADER)] * 2 + [ungradable(Reason.IMPLAUSIBLE_NERVE)]
    seen = clip(grades, [nerve(9.0), nerve(11.0), nerve(90.0)])
    assert (seen.csa_mm2, seen.reason) == (10.0, Reason.NO_GRADER)


def test_one_unscaled_frame_makes_the_clip_unscaled():
    assert clip([graded(SURE["mild"]), graded(SURE["mild"], unscaled=True)]).unscaled
    assert not clip([graded(SURE["mild"])]).unscaled


def test_planes_that_agree_are_one_grade():
    joined = join_planes(plane("mild"), plane("mild"), USUAL)
    assert (joined.grade, joined.reason) == ("mild", None)
    assert joined.confidence == pytest.approx(0.94)
    assert joined.probabilities == pytest.approx(SURE["mild"])


@pytest.mark.parametrize(
    ("one", "other", "allowed", "agree"),
    [
        ("mild", "moderate", 1, True),
        ("mild", "severe", 1, False),
        ("normal", "moderate", 2, True),
        ("normal", "severe", 2, False),
    ],
)
def test_planes_may_lie_so_many_grades_apart(one, other, allowed, agree):
    thresholds = Thresholds(max_plane_disagreement=allowed)
    for first, second in ((one, other), (other, one)):
        joined = join_planes(plane(first), plane(second), thresholds)
        assert joined.reason is (None if agree else Reason.DISAGREEING_PLANES)
        assert (joined.grade == UNGRADABLE) is not agree


def test_planes_of_which_neither_is_sure_disagree():
    joined = join_planes(plane("normal", (0.45, 0.25, 0.2, 0.1)), plane("moderate", (0.1, 0.25, 0.45, 0.2)), USUAL)
    assert (joined.grade, joined.reason, joined.confidence) == (UNGRADABLE, Reason.DISAGREEING_PLANES, None)


def test_one_plane_without_a_grade_is_no_joined_grade():
    nothing = clip([ungradable(Reason.NO_SPACING)])
    for planes in ((plane("mild"), nothing), (nothing, plane("mild"))):
        joined = join_planes(*planes, USUAL)
        assert (joined.grade, joined.reason) == (UNGRADABLE, Reason.NO_SPACING)
        assert (joined.probabilities, joined.cts_probability) == (None, None)
        assert (joined.transverse, joined.longitudinal) == planes


TORN = (0.05, 0.5, 0.35, 0.1)  # mild joins at 0, moderate at 0.5, severe at 0.85, normal at 0.95


@pytest.mark.parametrize(
    ("threshold", "grades"), [(0.4, ("mild",)), (0.6, ("mild", "moderate")), (0.9, ("mild", "moderate", "severe"))]
)
@pytest.mark.parametrize("widest", [1, 2, 3, 4])
def test_a_clip_carries_its_set_and_has_no_grade_where_it_is_too_wide(threshold, grades, widest):
    seen = clip([graded(TORN)], thresholds=Thresholds(max_grade_set=widest), conformal=conformal(threshold))
    assert seen.grade_set == grades
    unsure = len(grades) > widest
    assert seen.reason is (Reason.UNSURE if unsure else None)
    assert (seen.grade, seen.confidence) == ((UNGRADABLE, None) if unsure else ("mild", 0.5))
    assert seen.probabilities == pytest.approx(TORN)


def test_the_set_is_of_the_mean_over_the_frames():
    seen = clip([graded(SURE["mild"]), graded(SURE["moderate"])], conformal=conformal(0.45))
    assert (seen.grade, seen.grade_set) == ("mild", ("mild",))
    assert clip([graded(SURE["mild"]), graded(SURE["moderate"])], conformal=conformal(0.48)).grade_set == (
        "mild",
        "moderate",
    )


def test_without_a_conformal_threshold_there_is_no_set():
    assert clip([graded(TORN)]).grade_set is None
    assert clip([ungradable(Reason.NO_NERVE)], conformal=conformal(0.5)).grade_set is None


def test_another_reason_comes_before_the_set_which_stays():
    seen = clip([graded(SURE[name]) for name in GRADES], conformal=conformal(0.95))
    assert seen.reason is Reason.DISAGREEING_FRAMES
    assert seen.grade_set == GRADES


def test_joined_planes_unite_their_sets():
    sure, torn = plane("mild", threshold=0.6), plane("mild", TORN, 0.6)
    assert join_planes(sure, torn, USUAL).grade_set == ("mild", "moderate")
    apart = join_planes(plane("normal", threshold=0.6), torn, USUAL)
    assert apart.grade_set == ("normal", "mild", "moderate")
    assert (apart.grade, apart.reason) == (UNGRADABLE, Reason.UNSURE)
    assert join_planes(sure, plane("mild"), USUAL).grade_set is None  # a plane that promises nothing
