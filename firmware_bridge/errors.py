"""What can go wrong at the hardware: a small tree under the device's own."""

from __future__ import annotations

from edge.errors import ProbeError, SonoEdgeError, SourceError


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


class PortError(ProbeError):
    """A serial port cannot be opened, or is gone."""


class FirmwareImageError(SonoEdgeError):
    """A firmware image is none of MCUboot's, is damaged, is not signed as it should be, or says too little."""


class UpdateRefusedError(SonoEdgeError):
    """An image that must not go onto this device, or a device that does not take it now; nothing was sent."""


class DeviceSilentError(SonoEdgeError):
    """A device gives no answer, cannot be opened, or says what cannot be."""
