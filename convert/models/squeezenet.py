"""SqueezeNet 1.1 (P2) with batch normalisation and an ordinal head."""

from __future__ import annotations

import keras
from keras import layers

from convert.models.layers import conv_bn_relu, ordinal_head

# (squeeze, expand) of each fire module; None is a pooling step.
FIRES = (None, (16, 64), (16, 64), None, (32, 128), (32, 128), None, (48, 192), (48, 192), (64, 256), (64, 256))


def build(size_px: int, name: str = "squeezenet") -> keras.Model:
    """Input (1, size_px, size_px, 1) in 0..1 -> cumulative grade logits (1, 3).

    P2 transfers SqueezeNet from ImageNet; from scratch it does not train without the batch normalisation, which the
    converter folds into the convolutions, so that the INT8 graph is the paper's.
    """
    picture = keras.Input((size_px, size_px, 1), name="picture")
    x = conv_bn_relu(picture, 64, 3, 2)
    for fire in FIRES:
        x = layers.MaxPooling2D(3, 2, padding="same")(x) if fire is None else _fire(x, *fire)
    return keras.Model(picture, ordinal_head(x), name=name)


def _fire(x: keras.KerasTensor, squeeze: int, expand: int) -> keras.KerasTensor:
    x = conv_bn_relu(x, squeeze, 1)
    return layers.Concatenate()([conv_bn_relu(x, expand, 1), conv_bn_relu(x, expand, 3)])
