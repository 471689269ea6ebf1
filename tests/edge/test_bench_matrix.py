"""The matrix: every combination, on screens that are smaller by one measure, with what the bundle proves beside."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from edge import host
from edge.bench import as_text, bench
from edge.bench.matrix import Axes, axes, matrix
from edge.bench.measure import Pace
from edge.bench.replay import hold
from edge.bench.text import UNLABELLED, cell
from edge.bundle import Bundle, packaged_bundle
from edge.errors import UsageError
from edge.manifest import Proof, ProofFigure
from edge.screen.profile import Profile
from tests.edge.test_bench import ON_SCREEN, screens
from tests.pictures import Listed, frame

PACE = Pace(frames=6, warmup=20, budget_ms=1000.0, fps=None)


@pytest.fixture(scope="module")
def held():
    return hold(screens(5))  # of two, a slow machine's looks might always meet the same one: frozen


@pytest.fixture(scope="module")
def cells(tiny_bundle, held):
    return matrix(tiny_bundle, held, True, ON_SCREEN, PACE, Axes(("brightness", "darkness"), (1, 2), (1080, 720)))


def test_every_combination_is_a_cell(cells):
    assert [(each.grader, each.threads, each.screen) for each in cells] == [
        (grader, threads, screen)
        for screen in ("1920 x 1080", "1280 x 720")
        for grader in ("brightness", "darkness")
        for threads in (1, 2)
    ]
    for each in cells:
        assert (each.frames, each.dropped, each.deadline_miss_ratio) == (6, 0, 0.0)
        assert set(each.invoke_ms) == {"segmenter", f"grader {each.grader}"}
        assert 0 < each.stages["segment"].p50_ms < each.frame_age_ms.p50_ms
        assert each.overhead_ms < each.cpu_ms_per_frame


def test_a_smaller_screen_shows_the_same_nerve_at_the_same_size(cells):
    """Box and spacing go with it: with a wrong spacing the nerve would be too large or too small for any grade.

    Not every frame is graded on a machine that stands still for a second: by then a held clip looks frozen.
    """
    assert all(each.graded > 0 for each in cells)


def test_a_grader_without_proof_is_unlabelled(cells):
    assert {(each.accuracy, each.auc) for each in cells} == {(None, None)}
    assert cell(cells[0])[-2:] == (UNLABELLED, UNLABELLED)


@pytest.mark.parametrize(("labelled", "told"), [(True, (0.9, 0.98)), (False, (None, None))])
def test_accuracy_is_that_of_int8_against_known_answers(make_bundle, tiny_bundle, held, labelled, told):
    numbers = {"accuracy": (0.91, 0.9), "AUC, CTS against normal": (0.99, 0.98)}
    figures = {
        name: ProofFigure(unit="", in_float=in_float, in_int8=in_int8, bound=None, margin=None)
        for name, (in_float, in_int8) in numbers.items()
    }
    graders = dict(tiny_bundle.manifest.graders)
    proof = Proof(labelled=labelled, frames=10, subjects=5, figures=figures)
    graders["brightness"] = msgspec.structs.replace(graders["brightness"], proof=proof)
    bundle = make_bundle(graders=graders)
    (one,) = matrix(bundle, held, True, ON_SCREEN, PACE, Axes(("brightness",), (1,), (1080,)))
    assert (one.accuracy, one.auc) == told


def test_the_packaged_bundle_proves_its_graders(held):
    bundle = Bundle.open(packaged_bundle("transverse"))
    over = axes(bundle, ON_SCREEN, held)
    assert over.graders == tuple(bundle.manifest.graders)
    (one,) = matrix(bundle, held, True, ON_SCREEN, Pace(2, 0, None, None), Axes(over.graders[:1], (1,), (1080,)))
    assert 0.5 < one.accuracy < one.auc < 1.0


def test_where_nothing_is_asked_for_all_is_taken(tiny_bundle, held, monkeypatch):
    monkeypatch.setattr(host, "usable_cores", lambda: 6)
    over = axes(tiny_bundle, ON_SCREEN, held)
    assert over == Axes(("brightness", "darkness"), (1, 2, 4, 6), (1080, 720, 480))
    assert over.cells == 24


def test_a_screen_of_another_height_comes_first(tiny_bundle):
    low = hold(Listed([frame(screens(1).frames[0].pixels[:600], mm_per_px=None, whole=False)]))
    assert axes(tiny_bundle, ON_SCREEN, low).heights == (600, 480)


def test_a_bundle_that_only_measures_has_cells_too(measuring_bundle, held):
    over = axes(measuring_bundle, ON_SCREEN, held, threads=(1,), heights=(720,))
    (one,) = matrix(measuring_bundle, held, True, ON_SCREEN, PACE, over)
    assert (one.grader, one.graded, one.accuracy) == (None, 0, None)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"graders": ("dreams",)}, "no grader 'dreams': it has brightness"),
        ({"heights": (2160,)}, "2160 px: the frames"),
    ],
)
def test_what_is_not_there_is_refused(tiny_bundle, held, asked, told):
    with pytest.raises(UsageError, match=told):
        axes(tiny_bundle, ON_SCREEN, held, **asked)


def test_a_profile_is_of_one_size_of_screen(tiny_bundle, held):
    taught = replace(ON_SCREEN, roi=None, profile=Profile("taught", (1920, 1080), (200, 90, 380, 300)))
    assert axes(tiny_bundle, taught, held).heights == (1080,)
    with pytest.raises(UsageError, match="one size of screen"):
        axes(tiny_bundle, taught, held, heights=(720,))


def test_the_matrix_is_one_table_on_the_terminal(tiny_bundle, cells):
    whole = bench(tiny_bundle, screens(1), ON_SCREEN, frames=3, warmup=0)
    lines = as_text(msgspec.structs.replace(whole, matrix=cells)).splitlines()
    rows = [line.split() for line in lines if line.startswith(("brightness", "darkness"))]
    assert len(rows) == len(cells)
    assert [row[5] for row in rows] == [f"{each.frame_age_ms.p50_ms:.2f}" for each in cells]
    assert lines[-1].startswith((UNLABELLED, "*"))
