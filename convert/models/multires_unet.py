"""MultiResUNet (Ibtehaz and Rahman, Neural Networks 2020), one of P1's baselines: several fields of view at each level.

7.25 M parameters (published: 7.26 M). What differs from the publication: the up-convolution of `layers` in the place
of a transposed one, of equal parameters; one normalisation a convolution and none after a concatenation or a sum, where
the converter could not fold it away; ReLU6, as in all networks here; logits.
"""

from __future__ import annotations

import keras
from keras import layers

from convert.models.layers import conv_bn_relu, nerve_logits, up_convolution

WIDTHS = (32, 64, 128, 256, 512)  # U of the paper a level, top to bottom
ALPHA = 1.67  # a block has about ALPHA * U channels


def build(size_px: int, name: str = "multires_unet", widths: tuple[int, ...] = WIDTHS) -> keras.Model:
    """Input (1, size_px, size_px, 1) in 0..1 -> logits (1, size_px, size_px, 1); positive = nerve.

    `size_px` is a multiple of 2 ** (len(widths) - 1): of 16.
    """
    picture = keras.Input((size_px, size_px, 1), name="picture")
    x, skips = picture, []
    for level, width in enumerate(widths[:-1]):
        x = multires_block(x, width)
        skips.append(res_path(x, width, length=len(widths) - 1 - level))
        x = layers.MaxPooling2D()(x)
    x = multires_block(x, widths[-1])
    for width, skip in zip(reversed(widths[:-1]), reversed(skips), strict=True):
        x = up_convolution(x, width, skip)
        x = multires_block(layers.Concatenate()([skip, x]), width)
    return keras.Model(picture, nerve_logits(x), name=name)


def multires_block(x: keras.KerasTensor, width: int) -> keras.KerasTensor:
    """3 x 3 convolutions in a row, which stand for fields of 3, 5 and 7 pixels, side by side; plus a 1 x 1 shortcut."""
    fields, last = [], x
    for share in (6, 3, 2):
        last = conv_bn_relu(last, int(ALPHA * width / share))
        fields.append(last)
    together = layers.Concatenate()(fields)
    return _added(together, conv_bn_relu(x, together.shape[-1], 1, activation=None))


def res_path(x: keras.KerasTensor, width: int, length: int) -> keras.KerasTensor:
    """A skip connection through `length` residual convolutions: more where encoder and decoder lie far apart."""
    for _ in range(length):
        x = _added(conv_bn_relu(x, width), conv_bn_relu(x, width, 1, activation=None))
    return x


def _added(x: keras.KerasTensor, shortcut: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Activation("relu6")(layers.Add()([x, shortcut]))
