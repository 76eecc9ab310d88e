"""Words that nothing knows: which of the known ones was meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word most like one that is not known, "" where none is near."""
    folded = {name.lower(): name for name in sorted(known)}
    near = get_close_matches(word.lower(), folded, 1)
    return folded[near[0]] if near else ""


def did_you_mean(word: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """Suggest the known word most like one that is not known; else say what is to be said then, or list them all."""
    words = sorted(known)
    if near := nearest(word, words):
        return f"did you mean {near}?"
    return f"known are {', '.join(words)}" if otherwise is None else otherwise
