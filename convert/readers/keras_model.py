"""From a Keras model to float TFLite, the form that every quantizer here starts from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile, is_zipfile

from convert.errors import ModelError
from convert.readers.tensorflow_graph import TensorFlowGraph, frozen_graph, picture_shape
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
    if not is_zipfile(path):
        raise ModelError(f"{path}: not a whole .keras file: copy it again, or write it with model.save()")
    try:
        with quiet_stderr():
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except BadZipFile as error:
        raise ModelError(f"{path}: not a whole .keras file: copy it again, or write it with model.save()") from error
    except (ValueError, TypeError, KeyError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{path}: not a Keras model that can be read ({reason}): write it with model.save()"
        ) from error


def keras_graph(model: keras.Model) -> TensorFlowGraph:
    """The model as a graph of a static batch of 1, every variable frozen.

    Raises:
        ModelError: the model does not take one picture (batch, H, W, 1 or 3), or gives more than one answer.
    """
    shape = picture_shape(model.input_shape)
    if isinstance(model.output, list | dict):
        raise ModelError(f"gives {len(model.output)} outputs, not one: build it with the one to deploy")
    return frozen_graph(lambda picture: model(picture, training=False), shape)


def float_tflite(model: keras.Model) -> bytes:
    """Convert to float TFLite with a static batch of 1 and every variable frozen; the same model gives the same bytes.

    Raises:
        ModelError: the model does not take one picture (batch, H, W, 1 or 3), or TFLite lacks one of its operators.
    """
    return keras_graph(model).tflite()
