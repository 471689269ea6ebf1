"""Claims on the spacing: which of them stands, and when none does."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.frame import UNKNOWN_SPACING, Spacing
from edge.screen.spacing import SpacingConflict, agreed

RULER = Spacing(0.0500, "ruler", 0.004)
HEADER = Spacing(0.0503, "dicom", 0.002)
TWICE = Spacing(0.1, "manual")

claims = st.lists(
    st.builds(Spacing, st.floats(0.01, 1.0), st.sampled_from(["ruler", "dicom", "manual"]), st.floats(0.0, 0.2)),
    max_size=4,
)


def test_nobody_claims():
    assert agreed([]) is UNKNOWN_SPACING
    assert agreed([UNKNOWN_SPACING, Spacing()]) == UNKNOWN_SPACING


@pytest.mark.parametrize("order", list(itertools.permutations([RULER, HEADER, UNKNOWN_SPACING])))
def test_of_those_that_agree_the_highest_authority_stands(order):
    assert agreed(order) == HEADER


@pytest.mark.parametrize(
    ("other", "agrees"),
    [(0.0509, True), (0.0511, False), (0.0491, True), (0.0489, False)],
    ids=["+1.8 %", "+2.2 %", "-1.8 %", "-2.2 %"],
)
def test_sure_claims_may_differ_by_two_per_cent(other, agrees):
    assert (agreed([Spacing(0.05, "ruler"), Spacing(other, "manual")]) == Spacing(0.05, "ruler")) == agrees


def test_unsure_claims_may_differ_by_what_they_are_unsure_of():
    hand = Spacing(0.053, "manual", 0.06)
    assert agreed([hand, RULER]) == RULER
    assert isinstance(agreed([Spacing(0.053, "manual", 0.05), RULER]), SpacingConflict)


def test_a_conflict_names_all_sides_with_their_numbers():
    conflict = agreed([RULER, UNKNOWN_SPACING, TWICE, HEADER])
    assert isinstance(conflict, SpacingConflict)
    assert conflict.claims == (RULER, TWICE, HEADER)
    assert str(conflict) == "ruler says 0.05 mm per px, manual says 0.1 mm per px, dicom says 0.0503 mm per px"


def test_a_source_in_conflict_with_itself_is_not_outvoted():
    rulers = SpacingConflict((RULER, TWICE))
    assert agreed([HEADER, rulers, HEADER]) is rulers


@given(claims, st.randoms())
def test_the_order_of_claims_says_nothing(made, random):
    shuffled = made.copy()
    random.shuffle(shuffled)
    one, other = agreed(made), agreed(shuffled)
    assert isinstance(one, SpacingConflict) == isinstance(other, SpacingConflict)
    if isinstance(one, Spacing) and isinstance(other, Spacing):
        assert one.provenance == other.provenance


@given(claims)
def test_what_stands_was_claimed_and_lies_by_all_others(made):
    stands = agreed(made)
    if isinstance(stands, Spacing) and stands.mm_per_px is not None:
        assert stands in made
        for claim in made:
            least = 0.02 + claim.uncertainty + stands.uncertainty
            assert abs(claim.mm_per_px / stands.mm_per_px - 1) <= least * max(1.0, claim.mm_per_px / stands.mm_per_px)
