"""The simulated flash is as strict as a real one, and its slots are laid out as imgtool lays them out."""

from __future__ import annotations

import pytest

pytest.importorskip("imgtool", reason="the extra update is not installed")

from imgtool.image import Image as ImgtoolImage

from firmware_bridge.update.image import whole
from firmware_bridge.update.simulator.flash import Flash, FlashMisuseError, PowerCut, Torn
from firmware_bridge.update.simulator.mcuboot import NothingBootsError
from firmware_bridge.update.simulator.pty_device import Frames
from firmware_bridge.update.simulator.slot import Magic, Slot, SwapType, mark_for_test, swap_wanted
from tests.firmware_bridge.update.signed import NEW, OLD, SECTOR, SECTORS, a_board, signed


def test_flash_is_written_in_whole_blocks_once_between_two_erasures():
    flash = Flash(2)
    flash.write(8, b"\x00" * 8)
    for at, data in ((8, b"\x00" * 8), (8, b"\xff" * 8), (4, b"\x00" * 8), (16, b"\x00" * 7), (512, b"\x00" * 8)):
        with pytest.raises(FlashMisuseError):
            flash.write(at, data)
    flash.erase(0)
    flash.write(8, b"\x01" * 8)
    assert flash.read(0, 24) == b"\xff" * 8 + b"\x01" * 8 + b"\xff" * 8


@pytest.mark.parametrize(
    ("torn", "left"), [(Torn.WHOLE, (0, 0)), (Torn.FRONT, (0xFF, 0)), (Torn.BACK, (0, 0xFF))], ids=str
)
def test_a_cut_happens_once_and_tears_what_was_being_done(torn, left):
    flash = Flash(1)
    flash.write(0, bytes(256))
    flash.cut_at, flash.torn = flash.operations, torn
    with pytest.raises(PowerCut):
        flash.erase(0)
    assert (flash.cells[0], flash.cells[255]) == left
    flash.erase(0)
    flash.cut_at = flash.operations + 1
    with pytest.raises(PowerCut):
        flash.write(0, bytes(24))
    assert flash.read(0, 24) == bytes(8) + b"\xff" * 16


def test_the_trailer_is_where_imgtool_puts_it():
    flash = Flash(SECTORS, SECTOR)
    slot = Slot(flash, 0, SECTORS)
    slot.write(0, signed("1.0.0", counter=2, more=("--pad", "--confirm")))
    assert slot.magic is Magic.GOOD
    assert slot.has(slot.image_ok_at) and not slot.has(slot.copy_done_at)
    of_imgtool = ImgtoolImage(align=8, max_align=8)._trailer_size(8, SECTORS, False, None, False, 0)
    assert slot.size - slot.status_at == of_imgtool


def test_a_factory_image_with_a_trailer_boots_and_is_updated():
    board = a_board()
    board.primary.erase_all()
    board.primary.write(0, signed("1.0.0", counter=2, more=("--pad", "--confirm")))
    assert board.boot().hash == whole(OLD(), "").hash
    board.secondary.write(0, NEW())
    assert mark_for_test(board.secondary)
    assert board.boot().hash == whole(NEW(), "").hash
    assert board.on_trial
    assert board.boot().hash == whole(OLD(), "").hash
    assert not board.on_trial


def test_both_images_are_whole_after_a_swap_and_after_its_revert():
    board = a_board()
    board.secondary.write(0, NEW())
    mark_for_test(board.secondary)
    board.boot()
    assert board.primary.read(0, len(NEW())) == NEW()
    assert board.secondary.read(0, len(OLD())) == OLD()
    assert swap_wanted(board.primary, board.secondary) is SwapType.REVERT
    board.boot()
    assert board.primary.read(0, len(OLD())) == OLD()
    assert board.secondary.read(0, len(NEW())) == NEW()
    assert swap_wanted(board.primary, board.secondary) is SwapType.NONE


def test_without_an_image_nothing_boots():
    board = a_board()
    board.primary.erase(0)
    with pytest.raises(NothingBootsError):
        board.boot()


def test_frames_are_found_amid_log_lines_and_noise():
    from smp import packet

    message = bytes(range(200)) * 2
    lines = list(packet.encode(message))
    assert len(lines) > 3
    frames = Frames()
    came = b"boot\n\xff\n" + lines[0] + b"\x06\n" + b"".join(lines) + b"I: log\n" + b"".join(lines[:2])
    assert list(frames.feed(came)) == [message]
    assert list(frames.feed(b"".join(lines))) == [message]
