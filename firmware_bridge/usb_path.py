"""A USB device by the socket that it is plugged into: grabbers of one make all have the same serial number, and the
number of a node depends on who was plugged in first, or on who still holds the last one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from firmware_bridge.errors import DeviceAbsentError, PortError

CLASS, TTY_CLASS = Path("/sys/class/video4linux"), Path("/sys/class/tty")
PORTS = ("ttyACM", "ttyUSB")
SOCKET = re.compile(r"\d+-\d+(?:\.\d+)*")  # bus, then the port of each hub on the way: 1-1.3
INTERFACE = re.compile(SOCKET.pattern + r":\d+\.\d+")  # and one of a device that has several: 1-1.3:1.2


def nodes(sysfs: Path = CLASS) -> dict[Path, str | None]:
    """The video nodes that are there, in the order of their numbers, each with its USB socket; None: it has none."""
    return {Path("/dev", each.name): _place(each, SOCKET) for each in _numbered(sysfs, "video")}


def node_of(place: str, sysfs: Path = CLASS) -> Path:
    """The node at `place`: a path, or the USB socket of a grabber, like `usb-1-1.3`, whose node that captures is meant.

    Raises:
        DeviceAbsentError: nothing that captures is plugged in there.
    """
    if "/" in place:
        return Path(place)
    wanted = place.removeprefix("usb-")
    if not SOCKET.fullmatch(wanted):
        raise DeviceAbsentError(f"{place or 'no place'}: name a node like /dev/video0, or a USB socket like usb-1-1.3")
    here = [each for each in _capturing(sysfs) if _place(each, SOCKET) == wanted]
    if not here:
        taken = {socket for each in _capturing(sysfs) if (socket := _place(each, SOCKET))}
        raise DeviceAbsentError(f"{place}: no grabber in this USB socket: there is {_one_in(taken)}")
    return Path("/dev", here[0].name)


def port_of(place: str, sysfs: Path = TTY_CLASS) -> Path:
    """The serial port at `place`: a path, or a USB socket, like `usb-1-1.3`, or one of several ports of a device there,
    like `usb-1-1.3:1.2`.

    Raises:
        PortError: no port is plugged in there, or several are.
    """
    if "/" in place:
        return Path(place)
    wanted = place.removeprefix("usb-")
    if not (SOCKET.fullmatch(wanted) or INTERFACE.fullmatch(wanted)):
        raise PortError(f"{place or 'no place'}: name a port like /dev/ttyACM0, or a USB socket like usb-1-1.3")
    ports = {at: port for each in PORTS for port in _numbered(sysfs, each) if (at := _place(port, INTERFACE))}
    here = {at: port for at, port in ports.items() if wanted in (at, at.partition(":")[0])}
    if not here:
        raise PortError(f"{place}: no serial port in this USB socket: there is {_one_in(set(ports))}")
    if len(here) > 1:
        raise PortError(f"{place}: several serial ports in this USB socket: name one of {_named(set(here))}")
    return Path("/dev", next(iter(here.values())).name)


def _numbered(sysfs: Path, kind: str) -> list[Path]:
    """The nodes of this kind, in the order of their numbers."""
    return sorted(sysfs.glob(f"{kind}*"), key=lambda each: int(each.name.removeprefix(kind)))


def _capturing(sysfs: Path) -> Iterator[Path]:
    """The first node of each device: the others give its metadata."""
    for node in _numbered(sysfs, "video"):
        index = node / "index"
        if not index.is_file() or index.read_text().strip() == "0":
            yield node


def _place(node: Path, what: re.Pattern[str]) -> str | None:
    """`1-1.3` or `1-1.3:1.0` of `.../usb1/1-1/1-1.3/1-1.3:1.0/video4linux/video0`."""
    parts = [part for part in node.resolve().parts if what.fullmatch(part)]
    return parts[-1] if parts else None


def _one_in(sockets: set[str]) -> str:
    return f"one in {_named(sockets)}" if sockets else "none at all"


def _named(sockets: set[str]) -> str:
    return ", ".join(f"usb-{each}" for each in sorted(sockets))
