"""What a model must be for this runtime to feed and read it: the model itself against its entry in the manifest."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np

from edge.errors import BundleError
from edge.findings import GRADES
from edge.interpreter import INPUT_ZERO_POINT, Model, Quantization
from edge.manifest import ModelEntry

Shape: TypeAlias = tuple[int, ...]


class Claim(NamedTuple):
    """One thing that must hold, and what was found."""

    name: str
    holds: bool | np.bool_
    detail: str


def claims(entry: ModelEntry, takes: Shape, gives: Shape, input_quantization: Quantization) -> list[Claim]:
    """Shapes and input quantization as found, in the file or in the interpreter, against those that must be."""
    spec = entry.input
    picture = (1, spec.height, spec.width, spec.channels)
    answer = {
        "segment": (*picture[:3], 1),
        "grade": (1, len(GRADES) - 1),
        "classify": (1, len(entry.logits)),
    }[entry.task]
    scale, zero_point = input_quantization
    return [
        Claim("input shape", takes == picture, f"{_by(takes)}, manifest {_by(picture)}"),
        Claim("output shape", gives == answer, f"{_by(gives)}, needed {_by(answer)}"),
        Claim("input zero point", zero_point == INPUT_ZERO_POINT, f"{zero_point}, needed {INPUT_ZERO_POINT}"),
        # The file holds the scale as float32.
        Claim("input scale", np.float32(scale) == np.float32(spec.scale), f"{scale:.9g}, manifest {spec.scale:.9g}"),
    ]


def check_contract(entry: ModelEntry, model: Model) -> None:
    """Refuses a loaded model that this runtime would feed or read wrongly; loading has seen to INT8 at both ends.

    Raises:
        BundleError: a claim does not hold.
    """
    for claim in claims(entry, model.input_shape, model.output_shape, model.input_quantization):
        if not claim.holds:
            raise BundleError(f"{entry.file}: {claim.name} {claim.detail}: convert it again")


def _by(shape: Shape) -> str:
    return " x ".join(map(str, shape))
