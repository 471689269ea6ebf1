"""One of MCUboot's two slots: an image from its start, and the trailer at its end.

    image | ... | swap status | swap size | swap info | copy done | image ok | magic (16 bytes)

Each field of the trailer is a block of its own, so that it can be written once the others are (MCUboot design, "Image
Trailer"; alignment 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from firmware_bridge.update.simulator.flash import ERASED, Flash

MAGIC = bytes.fromhex("77c295f360d2ef7f3552500f2cb67980")
FIELD = 8  # bytes for each field of the trailer: the largest alignment
SET = 1
RECORDS = 3  # of swap status, for each sector: one for its move, two for its swap


class Magic(Enum):
    """What stands where the magic belongs."""

    GOOD = "good"
    UNSET = "unset"
    BAD = "bad"


class SwapType(Enum):
    """What the trailers ask for; the numbers are those of the field `swap info`."""

    NONE = 1
    TEST = 2
    PERMANENT = 3
    REVERT = 4


@dataclass(frozen=True)
class Slot:
    """`sectors` of the flash from `first` on."""

    flash: Flash
    first: int
    sectors: int

    @property
    def size(self) -> int:
        return self.sectors * self.flash.sector_size

    @property
    def trailer_sectors(self) -> int:
        """How many sectors at its end the trailer touches."""
        return -(-(self.size - self.status_at) // self.flash.sector_size)

    @property
    def largest_image(self) -> int:
        """Bytes: one more sector stays free, into which swap using move moves the first."""
        return (self.sectors - self.trailer_sectors - 1) * self.flash.sector_size

    @property
    def magic_at(self) -> int:
        return self.size - len(MAGIC)

    @property
    def image_ok_at(self) -> int:
        return self.magic_at - FIELD

    @property
    def copy_done_at(self) -> int:
        return self.image_ok_at - FIELD

    @property
    def swap_info_at(self) -> int:
        return self.copy_done_at - FIELD

    @property
    def swap_size_at(self) -> int:
        return self.swap_info_at - FIELD

    @property
    def status_at(self) -> int:
        return self.swap_size_at - self.sectors * RECORDS * self.flash.align

    def read(self, at: int, size: int) -> bytes:
        return self.flash.read(self.first * self.flash.sector_size + at, size)

    def contents(self) -> bytes:
        return self.read(0, self.size)

    def write(self, at: int, data: bytes) -> None:
        """Writes `data`, filled up to whole blocks."""
        filled = data + bytes([ERASED]) * (-len(data) % self.flash.align)
        self.flash.write(self.first * self.flash.sector_size + at, filled)

    def erase(self, sector: int) -> None:
        self.flash.erase(self.first + sector)

    def erase_all(self) -> None:
        for sector in range(self.sectors):
            self.erase(sector)

    def erase_trailer(self) -> None:
        """From its end: the magic goes first."""
        for sector in range(self.sectors - 1, self.sectors - 1 - self.trailer_sectors, -1):
            self.erase(sector)

    @property
    def magic(self) -> Magic:
        found = self.read(self.magic_at, len(MAGIC))
        return Magic.GOOD if found == MAGIC else Magic.UNSET if set(found) == {ERASED} else Magic.BAD

    def has(self, at: int) -> bool:
        """Whether the flag at `at` is set."""
        return self.read(at, 1)[0] == SET

    def set_flag(self, at: int) -> None:
        """Sets it, once."""
        if not self.has(at):
            self.write(at, bytes([SET]))

    def set_magic(self) -> None:
        self.write(self.magic_at, MAGIC)

    @property
    def swap_type(self) -> SwapType:
        """Of the swap that is under way, as `swap info` has it."""
        found = self.read(self.swap_info_at, 1)[0] & 0x0F
        return SwapType(found) if found in {each.value for each in SwapType} else SwapType.NONE

    def set_swap_type(self, kind: SwapType) -> None:
        self.write(self.swap_info_at, bytes([kind.value]))

    @property
    def swap_size(self) -> int:
        return int.from_bytes(self.read(self.swap_size_at, 4), "little")

    def set_swap_size(self, size: int) -> None:
        self.write(self.swap_size_at, size.to_bytes(4, "little"))


def swap_wanted(primary: Slot, secondary: Slot) -> SwapType:
    """What the trailers ask for when no swap is under way: the tables of the MCUboot design, states I to IV."""
    if secondary.magic is Magic.GOOD:
        return SwapType.PERMANENT if secondary.has(secondary.image_ok_at) else SwapType.TEST
    tried = primary.magic is Magic.GOOD and primary.has(primary.copy_done_at)
    if tried and secondary.magic is Magic.UNSET and not primary.has(primary.image_ok_at):
        return SwapType.REVERT
    return SwapType.NONE


def mark_for_test(secondary: Slot) -> bool:
    """The next start tries the image in `secondary`. False: its trailer was torn; it is erased, to be filled anew."""
    if secondary.magic is Magic.BAD:
        secondary.erase_all()
        return False
    if secondary.magic is Magic.UNSET:
        secondary.set_magic()
        secondary.set_swap_type(SwapType.TEST)
    return True


def confirm(primary: Slot) -> None:
    """The running image stays. One that was never swapped stays anyhow."""
    if primary.magic is Magic.GOOD:
        primary.set_flag(primary.image_ok_at)
