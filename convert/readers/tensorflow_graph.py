"""One TensorFlow function of one picture, variables frozen: what a Keras model and a SavedModel become first."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convert.errors import ModelError
from convert.readers.graph_edit import Activation
from convert.readers.preprocessing import Floats
from edge.quiet import quiet_stderr

_SERVING = "serving_default"
_ACTIVATIONS: dict[str, Activation] = {"Softmax": "softmax", "Sigmoid": "sigmoid"}
_VALUE_KEEPING = ("Identity", "Reshape", "Squeeze")  # operations that may follow an activation
_UNSUPPORTED = re.compile(r"(?:TF Select|Custom) ops: ([^\n]+)")


@dataclass(frozen=True)
class TensorFlowGraph:
    """A graph without variables that takes (1, H, W, C) float32."""

    function: Any  # tf.types.experimental.ConcreteFunction
    input_shape: tuple[int, int, int]  # H, W, C
    activation_removed: Activation | None = None

    def __call__(self, pictures: Floats) -> Floats:
        """TensorFlow's own answer to one picture (1, H, W, C), of whatever shape the graph gives."""
        import tensorflow as tf  # noqa: PLC0415

        [answer] = self.function(tf.constant(pictures))
        return answer.numpy()  # type: ignore[no-any-return]

    def without_final_activation(self) -> TensorFlowGraph:
        """The same graph up to a softmax or sigmoid at its end, if there is one."""
        last = self.function.outputs[0]
        while last.op.type in _VALUE_KEEPING:
            last = last.op.inputs[0]
        if (activation := _ACTIVATIONS.get(last.op.type)) is None:
            return self
        logits = self.function.prune(self.function.inputs, [last.op.inputs[0]])
        return TensorFlowGraph(logits, self.input_shape, activation)

    def tflite(self) -> bytes:
        """Float TFLite with a static batch of 1; the same graph gives the same bytes.

        Raises:
            ModelError: an operation has no TFLite operator.
        """
        import tensorflow as tf  # noqa: PLC0415
        from tensorflow.lite.python.convert import ConverterError  # noqa: PLC0415

        try:
            with quiet_stderr():
                converter = tf.lite.TFLiteConverter.from_concrete_functions([self.function], tf.Module())
                # The way over a SavedModel keeps variables as READ_VARIABLE: three times slower and not quantizable.
                converter.experimental_lower_to_saved_model = False
                return bytes(converter.convert())
        except ConverterError as error:
            named = _UNSUPPORTED.search(str(error))
            what = named[1] if named else " ".join(str(error).split())[:200]
            raise ModelError(f"TFLite has no operator for {what}: build the model without it") from error


def frozen_graph(call: Callable[[Any], Any], input_shape: tuple[int, int, int]) -> TensorFlowGraph:
    """Trace `call` for a batch of one picture and freeze its variables.

    Raises:
        ModelError: it computes in float16.
    """
    with quiet_stderr():
        import tensorflow as tf  # noqa: PLC0415  seconds: only who converts pays
        from tensorflow.python.framework.convert_to_constants import (  # noqa: PLC0415
            convert_variables_to_constants_v2,
        )

        signature = tf.TensorSpec((1, *input_shape), tf.float32, name="picture")
        concrete = tf.function(call, input_signature=[signature]).get_concrete_function()
        frozen = convert_variables_to_constants_v2(concrete)
    for operation in frozen.graph.get_operations():
        if any(tensor.dtype in (tf.float16, tf.bfloat16) for tensor in operation.outputs):
            raise ModelError(f"a float16 model ({operation.name}): build it in float32")
    return TensorFlowGraph(frozen, input_shape)


def load_saved_model(folder: Path) -> TensorFlowGraph:
    """Read a SavedModel: its signature `serving_default`, or the only one that it has.

    Raises:
        ModelError: it is damaged, has no such signature, or the signature is not one picture in, one answer out.
    """
    with quiet_stderr():
        import tensorflow as tf  # noqa: PLC0415
        from google.protobuf.message import DecodeError  # noqa: PLC0415
    try:
        with quiet_stderr():
            loaded = tf.saved_model.load(str(folder))
    except (OSError, ValueError, KeyError, DecodeError, tf.errors.OpError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"not a SavedModel that can be read ({reason}): export it again") from error
    signatures = dict(loaded.signatures)
    served = signatures.get(_SERVING) or (next(iter(signatures.values())) if len(signatures) == 1 else None)
    if served is None:
        raise ModelError("a SavedModel without a serving signature: write it with model.export()")
    takes, gives = served.structured_input_signature[1], served.structured_outputs
    if len(takes) != 1 or len(gives) != 1:
        raise ModelError(
            f"its signature takes {len(takes)} inputs and gives {len(gives)} outputs, not one of each: "
            "export a function of one picture"
        )
    [(argument, spec)] = takes.items()
    shape = picture_shape(spec.shape.as_list() if spec.shape.rank is not None else None)
    if spec.dtype != tf.float32:
        raise ModelError(f"takes {spec.dtype.name}, not float32: export it in float32")
    [answer] = gives
    return frozen_graph(lambda picture: served(**{argument: picture})[answer], shape)


def picture_shape(shape: Any) -> tuple[int, int, int]:
    """(H, W, C) of an input (batch, H, W, C) as a framework states it.

    Raises:
        ModelError: it is not one picture of a fixed size with one or three channels.
    """
    sizes = list(shape) if isinstance(shape, list | tuple) else []
    if len(sizes) != 4 or sizes[0] not in (None, 1) or None in sizes[1:] or sizes[3] not in (1, 3):
        raise ModelError(f"takes {shape}, not one picture (batch, H, W, 1 or 3) of a fixed size")
    height, width, channels = sizes[1:]
    return height, width, channels
