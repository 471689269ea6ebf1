"""How a bundle remembers whom it was trained on."""

from __future__ import annotations

import hashlib


def subject_mark(subject: str) -> str:
    """The mark of a subject's code, 12 hex digits: enough to know the code again, and not the code."""
    return hashlib.sha256(f"sonoedge subject {subject}".encode()).hexdigest()[:12]
