from __future__ import annotations

import re
import struct
from enum import IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.findings import Reason
from firmware_bridge.link.messages import (
    FORMS,
    Action,
    Button,
    Capability,
    Freeze,
    GradeCode,
    Hello,
    Level,
    Log,
    Message,
    Power,
    SideCode,
    State,
    decode,
    encode,
)
from firmware_bridge.link.packet import MAX_PAYLOAD
from firmware_bridge.link.reason_codes import REASON_CODES
from tests.program import ROOT

PROTOCOL = (ROOT / "docs" / "protocol.md").read_text()
WRITTEN = {"B": "u8", "H": "u16", "h": "i16", "I": "u32", "Q": "u64", "text": "text"}


def limits(code: str) -> tuple[int, int]:
    bits = 8 * struct.calcsize("<" + code)
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if code.islower() else (0, (1 << bits) - 1)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    cls, form = draw(st.sampled_from(sorted(FORMS.items(), key=lambda each: each[1].id)))
    values = [
        draw(st.text(max_size=60)) if wire.code == "text" else draw(st.integers(*limits(wire.code)))
        for _, wire in form.wires
    ]
    return cls(*values)


@given(messages())
def test_a_message_is_read_as_it_was_written(message: Message) -> None:
    payload = encode(message)
    assert len(payload) <= MAX_PAYLOAD
    assert decode(FORMS[type(message)].id, payload) == message


@given(messages(), st.binary(min_size=1, max_size=20))
def test_fields_of_a_newer_minor_version_are_skipped(message: Message, more: bytes) -> None:
    form = FORMS[type(message)]
    if not form.has_text:
        assert decode(form.id, encode(message) + more) == message


@given(messages())
def test_a_payload_that_is_too_short_is_no_message(message: Message) -> None:
    form = FORMS[type(message)]
    for cut in range(form.numbers.size):
        assert decode(form.id, encode(message)[:cut]) is None


@given(st.integers(0, 0xFFFF), st.binary(max_size=MAX_PAYLOAD))
def test_any_payload_is_a_message_or_none(number: int, payload: bytes) -> None:
    message = decode(number, payload)
    assert message is None or FORMS[type(message)].id == number


def test_a_long_text_is_cut_between_two_characters() -> None:
    line = "é" * 200
    payload = encode(Log(1, line))
    assert len(payload) == MAX_PAYLOAD - 1
    assert decode(FORMS[Log].id, payload) == Log(1, "é" * 127)


def test_a_number_that_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match="battery_percent=256"):
        encode(Power(256, 0, 0))


def test_the_page_has_the_table_as_it_is() -> None:
    lines = re.findall(r"^\| (0x\w{4}) \| `(\w+)` \| (\w+) \| (\w+) \| (.*) \|$", PROTOCOL, re.M)
    assert lines == [
        (
            f"0x{form.id:04X}",
            cls.__name__,
            form.speaker,
            "numbered" if form.numbered else "passing",
            ", ".join(f"{name} {WRITTEN[wire.code]}" for name, wire in form.wires) or "none",
        )
        for cls, form in FORMS.items()
    ]


@pytest.mark.parametrize("codes", [Capability, Freeze, SideCode, Button, Action, Level, GradeCode])
def test_the_page_has_every_code(codes: type[IntEnum]) -> None:
    assert ", ".join(f"{int(each)} {each.name.lower().replace('_', ' ')}" for each in codes) in PROTOCOL


def test_the_page_has_every_reason() -> None:
    assert ", ".join(f"{code} {reason.value}" for reason, code in REASON_CODES.items()) in PROTOCOL


def test_the_page_shows_the_bytes_that_are_sent() -> None:
    from firmware_bridge.link.framing import frame
    from firmware_bridge.link.packet import Packet

    packet = Packet(FORMS[Power].id, encode(Power(87, 0, 314)), 0x11223344, 0xA1B2C3D4, 0, 0, 4, numbered=True)
    assert f"frame    {frame(packet.encode()).hex(' ')}\n" in PROTOCOL


def test_ids_are_their_own_and_none_is_anothers() -> None:
    numbers = [form.id for form in FORMS.values()]
    assert len(set(numbers)) == len(numbers)
    assert not any(0x30 <= number <= 0x3F or number >= 0x8000 for number in numbers)


def test_each_reason_has_a_code_of_its_own() -> None:
    assert set(REASON_CODES) == set(Reason)
    codes = sorted(REASON_CODES.values())
    assert codes == sorted(set(codes))
    assert codes[0] > 0 and codes[-1] < 255


def test_the_first_version_is_as_it_was_written() -> None:
    """Bytes that devices in the field speak: a change of them is another major version."""
    assert encode(State(1, 0, 405, 50, 12_000, 1, 2, 1)).hex() == "010000000000000000950132e02e010201"
    assert encode(Hello(256, 7, 0x501, 2, 3, 4, "p")).hex() == "000107000000010500000203040070"
