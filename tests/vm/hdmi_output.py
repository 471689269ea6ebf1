"""vivid's HDMI output: pictures of ours go into the cable."""

from __future__ import annotations

import ctypes
import mmap
import select
from collections.abc import Iterator
from contextlib import contextmanager

from firmware_bridge import v4l2_abi as abi
from firmware_bridge.hdmi import Receiver
from firmware_bridge.pixel_formats import fourcc_number
from firmware_bridge.timing import Timing
from firmware_bridge.v4l2_node import Node

OUTPUT = "/dev/video1"
VIDEO_OUTPUT = 2  # V4L2_BUF_TYPE_VIDEO_OUTPUT
BUFFERS = 3


class HdmiOutput:
    """Sends UYVY frames of one timing, in a ring of the kernel's buffers."""

    def __init__(self, timing: Timing) -> None:
        self._node = Node(OUTPUT)
        Receiver(self._node).set_timing(timing)
        raw = abi.Format(type=VIDEO_OUTPUT)
        raw.fmt.pix.width, raw.fmt.pix.height = timing.width, timing.height
        raw.fmt.pix.pixelformat = fourcc_number("UYVY")
        self._node.ioctl(abi.VIDIOC_S_FMT, raw, "setting the output's format")
        request = abi.Requestbuffers(count=BUFFERS, type=VIDEO_OUTPUT, memory=abi.V4L2_MEMORY_MMAP)
        self._node.ioctl(abi.VIDIOC_REQBUFS, request, "asking for buffers")
        self._ring = [self._mapped(index) for index in range(request.count)]
        self._free = list(range(request.count))
        self._streaming = False

    def _mapped(self, index: int) -> mmap.mmap:
        raw = _buffer(index)
        self._node.ioctl(abi.VIDIOC_QUERYBUF, raw, "asking for a buffer")
        return mmap.mmap(self._node._fd, raw.length, offset=raw.m.offset)

    def send(self, frame: bytes) -> None:
        """Shows the frame; the last one stays until the next."""
        if not self._free:
            self._node.poll(select.POLLOUT, 5.0)
            raw = _buffer(0)
            self._node.ioctl(abi.VIDIOC_DQBUF, raw, "taking a buffer back")
            self._free.append(raw.index)
        index = self._free.pop()
        self._ring[index][: len(frame)] = frame
        raw = _buffer(index)
        raw.bytesused = len(frame)
        self._node.ioctl(abi.VIDIOC_QBUF, raw, "showing a frame")
        if not self._streaming and not self._free:
            self._node.ioctl(abi.VIDIOC_STREAMON, ctypes.c_int(VIDEO_OUTPUT), "starting the output")
            self._streaming = True

    def close(self) -> None:
        if self._streaming:
            self._node.ioctl(abi.VIDIOC_STREAMOFF, ctypes.c_int(VIDEO_OUTPUT), "stopping the output")
        self._ring = []
        self._node.close()


@contextmanager
def hdmi_output(timing: Timing) -> Iterator[HdmiOutput]:
    output = HdmiOutput(timing)
    try:
        yield output
    finally:
        output.close()


def _buffer(index: int) -> abi.Buffer:
    # Field 1: progressive; an output refuses any other of a progressive timing.
    return abi.Buffer(index=index, type=VIDEO_OUTPUT, memory=abi.V4L2_MEMORY_MMAP, field=1)
