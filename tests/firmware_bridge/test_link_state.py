"""The rules of a capture device against a simulated one: what befalls it is seen in one second and mended in five."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.hdmi import Link, LinkStatus
from firmware_bridge.link_state import BACK_OFF_NS, SECOND_NS, Action, LinkRules, State
from firmware_bridge.timing import Timing

MS = 1_000_000
FRAME_NS = SECOND_NS // 60


def timing(width: int, height: int) -> Timing:
    return Timing(width, height, False, 148_500, 88, 44, width + 280, 4, 5, height + 45, True, True)


FULL_HD, HD = timing(1920, 1080), timing(1280, 720)


@dataclass
class World:
    """A receiver and its source, on a clock of its own; what is wrong with it is set from outside."""

    told: bool = True  # a source change comes as an event
    now_ns: int = 0
    present: bool = True
    status: LinkStatus = field(default_factory=lambda: LinkStatus(Link.LOCKED, FULL_HD))
    stalled: bool = False
    damaged: bool = False
    breaks: bool = False  # the stream, once
    event: bool = False
    open: bool = False
    streaming: bool = False
    timing: Timing | None = None  # of the stream
    next_ns: int = 0
    used: list[tuple[int, bool]] = field(default_factory=list)  # when a frame was used, and whether it should have been

    def arrives(self, status: LinkStatus) -> None:
        self.event = self.event or (self.told and status != self.status)
        self.status = status

    @property
    def good(self) -> bool:
        """Whether a frame that comes now is one."""
        return self.status.link in (Link.LOCKED, Link.UNTOLD) and self.timing == self.status.timing

    def run(self, rules: LinkRules, seconds: float) -> None:
        end_ns = self.now_ns + round(seconds * SECOND_NS)
        while self.now_ns < end_ns:
            self.now_ns += MS // 10
            self._step(rules, end_ns)

    def _step(self, rules: LinkRules, end_ns: int) -> None:
        action = rules.action(self.now_ns)
        if not self.present and self.open:
            self.open = self.streaming = False
            rules.lost(self.now_ns, "unplugged")
        elif action is Action.OPEN:
            if self.present:
                self.open, self.event = True, False
                rules.opened(self.now_ns)
            else:
                rules.lost(self.now_ns, "not there")
        elif action is Action.QUERY:
            self.now_ns += 3 * MS
            rules.linked(self.status, self.now_ns)
        elif action is Action.START:
            self.now_ns += 20 * MS
            self.streaming, self.timing, self.next_ns = True, rules.timing, self.now_ns + FRAME_NS
            rules.started(self.now_ns)
        elif action is Action.CLOSE:
            self.open = self.streaming = False
            rules.closed(self.now_ns)
        else:
            assert rules.due_ns() >= self.now_ns, "it would spin"
            self._wait(rules, max(self.now_ns, min(end_ns, rules.due_ns())))

    def _wait(self, rules: LinkRules, until_ns: int) -> None:
        if self.open and self.event:
            self.event = False
            rules.changed(self.now_ns)
        elif self.open and self.streaming and self.breaks:
            self.breaks = False
            rules.broken(self.now_ns, "EIO")
        elif self.open and self.streaming and not self.stalled and self.next_ns <= until_ns:
            self.now_ns = max(self.now_ns, self.next_ns)
            self.next_ns += FRAME_NS
            if rules.frame(self.now_ns, whole=not self.damaged):
                self.used.append((self.now_ns, self.good))
        else:
            self.now_ns = until_ns


def live(world: World, rules: LinkRules) -> None:
    world.run(rules, 6.0)
    assert rules.state is State.LIVE
    world.used.clear()


def unplug_cable(world: World) -> None:
    world.arrives(LinkStatus(Link.NO_SIGNAL))


def lose_lock(world: World) -> None:
    world.arrives(LinkStatus(Link.NO_LOCK))


def leave_range(world: World) -> None:
    world.arrives(LinkStatus(Link.OUT_OF_RANGE))


def change_mode(world: World) -> None:
    world.arrives(LinkStatus(Link.LOCKED, HD if world.status.timing == FULL_HD else FULL_HD))


def stall(world: World) -> None:
    world.stalled = True


def damage(world: World) -> None:
    world.damaged = True


def break_stream(world: World) -> None:
    world.breaks = True


def disconnect(world: World) -> None:
    world.present = False


FAULTS = (unplug_cable, lose_lock, leave_range, change_mode, stall, damage, break_stream, disconnect)


def mend(world: World) -> None:
    world.stalled = world.damaged = False
    world.present = True
    if world.status.link is not Link.LOCKED:
        world.arrives(LinkStatus(Link.LOCKED, HD))


@pytest.mark.parametrize("told", [True, False], ids=["told by events", "only asked"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen_within_a_second_and_mended_within_five(fault, told):
    world, rules = World(told), LinkRules(0)
    live(world, rules)
    began_ns = world.now_ns
    fault(world)
    world.run(rules, 1.0)
    said = [each for each in rules.transitions if each.at_ns >= began_ns]
    assert said and said[0].state is not State.LIVE
    if told:
        assert all(good for _, good in world.used)
    assert all(good for at_ns, good in world.used if at_ns > began_ns + 0.6 * SECOND_NS)
    world.run(rules, 10.0)
    mend(world)
    world.run(rules, 5.0)
    assert rules.state is State.LIVE


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(FAULTS), st.floats(0.0, 3.0), st.floats(0.0, 3.0)), max_size=12))
def test_whatever_happens_in_whatever_order_no_bad_frame_is_used_and_it_comes_back(faults):
    world, rules = World(), LinkRules(0)
    for fault, bad_s, good_s in faults:
        fault(world)
        world.run(rules, bad_s)
        mend(world)
        world.run(rules, good_s)
    world.run(rules, 5.0)
    assert rules.state is State.LIVE
    assert all(good for _, good in world.used)
    assert world.used[-1][0] > world.now_ns - SECOND_NS // 10


def test_a_device_that_never_comes_is_tried_ever_more_rarely():
    world, rules = World(present=False), LinkRules(0)
    tries = []
    for _ in range(4000):
        if rules.action(world.now_ns) is Action.OPEN:
            tries.append(world.now_ns)
        world._step(rules, world.now_ns + 10 * MS)
        world.now_ns += 5 * MS
    gaps = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert gaps[0] == pytest.approx(BACK_OFF_NS[0], rel=0.1)
    assert max(gaps) == pytest.approx(BACK_OFF_NS[1], rel=0.1)
    assert len(rules.transitions) == 2


def test_a_stream_without_frames_is_restarted_a_few_times_and_then_opened_anew():
    world, rules = World(stalled=True), LinkRules(0)
    world.run(rules, 8.0)
    assert any("opened anew" in each.why for each in rules.transitions)
    assert not world.used


def test_frames_of_a_device_that_tells_nothing_are_used():
    """A USB grabber has no timing to ask for: what it shows is judged from the picture."""
    world, rules = World(status=LinkStatus(Link.UNTOLD)), LinkRules(0)
    world.run(rules, 2.0)
    assert rules.state is State.LIVE
    assert len(world.used) > 80


def test_what_is_told_is_what_changed():
    world, rules = World(), LinkRules(0)
    world.run(rules, 3.0)
    assert [each.state for each in rules.transitions] == [
        State.ABSENT,
        State.NO_SIGNAL,
        State.LOCKING,
        State.LIVE,
    ]
    world.run(rules, 30.0)
    assert len(rules.transitions) == 4


def test_what_there_is_to_tell_of_a_start_is_told_before_it_is_live():
    rules = LinkRules(0)
    rules.opened(1)
    rules.linked(LinkStatus(Link.UNTOLD), 2)
    rules.started(3, "the driver gives 30 frames a second, as asked for")
    for now_ns in (4, 5):
        rules.frame(now_ns, whole=True)
    said = [(each.state, each.why) for each in rules.transitions]
    assert said[-2:] == [
        (State.LOCKING, "the driver gives 30 frames a second, as asked for"),
        (State.LIVE, "frames come"),
    ]
