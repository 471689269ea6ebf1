"""Which scheme reads a file, by its lower-case suffix: data, so that a new kind of file is one word here."""

from __future__ import annotations

_SUFFIXES: dict[str, str] = {
    "picture": ".png .jpg .jpeg .bmp .tif .tiff .webp .pgm",
    "video": ".avi .mp4 .m4v .mov .mkv .webm .mpg .mpeg .wmv",
    "mha": ".mha",
    "dicom": ".dcm .dicom",
}

SCHEME_OF: dict[str, str] = {suffix: scheme for scheme, words in _SUFFIXES.items() for suffix in words.split()}

PICTURES = frozenset(_SUFFIXES["picture"].split())
"""The suffixes that a folder of pictures takes."""
