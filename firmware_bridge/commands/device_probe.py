"""`sonoedge device probe`: the capture devices that are here, what they can do, and what arrives at them now."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from edge.cli import ANSWER_IS_NO, DONE, Command

if TYPE_CHECKING:
    from firmware_bridge.v4l2 import Device


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("device", nargs="*", metavar="DEV", help="/dev/videoN or a USB socket [all that are here]")
    parser.add_argument("--json", action="store_true", help="for a machine to read")


def run(args: argparse.Namespace) -> int:
    """Done when each that was named could be probed, or one of those that are here; else the answer is no."""
    from firmware_bridge.errors import CaptureError
    from firmware_bridge.usb_path import node_of, nodes
    from firmware_bridge.v4l2 import Device

    here = nodes()
    found: list[dict[str, Any]] = []
    for place in args.device or map(str, here):
        told: dict[str, Any] = {"device": place, "usb": None}
        try:
            path = node_of(place)
            told |= {"device": str(path), "usb": here.get(path)}
            with Device.open(path) as device:
                told |= _probed(device)
        except CaptureError as error:
            told["error"] = str(error)
        found.append(told)
    if args.json:
        print(json.dumps(found, indent=2))
    else:
        print("\n\n".join("\n".join(_lines(each)) for each in found) or "no video device is here: is it plugged in?")
    enough = all if args.device else any  # of all that are here, some only give a grabber's metadata
    return DONE if enough("error" not in each for each in found) else ANSWER_IS_NO


def _probed(device: Device) -> dict[str, Any]:
    from dataclasses import asdict

    from firmware_bridge.errors import UnsupportedError
    from firmware_bridge.frame_rates import frame_sizes
    from firmware_bridge.hdmi import Receiver, inputs
    from firmware_bridge.pixel_formats import FOURCCS

    can, receiver, offered = device.capability, Receiver(device), device.formats()
    status = receiver.status()
    try:
        edid_bytes: int | None = len(receiver.edid())
    except UnsupportedError:
        edid_bytes = None
    return {
        "card": can.card,
        "driver": can.driver,
        "bus": can.bus_info,
        "inputs": [each.name for each in inputs(device)],
        "formats": [fourcc for fourcc in FOURCCS if fourcc in offered],
        "other_formats": [fourcc for fourcc in offered if fourcc not in FOURCCS],
        "sizes": {fourcc: [asdict(each) for each in frame_sizes(device, fourcc)] for fourcc in offered},
        "link": status.link.value,
        "timing": str(status.timing) if status.timing else None,
        "powered": status.powered,
        "edid_bytes": edid_bytes,
    }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['device']}" + (f"  usb-{found['usb']}" if found["usb"] else "")
    if "error" in found:
        yield f"  not usable   {found['error']}"
        return
    yield f"  card         {found['card']} ({found['driver']}, {found['bus']})"
    yield f"  inputs       {', '.join(found['inputs']) or 'untold'}"
    yield f"  formats      {', '.join(found['formats']) or 'none that is understood'}"
    for fourcc in found["formats"]:
        yield from _sizes(fourcc, found["sizes"][fourcc])
    arrives = found["timing"] or {"untold": "untold: judged from the picture"}.get(found["link"], found["link"])
    yield f"  arrives      {arrives}"
    if found["powered"] is not None:
        yield f"  cable        {'5 V are there' if found['powered'] else 'no 5 V: is it plugged in at both ends?'}"
    offered = {
        None: "cannot be set on this device",
        0: "none: sources may send nothing; `sonoedge device edid --offer`",
    }
    yield f"  EDID         {offered.get(found['edid_bytes'], str(found['edid_bytes']) + ' bytes')}"


def _sizes(fourcc: str, sizes: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each size that a device lists, the format before the first."""
    from firmware_bridge.frame_rates import FrameSizes

    for number, each in enumerate(sizes):
        yield f"  {'' if number else fourcc:<12} {FrameSizes(**each)}"


COMMAND = Command("capture devices that are here, and what arrives at them", add_arguments, run)
