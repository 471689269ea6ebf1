"""One thread that keeps a capture device going: it does what the rules say, and keeps the newest frame in a slot.

A frame is a view of the kernel's buffer, which goes back to the driver when the last view of it is gone. When the
driver has too few left, the frame is a copy instead.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from threading import Event, Lock, Thread

import numpy as np

from edge.errors import PictureError
from edge.frame import Frame
from edge.latest import Latest
from firmware_bridge.errors import CaptureError, DeviceClosedError, StreamBrokenError
from firmware_bridge.frame_rates import set_frame_rate
from firmware_bridge.hdmi import Receiver
from firmware_bridge.link_state import Action, LinkRules
from firmware_bridge.pixel_formats import FOURCCS, Format, picture_of
from firmware_bridge.timing import Timing
from firmware_bridge.v4l2 import Buffer, Device

LEAST_QUEUED = 2  # buffers that the driver must keep, or frames are lost
LONGEST_WAIT_NS = 50_000_000  # so that `stop` is heard


@dataclass(frozen=True)
class Wishes:
    """What a device is asked for; None: as it is."""

    fourcc: str | None = None
    size: tuple[int, int] | None = None  # width, height; of a receiver it is what arrives that counts
    edid: bytes | None = None  # offered to the source each time that the device is opened
    fps: Fraction | None = None  # frames a second


class Capture:
    """A device's frames, newest first, from `start` until `stop`. `rules` tells how it stands, for reading alone."""

    def __init__(self, open_device: Callable[[], Device], wishes: Wishes | None = None) -> None:
        self.frames: Latest[Frame] = Latest()
        self.rules = LinkRules(time.monotonic_ns())
        self.dropped = 0  # by the driver: gaps in its count of frames
        self._open_device, self._wishes = open_device, wishes or Wishes()
        self._device: Device | None = None
        self._receiver: Receiver | None = None
        self._format: Format | None = None
        self._sequence: int | None = None  # of the stream's last buffer
        self._index = -1  # of the last frame
        self._counting = Lock()
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="capture", daemon=True)

    def start(self) -> None:
        """Begins, in a thread of its own."""
        self._thread.start()

    def next_index(self) -> int:
        """An index for a frame that the device did not give: none of its own will have it."""
        with self._counting:
            self._index += 1
            return self._index

    def stop(self) -> None:
        """Ends, and closes the device. Again it does nothing."""
        self._stopping.set()
        self.frames.close()
        if self._thread.ident is not None:
            self._thread.join()
        self._close()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._go_on()
        finally:
            self.frames.close()  # who waits for a frame is not left waiting, whatever ended this thread

    def _go_on(self) -> None:
        try:
            self._step(time.monotonic_ns())
        except DeviceClosedError:
            self._stopping.set()
        except StreamBrokenError as error:
            self.rules.broken(time.monotonic_ns(), str(error))
        except CaptureError as error:
            self._close()
            self.rules.lost(time.monotonic_ns(), str(error))

    def _step(self, now_ns: int) -> None:
        action = self.rules.action(now_ns)
        if action is Action.OPEN:
            self._open()
        elif action is Action.QUERY:
            self._query()
        elif action is Action.START:
            self._start()
        elif action is Action.CLOSE:
            self._close()
            self.rules.closed(now_ns)
        else:
            self._wait(min(self.rules.due_ns(), now_ns + LONGEST_WAIT_NS) - now_ns)

    def _open(self) -> None:
        self._device = self._open_device()
        self._receiver = Receiver(self._device)
        if self._wishes.edid is not None:
            self._receiver.set_edid(self._wishes.edid)
        self._receiver.watch()
        self.rules.opened(time.monotonic_ns())

    def _query(self) -> None:
        assert self._receiver is not None  # noqa: S101  the rules open it first
        self.rules.linked(self._receiver.status(), time.monotonic_ns())

    def _start(self) -> None:
        assert self._device is not None and self._receiver is not None  # noqa: S101
        self._device.stop()
        if self.rules.timing is not None:
            self._receiver.set_timing(self.rules.timing)
        self._format = _chosen_format(self._device, self._wishes, self.rules.timing)
        rate = _rate_set(self._device, self._wishes.fps)
        self._device.start()
        self._sequence = None
        self.rules.started(time.monotonic_ns(), rate)

    def _close(self) -> None:
        device, self._device, self._receiver = self._device, None, None
        if device is not None:
            device.close()

    def _wait(self, patience_ns: int) -> None:
        if self._device is None:
            self._stopping.wait(max(0, patience_ns) / 1e9)
            return
        ready = self._device.wait(max(0, patience_ns) / 1e9)
        if ready.event and self._device.events():
            self.rules.changed(time.monotonic_ns())
        elif ready.buffer and (buffer := self._device.dequeue()) is not None:
            self._take(self._device, buffer)

    def _take(self, device: Device, buffer: Buffer) -> None:
        assert self._format is not None  # noqa: S101  it streams
        now_ns, index = time.monotonic_ns(), self._count(buffer.sequence)
        frame = None if buffer.error else self._frame(buffer, now_ns, index)
        if frame is None or device.queued >= LEAST_QUEUED:
            weakref.finalize(buffer.memory, device.requeue, buffer.slot)
        else:
            frame = _copied(frame)
            device.requeue(buffer.slot)
        if self.rules.frame(now_ns, whole=frame is not None) and frame is not None:
            self.frames.put(frame)

    def _frame(self, buffer: Buffer, now_ns: int, index: int) -> Frame | None:
        """The buffer as a frame; None when it holds no whole picture."""
        assert self._format is not None  # noqa: S101
        try:
            pixels, chroma = picture_of(buffer.memory, self._format)
        except PictureError:
            return None
        return Frame(pixels, buffer.timestamp_ns or now_ns, index, chroma=chroma)

    def _count(self, sequence: int) -> int:
        """The index of the buffer with this number; what is missing between them was dropped."""
        missed = 0 if self._sequence is None else max(0, sequence - self._sequence - 1)
        self._sequence = sequence
        self.dropped += missed
        with self._counting:
            self._index += 1 + missed
            return self._index


def _chosen_format(device: Device, wishes: Wishes, arrives: Timing | None) -> Format:
    """The format asked for, or the first of ours that the device offers, in the size that arrives or is asked for.

    Raises:
        CaptureError: it offers none of them, or not that size.
    """
    offered = device.formats()
    wanted = FOURCCS if wishes.fourcc is None else (wishes.fourcc,)
    fourcc = next((each for each in wanted if each in offered), None)
    if fourcc is None:
        raise device.fault(CaptureError, f"it gives {', '.join(offered)}, and {' or '.join(wanted)} is wanted")
    now = device.format
    size = (now.width, now.height) if wishes.size is None or arrives is not None else wishes.size
    given = device.set_format(*size, fourcc)
    if (given.width, given.height) != size:
        raise device.fault(CaptureError, f"it gives {given.width}x{given.height} where {size[0]}x{size[1]} is wanted")
    return given


def _rate_set(device: Device, fps: Fraction | None) -> str:
    """Asks for this rate, in the format that is set; what the driver made of it, in words; "" where none is wished.

    Raises:
        UnsupportedError: this device has no rate that could be set.
    """
    if fps is None:
        return ""
    asked, given = f"{float(fps):.5g}", f"{float(set_frame_rate(device, fps)):.5g}"
    made = "as asked for" if given == asked else f"where {asked} is wanted"
    return f"the driver gives {given} frames a second, {made}"


def _copied(frame: Frame) -> Frame:
    assert frame.pixels is not None  # noqa: S101
    chroma = None if frame.chroma is None else np.ascontiguousarray(frame.chroma)
    return Frame(frame.pixels.copy(), frame.timestamp_ns, frame.index, chroma=chroma)
