"""The whole way of an update: look, upload, try, reset, self-test, confirm; or leave it unconfirmed, and go back.

Every step can be cut, on either side, and the next run goes on from what the device then says.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from smp.image_management import ImageState
from smpclient.requests.image_management import ImageStatesRead, ImageStatesWrite
from smpclient.requests.os_management import EchoWrite, OSApplicationInfoRead, ResetWrite

from firmware_bridge.errors import DeviceSilentError
from firmware_bridge.update.conversation import Conversation, NotOfferedError
from firmware_bridge.update.image import Image
from firmware_bridge.update.probe_group import PASSED, RUNNING, ProbeRead
from firmware_bridge.update.rules import Slot, Step, Told, next_step


class Stage(Enum):
    """Where an update stands, and what that means for the device if it ends here."""

    LOOKING = "nothing was changed"
    SENDING = "the device runs what it ran; the same command goes on with the upload"
    MARKED = "the next reset tries the new version; the same command goes on"
    TRYING = "the new version is on trial: a reset brings the old one back, the same command goes on with the self-test"
    REVERTING = "the new version failed its self-test: a reset brings the old one back"
    ENDED = "the update had ended"


class Outcome(Enum):
    """How an update ended."""

    UPDATED = "updated"
    ALREADY = "already there"
    ON_TRIAL = "on trial"
    REFUSED = "refused"  # by the boot loader
    REVERTED = "reverted"
    FAULTY = "faulty"  # it stays, and fails its self-test

    @property
    def good(self) -> bool:
        return self in (Outcome.UPDATED, Outcome.ALREADY, Outcome.ON_TRIAL)


@dataclass(frozen=True)
class Result:
    """What came of it, and why where that is not plain."""

    outcome: Outcome
    runs: str  # version that the device runs now
    why: str = ""


Progress = Callable[[Stage, int], None]  # where it stands, and the bytes of the image that the device has


class Updater:
    """One image onto one device. `stage` tells at any time what would be left behind."""

    def __init__(self, device: Conversation, image: Image, data: bytes, where: str) -> None:
        self.stage = Stage.LOOKING
        self._device, self._image, self._data, self._where = device, image, data, where
        self._progress: Progress = lambda *_: None

    async def check(self) -> tuple[Told, Step]:
        """What the device says of itself, and what `run` would do next.

        Raises:
            UpdateRefusedError, DeviceSilentError: as `run`.
        """
        try:
            await self._device.open()
            told = await self.look()
            return told, next_step(self._image, told, self._where)
        finally:
            await self._device.close()

    async def run(self, *, confirm: bool = True, progress: Progress = lambda *_: None) -> Result:
        """Brings the image onto the device.

        Args:
            confirm: False leaves it on trial once it passed its self-test.

        Raises:
            UpdateRefusedError: the image must not go onto this device, or it does not take it.
            DeviceSilentError: the device gave no answer; the line says what state it is in.
        """
        try:
            await self._device.open()
            told = await self.look()
            self._progress = progress
            return await self._from(next_step(self._image, told, self._where), told, confirm)
        except DeviceSilentError as error:
            raise DeviceSilentError(f"{error} ({self.stage.value})") from error
        finally:
            await self._device.close()

    async def look(self) -> Told:
        """What the device has and is.

        Raises:
            DeviceSilentError: it does not tell.
        """
        states = await self._device.ask(ImageStatesRead())
        slots = [each for each in states.images if not each.image]  # of a second core's images we know nothing
        running = next((each for each in slots if each.active), None)
        if running is None:
            raise DeviceSilentError(
                f"{self._device.place}: does not tell which firmware runs: is it in its boot loader?"
            )
        other = next((_slot(each) for each in slots if each.slot != running.slot), None)
        board, counter = await self._board(), await self._probe()
        return Told(_slot(running), other, board, counter and counter[0])

    async def _board(self) -> str | None:
        try:
            return (await self._device.ask(OSApplicationInfoRead(format="i"))).output.strip() or None
        except NotOfferedError:
            return None

    async def _probe(self) -> tuple[int, str] | None:
        """The lowest security counter, and the firmware's word on its own test."""
        try:
            answer = await self._device.ask(ProbeRead())
        except NotOfferedError:
            return None
        return answer.counter, answer.test

    async def _from(self, step: Step, told: Told, confirm: bool) -> Result:
        if step is Step.NOTHING:
            why = await self._self_test()
            return Result(Outcome.FAULTY if why else Outcome.ALREADY, told.running.version, why)
        if step is Step.UPLOAD:
            told = await self._send()
        if not told.runs(self._image):
            self._enter(Stage.MARKED)
            told = await self._reset(lambda now: not now.tries_next(self._image))
        if not told.runs(self._image):
            return self._stayed_old(told)
        self._enter(Stage.TRYING)
        why = await self._self_test()
        if why:
            return await self._revert(why)
        return await self._confirm(told) if confirm else Result(Outcome.ON_TRIAL, told.running.version)

    async def _send(self) -> Told:
        """Uploads the image and asks for its trial at the next reset; what the device then says."""
        self._enter(Stage.SENDING)
        with suppress(NotOfferedError):
            # A revert that was cut may be asked for again once the other slot is erased: what runs now is to stay.
            await self._device.ask(ImageStatesWrite(confirm=True))
        async for offset in self._device.upload(self._data):
            self._progress(self.stage, offset)
        try:
            await self._device.ask(ImageStatesWrite(hash=self._image.hash, confirm=False))
        except NotOfferedError:
            told = await self.look()
            if not (told.runs(self._image) or told.tries_next(self._image)):
                raise
            return told  # it lost its power amid the question, and tries the image already
        return await self.look()

    def _enter(self, stage: Stage) -> None:
        self.stage = stage
        self._progress(stage, 0 if stage is Stage.SENDING else len(self._data))

    def _stayed_old(self, told: Told) -> Result:
        self._enter(Stage.ENDED)
        if told.other is not None and told.other.hash == self._image.hash:
            return Result(Outcome.REVERTED, told.running.version, "the new version started and did not stay up")
        return Result(Outcome.REFUSED, told.running.version, "the boot loader did not accept the new version")

    async def _reset(self, done: Callable[[Told], bool]) -> Told:
        """Resets the device and waits until what it says is what a reset leaves."""
        until = time.monotonic() + self._device.patience.reboot_s
        again = 0.0
        while True:
            if time.monotonic() >= again:
                await self._ask_for_reset()
                again = time.monotonic() + self._device.patience.again_s
            await asyncio.sleep(self._device.patience.pause_s)
            try:
                told = await self.look()
            except DeviceSilentError:
                if time.monotonic() > until:
                    raise
                again = max(again, time.monotonic() + self._device.patience.again_s)  # it may be in the midst of one
                continue
            if done(told):
                return told
            if time.monotonic() > until:
                raise DeviceSilentError(f"{self._device.place}: does not reset: switch it off and on")

    async def _ask_for_reset(self) -> None:
        with suppress(DeviceSilentError):  # its answer may go with the reset: what it says next tells
            await self._device.ask(ResetWrite(), tries=1)
        await self._device.close()

    async def _self_test(self) -> str:
        """Why the running image is not good; empty: it is. It answers, and says so itself where it can."""
        word = secrets.token_hex(8)
        try:
            if (await self._device.ask(EchoWrite(d=word))).r != word:
                return "it does not give back what it was sent"
            until = time.monotonic() + self._device.patience.self_test_s
            while (probe := await self._probe()) is not None and probe[1] == RUNNING:
                if time.monotonic() > until:
                    return "its self-test does not end"
                await asyncio.sleep(self._device.patience.pause_s)
        except DeviceSilentError:
            return "it stopped answering"
        return "" if probe is None or probe[1] == PASSED else f"its self-test says: {probe[1]}"

    async def _revert(self, why: str) -> Result:
        self._enter(Stage.REVERTING)
        told = await self._reset(lambda now: not now.runs(self._image) or now.running.confirmed)
        self._enter(Stage.ENDED)
        outcome = Outcome.FAULTY if told.runs(self._image) else Outcome.REVERTED
        return Result(outcome, told.running.version, why)

    async def _confirm(self, told: Told) -> Result:
        # Without a hash it is the running image that is meant: one that was reset in between is not made to stay.
        await self._device.ask(ImageStatesWrite(confirm=True))
        told = await self.look()
        if not told.runs(self._image):
            return self._stayed_old(told)
        if not told.running.confirmed:
            raise DeviceSilentError(f"{self._device.place}: does not keep the confirmation: try again")
        self._enter(Stage.ENDED)
        return Result(Outcome.UPDATED, told.running.version)


def _slot(state: ImageState) -> Slot:
    return Slot(state.version, state.hash and bytes(state.hash), bool(state.confirmed), bool(state.pending))
