"""Where an INT8 model loses its precision: each tensor that it computes against the float model's tensor of that name.

snr_db      of the tensor as it comes out, with what every layer before it has lost
own_snr_db  of what its own INT8 steps would lose, were all before it exact; that of the middle channel, because one
            channel that is far larger than the rest takes the steps from them and hides it in the whole tensor's
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from convert.quantizing.ranges import as_batch, as_float, open_preserving
from convert.quantizing.recipe import layers
from edge.frame import Pixels
from edge.progress import tracked
from edge.tflite_file import Step, Tensor, TFLiteFile, read_tflite

Floats: TypeAlias = npt.NDArray[np.float32]
Side: TypeAlias = Literal["weights", "activation"]

PICTURES = 8  # spread over those given: what a layer loses shows on few
OUTLIER_RATIO = 4.0  # a channel that reaches so far beyond the next takes two of the eight bits from all others
_WEIGHT_CHANNELS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0, "TRANSPOSE_CONV": 0}  # axis
_WORKING = ("convolution", "depthwise", "Conv2D", "MatMul", "BiasAdd")  # which path of a fused name has the weights


@dataclass(frozen=True)
class Dominance:
    """The channel that reaches furthest, and how many times as far as the next (infinite: the others are zero)."""

    channel: int
    ratio: float


@dataclass(frozen=True)
class TensorError:
    """One tensor, over all pictures."""

    tensor: str  # its name in both files
    layer: str  # the layer that it comes from, as the model's author named it
    operator: str  # CONV_2D ...
    precision: str  # dtype in the INT8 file
    snr_db: float  # infinite: no error
    own_snr_db: float
    max_error: float  # largest |INT8 - float|, in the tensor's own unit
    cosine: float  # of the angle between the two, 1 = same direction
    activation: Dominance | None  # of the channels of its values; none where there is but one
    weights: Dominance | None  # of the output channels of the weights behind it, where there are any

    @property
    def dominances(self) -> dict[Side, Dominance | None]:
        return {"weights": self.weights, "activation": self.activation}


@dataclass(frozen=True)
class Outlier:
    """A layer whose range one channel dominates."""

    layer: str
    tensor: str
    of: Side
    channel: int
    ratio: float

    def __str__(self) -> str:
        what = f"channel {self.channel} of its {self.of}"
        return f"layer {self.layer}: {what} reaches {self.ratio:.3g} x as far as any other"


def tensor_errors(
    float_tflite: bytes, int8: bytes, pictures: Sequence[Pixels], *, progress: bool = False
) -> tuple[TensorError, ...]:
    """Run both files on up to 8 of `pictures` ((H, W) or (H, W, 3) uint8) and compare, in the order of the graph."""
    file, twin = read_tflite(float_tflite), read_tflite(int8)
    models = open_preserving(float_tflite), open_preserving(int8)
    tallies = list(_shared(file, twin))
    chosen = [pictures[i] for i in np.unique(np.linspace(0, len(pictures) - 1, PICTURES).astype(int))]
    for picture in tracked(chosen, "tensor errors", unit="picture", shown=progress):
        _run(models[0], as_float(picture))
        _run(models[1], (as_batch(picture) ^ np.uint8(0x80)).view(np.int8))
        for tally in tallies:
            tally.add(models[0].get_tensor(tally.index), models[1].get_tensor(tally.twin_index))
    return tuple(tally.result(file, models[0]) for tally in tallies)


def outliers(errors: Sequence[TensorError], ratio: float = OUTLIER_RATIO) -> tuple[Outlier, ...]:
    """The layers whose weights or activation one channel dominates at least `ratio` times, the worst first."""
    found = [
        Outlier(error.layer, error.tensor, of, dominance.channel, dominance.ratio)
        for error in errors
        for of, dominance in error.dominances.items()
        if dominance is not None and dominance.ratio >= ratio
    ]
    return tuple(sorted(found, key=lambda outlier: -outlier.ratio))


def layer_of(tensor: str) -> str:
    """The layer that a tensor's name tells of: of a fused one that with the weights, else the first."""
    paths = tensor.split(";")
    working = [path for path in paths if path.split("/")[-1].startswith(_WORKING)]
    for path in [*working, *paths]:
        if named := [part for part in path.split("/") if part in layers(path)]:
            return named[0]
    return tensor


class _Tally:
    """Sums over pictures of one tensor that both files compute."""

    def __init__(self, index: int, twin_index: int, step: Step, twin: Tensor) -> None:
        self.index, self.twin_index = index, twin_index  # in the float file, in the INT8 file
        self._step, self._twin = step, twin
        self._signal = self._other = self._product = self._noise = self._largest = 0.0
        self._channels: list[Floats] = []  # a picture each: (3, C) signal and own noise, squared, and the reach

    def add(self, expected: Floats, raw: npt.NDArray[Any]) -> None:
        got = self._real(raw)
        error = got - expected
        rows = expected.reshape(-1, expected.shape[-1])
        own = rows - self._rounded(rows)
        signal, lost = (np.einsum("ij,ij->j", values, values) for values in (rows, own))
        self._channels.append(np.stack([signal, lost, np.abs(rows).max(axis=0)]))
        self._signal += float(signal.sum())
        self._other += float(np.vdot(got, got))
        self._product += float(np.vdot(expected, got))
        self._noise += float(np.vdot(error, error))
        self._largest = max(self._largest, float(np.abs(error).max()))

    def result(self, file: TFLiteFile, model: Any) -> TensorError:
        signal, lost, reach = (np.stack(rows) for rows in zip(*self._channels, strict=True))
        own = [_decibel(s, n) for s, n in zip(signal.sum(axis=0), lost.sum(axis=0), strict=True) if s > 0]
        whole = _decibel(float(signal.sum()), float(lost.sum()))
        name = file.tensors[self.index].name
        return TensorError(
            tensor=name,
            layer=layer_of(name),
            operator=self._step.operator,
            precision=self._twin.dtype,
            snr_db=_decibel(self._signal, self._noise),
            own_snr_db=min(whole, float(np.median(own))) if own else whole,
            max_error=self._largest,
            cosine=self._product / math.sqrt(self._signal * self._other) if self._signal and self._other else 1.0,
            activation=_dominance(reach.max(axis=0)),
            weights=_of_weights(self._step, file, model),
        )

    def _real(self, raw: npt.NDArray[Any]) -> Floats:
        if not self._twin.scales:
            return raw
        real: Floats = (raw - np.float32(self._twin.zero_point)) * np.float32(self._twin.scale)
        return real

    def _rounded(self, values: Floats) -> Floats:
        """The values as the INT8 file's tensor can hold them: in its steps, between its ends."""
        if not self._twin.scales:
            return values
        ends, zero_point = np.iinfo(self._twin.dtype), self._twin.zero_point
        steps = np.rint(values / np.float32(self._twin.scale))
        np.clip(steps, ends.min - zero_point, ends.max - zero_point, out=steps)
        rounded: Floats = steps * np.float32(self._twin.scale)
        return rounded


def _shared(file: TFLiteFile, twin: TFLiteFile) -> Iterator[_Tally]:
    """The tensors that operators of both files give under one name."""
    given = {twin.tensors[index].name: index for step in twin.steps for index in step.outputs}
    for step in file.steps:
        for index in step.outputs:
            if (other := given.get(file.tensors[index].name)) is not None and file.tensors[index].dtype == "float32":
                yield _Tally(index, other, step, twin.tensors[other])


def _run(model: Any, picture: npt.NDArray[Any]) -> None:
    model.set_tensor(model.get_input_details()[0]["index"], picture)
    model.invoke()


def _decibel(signal: float, noise: float) -> float:
    if not noise:
        return math.inf
    return 10.0 * math.log10(signal / noise) if signal else -math.inf


def _of_weights(step: Step, file: TFLiteFile, model: Any) -> Dominance | None:
    axis = _WEIGHT_CHANNELS.get(step.operator)
    if axis is None or not file.tensors[step.inputs[1]].constant:
        return None
    weights = np.abs(model.get_tensor(step.inputs[1]))
    return _dominance(weights.max(axis=tuple(i for i in range(weights.ndim) if i != axis)))


def _dominance(reach: npt.NDArray[Any]) -> Dominance | None:
    """`reach` (C,): the largest magnitude in each channel."""
    if reach.size < 2 or not reach.any():
        return None
    next_largest, largest = (float(value) for value in np.sort(reach)[-2:])
    return Dominance(int(reach.argmax()), largest / next_largest if next_largest else math.inf)
