"""What is looked at now and then has its turn in time, and alone on its frame where the frames are close enough."""

from __future__ import annotations

import pytest

from edge.screen.freeze import RESTS
from edge.screen.turns import PUT_OFF_NS, RESTS_NS, Turns

SECOND = 1_000_000_000


def taken(fps: float, seconds: float = 10.0) -> tuple[list[list[str]], list[bool]]:
    """The looks of each frame, while a picture that lives is looked at as often as it is; whether that was here."""
    turns, looks, busy, alive = Turns(), [], [], 0.0
    turns.begin(0, "marks")
    for index in range(round(seconds * fps)):
        at = index / fps
        busy.append(index == 0 or at - alive >= RESTS)
        alive = at if busy[-1] else alive
        turns.at(round(at * SECOND), busy=busy[-1])
        looks.append([look for look in ("marks", "colour") if turns.take(look)])
    return looks, busy


@pytest.mark.parametrize("fps", [12, 15, 24, 25, 30, 50, 60])
def test_no_two_looks_fall_on_one_frame(fps):
    looks, busy = taken(fps)
    assert looks[0] == ["colour"]  # of a new layout nobody knows whether it is coloured
    assert all(len(each) + also <= 1 for each, also in zip(looks[1:], busy[1:], strict=True))


@pytest.mark.parametrize("fps", [0.5, 1, 3, 7, 10, 12, 25, 30, 60])
@pytest.mark.parametrize("look", ["marks", "colour"])
def test_none_waits_for_long(fps, look):
    looks, _ = taken(fps)
    at = [index / fps for index, each in enumerate(looks) if look in each]
    longest = (RESTS_NS[look] + PUT_OFF_NS) / SECOND + 1 / fps
    assert max(after - before for before, after in zip([0.0, *at], [*at, 10.0], strict=True)) <= longest + 1e-6


def test_a_look_that_is_kept_busy_by_others_waits_so_long_and_no_longer():
    turns = Turns()
    turns.begin(0, "colour")
    for at, expected in ((RESTS_NS["colour"], False), (RESTS_NS["colour"] + PUT_OFF_NS, True)):
        turns.at(at, busy=True)
        assert turns.take("colour") is expected


def test_a_clock_set_back_makes_all_due():
    turns = Turns()
    turns.begin(5 * SECOND, "marks", "colour")
    turns.at(4 * SECOND, busy=False)
    assert turns.take("marks")
