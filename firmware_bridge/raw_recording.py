"""Frames with their time stamps as they came, losslessly: written by `RawRecorder`, read as the source `raw:FILE`.

    file     magic, version, flags, CRC-32 of these; then records, appended as the frames come
    record   marker, length of the head, length of the samples, CRC-32 of these;
             head (msgpack: `_Head`), samples of the pixels, samples of the chroma; CRC-32 of head and samples

A frame is in the file when its record is whole. Where a power cut or a kill tore a record off at the end, a frame
without pixels says so, and one line on stderr; whatever else does not agree with its checksum is an error after the
last whole frame, never a picture.
"""

from __future__ import annotations

import math
import os
import struct
import sys
import time
import zlib
from collections.abc import Generator
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NoReturn

import msgspec
import numpy as np
from tqdm import tqdm

from edge.errors import OutputError
from edge.frame import UNKNOWN_SPACING, Frame, FrameSource, Pixels, Roi, Spacing
from edge.sources.opened import OpenedSource
from edge.sources.paths import existing_file
from firmware_bridge.errors import RecordingError

MAGIC, VERSION = b"SONORAW", 1
STREAM = 1  # flag: all frames show one screen

_FILE = struct.Struct("<7sBB3x")  # magic, version, flags
_RECORD = struct.Struct("<4sIQ")  # marker, bytes of the head, bytes of the samples
_CRC = struct.Struct("<I")
_MARKER = b"FRAM"

# What a frame may hold: sides of its pixels, their channels; sides of its chroma, its channels.
_KINDS = {(0, (), 0, ()), (2, (), 0, ()), (3, (3,), 0, ()), (2, (), 3, (2,))}


class _Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a record says of its frame; `shape` is that of the pixels, () where there are none."""

    index: int
    shown_ns: int
    shape: tuple[int, ...] = ()
    chroma_shape: tuple[int, ...] = ()
    spacing: Spacing = UNKNOWN_SPACING
    region: Roi | None = None
    fault: str = ""
    no_signal: bool = False


class RawRecorder:
    """Appends frames to a new file; never over one that is there. Ended by `close`, or as a context manager."""

    def __init__(self, path: Path, *, stream: bool = True) -> None:
        """`stream`: all frames show one screen.

        Raises:
            OutputError: the file is there already, or cannot be made.
        """
        self.path = path
        self.frames = 0  # that are whole in the file
        self._whole = 0  # bytes, up to the last whole record
        try:
            self._file = path.open("xb")
        except FileExistsError as error:
            raise OutputError(f"{path}: is there already: name a new file") from error
        except OSError as error:
            raise OutputError(f"{path}: cannot be made: {error.strerror}: choose another place") from error
        head = _FILE.pack(MAGIC, VERSION, STREAM if stream else 0)
        try:
            self._append(head, _CRC.pack(zlib.crc32(head)))
        except OutputError:
            path.unlink()
            raise

    def write(self, frame: Frame) -> None:
        """Appends a frame, whose pixels may be views: they are written row by row, as they look.

        Raises:
            OutputError: it cannot be written, and nothing more will be; the frames before it are whole.
        """
        pixels, chroma = _samples(frame.pixels), _samples(frame.chroma)
        head = msgspec.msgpack.encode(
            _Head(
                index=frame.index,
                shown_ns=frame.shown_ns,
                shape=() if frame.pixels is None else frame.pixels.shape,
                chroma_shape=() if frame.chroma is None else frame.chroma.shape,
                spacing=frame.spacing,
                region=frame.region,
                fault=frame.fault.encode("utf-8", "replace").decode(),  # a file's name in it may be no text
                no_signal=frame.no_signal,
            )
        )
        lengths = _RECORD.pack(_MARKER, len(head), pixels.nbytes + chroma.nbytes)
        crc = zlib.crc32(chroma.data, zlib.crc32(pixels.data, zlib.crc32(head)))
        self._append(lengths, _CRC.pack(zlib.crc32(lengths)), head, pixels.data, chroma.data, _CRC.pack(crc))
        self.frames += 1

    def _append(self, *parts: bytes | memoryview) -> None:
        """Hands all parts to the system: from then on, a kill does no harm."""
        try:
            for part in parts:
                self._file.write(part)
            self._file.flush()
        except OSError as error:
            with suppress(OSError):  # it tries to write the rest once more
                self._file.close()
            with suppress(OSError):
                os.truncate(self.path, self._whole)
            self._cannot(error)
        self._whole = self._file.tell()

    def close(self) -> None:
        """Ends the file after its last whole frame, and waits until it is on the disk. Again it does nothing.

        Raises:
            OutputError: it did not get there.
        """
        if self._file.closed:
            return
        try:
            with self._file:
                self._file.truncate(self._whole)  # Ctrl-C may have come amid a frame
                os.fsync(self._file.fileno())
        except OSError as error:
            self._cannot(error)

    def _cannot(self, error: OSError) -> NoReturn:
        raise OutputError(
            f"{self.path}: cannot be written after {self.frames} frames: {error.strerror}: free space or choose "
            "another place; those frames are kept"
        ) from error

    def __enter__(self) -> RawRecorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _samples(plane: Pixels | None) -> Pixels:
    """The samples of a plane, (bytes,), copied only where they do not lie one after the other."""
    return np.empty(0, np.uint8) if plane is None else np.ascontiguousarray(plane).reshape(-1)


def open_raw(rest: str) -> FrameSource:
    """The frames of the raw recording `rest`, stamped when they are delivered; `taken_ns` is when they were captured.

    Pixels are (H, W) grey or luma, then maybe with chroma (h, w, 2) beside it, or (H, W, 3) BGR.

    A recording that ends amid a frame gives one more, without pixels, that says so; so does one line on stderr.

    Raises:
        SourceError: there is no such file.
        RecordingError: it is no raw recording; and, after the last whole frame, when it is damaged.
    """
    if not rest:
        raise RecordingError("raw: name the recording, like raw:FILE")
    path = existing_file(rest)
    try:
        file = path.open("rb")
    except OSError as error:
        raise RecordingError(f"{path.name}: cannot be read ({error.strerror}); check its permissions") from error
    try:
        stream = read_header(file, path.name)
    except BaseException:
        file.close()
        raise
    return OpenedSource(read_frames(file, path.name), count=0, stream=stream, release=file.close)


def read_header(file: BinaryIO, name: str) -> bool:
    """Reads the beginning of a raw recording: whether its frames show one screen; `name` is the file's, for messages.

    Raises:
        RecordingError: it is none, or from a newer version.
    """
    head, crc = file.read(_FILE.size), file.read(_CRC.size)
    if len(crc) < _CRC.size or _CRC.unpack(crc)[0] != zlib.crc32(head) or not head.startswith(MAGIC):
        raise RecordingError(f"{name}: no raw recording, or damaged at its beginning; copy it again")
    _, version, flags = _FILE.unpack(head)
    if version > VERSION:
        raise RecordingError(f"{name}: is a raw recording of version {version}: it needs a newer sonoedge")
    return bool(flags & STREAM)


def read_frames(file: BinaryIO, name: str) -> Generator[Frame, None, None]:
    """The frames of a recording whose header was read, as long as they are whole, and one that tells of a cut.

    Raises:
        RecordingError: after the last whole frame, when what follows is damaged.
    """
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    count, last = 0, Frame(None, 0, -1, taken_ns=0)
    while True:
        begins = file.tell()
        try:
            frame = _next_frame(file, end)
        except _DamagedError as error:
            raise RecordingError(f"{name}: damaged after {count} frames ({error}); copy it again") from error
        except OSError as error:
            raise RecordingError(f"{name}: cannot be read after {count} frames ({error.strerror})") from error
        if frame is None:
            break
        yield frame
        count, last = count + 1, frame
    if begins < end:
        fault = f"{name}: ends after {count} frames, amid another: the recording was cut off"
        _tell(fault)
        yield Frame(None, time.monotonic_ns(), last.index + 1, fault=fault, taken_ns=last.taken_ns)


@cache  # once: a recording may be played over and over
def _tell(line: str) -> None:
    tqdm.write(f"sonoedge: warning: {line}", file=sys.stderr)


class _DamagedError(Exception):
    """A record is there in its length, and not what was written."""


def _next_frame(file: BinaryIO, end: int) -> Frame | None:
    """The frame of the next record; None where the file ends before the record does."""
    lengths, crc = file.read(_RECORD.size), file.read(_CRC.size)
    if len(crc) < _CRC.size:
        return None
    marker, head_bytes, sample_bytes = _RECORD.unpack(lengths)
    if _CRC.unpack(crc)[0] != zlib.crc32(lengths) or marker != _MARKER:
        raise _DamagedError("no record where one begins")
    if head_bytes + sample_bytes + _CRC.size > end - file.tell():
        return None
    body = file.read(head_bytes + sample_bytes)
    if file.read(_CRC.size) != _CRC.pack(zlib.crc32(body)):
        raise _DamagedError("a checksum is wrong")
    try:
        head = msgspec.msgpack.decode(body[:head_bytes], type=_Head)
    except msgspec.MsgspecError as error:
        raise _DamagedError(str(error)) from error
    return _frame(head, np.frombuffer(body, np.uint8)[head_bytes:])


def _frame(head: _Head, samples: Pixels) -> Frame:
    """The picture that the head speaks of, as views of `samples`."""
    size, chroma_size = _size(head.shape), _size(head.chroma_shape)
    kind = len(head.shape), head.shape[2:], len(head.chroma_shape), head.chroma_shape[2:]
    if kind not in _KINDS or min((1, *head.shape, *head.chroma_shape)) < 1 or size + chroma_size != samples.size:
        raise _DamagedError(f"{samples.size} samples are no picture of {head.shape} and {head.chroma_shape}")
    return Frame(
        pixels=samples[:size].reshape(head.shape) if head.shape else None,
        timestamp_ns=time.monotonic_ns(),
        index=head.index,
        spacing=head.spacing,
        region=head.region,
        fault=head.fault,
        no_signal=head.no_signal,
        chroma=samples[size:].reshape(head.chroma_shape) if head.chroma_shape else None,
        taken_ns=head.shown_ns,
    )


def _size(shape: tuple[int, ...]) -> int:
    return math.prod(shape) if shape else 0
