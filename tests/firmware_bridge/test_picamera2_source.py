"""The camera source against a stand-in that honours picamera2's documented interface. No camera was at hand."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest

from edge.errors import MissingExtraError
from edge.frame import FrameSource
from firmware_bridge.errors import CaptureError
from firmware_bridge.picamera2_source import SIZE, open_camera


class Request:
    """CompletedRequest: arrays and metadata until it is released."""

    open_requests = 0

    def __init__(self, number: int) -> None:
        self.number = number
        Request.open_requests += 1

    def make_array(self, name: str) -> np.ndarray:
        assert name == "main"
        rows = SIZE[1] * 3 // 2  # YUV420: luma, then both chroma planes; the stride may be wider than the picture
        return np.full((rows, SIZE[0] + 64), self.number, np.uint8)

    def get_metadata(self) -> dict[str, Any]:
        return {"SensorTimestamp": 1_000_000 * self.number}

    def release(self) -> None:
        Request.open_requests -= 1


class Camera:
    """Picamera2: configured, then started, then captured from."""

    def __init__(self, number: int) -> None:
        if number > 0:
            raise IndexError("list index out of range")
        self.state: list[str] = []
        self.captured = 0

    def create_video_configuration(self, main: dict[str, Any]) -> dict[str, Any]:
        assert main == {"size": SIZE, "format": "YUV420"}
        return main

    def configure(self, configuration: dict[str, Any]) -> None:
        self.state.append("configured")

    def start(self) -> None:
        assert self.state == ["configured"]
        self.state.append("started")

    def capture_request(self) -> Request:
        assert self.state == ["configured", "started"]
        self.captured += 1
        return Request(self.captured)

    def stop(self) -> None:
        self.state.append("stopped")

    def close(self) -> None:
        self.state.append("closed")


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = types.ModuleType("picamera2")
    stand_in.Picamera2 = Camera  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "picamera2", stand_in)


@pytest.mark.usefixtures("module")
def test_frames_are_luma_with_the_sensor_s_time() -> None:
    source = open_camera("0")
    assert isinstance(source, FrameSource) and source.stream
    frames = iter(source)
    first, second = next(frames), next(frames)
    assert first.pixels is not None and first.pixels.shape == SIZE[::-1]
    assert (first.index, second.index) == (0, 1)
    assert (first.timestamp_ns, second.timestamp_ns) == (1_000_000, 2_000_000)
    assert first.pixels.max() == 1 and Request.open_requests == 0  # copied out: the request is given back at once
    source.close()
    source.close()
    assert list(source) == []


@pytest.mark.usefixtures("module")
def test_a_camera_that_is_not_there_is_one_line() -> None:
    with pytest.raises(CaptureError, match="picamera2:3: the camera cannot be opened"):
        open_camera("3")
    with pytest.raises(CaptureError, match="give the camera's number"):
        open_camera("front")


def test_without_the_package_the_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(MissingExtraError, match=r"the extra 'picamera2'"):
        open_camera("0")
