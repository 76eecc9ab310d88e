"""What the node lifecycle controller may do to one node: declare it unknown, and taint it for what is known.

Each write brings one thing in line: readiness with silence, then the taints that keep Pods away, then the one that
drives Pods out. In which order taints follow is free. Where no node at all is ready nobody is driven out. Leaves out:
pressure conditions, zones, rates, clocks.
"""

from __future__ import annotations

from attrs import evolve, frozen

REASONS = {"False": "not-ready", "Unknown": "unreachable"}


@frozen
class State:
    """What a node says of itself, whether it is silent or cordoned, and why Pods are kept away or driven out."""

    ready: str
    silent: bool = False
    cordoned: bool = False
    kept_away: frozenset[str] = frozenset()
    driven_out: frozenset[str] = frozenset()
    others_ready: bool = True
    """Whether some other node is ready."""

    @property
    def reasons(self) -> frozenset[str]:
        """Return why Pods should leave: at most one reason."""
        return frozenset({REASONS[self.ready]} if self.ready in REASONS else ())


@frozen
class GiveUp:
    """Nobody hears from it: its readiness is unknown."""

    def enabled(self, state: State) -> bool:
        """Only if it is silent."""
        return state.silent and state.ready != "Unknown"

    def apply(self, state: State) -> State:
        """Write it down."""
        return evolve(state, ready="Unknown")


@frozen
class KeepAway:
    """New Pods stay away from a node that is not ready or is cordoned."""

    def enabled(self, state: State) -> bool:
        """Only if the taints say something else."""
        return state.kept_away != self._reasons(state)

    def apply(self, state: State) -> State:
        """Write the taints."""
        return evolve(state, kept_away=self._reasons(state))

    def _reasons(self, state: State) -> frozenset[str]:
        return state.reasons | ({"unschedulable"} if state.cordoned else frozenset[str]())


@frozen
class DriveOut:
    """Pods leave a node that is not ready, and may stay on one that is again."""

    def enabled(self, state: State) -> bool:
        """Only if the taint says something else."""
        return state.driven_out != self._reasons(state)

    def apply(self, state: State) -> State:
        """Write the taint."""
        return evolve(state, driven_out=self._reasons(state))

    def _reasons(self, state: State) -> frozenset[str]:
        return state.reasons if state.others_ready else frozenset[str]()


Action = GiveUp | KeepAway | DriveOut


def steps(state: State) -> tuple[Action, ...]:
    """List what may happen next."""
    actions: tuple[Action, ...] = (GiveUp(), KeepAway(), DriveOut())
    return tuple(action for action in actions if action.enabled(state))
