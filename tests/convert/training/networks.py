"""Networks of a few layers on tiny pictures: what matters here is the training, not what it trains."""

from __future__ import annotations

from convert.models import Architecture

SEGMENTER = Architecture("tiny", "segment", "tests.convert.training.tiny_segmenter", 32, 1.0, "here")
GRADER = Architecture("tiny", "grade", "tests.convert.training.tiny_grader", 32, 15 / 32, "here")
