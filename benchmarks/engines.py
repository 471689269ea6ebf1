"""One inference engine each behind one call: a picture in, logits out. Packages are imported when one is opened."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from edge.frame import Pixels

Floats: TypeAlias = npt.NDArray[np.float32]
Precision: TypeAlias = Literal["int8", "float"]


@dataclass(frozen=True)
class Network:
    """A loaded model: called with a picture (size, size) uint8 it gives logits, (size, size) or (3,), float32."""

    size: int  # px, of its square input
    answer: Callable[[Pixels], Floats]
    invoke: Callable[[], object]  # once more on the last picture: the engine's own work and nothing else

    def __call__(self, picture: Pixels) -> Floats:
        return self.answer(picture)


@dataclass(frozen=True)
class Engine:
    """How a model is opened by one package, and of which of the model's graphs (`benchmarks.graphs`)."""

    name: str
    precision: Precision
    graph: str  # file of the model's folder
    package: str  # its import name
    open: Callable[[Path, int, int], Network]  # the graph's file, px of the input, threads

    @property
    def label(self) -> str:
        return f"{self.name}, {self.precision}"

    @property
    def is_here(self) -> bool:
        return importlib.util.find_spec(self.package) is not None


def _litert(path: Path, size: int, threads: int) -> Network:
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

    from edge.quiet import quiet_stderr  # noqa: PLC0415

    with quiet_stderr():
        interpreter = Interpreter(str(path), num_threads=threads)
        interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    given, got = interpreter.tensor(source["index"]), interpreter.tensor(result["index"])
    is_int8 = source["dtype"] is np.int8
    scale, zero_point = result["quantization"] if is_int8 else (1.0, 0)

    def answer(picture: Pixels) -> Floats:
        if is_int8:
            np.bitwise_xor(picture, np.uint8(0x80), out=given()[0, :, :, 0].view(np.uint8))
        else:
            np.multiply(picture, np.float32(1 / 255), out=given()[0, :, :, 0])
        interpreter.invoke()
        raw: Floats = np.squeeze(got()[0]).astype(np.float32)
        return (raw - np.float32(zero_point)) * np.float32(scale) if is_int8 else raw

    return Network(size, answer, interpreter.invoke)


def _onnxruntime(path: Path, size: int, threads: int) -> Network:
    import onnxruntime  # noqa: PLC0415

    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name, taken = session.get_inputs()[0].name, np.zeros((1, size, size, 1), np.float32)
    result = session.get_outputs()[0].name
    binding = session.io_binding()
    binding.bind_cpu_input(name, taken)
    binding.bind_output(result)

    def invoke() -> None:
        session.run_with_iobinding(binding)

    def answer(picture: Pixels) -> Floats:
        np.multiply(picture, np.float32(1 / 255), out=taken[0, :, :, 0])
        invoke()
        return np.squeeze(binding.copy_outputs_to_cpu()[0])

    return Network(size, answer, invoke)


def _openvino(path: Path, size: int, threads: int) -> Network:
    import openvino  # noqa: PLC0415

    core = openvino.Core()
    model = core.read_model(path)
    is_int8 = model.input().get_element_type() == openvino.Type.i8
    scale, zero_point = _answer_quantization(path) if is_int8 else (1.0, 0)
    compiled = core.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1})
    request = compiled.create_infer_request()
    taken: Any = np.zeros((1, size, size, 1), np.int8 if is_int8 else np.float32)
    request.set_input_tensor(openvino.Tensor(taken, shared_memory=True))

    def answer(picture: Pixels) -> Floats:
        if is_int8:
            np.bitwise_xor(picture, np.uint8(0x80), out=taken[0, :, :, 0].view(np.uint8))
        else:
            np.multiply(picture, np.float32(1 / 255), out=taken[0, :, :, 0])
        request.infer()
        raw: Floats = np.squeeze(request.get_output_tensor().data).astype(np.float32)
        return (raw - np.float32(zero_point)) * np.float32(scale)

    return Network(size, answer, request.infer)


def _opencv(path: Path, size: int, threads: int) -> Network:
    import cv2  # noqa: PLC0415

    cv2.setNumThreads(threads)
    network = cv2.dnn.readNetFromONNX(str(path))

    def answer(picture: Pixels) -> Floats:
        network.setInput((picture * np.float32(1 / 255)).reshape(1, size, size, 1))
        return np.squeeze(network.forward()).astype(np.float32)

    return Network(size, answer, network.forward)


def _fast(path: Path, size: int, threads: int) -> Network:
    """FAST scales the picture itself, with OpenCL; its engine takes the cores that the process may use."""
    from edge.quiet import quiet_stderr  # noqa: PLC0415

    with quiet_stderr():  # "Unable to open X display"
        import fast  # noqa: PLC0415

    fast.Reporter.setGlobalReportMethod(fast.Reporter.NONE)
    network = fast.NeuralNetwork.create(str(path), scaleFactor=1 / 255, inferenceEngine="OpenVINO")
    held: list[Any] = [fast.Image.createFromArray(np.zeros((size, size, 1), np.uint8))]

    def invoke() -> Any:
        network.connect(held[0])
        return network.runAndGetOutputData()

    def answer(picture: Pixels) -> Floats:
        held[0] = fast.Image.createFromArray(picture[..., np.newaxis])
        return np.squeeze(np.asarray(invoke())).astype(np.float32)

    return Network(size, answer, invoke)


def _answer_quantization(path: Path) -> tuple[float, int]:
    """Of an INT8 .tflite: OpenVINO gives its raw integers."""
    from edge.tflite_file import read_tflite  # noqa: PLC0415

    result = read_tflite(path.read_bytes()).outputs[0]
    return result.scale, result.zero_point


ENGINES = (
    Engine("LiteRT", "int8", "int8.tflite", "ai_edge_litert", _litert),
    Engine("LiteRT", "float", "float.tflite", "ai_edge_litert", _litert),
    Engine("ONNX Runtime", "int8", "qdq.onnx", "onnxruntime", _onnxruntime),
    Engine("ONNX Runtime", "float", "float.onnx", "onnxruntime", _onnxruntime),
    Engine("OpenVINO, NNCF", "int8", "nncf.xml", "openvino", _openvino),
    Engine("OpenVINO, our file", "int8", "int8.tflite", "openvino", _openvino),
    Engine("OpenVINO", "float", "float.tflite", "openvino", _openvino),
    Engine("OpenCV DNN", "float", "float.onnx", "cv2", _opencv),
    Engine("FAST", "float", "channels-first.onnx", "fast", _fast),
)
