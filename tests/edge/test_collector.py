"""The collector stays out of the way between capture and report, and cycles are collected all the same."""

from __future__ import annotations

import gc
import weakref

from edge.collector import EVERY, collected_between_frames


class Cycle:
    def __init__(self):
        self.itself = self


def test_nothing_is_collected_but_after_a_frame():
    before = gc.get_freeze_count()
    with collected_between_frames() as after_a_frame:
        assert not gc.isenabled()
        cycle = weakref.ref(Cycle())
        [[] for _ in range(100_000)]
        assert cycle() is not None
        for _ in range(EVERY):
            after_a_frame()
        assert cycle() is None
    assert gc.isenabled()
    assert gc.get_freeze_count() == before


def test_somebody_who_has_turned_it_off_finds_it_off():
    gc.disable()
    try:
        with collected_between_frames() as after_a_frame:
            after_a_frame()
        assert not gc.isenabled()
    finally:
        gc.enable()
