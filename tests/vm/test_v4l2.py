"""One open video node against a true driver: streaming, its faults, and nothing left behind."""

from __future__ import annotations

import gc
import os
import threading
import time
import weakref
from collections.abc import Callable

import numpy as np
import pytest

from edge.screen.colour import in_colour
from firmware_bridge import pixel_formats
from firmware_bridge import v4l2_abi as abi
from firmware_bridge.errors import (
    CaptureError,
    DeviceAbsentError,
    DeviceBusyError,
    DeviceClosedError,
    DeviceDeniedError,
    DeviceGoneError,
    NotACaptureDeviceError,
    StreamBrokenError,
    UnsupportedError,
)
from firmware_bridge.pixel_formats import Picture
from firmware_bridge.v4l2 import Device
from tests.vm.vivid import INPUT_AND_OUTPUT, VIDEO, Source, buffers, held, next_buffer

# Of BT.709 in 16..235: luma, Cb, Cr, and the colour that it is, as blue, green, red.
COLOURS = {
    "white": ((235, 128, 128), (255, 255, 255)),
    "black": ((16, 128, 128), (0, 0, 0)),
    "red": ((63, 102, 240), (0, 0, 255)),
    "green": ((173, 42, 26), (0, 255, 0)),
    "blue": ((32, 240, 118), (255, 0, 0)),
}
BT709 = (0.0722, 0.7152, 0.2126)  # of blue, green, red


def picture_of(device: Device, fourcc: str) -> Picture:
    """A picture in that format, freshly streamed, as a copy."""
    device.stop()
    format_ = device.set_format(1280, 720, fourcc)
    assert (format_.width, format_.height, format_.fourcc) == (1280, 720, fourcc)
    device.start()
    pixels, chroma = pixel_formats.picture_of(next_buffer(device).memory, format_)
    return Picture(pixels.copy(), None if chroma is None else chroma.copy())


def test_says_what_it_is(device: Device) -> None:
    capability = device.capability
    assert (capability.driver, capability.card, capability.bus_info) == ("vivid", "vivid", "platform:vivid-000")
    formats = device.formats()
    assert set(pixel_formats.FOURCCS) - set(formats) == {"MJPG"}
    assert formats["UYVY"] == "UYVY 4:2:2" and "Y16 -BE" in formats


@pytest.mark.parametrize("fourcc", ["UYVY", "YUYV", "NV12"])
def test_luma_and_chroma_are_those_of_the_pattern(device: Device, source: Source, fourcc: str) -> None:
    for pattern, (levels, _) in COLOURS.items():
        source.shows(pattern)
        pixels, chroma = picture_of(device, fourcc)
        assert chroma is not None
        assert (pixels.shape, chroma.shape) == ((720, 1280), (360 if fourcc == "NV12" else 720, 640, 2))
        for plane, level in zip((pixels, chroma[..., 0], chroma[..., 1]), levels, strict=True):
            assert np.abs(plane.astype(int) - level).max() <= 1, pattern


@pytest.mark.parametrize("fourcc", ["BGR3", "RGB3", "GREY"])
def test_full_range_levels_are_those_of_the_pattern(device: Device, source: Source, fourcc: str) -> None:
    for pattern, (_, bgr) in COLOURS.items():
        source.shows(pattern)
        pixels, chroma = picture_of(device, fourcc)
        assert chroma is None and device.format.full_range
        want = np.dot(bgr, BT709) if fourcc == "GREY" else bgr
        assert np.abs(pixels - np.asarray(want)).max() <= 1.5, pattern


def test_all_formats_show_the_same_picture(device: Device, source: Source) -> None:
    source.shows("bars")
    luma, chroma = picture_of(device, "UYVY")
    assert chroma is not None
    assert not device.format.full_range
    for fourcc, lines in (("YUYV", 1), ("NV12", 2)):
        other = picture_of(device, fourcc)
        assert np.array_equal(other.pixels, luma), fourcc
        assert np.array_equal(other.chroma, chroma[::lines]), fourcc
    bgr = picture_of(device, "BGR3").pixels
    assert np.array_equal(picture_of(device, "RGB3").pixels, bgr)
    assert np.abs(16 + bgr @ np.array(BT709) * 219 / 255 - luma).max() <= 1.5
    assert np.all(np.diff(luma[360, 80::160].astype(int)) < 0), "the eight bars darken from left to right"
    # As the screen's rooms see colour.
    seen = in_colour(luma, chroma)[360, 80::160]
    assert ((seen > 127) == (bgr[360, 80::160] > 127)).all()


def test_padding_is_left_out(device: Device, source: Source) -> None:
    source.shows("bars")
    plain = picture_of(device, "UYVY")
    assert plain.chroma is not None
    device.stop()
    asked = abi.Format(type=abi.V4L2_BUF_TYPE_VIDEO_CAPTURE)
    asked.fmt.pix.width, asked.fmt.pix.height, asked.fmt.pix.bytesperline = 1280, 720, 2560 + 64
    asked.fmt.pix.pixelformat = pixel_formats.fourcc_number("UYVY")
    device.ioctl(abi.VIDIOC_S_FMT, asked, "asking for padding")
    assert device.format.bytesperline == 2624
    device.start()
    buffer = next_buffer(device)
    for plane, whole in zip(pixel_formats.picture_of(buffer.memory, device.format), plain, strict=True):
        assert np.array_equal(plane, whole)
        assert np.shares_memory(plane, buffer.memory)


def test_frames_carry_the_drivers_clock_and_count(device: Device) -> None:
    device.start()
    stamps, sequences = [], []
    for buffer in buffers(device, 10):
        age_ns = time.monotonic_ns() - (buffer.timestamp_ns or 0)
        assert 0 <= age_ns < 2_000_000_000  # which vivid's own stamps are not: they may be ahead
        stamps.append(buffer.timestamp_ns)
        sequences.append(buffer.sequence)
    assert stamps == sorted(set(stamps))
    assert sequences == sorted(sequences) and len(set(sequences)) > 5  # vivid, when late, may count one twice


def test_dropped_frames_are_gaps_in_the_count(device: Device, source: Source) -> None:
    source.set("percentage_of_dropped_buffers", 60)
    device.start()
    sequences = [buffer.sequence for buffer in buffers(device, 12)]
    assert sequences[-1] - sequences[0] + 1 > len(sequences)


def test_a_stall_is_a_wait_that_times_out(device: Device, source: Source) -> None:
    device.start()
    next_buffer(device)
    source.set("percentage_of_dropped_buffers", 100)
    while device.wait(0.3).buffer:  # what was filled before
        assert device.dequeue()
    assert device.dequeue() is None
    start = time.monotonic()
    assert device.wait(0.3) == (False, False)
    assert 0.3 <= time.monotonic() - start < 1.0
    source.set("percentage_of_dropped_buffers", 0)
    assert next_buffer(device)


def test_a_damaged_buffer_says_so(device: Device, source: Source) -> None:
    device.start()
    assert not any(buffer.error for buffer in buffers(device, 3))
    source.set("inject_v4l2_buf_flag_error")
    assert sum(buffer.error for buffer in buffers(device, 10)) == 1


def test_a_stream_that_broke_starts_again(device: Device, source: Source) -> None:
    device.start()
    held_buffer = next_buffer(device)
    source.set("inject_fatal_streaming_error")
    assert device.wait(1.0).buffer
    with pytest.raises(StreamBrokenError, match=r"^/dev/video0: taking a frame: .*input/output error"):
        while device.dequeue():
            pass
    device.requeue(held_buffer.slot)  # no fault of the one who gives it back
    device.start()
    assert not next_buffer(device).error


def test_unplugged_while_streaming(device: Device, source: Source) -> None:
    device.start()
    buffer = next_buffer(device)
    first = buffer.memory[:100].copy()
    source.set("disconnect")
    with pytest.raises(DeviceGoneError, match=r"^/dev/video0: .*was it unplugged\?$"):
        device.wait(1.0)
    with pytest.raises(DeviceGoneError):
        device.dequeue()
    device.requeue(buffer.slot)
    with pytest.raises(DeviceAbsentError, match=r"^/dev/video0: there is no such device"):
        Device.open(VIDEO)
    device.stop()
    device.close()
    source.close()
    assert np.array_equal(buffer.memory[:100], first)  # a view outlives the device
    del buffer  # and holds its node: only now may the device be that node again
    with Device.open(VIDEO) as back:
        back.start()
        assert next_buffer(back)


@pytest.mark.parametrize("fault", ["reqbufs", "qbuf", "streamon"])
def test_a_failed_start_leaves_nothing(device: Device, source: Source, fault: str) -> None:
    before = held()
    source.set(f"inject_vidioc_{fault}_error")
    with pytest.raises(CaptureError, match=r"^/dev/video0: (asking for buffers|giving it a buffer|starting): "):
        device.start()
    assert held() == before
    device.start()
    assert next_buffer(device)


def test_nothing_leaks(device: Device, source: Source) -> None:
    device.close()
    before = held()
    for _ in range(50):
        with Device.open(VIDEO) as again:
            again.start()
            buffer = next_buffer(again)
            assert held()[1] == 4
        del buffer
    assert held() == before


def test_one_streams_and_another_is_busy(device: Device) -> None:
    device.start()
    next_buffer(device)
    with Device.open(VIDEO) as other:
        assert other.format == device.format
        with pytest.raises(DeviceBusyError, match=r"^/dev/video0: asking for buffers: busy: another program uses it"):
            other.start()
        with pytest.raises(DeviceBusyError):
            other.set_format(640, 480, "GREY")
    assert next_buffer(device), "the other took nothing from us"


def test_another_user_is_denied(vivid: None) -> None:
    os.seteuid(65534)
    try:
        with pytest.raises(DeviceDeniedError, match=r"^/dev/video0: permission denied: add this user to the group"):
            Device.open(VIDEO)
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("vivid", [INPUT_AND_OUTPUT], indirect=True)
def test_an_output_is_no_capture_device(vivid: None) -> None:
    before = held()
    with pytest.raises(NotACaptureDeviceError, match=r"^/dev/video1: not a capture device.*\(vivid\)$"):
        Device.open("/dev/video1")
    assert held() == before


@pytest.mark.parametrize("streaming", [False, True])
def test_close_wakes_the_one_who_waits(device: Device, source: Source, streaming: bool) -> None:
    if streaming:
        source.set("percentage_of_dropped_buffers", 100)
        device.start()
    waiting, seen = threading.Event(), []

    def wait() -> None:
        waiting.set()
        try:
            device.wait(30.0)
        except CaptureError as error:
            seen.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wait()
    time.sleep(0.2)
    start = time.monotonic()
    device.close()
    thread.join(5.0)
    assert not thread.is_alive() and time.monotonic() - start < 2.0
    assert [type(error) for error in seen] == [DeviceClosedError]
    calls: list[Callable[[], object]] = [lambda: device.wait(0.1), device.dequeue, device.start, lambda: device.format]
    for call in calls:
        with pytest.raises(DeviceClosedError, match=r"^/dev/video0: it was closed$"):
            call()
    device.close()


def test_a_buffer_is_read_only_and_lives_as_long_as_its_views(device: Device) -> None:
    _, mapped = held()
    device.start(buffers=3)
    buffer = next_buffer(device)
    given_back: list[int] = []
    weakref.finalize(buffer.memory, given_back.append, buffer.slot.index)
    view = pixel_formats.picture_of(buffer.memory, device.format).pixels[10:20, 10:20]
    with pytest.raises(ValueError, match="read-only"):
        view[0, 0] = 1
    seen = view.copy()
    del buffer
    device.close()
    assert not given_back and held()[1] == mapped + 1
    assert np.array_equal(view, seen)
    del view
    gc.collect()
    assert given_back and held()[1] == mapped


def test_a_ring_that_is_all_out_waits_for_one_to_come_back(device: Device) -> None:
    device.start(buffers=4)
    out = [next_buffer(device) for _ in range(4)]
    assert device.queued == 0
    assert device.wait(0.3) == (False, False)
    for _ in range(2):  # the second time it is back already
        device.requeue(out[2].slot)
    assert device.queued == 1
    assert next_buffer(device).slot == out[2].slot

    device.start(buffers=4)
    again = next_buffer(device)
    for of_the_ring_before in out:
        device.requeue(of_the_ring_before.slot)
    assert device.queued == 3, "only its own slot brings a buffer back"
    device.requeue(again.slot)
    assert device.queued == 4


def test_a_control_that_is_not_there(device: Device) -> None:
    with pytest.raises(UnsupportedError, match=r"^/dev/video0: there is no control 'warmth'$"):
        device.control("warmth")
    device.set_control("brightness", 77)
    assert device.control("brightness") == device.control(device.controls()["brightness"]) == 77
