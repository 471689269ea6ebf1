"""`sonoedge device link`: who answers at a port, how the probe is set, how good the link is, and what befalls it."""

from __future__ import annotations

import argparse
import json
import time
from collections import deque
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from edge.cli import ANSWER_IS_NO, DONE, Command
from edge.commands import options

if TYPE_CHECKING:
    from firmware_bridge.link.endpoint import Endpoint
    from firmware_bridge.link.messages import Hello, Message
    from firmware_bridge.link.running import Event, Link

REMEMBERED = 1000  # events
ASK_EVERY_S = 0.1  # the time: each answer is one round trip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("place", metavar="PLACE", help="/dev/ttyACM0, or a USB socket like usb-1-1.3")
    parser.add_argument("--baud", type=int, metavar="N", help="of a port that has a rate [921600]")
    parser.add_argument("--wait", action="store_true", help="it need not be there yet")
    parser.add_argument("--seconds", type=options.above_zero, metavar="S", help="end after so many seconds [Ctrl-C]")
    parser.add_argument("--json", action="store_true", help="one object at the end instead of lines")


def run(args: argparse.Namespace) -> int:
    """Done when somebody answered; the answer is no when nobody did."""
    from firmware_bridge.link.probe import our_hello
    from firmware_bridge.link.serial_link import BAUD, SerialLink

    watch = _Watch(quiet=args.json)
    baud = BAUD if args.baud is None else args.baud
    with closing(SerialLink(args.place, our_hello(), watch, baud=baud, wait=args.wait)) as link:
        with suppress(KeyboardInterrupt):
            watch.ask(link, args.seconds)
        counts = vars(link.counts)
    found = watch.found(counts)
    print(json.dumps(found, indent=2, ensure_ascii=False) if args.json else _summary(found))
    return DONE if watch.hello else ANSWER_IS_NO


class _Watch:
    """Listens to a link: tells each event as it comes, and keeps what the summary wants."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._started_ns = quiet, time.monotonic_ns()
        self.hello: Hello | None = None
        self._said: dict[str, Message] = {}  # the last of each kind
        self._events: deque[dict[str, object]] = deque(maxlen=REMEMBERED)
        self._round_trips_ns: list[int] = []
        self._time_error_ns: int | None = None

    def __call__(self, event: Event, rules: Endpoint) -> None:
        from firmware_bridge.link.endpoint import Arrived, Connected
        from firmware_bridge.link.words import befell, in_words

        if isinstance(event, Connected):
            self.hello = event.hello
        if isinstance(event, Arrived):
            self._said[type(event.message).__name__] = event.message
            self._tell("said", in_words(event.message))
        elif told := befell(event):
            self._tell(*told)

    def ask(self, link: Link, seconds: float | None) -> None:
        """Asks for the time, until so many seconds are over."""
        until = None if seconds is None else time.monotonic() + seconds
        while until is None or time.monotonic() < until:
            link.do(self._ask)
            time.sleep(ASK_EVERY_S)

    def found(self, counts: dict[str, int]) -> dict[str, Any]:
        """Everything, ready for JSON: times in ms."""
        from firmware_bridge.link.words import product, version

        trips = sorted(self._round_trips_ns)
        return {
            "name": product(self.hello) if self.hello else None,
            "firmware": version(self.hello) if self.hello else None,
            "board": self.hello.board if self.hello else None,
            "said": {name: vars(message) for name, message in self._said.items()},
            "round_trip_ms": {f"p{share}": _percentile_ms(trips, share) for share in (50, 99)} if trips else None,
            "time_error_ms": None if self._time_error_ns is None else self._time_error_ns / 1e6,
            "counts": counts,
            "events": list(self._events),
        }

    def _ask(self, rules: Endpoint) -> None:
        """In the link's thread: takes the answers that came, and asks again."""
        from firmware_bridge.link.messages import TimeAsk

        self._round_trips_ns += rules.time.round_trips_ns
        rules.time.round_trips_ns.clear()
        now_ns = time.monotonic_ns()
        ticks_us = rules.time.ticks_us(now_ns)
        at = None if ticks_us is None else rules.time.host_time(ticks_us)
        self._time_error_ns = at.error_ns if at else self._time_error_ns
        if rules.connected:
            rules.time.asked(now_ns)
            rules.send(TimeAsk(now_ns))

    def _tell(self, state: str, why: str) -> None:
        at_s = (time.monotonic_ns() - self._started_ns) / 1e9
        self._events.append({"at_s": round(at_s, 3), "state": state, "why": why})
        if not self._quiet:
            print(f"{at_s:8.2f} s  {state:12} {why}", flush=True)


def _percentile_ms(ordered: list[int], share: int) -> float:
    return ordered[-(-len(ordered) * share // 100) - 1] / 1e6


def _summary(found: dict[str, Any]) -> str:
    if found["name"] is None and any(found["counts"].values()):
        return (
            "nobody answered, but bytes come: is it another baud rate, an echo, or a port that speaks something else?"
        )
    if found["name"] is None:
        return "nobody answered: is it the right port, and its firmware running?"
    lines = [f"probe        {found['name']}, firmware {found['firmware']}, board {found['board']:#x}"]
    if trip := found["round_trip_ms"]:
        lines.append(f"round trip   p50 {trip['p50']:.2f} ms, p99 {trip['p99']:.2f} ms")
        lines.append(f"its time     known to {found['time_error_ms']:.2f} ms")
    lines.append("frames       " + ", ".join(f"{number} {name}" for name, number in found["counts"].items()))
    return "\n".join(lines)


COMMAND = Command("who answers at a serial port, and how well; 1 when nobody does", add_arguments, run)
