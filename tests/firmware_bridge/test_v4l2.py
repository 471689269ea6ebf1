"""What of a video node can be held to account without one; the rest is in `tests/vm`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from firmware_bridge import v4l2_abi as abi
from firmware_bridge.errors import CaptureError, DeviceAbsentError, NotACaptureDeviceError
from firmware_bridge.hdmi import dv_timings, timing_of
from firmware_bridge.timing import Timing
from firmware_bridge.v4l2 import Device, stamp_of

HD60 = Timing(1920, 1080, False, 148500, 88, 44, 2200, 4, 5, 1125, True, True)
HD60_FIELDS = Timing(1920, 1080, True, 74250, 88, 44, 2200, 2, 5, 1125, True, True)
NTSC = Timing(720, 480, False, 27000, 16, 62, 858, 9, 6, 525, False, False)


@pytest.mark.parametrize("name", ["absent", "file/below"])
def test_what_is_not_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DeviceAbsentError) as caught:
        Device.open(tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name}: there is no such device: is it plugged in, and its driver loaded?"


@pytest.mark.parametrize("path", [Path("/dev/null"), Path(__file__), Path(__file__).parent])
def test_what_is_no_video_node(path: Path) -> None:
    with pytest.raises(NotACaptureDeviceError) as caught:
        Device.open(path)
    assert str(caught.value) == f"{path}: no video device: name one like /dev/video0"


def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(NotACaptureDeviceError):
        Device.open(tmp_path / "fifo")


def test_another_fault_keeps_the_systems_words(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(CaptureError, match=r"cannot be opened: Too many levels of symbolic links$"):
        Device.open(tmp_path / "a")


@pytest.mark.parametrize(
    ("flags", "want"),
    [(abi.V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | 0x1, 12_000_345_000), (0x0, None), (0x4000, None), (0x10000, None)],
)
def test_only_a_monotonic_stamp_counts(flags: int, want: int | None) -> None:
    raw = abi.Buffer(flags=flags, timestamp=abi.Timeval(12, 345))
    assert stamp_of(raw, now_ns=13 * 10**9) == want


def test_no_stamp_is_ahead_of_the_clock() -> None:
    raw = abi.Buffer(flags=abi.V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC, timestamp=abi.Timeval(12, 345))
    assert stamp_of(raw, now_ns=12_000_000_000) == 12_000_000_000


@pytest.mark.parametrize("timing", [HD60, HD60_FIELDS, NTSC])
def test_a_timing_goes_to_the_kernel_and_comes_back(timing: Timing) -> None:
    raw = dv_timings(timing)
    assert timing_of(raw) == timing
    bt = raw.bt
    assert bt.width + bt.hfrontporch + bt.hsync + bt.hbackporch == timing.h_total
    assert bt.pixelclock == timing.clock_khz * 1000
    if timing.interlaced:  # the odd line is the second field's
        assert (bt.vfrontporch, bt.vsync, bt.vbackporch) == (2, 5, 15)
        assert (bt.il_vfrontporch, bt.il_vsync, bt.il_vbackporch) == (2, 5, 16)
