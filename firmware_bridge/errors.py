"""What can go wrong at the hardware: a small tree under the device's own."""

from __future__ import annotations

from edge.errors import SourceError


class CaptureError(SourceError):
    """A capture device cannot be opened, or stopped giving frames."""


class EdidError(CaptureError):
    """An EDID is not whole, or cannot be built as asked."""


class DeviceAbsentError(CaptureError):
    """No device of that name is there."""


class DeviceDeniedError(CaptureError):
    """This user may not open the device."""


class DeviceBusyError(CaptureError):
    """Someone streams from the device, so that it cannot be set or started."""


class NotACaptureDeviceError(CaptureError):
    """What was named is no video node, or one that gives no frames."""


class UnsupportedError(CaptureError):
    """The device has no such function: a USB grabber has no EDID, for instance."""


class DeviceGoneError(CaptureError):
    """The device was unplugged while open: close it, and open it anew when it is back."""


class StreamBrokenError(CaptureError):
    """The driver gave up streaming: start it again."""


class DeviceClosedError(CaptureError):
    """We closed the device ourselves, maybe from another thread."""


class RecordingError(SourceError):
    """A raw recording is none, is damaged, or is from a newer version."""
