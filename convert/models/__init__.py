"""The networks by name: `build(arch, ...)` gives an untrained Keras model.

Every network takes `(batch, H, W, 1)` float32 in 0..1 and gives logits: a sigmoid, a softmax, a temperature or a
threshold acts outside the graph, in `edge`. Up-sampling is `keras.ops.image.resize`, H and W are fixed, and the
conversion pins the batch to 1: a dynamic size would leave SHAPE and TILE as float tensors in an INT8 file (see
docs/adr/0004).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from convert.errors import UnknownArchitectureError

if TYPE_CHECKING:
    import keras

Task = Literal["segment", "grade"]

GRADE_STEPS = ("above normal", "above mild", "above moderate")
"""What a grader's cumulative logits say, in their order."""


@dataclass(frozen=True)
class Architecture:
    """One row of the table of networks."""

    name: str
    task: Task
    module: str  # imported on use: a table of names must not cost an import of Keras
    size_px: int  # the model takes size_px x size_px pictures
    mm_per_px: float  # the physical size of a pixel that the model is trained at
    source: str  # where it is described

    def build(self, **options: Any) -> keras.Model:
        """An untrained model; `options` are those of the module's `build`."""
        builder: Callable[..., keras.Model] = import_module(self.module).build
        return builder(size_px=self.size_px, name=self.name, **options)


# 192 px x 0.2 mm = 38.4 mm: the width of a common linear probe, the depth of a wrist or a forearm (docs/adr/0004).
_SEGMENT = {"task": "segment", "size_px": 192, "mm_per_px": 0.2}
# 160 px x 0.09375 mm = 15 mm: P2's nerve-centred crop.
_GRADE = {"task": "grade", "size_px": 160, "mm_per_px": 15.0 / 160}

ARCHITECTURES: dict[str, Architecture] = {
    arch.name: arch
    for arch in (
        Architecture("light_unet", module="convert.models.light_unet", source="docs/adr/0004", **_SEGMENT),  # type: ignore[arg-type]
        Architecture("sa_unet", module="convert.models.sa_unet", source="P1", **_SEGMENT),  # type: ignore[arg-type]
        Architecture("unet", module="convert.models.unet", source="Ronneberger 2015, P1", **_SEGMENT),  # type: ignore[arg-type]
        Architecture("unet_plus_plus", module="convert.models.unet_plus_plus", source="Zhou 2018, P1", **_SEGMENT),  # type: ignore[arg-type]
        Architecture("attention_unet", module="convert.models.attention_unet", source="Oktay 2018, P1", **_SEGMENT),  # type: ignore[arg-type]
        Architecture("multires_unet", module="convert.models.multires_unet", source="Ibtehaz 2020, P1", **_SEGMENT),  # type: ignore[arg-type]
        Architecture("squeezenet", module="convert.models.squeezenet", source="P2", **_GRADE),  # type: ignore[arg-type]
        Architecture("mobilenet_v2", module="convert.models.mobilenet_v2", source="P2", **_GRADE),  # type: ignore[arg-type]
        Architecture("efficientnet_b0", module="convert.models.efficientnet_b0", source="P2", **_GRADE),  # type: ignore[arg-type]
        Architecture("efficientnet_b0_swish", module="convert.models.efficientnet_b0_swish", source="P2", **_GRADE),  # type: ignore[arg-type]
    )
}


def architecture(name: str) -> Architecture:
    """The row called `name`.

    Raises:
        UnknownArchitectureError: no row has that name.
    """
    try:
        return ARCHITECTURES[name]
    except KeyError:
        raise UnknownArchitectureError(name, sorted(ARCHITECTURES)) from None
