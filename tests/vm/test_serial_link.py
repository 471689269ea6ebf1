"""A link over a true USB serial port, unplugged and plugged in again: the kernel's CDC-ACM driver, and its gadget."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_bridge.link.bad_cable import BadCable
from firmware_bridge.link.endpoint import Connected, HeardAgain
from firmware_bridge.link.messages import Grade, State
from firmware_bridge.link.running import Absent, Opened
from firmware_bridge.link.serial_link import SerialLink, open_port
from firmware_bridge.link.simulator import SimulatedFirmware
from firmware_bridge.link.wire import Wire
from firmware_bridge.usb_path import INTERFACE
from tests.contracts.probe_contract import soon
from tests.firmware_bridge.link.test_link import Host

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
