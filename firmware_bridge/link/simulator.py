"""A probe that is not there: firmware that speaks the protocol over a pseudo-terminal, with a cable as bad as is asked.

    the host's port        a pseudo-terminal; `plug_out` takes it away, `plug_in` brings another
    bad_cable              what becomes of the frames on the way
    SimulatedFirmware      a `Link` from the other side: says its state, is told grades, restarts

It may stand in for a probe in a demonstration and in a test. A maker's firmware is tried against `c/` instead.
"""

from __future__ import annotations

import os
import threading
import time
import tty
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from firmware_bridge.errors import PortError
from firmware_bridge.link.bad_cable import BadCable
from firmware_bridge.link.endpoint import Arrived, Connected, Endpoint, Silent
from firmware_bridge.link.faults import Faults
from firmware_bridge.link.framing import frame
from firmware_bridge.link.messages import (
    Action,
    Button,
    ButtonEvent,
    Capability,
    ExamEnded,
    ExamStarted,
    Freeze,
    Grade,
    Hello,
    Message,
    Power,
    SideCode,
    State,
)
from firmware_bridge.link.running import Event, Link
from firmware_bridge.link.wire import loopback

HELLO = Hello(
    max_payload=256,
    capabilities=Capability.FREEZE | Capability.DEPTH | Capability.BUTTONS | Capability.BATTERY | Capability.RESULT_LED,
    board=1,
    major=1,
    minor=0,
    patch=0,
    name="simulated probe",
)
BOOT_S = 0.3  # from power to the first word
DARK_S = 1.0  # that a brown-out lasts
TOLD = (Grade, ExamStarted, ExamEnded)
REMEMBERED = 10_000  # messages

Heard = Message | Connected | Silent


class SimulatedFirmware:
    """What a probe's microcontroller does, at one end of a wire. Call it from one thread."""

    def __init__(self, hear: Callable[[Heard], None] = lambda heard: None, hello: Hello = HELLO) -> None:
        """`hear` is called with what it is told, in its link's thread."""
        self.hello, self._hear = hello, hear
        self.told: list[Message] = []  # numbered commands, in the order in which they were executed
        # How deep the picture is that somebody plays beside it, it cannot know before it is told.
        self.state = State(0, Freeze.LIVE, 0, 50, 12_000, 0, 0, SideCode.NOT_SAID)
        self.power = Power(80, 0, 312)
        self._near, self._far = loopback()
        self._boot()

    @property
    def wire_fd(self) -> int:
        """The other end of its wire."""
        return self._far.fd

    def forget_unread(self) -> None:
        """What it said while nothing was plugged in is lost."""
        while self._far.read():
            pass

    def say(self, message: Message) -> None:
        """Says something; a state and a power are kept and said anew in each session."""
        if isinstance(message, State):
            self.state = message = replace(message, ticks_us=self._ticks_us())
        elif isinstance(message, Power):
            self.power = message
        self._link.send(message)

    def press(self, button: Button) -> None:
        """Presses a button and lets it go."""
        for action in (Action.PRESSED, Action.RELEASED):
            self.say(ButtonEvent(self._ticks_us(), button, action))

    def reboot(self) -> None:
        """Starts anew: another session, ticks from 0, what it owed is forgotten."""
        self._die()
        time.sleep(BOOT_S)
        self._boot()

    def brown_out(self) -> None:
        """Dies amid a frame, and is dark for a moment."""
        self._die()
        whole = frame(bytes(40))
        with suppress(PortError):
            self._near.write(whole[: len(whole) // 2])
        time.sleep(DARK_S)
        self._boot()

    def stall(self, seconds: float) -> None:
        """Reads and writes nothing for so long, then goes on."""
        awake = self._awake

        def hang(_: Endpoint) -> None:
            if awake.wait(seconds):
                raise PortError("the power went: what had come was not executed")

        self._link.do(hang)

    def close(self) -> None:
        """Ends."""
        self._die()
        self._near.close()
        self._far.close()

    def _boot(self) -> None:
        self._awake = threading.Event()  # set: whatever stalls goes on
        self._boot_ns = time.monotonic_ns()
        self.state = replace(self.state, ticks_us=0)
        near = replace(self._near, close=lambda: None)  # the wire outlives a session
        self._link = Link(lambda: near, self.hello, self._listen, clock=self._clock)

    def _die(self) -> None:
        self._awake.set()
        self._link.close(0)

    def _clock(self) -> int:
        return time.monotonic_ns() - self._boot_ns

    def _ticks_us(self) -> int:
        return self._clock() // 1000

    def _listen(self, event: Event, rules: Endpoint) -> None:
        if isinstance(event, Connected):
            rules.send(self.state)
            rules.send(self.power)
        if isinstance(event, Connected | Silent):
            self._hear(event)
        elif isinstance(event, Arrived) and isinstance(event.message, TOLD):
            self.told.append(event.message)
            del self.told[:-REMEMBERED]
            self._hear(event.message)


class SimulatedProbe:
    """The firmware with its cable, and a port for the host to open: `place`, and `link` where a name is asked for."""

    def __init__(
        self,
        firmware: SimulatedFirmware,
        faults: Faults = Faults(),  # noqa: B008  it is frozen
        *,
        link: Path | None = None,
        bytes_per_s: float | None = None,
    ) -> None:
        """`link`: a symbolic link to be kept pointing at the port.

        Raises:
            PortError: `link` cannot be made.
        """
        self.firmware, self._faults, self._link, self._bytes_per_s = firmware, faults, link, bytes_per_s
        self._ends: tuple[int, int] | None = None
        self._linked = False  # by us: nobody else's link is taken away
        self.plug_in()

    @property
    def place(self) -> str:
        """The port that a host is to open; with `link` it is that, also while nothing is plugged in."""
        if self._link:
            return str(self._link)
        return os.ttyname(self._ends[1]) if self._ends else "unplugged"

    @property
    def cable(self) -> BadCable:
        """The cable that is plugged in."""
        return self._cable

    def plug_in(self) -> None:
        """A new port; where one is plugged in it is taken out first."""
        self.plug_out()
        self.firmware.forget_unread()
        ours, theirs = os.openpty()
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        self._ends = ours, theirs  # theirs is kept open, or ours would be hung up whenever no host is there
        self._cable = BadCable(ours, self.firmware.wire_fd, self._faults, bytes_per_s=self._bytes_per_s)
        if self._link:
            try:
                if self._link.is_symlink() and not self._link.exists():  # of a simulator that was killed
                    self._link.unlink()
                self._link.symlink_to(os.ttyname(theirs))
                self._linked = True
            except OSError as error:
                self.plug_out()
                raise PortError(f"{self._link}: the link cannot be made: {error.strerror}") from error

    def plug_out(self) -> None:
        """The host's port is gone."""
        if self._ends is None:
            return
        ends, self._ends = self._ends, None
        self._cable.close()
        if self._link and self._linked:
            self._link.unlink(missing_ok=True)
            self._linked = False
        for each in ends:
            os.close(each)

    def close(self) -> None:
        """Ends the firmware too."""
        self.plug_out()
        self.firmware.close()
