"""The probe of the link keeps every probe's promises, over a port with the cable's faults or without."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.findings import GRADES, UNGRADABLE, ClipGrade, Reason, Side
from edge.probe import Outcome, ProbeState, open_probe
from firmware_bridge.errors import PortError
from firmware_bridge.link.endpoint import Arrived, Connected, Endpoint, HeardAgain, Silent
from firmware_bridge.link.faults import Faults
from firmware_bridge.link.messages import (
    FORMS,
    UNKNOWN_U8,
    UNKNOWN_U16,
    ExamEnded,
    ExamStarted,
    Freeze,
    Grade,
    SideCode,
    State,
    decode,
    encode,
)
from firmware_bridge.link.probe import SIDES, LinkProbe, grade_of, open_serial, state_of
from firmware_bridge.link.reason_codes import REASON_CODES
from firmware_bridge.link.simulator import HELLO, SimulatedFirmware, SimulatedProbe
from tests.contracts.probe_contract import CLIP, ProbeContract, soon
from tests.firmware_bridge.link.simulated import simulated

MS = 1_000_000  # ns
REASONS = {code: reason for reason, code in REASON_CODES.items()}


class Hand:
    """The contract's firmware: the simulated one, which says no state before the test does."""

    def __init__(self, faults: Faults) -> None:
        self.firmware = SimulatedFirmware()
        self.simulated = SimulatedProbe(self.firmware, faults)
        self.simulated.cable.cut = True

    def say(self, state: ProbeState) -> None:
        said = State(
            ticks_us=0,
            freeze=Freeze.UNKNOWN if state.frozen is None else int(state.frozen),
            depth_tenths_mm=round(10 * (state.depth_mm or 0)),
            gain_percent=UNKNOWN_U8 if state.gain_percent is None else round(state.gain_percent),
            frequency_khz=round(1000 * (state.frequency_mhz or 0)),
            preset=UNKNOWN_U8 if state.preset is None else state.preset,
            body_mark=UNKNOWN_U8 if state.body_mark is None else state.body_mark,
            side=SIDES[state.side],
        )
        self.firmware.say(said)
        self.simulated.cable.cut = False

    def go_silent(self) -> None:
        self.simulated.cable.cut = True

    def come_back(self) -> None:
        self.simulated.cable.cut = False

    @property
    def outcomes(self) -> list[Outcome]:
        return [_outcome(each) for each in self.firmware.told if isinstance(each, Grade) and not each.whole_exam]

    @property
    def exams(self) -> list[Side | ClipGrade | None]:
        exams: list[Side | ClipGrade | None] = []
        counted = None
        for each in self.firmware.told:
            if isinstance(each, ExamStarted):
                exams.append(next(side for side, code in SIDES.items() if code == each.side))
            elif isinstance(each, ExamEnded):
                counted = each
            elif isinstance(each, Grade) and each.whole_exam and counted:
                heard = _outcome(each)
                confidence, csa = heard.confidence, heard.csa_mm2
                numbers = (counted.frames_graded, counted.frames_total)
                exams.append(ClipGrade(heard.grade, None, confidence, None, csa, None, *numbers, heard.reason))
        return exams


def _outcome(said: Grade) -> Outcome:
    return Outcome(
        timestamp_ns=said.ticks_us * 1000,
        grade=UNGRADABLE if said.reason else GRADES[said.grade],
        confidence=None if said.confidence_percent == UNKNOWN_U8 else said.confidence_percent / 100,
        csa_mm2=None if said.csa_hundredths_mm2 == UNKNOWN_U16 else said.csa_hundredths_mm2 / 100,
        reason=REASONS.get(said.reason),
    )


class Far:
    """The contract's firmware where it is a process of its own, as far as the hot path needs it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def go_silent(self) -> None:
        self._process.stdin.write("stall 60\n")
        self._process.stdin.flush()
        time.sleep(0.2)


class TestSerialProbe(ProbeContract):
    faults = Faults()

    @pytest.fixture
    def ends(self) -> Iterator[tuple]:
        hand = Hand(self.faults)
        probe = open_serial(hand.simulated.place)
        yield probe, hand
        probe.close()
        hand.simulated.close()

    @pytest.mark.parametrize("silent", [False, True])
    def test_the_hot_path_waits_for_nobody(self, silent: bool, tmp_path: Path) -> None:
        """The firmware is a process, as it is a computer of its own: it takes no turns of our threads. Other work on
        this machine does: one good run of three is enough."""
        with simulated(tmp_path / "tty", *self.words, stdout=subprocess.DEVNULL) as process:
            probe = open_serial(str(tmp_path / "tty"))
            assert soon(lambda: probe.state_at(time.monotonic_ns()))
            for left in (2, 1, 0):
                with nullcontext() if left == 0 else suppress(AssertionError):
                    super().test_the_hot_path_waits_for_nobody((probe, Far(process)), silent)
                    break
            probe.close()

    words: tuple[str, ...] = ()


class TestSerialProbeOverABadCable(TestSerialProbe):
    faults = Faults(loss=0.1, corruption=0.01, duplication=0.05, reorder=0.05)
    words = ("--loss=0.1", "--corruption=0.01", "--duplication=0.05", "--reorder=0.05")


class Told:
    """A probe whose link is the test: what befalls it, and how far the two clocks are apart."""

    def __init__(self, ahead_ns: int | None, error_ns: int = 2 * MS) -> None:
        self.probe = LinkProbe(lambda hello, listen: setattr(self, "listen", listen))
        self.rules = Endpoint(HELLO, 1, asks_time=True)
        self.ahead_ns, self.now_ns = ahead_ns, time.monotonic_ns()
        if ahead_ns is not None:
            asked_ns = self.now_ns - 2 * error_ns
            self.rules.time.asked(asked_ns)
            there_us = (asked_ns + error_ns - ahead_ns) // 1000
            self.rules.time.told(asked_ns, there_us, there_us, self.now_ns)
        self.listen(Connected(HELLO), self.rules)

    def says(self, freeze: int, at_ns: int, came_ns: int | None = None) -> None:
        ticks_us = (at_ns - (self.ahead_ns or 0)) // 1000
        self.listen(Arrived(State(ticks_us, freeze, 400, 50, 0, 0, 0, 0), came_ns or at_ns + 20 * MS), self.rules)

    def frozen_at(self, ns: int) -> bool | None:
        state = self.probe.state_at(ns)
        return state and state.frozen


def test_a_frame_in_the_doubt_between_two_clocks_counts_as_frozen() -> None:
    told = Told(ahead_ns=-5_000_000_000, error_ns=2 * MS)
    t0 = time.monotonic_ns() + 1000 * MS
    told.says(Freeze.LIVE, t0 - 500 * MS)
    told.says(Freeze.FROZEN, t0)
    told.says(Freeze.LIVE, t0 + 100 * MS)
    assert told.frozen_at(t0 - 3 * MS) is False
    assert told.frozen_at(t0 - 1 * MS) is True
    assert told.frozen_at(t0 + 101 * MS) is True
    assert told.frozen_at(t0 + 104 * MS) is False


def test_before_the_time_there_is_known_a_state_holds_from_when_it_came() -> None:
    told = Told(ahead_ns=None)
    came_ns = time.monotonic_ns() + 10 * MS
    told.says(Freeze.FROZEN, 0, came_ns)
    assert told.frozen_at(came_ns - 1) is None
    assert told.frozen_at(came_ns) is True


@pytest.mark.parametrize("off_ns", [-3600_000_000_000, 3600_000_000_000])
def test_ticks_that_cannot_be_rewrite_nothing(off_ns: int) -> None:
    told = Told(ahead_ns=-5_000_000_000)
    before = time.monotonic_ns() - 1
    t0 = before + 1000 * MS
    told.says(Freeze.FROZEN, t0)
    told.says(Freeze.LIVE, t0 + off_ns, came_ns=t0 + 50 * MS)
    assert told.frozen_at(before) is None
    assert told.frozen_at(t0 - 10 * MS) is None
    assert told.frozen_at(t0 + 50 * MS) is False


def test_after_silence_the_last_word_waits_for_what_is_owed() -> None:
    told = Told(ahead_ns=0)
    told.says(Freeze.LIVE, time.monotonic_ns())
    told.listen(Silent(), told.rules)
    assert told.frozen_at(time.monotonic_ns() + MS) is None
    told.listen(HeardAgain(), told.rules)
    assert told.frozen_at(time.monotonic_ns() + 500 * MS) is None
    assert told.frozen_at(time.monotonic_ns() + 1001 * MS) is False
    frozen_ns = time.monotonic_ns()
    told.says(Freeze.FROZEN, frozen_ns)
    assert told.frozen_at(frozen_ns + 2000 * MS) is True


def test_what_another_session_said_is_not_believed() -> None:
    told = Told(ahead_ns=0)
    told.says(Freeze.LIVE, time.monotonic_ns())
    told.listen(Connected(replace(HELLO, minor=9)), told.rules)
    assert told.probe.name == ("simulated probe", "1.9.0")
    told.listen(HeardAgain(), told.rules)
    assert told.frozen_at(time.monotonic_ns() + 2000 * MS) is None


def test_of_grades_that_wait_the_newest_is_said() -> None:
    firmware = SimulatedFirmware()
    port = SimulatedProbe(firmware)
    port.cable.cut = True
    probe = open_serial(port.place)
    for number in range(100):
        probe.tell(Outcome(time.monotonic_ns(), "mild", number / 100, None, None))
    port.cable.cut = False
    assert soon(lambda: firmware.told)
    time.sleep(0.2)
    assert [each.confidence_percent for each in firmware.told] == [99]
    assert probe.left_out == 99
    probe.close()
    port.close()


def test_after_a_stall_the_hand_is_not_told_what_is_old() -> None:
    firmware = SimulatedFirmware()
    with closing(SimulatedProbe(firmware)) as port:
        probe = open_serial(port.place)
        assert soon(lambda: probe.state_at(time.monotonic_ns()))
        firmware.stall(0.6)
        time.sleep(0.05)
        for number in range(12):
            probe.tell(Outcome(time.monotonic_ns(), "mild", number / 100, None, None))
            time.sleep(0.03)
        assert firmware.told == []
        assert soon(lambda: firmware.told and firmware.told[-1].confidence_percent == 11)
        assert [each.confidence_percent for each in firmware.told] == [0, 11]
        assert probe.left_out == 10
        probe.close()


def test_a_frames_grade_overtakes_no_exams_grade() -> None:
    firmware = SimulatedFirmware()
    with closing(SimulatedProbe(firmware)) as port:
        probe = open_serial(port.place)
        assert soon(lambda: probe.name)
        port.cable.cut = True
        assert soon(lambda: probe.events()[-1].state == "silent")
        probe.ended(CLIP)
        for _ in range(3):
            probe.tell(Outcome(time.monotonic_ns(), "mild", 0.5, None, None))
        port.cable.cut = False
        assert soon(lambda: len(firmware.told) == 3)
        time.sleep(0.1)
        assert [getattr(each, "whole_exam", None) for each in firmware.told] == [None, 1, 0]
        assert probe.left_out == 2
        probe.close()


WHOLE = {"B": st.integers(0, 255), "H": st.integers(0, 65535), "Q": st.integers(0, 2**64 - 1)}


@given(st.tuples(*(WHOLE[wire.code] for _, wire in FORMS[State].wires)))
def test_of_a_state_only_what_can_be_is_believed(fields: tuple[int, ...]) -> None:
    said = State(*fields)
    state = state_of(said)
    assert state.depth_mm is None or state.depth_mm == said.depth_tenths_mm / 10
    assert (state.frozen is None) == (said.freeze not in (0, 1))
    assert (state.gain_percent is None) == (said.gain_percent > 100)


@given(
    st.sampled_from((*GRADES, UNGRADABLE)),
    st.none() | st.floats(0, 1),
    st.none() | st.floats(0, 1e6),
    st.sampled_from(Reason),
)
def test_every_outcome_fits_the_wire(
    grade: str, confidence: float | None, csa_mm2: float | None, reason: Reason
) -> None:
    graded = grade != UNGRADABLE
    said = grade_of(7, Outcome(7000, grade, confidence if graded else None, csa_mm2, None if graded else reason))
    heard = decode(FORMS[Grade].id, encode(said))
    assert heard == said
    assert (said.reason == 0) == graded
    assert said.reason != UNKNOWN_U8  # each has its code


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("/dev/ttyNONE", "there is no such port"),
        ("/dev/ttyNONE?speed=1", "there is no option 'speed', only wait, baud"),
        ("/dev/ttyNONE?baud=fast", "baud=fast: give one like 921600"),
        ("", "no place: name a port"),
        ("/dev/ttyNONE?wait=1&baud=12345", "/dev/ttyNONE: no serial port has 12345 baud: give a standard rate"),
    ],
)
def test_what_is_no_probe_is_told(rest: str, said: str) -> None:
    with pytest.raises(PortError, match=re.escape(said)):
        open_probe(f"serial:{rest}")


def test_a_probe_that_restarts_amid_an_exam_is_told_that_one_goes_on(tmp_path: Path) -> None:
    firmware = SimulatedFirmware()
    with closing(SimulatedProbe(firmware, link=tmp_path / "tty")), closing(firmware):
        probe = open_serial(str(tmp_path / "tty"))
        probe.started("left")
        assert soon(lambda: firmware.told == [ExamStarted(SideCode.LEFT)])
        assert soon(lambda: probe._exam_told)
        firmware.reboot()
        assert soon(lambda: firmware.told == 2 * [ExamStarted(SideCode.LEFT)])
        probe.ended(CLIP)
        assert soon(lambda: any(isinstance(each, ExamEnded) for each in firmware.told))
        firmware.reboot()
        time.sleep(0.5)
        assert firmware.told.count(ExamStarted(SideCode.LEFT)) == 2
        probe.close()
