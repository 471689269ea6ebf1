"""What a depth says of a pixel, by the rows of the picture that shows it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.frame import UNKNOWN_SPACING, Roi, Spacing
from edge.probe import DEPTH_MM
from edge.screen.colour import to_grey
from edge.screen.depth import by_depth, with_depth
from edge.screen.layout import Layout, layout_at, read_layout
from edge.screen.spacing import SpacingConflict
from edge.sources import open_source
from tests.edge.sources.files import shared

TRUTH = Path(__file__).parent / "screen_truth"
RULER = Spacing(0.0866, "ruler", 0.005)


def layout(rows: int, **outline: object) -> Layout:
    return layout_at(np.zeros((1, 1), np.uint8), Roi(100, 60, 500, rows), **outline)


def test_a_box_that_a_person_gave_is_sure_to_its_edges_and_the_depths_step():
    given_box = by_depth(40.0, layout(400), box_given=True)
    assert (given_box.mm_per_px, given_box.provenance) == (0.1, "firmware")
    assert given_box.uncertainty == pytest.approx(2 / 400 + 0.05 / 40)
    found = by_depth(40.0, layout(400), box_given=False)
    assert found.mm_per_px == 0.1 and found.uncertainty > given_box.uncertainty + 0.05


@given(st.floats(*DEPTH_MM), st.integers(1, 4320), st.booleans())
def test_any_depth_of_any_picture_is_a_spacing_or_none(depth_mm, rows, box_given):
    claim = by_depth(depth_mm, layout(rows), box_given=box_given)
    if rows < 64:
        assert claim == UNKNOWN_SPACING
        return
    # the least and the most that the two edges and the step leave open
    least, most = (depth_mm - 0.05) / (rows + 2), (depth_mm + 0.05) / (rows - 2)
    assert claim.mm_per_px * (1 - claim.uncertainty) <= least * 1.0001
    assert claim.mm_per_px * (1 + claim.uncertainty) >= most * 0.997


def test_a_picture_that_does_not_fill_its_box_says_nothing():
    sector = ((200.0, 0.0), (300.0, 0.0), (500.0, 400.0), (0.0, 400.0))
    assert by_depth(40.0, layout(400, outline=sector), box_given=True) == UNKNOWN_SPACING
    assert by_depth(40.0, Layout((600, 800), None, None, ambiguous=False), box_given=False) == UNKNOWN_SPACING


def test_a_depth_stands_alone_and_otherwise_only_agrees_or_not():
    claim = Spacing(0.0900, "firmware", 0.066)
    assert with_depth(UNKNOWN_SPACING, claim) == claim
    assert with_depth(RULER, claim) == RULER
    assert with_depth(RULER, UNKNOWN_SPACING) == RULER
    assert with_depth(UNKNOWN_SPACING, UNKNOWN_SPACING) == UNKNOWN_SPACING
    other = with_depth(RULER, Spacing(0.0950, "firmware", 0.066))
    assert str(other) == "ruler says 0.0866 mm per px, firmware says 0.095 mm per px"
    rulers = SpacingConflict((RULER, Spacing(0.1, "ruler")))
    assert with_depth(rulers, claim) is rulers


DEPTHS = {  # mm, as the machine says it on its screen, or as its ruler's last centimetre has it
    "ge_logiq_e9": 40.0,
    "telemed": 50.0,
    "telemed_mirrored": 50.0,
    "interson": 50.0,
    "sonoque": 40.0,
}


def test_on_real_screens_the_truth_lies_within_the_uncertainty():
    pytest.importorskip("gdcm", reason="python-gdcm, of the extra dicom, is not installed")
    spacing = {row["path"]: row["mm_per_px"] for row in json.loads((TRUTH / "spacing.json").read_text())}
    seen: Counter[str] = Counter()
    for row in json.loads((TRUTH / "boxes.json").read_text()):
        depth_mm = DEPTHS.get(row["family"])
        if depth_mm is None or seen[row["family"]]:
            continue
        seen[row["family"]] += 1
        source = open_source(str(shared(row["path"])))
        frame = next(frame for frame in source if frame.index == row["frame"])
        source.close()
        claim = by_depth(depth_mm, read_layout([to_grey(frame.pixels)]), box_given=False)
        assert claim.mm_per_px == pytest.approx(spacing[row["path"]], rel=claim.uncertainty), row["path"]
    assert set(seen) == set(DEPTHS)
