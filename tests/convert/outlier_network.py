"""A small network to break on purpose: one channel of one linear layer made far larger, and taken back by the next.

In float it answers as before; in INT8 the large channel takes the steps from all others of its layer.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from convert.readers.keras_model import float_tflite

SIZE = 16
OUTLIER_LAYER, OUTLIER_CHANNEL = "middle", 5
PICTURES = [np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE), dtype=np.uint8) for seed in range(8)]


def u_net(factor: float = 1.0) -> bytes:
    """Two levels with a skip connection; channel 5 of the layer `middle` is `factor` times as large as trained."""
    keras.backend.clear_session()  # layers are numbered through a process, and their names are in the bytes
    keras.utils.set_random_seed(11)
    picture = keras.Input((SIZE, SIZE, 1), name="picture")
    skip = layers.Conv2D(8, 3, padding="same", activation="relu6", name="top")(picture)
    x = layers.MaxPooling2D(name="down")(skip)
    x = layers.Conv2D(8, 3, padding="same", name=OUTLIER_LAYER)(x)
    x = layers.Conv2D(8, 1, activation="relu6", name="after")(x)
    x = layers.UpSampling2D(name="up")(x)
    x = layers.Concatenate(name="join")([skip, x])
    model = keras.Model(picture, layers.Conv2D(1, 1, name="nerve_logits")(x), name="small_u_net")
    _scale(model.get_layer(OUTLIER_LAYER), np.s_[..., OUTLIER_CHANNEL], factor)
    _scale(model.get_layer("after"), np.s_[:, :, OUTLIER_CHANNEL, :], 1 / factor, bias=False)
    return float_tflite(model)


def _scale(layer: keras.Layer, where: object, factor: float, *, bias: bool = True) -> None:
    kernel, offset = layer.get_weights()
    kernel[where] *= factor
    if bias:
        offset[OUTLIER_CHANNEL] *= factor
    layer.set_weights([kernel, offset])
