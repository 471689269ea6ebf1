"""What the firmware takes from here is fresh, and Python answers to the vectors; C does in tests/firmware_bridge/c."""

from __future__ import annotations

import json

import pytest

from firmware_bridge.c_tables import HEADER, header
from firmware_bridge.link import messages
from firmware_bridge.link.framing import Unframer, frame
from firmware_bridge.link.packet import MAX_PACKET, Packet, decode
from tests.firmware_bridge.vectors import VECTORS, as_text, taken

WRITTEN = json.loads(VECTORS.read_text())


def test_the_firmwares_tables_are_fresh():
    assert header() == HEADER.read_text(), "run: python -m firmware_bridge.c_tables"


def test_the_vectors_are_fresh():
    assert as_text() == VECTORS.read_text(), "run: python -m tests.firmware_bridge.vectors"


@pytest.mark.parametrize("vector", WRITTEN["frames"], ids=lambda vector: vector["name"])
def test_a_frame_is_its_packet_and_its_message(vector: dict):
    packet = Packet(**vector["packet"] | {"payload": bytes.fromhex(vector["packet"]["payload"])})
    coded = bytes.fromhex(vector["frame"])
    assert frame(packet.encode()) == coded
    assert [decode(whole) for whole in Unframer(MAX_PACKET)(coded)] == [packet]
    for name, fields in vector.get("message", {}).items():
        message = getattr(messages, name)(**fields)
        assert messages.encode(message) == packet.payload
        assert messages.decode(packet.message, packet.payload) == message


@pytest.mark.parametrize("vector", WRITTEN["damaged"], ids=lambda vector: vector["name"])
@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_bytes_come_in_pieces_of_any_size(vector: dict, piece: int):
    data = bytes.fromhex(vector["bytes"])
    unframe = Unframer(MAX_PACKET)
    packets = [decode(whole) for start in range(0, len(data), piece) for whole in unframe(data[start : start + piece])]
    assert [each.payload.hex() for each in packets if each] == vector["payloads"]
    assert unframe.damaged + packets.count(None) == vector["damaged"]


DAMAGED = {  # what docs/protocol.md says of them: the payloads that are taken, the frames that are none
    "two frames with one zero between": (["one", "two"], 0),
    "zeros before, between and after": (["one", "two"], 0),
    "the end is lost": (["one", "two"], 0),
    "the end and the next beginning are lost": (["three"], 1),
    "cut in the middle": (["two"], 1),
    "a bit is another": (["two"], 1),
    "a zero in the middle": (["two"], 2),
    "a count one beyond the end": (["two"], 1),
    "a count alone": (["two"], 1),
    "a thousand bytes of noise": (["one"], 1),
    "a byte more than the longest": (["one"], 1),
    "the CRC of nothing": (["one"], 1),
    "a packet without a whole header": (["one"], 1),
    "one byte": ([], 0),
    "nothing": ([], 0),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_ends_at_the_next_zero(name: str):
    vector = next(each for each in WRITTEN["damaged"] if each["name"] == name)
    payloads, count = taken(bytes.fromhex(vector["bytes"]))
    assert ([each.decode() for each in payloads], count) == DAMAGED[name]
