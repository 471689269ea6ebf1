"""From tissue to a B-mode picture: speckle, point spread function, attenuation, time gain, log compression.

A fully developed speckle field is a complex Gaussian field seen through the beam, so random scatterers of the tissue's
amplitude are convolved with a Gaussian point spread function whose width grows away from the focus. Smooth interfaces
add a coherent part. The picture's own pixel grid is the simulation's grid: (H, W) needs no scan conversion.
"""

from __future__ import annotations

import cv2
import numpy as np

from convert.phantom.acquisition import Settings
from convert.phantom.tissue import Floats, TissueMap
from edge.frame import Pixels

SPEED_MM_PER_US = 1.54
F_NUMBER = 3.0
CYCLES = 1.6  # pulse length in wavelengths
SLABS = 4  # depth zones, each with a beam width of its own
NOISE_DB = -44.0  # electronic noise at the skin, against bright tissue
NOISE_RISE_DB_PER_MM = 0.15  # time gain lifts the noise with depth
ATTENUATION_DB_PER_MM_MHZ = 0.035  # what the machine's time gain leaves uncorrected
WHITE_DB = 4.0  # the level that is white at 0 dB gain


def speckle(shape: tuple[int, int], looks: int, rng: np.random.Generator) -> list[Floats]:
    """White complex scatterers, one (H, W, 2) field of real and imaginary parts for each compounded view."""
    return [rng.standard_normal((*shape, 2), dtype=np.float32) for _ in range(looks)]


def picture(tissue: TissueMap, settings: Settings, scatterers: list[Floats], rng: np.random.Generator) -> Pixels:
    """The grey picture (H, W) of a slice of tissue under these settings."""
    amplitude = (10.0 ** ((tissue.level_db - _shadow_db(tissue)) / 20)).astype(np.float32)
    mirror = tissue.mirror * (10.0 ** (-_shadow_db(tissue) / 20)).astype(np.float32)
    envelope = np.mean([_envelope(amplitude, mirror, field, settings) for field in scatterers], axis=0)
    return _compress(envelope, settings, rng)


def _shadow_db(tissue: TissueMap) -> Floats:
    """Loss along each beam, its edges softened by the beam's width."""
    loss = np.cumsum(tissue.shadow_db, axis=0)
    return cv2.GaussianBlur(loss, (0, 0), 0.8 / tissue.mm_per_px, sigmaY=0.15 / tissue.mm_per_px)


def _envelope(amplitude: Floats, mirror: Floats, field: Floats, settings: Settings) -> Floats:
    echoes = field * amplitude[..., None] / np.float32(np.sqrt(2))
    coherent = np.zeros_like(echoes)
    coherent[..., 0] = mirror
    seen = np.zeros_like(echoes)
    height = amplitude.shape[0]
    centres = (np.arange(SLABS) + 0.5) / SLABS * height
    for centre in centres:
        weight = np.clip(1 - np.abs(np.arange(height) - centre) / (height / SLABS), 0, 1).astype(np.float32)
        if centre == centres[0]:
            weight[: int(centre)] = 1
        if centre == centres[-1]:
            weight[int(centre) :] = 1
        rows = np.flatnonzero(weight)
        low, high = rows[0], rows[-1] + 1
        seen[low:high] += weight[low:high, None, None] * _through_beam(
            echoes[low:high], coherent[low:high], centre * settings.mm_per_px, settings
        )
    return np.hypot(seen[..., 0], seen[..., 1])


def _through_beam(echoes: Floats, coherent: Floats, depth_mm: float, settings: Settings) -> Floats:
    wavelength = SPEED_MM_PER_US / settings.frequency_mhz
    axial = max(CYCLES * wavelength / 2 / 2.355 / settings.mm_per_px, 0.45)
    lateral_mm = F_NUMBER * wavelength / 2.355 * np.hypot(1.0, (depth_mm - settings.focus_mm) / 9.0)
    lateral = max(lateral_mm / settings.mm_per_px, 0.5)
    energy = 2 * np.sqrt(np.pi * axial * lateral)  # keeps the speckle's power whatever the beam's width
    diffuse = cv2.GaussianBlur(echoes, (0, 0), lateral, sigmaY=axial, borderType=cv2.BORDER_REFLECT)
    smooth = cv2.GaussianBlur(coherent, (0, 0), lateral, sigmaY=axial, borderType=cv2.BORDER_REFLECT)
    return diffuse * np.float32(energy) + smooth


def _compress(envelope: Floats, settings: Settings, rng: np.random.Generator) -> Pixels:
    height, width = envelope.shape
    z = (np.arange(height, dtype=np.float32) * settings.mm_per_px)[:, None]
    noise = 10.0 ** ((NOISE_DB + NOISE_RISE_DB_PER_MM * z) / 20)
    attenuated = envelope * 10.0 ** (-ATTENUATION_DB_PER_MM_MHZ * settings.frequency_mhz * z / 20)
    total = np.hypot(attenuated, noise * rng.rayleigh(0.7, (height, width)).astype(np.float32))
    error = np.interp(z[:, 0], (0, settings.depth_mm / 2, settings.depth_mm), settings.tgc_db)[:, None]
    level = 20 * np.log10(total + 1e-6) + error + settings.gain_db - WHITE_DB
    grey = np.clip(1 + level / settings.dynamic_range_db, 0, 1) ** settings.gamma
    return np.round(255 * grey).astype(np.uint8)
