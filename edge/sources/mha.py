"""MetaImage sequences (`.mha`, `.igs.mha`) as PlusLib's frame grabber writes them: a text header, then the frames.

Frames are decompressed one by one, so that a sequence of any length takes the memory of one frame.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from edge.errors import SourceError
from edge.frame import Frame, FrameSource, Pixels
from edge.sources.opened import OpenedSource
from edge.sources.paths import existing_file

_LINE_LIMIT = 65_536  # bytes; a header line is a name and at most a 4 x 4 matrix
_SIDE_LIMIT = 16_384  # px
_FRAME_LIMIT = 10_000_000
_CHUNK = 65_536  # bytes read at once from a compressed file
_STATUS = re.compile(r"Seq_Frame(\d{1,9})_ImageStatus")
_TIME = re.compile(r"Seq_Frame(\d{1,9})_Timestamp")
_PACE_NS = 40_000_000  # between frames without time stamps; frame grabbers were seen to take 8 to 30 a second
_SECONDS = re.compile(r"\d{1,12}(\.\d{0,12})?")


@dataclass(frozen=True)
class MhaHeader:
    """What the header says of the pixels.

    Not taken, on purpose: `ElementSpacing`, which PlusLib writes as `1 1 1` whatever the depth, so that it is no
    spacing of the screen; the tracker's transforms, which place the probe and say nothing of the pixel; and
    `UltrasoundImageOrientation` (MF, MN, UF ...), which names the side of the *probe* to which rows and columns run.
    The rows are stored as they stood on the screen under either letter: recordings marked MN carry their text upright
    with the transducer at the bottom, where their screen had it, and a flip would turn screen and text upside down.
    """

    width: int  # px
    height: int  # px
    channels: int  # 1 grey or 3 RGB
    frames: int
    compressed: bool
    invalid: frozenset[int] = frozenset()  # frames that the recorder itself marked as holding no picture
    taken_ns: dict[int, int] = field(default_factory=dict)  # index -> the recorder's clock

    @property
    def frame_bytes(self) -> int:
        return self.width * self.height * self.channels


def open_mha(rest: str) -> FrameSource:
    """The frames of the MetaImage file `rest`, (H, W) or (H, W, 3) BGR, one screen, stamped when they are delivered.

    SourceError when the header is not that of an 8-bit picture or sequence, and, after the last whole frame, when the
    file is cut short or damaged. The recorder's own time stamps, of another clock, are `taken_ns`.
    """
    path = existing_file(rest)
    try:
        file = path.open("rb")
    except OSError as error:
        raise SourceError(f"{path.name}: cannot be read ({error.strerror}); check its permissions") from error
    try:
        header = read_header(file, path.name)
    except BaseException:
        file.close()
        raise
    return OpenedSource(_frames(path, file, header), count=header.frames, stream=True, release=file.close)


def _frames(path: Path, file: BinaryIO, header: MhaHeader) -> Generator[Frame, None, None]:
    body = _Inflated(file) if header.compressed else None
    read: Callable[[int], bytes] = body.read if body else file.read
    index = 0
    try:
        while index < header.frames:
            data = read(header.frame_bytes)
            if len(data) < header.frame_bytes:
                break
            valid = index not in header.invalid
            pixels = _pixels(data, header) if valid else None
            fault = "" if valid else "marked by the recorder as no valid picture"
            taken_ns = header.taken_ns.get(index, index * _PACE_NS)
            yield Frame(pixels, time.monotonic_ns(), index, fault=fault, taken_ns=taken_ns)
            index += 1
        whole = index == header.frames and (body is None or body.ends_well())
    except zlib.error as error:
        raise SourceError(f"{path.name}: damaged after {index} of {header.frames} frames; copy it again") from error
    except OSError as error:
        raise SourceError(f"{path.name}: cannot be read after {index} frames ({error.strerror})") from error
    if not whole:
        raise SourceError(
            f"{path.name}: ends after {index} of {header.frames} frames: the file is cut short; copy it again"
        )


def _pixels(data: bytes, header: MhaHeader) -> Pixels:
    if header.channels == 1:
        return np.frombuffer(data, np.uint8).reshape(header.height, header.width)
    rgb = np.frombuffer(data, np.uint8).reshape(header.height, header.width, 3)
    return np.ascontiguousarray(rgb[..., ::-1])


class _Inflated:
    """A zlib stream read in pieces of a given size, with no more of it inflated than was asked for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._zlib = zlib.decompressobj()

    def read(self, size: int) -> bytes:
        """The next `size` bytes, fewer only where the stream or the file ends; zlib.error where it is damaged."""
        out = bytearray()
        while len(out) < size and not self._zlib.eof:
            packed = self._zlib.unconsumed_tail or self._file.read(_CHUNK)
            piece = self._zlib.decompress(packed, size - len(out))
            if not packed and not piece:
                break
            out += piece
        return bytes(out)

    def ends_well(self) -> bool:
        """Whether the stream goes on to its own end, checksum included."""
        return bool(self.read(1)) or self._zlib.eof


def read_header(file: BinaryIO, name: str) -> MhaHeader:
    """Read a MetaImage header up to and with its last line, `ElementDataFile = LOCAL`; the pixels follow.

    `name` is the file's, for messages. SourceError on whatever is not the header of an 8-bit picture or sequence.
    """
    fields: dict[str, str] = {}
    while "ElementDataFile" not in fields:
        line = file.readline(_LINE_LIMIT)
        key, equals, value = line.decode("latin-1").partition("=")
        if not line.endswith(b"\n") or not equals:
            raise SourceError(f"{name}: not a MetaImage file, or cut short in its header; copy it again")
        fields[key.strip()] = value.strip()
    return parse_header(fields, name)


def parse_header(fields: dict[str, str], name: str) -> MhaHeader:
    """The header of a MetaImage file from its `key = value` fields; SourceError on what is not ours to read."""

    def demand(holds: bool, what: str) -> None:
        if not holds:
            raise SourceError(f"{name}: {what}; convert it to an 8-bit MetaImage sequence with its pixels in the file")

    demand(fields["ElementDataFile"] == "LOCAL", "its pixels are in another file")
    demand(fields.get("BinaryData", "True").lower() == "true", "its pixels are written as text")
    element = fields.get("ElementType", "")
    demand(element == "MET_UCHAR", f"its pixels are {element[:40] or 'of no stated type'}, not MET_UCHAR")
    channels = fields.get("ElementNumberOfChannels", "1")
    demand(channels in {"1", "3"}, f"it has {channels[:10]} channels, not 1 or 3")
    width, height, frames = _sizes(fields, name)
    invalid = (m[1] for key, value in fields.items() if value == "INVALID" and (m := _STATUS.fullmatch(key)))
    times = ((m, value) for key, value in fields.items() if (m := _TIME.fullmatch(key)))
    return MhaHeader(
        width=width,
        height=height,
        channels=int(channels),
        frames=frames,
        compressed=fields.get("CompressedData", "False").lower() == "true",
        invalid=frozenset(map(int, invalid)),
        taken_ns={int(m[1]): round(float(value) * 1e9) for m, value in times if _SECONDS.fullmatch(value)},
    )


def _sizes(fields: dict[str, str], name: str) -> tuple[int, int, int]:
    """(width, height, frames) of `DimSize`: 2 numbers for a picture, 3 for a sequence, or 4 of which the third is 1."""
    words = fields.get("DimSize", "").split()
    kinds = fields.get("Kinds", "").split()
    try:
        sizes = [int(word) for word in words]
    except ValueError:
        sizes = []
    if len(sizes) == 4 and sizes[2] == 1:
        sizes, kinds = [*sizes[:2], sizes[3]], kinds[:2] + kinds[3:]
    if len(sizes) == 2:
        sizes = [*sizes, 1]
    elif kinds and kinds[-1] != "list":
        raise SourceError(f"{name}: a volume, not a sequence of pictures; export the scan as a sequence")
    if len(sizes) != 3 or not all(1 <= side <= _SIDE_LIMIT for side in sizes[:2]) or not 1 <= sizes[2] <= _FRAME_LIMIT:
        raise SourceError(f"{name}: DimSize = {' '.join(words)[:60]} is no sequence of pictures; record it again")
    return sizes[0], sizes[1], sizes[2]
