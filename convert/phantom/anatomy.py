"""Slices of the wrist and the forearm, laid out in millimetres: what lies where, and where the nerve is.

Each function draws one slice into a `TissueMap` and gives the nerve's strands as closed outlines. `along_mm` is where
in the sweep the slice lies (-10..10 mm); shapes drift smoothly with it, so that frames of one sweep belong together.
"""

from __future__ import annotations

import cv2
import numpy as np

from convert.phantom import nerve
from convert.phantom.subject import Subject
from convert.phantom.tissue import Floats, Points, TissueMap, ellipse, roughen, wavy

# Echo levels in dB against bright connective tissue.
FAT_DB, SEPTUM_DB, BED_DB, TENDON_DB, MUSCLE_DB, BLOOD_DB = -17.0, -5.0, -9.5, -6.0, -19.0, -42.0
BONE_SHADOW_DB = 32.0


def carpal_tunnel_inlet(tissue: TissueMap, subject: Subject, along_mm: float) -> list[Points]:
    """Transverse slice at the distal wrist crease: the nerve under the retinaculum, on the flexor tendons."""
    rng = np.random.default_rng([subject.seed, 11])
    left, right = -tissue.width_mm / 2 - 1, tissue.width_mm / 2 + 1
    roof = subject.fat_mm + 1.6
    _connective_bed(tissue, rng)
    _skin_and_fat(tissue, subject.fat_mm, rng)
    _bones(tissue, roof + subject.tunnel_mm, rng, left, right)
    _tunnel_walls(tissue, roof, rng)

    x, strands = nerve.transverse_strands(subject, subject.csa_mm2, along_mm, roof + 0.5 - 0.5 * subject.bowing_mm)
    _flexor_tendons(tissue, subject, strands, roof, rng, along_mm)
    _ulnar_side(tissue, x, roof, rng)
    _retinaculum(tissue, subject, x, roof, strands, rng)
    nerve.draw(tissue, subject, strands, rng)
    return strands


def mid_forearm(tissue: TissueMap, subject: Subject, along_mm: float) -> list[Points]:
    """Transverse slice 10 cm up the forearm (P1's DWC+10): the nerve between the muscle bellies."""
    rng = np.random.default_rng([subject.seed, 12])
    half = tissue.width_mm / 2
    tissue.level_db[:] = MUSCLE_DB + _lumps(tissue, rng, 1.5)
    _skin_and_fat(tissue, subject.fat_mm, rng)
    fascia = subject.fat_mm + 1.8
    tissue.line(wavy(-half - 1, half + 1, fascia, 0.4, rng), 0.4, -3.0, 0.5)
    floor = fascia + rng.uniform(6.0, 9.0)
    for top, bottom in ((fascia, floor), (floor, floor + 8.0)):
        for x in np.arange(-half, half, rng.uniform(9, 14)) + rng.uniform(0, 6):
            tall = (bottom - top) * rng.uniform(0.85, 1.2)
            belly = roughen(ellipse(x, (top + bottom) / 2, rng.uniform(11, 17), tall, rng.uniform(-9, 9)), 0.12, rng)
            tissue.shade(belly, rng.normal(0, 1.5))
            _streaks(tissue, belly, rng, 45, -12.0)
            tissue.outline(belly, 0.16, -8.0, 0.28, rng)
    for side in (-1, 1):  # radius and ulna
        _bone(tissue, side * half * rng.uniform(0.55, 0.85), floor + rng.uniform(7, 10), rng.uniform(9, 13), 4.0, rng)
    strands = nerve.transverse_strands(subject, subject.forearm_csa_mm2, along_mm, floor - 1.3, forearm=True)[1]
    nerve.draw(tissue, subject, strands, rng, severity_shows=False)
    return strands


def along_the_tunnel(tissue: TissueMap, subject: Subject, along_mm: float) -> list[Points]:
    """Longitudinal slice: the nerve a band over the flexor tendons, the carpal bones below."""
    rng = np.random.default_rng([subject.seed, 13])
    half = tissue.width_mm / 2
    _connective_bed(tissue, rng)
    _skin_and_fat(tissue, subject.fat_mm, rng)
    roof = subject.fat_mm + 2.2
    bones = roof + subject.tunnel_mm
    for start in np.arange(-half - 4, half, 12.5):  # radius, lunate, capitate: each a bump
        x, z = start + 6 + rng.normal(0, 1.2), bones + rng.normal(0, 1.0)
        _bone(tissue, x, z, rng.uniform(9, 14), rng.uniform(1.8, 4), rng)
    upper, lower = nerve.longitudinal_edges(subject, half, roof, along_mm)
    _tendon_layers(tissue, lower, bones, rng)
    tissue.line(wavy(-half * 0.1, half + 1, roof - 0.6, 0.25, rng), 0.6, -7.0, 0.2)  # retinaculum, over the distal part
    band = np.vstack([upper, lower[::-1]])
    nerve.draw_band(tissue, subject, upper, lower, rng)
    return [band]


def _connective_bed(tissue: TissueMap, rng: np.random.Generator) -> None:
    """Loose connective tissue: slow lumps and many faint strands, mostly along the skin."""
    tissue.level_db[:] = BED_DB + _lumps(tissue, rng, 2.6)
    half = tissue.width_mm / 2
    for _ in range(90):
        x, z, length = rng.uniform(-half, half), rng.uniform(0, tissue.depth_mm), rng.uniform(1.0, 6.0)
        path = wavy(x - length / 2, x + length / 2, z, 0.3, rng, 10)
        path[:, 1] += np.tan(np.deg2rad(rng.normal(0, 12))) * (path[:, 0] - x)
        tissue.line(path, rng.uniform(0.1, 0.25), rng.normal(-6.5, 2.0), max(0.0, rng.normal(0.12, 0.1)))


def _skin_and_fat(tissue: TissueMap, fat_mm: float, rng: np.random.Generator) -> None:
    half = tissue.width_mm / 2 + 1
    skin = 1.1 + rng.uniform(-0.2, 0.3)
    tissue.fill(_slab(half, skin, skin + fat_mm), FAT_DB, 1.5, rng)
    tissue.fill(_slab(half, 0.0, skin), -8.0, 2.0, rng)
    tissue.line(wavy(-half, half, 0.15, 0.02, rng), 0.25, 2.0, 1.2)
    tissue.line(wavy(-half, half, skin, 0.1, rng), 0.25, -4.0, 0.3)
    for _ in range(int(rng.integers(6, 16))):  # septa between the fat lobules
        x, length = rng.uniform(-half, half), rng.uniform(4, 16)
        depth = skin + rng.uniform(0.15, 1.0) * fat_mm
        tissue.line(wavy(x - length / 2, x + length / 2, depth, 0.35, rng), 0.15, SEPTUM_DB - 3, rng.uniform(0.1, 0.4))


def _slab(half: float, top: float, bottom: float) -> Points:
    return np.array([[-half, top], [half, top], [half, bottom], [-half, bottom]], np.float64)


def _bones(tissue: TissueMap, depth: float, rng: np.random.Generator, left: float, right: float) -> None:
    """The floor of the tunnel and its two pillars (scaphoid, pisiform): bright faces, shadow behind."""
    for x in (rng.normal(-6, 1.5), rng.normal(7, 1.5)):
        _bone(tissue, x, depth + rng.uniform(-0.5, 1.5), rng.uniform(9, 15), rng.uniform(2.5, 5.0), rng)
    for x in (left + rng.uniform(0.0, 4.0), right - rng.uniform(0.0, 4.0)):
        _bone(tissue, x, depth * rng.uniform(0.35, 0.75), rng.uniform(5, 9), rng.uniform(3.0, 5.0), rng)


def _bone(tissue: TissueMap, x: float, z: float, wide: float, round_mm: float, rng: np.random.Generator) -> None:
    """A cortical face with its top at depth z: mirror where it lies across the beam, dim and broken on its flanks."""
    shell = roughen(ellipse(x, z + round_mm, wide, 2 * round_mm, rng.uniform(-12, 12)), 0.06, rng)
    face = shell[len(shell) // 2 - 2 :]
    slope = np.gradient(face[:, 1]) / np.maximum(np.gradient(face[:, 0]), 1e-3)
    square_on = 1 / (1 + (1.8 * slope) ** 2)
    for at in range(0, len(face) - 2, 2):
        strength = float(square_on[at : at + 3].mean()) * rng.uniform(0.5, 1.0)
        tissue.line(face[at : at + 3], rng.uniform(0.2, 0.45), -14.0 + 13.0 * strength, 1.2 * strength)
    order = np.argsort(face[:, 0])
    tissue.cast_shadow(face[order][3:-3] + np.array((0.0, 0.3)), rng.uniform(14.0, BONE_SHADOW_DB))


def _tunnel_walls(tissue: TissueMap, roof: float, rng: np.random.Generator) -> None:
    """Thenar and hypothenar muscle beside the tunnel, and the dark cracks that edges cast."""
    half = tissue.width_mm / 2
    for side in (-1, 1):
        belly = roughen(ellipse(side * half * 0.9, roof + 2.5, 10.0, 6.0, side * 12.0), 0.08, rng)
        tissue.fill(belly, MUSCLE_DB + 2, 1.0, rng)
        _streaks(tissue, belly, rng, 40, -10.0)
    for _ in range(int(rng.integers(0, 3))):
        x = rng.uniform(-half, half)
        if abs(x) > 5:
            tissue.cast_shadow(np.array([[x - 0.4, roof + 1], [x + 0.4, roof + 1]]), rng.uniform(3, 10))


def _flexor_tendons(
    tissue: TissueMap, subject: Subject, strands: list[Points], roof: float, rng: np.random.Generator, along_mm: float
) -> None:
    """Nine flexor tendons in two rows below the nerve; each is bright or dark by its tilt to the beam (anisotropy)."""
    bottom = max(float(outline[:, 1].max()) for outline in strands)
    lateral = float(np.mean([outline[:, 0].mean() for outline in strands]))
    spots = [(lateral + dx, bottom + 2.1 + dz) for dx, dz in ((-4.8, 0.2), (-0.3, 0.35), (4.2, 0.1))]
    spots += [(lateral + dx, bottom + 5.2) for dx in (-6.5, -2.4, 1.8, 6.0)]
    spots += [(lateral - 9.2, roof + 4.0), (lateral + 8.5, roof + 3.0)]
    for x, z in spots:
        wide, deep = rng.uniform(3.4, 5.0), rng.uniform(2.4, 3.5)
        tilt = rng.normal(0, 1.0) + along_mm * rng.normal(0, 0.03)
        anisotropy = -13.0 * (1 - np.exp(-0.5 * tilt**2)) * rng.uniform(0.2, 1.0)
        at = x + rng.normal(0, 0.5), z + rng.normal(0, 0.3)
        outline = roughen(ellipse(*at, wide, deep, rng.uniform(-15, 15)), 0.07, rng)
        sheath = outline.mean(axis=0) + (outline - outline.mean(axis=0)) * 1.16
        tissue.shade(sheath, rng.uniform(-6.0, -1.0))
        tissue.fill(outline, TENDON_DB + anisotropy + rng.normal(0, 1.0), 3.0, rng)
        _streaks(tissue, outline, rng, 7, -2.0 + anisotropy, length_mm=0.8)
        tissue.outline(outline, 0.14, -7.0 + 0.5 * anisotropy, 0.2, rng)
    if rng.random() < 0.4:  # palmaris longus, above the retinaculum
        tissue.fill(ellipse(lateral + rng.normal(0, 2), roof - 1.0, 3.0, 0.9), TENDON_DB, 2.0, rng)


def _ulnar_side(tissue: TissueMap, nerve_x: float, roof: float, rng: np.random.Generator) -> None:
    """Ulnar artery and nerve in Guyon's canal, flexor carpi radialis opposite; the subject's side mirrors later."""
    x, z, bore = nerve_x + rng.uniform(9.0, 12.5), roof + rng.uniform(-0.6, 1.4), rng.uniform(1.8, 2.8)
    artery = ellipse(x, z, bore, bore * 0.92)
    left, right = x - bore / 2.4, x + bore / 2.4
    tissue.shade(np.array([[left, z], [right, z], [right, z + 6], [left, z + 6]]), 3.5)  # enhancement behind blood
    tissue.fill(artery, BLOOD_DB)
    tissue.outline(artery, 0.2, -7.0, 0.4)
    beside = roughen(ellipse(x + bore / 2 + 1.6, z + 0.5, 2.6, 1.8, rng.uniform(-20, 20)), 0.06, rng)
    nerve.honeycomb(tissue, beside, -12.0, 9.0, rng)
    tissue.outline(beside, 0.16, -7.0, 0.2, rng)
    radialis = roughen(ellipse(nerve_x - rng.uniform(9.5, 12.0), roof + rng.uniform(0.5, 2.0), 3.8, 2.8), 0.06, rng)
    tissue.fill(radialis, TENDON_DB + rng.uniform(-8, 1), 3.0, rng)
    tissue.outline(radialis, 0.15, -7.0, 0.2, rng)


def _retinaculum(
    tissue: TissueMap, subject: Subject, x: float, roof: float, strands: list[Points], rng: np.random.Generator
) -> None:
    """The tunnel's roof, 0.7 mm thick, bowed palmarly over the nerve."""
    line = wavy(-13.0, 13.0, roof, 0.15, rng)
    line[:, 1] -= subject.bowing_mm * np.exp(-0.5 * ((line[:, 0] - x) / 5.5) ** 2)
    top = np.array([_top_at(strands, at) for at in line[:, 0]])
    line[:, 1] = np.minimum(line[:, 1], top - 0.55)  # the nerve lies under it, never in it
    line[:, 1] = np.convolve(np.pad(line[:, 1], 3, "edge"), np.full(7, 1 / 7), "valid")
    for at in range(0, len(line) - 3, 3):
        tissue.line(line[at : at + 4], 0.6, rng.normal(-8.0, 1.5), 0.08)
    for edge in (-0.3, 0.3):
        tissue.line(line + np.array((0.0, edge)), 0.1, -7.0, 0.28)


def _top_at(strands: list[Points], x: float) -> float:
    tops = [outline[np.abs(outline[:, 0] - x) < 0.8, 1] for outline in strands]
    return min((float(top.min()) for top in tops if len(top)), default=np.inf)


def _tendon_layers(tissue: TissueMap, lower_edge: Points, bones: float, rng: np.random.Generator) -> None:
    """Flexor tendons lengthwise: bright parallel fibrils between the nerve and the bones."""
    x = lower_edge[:, 0]
    layers = 2 + int(rng.integers(2))
    for layer in range(layers):
        share = np.array([layer, layer + 1]) / layers
        top = lower_edge[:, 1] + 0.5 + share[0] * (bones - lower_edge[:, 1] - 1.5)
        bottom = lower_edge[:, 1] + 0.3 + share[1] * (bones - lower_edge[:, 1] - 1.5)
        level = TENDON_DB - rng.uniform(0, 8)
        tissue.shade(np.vstack([np.stack([x, top], 1), np.stack([x, bottom], 1)[::-1]]), level - BED_DB)
        for at in np.arange(0.1, 0.95, rng.uniform(0.08, 0.13)):
            start, stop = np.sort(rng.integers(0, len(x), 2))
            if stop - start > 8:
                fibre = np.stack([x, top + at * (bottom - top)], axis=1)[start:stop]
                tissue.line(fibre, 0.12, level + 3, rng.uniform(0.1, 0.3))


def _streaks(
    tissue: TissueMap, outline: Points, rng: np.random.Generator, count: int, level_db: float, length_mm: float = 3.0
) -> None:
    """Short bright strands inside an outline, along its long axis: perimysium in muscle, fibrils in tendon."""
    centre, spread = outline.mean(axis=0), outline.std(axis=0)
    for _ in range(count):
        at = centre + rng.normal(0, 0.62, 2) * spread
        half = rng.uniform(0.3, 1.0) * length_mm / 2
        path = wavy(at[0] - half, at[0] + half, at[1], 0.12, rng, 8)
        tissue.line(path, 0.1, level_db + rng.normal(0, 2), 0.05)


def _lumps(tissue: TissueMap, rng: np.random.Generator, sd_db: float) -> Floats:
    """Slow changes of the level, some millimetres across."""
    cells = rng.normal(0, sd_db, (int(tissue.depth_mm / 1.5) + 2, int(tissue.width_mm / 2.5) + 2)).astype(np.float32)
    return cv2.resize(cells, tissue.shape[::-1], interpolation=cv2.INTER_CUBIC)
