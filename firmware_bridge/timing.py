"""What a picture is on the wire: its timing in every number, or its size and rate alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mode:
    """A size and a rate, as a table or two bytes of an EDID name it."""

    width: int
    """Pixels."""
    height: int
    """Lines of a frame."""
    refresh_hz: int
    """Nominal: frames a second, or fields where interlaced."""
    interlaced: bool = False

    def __str__(self) -> str:
        return f"{self.width}x{self.height}{'i' if self.interlaced else 'p'}{self.refresh_hz}"


@dataclass(frozen=True)
class Timing:
    """A digital video timing. Horizontal lengths in pixels, vertical ones in lines."""

    width: int
    height: int
    """Lines of a whole frame, of both fields where interlaced."""
    interlaced: bool
    clock_khz: int
    h_front: int
    h_sync: int
    h_total: int
    v_front: int
    """Lines of one field where interlaced, and so is `v_sync`."""
    v_sync: int
    v_total: int
    """Lines of a whole frame with its blanking; odd where the fields are half a line apart."""
    h_positive: bool
    v_positive: bool

    @property
    def h_back(self) -> int:
        return self.h_total - self.width - self.h_front - self.h_sync

    @property
    def v_back(self) -> int:
        """Lines of the first field where interlaced."""
        blanking = self.v_total - self.height
        return (blanking // 2 if self.interlaced else blanking) - self.v_front - self.v_sync

    @property
    def line_hz(self) -> float:
        """Lines a second."""
        return self.clock_khz * 1000 / self.h_total

    @property
    def refresh_hz(self) -> float:
        """Frames a second, or fields where interlaced."""
        return self.line_hz / self.v_total * (2 if self.interlaced else 1)

    def __str__(self) -> str:
        return f"{self.width}x{self.height}{'i' if self.interlaced else 'p'}{round(self.refresh_hz, 2):g}"
