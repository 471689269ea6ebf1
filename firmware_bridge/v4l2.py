"""A capture device, open: formats, and a ring of mapped buffers."""

from __future__ import annotations

import ctypes
import errno
import mmap
import select
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edge.frame import Pixels
from firmware_bridge import v4l2_abi as abi
from firmware_bridge.errors import CaptureError, DeviceGoneError, NotACaptureDeviceError, StreamBrokenError
from firmware_bridge.pixel_formats import FULL_RANGE, Format, fourcc_number, fourcc_text
from firmware_bridge.v4l2_node import Node, text_of

BUFFERS = 4  # in a ring: one being filled, one being looked at, and two for a reader that is late

_CAPTURE = ctypes.c_int(abi.V4L2_BUF_TYPE_VIDEO_CAPTURE)


class Ready(NamedTuple):
    """What `Device.wait` found; neither when the time ran out."""

    buffer: bool
    event: bool


@dataclass(frozen=True)
class Slot:
    """A place in the ring of one `start`."""

    ring: int
    index: int


@dataclass(frozen=True, eq=False)
class Buffer:
    """A filled buffer, still the kernel's memory.

    `memory` is a new array each time, which every view of it keeps alive: a `weakref.finalize` on it tells when nobody
    looks at the buffer any more.
    """

    slot: Slot
    memory: Pixels  # (bytes used,), read-only
    timestamp_ns: int | None  # on time.monotonic_ns(), never ahead of it; None: the driver's clock is another
    sequence: int  # the driver's count of frames; a gap is frames that were dropped
    error: bool  # the driver knows that the contents are damaged


class Device(Node):
    """A capture device. Any number of programs may open it, until one streams."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self._streaming = False
        self._ring: list[mmap.mmap] = []
        self._ring_number = 0
        self._out: set[int] = set()

    @classmethod
    def open(cls, path: str | Path) -> Device:
        """Opens `/dev/videoN`.

        Raises:
            DeviceAbsentError, DeviceDeniedError, DeviceBusyError, NotACaptureDeviceError: as their names say.
        """
        device = cls(path)
        try:
            device._require_capture()
        except BaseException:
            device.close()
            raise
        return device

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _release(self) -> None:
        with suppress(CaptureError):
            self.stop()

    def _require_capture(self) -> None:
        can = self.capability
        if can.flags & abi.V4L2_CAP_VIDEO_CAPTURE and can.flags & abi.V4L2_CAP_STREAMING:
            return
        why = (
            "gives its frames in several planes, which is not supported"
            if can.flags & abi.V4L2_CAP_VIDEO_CAPTURE_MPLANE
            else "not a capture device: a grabber may have several nodes, try the others"
        )
        raise self.fault(NotACaptureDeviceError, f"{why} ({can.card})")

    def formats(self) -> dict[str, str]:
        """The fourccs that the driver offers, its favourite first, with its words for them."""
        found: dict[str, str] = {}
        raw = abi.Fmtdesc(type=abi.V4L2_BUF_TYPE_VIDEO_CAPTURE)
        while not self.ioctl(abi.VIDIOC_ENUM_FMT, raw, "listing formats", errno.EINVAL):
            found[fourcc_text(raw.pixelformat)] = text_of(raw.description)
            raw.index += 1
        return found

    @property
    def format(self) -> Format:
        """The format that is set."""
        raw = abi.Format(type=abi.V4L2_BUF_TYPE_VIDEO_CAPTURE)
        self.ioctl(abi.VIDIOC_G_FMT, raw, "asking for the format")
        return _format(raw.fmt.pix)

    def set_format(self, width: int, height: int, fourcc: str) -> Format:
        """Asks for frames of this kind; returns what the driver will give, which may be something else.

        Raises:
            DeviceBusyError: it streams, for us or for another program.
        """
        raw = abi.Format(type=abi.V4L2_BUF_TYPE_VIDEO_CAPTURE)
        raw.fmt.pix.width, raw.fmt.pix.height, raw.fmt.pix.pixelformat = width, height, fourcc_number(fourcc)
        self.ioctl(abi.VIDIOC_S_FMT, raw, f"setting {fourcc} {width}x{height}")
        return _format(raw.fmt.pix)

    def start(self, buffers: int = BUFFERS) -> None:
        """Streams into a ring of so many buffers, or as many as the driver makes of it; ends first what streams."""
        with self._state:
            self.stop()
            request = _request_buffers(buffers)
            self.ioctl(abi.VIDIOC_REQBUFS, request, "asking for buffers")
            self._streaming = True
            try:
                self._ring = [self._mapped(index) for index in range(request.count)]
                for index in range(request.count):
                    self.ioctl(abi.VIDIOC_QBUF, _raw_buffer(index), "giving it a buffer")
                self.ioctl(abi.VIDIOC_STREAMON, _CAPTURE, "starting")
            except BaseException:
                with suppress(CaptureError):
                    self.stop()
                raise

    def _mapped(self, index: int) -> mmap.mmap:
        raw = _raw_buffer(index)
        self.ioctl(abi.VIDIOC_QUERYBUF, raw, "asking for a buffer")
        try:
            return mmap.mmap(self._fd, raw.length, mmap.MAP_SHARED, mmap.PROT_READ, offset=raw.m.offset)
        except OSError as error:
            raise self.translated(error, "mapping a buffer") from error

    def stop(self) -> None:
        """Ends streaming. Buffers that are out need not come back: their views stay readable. Again it does nothing."""
        with self._state:
            if not self._streaming:
                return
            self._streaming = False
            self._ring_number += 1
            self._ring = []  # unmaps each buffer with the last view of it
            self._out = set()
            with suppress(DeviceGoneError):
                self.ioctl(abi.VIDIOC_STREAMOFF, _CAPTURE, "stopping")
                self.ioctl(abi.VIDIOC_REQBUFS, _request_buffers(0), "freeing the buffers")

    def wait(self, timeout_s: float) -> Ready:
        """Waits for a buffer (while streaming) or an event, at most `timeout_s` seconds.

        A stream that broke shows as a buffer, and `dequeue` then says so.

        Raises:
            DeviceGoneError: it was unplugged. DeviceClosedError: `close` was called.
        """
        found = self.poll(select.POLLPRI | (select.POLLIN if self._streaming else 0), timeout_s)
        return Ready(bool(found & (select.POLLIN | select.POLLERR)), bool(found & select.POLLPRI))

    def dequeue(self) -> Buffer | None:
        """The oldest filled buffer, which is ours until `requeue`; None when there is none yet.

        Raises:
            StreamBrokenError: the driver gave up: `start` again. DeviceGoneError: it was unplugged.
        """
        with self._state:
            raw = _raw_buffer(0)
            if self.ioctl(abi.VIDIOC_DQBUF, raw, "taking a frame", errno.EAGAIN):
                return None
            self._out.add(raw.index)
            return Buffer(
                slot=Slot(self._ring_number, raw.index),
                memory=np.frombuffer(self._ring[raw.index], np.uint8, count=raw.bytesused),
                timestamp_ns=stamp_of(raw, time.monotonic_ns()),
                sequence=raw.sequence,
                error=bool(raw.flags & abi.V4L2_BUF_FLAG_ERROR),
            )

    def requeue(self, slot: Slot) -> None:
        """Gives a buffer back to be filled anew: nobody may look at it any more.

        A slot of an earlier `start`, or one that is back already, is left alone. That a stream broke or a device is
        gone is no fault here: `wait` and `dequeue` say so.
        """
        with self._state, suppress(StreamBrokenError, DeviceGoneError):
            if slot.ring == self._ring_number and slot.index in self._out:
                self._out.remove(slot.index)
                self.ioctl(abi.VIDIOC_QBUF, _raw_buffer(slot.index), "giving a buffer back")

    @property
    def queued(self) -> int:
        """How many buffers the driver has to fill; at 0 frames are lost."""
        with self._state:
            return len(self._ring) - len(self._out)


def _request_buffers(count: int) -> abi.Requestbuffers:
    return abi.Requestbuffers(count=count, type=abi.V4L2_BUF_TYPE_VIDEO_CAPTURE, memory=abi.V4L2_MEMORY_MMAP)


def _raw_buffer(index: int) -> abi.Buffer:
    return abi.Buffer(index=index, type=abi.V4L2_BUF_TYPE_VIDEO_CAPTURE, memory=abi.V4L2_MEMORY_MMAP)


def stamp_of(raw: abi.Buffer, now_ns: int) -> int | None:
    """When a buffer was filled, on time.monotonic_ns(); None when the driver stamps by another clock."""
    if raw.flags & abi.V4L2_BUF_FLAG_TIMESTAMP_MASK != abi.V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC:
        return None
    # A driver that reckons stamps from the frame rate is a little ahead, and no frame is from the future.
    return min(now_ns, int(raw.timestamp.tv_sec) * 10**9 + int(raw.timestamp.tv_usec) * 1000)


def _format(raw: abi.PixFormat) -> Format:
    fourcc = fourcc_text(raw.pixelformat)
    full_range = raw.quantization == abi.V4L2_QUANTIZATION_FULL_RANGE
    if raw.quantization == abi.V4L2_QUANTIZATION_DEFAULT:
        full_range = fourcc in FULL_RANGE or raw.colorspace == abi.V4L2_COLORSPACE_JPEG
    return Format(raw.width, raw.height, fourcc, raw.bytesperline, raw.sizeimage, raw.colorspace, full_range)
