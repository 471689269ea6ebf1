"""NOR flash: erased by the sector to 0xFF, written by the block, once between two erasures. Its power may go."""

from __future__ import annotations

from enum import Enum

ERASED = 0xFF


class PowerCut(Exception):  # noqa: N818  it is no error of the flash
    """The power went; the next start finds the flash as it is."""


class FlashMisuseError(RuntimeError):
    """Written where it was not erased, or off the blocks: on a device, a bit that stays 0, or a fault."""


class Torn(Enum):
    """What a cut leaves of a sector that was being erased."""

    WHOLE = "as it was"
    FRONT = "its first half erased"
    BACK = "its second half erased"


class Flash:
    """`sectors` of `sector_size` bytes, written in blocks of `align` bytes.

    `operations` counts the erasures of a sector and the writes of a block. Where `cut_at` is set, the operation of
    that number does not happen, or is torn, and raises `PowerCut`.
    """

    def __init__(self, sectors: int, sector_size: int = 256, align: int = 8) -> None:
        self.sector_size, self.align = sector_size, align
        self.cells = bytearray([ERASED]) * (sectors * sector_size)
        self.operations = 0
        self.cut_at: int | None = None
        self.torn = Torn.WHOLE

    def read(self, at: int, size: int) -> bytes:
        return bytes(self.cells[at : at + size])

    def erase(self, sector: int) -> None:
        """Erases one sector."""
        start, end = sector * self.sector_size, (sector + 1) * self.sector_size
        half = (start + end) // 2
        torn = {Torn.WHOLE: (start, start), Torn.FRONT: (start, half), Torn.BACK: (half, end)}[self.torn]
        first, last = torn if self._cut() else (start, end)
        self.cells[first:last] = bytes([ERASED]) * (last - first)
        self._end()

    def write(self, at: int, data: bytes) -> None:
        """Writes whole blocks.

        Raises:
            FlashMisuseError: they are not whole, or not erased.
        """
        if at % self.align or len(data) % self.align or at + len(data) > len(self.cells):
            raise FlashMisuseError(f"{len(data)} bytes at {at}: no whole blocks of {self.align} within the flash")
        for offset in range(at, at + len(data), self.align):
            block = slice(offset, offset + self.align)
            if any(byte != ERASED for byte in self.cells[block]):
                raise FlashMisuseError(f"the block at {offset} was not erased")
            if not self._cut():
                self.cells[block] = data[offset - at : offset - at + self.align]
            self._end()

    def _cut(self) -> bool:
        return self.operations == self.cut_at

    def _end(self) -> None:
        if self._cut():
            self.cut_at = None
            raise PowerCut
        self.operations += 1
