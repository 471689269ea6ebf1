"""An update through a true serial port (a pty): bytes are lost, the port goes, the host is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("smpclient", reason="the extra update is not installed")

import serial

from edge.cli import ANSWER_IS_NO, BAD_USE, DONE, INTERRUPTED, main
from firmware_bridge.errors import DeviceSilentError
from firmware_bridge.update.conversation import Conversation, Patience
from firmware_bridge.update.image import whole
from firmware_bridge.update.serial_line import serial_line
from firmware_bridge.update.simulator.mcuboot import Board
from firmware_bridge.update.simulator.pty_device import PtyDevice
from firmware_bridge.update.simulator.smp_server import FAILS, HANGS
from firmware_bridge.update.updater import Outcome, Result, Updater
from tests.firmware_bridge.update.signed import NEW, OLD, a_board, key, signed
from tests.program import INTERRUPTIBLE

PATIENCE = Patience(answer_s=0.4, tries=12, back_s=5.0, erase_s=0.5, reboot_s=10.0, again_s=1.0, pause_s=0.05)
LARGE = {"sectors": 64, "sector_size": 1024}


def updated(port: Path, image: bytes) -> Result:
    device = Conversation(str(port), serial_line(115200), PATIENCE)
    return asyncio.run(Updater(device, whole(image, "image"), image, "image").run())


@pytest.fixture
def image(tmp_path) -> Path:
    path = tmp_path / "new.bin"
    path.write_bytes(NEW())
    return path


def runs(board: Board) -> str:
    image = board.image_in(board.primary)
    assert image is not None
    return str(image.version)


def test_the_command_updates_and_says_so(image, tmp_path, capsys):
    key("ours").export_public(str(tmp_path / "public.pem"))
    words = ["device", "update", str(image), "--port", str(tmp_path / "port"), "--key", str(tmp_path / "public.pem")]
    with PtyDevice(a_board(), tmp_path / "port") as device:
        assert main([*words, "--check"]) == DONE
        assert capsys.readouterr().out.splitlines() == [
            "device       sonoedge_probe_a, runs 1.0.0",
            "next         upload",
        ]
        assert main(words) == DONE
        assert capsys.readouterr().out == "updated      it runs 1.1.0, which passed its self-test and stays\n"
        assert main([*words, "--json"]) == DONE
        assert json.loads(capsys.readouterr().out) == {"outcome": "already there", "runs": "1.1.0", "why": ""}
        assert runs(device.board) == "1.1.0"


def test_firmware_that_fails_is_an_answer_of_no(tmp_path, capsys):
    (tmp_path / "bad.bin").write_bytes(signed("1.2.0", begins=FAILS))
    with PtyDevice(a_board(), tmp_path / "port") as device:
        assert main(["device", "update", str(tmp_path / "bad.bin"), "--port", str(tmp_path / "port")]) == ANSWER_IS_NO
        assert capsys.readouterr().out == "reverted     it runs 1.0.0 again: its self-test says: no echo\n"
        assert runs(device.board) == "1.0.0"


def test_firmware_that_hangs_is_taken_back(tmp_path):
    with PtyDevice(a_board(), tmp_path / "port") as device:
        assert updated(tmp_path / "port", signed("1.2.0", begins=HANGS)).outcome is Outcome.REVERTED
        assert runs(device.board) == "1.0.0"


def test_bytes_may_be_lost(tmp_path):
    with PtyDevice(a_board(), tmp_path / "port", loss=0.001) as device:
        assert updated(tmp_path / "port", signed("1.1.0", counter=3, size=1300)).outcome is Outcome.UPDATED
        assert runs(device.board) == "1.1.0"


@pytest.mark.parametrize("at", [20, 74, 120, 300])
def test_the_power_may_go_and_the_port_with_it(tmp_path, at):
    board = a_board()
    flash = board.primary.flash
    flash.cut_at = flash.operations + at
    with PtyDevice(board, tmp_path / "port", down_s=0.3) as device:
        assert updated(tmp_path / "port", NEW()).outcome is Outcome.UPDATED
        assert flash.cut_at is None
        assert {each.running.hash for each in device.starts} == {whole(OLD(), "").hash, whole(NEW(), "").hash}


def test_a_device_that_stalls_ends_in_one_line(image, tmp_path, capsys):
    with PtyDevice(a_board(), tmp_path / "port") as device:
        device.stalled.set()
        begun = time.monotonic()
        assert main(["device", "update", str(image), "--port", str(tmp_path / "port")]) == BAD_USE
        assert time.monotonic() - begun < 10
    error = capsys.readouterr().err
    assert "does not answer in SMP" in error and "(nothing was changed)" in error
    assert error.count("\n") == 1


def test_a_device_that_stalls_amid_the_upload_ends_in_one_line(tmp_path):
    with PtyDevice(a_board(), tmp_path / "port") as device:
        board = Conversation(str(tmp_path / "port"), serial_line(115200), Patience(answer_s=0.2, tries=2))
        data = signed("1.1.0", counter=3, size=1300)
        updater = Updater(board, whole(data, "image"), data, "image")
        with pytest.raises(DeviceSilentError, match=r"does not answer.*the same command goes on with the upload"):
            asyncio.run(updater.run(progress=lambda _, has: device.stalled.set() if has else None))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("/dev/ttyACM63", "/dev/ttyACM63: there is no such port: is the probe plugged in?"),
        ("usb-9-9.9", "usb-9-9.9: no serial port in this USB socket: there is "),
        ("/dev/null", "/dev/null: it is no serial port: name one like /dev/ttyACM0"),
    ],
)
def test_a_port_that_cannot_be_is_told_in_one_line(place, said, image, capsys):
    assert main(["device", "update", str(image), "--port", place]) == BAD_USE
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_port_that_another_program_has_is_told(image, tmp_path, capsys):
    with PtyDevice(a_board(), tmp_path / "port"), serial.Serial(str(tmp_path / "port"), exclusive=True):
        assert main(["device", "update", str(image), "--port", str(tmp_path / "port")]) == BAD_USE
    assert "another program has it: close that one (nothing was changed)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"none", "new.bin: 4 bytes are no firmware image"),
        (signed("1.1.0", board="sonoedge_probe_b"), "new.bin: is not for this board, sonoedge_probe_a"),
        (signed("0.9.0", counter=1), "new.bin: its security counter is 1, and the device has seen 2"),
    ],
)
def test_an_image_that_cannot_be_is_told_in_one_line(data, said, image, tmp_path, capsys):
    image.write_bytes(data)
    with PtyDevice(a_board(), tmp_path / "port") as device:
        assert main(["device", "update", str(image), "--port", str(tmp_path / "port")]) == BAD_USE
        assert device.starts[0].pieces == []
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def started(image: Path, port: Path) -> subprocess.Popen[str]:
    words = [*INTERRUPTIBLE, sys.executable, "-m", "edge.cli", "device", "update", str(image), "--port", str(port)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_host_that_is_stopped_amid_the_upload_goes_on_where_it_stood(how, image, tmp_path):
    data = signed("1.1.0", counter=3, size=20_000, more=("-S", "65536", "-M", "64"))
    image.write_bytes(data)
    with PtyDevice(a_board(**LARGE), tmp_path / "port") as device:
        server = device.starts[0]
        process = started(image, tmp_path / "port")
        while len(server.pieces) < 10 and process.poll() is None:
            time.sleep(0.002)
        os.kill(process.pid, how)
        _, error = process.communicate()
        had = len(server.pieces)
        assert 10 <= had < 50, "it was stopped too late"
        if how is signal.SIGINT:
            assert process.returncode == INTERRUPTED
            assert "interrupted: the device runs what it ran; the same command goes on with the upload" in error
            assert error.count("\n") == 1
        assert runs(device.board) == "1.0.0"
        assert updated(tmp_path / "port", data).outcome is Outcome.UPDATED
        assert server.pieces[had][0] == sum(size for _, size in server.pieces[:had])
        assert sum(size for _, size in server.pieces) == len(data)
