"""The simulated probe: what may be said to it, and the commands that it and a real one are tried with."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from edge.cli import ANSWER_IS_NO, BAD_USE, DONE, main
from edge.errors import UsageError
from firmware_bridge.link.endpoint import Connected
from firmware_bridge.link.messages import Button, ButtonEvent, ExamStarted, Freeze, Grade, Log, Message, Power, State
from firmware_bridge.link.serial_link import SerialLink
from firmware_bridge.link.simulator import SimulatedFirmware, SimulatedProbe
from firmware_bridge.link.simulator_words import WORDS, parse, script
from firmware_bridge.link.words import in_words
from tests.contracts.probe_contract import soon
from tests.firmware_bridge.link.simulated import simulated
from tests.firmware_bridge.link.test_link import Host


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[SimulatedProbe]:
    probe = SimulatedProbe(SimulatedFirmware(), link=tmp_path / "ttyPROBE")
    yield probe
    probe.close()


@pytest.fixture
def host(probe: SimulatedProbe) -> Iterator[Host]:
    host = Host(lambda hello, listen: SerialLink(probe.place, hello, listen))
    assert soon(lambda: host.got(State) and host.got(Power))
    yield host
    host.link.close()


@pytest.mark.parametrize(
    ("line", "kind", "field", "value"),
    [
        ("freeze", State, "freeze", Freeze.FROZEN),
        ("live", State, "freeze", Freeze.LIVE),
        ("depth 38.5", State, "depth_tenths_mm", 385),
        ("gain 70", State, "gain_percent", 70),
        ("frequency 7.5", State, "frequency_khz", 7500),
        ("preset 3", State, "preset", 3),
        ("mark 4", State, "body_mark", 4),
        ("side right", State, "side", 2),
        ("button up", ButtonEvent, "button", Button.UP),
        ("battery 12", Power, "battery_percent", 12),
        ("temperature -3.5", Power, "temperature_tenths_c", -35),
        ("log it is warm", Log, "line", "it is warm"),
    ],
)
def test_what_is_said_to_it_reaches_the_host(
    line: str, kind: type[Message], field: str, value: object, probe: SimulatedProbe, host: Host
) -> None:
    before = len(host.got(kind))
    parse(line)(probe)
    assert soon(lambda: len(host.got(kind)) > before)
    assert getattr(host.got(kind)[-1], field) == value


@pytest.mark.parametrize("word", ["reboot", "brownout"])
def test_how_it_is_set_outlives_a_restart_and_its_ticks_begin_anew(
    word: str, probe: SimulatedProbe, host: Host
) -> None:
    parse("depth 55")(probe)
    assert soon(lambda: len(host.got(State)) == 2)
    parse(word)(probe)
    assert soon(lambda: len(host.got(State)) == 3)
    assert host.got(State)[-1].depth_tenths_mm == 550
    assert host.got(State)[-1].ticks_us == 0 < host.got(State)[1].ticks_us


def test_its_port_comes_and_goes(probe: SimulatedProbe) -> None:
    place = Path(probe.place)
    assert place.readlink().is_char_device()
    for _ in range(2):
        parse("unplug")(probe)
        assert not place.is_symlink()
    for _ in range(2):
        parse("plug")(probe)
        assert place.readlink().is_char_device()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("jump", "'jump' is no word for a simulated probe: there are freeze, live, depth"),
        ("depth", "depth: say MM after it"),
        ("depth deep", "'deep' is no depth in mm, 0 to 6553"),
        ("gain 101", "'101' is no gain in per cent, 0 to 100"),
        ("stall nan", "'nan' is no number of seconds"),
        ("reboot now", "reboot: nothing is said after it"),
        ("button fire", "'fire' is none of freeze, save, up, down"),
    ],
)
def test_what_it_does_not_understand_is_told(line: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        parse(line)


def test_a_script_is_in_the_order_of_time_and_checked_before_it_runs(tmp_path: Path) -> None:
    file = tmp_path / "exam.txt"
    file.write_text("# an exam\n2.5 freeze   # the operator\n\n1 depth 40\n")
    assert [at for at, _ in script(file)] == [1.0, 2.5]
    for line, said in (("freeze", "'freeze' is no number of seconds"), ("1 jump", "'jump' is no word")):
        file.write_text(f"1 freeze\n{line}\n")
        with pytest.raises(UsageError, match=f"exam.txt, line 2: {said}"):
            script(file)
    for bad in (tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError, match="the script cannot be read"):
            script(bad)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is no text"):
        script(file)


def _run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge.cli", "device", *words]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)


def test_a_scripted_exam_is_told_in_plain_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "exam.txt").write_text("0.5 depth 40\n1.2 freeze\n1.4 battery 9\n4 quit\n")
    place, words = tmp_path / "tty", ("--script", str(tmp_path / "exam.txt"))
    with simulated(place, *words, stdout=subprocess.PIPE) as process:
        process.stdin.write("help\njump\nside left\n")
        process.stdin.flush()
        assert main(["device", "link", str(place), "--seconds", "2.5"]) == DONE
        lines = capsys.readouterr().out.splitlines()
        assert main(["device", "link", str(place), "--seconds", "0.5", "--json"]) == DONE
        found = json.loads(capsys.readouterr().out)
        told = process.communicate(timeout=20)[0]
        assert process.returncode == DONE
    states = [line.split()[2] for line in lines if re.match(r" +\d", line)]
    assert states[:2] == ["silent", "live"]
    assert any("state: frozen, depth 40 mm" in line and line.endswith("left") for line in lines)
    assert any("battery: 9 %, 31.2 °C" in line for line in lines)
    assert "probe        simulated probe, firmware 1.0.0, board 0x1" in lines
    assert any(line.startswith("round trip   p50 ") for line in lines)
    assert (found["name"], found["firmware"]) == ("simulated probe", "1.0.0")
    assert found["said"]["State"]["freeze"] == 1 and found["said"]["Power"]["battery_percent"] == 9
    assert 0 < found["round_trip_ms"]["p50"] <= found["round_trip_ms"]["p99"]
    assert found["time_error_ms"] > 0 == found["counts"]["damaged"]
    assert told.startswith(f"port: {place}\n")
    assert "brownout" in told and "'jump' is no word" in told and "connected: sonoedge" in told
    assert not place.is_symlink()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_in_good_order_when_interrupted(number: signal.Signals, tmp_path: Path) -> None:
    with simulated(tmp_path / "tty", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        process.stdin.close()
        process.send_signal(number)
        assert process.wait(20) == DONE
        assert process.stderr.read() == ""
    assert not (tmp_path / "tty").is_symlink()


def test_several_signals_leave_nothing_behind_either(tmp_path: Path) -> None:
    with simulated(tmp_path / "tty", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        process.stdin.close()
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP):
            process.send_signal(number)
            time.sleep(0.01)
        process.wait(20)
        assert process.stderr.read() == ""
    assert not (tmp_path / "tty").is_symlink()


def test_it_ends_in_good_order_when_its_terminal_closes(tmp_path: Path) -> None:
    place, (terminal, theirs) = tmp_path / "tty", os.openpty()
    at_it = ["setsid", "--ctty", "--wait", "env", "--default-signal=HUP", sys.executable, "-m", "edge.cli"]
    words = ["device", "simulate", "--port-link", str(place)]
    with subprocess.Popen([*at_it, *words], stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        assert soon(place.exists)
        os.close(terminal)
        process.wait(20)
    assert not place.is_symlink()


def test_who_is_to_outlive_the_terminal_does(tmp_path: Path) -> None:
    ignored = partial(signal.signal, signal.SIGHUP, signal.SIG_IGN)
    with simulated(tmp_path / "tty", stdout=subprocess.PIPE, preexec_fn=ignored) as process:
        process.send_signal(signal.SIGHUP)
        process.stdin.write("help\nquit\n")
        assert "brownout" in process.communicate(timeout=20)[0]


def test_nobody_at_a_port_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    assert main(["device", "link", os.ttyname(theirs), "--seconds", "0.5"]) == ANSWER_IS_NO
    assert capsys.readouterr().out.splitlines()[-1].startswith("nobody answered: ")
    assert main(["device", "link", os.ttyname(theirs), "--seconds", "0.3", "--json"]) == ANSWER_IS_NO
    assert json.loads(capsys.readouterr().out)["name"] is None
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["link", "/dev/ttyNONE"], "/dev/ttyNONE: there is no such port"),
        (["link", "/dev/null"], "/dev/null: it is no serial port"),
        (["link", "/dev/null", "--baud", "7"], "/dev/null: no serial port has 7 baud: give a standard rate"),
        (["link", "usb-9-9", "--wait", "--baud", "0"], "usb-9-9: no serial port has 0 baud"),
        (["simulate", "--script", "none.txt"], "none.txt: the script cannot be read: No such file"),
        (["simulate", "--port-link", "none/tty"], "none/tty: the link cannot be made: No such file"),
        (["simulate", "--port-link", "."], ".: the link cannot be made: File exists"),
        (["simulate", "--loss", "2"], "'2' is no chance from 0 to 1"),
    ],
)
def test_bad_use_is_told_in_one_line(words: list[str], said: str) -> None:
    done = _run(*words)
    assert done.returncode == BAD_USE
    assert said in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (Grade(0, 0, 2, 87, 0, 1234), "grade: moderate, 87 %, 12.34 mm²"),
        (Grade(0, 1, 255, 255, 7, 65535), "exam, no grade: frozen picture"),
        (Grade(0, 0, 255, 255, 255, 65535), "no grade: a reason that this version does not know"),
        (Grade(0, 0, 9, 87, 0, 65535), "grade: 9, 87 %"),
        (ExamStarted(1), "exam started, left"),
        (ExamStarted(77), "exam started"),
        (State(0, 255, 0, 255, 0, 255, 255, 0), "state: nothing is known"),
        (Power(255, 255, -32768), "battery: not known"),
        (ButtonEvent(0, 99, 99), "button: 99 99"),
        (Log(3, "a\x1b[2Jb"), "firmware error: a [2Jb"),
    ],
)
def test_what_goes_over_the_link_in_words(message: Message, said: str) -> None:
    assert in_words(message) == said


def test_every_word_is_in_the_page() -> None:
    page = (Path(__file__).parents[3] / "docs" / "the-probe.md").read_text()
    assert [word for word in WORDS if f"`{word}" not in page] == []


def test_a_host_that_comes_first_waits_for_it(tmp_path: Path) -> None:
    host = Host(lambda hello, listen: SerialLink(str(tmp_path / "tty"), hello, listen, wait=True))
    time.sleep(0.2)
    probe = SimulatedProbe(SimulatedFirmware(), link=tmp_path / "tty")
    assert soon(lambda: host.befell(Connected))
    host.link.close()
    probe.close()


def test_a_link_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("")
    (tmp_path / "mine").symlink_to(tmp_path / "there")
    done = _run("simulate", "--port-link", str(tmp_path / "mine"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert (tmp_path / "mine").is_symlink()


def test_of_a_port_that_speaks_something_else_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    threading.Timer(0.2, os.write, (ours, b"login: \0 \0" * 20)).start()
    assert main(["device", "link", os.ttyname(theirs), "--seconds", "0.5"]) == ANSWER_IS_NO
    assert "nobody answered, but bytes come" in capsys.readouterr().out
    os.close(ours)
    os.close(theirs)
