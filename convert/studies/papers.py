"""What the papers report: the figures that stand beside ours."""

from __future__ import annotations

from collections.abc import Mapping

SETS = ("HM70A wrist", "HM70A forearm", "miniSONO wrist", "miniSONO forearm")
"""P1's four sets; ours are named by the simulated machine in the place of each."""

P1_DSC: Mapping[str, tuple[float, float, float, float]] = {
    "sa_unet": (0.923, 0.761, 0.897, 0.858),
    "unet": (0.897, 0.719, 0.830, 0.838),
    "unet_plus_plus": (0.889, 0.713, 0.839, 0.812),
    "attention_unet": (0.896, 0.744, 0.824, 0.828),
    "multires_unet": (0.893, 0.653, 0.848, 0.813),
}
"""DSC of each network on each of `SETS`."""

P1_FRAMES: tuple[tuple[int, int], ...] = ((512, 129), (129, 33), (248, 63), (153, 38))
"""Frames to train and to test on, of each of `SETS`."""

P2_MEASURES = ("accuracy", "precision", "recall", "specificity", "f1", "auc")
P2: Mapping[str, tuple[float, ...]] = {
    "squeezenet": (0.943, 0.957, 0.943, 0.937, 0.950, 0.978),
    "mobilenet_v2": (0.941, 0.961, 0.937, 0.953, 0.949, 0.964),
    "efficientnet_b0": (0.959, 0.998, 0.935, 0.997, 0.965, 0.998),
}
"""`P2_MEASURES` of CTS or not, of each grader."""

P3_ACCURACY: Mapping[str, float] = {"transverse": 0.92, "longitudinal": 0.94}
P3_PRECISION: Mapping[str, tuple[float, float, float, float]] = {
    "transverse": (0.88, 0.94, 0.93, 0.97),
    "longitudinal": (0.98, 0.94, 0.96, 0.85),
}
"""Of each of the four grades, by frame: P3 splits by frame, which flatters; ours is by patient."""
