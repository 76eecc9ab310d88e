"""DefaultPreemption: whom to evict, and from which node, so that a Pod that fits nowhere may go there.

Upstream: pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go and
pkg/scheduler/framework/preemption/preemption.go (v1.32, v1.36).
Left out on purpose: looking at only a tenth of many nodes (at least a hundred are always looked at), extenders, and
the clock: a Pod that has not started counts as started last. `choices` is for worlds that know no starting times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import chain, combinations, groupby, product

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ...api.core import Pod
from ...api.kinds import ref_of
from ...api.meta import Ref
from ...api.policy import PodDisruptionBudget
from ...api.releases import Change, Release
from ...api.values.selectors import selects
from ...api.well_known import DISRUPTION_TARGET
from ..filtering import Ready, prepare_again, refusal_with_nominated
from ..framework import NodeInfo, Refusal, Snapshot
from ..message import fit_error
from .priority_sort import priority

NAME = "DefaultPreemption"
NOT_HELPFUL = Refusal("", ("Preemption is not helpful for scheduling",), resolvable=False)
NO_VICTIMS = Refusal("", ("No preemption victims found for incoming pod",), resolvable=False)
NEVER = "not eligible due to preemptionPolicy=Never."
WAITS = "not eligible due to a terminating pod on the nominated node."
NOT_STARTED = 2**62
PRIORITY_OFFSET = 2**31
"""Added to each victim's priority, so that a sum grows with the number of victims even when priorities are negative."""


@frozen
class Candidate:
    """A node on which evicting `victims` (most important first) makes room; `violations` of them break a budget."""

    node: str
    victims: tuple[Pod, ...]
    violations: int = 0


@frozen
class Preemption:
    """What preemption found. All of it is sorted by node.

    `selections` are the candidates that are equally good (upstream takes any), `refusals` say why the other nodes are
    none, and `message` is "" unless there is no candidate; `ineligible` says why no node was tried at all.
    """

    candidates: tuple[Candidate, ...] = ()
    selections: tuple[str, ...] = ()
    refusals: Mapping[str, Refusal] = field(factory=immutabledict)
    message: str = ""
    ineligible: str = ""

    def victims(self, node: str) -> tuple[Ref, ...]:
        """Name the Pods that would be evicted from a candidate, those that are already being deleted too."""
        return tuple(
            ref_of(pod) for candidate in self.candidates if candidate.node == node for pod in candidate.victims
        )


def written_to(victims: Iterable[Pod], release: Release) -> tuple[Pod, ...]:
    """Return the victims that are marked and deleted: all, or since 1.35 those that are not terminating anyway."""
    return tuple(
        victim for victim in victims if Change.LEAVING_VICTIMS_KEPT not in release or not victim.metadata.terminating
    )


def preempt(snapshot: Snapshot, pod: Pod, refusals: Mapping[str, Refusal], ready: Ready | None) -> Preemption:
    """Try each node that evictions might change; `ready` is None when a filter refused all of them at once."""
    if reason := _ineligible(snapshot, pod, refusals):
        return Preemption(message=f"preemption: {reason}", ineligible=reason)
    answers = {
        info.name: _on_node(snapshot, pod, info, ready) if ready and refusals[info.name].resolvable else NOT_HELPFUL
        for info in snapshot.nodes
    }
    candidates = tuple(answer for answer in answers.values() if isinstance(answer, Candidate))
    why_not = immutabledict((name, answer) for name, answer in answers.items() if isinstance(answer, Refusal))
    if not candidates:
        return Preemption(refusals=why_not, message=f"preemption: {fit_error(len(answers), why_not.values())}")
    costs = {candidate.node: _cost(candidate) for candidate in candidates}
    least = min(costs.values())
    return Preemption(candidates, tuple(name for name, cost in costs.items() if cost == least), why_not)


def _cost(candidate: Candidate) -> tuple[int, int, int, int, int]:
    """Return what is compared to choose a node: the least is best."""
    victims = candidate.victims
    highest = priority(victims[0])
    total = sum(priority(victim) + PRIORITY_OFFSET for victim in victims)
    earliest = min(_started(victim) for victim in victims if priority(victim) == highest)
    return candidate.violations, highest, total, len(victims), -earliest


def _ineligible(snapshot: Snapshot, pod: Pod, refusals: Mapping[str, Refusal]) -> str:
    """Say why a Pod may not evict others: by its policy, or because the Pods it evicted earlier are still leaving."""
    if pod.spec.preemption_policy == "Never":
        return NEVER
    promised = snapshot.node(pod.status.nominated_node_name)
    if promised is None or not refusals[promised.name].resolvable:
        return ""
    leaving = any(_leaves_for_another(other) and priority(other) < priority(pod) for other in promised.pods)
    return WAITS if leaving else ""


def _leaves_for_another(pod: Pod) -> bool:
    """Tell whether a Pod is being deleted because the scheduler evicted it."""
    target = pod.status.condition(DISRUPTION_TARGET)
    preempted = target is not None and target.status == "True" and target.reason == "PreemptionByScheduler"
    return pod.metadata.terminating and preempted


def _on_node(snapshot: Snapshot, pod: Pod, info: NodeInfo, ready: Ready) -> Candidate | Refusal:
    """Take all Pods of lower priority off a node; if it then fits, put back all that can be, important ones first."""
    return _in_order(snapshot, pod, info, ready, sorted(_lower(pod, info), key=importance))


def _lower(pod: Pod, info: NodeInfo) -> list[Pod]:
    return [other for other in info.pods if priority(other) < priority(pod)]


def _in_order(snapshot: Snapshot, pod: Pod, info: NodeInfo, ready: Ready, lower: list[Pod]) -> Candidate | Refusal:
    """Try a node, given its Pods of lower priority in the order in which they are put back."""
    if not lower:
        return NO_VICTIMS
    kept = evolve(info, pods=tuple(other for other in info.pods if priority(other) >= priority(pod)))
    if (answer := _asked(snapshot, pod, kept, ready)) is not None:
        return answer
    violating, harmless = _by_budget(lower, snapshot.cache.list(PodDisruptionBudget))
    victims: list[Pod] = []
    violations = 0
    for victim in (*violating, *harmless):
        fuller = evolve(kept, pods=(*kept.pods, victim))
        if _asked(snapshot, pod, fuller, ready) is None:
            kept = fuller
        else:
            victims.append(victim)
            violations += victim in violating
    return Candidate(info.name, tuple(sorted(victims, key=importance)), violations)


def _asked(snapshot: Snapshot, pod: Pod, info: NodeInfo, ready: Ready) -> Refusal | None:
    """Ask the filters about a node with other Pods on it than it has."""
    changed = snapshot.with_node(info)
    return refusal_with_nominated(changed, prepare_again(ready, changed, pod), pod, info)


# --- where nobody knows who started first ---------------------------------------------------------------------------


def choices(snapshot: Snapshot, pod: Pod, found: Preemption, ready: Ready) -> tuple[Candidate, ...]:
    """Return every candidate that might be the chosen one, whichever Pods of equal priority had started earlier.

    `found` is what `preempt` found for the Pod, `ready` what it was given. Sorted by node. Each order in which the
    Pods of a node may have started gives one answer for that node, and the orders on two nodes have nothing to do with
    each other: so a candidate may be chosen if no other node has only answers that cost less.
    """
    nodes = [info for info in snapshot.nodes if any(info.name == candidate.node for candidate in found.candidates)]
    options = {info.name: tuple(_options(snapshot, pod, info, ready)) for info in nodes}
    worst = {name: max(_known_cost(candidate) for candidate in those) for name, those in options.items()}
    return tuple(
        candidate
        for name, those in options.items()
        for candidate in those
        if all(_known_cost(candidate) <= cost for other, cost in worst.items() if other != name)
    )


def _known_cost(candidate: Candidate) -> tuple[int, ...]:
    return _cost(candidate)[:-1]


def _options(snapshot: Snapshot, pod: Pod, info: NodeInfo, ready: Ready) -> Iterator[Candidate]:
    """Yield the distinct answers for one node over all orders; Pods no filter tells apart are exchanged at will."""
    budgets = snapshot.cache.list(PodDisruptionBudget)
    alike: dict[Hashable, list[Pod]] = {}
    for other in sorted(_lower(pod, info), key=ref_of):
        alike.setdefault(_kind_of_pod(other, budgets), []).append(other)
    seen: set[Hashable] = set()
    for order in _orders(alike):
        answer = _in_order(snapshot, pod, info, ready, order)
        if isinstance(answer, Candidate):
            counts = Counter(_kind_of_pod(victim, budgets) for victim in answer.victims)
            key = frozenset(counts.items()), answer.violations
            if key not in seen:
                seen.add(key)
                for some in product(*(combinations(alike[kind], count) for kind, count in counts.items())):
                    victims = sorted(chain.from_iterable(some), key=importance)
                    yield evolve(answer, victims=tuple(victims))


def _kind_of_pod(pod: Pod, budgets: Iterable[PodDisruptionBudget]) -> Hashable:
    """Return all of a Pod on a node that matters to filters and budgets."""
    counted = tuple(pod.metadata.name in budget.status.disrupted_pods for budget in budgets)
    return pod.metadata.namespace, pod.metadata.labels, pod.spec, pod.metadata.terminating, counted


def _orders(alike: Mapping[Hashable, list[Pod]]) -> Iterator[list[Pod]]:
    """Yield every order by priority of some Pods, in which those of one kind come by name."""
    kinds = sorted(alike, key=lambda kind: -priority(alike[kind][0]))
    groups = [tuple(those) for _, those in groupby(kinds, key=lambda kind: priority(alike[kind][0]))]
    mixed = (_mixed(tuple((kind, len(alike[kind])) for kind in group)) for group in groups)
    for parts in product(*mixed):
        left = {kind: iter(pods) for kind, pods in alike.items()}
        yield [next(left[kind]) for kind in chain.from_iterable(parts)]


def _mixed(left: tuple[tuple[Hashable, int], ...]) -> Iterator[tuple[Hashable, ...]]:
    """Yield every sequence with so many of each kind."""
    if not any(count for _, count in left):
        yield ()
    for kind, count in left:
        if count:
            fewer = tuple((other, number - (other == kind)) for other, number in left)
            for rest in _mixed(fewer):
                yield (kind, *rest)


# --- importance and budgets -----------------------------------------------------------------------------------------


def importance(pod: Pod) -> tuple[int, int]:
    """Order Pods, most important first: by priority, then by who started earlier."""
    return -priority(pod), _started(pod)


def _started(pod: Pod) -> int:
    return NOT_STARTED if pod.status.start_time is None else pod.status.start_time


def _by_budget(pods: Iterable[Pod], budgets: tuple[PodDisruptionBudget, ...]) -> tuple[list[Pod], list[Pod]]:
    """Split Pods into those whose eviction would overdraw a budget and the others, each budget spent in order."""
    allowed = {ref_of(budget): budget.status.disruptions_allowed for budget in budgets}
    violating: list[Pod] = []
    harmless: list[Pod] = []
    for pod in pods:
        concerned = [ref_of(budget) for budget in budgets if _protects(budget, pod)]
        for ref in concerned:
            allowed[ref] -= 1
        (violating if any(allowed[ref] < 0 for ref in concerned) else harmless).append(pod)
    return violating, harmless


def _protects(budget: PodDisruptionBudget, pod: Pod) -> bool:
    """Tell whether a budget counts a Pod: labelled, selected, and not yet counted as evicted."""
    if budget.metadata.namespace != pod.metadata.namespace or not pod.metadata.labels:
        return False
    selector = budget.spec.selector
    everything = selector is not None and not selector.match_labels and not selector.match_expressions
    if everything or pod.metadata.name in budget.status.disrupted_pods:
        return False
    return selects(selector, pod.metadata.labels)
