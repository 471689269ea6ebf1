"""C answers to the vectors, and agrees with Python on whatever hypothesis thinks of."""

from __future__ import annotations

import ctypes
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.link import messages
from firmware_bridge.link.framing import Unframer, frame
from firmware_bridge.link.messages import BY_ID, FORMS, Hello, Message, Refused
from firmware_bridge.link.packet import MAX_PACKET, MAX_PAYLOAD, Packet, decode
from tests.firmware_bridge.c.c_probe import CProbe, library
from tests.firmware_bridge.vectors import HOST, LIMITS, MAKERS_OWN, PROBE, VECTORS, taken

pytestmark = pytest.mark.firmware

WRITTEN = json.loads(VECTORS.read_text())
LINKS_OWN = {FORMS[each].id for each in (Hello, Refused, messages.Heartbeat, messages.TimeAsk)}  # not handed on


def message_of(plain: dict[str, Any]) -> Message:
    ((name, fields),) = plain.items()
    made: Message = getattr(messages, name)(**fields)
    return made


def packet_of(vector: dict[str, Any]) -> Packet:
    return Packet(**vector["packet"] | {"payload": bytes.fromhex(vector["packet"]["payload"])})


def heard_by(code: ctypes.CDLL, packet: Packet, coded: bytes) -> CProbe:
    """A probe in the packet's own session, after its frame came."""
    probe = CProbe(code, packet.receiver).meet(packet.sender, packet.receiver)
    probe.feed(coded)
    return probe


@pytest.mark.parametrize("vector", WRITTEN["frames"], ids=lambda vector: vector["name"])
def test_c_takes_the_frame(code: ctypes.CDLL, vector: dict):
    packet = packet_of(vector)
    probe = heard_by(code, packet, bytes.fromhex(vector["frame"]))
    assert (probe.damaged, probe.stale) == (0, 0)
    if packet.message not in LINKS_OWN:
        said = message_of(vector["message"]) if "message" in vector else packet.payload
        assert probe.handed == [(packet.message, said)]


def a_probe_says_it(vector: dict) -> bool:
    packet = packet_of(vector)
    return (packet.sender, packet.window, packet.minor) == (PROBE, 4, 0)


@pytest.mark.parametrize("vector", list(filter(a_probe_says_it, WRITTEN["frames"])), ids=lambda vector: vector["name"])
def test_c_says_the_frame(code: ctypes.CDLL, vector: dict):
    packet = packet_of(vector)
    probe = CProbe(code).meet()
    message = message_of(vector["message"]) if "message" in vector else packet.payload
    say = probe.send if packet.numbered else probe.pass_
    assert say(message, packet.message)
    assert probe.said().hex() == vector["frame"]


@pytest.mark.parametrize("vector", WRITTEN["damaged"], ids=lambda vector: vector["name"])
def test_c_drops_what_is_damaged(probe: CProbe, vector: dict):
    probe.meet()
    probe.feed(bytes.fromhex(vector["bytes"]))
    assert [payload.hex() for number, payload in probe.handed if number == MAKERS_OWN] == vector["payloads"]
    assert probe.damaged == vector["damaged"]


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """With the window that the dialogues have."""
    return library(tmp_path_factory.mktemp("roomy"), f"-DSONOEDGE_WINDOW={WRITTEN['dialogues']['window']}")


@pytest.mark.parametrize("dialogue", WRITTEN["dialogues"]["all"], ids=lambda dialogue: dialogue["name"])
def test_c_leads_the_dialogue(roomy: ctypes.CDLL, dialogue: dict):
    probe = CProbe(roomy, PROBE, Hello(**WRITTEN["dialogues"]["hello"]))
    for step in dialogue["steps"]:
        probe.now_us = step["at_us"]
        probe.feed(bytes.fromhex(step.get("hears", "")))
        if "sends" in step:
            message = message_of(step["sends"])
            assert (probe.send if FORMS[type(message)].numbered else probe.pass_)(message)
        assert probe.poll().hex() == step["says"], step
        handed = [message for number, message in probe.handed if number in BY_ID and not isinstance(message, Refused)]
        assert handed == [message_of(each) for each in step.get("hands_on", [])], step
        probe.handed.clear()


def any_message() -> st.SearchStrategy[Message]:
    def of(cls: type[Message]) -> st.SearchStrategy[Message]:
        form = FORMS[cls]
        room = MAX_PAYLOAD - form.numbers.size
        text = st.text().filter(lambda text: len(text.encode()) <= room)
        return st.builds(
            cls,
            **{name: text if wire.code == "text" else st.integers(*LIMITS[wire.code]) for name, wire in form.wires},
        )

    return st.sampled_from(list(FORMS)).flatmap(of)


@given(message=any_message())
def test_c_and_python_agree_on_any_message(code: ctypes.CDLL, message: Message):
    form = FORMS[type(message)]
    probe = CProbe(code).meet()
    assert (probe.send if form.numbered else probe.pass_)(message)
    (whole,) = Unframer(MAX_PACKET)(probe.said())
    packet = decode(whole)
    assert packet
    assert messages.decode(packet.message, packet.payload) == message
    if form.id not in LINKS_OWN:
        back = Packet(form.id, messages.encode(message), HOST, PROBE, 0, 0, 16, form.numbered)
        assert heard_by(code, back, frame(back.encode())).handed == [(form.id, message)]


@given(
    number=st.integers(0x30, 0xFFFF).filter(lambda number: number not in BY_ID),
    payload=st.binary(max_size=MAX_PAYLOAD),
    numbered=st.booleans(),
)
def test_c_and_python_agree_on_any_payload(code: ctypes.CDLL, number: int, payload: bytes, numbered: bool):
    there = Packet(number, payload, HOST, PROBE, 0, 0, 16, numbered)
    probe = heard_by(code, there, frame(there.encode()))
    assert probe.handed == [(number, payload)]
    assert probe.skipped == (number != MAKERS_OWN)
    probe.said()
    assert (probe.send if numbered else probe.pass_)(payload, number)
    (whole,) = Unframer(MAX_PACKET)(probe.said())
    packet = decode(whole)
    assert packet
    assert (packet.message, packet.payload, packet.numbered) == (number, payload, numbered)


pieces = st.one_of(
    st.binary(max_size=300),
    st.sampled_from([bytes.fromhex(each["bytes"]) for each in WRITTEN["damaged"]]),
    st.integers(0, 9).map(bytes),
)


@given(data=st.lists(pieces, max_size=6).map(b"".join))
def test_c_and_python_agree_on_any_bytes(code: ctypes.CDLL, data: bytes):
    probe = CProbe(code)
    probe.feed(data)
    payloads, damaged = taken(data)
    assert (probe.damaged, probe.stale) == (damaged, len(payloads))  # nobody was met: each packet is a stranger's


def test_what_is_too_long_is_not_sent(probe: CProbe, tmp_path: Path):
    probe.meet()
    for say in (probe.send, probe.pass_):
        assert not say(bytes(MAX_PAYLOAD + 1))
        assert not say(messages.Log(0, "x" * MAX_PAYLOAD))
    assert probe.said() == b""
    assert probe.send(bytes(MAX_PAYLOAD))
