"""One device's SMP server over a line that loses bytes and a port that goes and comes: every question is asked until it
is answered, or the patience is at an end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

from edge.errors import MissingExtraError
from firmware_bridge.errors import DeviceSilentError, PortError, UpdateRefusedError

try:
    from cbor2 import CBORDecodeError
    from smp.exceptions import SMPException
    from smpclient import SMPClient
    from smpclient.exceptions import SMPClientException, SMPUploadError
    from smpclient.generics import SMPRequest, TEr1, TEr2, TRep, error_v1, error_v2
    from smpclient.requests.os_management import MCUMgrParametersRead
    from smpclient.transport import SMPTransport, SMPTransportDisconnected
except ImportError as error:
    raise MissingExtraError("firmware update", "update") from error

logging.getLogger("smpclient").setLevel(logging.CRITICAL)  # it prints to stderr what we tell in one line
logging.getLogger("smp").setLevel(logging.CRITICAL)

NO_ANSWER = (  # nothing came, or what came was no answer: smpclient lets pass what its decoders raise on noise
    OSError,
    ValueError,
    TypeError,
    AssertionError,
    SMPException,
    SMPClientException,
    SMPTransportDisconnected,
    CBORDecodeError,
)
LARGEST_MESSAGE = 4096  # bytes: no device gains by more


@dataclass(frozen=True)
class Patience:
    """How long each thing may take."""

    answer_s: float = 1.5  # one question
    tries: int = 4  # of one question, or of an upload that does not get on
    first_s: float = 1.0  # the port, when the update begins
    back_s: float = 20.0  # the port, when it went amid the update
    erase_s: float = 40.0  # the first piece of an image: a slot of a megabyte may be erased before its answer
    reboot_s: float = 180.0  # a reset with a swap of two slots
    again_s: float = 5.0  # after a reset that did not happen, it is asked for again
    self_test_s: float = 30.0
    pause_s: float = 0.25  # between two looks


class Conversation:
    """With the device at `place`. Its answers are material to judge: `NotOfferedError` is one of them.

    Args:
        place: what the line is opened by
        transport: makes the line to it, anew each time that it is opened
    """

    def __init__(self, place: str, transport: Callable[[], SMPTransport], patience: Patience) -> None:
        self.place, self.patience = place, patience
        self._new_line = transport
        self._line: SMPTransport | None = None

    async def ask(self, request: SMPRequest[TRep, TEr1, TEr2], tries: int | None = None) -> TRep:
        """The device's answer.

        Raises:
            DeviceSilentError: it gives none.
            NotOfferedError: it answers with an error.
        """
        for _ in range(tries or self.patience.tries):
            try:
                answer = await self._client(await self._opened()).request(request)
            except NO_ANSWER:
                await self.close()
                continue
            if error_v1(answer):
                raise NotOfferedError(self.place, answer.rc.name)
            if error_v2(answer):
                raise NotOfferedError(self.place, answer.err.rc.name)
            return answer
        raise DeviceSilentError(f"{self.place}: does not answer in SMP: is this the port for updates, at this speed?")

    async def open(self) -> None:
        """Opens the line.

        Raises:
            DeviceSilentError: it cannot be opened.
        """
        await self._opened(self.patience.first_s)

    async def _opened(self, within_s: float | None = None) -> SMPTransport:
        """The line, opened again if it was closed."""
        until = time.monotonic() + (self.patience.back_s if within_s is None else within_s)
        while self._line is None:
            line = self._new_line()
            try:
                # No longer than one try: the port may have another name at the next.
                await line.connect(self.place, 0.1)
                self._line = line
            except (*NO_ANSWER, PortError) as error:
                if time.monotonic() > until:
                    raise DeviceSilentError(str(error)) from error
                await asyncio.sleep(self.patience.pause_s)
        return self._line

    def _client(self, line: SMPTransport) -> SMPClient:
        return SMPClient(line, self.place, timeout_s=self.patience.answer_s)

    async def close(self) -> None:
        """Lets go of the line; the next question opens it again."""
        line, self._line = self._line, None
        if line is not None:
            with suppress(*NO_ANSWER):  # a port that is gone cannot be closed in good order
                await line.disconnect()

    async def upload(self, data: bytes) -> AsyncIterator[int]:
        """Sends an image, from where the device says that it stands; yields the bytes that it has, each time more.

        Raises:
            DeviceSilentError: it does not answer, or does not get on.
            UpdateRefusedError: it does not take the image.
        """
        best, tries = -1, self.patience.tries
        while best < len(data) and tries:
            tries -= 1
            last = -1  # of this try: after a power cut the device begins at 0 again
            room = await self._room()
            try:
                async for offset in self._pieces(data, room):
                    if not last < offset <= len(data):
                        break
                    last = offset
                    if offset > best:
                        best, tries = offset, self.patience.tries
                        yield offset
            except SMPUploadError as error:
                raise UpdateRefusedError(f"{self.place}: does not take the image: {_said(error)}") from error
            except NO_ANSWER:
                await self.close()
        if best < len(data):
            raise DeviceSilentError(f"{self.place}: takes no more of the image after {max(best, 0)} bytes: try again")

    async def _room(self) -> int | None:
        """Bytes that the device takes in one message; None: it does not say."""
        try:
            return min((await self.ask(MCUMgrParametersRead())).buf_size, LARGEST_MESSAGE)
        except NotOfferedError:
            return None

    async def _pieces(self, data: bytes, room: int | None) -> AsyncIterator[int]:
        line = await self._opened()
        if room is not None:
            line.initialize(room)
        async for offset in self._client(line).upload(data, first_timeout_s=self.patience.erase_s):
            yield offset


class NotOfferedError(DeviceSilentError):
    """The device answers a question with an error."""

    def __init__(self, place: str, code: str) -> None:
        super().__init__(f"{place}: the device answers {code}: try again, or switch it off and on first")
        self.code = code


def _said(error: SMPUploadError) -> str:
    """The device's own word in an error of smpclient's, which holds either its answer or a sentence."""
    answer = error.args[0]
    code = getattr(answer, "rc", None) or getattr(getattr(answer, "err", None), "rc", None)
    return f"it answers {code.name}" if code is not None else "it has other bytes than were sent: try again"
