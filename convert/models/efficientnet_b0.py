"""EfficientNet-B0 (P2), written for INT8: ReLU6 and no squeeze-excitation, with an ordinal head.

Swish and the squeeze-excitation gate quantize badly (ImageNet top-1 fell from 75 to 46 % in the published figures);
without them this is the "lite" form of the network (docs/adr/0004).
"""

from __future__ import annotations

import keras

from convert.models.layers import conv_bn_relu, ordinal_head
from convert.models.mobilenet_v2 import inverted_residual

# (expansion, channels, repeats, stride of the first, kernel)
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


def build(size_px: int, name: str = "efficientnet_b0") -> keras.Model:
    """Input (1, size_px, size_px, 1) in 0..1 -> cumulative grade logits (1, 3)."""
    picture = keras.Input((size_px, size_px, 1), name="picture")
    x = conv_bn_relu(picture, 32, 3, 2)
    for expansion, channels, repeats, stride, kernel in STAGES:
        for repeat in range(repeats):
            x = inverted_residual(x, expansion, channels, kernel, stride if repeat == 0 else 1)
    x = conv_bn_relu(x, 1280, 1)
    return keras.Model(picture, ordinal_head(x), name=name)
