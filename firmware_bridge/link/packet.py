"""The sixteen bytes before each payload: who speaks to whom, what was received, and what this is (docs/protocol.md)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAJOR, MINOR = 1, 0  # of the protocol: a minor adds messages and fields at their end, a major may change anything
MAX_PAYLOAD = 256  # bytes
LAYOUT = struct.Struct("<BBHIIHH")
MAX_PACKET = LAYOUT.size + MAX_PAYLOAD
NUMBERED = 0x80  # of the second byte; its other bits are the window
MAX_WINDOW = 0x7F
NOBODY = 0  # the session of one who is not known yet
SEQUENCES = 1 << 16


@dataclass(frozen=True)
class Packet:
    """What goes over the wire at a time."""

    message: int  # its id, 0..65535
    payload: bytes  # at most MAX_PAYLOAD
    sender: int  # session of who speaks, 1..2**32 - 1
    receiver: int  # session of who is meant, NOBODY while it is not known
    sequence: int  # 0..65535, of numbered packets and of passing ones apart
    acknowledged: int  # the next numbered packet that the sender waits for
    window: int  # how many numbered packets from `acknowledged` on the sender has room for, 0..MAX_WINDOW
    numbered: bool  # it is said again until acknowledged; else it passes once
    major: int = MAJOR
    minor: int = MINOR

    def encode(self) -> bytes:
        """Header and payload."""
        version, flags = self.major << 4 | self.minor, self.window | (NUMBERED if self.numbered else 0)
        head = LAYOUT.pack(version, flags, self.message, self.sender, self.receiver, self.sequence, self.acknowledged)
        return head + self.payload


def decode(data: bytes) -> Packet | None:
    """The packet in `data`; None where it is too short or too long to be one.

    Of another major version only the versions, the message's id and the sessions may be believed.
    """
    if not LAYOUT.size <= len(data) <= MAX_PACKET:
        return None
    version, flags, message, sender, receiver, sequence, acknowledged = LAYOUT.unpack_from(data)
    return Packet(
        message=message,
        payload=data[LAYOUT.size :],
        sender=sender,
        receiver=receiver,
        sequence=sequence,
        acknowledged=acknowledged,
        window=flags & MAX_WINDOW,
        numbered=bool(flags & NUMBERED),
        major=version >> 4,
        minor=version & 0x0F,
    )
