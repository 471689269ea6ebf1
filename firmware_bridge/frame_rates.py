"""Frame sizes and rates of an open node: what its driver lists, what is set, and another to ask for.

A grabber lists them, for it makes frames of its own. A receiver lists nothing, or all that it could: its frames come as
what arrives does.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from firmware_bridge import v4l2_abi as abi
from firmware_bridge.errors import UnsupportedError
from firmware_bridge.pixel_formats import fourcc_number
from firmware_bridge.v4l2_node import Node

_ENDS = (errno.EINVAL, errno.ENOTTY, errno.ENODATA)  # of a list, or there is none


@dataclass(frozen=True)
class FrameSizes:
    """Sizes of one pixel format, (width, height) in px; one size where the least is the greatest."""

    least: tuple[int, int]
    greatest: tuple[int, int]
    step: tuple[int, int]
    fps: tuple[float, ...]  # frames a second at the greatest size, in the driver's order; none: it lists none
    fps_between: bool = False  # `fps` is the slowest and the fastest, and others between are possible

    def __str__(self) -> str:
        size = _text(self.least)
        if self.least != self.greatest:
            size += f" to {_text(self.greatest)} in steps of {_text(self.step)}"
        rates = (" to " if self.fps_between else ", ").join(f"{fps:.4g}" for fps in self.fps)
        return f"{size} at {rates} a second" if rates else size


def frame_sizes(node: Node, fourcc: str) -> tuple[FrameSizes, ...]:
    """What the driver lists for this pixel format, in its order; nothing where it has no such list."""
    found, raw = [], abi.Frmsizeenum(pixel_format=fourcc_number(fourcc))
    while not node.ioctl(abi.VIDIOC_ENUM_FRAMESIZES, raw, "listing frame sizes", *_ENDS):
        found.append(_sizes(node, raw))
        if raw.type != abi.V4L2_FRMSIZE_TYPE_DISCRETE:  # a range is the whole list
            break
        raw.index += 1
    return tuple(found)


def _sizes(node: Node, raw: abi.Frmsizeenum) -> FrameSizes:
    if raw.type == abi.V4L2_FRMSIZE_TYPE_DISCRETE:
        least = greatest = raw.discrete.width, raw.discrete.height
        step = 1, 1
    else:
        least = raw.stepwise.min_width, raw.stepwise.min_height
        greatest = raw.stepwise.max_width, raw.stepwise.max_height
        step = raw.stepwise.step_width, raw.stepwise.step_height
    asked = abi.Frmivalenum(pixel_format=raw.pixel_format, width=greatest[0], height=greatest[1])
    listed = list(_intervals(node, asked))
    fps = tuple(float(1 / each) for each in listed)
    between = bool(listed) and asked.type != abi.V4L2_FRMIVAL_TYPE_DISCRETE
    return FrameSizes(least, greatest, step, fps, between)


def _intervals(node: Node, raw: abi.Frmivalenum) -> Iterator[Fraction]:
    """Seconds from frame to frame, one by one; of a range the longest and the shortest."""
    while not node.ioctl(abi.VIDIOC_ENUM_FRAMEINTERVALS, raw, "listing frame intervals", *_ENDS):
        if raw.type != abi.V4L2_FRMIVAL_TYPE_DISCRETE:
            yield from filter(None, map(_seconds, (raw.stepwise.max, raw.stepwise.min)))
            return
        if interval := _seconds(raw.discrete):
            yield interval
        raw.index += 1


def frame_rate(node: Node) -> Fraction:
    """Frames a second that are set.

    Raises:
        UnsupportedError: this device has no rate that could be set.
    """
    raw = abi.Streamparm(type=abi.V4L2_BUF_TYPE_VIDEO_CAPTURE)
    return _rate(node, abi.VIDIOC_G_PARM, raw, "asking for the frame rate")


def set_frame_rate(node: Node, fps: Fraction) -> Fraction:
    """Asks for so many frames a second of the format that is set; returns what the driver made of it.

    Raises:
        UnsupportedError: this device has no rate that could be set.
        DeviceBusyError: it streams, and its driver wants it stopped.
    """
    raw = abi.Streamparm(type=abi.V4L2_BUF_TYPE_VIDEO_CAPTURE)
    raw.parm.capture.timeperframe = abi.Fract(fps.denominator, fps.numerator)
    return _rate(node, abi.VIDIOC_S_PARM, raw, f"setting {float(fps):g} frames a second")


def _rate(node: Node, request: int, raw: abi.Streamparm, doing: str) -> Fraction:
    untold = node.ioctl(request, raw, doing, errno.EINVAL, errno.ENOTTY)
    interval = _seconds(raw.parm.capture.timeperframe)
    if untold or not raw.parm.capture.capability & abi.V4L2_CAP_TIMEPERFRAME or not interval:
        raise node.fault(UnsupportedError, "its frame rate cannot be set: leave fps out")
    return 1 / interval


def _seconds(raw: abi.Fract) -> Fraction:
    """0 where a driver says nothing that could be."""
    return Fraction(raw.numerator, raw.denominator) if raw.denominator else Fraction()


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
