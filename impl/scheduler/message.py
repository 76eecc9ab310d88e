"""The words for a Pod that fits nowhere, exactly as the PodScheduled condition and the event have them.

Upstream: FitError.Error in pkg/scheduler/framework/types.go (v1.32).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from .framework import Refusal

NO_NODES = "no nodes available to schedule pods"


def available(nodes: int) -> str:
    """Open the sentence."""
    return f"0/{nodes} nodes are available:"


def histogram(refusals: Iterable[Refusal]) -> str:
    """Count each reason and sort the counted words as text, so 10 comes before 2."""
    counts = Counter(reason for refusal in refusals for reason in refusal.reasons)
    return ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))


def fit_error(nodes: int, refusals: Iterable[Refusal]) -> str:
    """Say how many nodes were refused for which reasons."""
    counted = histogram(refusals)
    return f"{available(nodes)} {counted}." if counted else available(nodes)


def refused_by_all(nodes: int, refusal: Refusal) -> str:
    """Say why no node was looked at."""
    return f"{available(nodes)} {', '.join(refusal.reasons)}."
