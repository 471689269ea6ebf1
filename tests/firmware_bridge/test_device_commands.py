"""`sonoedge device`, and a source that is not there: one clear line each. No capture device is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge.cli import ANSWER_IS_NO, BAD_USE, DONE, main
from firmware_bridge.edid import parse
from firmware_bridge.usb_path import nodes

NOT_THERE = "/dev/video63"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("v4l2:", "v4l2: name the device, like v4l2:/dev/video0"),
        (f"v4l2:{NOT_THERE}", f"{NOT_THERE}: there is no such device: is it plugged in, and its driver loaded?"),
        ("v4l2:/dev/null", "/dev/null: no video device: name one like /dev/video0"),
        ("v4l2:/etc/passwd", "/etc/passwd: no video device: name one like /dev/video0"),
        ("v4l2:usb-9-9.9", "usb-9-9.9: no grabber in this USB socket: "),
        (f"v4l2:{NOT_THERE}?colour=1", "there is no option 'colour', only wait, link, format, size, fps"),
        (f"v4l2:{NOT_THERE}?size=big", "size=big: give one like 1280x720"),
        (f"v4l2:{NOT_THERE}?fps=fast", "fps=fast: give one like 30"),
        (f"v4l2:{NOT_THERE}?fps=2", "fps=2: give one like 30"),
        (f"v4l2:{NOT_THERE}?format=H264", "format=H264: give one like UYVY, YUYV, NV12"),
        (f"v4l2:{NOT_THERE}?link=long", "link=long: give one like tc358743-2-lanes"),
    ],
)
def test_a_source_that_cannot_be_is_told_in_one_line(source, said, capsys):
    assert main(["run", "--source", source]) == BAD_USE
    error = capsys.readouterr().err
    assert error.startswith("sonoedge: ")
    assert said in error
    assert error.count("\n") == 1


def test_an_offer_is_saved_read_and_carries_what_the_link_does(tmp_path: Path, capsys):
    file = tmp_path / "offer.bin"
    assert main(["device", "edid", "--offer", "tc358743-2-lanes", "--save", str(file)]) == DONE
    first = capsys.readouterr().out
    assert "preferred    1920x1080p50" in first
    assert "1920x1080p60" not in first
    assert str(parse(file.read_bytes()).preferred) == "1920x1080p50"
    assert main(["device", "edid", str(file)]) == DONE
    assert capsys.readouterr().out.splitlines() == first.splitlines()[:-1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name a device or a file"),
        (["--offer", "unlimited"], "name a device or a file"),
        ([NOT_THERE], "there is no such device"),
        (["--offer", "short", "--save", "x.bin"], "no such link: there are tc358743-2-lanes"),
        (["--set", "absent.bin", NOT_THERE], "absent.bin: cannot be read"),
        (["broken.bin"], "broken.bin: "),
        (["empty.bin"], "0 bytes, and an EDID is 1 to 256 whole blocks"),
        (["nowhere.bin"], "nowhere.bin: name a node like /dev/video0"),
        (["n" * 300], "name a node like /dev/video0"),
        (["--offer", "unlimited", "--save", "nowhere/x.bin"], "nowhere"),
        (["broken.bin", "--offer", "unlimited"], "broken.bin: is a file: give a device"),
    ],
)
def test_bad_use_of_edid_is_told_in_one_line(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.bin").write_bytes(b"\0" * 128)
    (tmp_path / "empty.bin").write_bytes(b"")
    assert main(["device", "edid", *words]) == BAD_USE
    out, error = capsys.readouterr()
    assert said in error
    assert error.count("\n") == 1
    assert not out
    assert not (tmp_path / "x.bin").exists()


@pytest.mark.parametrize("device", [[], [NOT_THERE]])
def test_an_edid_that_was_saved_is_never_written_over(tmp_path: Path, capsys, device):
    file = tmp_path / "ours.bin"
    file.write_bytes(b"an earlier one")
    assert main(["device", "edid", *device, "--offer", "unlimited", "--save", str(file)]) == BAD_USE
    out, error = capsys.readouterr()
    assert error == f"sonoedge: {file}: is there already: give another name, or remove it\n"
    assert not out
    assert file.read_bytes() == b"an earlier one"


def test_where_an_edid_cannot_be_saved_no_device_is_touched(tmp_path: Path, capsys):
    assert (
        main(["device", "edid", NOT_THERE, "--offer", "unlimited", "--save", str(tmp_path / "none" / "x")]) == BAD_USE
    )
    assert "no folder" in capsys.readouterr().err


def test_an_edid_goes_into_a_pipe():
    words = ["device", "edid", "--offer", "unlimited", "--save", "/dev/stdout"]
    done = subprocess.run([sys.executable, "-m", "edge.cli", *words], capture_output=True, check=True)
    assert b"\x00\xff\xff\xff\xff\xff\xff\x00" in done.stdout


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "five"])
def test_a_duration_is_a_number_above_0(seconds, capsys):
    with pytest.raises(SystemExit):
        main(["device", "watch", NOT_THERE, "--seconds", seconds])
    assert "is not a number above 0" in capsys.readouterr().err


def test_a_device_that_never_comes_is_watched_and_the_answer_is_no(capsys):
    assert main(["device", "watch", f"{NOT_THERE}?wait=1", "--seconds", "0.6"]) == ANSWER_IS_NO
    said = capsys.readouterr().out
    assert "absent" in said and "there is no such device" in said
    assert said.endswith("0 frames, 0 dropped\n")


def test_each_device_that_was_named_is_probed_though_one_fails(capsys):
    named = [NOT_THERE, "/dev/null", "usb-9-9.9"]
    said = [
        f"{NOT_THERE}: there is no such device: is it plugged in, and its driver loaded?",
        "/dev/null: no video device: name one like /dev/video0",
        "usb-9-9.9: no grabber in this USB socket: there is",
    ]
    assert main(["device", "probe", *named]) == ANSWER_IS_NO
    out, error = capsys.readouterr()
    assert not error
    for block, name, line in zip(out.split("\n\n"), named, said, strict=True):
        assert block.startswith(f"{name}\n  not usable   {line}")
    assert main(["device", "probe", *named, "--json"]) == ANSWER_IS_NO
    found = json.loads(capsys.readouterr().out)
    assert [each["device"] for each in found] == named
    assert all(each["error"].startswith(line) for each, line in zip(found, said, strict=True))


@pytest.mark.skipif(bool(nodes()), reason="a capture device is here")
def test_no_device_at_all_is_an_answer(capsys):
    assert main(["device", "probe"]) == ANSWER_IS_NO
    assert "no video device is here" in capsys.readouterr().out
    assert main(["device", "probe", "--json"]) == ANSWER_IS_NO
    assert capsys.readouterr().out == "[]\n"
