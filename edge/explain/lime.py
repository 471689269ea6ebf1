"""LIME (P2; Ribeiro, Singh and Guestrin 2016): which superpixels carry the answer, by a linear fit near the picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge.errors import MissingExtraError
from edge.explain.asking import Ask
from edge.explain.hiding import smeared
from edge.explain.sight import Sight
from edge.explain.support import FloatMap, Support

try:
    from skimage.segmentation import slic
except ImportError as error:
    raise MissingExtraError("LIME", "explain") from error

SUPERPIXELS = 40  # about 5.6 mm² of a 15 x 15 mm crop: a nerve is a few of them
COMPACTNESS, SMOOTHING_PX = 0.1, 2.0  # of SLIC on grey 0..1: speckle draws no border
KERNEL_WIDTH = 0.25  # cosine distance at which a sample counts exp(-1), as in the authors' own code for pictures
RIDGE = 1.0

Labels = npt.NDArray[np.int64]


def lime(sight: Sight, baseline: float, ask: Ask, *, samples: int, seed: int) -> Support:
    """`samples` pictures, each one invoke, in which every superpixel is hidden or not by the toss of a coin.

    `baseline` is the answer to the unchanged picture, which is a sample too. The support of a superpixel is its
    coefficient in the fit: what the probability gains on average when it is shown.
    """
    labels, parts = superpixels(sight)
    fill = smeared(sight.picture, sight.placement)
    shown = np.random.default_rng(seed).random((samples, parts)) < 0.5
    # Outside the picture the label is `parts`, one more than there are: shown always.
    whole = np.column_stack([shown, np.ones(samples, bool)])
    answers = ask((np.where(row[labels], sight.picture, fill) for row in whole), samples)
    x = np.vstack([np.ones(parts), shown[: len(answers)]])
    gains, fit_r2 = weighted_ridge(x, np.array([baseline, *answers]), nearness(x))
    pixels = np.append(gains, np.nan)[labels]
    return Support(pixels, tried=len(answers), planned=samples, parts=parts, fit_r2=fit_r2)


def superpixels(sight: Sight) -> tuple[Labels, int]:
    """The superpixel of each pixel (H, W), 0 ... n - 1, n where there is no picture; and n."""
    target = sight.placement.target
    found = slic(
        target.of(sight.picture) / 255.0,
        n_segments=SUPERPIXELS,
        compactness=COMPACTNESS,
        sigma=SMOOTHING_PX,
        start_label=0,
        channel_axis=None,
    )
    parts = int(found.max()) + 1
    labels = np.full(sight.picture.shape, parts, np.int64)
    labels[target.top : target.bottom, target.left : target.right] = found
    return labels, parts


def nearness(shown: FloatMap) -> FloatMap:
    """Weight of each sample (N, parts) of 0 and 1: 1 for the whole picture, less the more of it is hidden."""
    distance = 1.0 - np.sqrt(shown.mean(axis=1))  # cosine distance to the sample in which all is shown
    weights: FloatMap = np.exp(-np.square(distance / KERNEL_WIDTH))
    return weights


def weighted_ridge(x: FloatMap, y: FloatMap, weights: FloatMap, ridge: float = RIDGE) -> tuple[FloatMap, float | None]:
    """Coefficients (parts,) of y (N,) on x (N, parts), the intercept not penalised; and the weighted R².

    R² is None where y does not vary.
    """
    share = weights / weights.sum()
    x0, y0 = x - share @ x, y - share @ y
    weighted = (weights[:, None] * x0).T
    gains: FloatMap = np.linalg.solve(weighted @ x0 + ridge * np.eye(x.shape[1]), weighted @ y0)
    spread = float(weights @ np.square(y0))
    return gains, 1.0 - float(weights @ np.square(y0 - x0 @ gains)) / spread if spread > 0 else None
