"""A captured buffer as luma and chroma, or BGR: views of it wherever the layout allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from edge.errors import PictureError
from edge.frame import Pixels


@dataclass(frozen=True)
class Format:
    """The frames that a driver gives."""

    width: int  # px
    height: int  # px
    fourcc: str  # "UYVY"
    bytesperline: int  # of the first plane, padding included; 0 where compressed
    sizeimage: int  # bytes, the most that a frame takes
    colorspace: int = 0  # the kernel's V4L2_COLORSPACE_*
    full_range: bool = False  # samples span 0..255, not 16..235


class Picture(NamedTuple):
    """What a `Frame` takes of a buffer."""

    pixels: Pixels  # (H, W), luma; or (H, W, 3), BGR
    chroma: Pixels | None  # beside luma: (H, W/2, 2) or (H/2, W/2, 2), Cb and Cr about 128


def picture_of(memory: Pixels, format_: Format) -> Picture:
    """A buffer's bytes, (bytes used,), as a picture: views of `memory`, but for MJPG.

    Raises:
        PictureError: the buffer holds less than a frame, or its format is none of `FOURCCS`.
    """
    reader = _READERS.get(format_.fourcc)
    if reader is None:
        raise PictureError(f"{format_.fourcc} is not understood, only {', '.join(FOURCCS)}")
    return reader(memory, format_)


def _rows(memory: Pixels, format_: Format, pixel_bytes: int, lines: int | None = None) -> Pixels:
    """The lines of a buffer without their padding, (lines, W x pixel_bytes)."""
    lines, used = lines or format_.height, format_.width * pixel_bytes
    line = format_.bytesperline
    if line < used or memory.size < lines * line:
        raise _not_whole(memory, format_)
    return memory[: lines * line].reshape(lines, line)[:, :used]


def _quads(rows: Pixels) -> Pixels:
    """Of 4:2:2, four bytes to two pixels, (H, W/2, 4)."""
    lines, size = rows.shape
    return rows[:, : size // 4 * 4].reshape(lines, size // 4, 4)


def _uyvy(memory: Pixels, format_: Format) -> Picture:
    rows = _rows(memory, format_, 2)
    return Picture(rows[:, 1::2], _quads(rows)[..., 0::2])


def _yuyv(memory: Pixels, format_: Format) -> Picture:
    rows = _rows(memory, format_, 2)
    return Picture(rows[:, 0::2], _quads(rows)[..., 1::2])


def _nv12(memory: Pixels, format_: Format) -> Picture:
    height, half = format_.height, format_.width // 2
    rows = _rows(memory, format_, 1, lines=height + height // 2)
    return Picture(rows[:height], rows[height:, : half * 2].reshape(height // 2, half, 2))


def _grey(memory: Pixels, format_: Format) -> Picture:
    return Picture(_rows(memory, format_, 1), None)


def _bgr(memory: Pixels, format_: Format) -> Picture:
    return Picture(_rows(memory, format_, 3).reshape(format_.height, format_.width, 3), None)


def _rgb(memory: Pixels, format_: Format) -> Picture:
    return Picture(_bgr(memory, format_).pixels[..., ::-1], None)


def _jpeg(memory: Pixels, format_: Format) -> Picture:
    # The decoder makes up the end of a picture that was cut short, and is content: a whole one ends with its mark.
    whole = memory[-64:].tobytes().rstrip(b"\0").endswith(b"\xff\xd9")
    picture = cv2.imdecode(memory, cv2.IMREAD_COLOR) if whole else None
    if picture is None or picture.shape[:2] != (format_.height, format_.width):
        raise _not_whole(memory, format_)
    return Picture(np.asarray(picture, np.uint8), None)


def _not_whole(memory: Pixels, format_: Format) -> PictureError:
    size = f"{format_.fourcc} {format_.width}x{format_.height}, {format_.bytesperline} bytes a line"
    return PictureError(f"{memory.size} bytes are no whole picture ({size})")


_READERS: dict[str, Callable[[Pixels, Format], Picture]] = {
    "UYVY": _uyvy,
    "YUYV": _yuyv,
    "NV12": _nv12,
    "BGR3": _bgr,
    "RGB3": _rgb,
    "MJPG": _jpeg,
    "GREY": _grey,
}
FOURCCS = tuple(_READERS)  # those that are understood: cheap before dear, and last the one that hides colour
FULL_RANGE = frozenset({"BGR3", "RGB3", "MJPG", "GREY"})  # whose samples span 0..255 where a driver does not say


def fourcc_number(fourcc: str) -> int:
    """The kernel's number of a format such as "UYVY"; "-BE" after the four letters is its top bit."""
    letters = int.from_bytes(fourcc[:4].ljust(4).encode("ascii"), "little")
    return letters | (0x80000000 if fourcc[4:] == "-BE" else 0)


def fourcc_text(number: int) -> str:
    """The inverse of `fourcc_number`."""
    letters = (number & 0x7FFFFFFF).to_bytes(4, "little").decode("ascii", "replace")
    return letters + ("-BE" if number & 0x80000000 else "")
