"""One open node of the kernel's video interface: calls, events, controls. Foreign errors are translated here, once."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import re
import select
import stat
import threading
from pathlib import Path
from typing import NamedTuple

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

_ABSENT = (DeviceAbsentError, "there is no such device: is it plugged in, and its driver loaded?")
_DENIED = (DeviceDeniedError, "permission denied: add this user to the group `video`, and log in anew")
_BUSY = (DeviceBusyError, "busy: another program uses it (`fuser -v` names it); stop that first")
_GONE = (DeviceGoneError, "the device is gone: was it unplugged?")
_CLOSED = (DeviceClosedError, "it was closed")
_NO_VIDEO_NODE = (NotACaptureDeviceError, "no video device: name one like /dev/video0")

Fault = tuple[type[CaptureError], str]
_OPENING: dict[int | None, Fault] = {
    errno.ENOENT: _ABSENT,
    errno.ENOTDIR: _ABSENT,
    errno.ENODEV: _ABSENT,
    errno.ENXIO: _ABSENT,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EBUSY: _BUSY,
}
_USING: dict[int | None, Fault] = {
    errno.ENODEV: _GONE,
    errno.ENXIO: _GONE,
    errno.EBUSY: _BUSY,
    errno.EIO: (StreamBrokenError, "the driver reports an input/output error: stop and start again"),
    errno.ENOTTY: (UnsupportedError, "the device has no such function"),
}


class Capability(NamedTuple):
    """Which device this is, in its driver's words."""

    driver: str
    card: str
    bus_info: str
    flags: int  # V4L2_CAP_* of this node


class Event(NamedTuple):
    """What a subscription reported."""

    type: int  # V4L2_EVENT_*
    id: int  # of the input or control
    changes: int  # of SOURCE_CHANGE: V4L2_EVENT_SRC_CH_*


class Node:
    """An open node. Its methods may be called from any thread; `close` wakes those that wait."""

    def __init__(self, path: str | Path) -> None:
        """Opens `/dev/videoN`, or a receiver's `/dev/v4l-subdevN`.

        Raises:
            DeviceAbsentError, DeviceDeniedError, DeviceBusyError, NotACaptureDeviceError: as their names say.
        """
        self.path = str(path)
        self._fd = self._opened()
        self._closing = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closed = False
        self._waiting = 0
        # Its lock is reentrant: the last view of a buffer may die, and give it back, in the middle of another call.
        self._state = threading.Condition()

    def _opened(self) -> int:
        try:
            # Looked at before it is opened, for opening is an act on some devices.
            node = Path(self.path).stat()
            if stat.S_ISCHR(node.st_mode) and os.major(node.st_rdev) == abi.VIDEO_MAJOR:
                return os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        except OSError as error:
            kind, text = _OPENING.get(error.errno, (CaptureError, f"cannot be opened: {error.strerror}"))
            raise self.fault(kind, text) from error
        raise self.fault(*_NO_VIDEO_NODE)

    def close(self) -> None:
        """Closes; those that wait in other threads get DeviceClosedError. Never fails; again it does nothing."""
        with self._state:
            if self._closed:
                return
            self._closed = True
            os.eventfd_write(self._closing, 1)
            # A number that is closed under one who waits may be another file's a moment later.
            self._state.wait_for(lambda: not self._waiting)
            self._release()
            os.close(self._fd)
            os.close(self._closing)
            self._fd = -1

    def _release(self) -> None:
        """What else must end before the node is closed."""

    def fault(self, kind: type[CaptureError], text: str) -> CaptureError:
        """An error that names this node."""
        return kind(f"{self.path}: {text}")

    def translated(self, error: OSError, doing: str) -> CaptureError:
        """The system's error as ours."""
        kind, text = _USING.get(error.errno, (CaptureError, error.strerror or "failed"))
        return self.fault(kind, f"{doing}: {text}")

    def ioctl(self, request: int, argument: abi.Argument, doing: str, *answers: int) -> int:
        """One call to the driver, which reads and writes `argument`.

        Returns:
            0, or the errno if it is one of `answers`.

        Raises:
            CaptureError: any other errno, as the class that fits; its line says what we were `doing`.
        """
        with self._state:
            if self._fd < 0:
                raise self.fault(*_CLOSED)
            while True:
                try:
                    fcntl.ioctl(self._fd, request, argument)
                    return 0
                except InterruptedError:
                    continue
                except OSError as error:
                    if error.errno in answers:
                        return int(error.errno or 0)
                    raise self.translated(error, doing) from error

    def poll(self, wanted: int, timeout_s: float) -> int:
        """Waits for POLL* flags, at most `timeout_s` seconds; 0 when the time ran out.

        Raises:
            DeviceGoneError: it was unplugged. DeviceClosedError: `close` was called.
        """
        with self._state:
            if self._closed:
                raise self.fault(*_CLOSED)
            self._waiting += 1
        try:
            poll = select.poll()
            poll.register(self._fd, wanted)
            poll.register(self._closing, select.POLLIN)
            seen = dict(poll.poll(timeout_s * 1000))
        finally:
            with self._state:
                self._waiting -= 1
                self._state.notify_all()
        if self._closing in seen:
            raise self.fault(*_CLOSED)
        found = seen.get(self._fd, 0)
        if found & select.POLLHUP:
            raise self.fault(*_GONE)
        return found

    @property
    def capability(self) -> Capability:
        """What the driver says that this is."""
        raw = abi.Capability()
        if self.ioctl(abi.VIDIOC_QUERYCAP, raw, "asking what it is", errno.ENOTTY):
            raise self.fault(*_NO_VIDEO_NODE)
        flags = raw.device_caps if raw.capabilities & abi.V4L2_CAP_DEVICE_CAPS else raw.capabilities
        return Capability(text_of(raw.driver), text_of(raw.card), text_of(raw.bus_info), flags)

    def subscribe(self, event: int, of: int = 0) -> bool:
        """Asks for events of a kind (V4L2_EVENT_*) of an input or control; False when this device has none such."""
        raw = abi.EventSubscription(type=event, id=of)
        return not self.ioctl(abi.VIDIOC_SUBSCRIBE_EVENT, raw, "subscribing to events", errno.EINVAL, errno.ENOTTY)

    def events(self) -> list[Event]:
        """The events that came since the last call, oldest first."""
        found, raw = [], abi.Event()
        while not self.ioctl(abi.VIDIOC_DQEVENT, raw, "taking an event", errno.ENOENT):
            found.append(Event(raw.type, raw.id, raw.u.src_change.changes))
        return found

    def controls(self) -> dict[str, int]:
        """The driver's controls by name, like `power_present`, with their ids."""
        found: dict[str, int] = {}
        raw = abi.Queryctrl(id=abi.V4L2_CTRL_FLAG_NEXT_CTRL)
        while not self.ioctl(abi.VIDIOC_QUERYCTRL, raw, "listing controls", errno.EINVAL, errno.ENOTTY):
            found[re.sub(r"[^a-z0-9]+", "_", text_of(raw.name).lower()).strip("_")] = raw.id
            raw.id |= abi.V4L2_CTRL_FLAG_NEXT_CTRL
        return found

    def _control_id(self, control: str | int) -> int:
        if isinstance(control, int):
            return control
        try:
            return self.controls()[control]
        except KeyError:
            raise self.fault(UnsupportedError, f"there is no control {control!r}") from None

    def control(self, control: str | int) -> int:
        """A control's value, by name or id."""
        raw = abi.Control(id=self._control_id(control))
        self.ioctl(abi.VIDIOC_G_CTRL, raw, f"reading the control {control}")
        return int(raw.value)

    def set_control(self, control: str | int, value: int = 1) -> None:
        """Sets a control by name or id; any value presses a button."""
        raw = abi.Control(id=self._control_id(control), value=value)
        self.ioctl(abi.VIDIOC_S_CTRL, raw, f"setting the control {control} to {value}")


def text_of(raw: ctypes.Array[ctypes.c_uint8]) -> str:
    """A C string in a field of fixed length."""
    return bytes(raw).split(b"\0", 1)[0].decode("utf-8", "replace")
