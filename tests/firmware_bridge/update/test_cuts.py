"""The power cut at every operation of the flash: the old or the new image always boots, and the next try succeeds."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("smpclient", reason="the extra update is not installed")

from firmware_bridge.errors import DeviceSilentError
from firmware_bridge.update.image import whole
from firmware_bridge.update.simulator.flash import Torn
from firmware_bridge.update.simulator.slot import Magic
from firmware_bridge.update.simulator.smp_server import FAILS
from firmware_bridge.update.updater import Outcome, Result
from tests.firmware_bridge.update.loop import Device, update
from tests.firmware_bridge.update.signed import NEW, OLD, a_board, signed

BAD = functools.partial(signed, "1.2.0", counter=3, begins=FAILS)
WIDE = {"sectors": 16, "sector_size": 256}  # whose trailer lies in two sectors


def hash_of(data: bytes) -> bytes:
    return whole(data, "image").hash


@functools.cache
def operations(image: bytes, **shape: int) -> int:
    """Erasures and writes of an update that is not cut."""
    board = a_board(**shape)
    before = board.primary.flash.operations
    update(Device(board), image)
    return board.primary.flash.operations - before


def tried(device: Device, image: bytes) -> Result | None:
    try:
        return update(device, image)
    except DeviceSilentError:
        return None


def cut(at: int, torn: Torn, image: bytes, **shape: int) -> tuple[Device, Result | None]:
    """An update whose power is cut at one operation, and comes back at once."""
    board = a_board(**shape)
    board.primary.flash.torn = torn
    device = Device(board, [at])
    result = tried(device, image)
    assert board.primary.flash.cut_at is None, "the power was not cut"
    assert set(device.ran) <= {hash_of(OLD()), hash_of(image)}
    return device, result


def check_new(at: int, torn: Torn, **shape: int) -> bool:
    """Whether it got there at once, and not only with the next try."""
    device, result = cut(at, torn, NEW(), **shape)
    at_once = result is not None and result.outcome is Outcome.UPDATED
    assert at_once or update(device, NEW()).outcome is Outcome.UPDATED
    device.server = None  # off and on: it stays
    assert device.power().running.hash == hash_of(NEW())
    assert device.board.counter == 3
    return at_once


def check_bad(at: int, torn: Torn) -> bool:
    """Whether the firmware that fails its self-test stayed, as MCUboot leaves it after one cut."""
    device, result = cut(at, torn, BAD())
    result = result or update(device, BAD())
    if result.outcome is Outcome.FAULTY:
        assert device.board.secondary.magic is Magic.BAD
    else:
        assert result.outcome is Outcome.REVERTED
        device.server = None
        assert device.power().running.hash == hash_of(OLD())
        assert device.board.counter == 2
    assert update(device, NEW()).outcome is Outcome.UPDATED
    return result.outcome is Outcome.FAULTY


def test_an_update_cut_at_any_operation_boots_and_the_next_try_succeeds():
    assert operations(NEW()) > 350
    later = [at for at in range(operations(NEW())) if not check_new(at, Torn.WHOLE)]
    # Between the two blocks of the magic, and amid the confirmation, which the power cut takes back.
    assert len(later) == 2


@pytest.mark.parametrize("torn", [Torn.FRONT, Torn.BACK])
def test_a_sector_may_be_left_half_erased(torn):
    for at in range(0, operations(NEW()), 1 if torn is Torn.BACK else 3):
        check_new(at, torn)


@pytest.mark.parametrize("step", [pytest.param(9, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)])
def test_a_trailer_of_two_sectors_is_no_worse(step):
    for torn in Torn:
        for at in range(0, operations(NEW(), **WIDE), step):
            check_new(at, torn, **WIDE)


@pytest.mark.parametrize("step", [pytest.param(7, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)])
def test_a_revert_cut_at_any_operation_brings_the_old_image_back(step):
    stayed = [at for at in range(0, operations(BAD()), step) if check_bad(at, Torn.WHOLE)]
    # Between the two blocks of the magic that asks for the revert: MCUboot then sees no request, and the host tells.
    assert len(stayed) <= 1


@settings(max_examples=60)
@given(st.lists(st.integers(0, 250), max_size=8), st.sampled_from(Torn))
def test_however_often_it_is_cut_one_of_the_two_boots_and_the_new_one_gets_there(cuts, torn):
    board = a_board()
    board.primary.flash.torn = torn
    device = Device(board, cuts)
    for _ in range(len(cuts) + 1):
        tried(device, NEW())
    board.primary.flash.cut_at = None
    assert update(device, NEW()).outcome in (Outcome.UPDATED, Outcome.ALREADY)
    assert set(device.ran) == {hash_of(OLD()), hash_of(NEW())}
