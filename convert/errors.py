"""What can go wrong on the workstation: a small tree under the device's own, so that one place prints them all."""

from __future__ import annotations

from collections.abc import Sequence

from edge.errors import SonoEdgeError


class ConvertError(SonoEdgeError):
    """Training, conversion or bundling cannot go on; `str(error)` says what, where and the mend, on one line."""


class UnknownArchitectureError(ConvertError):
    """No network has that name."""

    def __init__(self, name: str, known_names: Sequence[str]) -> None:
        super().__init__(f"no architecture is called {name!r}: choose one of {', '.join(known_names)}")


class ModelError(ConvertError):
    """A trained model cannot be read, or is not of the form that the device runs."""


class RecipeError(ConvertError):
    """A recipe for INT8 is not known, or says what cannot be."""


class QuantizeError(ConvertError):
    """A model cannot be made all-integer with this calibration set and this quantizer."""


class DataError(ConvertError):
    """A folder of pictures and labels is not what its task needs."""
