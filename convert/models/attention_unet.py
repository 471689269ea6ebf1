"""Attention U-Net (Oktay et al., MIDL 2018), one of P1's baselines: U-Net whose skip connections are gated.

10.02 M parameters; P1 gives no count, and the publication's 6.4 M are of a network in three dimensions, so the widths
are those of `unet`, and the gates are all that is added. What differs from the publication: two dimensions; the gate's
weights come to the finer grid by nearest up-sampling instead of interpolation; no deep supervision; batch normalisation
and ReLU6, as in all networks here; logits.
"""

from __future__ import annotations

import keras
from keras import layers

from convert.models.layers import Upsample, conv_bn_relu, descent, double_conv, nerve_logits, up_convolution
from convert.models.unet import WIDTHS


def build(size_px: int, name: str = "attention_unet", widths: tuple[int, ...] = WIDTHS) -> keras.Model:
    """Input (1, size_px, size_px, 1) in 0..1 -> logits (1, size_px, size_px, 1); positive = nerve.

    `size_px` is a multiple of 2 ** (len(widths) - 1): of 16.
    """
    picture = keras.Input((size_px, size_px, 1), name="picture")
    skips = descent(picture, widths)
    x = skips.pop()
    for width, skip in zip(reversed(widths[:-1]), reversed(skips), strict=True):
        gated = attention_gate(skip, x)
        x = up_convolution(x, width, skip)
        x = double_conv(layers.Concatenate()([gated, x]), width)
    return keras.Model(picture, nerve_logits(x), name=name)


def attention_gate(skip: keras.KerasTensor, coarse: keras.KerasTensor) -> keras.KerasTensor:
    """`skip` (1, 2 H, 2 W, C), weighted 0..1 at each pixel by what `coarse` (1, H, W, 2 C) knows of the place.

    The weights are computed on the coarse grid: sigmoid(psi(relu(theta(skip) + phi(coarse)))).
    """
    channels = skip.shape[-1]
    theta = layers.Conv2D(channels, 2, 2, use_bias=False)(skip)
    phi = layers.Conv2D(channels, 1)(coarse)
    weights = layers.Activation("relu6")(layers.Add()([theta, phi]))
    weights = layers.Conv2D(1, 1, activation="sigmoid")(weights)
    weights = Upsample(skip.shape[1], skip.shape[2])(weights)
    return conv_bn_relu(layers.Multiply()([skip, weights]), channels, 1, activation=None)
