"""EfficientNet-B0 as published (P2): swish and squeeze-excitation left in, with an ordinal head.

It quantizes badly where the calibration frames are not those of the exam. It is here to be compared with
`efficientnet_b0`, which ships (docs/adr/0004).
"""

from __future__ import annotations

import keras
from keras import layers

from convert.models.efficientnet_b0 import STAGES
from convert.models.layers import conv_bn_relu, depthwise_bn_relu, ordinal_head

SQUEEZE = 4  # the gate's inner channels are those of the block's input, divided by this


def build(size_px: int, name: str = "efficientnet_b0_swish") -> keras.Model:
    """Input (1, size_px, size_px, 1) in 0..1 -> cumulative grade logits (1, 3)."""
    picture = keras.Input((size_px, size_px, 1), name="picture")
    x = conv_bn_relu(picture, 32, 3, 2, activation="swish")
    for expansion, channels, repeats, stride, kernel in STAGES:
        for repeat in range(repeats):
            x = _block(x, expansion, channels, kernel, stride if repeat == 0 else 1)
    x = conv_bn_relu(x, 1280, 1, activation="swish")
    return keras.Model(picture, ordinal_head(x), name=name)


def _block(x: keras.KerasTensor, expansion: int, channels: int, kernel: int, stride: int) -> keras.KerasTensor:
    y = conv_bn_relu(x, x.shape[-1] * expansion, 1, activation="swish") if expansion > 1 else x
    y = depthwise_bn_relu(y, kernel, stride, activation="swish")
    y = _squeeze_excitation(y, x.shape[-1] // SQUEEZE)
    y = conv_bn_relu(y, channels, 1, activation=None)
    return layers.Add()([x, y]) if stride == 1 and x.shape[-1] == channels else y


def _squeeze_excitation(x: keras.KerasTensor, inner: int) -> keras.KerasTensor:
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(inner, 1, activation="swish")(gate)
    gate = layers.Conv2D(x.shape[-1], 1, activation="sigmoid")(gate)
    return layers.Multiply()([x, gate])
