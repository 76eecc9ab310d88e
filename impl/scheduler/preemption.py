"""DefaultPreemption, its first half: the nodes on which evicting all Pods of lower priority would make room.

Upstream: pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go and
pkg/scheduler/framework/preemption/preemption.go (v1.32).
Left out on purpose: which of these Pods are spared, budgets, the choice of the node, the evictions and the nomination;
and that a Pod waits for an earlier victim to be gone.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, frozen

from ..api.core import Pod
from .filtering import prepare, refusal_with_nominated
from .framework import Refusal, Snapshot
from .message import fit_error
from .priority_sort import priority
from .profile import Profile

NOT_HELPFUL = Refusal("", ("Preemption is not helpful for scheduling",), resolvable=False)
NO_VICTIMS = Refusal("", ("No preemption victims found for incoming pod",), resolvable=False)


@frozen
class Preemption:
    """The nodes on which it could help, sorted, and what is said when it cannot."""

    candidates: tuple[str, ...]
    message: str


def preempt(snapshot: Snapshot, pod: Pod, refusals: Mapping[str, Refusal], profile: Profile) -> Preemption:
    """Try each node that evictions might change."""
    if pod.spec.preemption_policy == "Never":
        return Preemption((), "preemption: not eligible due to preemptionPolicy=Never.")
    answers = {
        name: _without_lower(snapshot, pod, name, profile) if refused.resolvable else NOT_HELPFUL
        for name, refused in refusals.items()
    }
    candidates = tuple(sorted(name for name, answer in answers.items() if answer is None))
    if candidates:
        return Preemption(candidates, "")
    words = fit_error(len(answers), (answer for answer in answers.values() if answer is not None))
    return Preemption((), f"preemption: {words}")


def _without_lower(snapshot: Snapshot, pod: Pod, name: str, profile: Profile) -> Refusal | None:
    """Ask the filters about a node as it would be without its Pods of lower priority."""
    info = next(info for info in snapshot.nodes if info.name == name)
    kept = tuple(other for other in info.pods if priority(other) >= priority(pod))
    if len(kept) == len(info.pods):
        return NO_VICTIMS
    emptied = evolve(info, pods=kept)
    without = snapshot.with_node(emptied)
    ready = prepare(without, pod, profile)
    return ready if isinstance(ready, Refusal) else refusal_with_nominated(without, ready, pod, emptied, profile)
