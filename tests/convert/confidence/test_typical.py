"""The threshold keeps its share of further subjects' frames, and odd frames do not make odd frames typical."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the extra convert is not installed")

from convert.confidence.answers import Wrist
from convert.confidence.typical import COVERAGE, fit_typical, spread
from edge.stages.typical import FEATURES, Typicality, distance

RNG = np.random.default_rng(8)
MIXING = RNG.normal(size=(len(FEATURES), len(FEATURES)))


def people(count, frames=2, shift=0.0, prefix="S"):
    seen = RNG.normal(shift, 1.0, (count, frames, len(FEATURES))) @ MIXING
    return [Wrist(f"{prefix}{number}", "mild", rows, ()) for number, rows in enumerate(seen)]


def kept(found, clips):
    typicality = Typicality("a grader", found)
    return np.mean([typicality(row) is None for wrist in clips for row in wrist.seen])


def test_it_keeps_its_share_of_further_subjects_and_nothing_far_from_them():
    shares = [kept(fit_typical(people(150), people(150)), people(300)) for _ in range(20)]
    assert np.mean(shares) == pytest.approx(COVERAGE, abs=0.012)  # three standard errors
    assert kept(fit_typical(people(150), people(150)), people(100, shift=4.0)) == 0.0


def test_a_feature_that_never_varied_does_not_decide_alone():
    still = [
        Wrist(w.subject, w.grade, np.hstack([w.seen[:, :3], np.ones((2, 1)), w.seen[:, 4:]]), ()) for w in people(80)
    ]
    found = fit_typical(still[:40], still[40:])
    assert np.isfinite(found.threshold)
    shifted = still[0].seen[0] + np.eye(len(FEATURES))[3] * 0.4  # less than a strand more
    here, there = (Typicality("a grader", found)(row) for row in (shifted, still[0].seen[0]))
    assert (here is None) == (there is None)


def test_a_tenth_of_odd_frames_hardly_moves_centre_and_distances():
    clean = np.concatenate([wrist.seen for wrist in people(900)])
    odd = np.concatenate([clean[:1620], RNG.normal(30.0, 1.0, (180, len(FEATURES)))])
    far = np.full(len(FEATURES), 30.0)
    before, after = spread(clean), spread(odd)
    assert distance(after[0], *before) < 1.0
    assert distance(far, *after) > 0.3 * distance(far, *before) or distance(far, *after) > 100.0


def test_where_subjects_are_few_the_farthest_frame_is_the_threshold_and_the_coverage_is_told():
    some = people(12)
    found = fit_typical(people(30), some)
    assert found.coverage == pytest.approx(12 / 13)
    assert found.subjects == 12
    assert kept(found, some) >= 23 / 24  # the farthest lies on the threshold, up to rounding
