"""What is looked at in a frame is what the picture shows, and a frame too far from the held-out ones gets no grade."""

from __future__ import annotations

import math

import cv2
import msgspec
import numpy as np
import pytest

from edge.errors import BundleError
from edge.findings import Reason
from edge.manifest import Typical
from edge.pipeline import STAGES, Options, Pipeline
from edge.stages.typical import FEATURES, distance
from tests.conftest import GRADE, GRADE_SPEC, entry
from tests.pictures import CENTRED, NERVE, TISSUE, Oval, frame, wrist

COUNT = len(FEATURES)
STEPS = ("above_normal", "above_mild", "above_moderate")


def typical(centre, threshold, **changed):
    rows = tuple(tuple(row) for row in np.eye(COUNT).tolist())
    fields = {"features": FEATURES, "centre": tuple(centre), "precision": rows, "threshold": threshold}
    return Typical(**(fields | {"coverage": 0.99, "subjects": 10} | changed))


def with_typical(make_bundle, found):
    grader = msgspec.structs.replace(entry(GRADE, GRADE_SPEC, STEPS), typical=found)
    return make_bundle(graders={"brightness": grader})


def look(bundle, pixels, mm_per_px=0.1, **options):
    return Pipeline(bundle, Options(**options), stream=False)(frame(pixels, mm_per_px=mm_per_px))


def seen(bundle, *ovals):
    return dict(zip(FEATURES, look(bundle, wrist(*ovals)).features, strict=True))


def test_the_features_are_what_the_picture_shows(tiny_bundle):
    found = seen(tiny_bundle, CENTRED)
    tissue, inside = (TISSUE[0] + TISSUE[1] - 1) / 2, CENTRED.area_mm2 / 225
    assert found["log area"] == pytest.approx(math.log(CENTRED.area_mm2), abs=0.03)
    assert found["log flattening"] == pytest.approx(math.log(2), abs=0.03)
    assert found["log unfilled"] == pytest.approx(math.log(0.01), abs=0.6)
    assert found["components"] == 1
    assert found["depth"] == pytest.approx(CENTRED.y, abs=0.1)
    assert found["nerve grey"] == pytest.approx(NERVE, abs=12)  # the border's pixels are mixed
    assert found["crop grey"] == pytest.approx(tissue + inside * (NERVE - tissue), abs=1.5)
    two = seen(tiny_bundle, Oval(16.0, 12.0, 2.0, 1.2), Oval(20.6, 12.4, 1.5, 1.0))
    assert two["components"] == 2


def test_a_blurred_border_is_soft(tiny_bundle):
    """The tiny segmenter's logit is 40 (grey - 140) / 255: unsure from 128 to 152."""
    border = FEATURES.index("soft border")
    before, after = (look(tiny_bundle, wrist(CENTRED, border_px=px)).features[border] for px in (0.8, 12.0))
    assert before < math.log1p(1.0) < after


def test_layers_that_run_level_and_sides_that_differ_show(tiny_bundle):
    rows = np.arange(300)[:, None] * np.ones((1, 380))
    step = np.where(np.arange(380) < 190, 0, 12)  # a break of the layers in the middle of the nerve
    plain, level, broken = (
        np.clip(wrist(CENTRED) + 12.0 * np.sin(2 * np.pi * at / 24) * strength, 0, 255).astype(np.uint8)
        for at, strength in ((rows, 0), (rows, 1), (rows + step, 1))
    )
    seen = [dict(zip(FEATURES, look(tiny_bundle, each).features, strict=True)) for each in (plain, level, broken)]
    assert seen[1]["layered"] > seen[0]["layered"] + 0.1
    assert seen[1]["uneven sides"] < seen[0]["uneven sides"] < seen[2]["uneven sides"]


def test_without_a_spacing_the_picture_is_taken_to_be_as_wide_as_the_canvas(tiny_bundle):
    unscaled = look(tiny_bundle, wrist(CENTRED), mm_per_px=None, allow_unscaled=True).features
    scaled = look(tiny_bundle, wrist(CENTRED), mm_per_px=38.4 / 380).features
    assert unscaled[:5] == pytest.approx(scaled[:5], abs=0.05)
    assert unscaled[5:7] == pytest.approx(scaled[5:7], abs=1.5)  # grey levels; the crop's side differs by 3 px


def test_the_distance_is_mahalanobis():
    rng = np.random.default_rng(3)
    spread = rng.normal(size=(COUNT, COUNT))
    covariance = spread @ spread.T + np.eye(COUNT)
    centre, frames = rng.normal(size=COUNT), rng.normal(size=(5, COUNT))
    precision = np.linalg.inv(covariance)
    expected = [cv2.Mahalanobis(each, centre, precision) ** 2 for each in frames]
    assert distance(frames, centre, precision) == pytest.approx(expected)
    assert distance(frames[0], centre, precision) == pytest.approx(expected[0])


def test_beyond_the_threshold_a_frame_is_measured_and_not_graded(make_bundle, tiny_bundle):
    plain = look(tiny_bundle, wrist(CENTRED))
    off = float(plain.features[0]) - 2.0  # a squared distance of 4
    for threshold, reason in ((4.01, None), (3.99, Reason.UNLIKE_TRAINING)):
        centre = [off, *plain.features[1:].tolist()]
        bundle = with_typical(make_bundle, typical(centre, threshold))
        again = look(bundle, wrist(CENTRED))
        assert again.grade.reason is reason
        assert again.nerve == plain.nerve
        assert again.features == pytest.approx(plain.features)
        assert tuple(again.stage_ns) == STAGES
        clip = Pipeline(bundle, Options(), stream=False).clip_grade([again.grade], [again.nerve])
        assert clip.reason is reason
        assert clip.csa_mm2 == plain.nerve.csa_mm2  # a forearm's area is wanted where its grade is not


def test_features_of_another_sonoedge_are_refused_in_one_line(make_bundle):
    bundle = with_typical(make_bundle, typical([0.0] * COUNT, 1.0, features=("mood", *FEATURES[1:])))
    with pytest.raises(BundleError, match=rf"^{GRADE}: .*`sonoedge confidence` again$"):
        Pipeline(bundle, Options(), stream=False)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"centre": (0.0,)}, "each feature"),
        ({"precision": ((1.0,),) * COUNT}, "each feature"),
        ({"threshold": 0.0}, "finite"),
        ({"centre": (math.nan,) * COUNT}, "finite"),
        ({"coverage": 1.0}, "coverage"),
        ({"subjects": 0}, "subject"),
    ],
)
def test_what_is_typical_is_checked_where_it_is_made(changed, word):
    with pytest.raises(ValueError, match=word):
        typical(**({"centre": [0.0] * COUNT, "threshold": 1.0} | changed))
