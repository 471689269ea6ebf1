"""Sizes and rates of a grabber that makes frames of its own: vivid's webcam lists them, and takes another."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from edge.cli import DONE, main
from edge.frame import Frame
from firmware_bridge.errors import UnsupportedError
from firmware_bridge.frame_rates import FrameSizes, frame_rate, frame_sizes, set_frame_rate
from firmware_bridge.hdmi import Receiver
from firmware_bridge.v4l2 import Device
from firmware_bridge.v4l2_node import Node
from firmware_bridge.v4l2_source import V4l2Source, open_v4l2
from tests.vm.vivid import VIDEO

OUTPUT = "/dev/video1"
# A webcam and, as its second input, an HDMI receiver with a scaler; and an output.
WEBCAM = ("n_devs=1", "num_inputs=2", "input_types=0xc", "node_types=0x101", "num_outputs=1", "output_types=1")

pytestmark = pytest.mark.parametrize("vivid", [WEBCAM], indirect=True, scope="session")


@pytest.fixture
def grabber(vivid: None) -> Iterator[Device]:
    with Device.open(VIDEO) as device:
        device.set_format(640, 360, "YUYV")
        yield device


def test_each_size_is_listed_with_its_rates(grabber: Device) -> None:
    for fourcc in ("YUYV", "GREY"):
        sizes = frame_sizes(grabber, fourcc)
        assert [each.greatest for each in sizes][:3] == [(320, 180), (640, 360), (640, 480)]
        for each in sizes:
            assert each.least == each.greatest and not each.fps_between
            assert len(each.fps) == len(set(each.fps)) > 1
            given = grabber.set_format(*each.greatest, fourcc)
            assert (given.width, given.height) == each.greatest
    assert frame_sizes(grabber, "MJPG") == (), "which vivid has not"


def test_every_listed_rate_is_taken_as_it_is(grabber: Device) -> None:
    listed = frame_sizes(grabber, "YUYV")[1]
    for fps in listed.fps:
        asked = Fraction(fps).limit_denominator(1001)
        assert set_frame_rate(grabber, asked) == frame_rate(grabber) == asked


def test_another_rate_is_what_the_driver_makes_of_it(grabber: Device) -> None:
    listed = frame_sizes(grabber, "YUYV")[1].fps
    assert set_frame_rate(grabber, Fraction(999)) == max(listed)
    assert set_frame_rate(grabber, Fraction(1, 999)) == min(listed)


def test_a_receiver_with_a_scaler_lists_a_range_and_keeps_the_rate_that_arrives(grabber: Device) -> None:
    Receiver(grabber, 1)
    try:
        (only,) = frame_sizes(grabber, "YUYV")
        assert only.least < (320, 200) and only.greatest > (1920, 1080) and only.step == (2, 2)
        assert str(only).startswith(f"{only.least[0]}x{only.least[1]} to ") and " in steps of 2x2" in str(only)
        arrives = frame_rate(grabber)
        assert set_frame_rate(grabber, arrives / 2) == arrives
    finally:
        Receiver(grabber, 0)


def test_a_node_that_gives_no_frames_has_no_rate(grabber: Device) -> None:
    with closing(Node(OUTPUT)) as output:
        for call in (frame_rate, partial(set_frame_rate, fps=Fraction(10))):
            with pytest.raises(UnsupportedError, match=r"^/dev/video1: its frame rate cannot be set: leave fps out$"):
                call(output)


def whole(source: V4l2Source, count: int) -> list[Frame]:
    deadline, found = time.monotonic() + 30, []
    for frame in source:
        assert time.monotonic() < deadline, source.events()
        if frame.pixels is not None:
            found.append(frame)
        if len(found) == count:
            break
    return found


@pytest.mark.parametrize(
    ("fps", "comes", "said"),
    [
        ("5", 5.0, "the driver gives 5 frames a second, as asked for"),
        ("10", 10.0, "the driver gives 10 frames a second, as asked for"),
        ("3.5", 4.0, "the driver gives 4 frames a second, where 3.5 is wanted"),
    ],
)
def test_the_source_comes_at_the_rate_that_was_asked_for(vivid: None, fps: str, comes: float, said: str) -> None:
    source = open_v4l2(f"{VIDEO}?size=320x180&format=GREY&fps={fps}")
    try:
        frames = whole(source, 6)
        assert said in [event.why for event in source.events()]
    finally:
        source.close()
    counted = np.diff([frame.index for frame in frames])
    gaps_s = np.diff([frame.timestamp_ns for frame in frames]) / 1e9 / counted
    assert np.median(gaps_s) == pytest.approx(1 / comes, rel=0.1)


def test_probe_lists_them(grabber: Device, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["device", "probe", VIDEO, "--json"]) == DONE
    (found,) = json.loads(capsys.readouterr().out)
    listed = frame_sizes(grabber, "YUYV")
    assert [FrameSizes(**each) for each in found["sizes"]["YUYV"]] == [
        FrameSizes(list(each.least), list(each.greatest), list(each.step), list(each.fps)) for each in listed
    ]
    assert set(found["sizes"]) == {*found["formats"], *found["other_formats"]}
    assert main(["device", "probe", VIDEO]) == DONE
    lines = capsys.readouterr().out.splitlines()
    assert f"  YUYV         {listed[0]}" in lines and f"               {listed[1]}" in lines
