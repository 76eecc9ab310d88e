"""What the service account controller may do: make the account of a namespace wherever that is not going.

Leaves out: other accounts than the one of everybody, and tokens.
"""

from __future__ import annotations

from attrs import evolve, frozen


@frozen
class State:
    """A namespace: there or not, going or not, and whether it has its account."""

    there: bool
    leaving: bool = False
    account: bool = False


@frozen
class Make:
    """Make the account."""

    def enabled(self, state: State) -> bool:
        """Only in a namespace that is there and stays, and only what is not there."""
        return state.there and not state.leaving and not state.account

    def apply(self, state: State) -> State:
        """Put it there."""
        return evolve(state, account=True)


def steps(state: State) -> tuple[Make, ...]:
    """List what may happen next."""
    return (Make(),) if Make().enabled(state) else ()
