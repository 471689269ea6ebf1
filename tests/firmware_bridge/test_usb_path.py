"""A grabber is found by its socket, whatever number its node has; laid out as the kernel lays out sysfs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from firmware_bridge.errors import DeviceAbsentError, PortError
from firmware_bridge.usb_path import node_of, nodes, port_of

DEVICES = {  # node: (where it hangs, which of its device's nodes it is)
    "video0": ("pci0000:00/0000:00:14.0/usb1/1-1/1-1.3/1-1.3:1.0", 0),
    "video1": ("pci0000:00/0000:00:14.0/usb1/1-1/1-1.3/1-1.3:1.0", 1),
    "video2": ("pci0000:00/0000:00:14.0/usb2/2-4/2-4:1.0", 1),
    "video10": ("pci0000:00/0000:00:14.0/usb2/2-4/2-4:1.0", 0),
    "video3": ("platform/soc/fe801000.csi", 0),
}


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    links = tmp_path / "class" / "video4linux"
    links.mkdir(parents=True)
    for name, (place, index) in DEVICES.items():
        node = tmp_path / "devices" / place / "video4linux" / name
        node.mkdir(parents=True)
        (node / "index").write_text(f"{index}\n")
        (links / name).symlink_to(node)
    return links


def test_each_node_has_its_socket(sysfs: Path):
    assert {str(node): socket for node, socket in nodes(sysfs).items()} == {
        "/dev/video0": "1-1.3",
        "/dev/video1": "1-1.3",
        "/dev/video2": "2-4",
        "/dev/video3": None,
        "/dev/video10": "2-4",
    }
    assert list(nodes(sysfs))[-1] == Path("/dev/video10")


@pytest.mark.parametrize(("place", "node"), [("usb-1-1.3", "video0"), ("1-1.3", "video0"), ("usb-2-4", "video10")])
def test_the_node_that_captures(sysfs: Path, place: str, node: str):
    assert node_of(place, sysfs) == Path("/dev", node)


@pytest.mark.parametrize("place", ["usb-1-1", "usb-1-1.33", "usb-3-1"])
def test_an_empty_socket_is_told_with_those_that_are_not(sysfs: Path, place: str):
    with pytest.raises(DeviceAbsentError, match=r"no grabber in this USB socket: there is one in usb-1-1.3, usb-2-4$"):
        node_of(place, sysfs)


@pytest.mark.parametrize("place", ["usb-", "", "-", "video0", "edid.bin", "v4l2:"])
def test_what_is_no_place_is_told_what_is(sysfs: Path, place: str):
    with pytest.raises(DeviceAbsentError, match="name a node like /dev/video0, or a USB socket"):
        node_of(place, sysfs)


def test_no_grabber_at_all(tmp_path: Path):
    assert nodes(tmp_path) == {}
    with pytest.raises(DeviceAbsentError, match="none at all"):
        node_of("usb-1-1", tmp_path)


PORTS = {
    "ttyACM0": "pci0000:00/0000:00:14.0/usb1/1-1/1-1.3/1-1.3:1.0/tty",
    "ttyACM1": "pci0000:00/0000:00:14.0/usb2/2-4/2-4:1.0/tty",
    "ttyACM10": "pci0000:00/0000:00:14.0/usb2/2-4/2-4:1.2/tty",
    "ttyUSB0": "pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/ttyUSB0/tty",
    "ttyS0": "platform/serial8250/tty",
}


@pytest.fixture
def ttys(tmp_path: Path) -> Path:
    links = tmp_path / "class" / "tty"
    links.mkdir(parents=True)
    for name, place in PORTS.items():
        node = tmp_path / "devices" / place / name
        node.mkdir(parents=True)
        (links / name).symlink_to(node)
    return links


@pytest.mark.parametrize(
    ("place", "node"),
    [
        ("/dev/ttyS0", "/dev/ttyS0"),
        ("usb-1-1.3", "/dev/ttyACM0"),
        ("1-1.3:1.0", "/dev/ttyACM0"),
        ("usb-1-2", "/dev/ttyUSB0"),
        ("usb-2-4:1.2", "/dev/ttyACM10"),
    ],
)
def test_the_port_in_a_socket(ttys: Path, place: str, node: str):
    assert port_of(place, ttys) == Path(node)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("usb-2-4", "several serial ports in this USB socket: name one of usb-2-4:1.0, usb-2-4:1.2"),
        ("usb-1-1.3:1.2", "no serial port in this USB socket: there is one in usb-1-1.3:1.0, usb-1-2:1.0, usb-2-4:1.0"),
        ("usb-1-1", "no serial port in this USB socket: there is one in "),
        ("ttyACM0", "name a port like /dev/ttyACM0, or a USB socket like usb-1-1.3"),
    ],
)
def test_a_socket_without_one_port_is_told(ttys: Path, place: str, said: str):
    with pytest.raises(PortError, match=re.escape(said)):
        port_of(place, ttys)


def test_no_port_at_all(tmp_path: Path):
    with pytest.raises(PortError, match="none at all"):
        port_of("usb-1-1", tmp_path)
