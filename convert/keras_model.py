"""From a Keras model to float TFLite, the form that every quantizer here starts from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from convert.errors import ModelError
from edge.quiet import quiet_stderr

if TYPE_CHECKING:
    import keras


def load_keras(path: Path) -> keras.Model:
    """Read a `.keras` file.

    Raises:
        ModelError: the file is missing, is no Keras model, or needs code that is not at hand.
    """
    with quiet_stderr():
        import keras  # noqa: PLC0415  seconds: only who converts pays

        import convert.models.sa_unet  # noqa: F401, PLC0415  registers the layers that our files name

    if not path.is_file():
        raise ModelError(f"{path}: no such file: give the .keras file that `sonoedge train` wrote")
    try:
        with quiet_stderr():
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{path}: not a Keras model that can be read ({reason}): write it with model.save()"
        ) from error


def float_tflite(model: keras.Model) -> bytes:
    """Convert to float TFLite with a static batch of 1 and every variable frozen; the same model gives the same bytes.

    Raises:
        ModelError: the model does not take one grey picture (batch, H, W, 1).
    """
    with quiet_stderr():
        import tensorflow as tf  # noqa: PLC0415

    shape = model.input_shape
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] != 1 or None in shape[1:]:
        raise ModelError(f"{model.name}: takes {shape}, not one grey picture (batch, H, W, 1) of a fixed size")
    signature = tf.TensorSpec((1, *shape[1:]), tf.float32, name="picture")
    with quiet_stderr():
        call = tf.function(lambda picture: model(picture, training=False), input_signature=[signature])
        converter = tf.lite.TFLiteConverter.from_concrete_functions([call.get_concrete_function()], model)
        # The way over a SavedModel keeps variables as READ_VARIABLE: three times slower and not quantizable.
        converter.experimental_lower_to_saved_model = False
        return bytes(converter.convert())
