"""Frames with something wrong in them, each certain to be so."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from firmware_bridge.link.framing import cobs_decode

Spoil = Callable[[bytearray, random.Random], None]


def _flip_bits(code: bytearray, draw: random.Random) -> None:
    for _ in range(draw.randint(1, 8)):
        code[draw.randrange(len(code))] ^= 1 << draw.randrange(8)


def _change_bytes(code: bytearray, draw: random.Random) -> None:
    for _ in range(draw.randint(1, 4)):
        code[draw.randrange(len(code))] = draw.randrange(256)


def _lose_bytes(code: bytearray, draw: random.Random) -> None:
    for _ in range(draw.randint(1, 3)):
        del code[draw.randrange(len(code))]


def _double_a_byte(code: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(code))
    code.insert(at, code[at])


def _swap_bytes(code: bytearray, draw: random.Random) -> None:
    one, two = draw.randrange(len(code)), draw.randrange(len(code))
    code[one], code[two] = code[two], code[one]


def _cut(code: bytearray, draw: random.Random) -> None:
    at = draw.randrange(1, len(code))
    del code[slice(at) if draw.random() < 0.5 else slice(at, None)]


def _burst(code: bytearray, draw: random.Random) -> None:
    at, count = draw.randrange(len(code)), draw.randint(2, 32)
    code[at : at + count] = draw.randbytes(len(code[at : at + count]))


def _put_in(code: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(code))
    code[at:at] = draw.randbytes(draw.randint(1, 8))


def _a_zero(code: bytearray, draw: random.Random) -> None:
    code[draw.randrange(len(code))] = 0


SPOILS: tuple[Spoil, ...] = (
    _flip_bits, _change_bytes, _lose_bytes, _double_a_byte, _swap_bytes, _cut, _burst, _put_in, _a_zero
)  # fmt: skip


def corrupted(frames: Sequence[bytes], count: int, seed: int) -> Iterator[tuple[bytes, int]]:
    """So many spoilt frames between their zeros, each with the number of frames that a reader must count as damaged.

    None of what lies between two zeros decodes to what was sent: a swap of two equal bytes, or changes that cancel
    one another, are drawn again.
    """
    draw = random.Random(seed)  # noqa: S311  no secret
    codes = [(frame.strip(b"\0"), cobs_decode(frame.strip(b"\0"))) for frame in frames]
    for number in range(count):
        code, sent = codes[draw.randrange(len(codes))]
        spoil = SPOILS[number % len(SPOILS)]
        while True:
            spoilt = bytearray(code)
            spoil(spoilt, draw)
            pieces = [piece for piece in bytes(spoilt).split(b"\0") if piece]
            if all(cobs_decode(piece) != sent for piece in pieces):
                break
        yield b"\0" + spoilt + b"\0", len(pieces)
