"""A link over a true USB serial port, unplugged and plugged in again: the kernel's CDC-ACM driver, and its gadget."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from edge.bundle import Bundle, packaged_bundle
from edge.commands.exam import examine
from edge.findings import Reason
from edge.frame import Frame
from edge.pipeline import Options
from edge.report import Exam
from firmware_bridge.link.bad_cable import BadCable
from firmware_bridge.link.endpoint import Connected, HeardAgain
from firmware_bridge.link.messages import ExamStarted, Grade, State
from firmware_bridge.link.probe import LinkProbe
from firmware_bridge.link.running import Absent, Opened
from firmware_bridge.link.serial_link import SerialLink, open_port
from firmware_bridge.link.simulator import SimulatedFirmware
from firmware_bridge.link.wire import Wire
from firmware_bridge.usb_path import INTERFACE
from tests.contracts.probe_contract import soon
from tests.firmware_bridge.link.test_link import Host
from tests.vm.sweep import read_sweep

RECONNECTS_S = 3.0
GADGET = Path("/dev/ttyGS0")


def ports() -> list[Path]:
    return sorted(Path("/dev").glob("ttyACM*"))


class Usb:
    """The probe's firmware behind the gadget's port: it has its own battery, and lives on while unplugged."""

    def __init__(self) -> None:
        self.firmware = SimulatedFirmware()
        self._wire: Wire | None = None
        subprocess.run(["modprobe", "-a", "cdc_acm", "dummy_hcd"], check=True)
        self.plug()

    def plug(self) -> None:
        subprocess.run(["modprobe", "g_serial"], check=True)
        assert soon(lambda: GADGET.exists() and ports())
        self._wire = open_port(str(GADGET))
        self.firmware.forget_unread()
        self._cable = BadCable(self._wire.fd, self.firmware.wire_fd)

    def unplug(self) -> None:
        if self._wire is None:
            return
        self._cable.close()
        self._wire.close()
        self._wire = None
        subprocess.run(["rmmod", "g_serial"], check=True)

    @property
    def socket(self) -> str:
        """Where it is plugged in, as a user names it."""
        at = [part for part in Path("/sys/class/tty", ports()[-1].name).resolve().parts if INTERFACE.fullmatch(part)]
        return f"usb-{at[-1].partition(':')[0]}"

    def close(self) -> None:
        self.unplug()
        self.firmware.close()


@pytest.fixture
def usb() -> Iterator[Usb]:
    usb = Usb()
    yield usb
    usb.close()


def grade(number: int) -> Grade:
    return Grade(number, 0, 1, 90, 0, 1234)


def test_plugged_in_again_it_goes_on_at_the_new_node(usb: Usb) -> None:
    place, first = usb.socket, ports()
    host = Host(lambda hello, listen: SerialLink(place, hello, listen))
    assert soon(lambda: host.got(State))
    host.link.send(grade(0))
    assert soon(lambda: usb.firmware.told == [grade(0)])
    holder = os.open(first[0], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)  # someone else keeps the old node
    usb.unplug()
    assert soon(lambda: host.befell(Absent))
    host.link.send(grade(1))
    time.sleep(1.5)
    began = time.monotonic()
    usb.plug()
    assert soon(lambda: host.befell(HeardAgain))
    taken_s = time.monotonic() - began
    assert soon(lambda: len(usb.firmware.told) > 1)
    print(f"{place}: {first[0]} -> {host.befell(Opened)[-1]}, heard again {taken_s:.2f} s after it was plugged in")
    assert ports() != first
    assert str(ports()[-1]) in host.befell(Opened)[-1].name
    assert taken_s < RECONNECTS_S
    assert usb.firmware.told == [grade(0), grade(1)]
    assert len(host.befell(Connected)) == 1
    os.close(holder)
    host.link.close()


def test_a_probe_that_lost_its_power_with_the_plug_is_told_as_another(usb: Usb) -> None:
    host = Host(lambda hello, listen: SerialLink(usb.socket, hello, listen))
    assert soon(lambda: host.got(State))
    usb.firmware.stall(60)
    time.sleep(0.2)
    host.link.send(grade(0))
    time.sleep(0.5)
    usb.unplug()
    usb.firmware.reboot()
    host.link.send(grade(1))
    time.sleep(0.5)
    usb.plug()
    assert soon(lambda: len(host.befell(Connected)) == 2)
    assert host.befell(Connected)[1].lost == (grade(0),)
    assert soon(lambda: usb.firmware.told == [grade(1)])
    host.link.close()


class Unplugged:
    """A screen's frames, two of them while the probe is unplugged."""

    stream = True

    def __init__(self, usb: Usb, probe: LinkProbe) -> None:
        self._usb, self._probe, self._screens = usb, probe, read_sweep()

    def __len__(self) -> int:
        return 6

    def __iter__(self) -> Iterator[Frame]:
        for index in range(len(self)):
            if index == 2:
                self._usb.unplug()
            if index == 4:
                self._usb.plug()
            if index in (0, 2, 4):
                assert soon(lambda out=index == 2: (self._probe.state_at(time.monotonic_ns()) is None) == out)
            yield Frame(self._screens[index], time.monotonic_ns(), index)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("gated", [True, False])
def test_an_exam_goes_on_without_its_probe_and_with_it_again(usb: Usb, gated: bool) -> None:
    with closing(LinkProbe(partial(SerialLink, usb.socket))) as probe:
        source = Unplugged(usb, probe)
        bundle, options = Bundle.open(packaged_bundle("transverse")), Options(gated=gated)
        report = examine(bundle, options, source, "screens", probe=probe, budget_ms=60_000, exam=Exam())
    silent = [frame.reason is Reason.PROBE_SILENT for frame in report.frames]
    assert silent == [False, False, gated, gated, False, False]
    assert report.probe and report.probe.frames_silent == 2
    assert [each.state for each in report.probe.events][-1] == "live"
    assert report.clip.frames_graded >= (2 if gated else 4)
    told = [each for each in usb.firmware.told if isinstance(each, Grade) and not each.whole_exam]
    assert len(told) >= 4
    assert isinstance(usb.firmware.told[0], ExamStarted)


def test_one_that_takes_nothing_is_let_go_at_once(usb: Usb) -> None:
    host = Host(lambda hello, listen: SerialLink(usb.socket, hello, listen))
    assert soon(lambda: host.befell(Connected))
    usb._cable.close()
    for _ in range(500):
        host.link.send(grade(0))
    time.sleep(2)
    began = time.monotonic()
    host.link.close()
    assert time.monotonic() - began < 1.5
