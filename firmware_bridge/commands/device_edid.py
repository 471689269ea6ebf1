"""`sonoedge device edid`: what a receiver says of itself to the source, in words; and another to offer."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from edge.cli import DONE, Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "device",
        nargs="?",
        metavar="DEV|FILE",
        help="/dev/videoN, /dev/v4l-subdevN, a USB socket, or a file with an EDID",
    )
    new = parser.add_mutually_exclusive_group()
    new.add_argument("--set", type=Path, metavar="FILE", help="offer the EDID in this file")
    new.add_argument(
        "--offer", metavar="LINK", help="offer our own, of the modes that this link carries; tc358743-2-lanes ..."
    )
    parser.add_argument("--format", default="UYVY", metavar="F", help="of the pixels on that link [%(default)s]")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write what is offered to this new file")


def run(args: argparse.Namespace) -> int:
    from edge.errors import UsageError
    from edge.output import check_place, write_atomically
    from edge.sources.paths import is_there
    from firmware_bridge.edid import parse
    from firmware_bridge.edid_text import summary
    from firmware_bridge.hdmi import Receiver
    from firmware_bridge.usb_path import node_of
    from firmware_bridge.v4l2_node import Node

    new = _wanted(args)
    if args.device is None and (new is None or args.save is None):
        raise UsageError("name a device or a file; without one, --offer or --set, and --save")
    if args.save is not None:
        if args.save.is_file():
            raise UsageError(f"{args.save}: is there already: give another name, or remove it")
        check_place(args.save)  # before the device is given another
    if args.device is None or (is_there(Path(args.device)) and Path(args.device).is_file()):
        edid = _of_file(args, new)
    else:
        with closing(Node(node_of(args.device))) as node:
            receiver = Receiver(node)
            if new is not None:
                receiver.set_edid(new)
            edid = receiver.edid()
        if not edid:
            print(f"{args.device}: no EDID is offered; `--offer LINK` sets one")
            return DONE
    lines = summary(parse(edid, str(args.device or "the new EDID")))
    if args.save is not None:
        write_atomically(args.save, edid)
        lines.append(f"saved        {args.save}")
    print("\n".join(lines))
    return DONE


def _of_file(args: argparse.Namespace, new: bytes | None) -> bytes:
    from edge.errors import UsageError

    if args.device is None:
        return new or b""
    if new is not None:
        raise UsageError(f"{args.device}: is a file: give a device to offer an EDID")
    return _read(Path(args.device))


def _read(path: Path) -> bytes:
    from edge.errors import UsageError

    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}): check its path and permissions") from error


def _wanted(args: argparse.Namespace) -> bytes | None:
    """The EDID to be offered; None: the one that is."""
    from edge.errors import UsageError
    from firmware_bridge.edid import parse
    from firmware_bridge.edid_offer import offer
    from firmware_bridge.link_capacity import LINKS

    if args.set is not None:
        edid = _read(args.set)
        parse(edid, str(args.set))  # a broken one makes a source send nothing
        return edid
    if args.offer is None:
        return None
    if args.offer not in LINKS:
        raise UsageError(f"--offer {args.offer}: no such link: there are {', '.join(LINKS)}")
    return offer(LINKS[args.offer], args.format)


COMMAND = Command("the EDID of a receiver in words, and another to offer", add_arguments, run)
