from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.link.endpoint import (
    RETIRED,
    WINDOW,
    Arrived,
    Endpoint,
    HeardAgain,
    Incompatible,
    Silent,
)
from firmware_bridge.link.faults import Faults
from firmware_bridge.link.framing import Unframer, frame
from firmware_bridge.link.messages import FORMS, Grade, Hello, Log, Refused, State, encode
from firmware_bridge.link.packet import MAX_PACKET, Packet, decode
from tests.firmware_bridge.link.virtual import BOOT_NS, HOST, MS, PROBE, SECOND, Bench


def state(number: int) -> State:
    return State(number, 0, 400, 50, 12_000, 1, 1, 1)


def grade(number: int) -> Grade:
    return Grade(number, 0, 1, 90, 0, 1234)


def packets(frames: list[bytes]) -> list[Packet]:
    unframe = Unframer(MAX_PACKET)
    found = [decode(whole) for each in frames for whole in unframe(each)]
    assert all(found)
    return [each for each in found if each]


def connected() -> Bench:
    bench = Bench()
    bench.run_until(SECOND)
    assert bench.host.endpoint.connected and bench.probe.endpoint.connected
    return bench


def restart_probe(bench: Bench, session: int) -> None:
    bench.probe.endpoint = Endpoint(PROBE, session)


def test_two_that_start_know_each_other_at_once() -> None:
    bench = Bench()
    bench.run_until(10 * MS)
    assert [each.hello for each in bench.host.connections] == [PROBE]
    assert [each.hello for each in bench.probe.connections] == [HOST]


def test_what_is_said_before_anybody_is_there_is_sent_when_somebody_is() -> None:
    bench = Bench()
    bench.cut = True
    bench.host.endpoint.send(grade(1))
    bench.run_until(5 * SECOND)
    assert not bench.host.endpoint.connected
    bench.cut = False
    bench.run_until(6 * SECOND)
    assert bench.probe.got == [grade(1)]


def test_a_cable_that_was_out_loses_nothing() -> None:
    bench = connected()
    bench.cut = True
    for number in range(50):
        bench.host.endpoint.send(grade(number))
    bench.run_until(30 * SECOND)
    assert isinstance(bench.host.log[-1], Silent) and bench.host.endpoint.silent
    bench.cut = False
    bench.run_until(32 * SECOND)
    assert bench.probe.got == [grade(number) for number in range(50)]
    assert sum(isinstance(each, HeardAgain) for each in bench.host.log) == 1
    assert len(bench.host.connections) == 1


def test_silence_is_told_after_a_second() -> None:
    bench = connected()
    bench.cut = True
    bench.run_until(SECOND + 700 * MS)
    assert not bench.host.endpoint.silent
    bench.run_until(SECOND + 1100 * MS)
    assert bench.host.endpoint.silent and bench.probe.endpoint.silent


def test_of_a_probe_that_restarted_the_unacknowledged_is_given_back_and_the_unsent_is_sent() -> None:
    bench = connected()
    bench.cut = True
    sent = [grade(number) for number in range(WINDOW + 5)]
    for each in sent:
        bench.host.endpoint.send(each)
    bench.run_until(SECOND + 10 * MS)
    restart_probe(bench, 0xB0000002)
    bench.cut = False
    bench.run_until(3 * SECOND)
    assert list(bench.host.connections[-1].lost) == sent[:WINDOW]
    assert bench.probe.got == sent[WINDOW:]


def test_a_host_that_restarted_is_known_anew() -> None:
    bench = connected()
    bench.probe.endpoint.send(state(1))
    bench.run_until(2 * SECOND)
    bench.host.endpoint = Endpoint(HOST, 0xA0000002, asks_time=True)
    bench.probe.endpoint.send(state(2))
    bench.run_until(4 * SECOND)
    bench.probe.endpoint.send(state(3))
    bench.run_until(5 * SECOND)
    assert len(bench.probe.connections) == 2
    told = [*bench.probe.connections[-1].lost, *bench.host.got]
    assert told.count(state(2)) == 1 and told.count(state(3)) == 1


def test_a_late_hello_of_an_earlier_session_opens_nothing() -> None:
    bench = connected()
    old = [
        frame(Packet(FORMS[Hello].id, encode(PROBE), 0xB0000001, to, 0, 0, WINDOW, numbered=False).encode())
        for to in (0, 0xA0000001)
    ]
    restart_probe(bench, 0xB0000002)
    bench.run_until(3 * SECOND)
    for each in old:
        bench.host.endpoint.received(each, bench.now_ns + BOOT_NS)
    bench.host.endpoint.send(grade(1))
    bench.run_until(5 * SECOND)
    assert len(bench.host.connections) == 2
    assert bench.probe.got == [grade(1)]


def test_a_late_command_of_an_earlier_session_is_not_executed() -> None:
    bench = connected()
    late = Packet(FORMS[Grade].id, encode(grade(9)), 0xA0000001, 0xB0000001, 0, 0, WINDOW, numbered=True)
    restart_probe(bench, 0xB0000002)
    bench.run_until(3 * SECOND)
    bench.probe.endpoint.received(frame(late.encode()), bench.now_ns)
    bench.run_until(4 * SECOND)
    assert bench.probe.got == []
    assert bench.probe.endpoint.counts.stale == 1


def test_many_restarts_leave_a_link_that_works() -> None:
    bench = connected()
    for number in range(3 * RETIRED):
        restart_probe(bench, 0xB0000002 + number)
        bench.run_until(bench.now_ns + SECOND)
        bench.host.endpoint.send(grade(number))
        bench.run_until(bench.now_ns + SECOND)
        assert bench.probe.got[-1] == grade(number)


def test_another_major_version_is_refused_and_nothing_of_it_is_believed() -> None:
    endpoint = Endpoint(HOST, 1)
    newer = Packet(FORMS[Hello].id, b"who knows", 5, 1, 0, 0, WINDOW, numbered=False, major=2)
    for at in range(20):
        endpoint.received(frame(newer.encode()), at * MS)
    said = [each for at in range(20) for each in packets(endpoint.poll(at * MS)) if each.message == FORMS[Refused].id]
    assert [each.payload for each in said] == [encode(Refused(1))]
    assert endpoint.events() == [Incompatible(2)]
    assert not endpoint.connected


def test_who_is_refused_is_told_and_does_not_refuse_back() -> None:
    endpoint = Endpoint(HOST, 1)
    refusal = Packet(FORMS[Refused].id, encode(Refused(3)), 5, 1, 0, 0, WINDOW, numbered=False, major=3)
    endpoint.received(frame(refusal.encode()), 0)
    assert endpoint.events() == [Incompatible(3)]
    assert not [each for each in packets(endpoint.poll(0)) if each.message == FORMS[Refused].id]


def test_a_newer_minor_version_works_and_what_it_adds_is_counted() -> None:
    bench = connected()
    new = Packet(0x0777, b"new", 0xB0000001, 0xA0000001, 0, 0, WINDOW, numbered=True, minor=9)
    longer = replace(new, message=FORMS[State].id, payload=encode(state(4)) + b"more", sequence=1)
    for each in (new, longer):
        bench.host.endpoint.received(frame(each.encode()), bench.now_ns + BOOT_NS)
    assert [each.message for each in bench.host.endpoint.events() if isinstance(each, Arrived)] == [state(4)]
    assert bench.host.endpoint.counts.unknown == 1
    assert packets(bench.host.endpoint.poll(bench.now_ns + BOOT_NS))[-1].acknowledged == 2


def test_no_more_is_on_the_way_than_the_other_side_has_room_for() -> None:
    bench = connected()
    small = Packet(0x0003, b"", 0xB0000001, 0xA0000001, 500, 0, 2, numbered=False)
    now_ns = bench.now_ns + BOOT_NS
    bench.host.endpoint.received(frame(small.encode()), now_ns)
    for number in range(10):
        bench.host.endpoint.send(grade(number))
    assert [each.sequence for each in packets(bench.host.endpoint.poll(now_ns)) if each.numbered] == [0, 1]
    bench.host.endpoint.received(frame(replace(small, sequence=501, acknowledged=2, window=0).encode()), now_ns + MS)
    assert not [each for each in packets(bench.host.endpoint.poll(now_ns + MS)) if each.numbered]
    bench.host.endpoint.received(frame(replace(small, sequence=502, acknowledged=2, window=1).encode()), now_ns + MS)
    assert [each.sequence for each in packets(bench.host.endpoint.poll(now_ns + MS)) if each.numbered] == [2]


def test_who_does_not_listen_closes_the_window() -> None:
    bench = connected()
    for number in range(WINDOW + 3):
        each = Packet(FORMS[State].id, encode(state(number)), 0xB0000001, 0xA0000001, number, 0, 1, numbered=True)
        bench.host.endpoint.received(frame(each.encode()), bench.now_ns + BOOT_NS)
    assert packets(bench.host.endpoint.poll(bench.now_ns + BOOT_NS))[0].window == 0
    bench.host.endpoint.events()
    bench.host.endpoint.received(frame(each.encode()), bench.now_ns + BOOT_NS)
    assert packets(bench.host.endpoint.poll(bench.now_ns + BOOT_NS))[0].window == WINDOW


def test_a_passing_message_that_comes_twice_or_late_is_dropped() -> None:
    bench = connected()
    first = Packet(FORMS[Log].id, encode(Log(1, "a")), 0xB0000001, 0xA0000001, 100, 0, 4, numbered=False)
    third = replace(first, sequence=102, payload=encode(Log(1, "c")))
    second = replace(first, sequence=101, payload=encode(Log(1, "b")))
    missed = bench.host.endpoint.counts.missed
    for each in (first, third, second, third):
        bench.host.endpoint.received(frame(each.encode()), bench.now_ns + BOOT_NS)
    lines = [each.message for each in bench.host.endpoint.events() if isinstance(each, Arrived)]
    assert lines == [Log(1, "a"), Log(1, "c")]
    assert bench.host.endpoint.counts.missed > missed


def test_sequences_go_round() -> None:
    bench = connected()
    count = 70_000
    for number in range(count):
        bench.host.endpoint.send(grade(number))
    bench.run_until(60 * SECOND)
    assert bench.probe.got == [grade(number) for number in range(count)]


@pytest.mark.parametrize("there_ms, back_ms", [(1, 1), (1, 40), (40, 1)])
def test_the_stated_error_of_the_time_holds(there_ms: int, back_ms: int) -> None:
    bench = Bench()
    bench.host.cable.delay_ns, bench.probe.cable.delay_ns = there_ms * MS, back_ms * MS
    bench.run_until(20 * SECOND)
    told = bench.host.endpoint.time.host_time(bench.now_ns // 1000)
    assert told
    assert abs(told.ns - (bench.now_ns + BOOT_NS)) <= told.error_ns
    assert told.error_ns <= (there_ms + back_ms) / 2 * MS + 3 * MS
    ticks = bench.host.endpoint.time.ticks_us(bench.now_ns + BOOT_NS)
    assert ticks is not None and abs(ticks * 1000 - bench.now_ns) <= told.error_ns


def test_the_best_answer_for_the_time_counts() -> None:
    bench = Bench(Faults(reorder=0.5))
    bench.run_until(20 * SECOND)
    told = bench.host.endpoint.time.host_time(bench.now_ns // 1000)
    assert told and abs(told.ns - (bench.now_ns + BOOT_NS)) <= told.error_ns < 6 * MS


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_no_bytes_bring_it_down(parts: list[bytes]) -> None:
    bench = connected()
    for each in parts:
        bench.host.endpoint.received(each, bench.now_ns + BOOT_NS)
    bench.host.endpoint.send(grade(1))
    bench.run_until(3 * SECOND)
    assert bench.probe.got == [grade(1)]


@given(
    message=st.sampled_from([form.id for form in FORMS.values()]) | st.integers(0, 0xFFFF),
    payload=st.binary(max_size=40),
    sender=st.sampled_from([0, 1, 0xA0000001, 0xB0000001]),
    receiver=st.sampled_from([0, 1, 0xA0000001, 0xB0000001]),
    sequence=st.integers(0, 0xFFFF),
    acknowledged=st.integers(0, 0xFFFF),
    numbered=st.booleans(),
    major=st.sampled_from([0, 1, 2, 15]),
)
def test_no_packet_of_a_stranger_brings_it_down(**of: int) -> None:
    bench = connected()
    packet = Packet(window=0, **of)  # type: ignore[arg-type]
    bench.host.endpoint.received(frame(packet.encode()), bench.now_ns + BOOT_NS)
    bench.host.endpoint.poll(bench.now_ns + BOOT_NS)
    bench.host.endpoint.due_ns()
    assert bench.host.endpoint.connected


@settings(deadline=None, max_examples=60)
@given(
    faults=st.builds(
        Faults,
        loss=st.floats(0, 0.4),
        corruption=st.floats(0, 0.2),
        duplication=st.floats(0, 0.4),
        reorder=st.floats(0, 0.4),
    ),
    restarts=st.lists(st.integers(1, 20), max_size=4, unique=True),
    seed=st.integers(0, 2**16),
)
def test_whatever_befalls_nothing_is_executed_twice_and_nothing_is_lost_untold(
    faults: Faults, restarts: list[int], seed: int
) -> None:
    bench = Bench(faults, seed)
    executed: list[Grade] = []
    sent = [grade(number) for number in range(100)]

    def reboot(number: int) -> None:
        executed.extend(each for each in bench.probe.got if isinstance(each, Grade))
        bench.probe.log.clear()
        restart_probe(bench, 0xB0000100 + number)

    for number, each in enumerate(sent):
        bench.at(number * 200 * MS, lambda each=each: bench.host.endpoint.send(each))
    for at in restarts:
        bench.at(at * SECOND, lambda at=at: reboot(at))
    bench.run_until(120 * SECOND)
    executed += [each for each in bench.probe.got if isinstance(each, Grade)]
    lost = [each for connection in bench.host.connections for each in connection.lost]
    assert executed == sorted(set(executed), key=executed.index), "one was executed twice"
    assert [each.ticks_us for each in executed] == sorted(each.ticks_us for each in executed)
    assert set(executed) | set(lost) == set(sent)
    if not restarts:
        assert executed == sent


@settings(deadline=None, max_examples=60)
@given(
    newest=st.lists(st.booleans(), min_size=1, max_size=100),
    every_ms=st.integers(1, 60),
    faults=st.builds(Faults, loss=st.floats(0, 0.4), duplication=st.floats(0, 0.4), reorder=st.floats(0, 0.4)),
    seed=st.integers(0, 2**16),
)
def test_what_may_be_overtaken_is_said_once_or_counted_and_the_rest_is_said_in_order(
    newest: list[bool], every_ms: int, faults: Faults, seed: int
) -> None:
    bench = Bench(faults, seed)
    overtaken = 0

    def send(number: int) -> None:
        nonlocal overtaken
        if newest[number]:
            overtaken += bench.host.endpoint.send_newest(grade(number))
        else:
            bench.host.endpoint.send(grade(number))

    for number in range(len(newest)):
        bench.at(SECOND + number * every_ms * MS, lambda number=number: send(number))
    bench.run_until(60 * SECOND)
    got = [each.ticks_us for each in bench.probe.got if isinstance(each, Grade)]
    assert got == sorted(set(got))
    assert [each for each in got if not newest[each]] == [each for each in range(len(newest)) if not newest[each]]
    assert [each for each in got if newest[each]][-1:] == [each for each in range(len(newest)) if newest[each]][-1:]
    assert len(got) + overtaken == len(newest)


def test_while_one_is_on_its_way_the_newest_waits() -> None:
    bench = connected()
    bench.run_until(2 * SECOND)
    bench.cut = True
    for number in range(20):  # less than a second: silence is not noticed
        bench.at(2 * SECOND + number * 33 * MS, lambda number=number: bench.host.endpoint.send_newest(grade(number)))
    bench.run_until(2 * SECOND + 700 * MS)
    assert not bench.host.endpoint.silent
    bench.cut = False
    bench.run_until(4 * SECOND)
    assert bench.probe.got == [grade(0), grade(19)]


def test_a_greeting_of_the_dead_does_not_keep_two_apart() -> None:
    host, probe = Endpoint(HOST, 0xA0000001), Endpoint(PROBE, 0xB0000001)
    probe.received(b"".join(host.poll(0)), 0)
    host.received(b"".join(probe.poll(0)), 0)
    assert host.connected and not probe.connected
    dead = Packet(FORMS[Hello].id, encode(HOST), 0xDEAD, 0, 0, 0, WINDOW, numbered=False)
    probe.received(frame(dead.encode()), 0)
    for at in range(0, 1000, 10):
        to_probe, to_host = host.poll(at * MS), probe.poll(at * MS)
        probe.received(b"".join(to_probe), at * MS)
        host.received(b"".join(to_host), at * MS)
    assert probe.connected and not probe.silent and not host.silent


def test_an_echo_is_nobody() -> None:
    endpoint = Endpoint(HOST, 0xA0000001)
    for at in range(0, 2000, 10):
        endpoint.received(b"".join(endpoint.poll(at * MS)), at * MS)
    assert not endpoint.connected
    assert endpoint.counts.stale == 20
