"""What every probe promises (`edge.probe.Probe`), checked once, inherited by each link's test."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import pytest

from edge.findings import UNGRADABLE, ClipGrade, Reason, Side
from edge.probe import Outcome, Probe, ProbeState

SOON_S = 3.0  # anything that was said is known, and silence is noticed
WAITED_MS = 2.0  # p99 of a frame: who waits for a port waits longer. A report's `link_p99_ms` is the figure

LIVE = ProbeState(frozen=False, depth_mm=38.5, gain_percent=60, frequency_mhz=12.5, preset=3, body_mark=4, side="left")
CLIP = ClipGrade(
    grade="mild",
    probabilities=(0.25, 0.5, 0.25, 0.0),
    confidence=0.5,
    cts_probability=0.75,
    csa_mm2=11.5,
    ap_diameter_mm=None,
    frames_graded=7,
    frames_total=9,
    reason=None,
)


class Firmware(Protocol):
    """The probe's own end, moved by the test."""

    def say(self, state: ProbeState) -> None:
        """Is so set from now on, and says so."""

    def go_silent(self) -> None:
        """Its cable is out, or it hangs."""

    def come_back(self) -> None:
        """It is there again, set as before."""

    @property
    def outcomes(self) -> list[Outcome]:
        """What it was told of frames, in the order that it was handed them; their times as far as it knows them."""

    @property
    def exams(self) -> list[Side | ClipGrade | None]:
        """The side of each exam that began, and the grade of each that ended, as far as the wire carries it."""


Ends = tuple[Probe, Firmware]


def soon(condition: Callable[[], object]) -> bool:
    """Whether it comes true in time."""
    until = time.monotonic() + SOON_S
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.001)
    return True


def outcome(number: int) -> Outcome:
    """The `number`th of several that can be told from one another."""
    if number % 5 == 4:
        return Outcome(time.monotonic_ns(), UNGRADABLE, None, None, Reason.NO_CONTACT)
    return Outcome(time.monotonic_ns(), "moderate", 0.75, 10.0 + number / 4, None)


class ProbeContract:
    """Subclass it as `TestSomething` and override `ends`."""

    @pytest.fixture
    def ends(self) -> Ends:
        """A probe whose firmware has said nothing yet, and that firmware; closed after the test."""
        raise NotImplementedError

    @pytest.fixture
    def live(self, ends: Ends) -> Ends:
        """The same once it has said how it is set."""
        probe, firmware = ends
        firmware.say(LIVE)
        assert soon(lambda: probe.state_at(time.monotonic_ns()) is not None)
        return probe, firmware

    def test_before_it_speaks_nothing_is_known(self, ends: Ends) -> None:
        probe, _ = ends
        assert isinstance(probe, Probe)
        assert probe.state_at(time.monotonic_ns()) is None

    def test_what_it_says_is_known_with_who_says_so(self, live: Ends) -> None:
        probe, _ = live
        assert probe.state_at(time.monotonic_ns()) == LIVE
        assert probe.name is not None and probe.name.name and probe.name.firmware[0].isdigit()
        assert "live" in [event.state for event in probe.events()]

    def test_a_frame_is_told_how_it_was_at_its_capture(self, live: Ends) -> None:
        probe, firmware = live
        before_ns = time.monotonic_ns()
        time.sleep(0.05)  # more than two clocks are apart
        firmware.say(replace(LIVE, frozen=True))
        assert soon(lambda: (said := probe.state_at(time.monotonic_ns())) and said.frozen)
        assert probe.state_at(before_ns) == LIVE

    def test_silence_is_noticed_told_and_over_when_it_speaks_again(self, live: Ends) -> None:
        probe, firmware = live
        firmware.go_silent()
        assert soon(lambda: probe.state_at(time.monotonic_ns()) is None)
        assert probe.events()[-1].state != "live" and probe.events()[-1].why
        firmware.come_back()
        assert soon(lambda: probe.state_at(time.monotonic_ns()) == LIVE)
        assert soon(lambda: probe.events()[-1].state == "live")
        stamps = [event.timestamp_ns for event in probe.events()]
        assert stamps == sorted(stamps) and stamps[-1] <= time.monotonic_ns()

    def test_grades_reach_the_hand_in_order(self, live: Ends) -> None:
        probe, firmware = live
        told = [outcome(number) for number in range(20)]
        for each in told:
            probe.tell(each)
            assert soon(lambda each=each: firmware.outcomes and _alike(firmware.outcomes[-1], each))
        assert len(firmware.outcomes) == len(told)
        assert all(_alike(heard, each) for heard, each in zip(firmware.outcomes, told, strict=True))

    def test_an_exam_begins_and_ends_there_too(self, live: Ends) -> None:
        probe, firmware = live
        probe.started("right")
        probe.tell(outcome(0))
        assert soon(lambda: firmware.outcomes)
        assert probe.ended(CLIP) is True
        assert soon(lambda: len(firmware.exams) == 2)
        side, clip = firmware.exams
        assert side == "right"
        assert isinstance(clip, ClipGrade)
        assert (clip.grade, clip.frames_graded, clip.frames_total) == ("mild", 7, 9)

    def test_that_an_exams_grade_did_not_arrive_is_told_soon(self, live: Ends) -> None:
        probe, firmware = live
        probe.started(None)
        firmware.go_silent()
        began = time.monotonic()
        assert probe.ended(CLIP) is False
        assert time.monotonic() - began <= 1.5

    @pytest.mark.parametrize("silent", [False, True])
    def test_the_hot_path_waits_for_nobody(self, live: Ends, silent: bool) -> None:
        probe, firmware = live
        if silent:
            firmware.go_silent()
        taken_ns = []
        for number in range(1000):
            each, began_ns = outcome(number), time.perf_counter_ns()
            probe.state_at(each.timestamp_ns)
            probe.tell(each)
            taken_ns.append(time.perf_counter_ns() - began_ns)
            time.sleep(0.0002)
        assert sorted(taken_ns)[989] <= WAITED_MS * 1e6

    def test_after_close_nothing_is_said_and_nothing_raised(self, live: Ends) -> None:
        probe, _ = live
        began = time.monotonic()
        probe.close()
        probe.close()
        assert time.monotonic() - began <= 1.0
        probe.tell(outcome(0))
        probe.started(None)
        assert probe.ended(CLIP) is False
        assert probe.state_at(time.monotonic_ns()) is None
        assert isinstance(probe.events(), tuple)


def _alike(heard: Outcome, told: Outcome) -> bool:
    """Whether it was heard as precisely as a wire says it: a hundredth of a mm², a per cent."""
    return (
        (heard.grade, heard.reason) == (told.grade, told.reason)
        and heard.confidence == pytest.approx(told.confidence, abs=0.0051)
        and heard.csa_mm2 == pytest.approx(told.csa_mm2, abs=0.0051)
    )
