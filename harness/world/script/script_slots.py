"""What a world remembers of its script: how far it is, and what became of the steps that are done."""

from __future__ import annotations

from collections.abc import Hashable

from ....impl.api.meta import Ref

USER = "kubectl"
"""Who the commands of the script are by."""
SCRIPT = "script"
"""The number of script steps done; negative while a drain is under way (`draining`)."""
LISTED = "script/listed"
"""The evictions that the drain under way is about, one turn for each Pod it has listed; None before it has.

One with a uid has been granted: that Pod is waited for."""
BLOCKED = "script/given-up"
"""The numbers of the drains that were given up."""
REFUSED = "script/refused"
"""The numbers of the steps that failed, each with the reason."""
GONE = "script/deleted"
"""The references of what the script itself has deleted and nobody makes again."""


def account(namespace: str) -> str:
    """Name the slot that says whether a namespace which the script makes has its account `default` yet."""
    return f"account/{namespace}"


def draining(number: int) -> int:
    """Return the value of SCRIPT while the drain at this number is under way."""
    return -number - 1


def under_way(done: int) -> bool:
    """Tell by the value of SCRIPT whether a drain is under way."""
    return done < 0


def done_steps(done: int) -> int:
    """Return how many steps are done, by the value of SCRIPT."""
    return -done - 1 if under_way(done) else done


def initial() -> dict[str, Hashable]:
    """Return the slots before the first step."""
    return {SCRIPT: 0, LISTED: None, BLOCKED: (), REFUSED: (), GONE: ()}


def with_gone(gone: tuple[Ref, ...], *more: Ref) -> tuple[Ref, ...]:
    """Return what the script has deleted for good when it has deleted more."""
    return tuple(sorted({*gone, *more}))
