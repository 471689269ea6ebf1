"""MobileNetV2 (P2) with an ordinal head."""

from __future__ import annotations

import keras
from keras import layers

from convert.models.layers import conv_bn_relu, depthwise_bn_relu, ordinal_head

# (expansion, channels, repeats, stride of the first)
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def build(size_px: int, name: str = "mobilenet_v2") -> keras.Model:
    """Input (1, size_px, size_px, 1) in 0..1 -> cumulative grade logits (1, 3)."""
    picture = keras.Input((size_px, size_px, 1), name="picture")
    x = conv_bn_relu(picture, 32, 3, 2)
    for expansion, channels, repeats, stride in STAGES:
        for repeat in range(repeats):
            x = inverted_residual(x, expansion, channels, 3, stride if repeat == 0 else 1)
    x = conv_bn_relu(x, 1280, 1)
    return keras.Model(picture, ordinal_head(x), name=name)


def inverted_residual(
    x: keras.KerasTensor, expansion: int, channels: int, kernel: int, stride: int
) -> keras.KerasTensor:
    """Expand 1x1, depthwise, project 1x1 linearly; added to the input where the shapes agree."""
    y = conv_bn_relu(x, x.shape[-1] * expansion, 1) if expansion > 1 else x
    y = depthwise_bn_relu(y, kernel, stride)
    y = conv_bn_relu(y, channels, 1, activation=None)
    return layers.Add()([x, y]) if stride == 1 and x.shape[-1] == channels else y
