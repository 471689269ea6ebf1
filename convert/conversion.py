"""From a trained model to a bundle's entry: float TFLite, INT8, and how far the two agree.

M.keras -> float TFLite -> INT8 -> parity on the calibration frames -> ModelEntry + files
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from convert.calibration import calibration_set
from convert.dataset import DataFolder
from convert.errors import ModelError
from convert.keras_model import float_tflite, load_keras
from convert.models import GRADE_STEPS
from convert.parity import Parity, compare, float_predictor, int8_predictor
from convert.quantize import PACKAGE_OF, Recipe, load_recipe, quantize
from convert.training_record import read_record
from edge.findings import View
from edge.interpreter import open_model
from edge.manifest import InputSpec, ModelEntry, Task

TOOLS = ("sonoedge", "tensorflow", "keras", "litert-quantizer", "ai-edge-litert", "numpy", "opencv-python-headless")


@dataclass(frozen=True)
class Converted:
    """A model on both sides of the quantizer."""

    entry: ModelEntry
    int8: bytes
    float_tflite: bytes
    parity: Parity


def convert_model(
    path: Path,
    task: Task,
    view: View,
    calibration: DataFolder,
    *,
    recipe: Recipe | None = None,
    mm_per_px: float | None = None,
    progress: bool = True,
) -> Converted:
    """Convert a `.keras` file with the frames of `calibration`; the same model and frames give the same bytes.

    `mm_per_px` is the size of a pixel that the model was trained at; by default what `M.train.json` beside the model
    says.

    Raises:
        ModelError: the model is not what its task needs, or nobody says its pixel size.
        DataError: the calibration folder holds no fitting frame.
        QuantizeError: the result is not all-integer with our input contract.
    """
    recipe = recipe or load_recipe()
    record = read_record(path)
    model = load_keras(path)
    _check_outputs(path, task, model.output_shape)
    spec = _spec(path, model.input_shape, mm_per_px or (record.mm_per_px if record else None))
    frames = calibration_set(calibration, task, view, spec)
    source = float_tflite(model)
    int8 = quantize(source, frames, recipe, progress=progress)
    runner = open_model(int8)
    agreement = compare(
        frames, float_predictor(source), int8_predictor(runner), output_scale=runner.output_quantization[0]
    )
    arch = record.arch if record else model.name
    entry = ModelEntry(
        file=f"{task}-{arch}.tflite",
        arch=arch,
        task=task,
        input=spec,
        logits=("nerve",) if task == "segment" else GRADE_STEPS,
        recipe=recipe.name,
        quantizer=f"{recipe.quantizer} {metadata.version(PACKAGE_OF[recipe.quantizer])}",
        calibration=frames.entry(),
        seed=record.seed if record else 0,
        float_parity={name: float(value) for name, value in asdict(agreement).items()},
        non_integer_tensors=recipe.non_integer_tensors,
    )
    return Converted(entry, int8, source, agreement)


def tool_versions() -> dict[str, str]:
    """What made a bundle: tool -> version."""
    return {tool: metadata.version(tool) for tool in TOOLS}


def _check_outputs(path: Path, task: Task, shape: tuple[int | None, ...]) -> None:
    fits = len(shape) == 4 and shape[3] == 1 if task == "segment" else shape[1:] == (len(GRADE_STEPS),)
    if not fits:
        wanted = "(H, W, 1) nerve logits" if task == "segment" else f"({len(GRADE_STEPS)},) cumulative grade logits"
        raise ModelError(f"{path}: gives {shape[1:]}, the task {task!r} wants {wanted}")


def _spec(path: Path, shape: tuple[int | None, ...], mm_per_px: float | None) -> InputSpec:
    if mm_per_px is None:
        raise ModelError(f"{path}: no M.train.json beside it says how large its pixels are: give --mm-per-px")
    height, width = shape[1:3]
    if height is None or width is None:
        raise ModelError(f"{path}: takes pictures of any size: build it for one")
    return InputSpec(height=height, width=width, mm_per_px=mm_per_px)
