"""The claims over a recorded history: what the store shows of them, change by change.

- **placement**: each Pod that is bound goes where the rules of `properties.placement` let it, by the nodes as they were
  then, or as they were before their last change, which the scheduler need not have seen. How evenly Pods are spread is
  not held against it, and Pods that are not recorded are taken not to be there.
- **budget**: an eviction through the API, or by a scheduler, leaves as many healthy Pods as the budgets ask for.
- **reachability**: at every port of a Service at which a ready Pod stood somebody stands after each change, while a
  workload wants Pods there. Whether programs answered is not recorded: who is Ready is taken to.
- **convergence**: at the end, and wherever all was waited for, observed equals desired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from attrs import evolve, frozen

from ...impl.api.apps import Sized, Workload
from ...impl.api.cache import Cache
from ...impl.api.claim_names import BUDGET, CONVERGENCE, PLACEMENT, REACHABILITY
from ...impl.api.core import Namespace, Node, Pod, Service
from ...impl.api.kinds import Object, ref_of
from ...impl.api.policy import PodDisruptionBudget
from ...impl.api.well_known import DISRUPTION_TARGET
from ...impl.api.workloads import pod_labels
from ...model.checker.results import Status
from ...properties.convergence import leaving, orphans, shortfalls
from ...properties.placement.placement import Problem, broken
from ...properties.reachability.answers import Door, Port, backend, is_judged, ports_of, selects, selects_pod, takers
from ..claims.budget import is_healthy, left_by
from .history import Change, History

EVICTIONS = frozenset({"EvictionByEvictionAPI", "PreemptionByScheduler"})
MOST = 3
SENTENCES = {
    PLACEMENT: "Each Pod was bound to a node that could take it.",
    BUDGET: "No eviction left fewer healthy Pods than a disruption budget asks for.",
    REACHABILITY: "Where a ready Pod stood behind a Service, one went on standing while Pods were wanted there.",
    CONVERGENCE: "In the end observed equals desired.",
}


@frozen
class Found:
    """What was found of a claim: how often it was judged, and each breach with its place. `why`: what left it open."""

    claim: str
    status: Status
    judged: int
    lines: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What the claim says."""
        return SENTENCES[self.claim]


Step = tuple[Change, Cache, Cache]
"""A change, with what was there before it and after."""


def judge(history: History) -> Iterator[Found]:
    """Judge every claim of which the history shows anything."""
    steps = tuple(_steps(history))[history.begins :]
    for claim, look in LOOKS.items():
        judged, lines, unknown = 0, list[str](), list[str]()
        for step in steps:
            for told in look(history, step):
                judged += 1
                if told.why:
                    unknown.append(f"{step[0].place}: {told.why}")
                lines += (f"{step[0].place}: {line}" for line in told.breaches)
        if judged:
            status = Status.VIOLATED if lines else Status.UNKNOWN if unknown else Status.HOLDS
            yield Found(claim, status, judged, tuple(_few(lines or unknown)))
    if steps:
        yield _ended(history, steps)


def _few(lines: list[str]) -> Iterator[str]:
    yield from lines[:MOST]
    if len(lines) > MOST:
        yield f"and {len(lines) - MOST} more"


def _steps(history: History) -> Iterator[Step]:
    before = Cache.of(history.start)
    for change in history.changes:
        others = (obj for ref, obj in before.objects.items() if ref != change.ref)
        after = Cache.of(others if change.after is None else (*others, change.after))
        yield change, before, after
        before = after


@frozen
class Told:
    """What one look shows: breaches, or why nothing can be said."""

    breaches: tuple[str, ...] = ()
    why: str = ""


def _placed(history: History, step: Step) -> Iterator[Told]:
    """Look at a binding."""
    change, before, _ = step
    old, new = change.before, change.after
    if not isinstance(old, Pod) or not isinstance(new, Pod) or old.spec.node_name or not new.spec.node_name:
        return
    nodes = before.list(Node)
    if new.spec.node_name not in {node.metadata.name for node in nodes}:
        yield Told(why=f"node {new.spec.node_name} is not recorded (add kubectl get nodes -o json > nodes.json)")
        return
    pod = evolve(new, spec=evolve(new.spec, node_name="", topology_spread_constraints=()))
    spaces = {namespace.metadata.name: namespace.metadata.labels for namespace in before.list(Namespace)}
    bound = tuple(
        pod for pod in before.list(Pod) if pod.spec.node_name and not pod.finished and ref_of(pod) != change.ref
    )
    ways = (nodes, tuple(_before_last(history, node, change) for node in nodes))
    found = [broken(Problem((pod,), some, bound, spaces))[new.spec.node_name] for some in ways]
    yield Told(tuple(map(str, found[0])) if all(found) else ())


def _before_last(history: History, node: Node, until: Change) -> Node:
    """Return a node as it was before its last change."""
    last = node
    for change in history.changes:
        if change is until:
            break
        if change.after == node and isinstance(change.before, Node):
            last = change.before
    return last


def _kept(_: History, step: Step) -> Iterator[Told]:
    """Look at an eviction."""
    change, before, after = step
    old, new = change.before, change.after
    if not isinstance(old, Pod) or not isinstance(new, Pod) or not is_healthy(old) or not new.metadata.terminating:
        return
    if any(
        condition.type == DISRUPTION_TARGET and condition.reason in EVICTIONS for condition in new.status.conditions
    ):
        budgets = before.list(PodDisruptionBudget)
        workloads = [obj for obj in after.objects.values() if isinstance(obj, Sized)]
        if budgets:
            yield Told(tuple(line for _, line in left_by([old], after.list(Pod), budgets, workloads)))


def _answered(_: History, step: Step) -> Iterator[Told]:
    """Look at what a Pod leaves behind that is no longer ready, or gone."""
    change, before, after = step
    if not isinstance(change.before, Pod):
        return
    services = tuple(
        service for service in after.list(Service) if is_judged(service) and ref_of(service) in before.objects
    )
    mine = tuple(service for service in services if selects_pod(service, change.before))
    doors = {port: service for service in mine for port in ports_of(service)}
    was, now = (_taken(services, cache, doors) for cache in (before, after))
    if not was:
        return
    gone = sorted(str(port) for port in was - now if _is_wanted(doors[port], after))
    yield Told(tuple(f"{port}: no ready Pod stands there any more" for port in gone))


def _taken(services: tuple[Service, ...], cache: Cache, doors: Mapping[Port, Service]) -> frozenset[Port]:
    behind = [found for found in (backend(services, pod) for pod in cache.list(Pod)) if found is not None]
    return frozenset(port for port in doors if takers(Door(port), behind))


def _is_wanted(service: Service, cache: Cache) -> bool:
    """Tell whether a workload that wants Pods makes such as a Service selects."""
    namespace = service.metadata.namespace
    return any(
        isinstance(obj, Workload)
        and obj.metadata.namespace == namespace
        and not obj.metadata.terminating
        and getattr(obj.spec, "replicas", None) != 0
        and any(selects(service, namespace, labels.items()) for labels in pod_labels(obj))
        for obj in cache.objects.values()
    )


LOOKS: dict[str, Callable[[History, Step], Iterator[Told]]] = {
    PLACEMENT: _placed,
    BUDGET: _kept,
    REACHABILITY: _answered,
}


def _ended(history: History, steps: tuple[Step, ...]) -> Found:
    """Say whether the end is one in which observed equals desired, and each rest before it."""
    breaches: list[str] = []
    for number, (change, _, after) in enumerate(steps, history.begins + 1):
        if number in history.rests:
            breaches += (f"{change.place}, at rest: {line}" for line in _short(after))
    left = list(_short(steps[-1][2]))
    if breaches:
        return Found(CONVERGENCE, Status.VIOLATED, len(history.rests), tuple(_few(breaches)))
    if left and len(history.changes) not in history.rests:
        told = [f"the recording ends before all is at rest: {line}" for line in left]
        return Found(CONVERGENCE, Status.UNKNOWN, 1, tuple(_few(told)))
    return Found(CONVERGENCE, Status.HOLDS, max(1, len(history.rests)))


def _short(cache: Cache) -> Iterator[str]:
    objects: tuple[Object, ...] = tuple(cache.objects.values())
    yield from dict.fromkeys((*shortfalls(objects), *leaving(objects), *orphans(objects)))
