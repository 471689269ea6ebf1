"""Wrists whose graders' answers are drawn from a known distribution: what a fit must find again."""

from __future__ import annotations

import numpy as np

from convert.confidence.answers import Wrist
from edge.findings import GRADES
from edge.stages.grade import probability_rows
from edge.stages.typical import FEATURES, LOGITS

PLAIN = len(FEATURES) - len(LOGITS)


def simulated(
    count: int, *, temperature: float = 1.0, frames: int = 1, seed: int = 0, prefix: str = "S"
) -> list[Wrist]:
    """Subjects of one wrist each, whose true grade is drawn from the answer's own probabilities at `temperature`."""
    rng = np.random.default_rng(seed)
    severity = rng.uniform(-2.0, 8.0, count)
    clips = []
    for number, middle in enumerate(severity):
        logits = np.array([middle, middle - 3.0, middle - 6.0]) * temperature
        drawn = rng.choice(len(GRADES), p=probability_rows(logits, temperature))
        seen = np.hstack([rng.normal(size=(frames, PLAIN)), np.tile(logits, (frames, 1))])
        clips.append(Wrist(f"{prefix}{number}", GRADES[drawn], seen, ()))
    return clips
