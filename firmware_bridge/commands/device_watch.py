"""`sonoedge device watch`: what befalls a capture device, as it happens, until Ctrl-C."""

from __future__ import annotations

import argparse
import time

from edge.cli import ANSWER_IS_NO, DONE, Command
from edge.commands import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("device", metavar="DEV", help="/dev/videoN or a USB socket, with options, as after `v4l2:`")
    parser.add_argument("--seconds", type=options.above_zero, metavar="S", help="end after so many seconds [Ctrl-C]")


def run(args: argparse.Namespace) -> int:
    """Done when it was live at the end; the answer is no when it was not."""
    from firmware_bridge.link_state import State
    from firmware_bridge.v4l2_source import open_v4l2

    started_ns = told_ns = time.monotonic_ns()
    source = open_v4l2(args.device)
    frames, state = 0, State.ABSENT.value
    try:
        for frame in source:
            frames += frame.pixels is not None
            for event in source.events():
                if event.timestamp_ns > told_ns:
                    print(f"{(event.timestamp_ns - started_ns) / 1e9:8.2f} s  {event.state:10} {event.why}", flush=True)
                    told_ns, state = event.timestamp_ns, event.state
            if args.seconds is not None and time.monotonic_ns() - started_ns > args.seconds * 1e9:
                break
    except KeyboardInterrupt:
        pass
    finally:
        source.close()
    print(f"{frames} frames, {source.dropped} dropped")
    return DONE if state == State.LIVE.value else ANSWER_IS_NO


COMMAND = Command("what befalls a capture device, as it happens; 1 when it is not live at the end", add_arguments, run)
