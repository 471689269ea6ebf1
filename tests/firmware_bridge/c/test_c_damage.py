"""Spoilt frames and random bytes against C: nothing of it is taken, and the next whole frame is."""

from __future__ import annotations

import json
import random

import pytest

from firmware_bridge.link.messages import FORMS, ExamStarted
from tests.firmware_bridge.c.c_probe import CProbe
from tests.firmware_bridge.damage import corrupted
from tests.firmware_bridge.vectors import VECTORS, host, taken

pytestmark = pytest.mark.firmware

FRAMES = [bytes.fromhex(vector["frame"]) for vector in json.loads(VECTORS.read_text())["frames"]]


def test_of_a_million_spoilt_frames_none_is_taken(probe: CProbe):
    probe.meet()
    pieces = 0
    for spoilt, damaged in corrupted(FRAMES, 1_000_000, seed=8):
        probe.feed(spoilt)
        pieces += damaged
    assert probe.damaged == pieces % 2**16
    assert (probe.handed, probe.stale, probe.skipped, probe.said()) == ([], 0, 0, b"")


def test_after_each_of_100_000_random_strings_the_next_frame_is_taken(probe: CProbe):
    draw = random.Random(8)  # noqa: S311  no secret
    probe.meet()
    damaged = 0
    for number in range(100_000):
        string = draw.randbytes(draw.randrange(64))
        probe.feed(string + host(ExamStarted(1), number % 2**16))
        payloads, count = taken(b"\0" + string + b"\0")
        assert not payloads
        damaged += count
    assert probe.handed == [(FORMS[ExamStarted].id, ExamStarted(1))] * 100_000
    assert probe.damaged == damaged % 2**16
