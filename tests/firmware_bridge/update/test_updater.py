"""The whole way of an update, by the real smpclient, to a simulated device without a port between them."""

from __future__ import annotations

import asyncio
import functools

import pytest

pytest.importorskip("smpclient", reason="the extra update is not installed")

from firmware_bridge.errors import DeviceSilentError, UpdateRefusedError
from firmware_bridge.update.image import whole
from firmware_bridge.update.rules import Step
from firmware_bridge.update.simulator.slot import MAGIC
from firmware_bridge.update.simulator.smp_server import FAILS, HANGS, IMAGES, WRITE
from firmware_bridge.update.updater import Outcome, Stage
from tests.firmware_bridge.update.loop import Device, update, updater
from tests.firmware_bridge.update.signed import NEW, OLD, a_board, signed

LARGE = functools.partial(signed, "1.1.0", counter=3, size=1200)


class KilledError(BaseException):
    """The host's process is gone."""


def killed_at(device: Device, image: bytes, offset: int) -> None:
    """An update whose host is killed once the device has so many bytes."""

    def progress(stage: Stage, has: int) -> None:
        if stage is Stage.SENDING and has >= offset:
            raise KilledError

    with pytest.raises(KilledError):
        asyncio.run(updater(device, image).run(progress=progress))


def test_an_update_stays_and_its_counter_counts_from_the_next_start():
    device = Device(a_board())
    assert update(device, NEW()).outcome is Outcome.UPDATED
    assert device.board.counter == 2
    device.server = None
    assert device.power().running.hash == whole(NEW(), "").hash
    assert device.board.counter == 3
    again = Device(device.board)
    assert update(again, NEW()).outcome is Outcome.ALREADY
    assert again.power().pieces == []


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (signed("1.1.0", board="sonoedge_probe_b"), "is not for this board, sonoedge_probe_a: get the image for it"),
        (signed("0.9.0", counter=1), "its security counter is 1, and the device has seen 2: take a newer version"),
    ],
)
def test_an_image_that_must_not_go_onto_it_is_refused_before_the_first_byte(image, said):
    device = Device(a_board())
    with pytest.raises(UpdateRefusedError, match=said):
        update(device, image)
    assert device.power().pieces == []
    assert set(device.board.secondary.contents()) == {0xFF}


def test_where_the_device_does_not_tell_its_counter_its_boot_loader_refuses():
    device = Device(a_board(), probe_group=False)
    result = update(device, signed("0.9.0", counter=1))
    assert (result.outcome, result.runs) == (Outcome.REFUSED, "1.0.0")
    assert update(device, NEW()).outcome is Outcome.UPDATED


def test_an_image_by_another_key_is_refused_by_the_boot_loader():
    result = update(Device(a_board()), signed("1.1.0", by="theirs"))
    assert (result.outcome, result.runs) == (Outcome.REFUSED, "1.0.0")


def test_an_image_that_is_too_large_is_not_taken():
    board = a_board(sectors=6)
    with pytest.raises(UpdateRefusedError, match="does not take the image: it answers INVALID_IMAGE_TOO_LARGE"):
        update(Device(board), LARGE())


def test_firmware_that_fails_its_self_test_goes_back():
    device = Device(a_board())
    result = update(device, signed("1.2.0", begins=FAILS))
    assert (result.outcome, result.runs) == (Outcome.REVERTED, "1.0.0")
    assert result.why == "its self-test says: no echo"
    assert update(device, NEW()).outcome is Outcome.UPDATED


def test_firmware_that_hangs_is_taken_back_by_its_watchdog():
    result = update(Device(a_board()), signed("1.2.0", begins=HANGS))
    assert (result.outcome, result.why) == (Outcome.REVERTED, "the new version started and did not stay up")


@pytest.mark.parametrize("offset", [1, 400, 900])
def test_a_host_that_was_killed_sends_only_what_is_missing(offset):
    device = Device(a_board())
    killed_at(device, LARGE(), offset)
    had = sum(size for _, size in device.power().pieces)
    assert offset <= had < len(LARGE())
    before = len(device.power().pieces)
    server = device.power()
    assert update(device, LARGE()).outcome is Outcome.UPDATED
    assert server.pieces[before][0] == had
    assert sum(size for _, size in server.pieces) == len(LARGE())


@pytest.mark.parametrize("off_and_on", [False, True])
@pytest.mark.parametrize("at", [Stage.SENDING, Stage.MARKED, Stage.TRYING, Stage.ENDED])
def test_a_host_that_is_killed_at_any_stage_leaves_a_device_that_boots_and_goes_on(at, off_and_on):
    device = Device(a_board())

    def progress(stage: Stage, has: int) -> None:
        if stage is at:
            raise KilledError

    begun = updater(device, NEW())
    with pytest.raises(KilledError):
        asyncio.run(begun.run(progress=progress))
    assert begun.stage is at
    if off_and_on:
        device.server = None
    assert update(device, NEW()).outcome is (Outcome.ALREADY if at is Stage.ENDED else Outcome.UPDATED)


def test_after_a_power_cut_the_upload_begins_anew():
    device = Device(a_board())
    killed_at(device, LARGE(), 400)
    device.server = None
    server = device.power()
    assert update(device, LARGE()).outcome is Outcome.UPDATED
    assert server.pieces[0][0] == 0


def test_another_image_than_was_begun_is_not_mixed_with_it():
    device = Device(a_board())
    killed_at(device, LARGE(), 400)
    assert update(device, NEW()).outcome is Outcome.UPDATED


def test_without_confirmation_it_stays_on_trial_until_the_next_start():
    device = Device(a_board())
    assert update(device, NEW(), confirm=False).outcome is Outcome.ON_TRIAL
    with pytest.raises(UpdateRefusedError, match=r"on trial with 1\.1\.0: switch it off and on"):
        update(device, signed("1.2.0"))
    device.server = None
    assert device.power().running.hash == whole(OLD(), "").hash


def test_the_same_command_confirms_what_is_on_trial():
    device = Device(a_board())
    update(device, NEW(), confirm=False)
    server = device.power()
    assert update(device, NEW()).outcome is Outcome.UPDATED
    assert server.pieces == []
    device.server = None
    assert device.power().running.hash == whole(NEW(), "").hash


def test_a_revert_that_is_no_longer_asked_for_is_not_asked_for_again_by_the_next_upload():
    device = Device(a_board())
    update(device, NEW(), confirm=False)
    secondary = device.board.secondary
    secondary.write(secondary.magic_at, MAGIC[:8])  # as a cut leaves it
    device.server = None
    assert update(device, signed("1.2.0", counter=3)).outcome is Outcome.UPDATED
    assert device.ran[-2:] == [whole(NEW(), "").hash, whole(signed("1.2.0", counter=3), "").hash]


def test_a_check_sends_nothing():
    device = Device(a_board())
    told, step = asyncio.run(updater(device, NEW()).check())
    assert (told.board, told.counter, told.running.version, step) == ("sonoedge_probe_a", 2, "1.0.0", Step.UPLOAD)
    assert device.power().pieces == []


@pytest.mark.parametrize("buffer_size", [128, 200, 384, 2048])
def test_pieces_are_as_large_as_the_device_has_room_for(buffer_size):
    device = Device(a_board(), buffer_size=buffer_size)
    server = device.power()
    assert update(device, LARGE()).outcome is Outcome.UPDATED
    assert max(size for _, size in server.pieces) <= buffer_size
    assert [at for at, _ in server.pieces] == sorted({at for at, _ in server.pieces})


class Liar(Device):
    """Answers an upload with an offset of its own."""

    def __init__(self, offsets: list[int]) -> None:
        super().__init__(a_board())
        self.power()._commands[IMAGES, 1, WRITE] = lambda _: {"off": offsets.pop(0) if offsets else 100}


@pytest.mark.parametrize("offsets", [[], [0], [0, 100, 50], [10_000], [-1]])
def test_a_device_that_does_not_get_on_or_lies_ends_in_one_line(offsets):
    with pytest.raises(DeviceSilentError, match=r"takes no more of the image after \d+ bytes") as raised:
        update(Liar(offsets), NEW())
    assert Stage.SENDING.value in str(raised.value)
    assert "\n" not in str(raised.value)


class Noise(Device):
    """Answers with bytes that are no answer."""

    def __init__(self, frame: bytes) -> None:
        super().__init__(a_board())
        self._frame = frame

    def handle(self, frame: bytes) -> bytes:
        return self._frame


@pytest.mark.parametrize("frame", [b"", b"\xff", b"\x00" * 8, b"\x01\x00\x00\x01\x00\x00\x00\x00\x80", b"\xff" * 40])
def test_noise_for_an_answer_ends_in_one_line(frame):
    with pytest.raises(DeviceSilentError, match=r"does not answer in SMP.*nothing was changed"):
        update(Noise(frame), NEW())
