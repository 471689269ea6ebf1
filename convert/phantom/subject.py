"""One simulated person: an anatomy of its own, and what carpal tunnel syndrome does to the nerve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.findings import GRADES, Side

# Cross-sectional area at the tunnel inlet, mm²: mean and SD by grade. The control's are P2's 8.2 +- 2.4; the three CTS
# rows together give P2's 14.7 +- 5.3. They overlap as in life: area alone separates CTS from control at AUC 0.87.
CSA_MM2 = {"normal": (8.2, 2.4), "mild": (11.2, 4.3), "moderate": (14.7, 4.5), "severe": (18.2, 4.7)}
CSA_RANGE_MM2 = (3.0, 34.0)

BIFID_SHARE = 0.08  # of wrists, a little under the published 10-15 %: two strands close together


@dataclass(frozen=True)
class Subject:
    """The anatomy that stays the same from frame to frame. Lengths in mm, echo levels in dB against bright tissue."""

    name: str
    seed: int  # lays tendons, fat lobules and bones
    side: Side
    grade: str
    severity: float  # about 0 (normal), 1/3, 2/3, 1 (severe), with a spread inside the grade
    csa_mm2: float  # at the tunnel inlet, both strands of a bifid nerve together
    forearm_csa_mm2: float  # 10 cm up, where the syndrome does not reach
    flattening: float  # long axis over short axis
    nerve_db: float  # mean echo level inside the nerve
    honeycomb_db: float  # contrast between fascicles and what lies between them
    rim_db: float  # the epineurium above its surroundings
    bowing_mm: float  # palmar displacement of the retinaculum's middle
    bifid: bool
    fat_mm: float
    nerve_x_mm: float  # off the middle of the picture
    tunnel_mm: float  # depth of the tunnel below the retinaculum


def draw_subject(index: int, seed: int, grade: str | None = None) -> Subject:
    """Subject number `index` of the population `seed`; its grade is `index` modulo four unless given.

    What severity moves, after P2 and P3: the nerve swells, darkens, flattens, loses its fascicles and its rim, and the
    retinaculum bows. Each has a spread between subjects, so that no single one of them is the grade.
    """
    rng = np.random.default_rng([seed, index, 1])
    grade = grade or GRADES[index % len(GRADES)]
    severity = GRADES.index(grade) / 3 + float(np.clip(rng.normal(0.0, 0.045), -0.12, 0.12))
    return Subject(
        name=f"S{seed:02d}-{index:05d}",
        seed=int(rng.integers(2**31)),
        side="left" if rng.random() < 0.5 else "right",
        grade=grade,
        severity=severity,
        csa_mm2=_truncated(rng, *CSA_MM2[grade], *CSA_RANGE_MM2),
        forearm_csa_mm2=_truncated(rng, 6.4, 1.2, 3.5, 11.0),
        flattening=_truncated(rng, 2.2 + 0.9 * severity, 0.35, 1.4, 4.5),
        nerve_db=-16.0 - 9.0 * severity + float(rng.normal(0.0, 0.5)),
        honeycomb_db=max(0.5, 11.0 - 9.5 * severity + float(rng.normal(0.0, 0.6))),
        rim_db=8.5 - 3.0 * severity + float(rng.normal(0.0, 0.7)),
        bowing_mm=_truncated(rng, 0.4 + 1.8 * severity, 0.4, 0.0, 4.0),
        bifid=bool(rng.random() < BIFID_SHARE),
        fat_mm=float(rng.uniform(0.8, 3.2)),
        nerve_x_mm=float(rng.normal(0.0, 2.5)),
        tunnel_mm=float(rng.uniform(9.0, 13.0)),
    )


def _truncated(rng: np.random.Generator, mean: float, sd: float, low: float, high: float) -> float:
    """A normal draw, redrawn until it lies in low..high."""
    while True:
        value = float(rng.normal(mean, sd))
        if low <= value <= high:
            return value
