"""The receiver: EDID, timings, and every way in which a signal can fail, as a true driver tells it."""

from __future__ import annotations

import numpy as np
import pytest

from firmware_bridge import v4l2_abi as abi
from firmware_bridge.errors import CaptureError, DeviceBusyError
from firmware_bridge.hdmi import Link, LinkStatus, Receiver, inputs
from firmware_bridge.v4l2 import Device
from tests.vm.vivid import Source, buffers, next_buffer


def test_the_one_input_is_hdmi(device: Device) -> None:
    (only,) = inputs(device)
    assert (only.index, only.name, only.digital, only.status) == (0, "HDMI 0", True, 0)
    assert Receiver(device, 0).index == 0
    with pytest.raises(CaptureError, match="there is no input 3: it has 1"):
        Receiver(device, 3)


def test_an_edid_is_offered_and_read_back(receiver: Receiver) -> None:
    shipped = receiver.edid()
    assert len(shipped) == 256 and shipped.startswith(b"\x00\xff\xff\xff\xff\xff\xff\x00")
    other = bytearray(shipped[:128])
    other[12] ^= 0x55  # of the serial number
    other[126] = 0  # no extension follows
    other[127] = -sum(other[:127]) % 256
    receiver.set_edid(bytes(other))
    assert receiver.edid() == other
    receiver.set_edid(b"")
    assert receiver.edid() == b""
    receiver.set_edid(shipped)
    assert receiver.edid() == shipped


def test_an_edid_that_does_not_fit_is_refused(receiver: Receiver) -> None:
    shipped = receiver.edid()
    with pytest.raises(CaptureError, match="3 blocks, and the device holds at most 2"):
        receiver.set_edid(shipped + bytes(128))
    with pytest.raises(CaptureError, match="whole blocks of 128 bytes, not 100"):
        receiver.set_edid(shipped[:100])
    assert receiver.edid() == shipped


@pytest.mark.parametrize(
    ("mode", "size", "clock_khz", "refresh_hz"),
    [
        ("1080p60", (1920, 1080), 148500, 60.0),
        ("720p60", (1280, 720), 74250, 60.0),
        ("720p50", (1280, 720), 74250, 50.0),
        ("640x480p60", (640, 480), 25175, 59.94),
    ],
)
def test_locks_and_streams(
    device: Device,
    receiver: Receiver,
    source: Source,
    mode: str,
    size: tuple[int, int],
    clock_khz: int,
    refresh_hz: float,
) -> None:
    source.sends(mode)
    status = receiver.status()
    assert status.link is Link.LOCKED and status.powered and status.timing
    timing = status.timing
    assert ((timing.width, timing.height), timing.clock_khz, timing.interlaced) == (size, clock_khz, False)
    assert timing.refresh_hz == pytest.approx(refresh_hz, abs=0.01)
    assert receiver.set_timing(timing) == receiver.timing() == timing
    format_ = device.set_format(*size, "UYVY")
    assert (format_.width, format_.height) == size
    device.start()
    for buffer in buffers(device, 5):
        assert buffer.memory.size == size[0] * size[1] * 2 and not buffer.error


def test_every_known_timing_is_taken_as_it_is(receiver: Receiver) -> None:
    known = receiver.known_timings()
    assert len(known) > 50 and len(set(known)) > 50
    assert [receiver.set_timing(timing) for timing in known] == list(known)


@pytest.mark.parametrize(
    ("signal", "status", "input_status"),
    [
        ("no signal", LinkStatus(Link.NO_SIGNAL, None, powered=False), abi.V4L2_IN_ST_NO_SIGNAL),
        ("no lock", LinkStatus(Link.NO_LOCK, None, powered=True), abi.V4L2_IN_ST_NO_H_LOCK),
        ("out of range", LinkStatus(Link.OUT_OF_RANGE, None, powered=True), abi.V4L2_IN_ST_NO_H_LOCK),
    ],
)
def test_a_lost_signal_has_its_name(
    device: Device, receiver: Receiver, source: Source, signal: str, status: LinkStatus, input_status: int
) -> None:
    source.shows("white")
    assert receiver.watch()
    device.start()
    assert all(buffer.memory[1::2].min() > 230 for buffer in buffers(device, 3))
    locked = receiver.status()

    source.signal(signal)
    assert device.wait(1.0).event
    (event,) = device.events()
    assert (event.type, event.id) == (abi.V4L2_EVENT_SOURCE_CHANGE, 0)
    assert event.changes & abi.V4L2_EVENT_SRC_CH_RESOLUTION
    assert receiver.status() == status
    assert inputs(device)[0].status == input_status
    # The trap: frames go on, without an error, and show noise.
    for buffer in buffers(device, 5):
        assert not buffer.error
        last = buffer.memory.copy()
    assert np.ptp(last) > 100

    source.signal("selected")
    assert device.wait(1.0).event
    assert receiver.status() == locked and locked.link is Link.LOCKED


def test_new_timings_are_followed_by_stop_set_start(device: Device, receiver: Receiver, source: Source) -> None:
    assert receiver.watch()
    device.start()
    next_buffer(device)
    device.events()

    source.sends("1080p60")
    assert device.wait(1.0).event
    device.events()
    timing = receiver.status().timing
    assert timing and (timing.width, timing.height) == (1920, 1080)
    assert next_buffer(device).memory.size == 1280 * 720 * 2, "frames keep the old size until it is set"
    with pytest.raises(DeviceBusyError, match=r"^/dev/video0: setting 1920x1080p60: busy"):
        receiver.set_timing(timing)

    device.stop()
    receiver.set_timing(timing)
    assert device.format.width == 1920
    device.set_format(timing.width, timing.height, "UYVY")
    device.start()
    assert next_buffer(device).memory.size == 1920 * 1080 * 2


def test_an_event_comes_without_streaming(device: Device, receiver: Receiver, source: Source) -> None:
    assert receiver.watch()
    assert device.wait(0.05) == (False, False)
    source.signal("no signal")
    assert device.wait(1.0) == (False, True)
