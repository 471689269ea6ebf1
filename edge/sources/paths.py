"""Paths as people give them: there or not, and in the order in which people count."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from edge.errors import SourceError


def is_there(path: Path) -> bool:
    """Whether something is at `path`; `Path.exists` raises for a name too long or a folder that is closed to us."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def existing_file(given: str | Path) -> Path:
    """`given` as the path of a file that is there; SourceError if it is not."""
    path = Path(given)
    if not is_there(path):
        raise SourceError(f"{path}: no such file; check the path")
    if path.is_dir():
        raise SourceError(f"{path}: is a folder, not a file; name a file in it")
    return path


def files_in(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """The files of `folder` itself whose lower-case suffix is one of `suffixes`, in natural order.

    Names that begin with a dot are left out: they are what other systems leave behind (`._scan.png`), never a picture.

    Raises:
        SourceError: the folder cannot be listed, or there is no such file in it.
    """
    try:
        held = sorted(folder.iterdir(), key=lambda path: natural_key(path.name))
        found = [path for path in held if _is_of(path, suffixes)]
        if found:
            return found
        below = [path for path in held if path.name[0] != "." and path.is_dir()]
    except OSError as error:
        raise SourceError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from error
    takes = f"it takes {' '.join(sorted(suffixes))}"
    raise SourceError(f"{folder}: nothing to read in this folder{_not_searched(below, suffixes)}; {takes}")


def _not_searched(folders: Iterable[Path], suffixes: frozenset[str]) -> str:
    """What to tell of subfolders, the first that could be named instead among it."""
    told = ""
    for folder in folders:
        told = "; its subfolders are not searched"
        with suppress(OSError):  # closed to us
            if any(_is_of(path, suffixes) for path in folder.iterdir()):
                return f"{told}: name one of them, like {folder}"
    return told


def _is_of(path: Path, suffixes: frozenset[str]) -> bool:
    return path.suffix.lower() in suffixes and path.name[0] != "." and path.is_file()


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key by which `frame2` comes before `frame10`; the name itself breaks a tie (`a1`, `a01`)."""
    parts = re.findall(r"([0-9]+)|([^0-9]+)", name.lower())
    return [(0, int(digits), "") if digits else (1, 0, text) for digits, text in parts], name
