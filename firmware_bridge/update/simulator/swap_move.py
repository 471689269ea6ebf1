"""MCUboot's swap using move: the image in the first slot goes up by a sector, then each sector is swapped in place.

    primary    A B C . | trailer        move      . A B C       swap   X A B C  ->  X Y B C  ->  X Y Z C
    secondary  X Y Z   |                          X Y Z                A Y Z        A B Z        A B C

After each sector a record is written into the swap status of the primary slot: a swap that was cut goes on at the
first sector that has none. No scratch area is worn out.
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware_bridge.update.simulator.flash import ERASED
from firmware_bridge.update.simulator.slot import Magic, Slot, SwapType


@dataclass
class Status:
    """How far a swap is: records written, and whether the primary slot's trailer is already this swap's."""

    records: int
    begun: bool


def status_of(primary: Slot, secondary: Slot) -> Status:
    """The swap that was cut, or none: then the trailer of the primary slot is not that of a swap under way."""
    begun = primary.magic is Magic.GOOD and not primary.has(primary.copy_done_at) and secondary.magic is not Magic.GOOD
    return Status(_records(primary) if begun else 0, begun)


def run(primary: Slot, secondary: Slot, kind: SwapType, size: int) -> None:
    """Swaps the first `size` bytes of the slots, or goes on with it."""
    sectors = -(-size // primary.flash.sector_size)
    status = status_of(primary, secondary)
    if status.records == 0:
        _begin(primary, secondary, kind, size, status)
    moved = min(status.records, sectors)
    for sector in range(sectors - 1 - moved, -1, -1):
        _copy(primary, sector, primary, sector + 1)
        _record(primary, sectors - 1 - sector)
    swapped = max(_records(primary) - primary.sectors, 0)
    for step in range(swapped, 2 * sectors):
        sector, second = divmod(step, 2)
        if second:
            _copy(primary, sector + 1, secondary, sector)
        else:
            _copy(secondary, sector, primary, sector)
        _record(primary, primary.sectors + step)


def _begin(primary: Slot, secondary: Slot, kind: SwapType, size: int, status: Status) -> None:
    if kind is SwapType.REVERT and secondary.magic is Magic.UNSET and not status.begun:
        # A revert is asked for by the primary slot's trailer, which is erased next: let the secondary's ask for it.
        secondary.erase_trailer()
        secondary.set_flag(secondary.image_ok_at)
        secondary.set_swap_size(size)
        secondary.set_magic()
    if not status.begun:
        primary.erase_trailer()
        primary.set_swap_type(kind)
        if secondary.has(secondary.image_ok_at):
            primary.set_flag(primary.image_ok_at)
        primary.set_swap_size(size)
        primary.set_magic()
    secondary.erase_trailer()


def _copy(source: Slot, source_sector: int, target: Slot, target_sector: int) -> None:
    size = source.flash.sector_size
    target.erase(target_sector)
    target.write(target_sector * size, source.read(source_sector * size, size))


def _record(primary: Slot, index: int) -> None:
    primary.write(primary.status_at + index * primary.flash.align, bytes([1]))


def _records(primary: Slot) -> int:
    """One more than the last record that is written: `sectors` for the moves, then two for each sector swapped."""
    align, places = primary.flash.align, primary.sectors * 3
    written = [index for index in range(places) if primary.read(primary.status_at + index * align, 1)[0] != ERASED]
    return written[-1] + 1 if written else 0
