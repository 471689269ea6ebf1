"""`sonoedge device update`: new firmware onto a probe, tested there before it stays, or the old one back."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli import ANSWER_IS_NO, DONE, INTERRUPTED, Command
from edge.commands import options

if TYPE_CHECKING:
    from firmware_bridge.update.updater import Outcome, Stage, Updater


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", type=Path, metavar="IMAGE", help="firmware, signed by imgtool")
    parser.add_argument(
        "--port",
        required=True,
        metavar="PLACE",
        help="serial port, or USB socket and interface: /dev/ttyACM0, usb-1-1.3, usb-1-1.3:1.2",
    )
    parser.add_argument(
        "--key", type=Path, metavar="K.pem", help="public key: the image must be signed with it [the device decides]"
    )
    parser.add_argument("--check", action="store_true", help="only say what would be done: nothing is sent")
    parser.add_argument(
        "--no-confirm", action="store_true", help="leave it on trial: the next reset brings the old back"
    )
    parser.add_argument("--baud", type=int, default=115200, metavar="N", help="speed of a UART [%(default)s]")
    parser.add_argument(
        "--wait", type=options.above_zero, default=180.0, metavar="S", help="for a reset, the swap included [180]"
    )
    parser.add_argument("--json", action="store_true", help="what came of it, for a machine")


def run(args: argparse.Namespace) -> int:
    """Done when the device runs the image and keeps it; the answer is no when it went back, or never took it."""
    import asyncio

    from firmware_bridge.update.conversation import Conversation, Patience
    from firmware_bridge.update.image import load
    from firmware_bridge.update.serial_line import serial_line
    from firmware_bridge.update.updater import Updater

    image, data = load(args.image)
    if args.key is not None:
        from firmware_bridge.update import signing

        signing.check(image, signing.load_key(args.key), str(args.image))
    device = Conversation(args.port, serial_line(args.baud), Patience(reboot_s=args.wait))
    updater = Updater(device, image, data, str(args.image))
    try:
        return asyncio.run(_check(updater, args) if args.check else _update(updater, len(data), args))
    except KeyboardInterrupt:
        print(f"sonoedge: {args.port}: interrupted: {updater.stage.value}", file=sys.stderr)
        return INTERRUPTED


async def _check(updater: Updater, args: argparse.Namespace) -> int:
    told, step = await updater.check()
    if args.json:
        said = {"step": step.value, "runs": told.running.version, "board": told.board, "counter": told.counter}
        print(json.dumps(said))
    else:
        print(f"device       {told.board or 'does not tell its board'}, runs {told.running.version}")
        print(f"next         {step.value}")
    return DONE


async def _update(updater: Updater, size: int, args: argparse.Namespace) -> int:
    from edge.progress import counter

    with counter("", size, unit="B", unit_scale=True) as bar:

        def progress(stage: Stage, offset: int) -> None:
            bar.set_description(stage.name.lower(), refresh=False)
            bar.update(offset - bar.n)

        result = await updater.run(confirm=not args.no_confirm, progress=progress)
    if args.json:
        print(json.dumps({"outcome": result.outcome.value, "runs": result.runs, "why": result.why}))
    else:
        print(f"{result.outcome.value:12} {_words(result.outcome).format(runs=result.runs, why=result.why)}")
    return DONE if result.outcome.good else ANSWER_IS_NO


def _words(outcome: Outcome) -> str:
    from firmware_bridge.update.updater import Outcome

    return {
        Outcome.UPDATED: "it runs {runs}, which passed its self-test and stays",
        Outcome.ALREADY: "it runs {runs} already: nothing was sent",
        Outcome.ON_TRIAL: "it runs {runs}: a reset brings the old one back; without --no-confirm it stays",
        Outcome.REFUSED: "it runs {runs} as before: {why}",
        Outcome.REVERTED: "it runs {runs} again: {why}",
        Outcome.FAULTY: "it runs {runs}, which stays, but {why}: update it to another version",
    }[outcome]


COMMAND = Command("new firmware onto a probe: tested there before it stays; 1 when it went back", add_arguments, run)
