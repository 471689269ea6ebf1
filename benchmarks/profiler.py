"""LiteRT's own profiler: the time of each operator as XNNPACK ran it.

The Python classes of `ai-edge-litert` do not switch it on, but the wheel carries the whole C interface (litert/c). It
counts whole microseconds and adds some to each operator: the sum of a run is a few percent above a plain invoke.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ctypes import (
    POINTER,
    byref,
    c_bool,
    c_char_p,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint,
    c_uint32,
    c_uint64,
    c_void_p,
)
from pathlib import Path
from typing import Any, NamedTuple

from edge.errors import InterpreterError, MissingExtraError
from edge.quiet import quiet_stderr
from edge.tflite_file import Tensor, read_tflite

_CPU = 1  # kLiteRtHwAcceleratorCpu
_ELEMENT = {"float32": 1, "int8": 9}  # LiteRtElementType
_DELEGATE_OPERATOR = (1 << 2) | (1 << 3)  # events that are one operator inside a delegate
_OPERATOR = 1 << 1  # one outside
_DELEGATE_NODES = ("TfLiteXNNPackDelegate",)  # an operator that holds others


class Event(NamedTuple):
    """One operator of one run."""

    operator: str  # XNNPACK's name of it, or TFLite's where XNNPACK did not take it
    place: int  # of the operator in the graph that was run
    us: int


class _TensorType(ctypes.Structure):
    """LiteRtRankedTensorType."""

    _fields_ = (
        ("element", c_int),
        ("rank", c_uint, 7),
        ("has_strides", c_bool, 1),
        ("dimensions", c_int32 * 8),
        ("strides", c_uint32 * 8),
    )


class _EventData(ctypes.Structure):
    """ProfiledEventData; memory use is three numbers before and three after."""

    _fields_ = (
        ("tag", c_char_p),
        ("kind", c_int),
        ("start_us", c_uint64),
        ("elapsed_us", c_uint64),
        ("memory", c_int64 * 6),
        ("place", c_uint64),
        ("graph", c_uint64),
        ("source", c_int),
    )


@contextmanager
def profiled(model: Path) -> Iterator[Any]:
    """A function that runs the model once, on zeros and one thread, and gives its events: a list of `Event`.

    Raises:
        MissingExtraError: LiteRT is not installed.
        InterpreterError: this LiteRT has no such profiler, or cannot run the model.
    """
    api, file = _Api(), read_tflite(model.read_bytes())
    with ExitStack() as stack:
        environment, graph, options, profiling, compiled, profiler = (c_void_p() for _ in range(6))
        with quiet_stderr():
            api.LiteRtCreateEnvironment(c_int(0), None, byref(environment))
            stack.callback(api.destroy, "LiteRtDestroyEnvironment", environment)
            api.LiteRtCreateModelFromFile(environment, str(model).encode(), byref(graph))
            stack.callback(api.destroy, "LiteRtDestroyModel", graph)
            api.LiteRtCreateOptions(byref(options))
            stack.callback(api.destroy, "LiteRtDestroyOptions", options)
            api.LiteRtSetOptionsHardwareAccelerators(options, c_int(_CPU))
            api.LiteRtCreateOpaqueOptions(b"runtime_options_string", _SWITCHED_ON, _KEEP, byref(profiling))
            api.LiteRtAddOpaqueOptions(options, profiling)
            api.LiteRtCreateCompiledModel(environment, graph, options, byref(compiled))
            stack.callback(api.destroy, "LiteRtDestroyCompiledModel", compiled)
        taken = _buffer(api, stack, environment, compiled, "Input", file.inputs[0])
        given = _buffer(api, stack, environment, compiled, "Output", file.outputs[0])
        api.LiteRtCompiledModelGetProfiler(compiled, byref(profiler))

        def run() -> list[Event]:
            api.LiteRtResetProfiler(profiler)
            api.LiteRtStartProfiler(profiler)
            api.LiteRtRunCompiledModel(compiled, c_size_t(0), c_size_t(1), taken, c_size_t(1), given)
            api.LiteRtStopProfiler(profiler)
            return _events(api, profiler)

        yield run


_SWITCHED_ON = ctypes.cast(ctypes.create_string_buffer(b"enable_profiling = true\n"), c_void_p)
_KEEP = ctypes.CFUNCTYPE(None, c_void_p)(lambda _: None)  # the options are ours: nothing to free


class _Api:
    """The functions of libLiteRt, each checked; a status other than 0 raises."""

    def __init__(self) -> None:
        try:
            import ai_edge_litert  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError("benchmarks.operators", "bench") from error
        try:
            self._library = ctypes.CDLL(str(Path(ai_edge_litert.__file__).with_name("libLiteRt.so")))
        except OSError as error:
            raise InterpreterError(
                f"libLiteRt.so cannot be loaded ({error}): pip install ai-edge-litert>=2.3"
            ) from error

    def __getattr__(self, name: str) -> Any:
        function = self._function(name)

        def checked(*arguments: Any) -> None:
            if status := function(*arguments):
                raise InterpreterError(f"{name} failed with status {status}: this profiler is for ai-edge-litert 2.3")

        return checked

    def destroy(self, name: str, handle: c_void_p) -> None:
        self._function(name)(handle)

    def _function(self, name: str) -> Any:
        try:
            return getattr(self._library, name)
        except AttributeError as error:
            raise InterpreterError(f"LiteRT has no {name}: this profiler is for ai-edge-litert 2.3") from error


def _buffer(
    api: _Api, stack: ExitStack, environment: c_void_p, compiled: c_void_p, end: str, tensor: Tensor
) -> ctypes.Array[c_void_p]:
    """Memory of the runtime's for the model's one input or output."""
    kind = _TensorType(element=_ELEMENT[tensor.dtype], rank=len(tensor.shape))
    kind.dimensions[: len(tensor.shape)] = tensor.shape
    needs, buffer = c_void_p(), c_void_p()
    requirements = getattr(api, f"LiteRtGetCompiledModel{end}BufferRequirements")
    requirements(compiled, c_size_t(0), c_size_t(0), byref(needs))
    api.LiteRtCreateManagedTensorBufferFromRequirements(environment, byref(kind), needs, byref(buffer))
    stack.callback(api.destroy, "LiteRtDestroyTensorBuffer", buffer)
    return (c_void_p * 1)(buffer.value)


def _events(api: _Api, profiler: c_void_p) -> list[Event]:
    count = c_int()
    api.LiteRtGetNumProfilerEvents(profiler, byref(count))
    events = (_EventData * count.value)()
    api.LiteRtGetProfilerEvents(profiler, count, ctypes.cast(events, POINTER(_EventData)))
    return [
        Event(event.tag.decode(), event.place, event.elapsed_us)
        for event in events
        if event.kind & _DELEGATE_OPERATOR
        or (event.kind & _OPERATOR and not event.tag.decode().startswith(_DELEGATE_NODES))
    ]
