"""The claims of all sources on the spacing -> one spacing, none, or a conflict (docs/adr/0010)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from edge.frame import UNKNOWN_SPACING, Provenance, Spacing

AUTHORITY: tuple[Provenance, ...] = ("dicom", "firmware", "ruler", "profile", "manual")
"""A machine's own word goes before what was read off its screen, and that before what a person said."""

DISAGREEMENT = 0.02  # claims may differ by this share, or by their uncertainties together where that is more


@dataclass(frozen=True)
class SpacingConflict:
    """Two claims or more of which not all can be true. As text: each with its number."""

    claims: tuple[Spacing, ...]

    def __str__(self) -> str:
        return ", ".join(f"{claim.provenance} says {claim.mm_per_px:.5g} mm per px" for claim in self.claims)


def agreed(claims: Iterable[Spacing | SpacingConflict]) -> Spacing | SpacingConflict:
    """The claim of the highest authority, if all agree; `UNKNOWN_SPACING` when there is none.

    Claims without a number do not count. A source in conflict with itself is a conflict whatever the others say.
    """
    return _agreed(tuple(claims))


@lru_cache(maxsize=64)  # frame after frame the claims are the same
def _agreed(made: tuple[Spacing | SpacingConflict, ...]) -> Spacing | SpacingConflict:
    for claim in made:
        if isinstance(claim, SpacingConflict):
            return claim
    known = [claim for claim in made if isinstance(claim, Spacing) and claim.mm_per_px is not None]
    if not all(_agree(one, other) for one, other in combinations(known, 2)):
        return SpacingConflict(tuple(known))
    return min(known, key=lambda claim: AUTHORITY.index(claim.provenance), default=UNKNOWN_SPACING)


def _agree(one: Spacing, other: Spacing) -> bool:
    a, b = one.mm_per_px or 0.0, other.mm_per_px or 0.0
    return abs(a - b) <= max(DISAGREEMENT * min(a, b), one.uncertainty * a + other.uncertainty * b)
