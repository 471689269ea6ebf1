"""A video file, frame by frame, with an eye on whether the file is all there."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

import cv2

from edge.errors import SourceError
from edge.frame import Frame, FrameSource, Pixels
from edge.sources.opened import OpenedSource
from edge.sources.paths import existing_file
from edge.sources.quiet import quiet_opencv

# These store their number of frames; for the others OpenCV multiplies a duration by a rate (19 for 18 delivered in an
# MPEG program stream, -2e17 in a WMV cut short). Even a stored number is no promise: a clip trimmed by an edit list,
# as phones do, declares 40 and rightly delivers 20. So a file cut short is told by its own boxes, not by its count.
_COUNTED = frozenset({".avi", ".mp4", ".m4v", ".mov"})

_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"mfra", b"sidx", b"styp", b"uuid"})


def open_video(rest: str) -> FrameSource:
    """The frames of the video file `rest`, (H, W, 3) BGR, one screen throughout, stamped when they are delivered.

    Its length is the number that an AVI or MP4 declares (a trimmed clip gives fewer), else 0.
    SourceError when it cannot be opened; and, after the last whole frame, when the file is cut short. MPEG program
    streams and WMV have no length of their own to hold the file against: cut short, they just end sooner.
    """
    path = existing_file(rest)
    quiet_opencv()
    try:
        with path.open("rb") as file:
            cut = is_cut_short(file, path.stat().st_size)
    except OSError as error:
        raise SourceError(f"{path.name}: cannot be read ({error.strerror}); check its permissions") from error
    # FFmpeg by name: OpenCV's other readers take a name such as scan_%03d.avi for a pattern. Absolute: a name such as
    # concat:a.avi is not a protocol.
    capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        what = "cut short: copy it again" if cut else "no video that can be read: convert it to MP4 or AVI"
        raise SourceError(f"{path.name}: {what}")
    declared = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT))) if path.suffix.lower() in _COUNTED else 0
    frames = _frames(path, capture, declared, cut)
    return OpenedSource(frames, count=declared, stream=True, release=capture.release)


def _frames(path: Path, capture: cv2.VideoCapture, declared: int, cut: bool) -> Generator[Frame, None, None]:
    index = 0
    images = _images(capture)
    for pixels, taken_ns in _all_but_last(images) if cut else images:
        yield Frame(pixels, time.monotonic_ns(), index, taken_ns=taken_ns)
        index += 1
    if cut:
        of = f" of {declared}" if declared else ""
        raise SourceError(f"{path.name}: ends after {index}{of} frames: the file is cut short; copy it again")
    if not index:
        raise SourceError(f"{path.name}: no frame in this video can be decoded; convert it to MP4 or AVI")


def _images(capture: cv2.VideoCapture) -> Iterator[tuple[Pixels, int]]:
    """Each picture and its own time in the video, ns."""
    while True:
        there, pixels = capture.read()
        if not there:
            return
        taken_ns = round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        yield pixels, taken_ns  # type: ignore[misc]  # a capture delivers uint8; OpenCV's stub says any integer or float


def _all_but_last(images: Iterator[tuple[Pixels, int]]) -> Iterator[tuple[Pixels, int]]:
    """All but the last: FFmpeg fills up the frame at the cut from the one before (AVI and MP4), and calls it good."""
    held: tuple[Pixels, int] | None = None
    for image in images:
        if held is not None:
            yield held
        held = image


def is_cut_short(file: BinaryIO, size: int) -> bool:
    """Whether the outermost boxes of a RIFF (AVI), ISO (MP4, MOV) or EBML (MKV, WebM) file need more than `size` bytes.

    False for other formats, and for a recording whose writer left its length open: there is nothing to compare with.
    """
    head = file.read(64)
    if head[:4] == b"RIFF":
        end = _riffs_end(file, size)
    elif head[:4] == _EBML:
        end = _segment_end(head)
    elif head[4:8] in _BOXES:
        end = _boxes_end(file, size)
    else:
        end = 0
    return end > size


def _riffs_end(file: BinaryIO, size: int) -> int:
    """Where the last RIFF chunk of an AVI file ends (past 1 GB there are several); 0 when its length was left open."""
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(8)
        length = int.from_bytes(head[4:8], "little")
        if head[:4] != b"RIFF" or length in {0, 0xFFFFFFFF}:
            return 0
        at += 8 + length
    return at


def _boxes_end(file: BinaryIO, size: int) -> int:
    """Where the last top-level box of an ISO file ends; a box of size 0 reaches to the end of the file."""
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:  # the true length follows, in 64 bits
            length = int.from_bytes(head[8:16], "big")
        if length == 0:
            return size
        if len(head) < 8 or length < 8:
            return size + 1
        at += length
    return at


def _segment_end(head: bytes) -> int:
    """Where the Segment of an EBML file ends by its own length, or 0 when that was left open (all ones)."""
    at = head.find(_SEGMENT) + len(_SEGMENT)
    if at < len(_SEGMENT) or at >= len(head) or not head[at]:
        return 0
    width = 9 - head[at].bit_length()  # bytes of the length: one more than its leading zero bits
    value_bits = 7 * width
    length = int.from_bytes(head[at : at + width], "big") & ((1 << value_bits) - 1)
    return 0 if length == (1 << value_bits) - 1 else at + width + length
