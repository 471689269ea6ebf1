"""Packets in a stream of bytes: consistent overhead byte stuffing (COBS) between zeros, and a CRC-32 in each.

A zero is never part of a packet, so that whatever was lost or changed, the next zero begins anew. Each frame has a zero
before and after it: damage at its end does not reach into the next one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

CRC_BYTES = 4  # little-endian, of all bytes before it: zlib's, IEEE 802.3
LONGEST_RUN = 254  # bytes without a zero that one count of COBS covers


def cobs_encode(data: bytes) -> bytes:
    """The same bytes with no zero among them, one byte in 254 longer, and one."""
    coded = bytearray()
    for run in data.split(b"\0"):
        for start in range(0, len(run), LONGEST_RUN):
            part = run[start : start + LONGEST_RUN]
            coded.append(len(part) + 1)
            coded += part
        if not run or len(run) % LONGEST_RUN == 0:  # a full run ends without a zero: this count stands for the zero
            coded.append(1)
    return bytes(coded)


def cobs_decode(coded: bytes) -> bytes | None:
    """What was encoded; None where a count points beyond the end, or at a zero."""
    data = bytearray()
    at, end = 0, len(coded)
    while at < end:
        count = coded[at]
        if count == 0 or at + count > end:
            return None
        data += coded[at + 1 : at + count]
        at += count
        if count <= LONGEST_RUN and at < end:
            data.append(0)
    return None if 0 in coded else bytes(data)


def frame(packet: bytes) -> bytes:
    """A packet as it goes over the wire."""
    return b"\0" + cobs_encode(packet + zlib.crc32(packet).to_bytes(CRC_BYTES, "little")) + b"\0"


def longest_frame(packet_bytes: int) -> int:
    """Bytes between the zeros of the longest frame of packets of so many bytes."""
    whole = packet_bytes + CRC_BYTES
    return whole + whole // LONGEST_RUN + 1


@dataclass
class Unframer:
    """Finds the packets in bytes as they come, in pieces of any size, and counts what is none."""

    packet_bytes: int  # of the longest packet that is taken
    damaged: int = 0  # frames that were dropped: no COBS, too long, too short, or another CRC

    def __post_init__(self) -> None:
        self._coded = bytearray()
        self._too_long = False
        self._limit = longest_frame(self.packet_bytes)

    def __call__(self, data: bytes) -> Iterator[bytes]:
        """The whole packets that end in these bytes, without their CRC."""
        first, *others = data.split(b"\0")
        self._add(first)
        for run in others:
            packet = self._end()
            if packet is not None:
                yield packet
            self._add(run)

    def _add(self, run: bytes) -> None:
        if len(self._coded) + len(run) > self._limit:
            self._too_long = True
            self._coded.clear()
        elif not self._too_long:
            self._coded += run

    def _end(self) -> bytes | None:
        """The packet whose last byte came, if it is one."""
        coded, too_long = bytes(self._coded), self._too_long
        self._coded.clear()
        self._too_long = False
        if not coded and not too_long:
            return None
        packet = None if too_long else _checked(coded)
        if packet is None:
            self.damaged += 1
        return packet


def _checked(coded: bytes) -> bytes | None:
    whole = cobs_decode(coded)
    if whole is None or len(whole) <= CRC_BYTES:
        return None
    packet, crc = whole[:-CRC_BYTES], whole[-CRC_BYTES:]
    return packet if zlib.crc32(packet).to_bytes(CRC_BYTES, "little") == crc else None
