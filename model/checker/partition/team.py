"""Who searches together: workers, each with a part of the states, and how they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from attrs import frozen


class LostError(Exception):
    """Some worker is no longer there: what it had found must be found again."""


class Team(Protocol):
    """Workers, each with a `Part`, and the way to them. Every call raises `LostError` when one is gone."""

    size: int

    def call(self, what: str, arguments: Sequence[Any] = (), parcels: Any = None) -> list[Any]:
        """Let every worker do it, with the same arguments and what lies in the parcels for it; give the answers."""

    def send(self, what: str, arguments: Sequence[Any] = (), parcels: Any = None) -> tuple[list[Any], Any]:
        """Do the same where each answer comes with a parcel for every worker; those stay closed here."""

    def save(self, level: int, content: bytes) -> bool:
        """Let every worker write its part down, and then this; False where there is no place for it."""

    def saved(self) -> bytes | None:
        """Return what was written down last by a search that ended since, if there is anything."""

    def restart(self, level: int | None, values: bytes) -> None:
        """Replace those who are lost and let all go back to what was saved at that level, or (None) to nothing."""


@frozen
class Partitioned:
    """The engine that spreads a search over the workers of a team, which write their parts down themselves.

    The memory that the limits allow is that of each worker and of the process that conducts. A search that a limit
    ends has done whole levels.
    """

    team: Team
    at_once: int = 1 << 15
    """A worker expands so many states between two exchanges."""
    every: float = 60.0
    """Seconds between two checkpoints, at least; they are made at the ends of levels."""
    most_steps: int = 500_000_000
    """A larger graph is not put together, and what only the graph tells is then UNKNOWN."""
    pilot: int = 1000
    """The values in so many states are numbered beforehand: all workers then begin with the same ones."""
