"""A million spoilt frames, of which Python takes none; tests/firmware_bridge/c has the same for C."""

from __future__ import annotations

import json

import pytest

from firmware_bridge.link.framing import Unframer
from firmware_bridge.link.packet import MAX_PACKET
from tests.firmware_bridge.damage import SPOILS, corrupted
from tests.firmware_bridge.vectors import VECTORS

FRAMES = [bytes.fromhex(vector["frame"]) for vector in json.loads(VECTORS.read_text())["frames"]]


@pytest.mark.parametrize("count", [10_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_no_spoilt_frame_is_taken(count: int):
    unframe = Unframer(MAX_PACKET)
    pieces = 0
    for spoilt, damaged in corrupted(FRAMES, count, seed=8):
        assert list(unframe(spoilt)) == []
        pieces += damaged
    assert unframe.damaged == pieces >= count * (len(SPOILS) - 1) / len(SPOILS)
