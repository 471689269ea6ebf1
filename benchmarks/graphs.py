"""A bundle's models, and the paper's segmenter beside them, in the form that each engine reads.

    FOLDER/MODEL/int8.tflite           what the bundle ships
                 float.tflite          of `make reference`'s M.keras, or else the INT8 file's own graph in float
                 float.onnx, channels-first.onnx
                 qdq.onnx              ONNX Runtime's static quantization, per channel
                 nncf.xml, nncf.bin    OpenVINO's

All are calibrated on the same frames. What is there is not made again.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from edge.bundle import Bundle
from edge.frame import Pixels
from edge.progress import tracked
from edge.quiet import quiet_stderr
from edge.tflite_file import TFLiteFile, read_tflite

PAPER = "sa_unet"
"""P1's segmenter, at the size of the bundle's own. Untrained: its weights do not change its time."""

Pictures: TypeAlias = Sequence[Pixels]


@dataclass(frozen=True)
class Subject:
    """One model to be measured."""

    name: str
    role: str  # "segmenter", "grader" or "paper"
    size: int  # px, of its square input


def subjects(bundle: Bundle) -> list[Subject]:
    """The bundle's segmenter and graders, and the paper's segmenter."""
    manifest = bundle.manifest
    if manifest.segmenter is None:
        return [Subject(name, "grader", entry.input.height) for name, entry in manifest.graders.items()]
    size = manifest.segmenter.input.height
    return [
        Subject(manifest.segmenter.arch, "segmenter", size),
        *(Subject(name, "grader", entry.input.height) for name, entry in manifest.graders.items()),
        *([Subject(PAPER, "paper", size)] if manifest.segmenter.arch != PAPER else []),
    ]


def prepare(bundle_path: Path, folder: Path, calibration: Path, reference: Path | None, limit: int) -> dict[str, str]:
    """Make every graph that the installed packages can; what could not be made -> why.

    Imports TensorFlow and more: run it in a process of its own. `limit` frames of `calibration` at most.

    Raises:
        DataError, ModelError: no frames to calibrate on; a reference model cannot be read.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in ("tf2onnx", "nncf", "root"):
        logging.getLogger(name).setLevel(logging.ERROR)
    bundle, absent = Bundle.open(bundle_path), {}
    roads = {subject: _road(bundle, subject, reference) for subject in subjects(bundle)}
    steps = [(subject, file, make) for subject, road in roads.items() for file, make in road.items()]
    pictures = {subject: _calibration(bundle, subject, calibration, limit) for subject in roads}
    for subject, file, make in tracked(steps, "graphs"):
        place = folder / subject.name
        place.mkdir(parents=True, exist_ok=True)
        needed = _NEEDS.get(file, ()) + (("keras", "tensorflow") if subject.role == "paper" else ())
        if missing := [package for package in needed if find_spec(package) is None]:
            absent[file] = f"{', '.join(missing)} is not installed"
        elif not (place / file).is_file():
            with quiet_stderr(), Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
                make(place, pictures[subject])
    return absent


Maker: TypeAlias = Callable[[Path, Pictures], None]

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "float.onnx": ("tf2onnx", "tensorflow"),
    "channels-first.onnx": ("tf2onnx", "tensorflow"),
    "qdq.onnx": ("tf2onnx", "tensorflow", "onnxruntime"),
    "nncf.xml": ("nncf", "openvino"),
}


def _road(bundle: Bundle, subject: Subject, reference: Path | None) -> dict[str, Maker]:
    """Each file and what makes it, in an order in which each finds what it is made of."""
    ends: dict[str, Maker] = {
        "float.onnx": _onnx,
        "channels-first.onnx": lambda place, _: _channels_first(place, subject),
        "qdq.onnx": _qdq,
        "nncf.xml": _nncf,
    }
    if subject.role == "paper":
        return {"float.tflite": lambda place, _: _paper_float(place, subject), "int8.tflite": _paper_int8, **ends}
    segmenter = bundle.manifest.segmenter
    entry = segmenter if subject.role == "segmenter" and segmenter else bundle.manifest.graders[subject.name]
    keras = None if reference is None else reference / f"{_reference_name(bundle, subject)}.keras"
    return {
        "int8.tflite": lambda place, _: _write(place / "int8.tflite", bundle.read(entry.file)),
        "float.tflite": lambda place, _: _write(place / "float.tflite", _float(place, keras)),
        **ends,
    }


def _reference_name(bundle: Bundle, subject: Subject) -> str:
    """What `make reference` calls the model."""
    if bundle.manifest.view == "longitudinal":
        return "longitudinal-segment" if subject.role == "segmenter" else "longitudinal-grade"
    return "segment" if subject.role == "segmenter" else subject.name


def _calibration(bundle: Bundle, subject: Subject, folder: Path, limit: int) -> Pictures:
    from convert.calibration.frames import calibration_set  # noqa: PLC0415
    from convert.data.dataset import read_data_folder  # noqa: PLC0415

    manifest = bundle.manifest
    entry = manifest.graders[subject.name] if subject.role == "grader" else manifest.segmenter
    assert entry is not None  # noqa: S101  `subjects` gives no segmenter where there is none
    frames = calibration_set(read_data_folder(folder), entry.task, manifest.view, entry.input)
    return [frames.picture(sample) for sample in frames.samples[:limit]]


def _float(place: Path, keras: Path | None) -> bytes:
    if keras is None:
        from benchmarks.dequantized import dequantized  # noqa: PLC0415

        return dequantized((place / "int8.tflite").read_bytes())
    from convert.readers.float_model import read_float_model  # noqa: PLC0415

    return read_float_model(keras).tflite


def _paper_float(place: Path, subject: Subject) -> None:
    import keras  # noqa: PLC0415

    from convert.models.sa_unet import build  # noqa: PLC0415
    from convert.readers.keras_model import float_tflite  # noqa: PLC0415

    keras.utils.set_random_seed(1)
    _write(place / "float.tflite", float_tflite(build(subject.size)))


def _paper_int8(place: Path, pictures: Pictures) -> None:
    from convert.quantizing.quantize import quantize  # noqa: PLC0415
    from convert.quantizing.recipe import load_recipe  # noqa: PLC0415

    float_tflite = (place / "float.tflite").read_bytes()
    _write(place / "int8.tflite", quantize(float_tflite, pictures[:10], load_recipe()).model)


def _onnx(place: Path, _: Pictures) -> None:
    _to_onnx(place, "float.onnx")


def _channels_first(place: Path, subject: Subject) -> None:
    ends: dict[str, Any] = {"inputs_as_nchw": [_file(place).inputs[0].name]}
    if subject.role != "grader":
        ends["outputs_as_nchw"] = [_file(place).outputs[0].name]
    _to_onnx(place, "channels-first.onnx", **ends)


def _to_onnx(place: Path, file: str, **options: Any) -> None:
    import tf2onnx  # noqa: PLC0415

    path = place / file
    tf2onnx.convert.from_tflite(str(place / "float.tflite"), opset=17, output_path=str(path), **options)


def _file(place: Path) -> TFLiteFile:
    return read_tflite((place / "float.tflite").read_bytes())


def _qdq(place: Path, pictures: Pictures) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static  # noqa: PLC0415
    from onnxruntime.quantization.shape_inference import quant_pre_process  # noqa: PLC0415

    name = _file(place).inputs[0].name

    class Frames(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime is not typed
        def __init__(self) -> None:
            self._rest = iter(pictures)

        def get_next(self) -> dict[str, np.ndarray] | None:
            picture = next(self._rest, None)
            return None if picture is None else {name: _real(picture)}

    clean = place / "pre-processed.onnx"
    quant_pre_process(str(place / "float.onnx"), str(clean), skip_symbolic_shape=True)
    quantize_static(
        str(clean), str(place / "qdq.onnx"), Frames(), per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip
    clean.unlink()


def _nncf(place: Path, pictures: Pictures) -> None:
    import nncf  # noqa: PLC0415
    import openvino  # noqa: PLC0415

    model = openvino.Core().read_model(place / "float.tflite")
    frames = nncf.Dataset([_real(picture) for picture in pictures])
    openvino.save_model(nncf.quantize(model, frames, subset_size=len(pictures)), place / "nncf.xml")


def _real(picture: Pixels) -> np.ndarray:
    """(H, W) uint8 -> (1, H, W, 1) float32, 0..1."""
    return (picture.astype(np.float32) / np.float32(255)).reshape(1, *picture.shape, 1)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
