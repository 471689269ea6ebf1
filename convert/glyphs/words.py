"""What screens say, made up: settings with their units, dates, clocks, names, menus, and glyphs without sense.

No machine's words are copied; a reader that knew them by heart would read them where they are not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edge.screen.glyphs import ALPHABET

PLAIN = [glyph for glyph in ALPHABET[1:-1] if glyph != " "]
UNITS = ("cm", "mm", "MHz", "Hz", "dB", "%", "ms", "cm/s", "kHz", "fps", "bpm", "s")
SHORT = (
    *("D", "Depth", "DEPTH", "G", "Gn", "Gain", "GAIN", "F", "FR", "Frq"),
    *("MI", "TIS", "TIB", "DR", "P", "PRF", "ID", "R", "L"),
)
SYLLABLES = (
    *("an", "ar", "be", "bo", "ca", "ce", "da", "de", "di", "el", "en", "er", "fa", "fi", "ga", "ge", "ha", "he"),
    *("in", "is", "jo", "ka", "ke", "la", "le", "li", "ma", "me", "mi", "na", "ne", "no", "or", "pa", "pe", "phy"),
    *("qui", "ra", "re", "ri", "ro", "sa", "se", "sho", "st", "ta", "te", "ti", "to", "tra", "ul", "um", "un", "va"),
    *("ve", "vi", "wa", "wi", "xa", "ya", "yo", "za"),
)


def random_text(random: np.random.Generator) -> str:
    """A line of 1 to about 24 glyphs."""
    makers: tuple[Callable[[np.random.Generator], str], ...] = (
        _number,
        _number,
        _setting,
        _setting,
        _unit,
        _date,
        _name,
        _name,
        _soup,
    )
    return makers[random.integers(len(makers))](random)


def _number(random: np.random.Generator) -> str:
    value = random.choice([random.integers(0, 10), random.integers(0, 100), random.integers(0, 1000)])
    text = str(value) if random.random() < 0.5 else f"{value / 10:.1f}"
    if random.random() < 0.1:
        text = text.replace(".", ",")
    if random.random() < 0.5:
        text += random.choice(["", "", " "]) + random.choice(UNITS[:2] if random.random() < 0.6 else UNITS)
    return random.choice(["", "", "", "", "-", "+", "<"]) + text


def _setting(random: np.random.Generator) -> str:
    name = random.choice(SHORT) if random.random() < 0.6 else _word(random)
    return name + random.choice([" ", ": ", ":", "=", " = "]) + _number(random)


def _unit(random: np.random.Generator) -> str:
    """A word alone, as where spaces are wide: its height tells c from C no longer, its shape must."""
    return str(random.choice(UNITS)) if random.random() < 0.6 else str(random.choice(SHORT))


def _date(random: np.random.Generator) -> str:
    pair = random.integers(0, 100, 6)
    mark = random.choice(["/", "-", ".", ":", ":"])
    text = mark.join(f"{number:02d}" for number in pair[: random.integers(2, 4)])
    if mark != ":" and random.random() < 0.5:
        text += f"{random.integers(0, 100):02d}"
    return text + random.choice(["", "", "", " AM", " PM", "PM", f" #{pair[5]}"])


def _name(random: np.random.Generator) -> str:
    words = [_word(random) for _ in range(random.integers(1, 4))]
    return random.choice([" ", " ", ", ", "-", "_"]).join(words)[:24]


def _word(random: np.random.Generator) -> str:
    word = "".join(random.choice(SYLLABLES, random.integers(1, 5)))
    return [word, word.upper(), word.capitalize(), word.capitalize(), word[:3].upper()][random.integers(5)]


def _soup(random: np.random.Generator) -> str:
    text = "".join(random.choice(PLAIN, random.integers(1, 11)))
    return f"({text})" if random.random() < 0.1 else text
