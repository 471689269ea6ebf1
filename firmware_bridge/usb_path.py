"""A USB grabber by the socket that it is plugged into: grabbers of one make all have the same serial number, and the
number of a node depends on who was plugged in first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from firmware_bridge.errors import DeviceAbsentError

CLASS = Path("/sys/class/video4linux")
SOCKET = re.compile(r"\d+-\d+(?:\.\d+)*")  # bus, then the port of each hub on the way: 1-1.3


def nodes(sysfs: Path = CLASS) -> dict[Path, str | None]:
    """The video nodes that are there, in the order of their numbers, each with its USB socket; None: it has none."""
    found = sorted(sysfs.glob("video*"), key=lambda each: int(each.name.removeprefix("video")))
    return {Path("/dev", each.name): _socket(each) for each in found}


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
    here = [each for each in _capturing(sysfs) if _socket(each) == wanted]
    if not here:
        taken = sorted({socket for socket in map(_socket, _capturing(sysfs)) if socket})
        there = f"there is one in {', '.join(f'usb-{each}' for each in taken)}" if taken else "there is none at all"
        raise DeviceAbsentError(f"{place}: no grabber in this USB socket: {there}")
    return Path("/dev", here[0].name)


def _capturing(sysfs: Path) -> Iterator[Path]:
    """The first node of each device: the others give its metadata."""
    for node in sorted(sysfs.glob("video*")):
        index = node / "index"
        if not index.is_file() or index.read_text().strip() == "0":
            yield node


def _socket(node: Path) -> str | None:
    """`1-1.3` of `.../usb1/1-1/1-1.3/1-1.3:1.0/video4linux/video0`."""
    parts = [part for part in node.resolve().parts if SOCKET.fullmatch(part)]
    return parts[-1] if parts else None
