"""Two convolutions, normalised."""

from __future__ import annotations

import keras
from keras import layers

from convert.models.layers import conv_bn_relu


def build(size_px: int, name: str) -> keras.Model:
    """Input (1, size_px, size_px, 1) -> logits (1, size_px, size_px, 1)."""
    picture = keras.Input((size_px, size_px, 1), name="picture")
    logits = layers.Conv2D(1, 3, padding="same")(conv_bn_relu(picture, 8, 5))
    return keras.Model(picture, logits, name=name)
