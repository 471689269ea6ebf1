"""Paths as people give them: there or not, and in the order in which people count."""

from __future__ import annotations

import re
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
    """
    try:
        found = [p for p in folder.iterdir() if p.suffix.lower() in suffixes and p.name[0] != "." and p.is_file()]
    except OSError as error:
        raise SourceError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from error
    return sorted(found, key=lambda path: natural_key(path.name))


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key by which `frame2` comes before `frame10`; the name itself breaks a tie (`a1`, `a01`)."""
    parts = re.findall(r"([0-9]+)|([^0-9]+)", name.lower())
    return [(0, int(digits), "") if digits else (1, 0, text) for digits, text in parts], name
