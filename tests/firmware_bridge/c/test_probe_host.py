"""The C probe as a program, with the sanitizers, against Python's side of the link."""

from __future__ import annotations

import os
import subprocess
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware_bridge.link.endpoint import Arrived, Connected, Endpoint
from firmware_bridge.link.framing import Unframer
from firmware_bridge.link.messages import ButtonEvent, ExamEnded, ExamStarted, Grade, Log, Message, Power, State
from firmware_bridge.link.packet import MAX_PACKET, decode
from tests.firmware_bridge.c.c_probe import SOURCES, compile_
from tests.firmware_bridge.vectors import HOST, HOSTS_HELLO, PROBE, SAMPLES, host

pytestmark = pytest.mark.firmware

LIMIT_S = 20
SCRIPT = """\
state 0 350 60 10000 1 255 1
button 0 1
power 87 0 314
log 1 a line of the log
at 300
state 1 400 60 10000 1 255 1
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sanitize = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    return compile_(tmp_path_factory.mktemp("host") / "probe_host", SOURCES / "probe_host.c", options=sanitize)


class Port:
    """The host's end of a pseudo-terminal, and a program at the other."""

    def __init__(self, program: Path, script: Path) -> None:
        self.ours, theirs = os.openpty()
        tty.setraw(theirs)
        os.set_blocking(self.ours, False)
        words = [program, "--port", os.ttyname(theirs), "--script", script, "--session", str(PROBE)]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        self._theirs = theirs  # open until the program has it open
        self.side = Endpoint(HOSTS_HELLO, HOST, asks_time=True)
        self.messages: list[Message] = []
        self.connected = 0

    def until(self, holds: Callable[[], bool]) -> None:
        """Serve the port until it holds."""
        end = time.monotonic() + LIMIT_S
        while not holds():
            assert time.monotonic() < end, (self.messages, self.side.counts)
            try:
                self.side.received(os.read(self.ours, 4096), time.monotonic_ns())
            except BlockingIOError:
                time.sleep(0.001)
            for event in self.side.events():
                self.connected += isinstance(event, Connected)
                if isinstance(event, Arrived):
                    self.messages.append(event.message)
            for whole in self.side.poll(time.monotonic_ns()):
                os.write(self.ours, whole)

    def close(self) -> str:
        """What the program wrote."""
        os.close(self._theirs)
        os.close(self.ours)
        _, written = self.process.communicate(timeout=LIMIT_S)
        assert self.process.returncode == 0, written
        return written


@pytest.fixture
def open_port(program: Path, tmp_path: Path) -> Iterator[Callable[[str], Port]]:
    opened: list[Port] = []

    def open_(script: str) -> Port:
        (tmp_path / "script").write_text(script)
        opened.append(Port(program, tmp_path / "script"))
        return opened[-1]

    yield open_
    for each in opened:
        each.process.kill()


def test_it_plays_its_script_and_executes_each_command_once(open_port: Callable[[str], Port]):
    port = open_port(SCRIPT)
    commands: list[Message] = [ExamStarted(1)]
    commands += [Grade(number, 0, 2, 87, 0, 1180) for number in range(200)]
    commands.append(ExamEnded(200, 200))
    for each in commands:
        port.side.send(each)
    port.until(lambda: port.side.owed == 0 and len(port.messages) == 5 and bool(port.side.time.round_trips_ns))
    kinds = [type(each) for each in port.messages]
    assert [kind for kind in kinds if kind is not Log] == [State, ButtonEvent, Power, State]
    assert Log(1, "a line of the log") in port.messages
    assert (port.messages[0].freeze, port.messages[-1].depth_tenths_mm) == (0, 400)  # type: ignore[attr-defined]
    written = port.close().splitlines()
    assert written[:2] == ["up lost=0", "exam_started side=1"]
    assert [line.split()[1] for line in written[2:-1]] == [f"ticks_us={number}" for number in range(200)]
    assert written[-1] == "exam_ended frames_total=200 frames_graded=200"


def test_after_a_reset_it_is_another_and_says_its_state_anew(open_port: Callable[[str], Port]):
    port = open_port("state 1 350 60 10000 1 255 1\nat 300\nreset\n")
    port.until(lambda: len(port.messages) == 2)
    assert port.connected == 2
    assert [type(each) for each in port.messages] == [State, State]
    assert port.close().splitlines() == ["up lost=0", "up lost=0"]


def test_sample_blocks_go_as_fast_as_the_line_takes_them(program: Path, tmp_path: Path):
    (tmp_path / "script").write_text("samples 2000 256\n")
    words = [program, "--script", tmp_path / "script", "--session", str(PROBE)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(host(HOSTS_HELLO))
        process.stdin.flush()
        unframe = Unframer(MAX_PACKET)
        blocks = []
        while len(blocks) < 2000:
            for whole in unframe(process.stdout.read1(65536)):
                packet = decode(whole)
                if packet and packet.message == SAMPLES:
                    blocks.append(packet)
        process.stdin.close()
    assert [int.from_bytes(each.payload[:4], "little") for each in blocks] == list(range(2000))
    assert {len(each.payload) for each in blocks} == {256}
    assert unframe.damaged == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--port", "/nowhere"], "probe_host: /nowhere: No such file or directory"),
        (["--speed", "1"], "usage: "),
        (["--script"], "usage: "),
    ],
)
def test_a_mistake_is_one_line(program: Path, words: list[str], told: str):
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(told)


def test_a_line_that_is_none_is_named(program: Path, tmp_path: Path):
    (tmp_path / "script").write_text("dance\n")
    words = [program, "--script", tmp_path / "script"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert process.stderr.read().startswith("probe_host: no such line: dance")
    assert process.returncode == 2
