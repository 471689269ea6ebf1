"""One convolution and the ordinal head, whose dropout draws from a generator of its own."""

from __future__ import annotations

import keras

from convert.models.layers import conv_bn_relu, ordinal_head


def build(size_px: int, name: str) -> keras.Model:
    """Input (1, size_px, size_px, 1) -> cumulative logits (1, 3)."""
    picture = keras.Input((size_px, size_px, 1), name="picture")
    return keras.Model(picture, ordinal_head(conv_bn_relu(picture, 8, 5, 2)), name=name)
