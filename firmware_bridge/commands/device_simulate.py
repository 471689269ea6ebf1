"""`sonoedge device simulate`: a probe that is not there, at a port that any program may open."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli import DONE, Command

if TYPE_CHECKING:
    from firmware_bridge.link.simulator import Heard, SimulatedProbe
    from firmware_bridge.link.simulator_words import Deed

FAULTS = {
    "loss": "is lost",
    "corruption": "is damaged",
    "duplication": "comes twice",
    "reorder": "comes later than those after it",
}
HELP = "help"
LOOK_S = 0.1
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, a service stopped, a terminal closed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Type `help` while it runs for what may be said to it; a script has the same words, `2.5 freeze`."
    parser.add_argument("--port-link", type=Path, metavar="PATH", help="a name for its port: a symbolic link")
    parser.add_argument("--script", type=Path, metavar="FILE", help="lines of seconds and words, `2.5 freeze`")
    for name, what in FAULTS.items():
        parser.add_argument(
            f"--{name}", type=_chance, default=0.0, metavar="P", help=f"chance that a frame {what}, 0 to 1 [0]"
        )


def run(args: argparse.Namespace) -> int:
    """Done when it was told to end: Ctrl-C, its terminal closed, `quit`, or `quit` in its script."""
    from firmware_bridge.link.faults import Faults
    from firmware_bridge.link.simulator import SimulatedFirmware, SimulatedProbe
    from firmware_bridge.link.simulator_words import script

    caught: list[int] = []  # signals
    for number in ENDS:
        if signal.getsignal(number) != signal.SIG_IGN:  # `nohup`, a background job
            # None is raised: a terminal that closes sends several, and the second would cut the tidying short.
            signal.signal(number, lambda number, _: caught.append(number))
    deeds = script(args.script) if args.script else []
    started = time.monotonic()

    def tell(heard: Heard) -> None:
        print(f"{time.monotonic() - started:8.2f} s  {_in_words(heard)}", flush=True)

    with ExitStack() as opened:
        firmware = opened.enter_context(closing(SimulatedFirmware(tell)))
        faults = Faults(**{name: getattr(args, name) for name in FAULTS})
        probe = opened.enter_context(closing(SimulatedProbe(firmware, faults, link=args.port_link)))
        print(f"port: {probe.place}", flush=True)
        _serve(probe, deeds, started, caught)
    return DONE


def _chance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no chance from 0 to 1")
    return value


def _in_words(heard: Heard) -> str:
    from firmware_bridge.link.endpoint import Connected, Silent
    from firmware_bridge.link.words import in_words, product, version

    if isinstance(heard, Connected):
        return f"connected: {product(heard.hello)} {version(heard.hello)}"
    if isinstance(heard, Silent):
        return "the host is silent"
    return in_words(heard)


def _serve(probe: SimulatedProbe, deeds: list[tuple[float, Deed]], started: float, caught: list[int]) -> None:
    """Does what the script says and what is typed, until `quit` or a signal."""
    from firmware_bridge.link.simulator_words import leave

    typed = _Typed()
    while not caught:
        now = [deed for at, deed in deeds if at <= time.monotonic() - started]
        deeds = deeds[len(now) :]
        for deed in (*now, *filter(None, map(_deed, typed.lines(LOOK_S)))):
            if deed is leave:
                return
            deed(probe)


class _Typed:
    """Lines of standard input, without waiting for more than there is."""

    def __init__(self) -> None:
        self._begun = b""
        self._more = True

    def lines(self, patience_s: float) -> list[str]:
        """The whole lines that came, within so long."""
        if not self._more:
            time.sleep(patience_s)
        elif select.select([sys.stdin.fileno()], [], [], patience_s)[0]:
            try:
                data = os.read(sys.stdin.fileno(), 4096)
            except OSError:  # the terminal is gone
                data = b""
            self._more = bool(data)
            *lines, self._begun = (self._begun + data).split(b"\n")
            return [line.decode(errors="replace") for line in lines]
        return []


def _deed(line: str) -> Deed | None:
    from edge.errors import UsageError
    from firmware_bridge.link.simulator_words import help_text, parse

    try:
        if line.strip() == HELP:
            print(help_text(), flush=True)
        elif line.strip():
            return parse(line)
    except UsageError as error:  # a slip of the finger does not end it
        print(error, flush=True)
    return None


COMMAND = Command("a probe that is not there, for demonstrations and tests", add_arguments, run)
