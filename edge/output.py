"""Writing results: the whole file or nothing.

The data go to a temporary file in the same folder, to the disk, and only then take the name of the result. A full
disk, a crash or Ctrl-C leaves the old file as it was, and nothing half-written beside it.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge.errors import OutputError


def write_atomically(path: Path, data: bytes) -> None:
    """Writes `data` as the file `path`. A device or a pipe (`/dev/stdout`) is written to, not replaced.

    Raises:
        OutputError: it cannot be written; an earlier file of that name is as it was.
    """
    if _is_special(path):
        with _translated(path), path.open("wb") as stream:
            stream.write(data)
        return
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields an empty temporary file beside `path`, of the same suffix, that becomes `path` when the block ends.

    For writers that want a file name (`cv2.VideoWriter`). The block must have closed the file by then. When the block
    raises, whatever it raises, the temporary file goes and `path` stays as it was. A writer that swallows its own
    errors, as OpenCV's do on a full disk, must be asked by its caller whether it wrote all.

    Raises:
        OutputError: `path` cannot be written, or the block raised an OSError.
    """
    with _translated(path):
        target, temporary = _begun(path)
        try:
            yield temporary
            _sync(temporary)
            temporary.replace(target)
        finally:
            with suppress(OSError):  # what went wrong first is what matters
                temporary.unlink(missing_ok=True)
        with suppress(OSError):  # the result is in place; some file systems refuse to sync a folder
            _sync(target.parent)


def check_place(path: Path) -> None:
    """Tries, before the work, whether its result can be written to `path`; nothing is left there.

    Raises:
        OutputError: as `write_atomically` would after the work.
    """
    if _is_special(path) and not path.is_dir():
        return
    with _translated(path):
        _begun(path)[1].unlink()


def _begun(path: Path) -> tuple[Path, Path]:
    """The file that will be replaced, and an empty temporary one beside it."""
    if _is_special(path):
        raise OutputError(f"{path}: is a folder or a device: name a file")
    target = path.resolve()  # through a symbolic link, to replace the file and not the link
    if not target.parent.is_dir():
        raise OutputError(f"{path}: cannot be written: no folder {path.parent}: make it first")
    # Not path's own name in it: the longest name allowed would become too long.
    temporary = target.with_name(f".sonoedge-{secrets.token_hex(8)}{target.suffix}")
    # Not tempfile: its files are for their owner alone, results obey the umask as any other file does.
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    return target, temporary


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror or error}: free or choose another place"
        ) from error


def _is_special(path: Path) -> bool:
    """Whether `path` is there and is no regular file."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
