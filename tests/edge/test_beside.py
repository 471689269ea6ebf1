"""Overlays of a live source cost no frame's age: they are drawn beside, and what there is no time for is counted."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from edge.beside import Beside
from edge.errors import OutputError
from edge.pipeline import Options, Pipeline
from tests.pictures import CENTRED, frame, wrist


def test_it_shows_what_was_seen_even_when_the_pipeline_has_gone_on(tiny_bundle):
    pipeline, free, shown = Pipeline(tiny_bundle, Options(), stream=False), threading.Event(), []

    def slow(seen):
        free.wait(10)
        shown.append((seen.scan.pixels.copy(), seen.scan_mask(), seen.frame.index))

    beside = Beside(slow)
    first = pipeline(frame(wrist(CENTRED), index=0))
    scan, mask = first.scan.pixels.copy(), first.scan_mask()
    beside(first)
    for index in (1, 2):
        beside(pipeline(frame(wrist(seed=index), index=index)))
    free.set()
    beside.close()
    assert beside.missed == 2
    ((pixels, lifted, index),) = shown
    assert index == 0
    np.testing.assert_array_equal(pixels, scan)
    np.testing.assert_array_equal(lifted, mask)


def test_every_frame_is_shown_when_there_is_time(tiny_bundle):
    pipeline, shown = Pipeline(tiny_bundle, Options(), stream=False), []
    beside = Beside(lambda seen: shown.append(seen.frame.index))
    for index in range(5):
        beside(pipeline(frame(wrist(CENTRED), index=index)))
        while not beside._last.done():
            pass
    beside.close()
    assert shown == list(range(5))
    assert beside.missed == 0


def test_what_goes_wrong_beside_is_told(tiny_bundle):
    def full(seen):
        raise OutputError("x.png: no space left")

    beside = Beside(full)
    beside(Pipeline(tiny_bundle, Options(), stream=False)(frame(wrist(CENTRED))))
    with pytest.raises(OutputError, match="no space"):
        beside.close()
