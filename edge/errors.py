"""What can go wrong on the device: one tree, each error one line that names the thing and the mend.

`SonoEdgeError` is caught once, in `edge.cli`, and becomes that line on stderr and exit status 2. Foreign errors
(OSError, msgspec, OpenCV, the interpreter) are translated where they enter, with their cause kept.
"""

from __future__ import annotations


class SonoEdgeError(Exception):
    """Bad use or bad input: `str(error)` says what, where and the mend, on one line."""


class UsageError(SonoEdgeError):
    """The command line or a call asks for what cannot be."""


class SourceError(SonoEdgeError):
    """A source of frames cannot be opened, or ends where it should not."""


class ProbeError(SonoEdgeError):
    """A probe cannot be opened."""


class PictureError(SourceError):
    """One picture is not what it claims to be."""


class BundleError(SonoEdgeError):
    """A bundle is not whole, not ours, or from a newer version."""


class InterpreterError(SonoEdgeError):
    """A model cannot be loaded or run by the interpreter at hand."""


class OutputError(SonoEdgeError):
    """A result cannot be written; nothing half-written stays behind."""


class RedactionError(SonoEdgeError):
    """A picture may still show text: it is neither stored nor sent."""


class ProfileError(SonoEdgeError):
    """A screen profile cannot be read, does not hold together, or cannot be learned."""


class ReportError(SonoEdgeError):
    """A report cannot be read, is from a newer version, or holds a number that is none."""


class MissingExtraError(SonoEdgeError):
    """An optional package is needed and not installed; the line names the extra that brings it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs a package that is not installed: install the extra {extra!r} (README, Install)")
