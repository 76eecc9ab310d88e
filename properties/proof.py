"""A proved claim as a value: what it says, for which inputs, by which method, and a function that proves it anew.

Lists of proofs are printed with their times by `tests/proofs.py`; how long a proof takes is measured there, for nothing
in this room reads a clock.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen


@frozen
class Answer:
    """What a proof came to: how many single obligations it consists of, and what refutes it (None: nothing does)."""

    paths: int
    refuted: tuple[str, ...] | None = None

    @property
    def proved(self) -> bool:
        """Whether everything was proved, and there was something to prove."""
        return self.refuted is None and self.paths > 0


@frozen
class Proof:
    """One claim that is proved, not sampled."""

    claim: str
    """One sentence: what holds."""
    sizes: str
    """For which inputs, in numbers: "196 kinds of Service, all packets"."""
    method: str
    """How: "z3", "z3, one Service at a time", "exact fractions"."""
    run: Callable[[], Answer]
    """Prove it anew."""
