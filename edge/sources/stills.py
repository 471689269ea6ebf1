"""Many files as one source: pictures, videos, MetaImage sequences and DICOM files, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path

from edge.errors import SourceError
from edge.frame import Frame, FrameSource
from edge.sources.opened import OpenedSource


def chain(paths: Sequence[Path], open_file: Callable[[Path], FrameSource]) -> FrameSource:
    """The frames of `paths` in order, numbered through, each with its file's name; `paths` is not empty.

    A single file is opened at once: it is a clip if that is what it holds, and its error is the user's. Of several, a
    file that fails (no picture, cut short) leaves one frame with a fault at that place, and the run goes on.
    """
    if len(paths) == 1:
        source = open_file(paths[0])
        return OpenedSource(_named(paths[0], source), count=len(source), stream=source.stream, release=source.close)
    return OpenedSource(_chained(paths, open_file), count=0, stream=False)


def _named(path: Path, source: FrameSource) -> Generator[Frame, None, None]:
    for frame in source:
        yield replace(frame, name=path.name)


def _chained(paths: Sequence[Path], open_file: Callable[[Path], FrameSource]) -> Generator[Frame, None, None]:
    index = 0
    for path in paths:
        source: FrameSource | None = None
        try:
            source = open_file(path)
            for frame in source:
                yield replace(frame, index=index, name=path.name)
                index += 1
        except SourceError as error:
            yield Frame(None, time.monotonic_ns(), index, name=path.name, fault=str(error))
            index += 1
        finally:
            if source is not None:
                source.close()
