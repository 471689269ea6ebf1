"""Where frames come from: every source behind one protocol (`edge.frame.FrameSource`), opened by one address.

    open_source("clip.mp4")          a path: the suffix says which scheme reads it; a folder is a set of pictures
    open_source("v4l2:/dev/video0")  `scheme:rest`: a built-in scheme, or one that another package registers
    open_stills([a, b, ...])         files and folders of any of these kinds, one after the other

| room    | reads |
|---------|-------|
| folder  | pictures: a folder of them, or one |
| video   | video files, through FFmpeg |
| mha     | MetaImage sequences of a frame grabber, frame by frame |
| dicom   | DICOM, with its spacing and region; extra `dicom` |
| stills  | many files as one source |
| opened  | the one FrameSource of all that is read from files |
| paths   | paths there or not, natural order |
| suffixes | which scheme reads which suffix |
| quiet   | OpenCV kept off stderr |

A package adds a scheme through the entry-point group `sonoedge.sources`: its name is the scheme, its value a callable
`(rest: str) -> FrameSource`. An address that exists as a path is that path, whatever colons it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TypeAlias, cast

from edge.errors import SourceError
from edge.frame import FrameSource
from edge.registered import names, registered
from edge.sources.paths import files_in, is_there
from edge.sources.stills import chain
from edge.sources.suffixes import SCHEME_OF

Opener: TypeAlias = Callable[[str], FrameSource]

GROUP = "sonoedge.sources"

BUILT_IN: dict[str, str] = {
    "folder": "edge.sources.folder:open_folder",
    "picture": "edge.sources.folder:open_picture",
    "video": "edge.sources.video:open_video",
    "mha": "edge.sources.mha:open_mha",
    "dicom": "edge.sources.dicom:open_dicom",
}
"""edge's own schemes, `module:function`, imported on use."""


def schemes() -> set[str]:
    """What may stand before the colon of an address."""
    return names(GROUP) | set(BUILT_IN)


def open_source(uri: str) -> FrameSource:
    """The source at `uri`, a path or `scheme:rest`.

    SourceError when there is no such path or scheme, nothing in the folder, or no reader for the suffix; and whatever
    the scheme's own opener raises.
    """
    path = Path(uri)
    if uri and is_there(path):
        return _opener("folder")(uri) if path.is_dir() else _open_file(path)
    scheme, colon, rest = uri.partition(":")
    if not colon:
        raise SourceError(f"{uri or 'no source given'}: no such file or folder; check the path")
    return _opener(scheme, uri)(rest)


def open_stills(paths: Sequence[Path]) -> FrameSource:
    """The frames of files and folders one after the other; of a folder, each file whose suffix has a reader.

    SourceError at once for a path that is not there, a suffix without a reader or nothing to read at all. A single
    file raises its own error; among several it leaves a frame with a fault (`edge.sources.stills.chain`).
    """
    files: list[Path] = []
    for path in paths:
        if is_there(path) and path.is_dir():
            files += files_in(path, frozenset(SCHEME_OF))
        else:
            _scheme_of(path)
            files.append(path)
    if not files:
        raise SourceError("no file given; name pictures, videos, .mha or DICOM files")
    return chain(files, _open_file)


def _open_file(path: Path) -> FrameSource:
    return _opener(_scheme_of(path))(str(path))


def _scheme_of(path: Path) -> str:
    if not is_there(path):
        raise SourceError(f"{path}: no such file; check the path")
    scheme = SCHEME_OF.get(path.suffix.lower())
    if scheme is None:
        kind = f"files of kind {path.suffix}" if path.suffix else "a file without a suffix"
        raise SourceError(f"{path}: no reader for {kind}; it takes {_known_suffixes()}")
    return scheme


def _known_suffixes() -> str:
    return " ".join(SCHEME_OF)


def _opener(scheme: str, uri: str = "") -> Opener:
    if scheme in BUILT_IN:
        module, _, function = BUILT_IN[scheme].partition(":")
        return cast(Opener, getattr(import_module(module), function))
    opener = registered(GROUP, scheme, uri, SourceError)
    if opener is None:
        known = ", ".join(sorted(schemes()))
        raise SourceError(f"{uri}: no such file, and no source called '{scheme}'; the sources are {known}")
    return cast(Opener, opener)
