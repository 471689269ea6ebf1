"""Buffers in each format, packed here byte by byte as the kernel's documentation lays them out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.errors import PictureError
from edge.frame import Pixels
from firmware_bridge.pixel_formats import FOURCCS, Format, fourcc_number, fourcc_text, picture_of

HEIGHT, WIDTH = 6, 8
RNG = np.random.default_rng(5)
LUMA = RNG.integers(0, 256, (HEIGHT, WIDTH), np.uint8)
CHROMA = RNG.integers(0, 256, (HEIGHT, WIDTH // 2, 2), np.uint8)  # Cb, Cr
BGR = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def packed(fourcc: str) -> list[list[int]]:
    """The lines of a buffer."""
    lines = []
    for y in range(HEIGHT):
        line: list[int] = []
        for x in range(0, WIDTH, 2):
            (first, second), (blue, red) = LUMA[y, x : x + 2], CHROMA[y, x // 2]
            line += {"UYVY": [blue, first, red, second], "YUYV": [first, blue, second, red]}.get(
                fourcc, [first, second]
            )
        if fourcc in ("BGR3", "RGB3"):
            line = [channel for pixel in BGR[y] for channel in (pixel if fourcc == "BGR3" else reversed(pixel))]
        lines.append(line)
    if fourcc == "NV12":
        lines += [CHROMA[y].ravel().tolist() for y in range(0, HEIGHT, 2)]
    return lines


def buffer_of(fourcc: str, padding: int = 0) -> tuple[Pixels, Format]:
    """A read-only buffer with so many bytes of nonsense after each line."""
    lines = np.array(packed(fourcc), np.uint8)
    nonsense = RNG.integers(0, 256, (len(lines), padding), np.uint8)
    memory = np.frombuffer(np.hstack([lines, nonsense]).tobytes(), np.uint8)
    return memory, Format(WIDTH, HEIGHT, fourcc, lines.shape[1] + padding, memory.size)


@pytest.mark.parametrize("padding", [0, 5, 64])
@pytest.mark.parametrize("fourcc", [fourcc for fourcc in FOURCCS if fourcc != "MJPG"])
def test_a_buffer_is_seen_as_it_was_packed(fourcc: str, padding: int) -> None:
    memory, format_ = buffer_of(fourcc, padding)
    pixels, chroma = picture_of(memory, format_)
    assert np.array_equal(pixels, BGR if fourcc in ("BGR3", "RGB3") else LUMA)
    if fourcc in ("UYVY", "YUYV", "NV12"):
        assert chroma is not None and np.array_equal(chroma, CHROMA[:: 2 if fourcc == "NV12" else 1])
    else:
        assert chroma is None
    for plane in (pixels, chroma):
        assert plane is None or (np.shares_memory(plane, memory) and plane.base is memory and not plane.flags.writeable)


@pytest.mark.parametrize("fourcc", ["UYVY", "NV12", "BGR3", "GREY"])
def test_a_buffer_may_be_longer_and_not_shorter(fourcc: str) -> None:
    memory, format_ = buffer_of(fourcc)
    longer = np.concatenate([memory, np.zeros(7, np.uint8)])
    assert np.array_equal(picture_of(longer, format_).pixels, picture_of(memory, format_).pixels)
    with pytest.raises(PictureError, match=f"^{memory.size - 1} bytes are no whole picture \\({fourcc} 8x6, "):
        picture_of(memory[:-1], format_)
    with pytest.raises(PictureError):
        picture_of(memory[:0], format_)


def test_lines_shorter_than_the_picture_are_refused() -> None:
    memory, format_ = buffer_of("UYVY")
    narrow = Format(WIDTH, HEIGHT, "UYVY", format_.bytesperline - 2, format_.sizeimage)
    with pytest.raises(PictureError):
        picture_of(memory, narrow)


def test_an_odd_width_loses_no_luma() -> None:
    memory, format_ = buffer_of("UYVY", padding=2)
    pixels, chroma = picture_of(memory, Format(WIDTH - 1, HEIGHT, "UYVY", format_.bytesperline, format_.sizeimage))
    assert np.array_equal(pixels, LUMA[:, :-1])
    assert chroma is not None and np.array_equal(chroma, CHROMA[:, :-1])


def test_a_format_that_is_not_understood() -> None:
    with pytest.raises(PictureError, match=r"^YV12 is not understood, only UYVY, YUYV, "):
        picture_of(np.zeros(100, np.uint8), Format(8, 6, "YV12", 8, 72))


@pytest.fixture
def jpeg() -> Pixels:
    """A smooth picture, 64 x 48."""
    picture = cv2.resize(RNG.integers(0, 256, (3, 4, 3), np.uint8), (64, 48), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1], np.uint8)


MJPG = Format(64, 48, "MJPG", 0, 9216)


def test_a_jpeg_is_decoded_with_or_without_padding(jpeg: Pixels) -> None:
    want = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    for padding in (0, 1, 40):
        pixels, chroma = picture_of(np.concatenate([jpeg, np.zeros(padding, np.uint8)]), MJPG)
        assert chroma is None and np.array_equal(pixels, want)


def test_a_jpeg_without_its_usual_tables_is_decoded(jpeg: Pixels) -> None:
    """As motion JPEG of a grabber comes: the standard Huffman tables are left out."""
    whole, bare, at = jpeg.tobytes(), b"\xff\xd8", 2
    while whole[at + 1] != 0xDA:
        size = 2 + int.from_bytes(whole[at + 2 : at + 4], "big")
        if whole[at + 1] != 0xC4:
            bare += whole[at : at + size]
        at += size
    bare += whole[at:]
    assert len(bare) < len(whole) - 400
    pixels, _ = picture_of(np.frombuffer(bare, np.uint8), MJPG)
    assert np.array_equal(pixels, cv2.imdecode(jpeg, cv2.IMREAD_COLOR))


@pytest.mark.parametrize("cut", [1, 2, 100, 10_000])
def test_a_torn_jpeg_is_no_picture(jpeg: Pixels, cut: int) -> None:
    with pytest.raises(PictureError, match="no whole picture"):
        picture_of(jpeg[:-cut], MJPG)


def test_a_jpeg_of_another_size_or_of_nonsense_is_no_picture(jpeg: Pixels) -> None:
    with pytest.raises(PictureError, match="no whole picture"):
        picture_of(jpeg, Format(64, 64, "MJPG", 0, 9216))
    with pytest.raises(PictureError, match="no whole picture"):
        picture_of(np.frombuffer(b"no picture" * 9 + b"\xff\xd9", np.uint8), MJPG)


@pytest.mark.parametrize(("text", "number"), [("UYVY", 0x59565955), ("Y16 ", 0x20363159), ("Y16 -BE", 0xA0363159)])
def test_fourccs(text: str, number: int) -> None:
    assert (fourcc_number(text), fourcc_text(number)) == (number, text)
