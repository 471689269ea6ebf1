"""The one seam over the TFLite interpreters: an INT8 model that takes `pixel XOR 0x80` and gives raw INT8.

The input contract makes pre-processing one XOR: zero point -128, so that the INT8 value of a pixel p is p - 128,
which is p XOR 0x80 read as INT8.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import metadata
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from edge.errors import InterpreterError, UsageError
from edge.frame import Pixels
from edge.quiet import quiet_stderr
from edge.tflite_file import read_tflite

RawOutput: TypeAlias = npt.NDArray[np.int8]
Quantization: TypeAlias = tuple[float, int]  # scale, zero point: real = scale * (raw - zero_point)

ENTRY_POINTS = "sonoedge.interpreters"
INPUT_ZERO_POINT = -128
_SIGN_BIT = np.uint8(0x80)


class Model(Protocol):
    """A loaded model. One thread at a time; a third party's interpreter implements this and nothing more."""

    @property
    def backend(self) -> str:
        """Name of the interpreter, as in `--interpreter`."""

    @property
    def runtime_version(self) -> str:
        """Version of the package behind it."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(1, H, W, 1) grey, (1, H, W, 3) RGB"""

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(1, H, W, 1) for a segmenter, (1, logits) for a grader or a classifier"""

    @property
    def input_quantization(self) -> Quantization: ...

    @property
    def output_quantization(self) -> Quantization: ...

    def write_input(self, picture: Pixels) -> None:
        """Write a picture into the interpreter's own input memory.

        uint8 and exactly of the model's size: (H, W) for a grey one, (H, W, 3) in the order RGB for a colour one.
        """

    def invoke(self) -> None:
        """Run the model once on what was last written."""

    def output(self, out: RawOutput | None = None) -> RawOutput:
        """Raw INT8 of the last `invoke`, in `output_shape`: written into `out`, else a new array; the caller's own."""


Opener: TypeAlias = Callable[[bytes, int], Model]  # model, threads -> Model; raises InterpreterError


class TFLiteModel:
    """A model in either of the two interpreters of the TFLite family: their Python classes have the same face."""

    def __init__(self, interpreter: Any, *, backend: str, runtime_version: str) -> None:
        self._interpreter = interpreter
        self.backend = backend
        self.runtime_version = runtime_version
        source = _only(interpreter.get_input_details(), "input")
        result = _only(interpreter.get_output_details(), "output")
        self.input_shape = tuple(int(n) for n in source["shape"])
        self.output_shape = tuple(int(n) for n in result["shape"])
        self.input_quantization = _quantization(source)
        self.output_quantization = _quantization(result)
        _check_contract(self.input_shape, self.input_quantization)
        self._picture_shape = picture_shape(self.input_shape)
        self._where: Any = (0, ..., 0) if self.input_shape[3] == 1 else (0, ...)
        # Each call of these gives a view of tensor memory. A view that is still alive makes `invoke` refuse (and would
        # dangle after a new allocation), so none leaves a method of this class.
        self._input_view = interpreter.tensor(source["index"])
        self._output_view = interpreter.tensor(result["index"])

    def write_input(self, picture: Pixels) -> None:
        if picture.shape != self._picture_shape or picture.dtype != np.uint8:
            raise InterpreterError(
                f"the model takes {self._picture_shape} uint8, not {picture.shape} {picture.dtype}: resize the picture"
            )
        np.bitwise_xor(picture, _SIGN_BIT, out=self._input_view()[self._where].view(np.uint8))

    def invoke(self) -> None:
        try:
            self._interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise InterpreterError(f"{self.backend} could not run the model: {_one_line(error)}") from error

    def output(self, out: RawOutput | None = None) -> RawOutput:
        if out is None:
            out = np.empty(self.output_shape, np.int8)
        np.copyto(out, self._output_view())
        return out


def picture_shape(input_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of the picture that a model of this input shape is fed with: (H, W) for grey, (H, W, 3) for RGB."""
    return input_shape[1:3] if input_shape[3] == 1 else input_shape[1:]


def open_model(model: bytes, *, threads: int = 1, backend: str = "auto") -> Model:
    """Load the bytes of an INT8 TFLite file.

    `backend` is a name out of `backends()`; "auto" takes LiteRT where it is installed, else tflite-runtime.

    Raises:
        UsageError: no backend has that name, or `threads` is below 1.
        InterpreterError: the backend is not installed, or the bytes are no INT8 model of our input contract.
    """
    if threads < 1:
        raise UsageError(f"{threads} threads cannot run a model: give 1 or more")
    return _opener(_first_installed() if backend == "auto" else backend)(model, threads)


def backends() -> list[str]:
    """Names that `open_model` knows: the built-in ones, then those of installed packages."""
    return [*_BUILT_IN, *sorted(entry.name for entry in metadata.entry_points(group=ENTRY_POINTS))]


def runtime(backend: str = "auto") -> str:
    """Name and version of what `open_model` would run a model in, without loading it.

    Raises:
        UsageError, InterpreterError: as `open_model`.
    """
    name = _first_installed() if backend == "auto" else backend
    if name in _BUILT_IN:
        with suppress(metadata.PackageNotFoundError):
            return f"{name} {metadata.version(_BUILT_IN[name][1])}"
        raise InterpreterError(f"the interpreter {name} is not installed: pip install {_BUILT_IN[name][1]}")
    for entry in metadata.entry_points(group=ENTRY_POINTS, name=name):
        return f"{name} {entry.dist.version if entry.dist else ''}"
    raise _unknown(name)


# name -> (module with the class Interpreter, distribution); imported on use, the first that is installed is "auto"
_BUILT_IN: Mapping[str, tuple[str, str]] = {
    "litert": ("ai_edge_litert.interpreter", "ai-edge-litert"),
    "tflite-runtime": ("tflite_runtime.interpreter", "tflite-runtime"),
}


def _first_installed() -> str:
    for name, (module, _) in _BUILT_IN.items():
        if importlib.util.find_spec(module.partition(".")[0]):
            return name
    raise InterpreterError("no interpreter is installed: pip install ai-edge-litert")


def _opener(name: str) -> Opener:
    if name in _BUILT_IN:
        return functools.partial(_open_tflite, name)
    for entry in metadata.entry_points(group=ENTRY_POINTS, name=name):
        opener: Opener = entry.load()
        return opener
    raise _unknown(name)


def _unknown(name: str) -> UsageError:
    return UsageError(f"no interpreter is called {name!r}: choose one of auto, {', '.join(backends())}")


def _open_tflite(name: str, model: bytes, threads: int) -> Model:
    module, distribution = _BUILT_IN[name]
    read_tflite(model)  # tflite-runtime 2.14 does not check the bytes: on a file cut short it crashes the process
    try:
        interpreter_class = importlib.import_module(module).Interpreter
    except ImportError as error:
        raise InterpreterError(f"the interpreter {name} cannot be imported: pip install {distribution}") from error
    try:
        with quiet_stderr():  # "INFO: Created TensorFlow Lite XNNPACK delegate for CPU."
            interpreter = interpreter_class(model_content=model, num_threads=threads)
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise InterpreterError(f"{name} cannot load the model: {_one_line(error)}") from error
    return TFLiteModel(interpreter, backend=name, runtime_version=metadata.version(distribution))


def _only(details: list[dict[str, Any]], which: str) -> dict[str, Any]:
    if len(details) != 1:
        raise InterpreterError(f"the model has {len(details)} {which}s, not one: convert it with `sonoedge convert`")
    if details[0]["dtype"] is not np.int8:
        found = np.dtype(details[0]["dtype"]).name
        raise InterpreterError(f"the model's {which} is {found}, not int8: convert it with `sonoedge convert`")
    return details[0]


def _quantization(details: dict[str, Any]) -> Quantization:
    scale, zero_point = details["quantization"]
    return float(scale), int(zero_point)


def _check_contract(shape: tuple[int, ...], quantization: Quantization) -> None:
    if len(shape) != 4 or shape[0] != 1 or shape[3] not in (1, 3):
        raise InterpreterError(f"the model takes {shape}, not one picture (1, H, W, 1) or (1, H, W, 3)")
    if quantization[1] != INPUT_ZERO_POINT:
        raise InterpreterError(
            f"the model's input has zero point {quantization[1]}, not {INPUT_ZERO_POINT}: "
            "convert it with `sonoedge convert`, which sets it"
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
