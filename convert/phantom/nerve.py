"""The median nerve: its outline in each view, and how it echoes when it is well and when it is compressed."""

from __future__ import annotations

import numpy as np

from convert.phantom.subject import Subject
from convert.phantom.tissue import Points, TissueMap, area_mm2, ellipse, roughen, wavy

FASCICLE_SPACING_MM = 0.62
FOREARM_NERVE_DB, FOREARM_HONEYCOMB_DB, FOREARM_RIM_DB = -13.0, 11.0, 8.5


def transverse_strands(
    subject: Subject, csa_mm2: float, along_mm: float, top_mm: float, *, forearm: bool = False
) -> tuple[float, list[Points]]:
    """Where the nerve's middle lies (x in mm) and its outlines: one, or two for a bifid nerve.

    The areas add up to `csa_mm2` at the middle of the sweep and taper by 0.6 % a millimetre away from it.
    """
    rng = np.random.default_rng([subject.seed, 21 + forearm])
    area = csa_mm2 * (1 - 0.006 * abs(along_mm))
    flattening = 1.9 if forearm else subject.flattening
    x = subject.nerve_x_mm + 0.06 * along_mm * rng.normal(0, 1.0)
    shares = [0.58, 0.42] if subject.bifid and not forearm else [1.0]
    strands: list[Points] = []
    edge = x - (1.5 if len(shares) == 2 else 0.0)
    for share in shares:
        short = np.sqrt(4 * area * share / (np.pi * flattening))
        outline = _nerve_shape(flattening * short, short, rng)
        outline *= np.sqrt(area * share / area_mm2(outline))
        outline[:, 1] += top_mm - outline[:, 1].min() + 0.12 * abs(rng.normal())
        outline[:, 0] += edge
        if strands:
            outline[:, 0] += strands[0][:, 0].max() + 0.55 - outline[:, 0].min()
        strands.append(outline)
    return x, strands


def _nerve_shape(long_mm: float, short_mm: float, rng: np.random.Generator) -> Points:
    """Between an ellipse and a lens with a flat roof, tilted a little."""
    outline = ellipse(0.0, 0.0, long_mm, short_mm, 0.0)
    lens = rng.uniform(0.0, 0.45)
    outline[:, 1] *= 1 - lens * (np.abs(outline[:, 0]) / (long_mm / 2)) ** 2 * 0.6
    outline = roughen(outline, 0.05, rng, waves=(2, 3, 4))
    turn = np.deg2rad(rng.normal(0, 6.0))
    return outline @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])


def draw(
    tissue: TissueMap, subject: Subject, strands: list[Points], rng: np.random.Generator, *, severity_shows: bool = True
) -> None:
    """Fascicles within, epineurium about; `severity_shows` is False above the tunnel, where the nerve looks well."""
    level, contrast, rim = (
        (subject.nerve_db, subject.honeycomb_db, subject.rim_db)
        if severity_shows
        else (FOREARM_NERVE_DB, FOREARM_HONEYCOMB_DB, FOREARM_RIM_DB)
    )
    for outline in strands:
        honeycomb(tissue, outline, level, contrast, rng)
        tissue.outline(outline, 0.22, -12.0 + rim, 0.06 * rim, rng)


def honeycomb(
    tissue: TissueMap, outline: Points, level_db: float, contrast_db: float, rng: np.random.Generator
) -> None:
    """Dark fascicles in brighter connective tissue, with the mean level kept whatever the contrast."""
    inside = tissue.inside(outline)
    tissue.level_db[inside] = level_db + contrast_db / 2
    low, high = outline.min(axis=0), outline.max(axis=0)
    rows = np.arange(low[1], high[1], FASCICLE_SPACING_MM * 0.87)
    before = tissue.level_db.copy()
    for number, z in enumerate(rows):
        for x in np.arange(low[0] + (number % 2) * FASCICLE_SPACING_MM / 2, high[0], FASCICLE_SPACING_MM):
            jitter = rng.normal(0, 0.07, 2)
            bore = FASCICLE_SPACING_MM * rng.uniform(0.62, 0.92)
            tissue.fill(ellipse(x + jitter[0], z + jitter[1], bore, bore * 0.9, points=10), level_db - contrast_db / 2)
    tissue.level_db[~inside] = before[~inside]


def longitudinal_edges(subject: Subject, half_mm: float, roof_mm: float, along_mm: float) -> tuple[Points, Points]:
    """Upper and lower edge of the band, (N, 2) each.

    Its thickness is the short axis that the subject's area and flattening give in cross-section. Compression shows as
    P3's pattern: swollen before the retinaculum (left), pinched beneath it.
    """
    rng = np.random.default_rng([subject.seed, 23])
    x = np.linspace(-half_mm - 1, half_mm + 1, 120)
    normal_mm = np.sqrt(4 * subject.csa_mm2 / (np.pi * subject.flattening))
    swelling = 0.45 * subject.severity * np.exp(-0.5 * ((x + 4.0) / 4.0) ** 2)
    pinch = 0.40 * subject.severity / (1 + np.exp(-(x - 3.0) / 1.2))
    thickness = 0.85 * normal_mm * (1 + swelling - pinch) * (1 - 0.006 * abs(along_mm))
    course = wavy(x[0], x[-1], roof_mm, 0.5, rng, 120)[:, 1] + np.tan(np.deg2rad(rng.normal(0, 2.0))) * x
    return np.stack([x, course], axis=1), np.stack([x, course + thickness], axis=1)


def draw_band(tissue: TissueMap, subject: Subject, upper: Points, lower: Points, rng: np.random.Generator) -> None:
    """The nerve lengthwise: dark fascicles as stripes, two bright parallel edges; compression wipes the stripes out."""
    tissue.fill(np.vstack([upper, lower[::-1]]), subject.nerve_db - 0.3 * subject.honeycomb_db, 1.0, rng)
    thickness = lower[:, 1] - upper[:, 1]
    stripes = max(2, round(float(thickness.mean()) / 0.55))
    for stripe in range(1, stripes):
        path = upper + np.stack([np.zeros(len(upper)), thickness * stripe / stripes], axis=1)
        path[:, 1] += wavy(path[0, 0], path[-1, 0], 0.0, 0.06, rng, len(path))[:, 1]
        level = subject.nerve_db + 0.7 * subject.honeycomb_db
        tissue.line(path, 0.14, level, 0.9 * 10 ** (level / 20))
    for edge in (upper, lower):
        tissue.line(edge, 0.22, -12.0 + subject.rim_db, 0.06 * subject.rim_db)
