"""What can go wrong at the hardware: a small tree under the device's own."""

from __future__ import annotations

from edge.errors import SourceError


class CaptureError(SourceError):
    """A capture device cannot be opened, or stopped giving frames."""
