"""What docs/protocol.md asks of a microcontroller in a session: once, in order, again until acknowledged."""

from __future__ import annotations

import ctypes
import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.link.endpoint import Arrived, Endpoint
from firmware_bridge.link.faults import Cable, Faults
from firmware_bridge.link.framing import Unframer
from firmware_bridge.link.messages import (
    FORMS,
    ButtonEvent,
    ExamEnded,
    ExamStarted,
    Heartbeat,
    Hello,
    Message,
    Refused,
    TimeAsk,
    TimeTold,
)
from firmware_bridge.link.messages import decode as decode_message
from firmware_bridge.link.packet import MAX_PACKET, SEQUENCES, Packet, decode
from tests.firmware_bridge.c.c_probe import CProbe
from tests.firmware_bridge.vectors import HOST, HOSTS_HELLO, MAKERS_OWN, NEXT_HOST, PROBE, host

pytestmark = pytest.mark.firmware

MS = 1000  # us
PRESSED = ButtonEvent(0, 0, 1)


def packets(data: bytes) -> list[Packet]:
    return [packet for packet in map(decode, Unframer(MAX_PACKET)(data)) if packet]


def said(data: bytes) -> list[Message | None]:
    return [decode_message(each.message, each.payload) for each in packets(data)]


def when_said(probe: CProbe, kind: type[Message], until_ms: int) -> list[int]:
    """In ms."""
    found = []
    for ms in range(probe.now_us // MS, until_ms):
        found += [ms for message in said(probe.poll(ms * MS)) if isinstance(message, kind)]
    return found


def test_a_message_is_said_again_until_it_is_acknowledged(probe: CProbe):
    probe.meet()
    assert probe.send(PRESSED)
    first = probe.said()
    again = when_said(probe, ButtonEvent, 5000)
    assert again == [50, 150, 350, 750, 1550, 2550, 3550, 4550]
    probe.poll(5550 * MS)
    probe.feed(host(Heartbeat(), acknowledged=2))  # of nothing that was said
    assert not probe.send(PRESSED)
    assert when_said(probe, ButtonEvent, 7000) == [6550]
    probe.feed(host(Heartbeat(), 1, acknowledged=1))
    assert when_said(probe, ButtonEvent, 20_000) == []
    assert probe.send(ButtonEvent(1, 2, 3))
    (one,), (two,) = packets(first), packets(probe.said())
    assert (one.sequence, two.sequence) == (0, 1)


def test_one_message_is_on_its_way_at_a_time(probe: CProbe):
    assert not probe.send(PRESSED)
    assert not probe.pass_(b"samples", 0x30)
    probe.meet()
    assert probe.send(PRESSED)
    assert not probe.send(PRESSED)
    assert probe.pass_(b"samples", 0x30)
    probe.feed(host(Heartbeat(), acknowledged=1))
    assert probe.send(PRESSED)


def test_a_host_without_room_is_sent_nothing_new(probe: CProbe):
    probe.meet()
    probe.feed(host(Heartbeat(), window=0))
    assert not probe.send(PRESSED)
    probe.feed(host(Heartbeat(), 1, window=1))
    assert probe.send(PRESSED)


def test_early_messages_are_not_kept(probe: CProbe):
    probe.meet()
    probe.feed(host(ExamEnded(1, 1), 1) + host(ExamEnded(0, 0), 0) + host(ExamEnded(2, 2), 2))
    assert [message.frames_total for _, message in probe.handed] == [0]
    assert [packet.acknowledged for packet in packets(probe.said())] == [0, 1, 1]
    probe.feed(host(ExamEnded(1, 1), 1))
    assert [message.frames_total for _, message in probe.handed] == [0, 1]


def test_sequences_go_round(probe: CProbe):
    probe.meet()
    for number in range(SEQUENCES + 10):
        assert probe.send(b"")
        probe.feed(host((MAKERS_OWN, b""), number % SEQUENCES, (number + 1) % SEQUENCES, numbered=True))
    assert len(probe.handed) == SEQUENCES + 10
    assert packets(probe.said())[-1].acknowledged == 10


@pytest.mark.parametrize("on_its_way", [False, True])
def test_a_host_that_restarts_is_told_nothing_of_the_old(probe: CProbe, on_its_way: bool):
    probe.meet()
    probe.feed(host(ExamStarted(1)))
    if on_its_way:
        assert probe.send(PRESSED)
    probe.feed(host(HOSTS_HELLO, session=NEXT_HOST))
    assert probe.ups == [False, on_its_way]
    probe.said()
    assert when_said(probe, ButtonEvent, 3000) == []
    assert probe.send(PRESSED)
    probe.feed(host(ExamEnded(1, 1), 1) + host(HOSTS_HELLO))  # late ones
    assert len(probe.handed) == 1
    (pressed,) = packets(probe.said())
    assert (pressed.receiver, pressed.sequence, pressed.acknowledged) == (NEXT_HOST, 0, 0)
    assert probe.stale == 2


def test_a_host_is_silent_after_a_second_for_as_long_as_it_lasts(probe: CProbe):
    assert probe.silent
    probe.meet()
    assert not probe.silent
    probe.poll(999 * MS)
    assert not probe.silent
    probe.poll(1000 * MS)
    assert probe.silent
    for minute in range(1, 72):
        probe.poll(minute * 60_000 * MS)
        assert probe.silent
    probe.poll(2**32 + 500 * MS)  # the clock's 32 bits are as they were half a second after the host spoke
    assert probe.silent
    probe.feed(host(Heartbeat()))
    assert not probe.silent


def test_the_clock_goes_past_32_bits(code: ctypes.CDLL):
    before = 2**32 - 75 * MS
    probe = CProbe(code, now_us=before).meet()
    assert probe.send(PRESSED)
    probe.said()
    spoken = {ms: said(probe.poll(before + ms * MS)) for ms in range(400)}
    assert {ms: messages for ms, messages in spoken.items() if messages} == {ms: [PRESSED] for ms in (50, 150, 350)}
    probe.feed(host(TimeAsk(7)))
    assert said(probe.said())[-1] == TimeTold(7, before + 399 * MS, before + 399 * MS)


def test_its_own_echo_is_nobody(probe: CProbe):
    echo = probe.poll(0)
    for ms in range(1, 1000):
        probe.feed(echo)
        echo = probe.poll(ms * MS)
        assert len(packets(echo)) <= 1
    assert probe.ups == []
    assert probe.silent


def test_the_firmware_learns_that_the_host_is_too_new(probe: CProbe):
    probe.meet()
    probe.feed(host(ExamStarted(1), major=3) + host(Refused(3), 1, major=3))
    assert probe.handed == [(FORMS[Refused].id, Refused(3))] * 2
    assert said(probe.said()) == [Refused(1)]


@given(garbage=st.binary(max_size=600), zeros=st.integers(0, 3))
def test_after_any_garbage_the_next_frame_is_taken(code: ctypes.CDLL, garbage: bytes, zeros: int):
    probe = CProbe(code).meet()
    probe.feed(garbage + bytes(zeros) + host(ExamStarted(1)))
    assert probe.handed == [(FORMS[ExamStarted].id, ExamStarted(1))]


def test_a_frame_is_taken_byte_by_byte(probe: CProbe):
    for byte in host(HOSTS_HELLO) + host(ExamStarted(1)):
        probe.feed(bytes([byte]))
    assert len(probe.handed) == 1


@pytest.mark.parametrize("seed", range(3))
def test_c_and_python_lose_nothing_over_a_bad_cable(code: ctypes.CDLL, seed: int):
    """A minute in which both sides say something numbered every 20 ms or so, and restart nothing."""
    faults = Faults(loss=0.1, corruption=0.01, duplication=0.05, reorder=0.05)
    there, back = Cable(faults, seed=seed), Cable(faults, seed=seed + 100)
    probe, host_side = CProbe(code), Endpoint(HOSTS_HELLO, HOST, asks_time=True)
    on_the_way: list[tuple[int, int, int, bytes]] = []
    order, pressed, asked = 0, 0, 0
    heard: list[Message] = []

    def put(cable: Cable, side: int, now_us: int, data: bytes) -> None:
        nonlocal order
        for delay_ns, bytes_ in cable(data):
            order += 1
            heapq.heappush(on_the_way, (now_us + delay_ns // 1000, order, side, bytes_))

    for now_us in range(0, 60_000 * MS, 1 * MS):
        probe.now_us = now_us
        while on_the_way and on_the_way[0][0] <= now_us:
            _, _, side, data = heapq.heappop(on_the_way)
            if side:
                probe.feed(data)
            else:
                host_side.received(data, now_us * 1000)
        if now_us < 50_000 * MS:
            if now_us % (20 * MS) == 0:
                host_side.send(ExamEnded(asked, asked))
                asked += 1
            pressed += probe.send(ButtonEvent(pressed, 0, 0))
        for whole in _frames(probe.poll(now_us)):
            put(back, 0, now_us, whole)
        for whole in host_side.poll(now_us * 1000):
            put(there, 1, now_us, whole)
        heard += [event.message for event in host_side.events() if isinstance(event, Arrived)]

    assert [message.frames_total for _, message in probe.handed] == list(range(asked))
    assert [each.ticks_us for each in heard if isinstance(each, ButtonEvent)] == list(range(pressed))
    assert pressed > 1000
    assert probe.ups == [False]
    assert probe.damaged > 0


def _frames(data: bytes) -> list[bytes]:
    return [b"\0" + code + b"\0" for code in data.split(b"\0") if code]


def test_hello_goes_to_the_candidate(probe: CProbe):
    probe.feed(host(HOSTS_HELLO, probe=0))
    (packet,) = packets(probe.said())
    assert (packet.message, packet.sender, packet.receiver) == (FORMS[Hello].id, PROBE, HOST)
