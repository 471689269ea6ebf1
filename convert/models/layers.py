"""What several networks share: normalised convolutions and the ordinal head."""

from __future__ import annotations

import keras
from keras import layers

from convert.models import GRADE_STEPS


def conv_bn_relu(
    x: keras.KerasTensor, filters: int, kernel: int = 3, stride: int = 1, *, activation: str | None = "relu6"
) -> keras.KerasTensor:
    """Convolution, batch normalisation (folded away by the converter), activation."""
    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.95)(x)
    return layers.Activation(activation)(x) if activation else x


def depthwise_bn_relu(x: keras.KerasTensor, kernel: int, stride: int) -> keras.KerasTensor:
    """The same, each channel by itself."""
    x = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.95)(x)
    return layers.Activation("relu6")(x)


def ordinal_head(x: keras.KerasTensor, dropout: float = 0.2) -> keras.KerasTensor:
    """Features (1, H, W, C) -> cumulative logits (1, 3), one per step between neighbouring grades.

    Cumulative logits keep the order of the grades (P3: errors are mainly between neighbours) and hold the binary
    answer of P2 as their first: P(CTS) = sigmoid(logits[0]).
    """
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    return layers.Dense(len(GRADE_STEPS), name="grade_logits")(x)
