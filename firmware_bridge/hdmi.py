"""The HDMI receiver behind an open node: its inputs, the EDID that it offers, the timing of what arrives.

A receiver tells what it sees. A USB grabber does not: its link is `Link.UNTOLD`.
"""

from __future__ import annotations

import ctypes
import errno
from dataclasses import dataclass
from enum import Enum

from firmware_bridge import v4l2_abi as abi
from firmware_bridge.errors import CaptureError, UnsupportedError
from firmware_bridge.timing import Timing
from firmware_bridge.v4l2_node import Node, text_of

BLOCK = 128  # bytes of an EDID block


class Link(Enum):
    """What the receiver sees of the source."""

    NO_SIGNAL = "no signal"
    NO_LOCK = "no lock"
    OUT_OF_RANGE = "out of range"
    LOCKED = "locked"
    UNTOLD = "untold"


@dataclass(frozen=True)
class LinkStatus:
    """What the receiver sees of the source at one moment."""

    link: Link
    timing: Timing | None = None  # of what arrives; LOCKED alone has it
    powered: bool | None = None  # whether a source's 5 V are on the cable; None: untold


@dataclass(frozen=True)
class Input:
    """One connector of a device."""

    index: int
    name: str
    digital: bool  # has DV timings: HDMI, DVI, SDI
    status: int  # V4L2_IN_ST_*


# What the driver answers when it has no timing to tell.
_LINKS = {
    errno.ENOLINK: Link.NO_SIGNAL,
    errno.ENOLCK: Link.NO_LOCK,
    errno.ERANGE: Link.OUT_OF_RANGE,
    errno.ENODATA: Link.UNTOLD,
    errno.ENOTTY: Link.UNTOLD,
}


def inputs(node: Node) -> tuple[Input, ...]:
    """All connectors of a device."""
    found, raw = [], abi.Input()
    while not node.ioctl(abi.VIDIOC_ENUMINPUT, raw, "listing inputs", errno.EINVAL, errno.ENOTTY):
        digital = bool(raw.capabilities & abi.V4L2_IN_CAP_DV_TIMINGS)
        found.append(Input(raw.index, text_of(raw.name), digital, raw.status))
        raw.index += 1
    return tuple(found)


class Receiver:
    """One input of an open node: the one that is selected, or the one to select."""

    def __init__(self, node: Node, input_index: int | None = None) -> None:
        self.node = node
        raw = ctypes.c_int(input_index or 0)
        if input_index is None:
            node.ioctl(abi.VIDIOC_G_INPUT, raw, "asking for the input", errno.ENOTTY)
        elif node.ioctl(abi.VIDIOC_S_INPUT, raw, f"selecting input {input_index}", errno.EINVAL):
            raise node.fault(CaptureError, f"there is no input {input_index}: it has {len(inputs(node))}")
        self.index = raw.value

    def watch(self) -> bool:
        """Has a change of the source reported as an event; False when the device has no such events."""
        return self.node.subscribe(abi.V4L2_EVENT_SOURCE_CHANGE, self.index)

    def edid(self) -> bytes:
        """The EDID that sources are offered, whole blocks of 128 bytes; empty when there is none.

        Raises:
            UnsupportedError: this device does not show its EDID, or this input has none.
        """
        raw = abi.Edid(pad=self.index)
        answer = self.node.ioctl(abi.VIDIOC_G_EDID, raw, "reading the EDID", errno.ENODATA, errno.EINVAL)
        if answer == errno.EINVAL:
            raise self.node.fault(UnsupportedError, f"input {self.index} has no EDID")
        if answer:
            return b""
        blocks = (ctypes.c_uint8 * (raw.blocks * BLOCK))()
        raw.edid = ctypes.addressof(blocks)
        self.node.ioctl(abi.VIDIOC_G_EDID, raw, "reading the EDID")
        return bytes(blocks)

    def set_edid(self, edid: bytes) -> None:
        """Offers an EDID, and makes the source read it anew. With an empty one a source takes us for unplugged.

        Raises:
            UnsupportedError: this device's EDID cannot be set. DeviceBusyError: it streams: `stop` first.
            CaptureError: these are no whole blocks, or more than the device holds.
        """
        if len(edid) % BLOCK:
            raise self.node.fault(CaptureError, f"an EDID is whole blocks of {BLOCK} bytes, not {len(edid)} bytes")
        blocks = (ctypes.c_uint8 * len(edid)).from_buffer_copy(edid)
        raw = abi.Edid(pad=self.index, blocks=len(edid) // BLOCK, edid=ctypes.addressof(blocks))
        if self.node.ioctl(abi.VIDIOC_S_EDID, raw, "offering an EDID", errno.E2BIG):
            much = f"the EDID has {len(edid) // BLOCK} blocks, and the device holds at most {raw.blocks}"
            raise self.node.fault(CaptureError, much)

    def status(self) -> LinkStatus:
        """What arrives at this moment."""
        raw = abi.DvTimings()
        answer = self.node.ioctl(abi.VIDIOC_QUERY_DV_TIMINGS, raw, "asking what arrives", *_LINKS)
        if answer:
            return LinkStatus(_LINKS[answer], powered=self._powered())
        return LinkStatus(Link.LOCKED, timing_of(raw), self._powered())

    def _powered(self) -> bool | None:
        raw = abi.Control(id=abi.V4L2_CID_DV_RX_POWER_PRESENT)
        untold = self.node.ioctl(abi.VIDIOC_G_CTRL, raw, "asking for the 5 V", errno.EINVAL, errno.ENOTTY)
        return None if untold else bool(raw.value >> self.index & 1)

    def timing(self) -> Timing:
        """The timing that is set: frames come in its size, whatever arrives."""
        raw = abi.DvTimings()
        self.node.ioctl(abi.VIDIOC_G_DV_TIMINGS, raw, "asking for the timing")
        return timing_of(raw)

    def set_timing(self, timing: Timing) -> Timing:
        """Sets the timing to receive, and the size of frames with it; returns what the driver made of it.

        Raises:
            DeviceBusyError: it streams: `stop` first.
        """
        raw = dv_timings(timing)
        self.node.ioctl(abi.VIDIOC_S_DV_TIMINGS, raw, f"setting {timing}")
        return timing_of(raw)

    def known_timings(self) -> tuple[Timing, ...]:
        """The standard timings that this receiver can take."""
        found, raw = [], abi.EnumDvTimings()
        ends = (errno.EINVAL, errno.ENODATA, errno.ENOTTY)
        while not self.node.ioctl(abi.VIDIOC_ENUM_DV_TIMINGS, raw, "listing timings", *ends):
            found.append(timing_of(raw.timings))
            raw.index += 1
        return tuple(found)


def timing_of(raw: abi.DvTimings) -> Timing:
    """The kernel's timings in our words."""
    bt = raw.bt
    h_blanking = bt.hfrontporch + bt.hsync + bt.hbackporch
    v_blanking = bt.vfrontporch + bt.vsync + bt.vbackporch
    if bt.interlaced:
        v_blanking += bt.il_vfrontporch + bt.il_vsync + bt.il_vbackporch
    return Timing(
        width=bt.width,
        height=bt.height,
        interlaced=bool(bt.interlaced),
        clock_khz=round(bt.pixelclock / 1000),
        h_front=bt.hfrontporch,
        h_sync=bt.hsync,
        h_total=bt.width + h_blanking,
        v_front=bt.vfrontporch,
        v_sync=bt.vsync,
        v_total=bt.height + v_blanking,
        h_positive=bool(bt.polarities & abi.V4L2_DV_HSYNC_POS_POL),
        v_positive=bool(bt.polarities & abi.V4L2_DV_VSYNC_POS_POL),
    )


def dv_timings(timing: Timing) -> abi.DvTimings:
    """The inverse of `timing_of`."""
    bt = abi.BtTimings(
        width=timing.width,
        height=timing.height,
        interlaced=timing.interlaced,
        polarities=timing.h_positive * abi.V4L2_DV_HSYNC_POS_POL | timing.v_positive * abi.V4L2_DV_VSYNC_POS_POL,
        pixelclock=timing.clock_khz * 1000,
        hfrontporch=timing.h_front,
        hsync=timing.h_sync,
        hbackporch=timing.h_back,
        vfrontporch=timing.v_front,
        vsync=timing.v_sync,
        vbackporch=timing.v_back,
    )
    if timing.interlaced:
        bt.il_vfrontporch, bt.il_vsync = timing.v_front, timing.v_sync
        bt.il_vbackporch = timing.v_total - timing.height - 2 * (timing.v_front + timing.v_sync) - timing.v_back
    raw = abi.DvTimings(type=abi.V4L2_DV_BT_656_1120)
    raw.bt = bt
    return raw
