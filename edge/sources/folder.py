"""Pictures: a folder of them, or one. Only whole 8-bit pictures pass; whatever else has a picture's name is a fault."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Generator, Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.errors import PictureError, SourceError
from edge.frame import Frame, FrameSource, Pixels
from edge.sources.opened import OpenedSource
from edge.sources.paths import existing_file, files_in, is_there
from edge.sources.quiet import quiet_opencv
from edge.sources.suffixes import PICTURES

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def open_folder(rest: str) -> FrameSource:
    """The pictures of the folder `rest`, in natural order, as stills; one that cannot be read is a frame with a fault.

    SourceError when there is no such folder or no picture in it.
    """
    folder = Path(rest)
    if not is_there(folder) or not folder.is_dir():
        raise SourceError(f"{folder}: no such folder; check the path")
    paths = files_in(folder, PICTURES)
    return OpenedSource(_stills(paths), count=len(paths), stream=False)


def open_picture(rest: str) -> FrameSource:
    """The one picture `rest`; PictureError at once if it is none, for with a single file that is the user's mistake."""
    path = existing_file(rest)
    read_picture(path)
    return OpenedSource(_stills([path]), count=1, stream=False)


def read_picture(path: Path) -> Pixels:
    """The pixels of a picture file, (H, W) or (H, W, 3) BGR uint8, without its alpha channel.

    PictureError when the file is no picture, is cut short or damaged, or is deeper than 8 bits: a deeper picture needs
    a grey window, and which one is not ours to guess. Of a TIFF with several pages the first is read.
    """
    quiet_opencv()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path.name}: cannot be read ({error.strerror}); check its permissions") from error
    # libpng writes to stderr by itself when data run out; the other decoders return nothing in silence.
    if data.startswith(_PNG_SIGNATURE) and not png_is_whole(data):
        raise PictureError(f"{path.name}: PNG picture cut short or damaged; copy it again")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    except cv2.error as error:
        raise PictureError(f"{path.name}: not a picture that can be read; export it again") from error
    if pixels is None:
        raise PictureError(f"{path.name}: not a picture, or cut short; export it again")
    if pixels.dtype != np.uint8:
        raise PictureError(f"{path.name}: {pixels.dtype.itemsize * 8}-bit picture: export it as 8-bit")
    return np.ascontiguousarray(pixels[..., :3] if pixels.ndim == 3 else pixels, np.uint8)


def png_is_whole(data: bytes) -> bool:
    """Whether the chunks of a PNG file follow each other, each with its right checksum, to the closing IEND."""
    at = len(_PNG_SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 12 + length
        if end > len(data) or zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            return False
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at = end
    return False


def _stills(paths: Sequence[Path]) -> Generator[Frame, None, None]:
    for index, path in enumerate(paths):
        pixels, fault = None, ""
        try:
            pixels = read_picture(path)
        except PictureError as error:
            fault = str(error)
        yield Frame(pixels, time.monotonic_ns(), index, name=path.name, fault=fault)
