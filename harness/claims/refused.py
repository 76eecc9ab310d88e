"""Pods that a quota keeps from being made: how long after there is room again they are made.

A sync that ends in an error is tried again after a while, and twice as long after every further one, up to a most: 5 ms
and 1000 s (DefaultTypedControllerRateLimiter, client-go/util/workqueue/default_rate_limiters.go, v1.32), for Jobs 1 s
and 60 s (pkg/controller/job/job_controller.go). A sync without an error begins the count anew. Nobody tells a
controller that a quota has room again, and what goes on with the Pods of others does not wake it (k/k#98656, open). So

- where nobody ever asks for a Pod for which a quota has no room, there is nothing to wait for;
- where somebody does, it is asked for again the most after there is room at the latest;
- where it is asked for beside a Pod of somebody else that is on its way out, and would have the room of that one, it
  may wait as long again as that one has been ending: the last of the doubled waits that begins before its grace period
  is over. That its controller is woken meanwhile makes the next wait longer, unless it comes just then.

What a controller asks for next is a fact of a run, not a judgement: it is taken from the controller. Whether there is
room is counted by what is there, as the claim `quota` does it, and by what the quota says is used, which is what
admission goes by; it is refused for sure where both say so, and may be where either does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import partial

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...impl.api.core import Container, Pod
from ...impl.api.kinds import Object
from ...impl.api.quota import ResourceQuota
from ...impl.api.requests import Create
from ...model.checker.results import Exploration, Status
from ...model.machine import Invariant, Property, View
from ...model.world.turn import sent
from ...properties.quotas import exceeded, taken
from ..check.results import Claim
from ..input.limits import filled_in
from ..input.scenario import Scenario
from ..world.cluster import Cluster
from . import quota


@frozen
class BackOff:
    """The wait after the first error of a controller, and its longest one, in seconds."""

    first: Fraction
    most: int

    def after(self, seconds: int) -> Fraction:
        """Return the longest of the doubled waits that begins while errors have gone on for less than so long."""
        wait, begins = self.first, Fraction(0)
        while begins + wait < seconds:
            begins, wait = begins + wait, min(2 * wait, Fraction(self.most))
        return wait


WORKQUEUE = BackOff(Fraction(5, 1000), 1000)
OF_JOBS = BackOff(Fraction(1), 60)
BACK_OFFS: Mapping[str, BackOff] = immutabledict(
    {"ReplicaSet": WORKQUEUE, "StatefulSet": WORKQUEUE, "DaemonSet": WORKQUEUE, "Job": OF_JOBS}
)
"""By the kind whose controller makes a Pod."""
REFUSED = "refused"
TOLD = "No controller asks for a Pod for which a quota has no room."


def properties(cluster: Cluster, graces: tuple[int, ...]) -> Iterator[Property]:
    """Yield that nothing is refused: by each controller, and beside a Pod that ends, of each of these grace periods."""
    if not asked(cluster.scenario):
        return
    premise = partial(quota.is_used, cluster)
    for kind in _makers(cluster):
        yield Invariant(_by(kind), TOLD, partial(_any, cluster, kind), premise)
        for grace in graces:
            yield Invariant(_by(kind, grace), TOLD, partial(_ends, cluster, kind, grace), premise)


def asked(scenario: Scenario) -> bool:
    """Tell whether somebody may be refused for a quota, and a deadline is asked for."""
    return scenario.deadline is not None and any(isinstance(obj, ResourceQuota) for obj in scenario.everything)


def _by(kind: str, grace: int | None = None) -> str:
    return f"{REFUSED} {kind}" if grace is None else f"{REFUSED} {kind} beside {grace} s"


def _makers(cluster: Cluster) -> list[str]:
    """Return the kinds of those who make Pods."""
    return sorted(BACK_OFFS.keys() & cluster.world.layout.pools.keys())


# --- what the runs say ------------------------------------------------------------------------------------------------


@frozen
class Refusal:
    """A Pod that its owner's controller asks for, and a quota that may have no room for it; `sure`: it has none."""

    pod: Pod
    quota: ResourceQuota
    sure: bool

    def told(self) -> str:
        """Say who is refused."""
        (owner,) = (reference for reference in self.pod.metadata.owner_references if reference.controller)
        space = self.pod.metadata.namespace
        return f"a Pod of {owner.kind} {space}/{owner.name} is refused for ResourceQuota {self.quota.metadata.name}"


def _any(cluster: Cluster, kind: str, view: View) -> Iterator[str]:
    for refusal in _refusals(cluster, kind, view):
        yield refusal.told()


def _ends(cluster: Cluster, kind: str, grace: int, view: View) -> Iterator[str]:
    """Say beside which Pod that ends, and whose room it would have, a Pod is refused."""
    for refusal in _refusals(cluster, kind, view):
        if not refusal.sure:
            continue
        for place in cluster.world.layout.pools["Pod"]:
            pod = view.via(partial(_ending, grace), place)
            if pod is None or pod.metadata.namespace != refusal.pod.metadata.namespace:
                continue
            spec = refusal.quota.spec
            now, others = quota.taken_of(cluster, refusal.quota, view), taken(spec, (pod,))
            without = {name: now[name] - others[name] for name in now}
            if not _owned_alike(pod, refusal.pod) and not exceeded(spec, _more(refusal.quota, refusal.pod, without)):
                yield f"{refusal.told()} while {pod.metadata.name} ends, for up to {grace} s"


def _refusals(cluster: Cluster, kind: str, view: View) -> Iterator[Refusal]:
    """Yield what somebody may ask for next that a quota may have no room for."""
    there: list[ResourceQuota] | None = None
    for pod in _asked_for(cluster, kind, view):
        there = list(quota.quotas(cluster, view)) if there is None else there
        for resource_quota in there:
            if resource_quota.metadata.namespace != pod.metadata.namespace:
                continue
            counted = quota.taken_of(cluster, resource_quota, view), _used(cluster, resource_quota, view)
            full = [bool(exceeded(resource_quota.spec, _more(resource_quota, pod, amounts))) for amounts in counted]
            if any(full):
                yield Refusal(pod, resource_quota, sure=all(full))


def _asked_for(cluster: Cluster, kind: str, view: View) -> Iterator[Pod]:
    """Yield the Pods that the controllers of a kind may ask for next."""
    for process in cluster.processes:
        key = process.key if isinstance(process.key, str) else getattr(process.key, "kind", "")
        if key != kind and key not in cluster.world.layout.pools.get(kind, ()):
            continue
        heads = {request: None for turn in cluster.world.pending(view, process) if turn for request in sent(turn[0])}
        for request in heads:
            if isinstance(request, Create) and isinstance(request.object, Pod):
                yield from _as_made(cluster.scenario, request.object)


def _as_made(scenario: Scenario, pod: Pod) -> Iterator[Pod]:
    """Yield a Pod as limit ranges may fill it in; what it only limits it asks for."""
    specs = filled_in(scenario.everything, scenario.namespace)
    for spec in specs(pod.spec, pod.metadata.namespace):
        own, first = (tuple(map(_asking, some)) for some in (spec.containers, spec.init_containers))
        yield evolve(pod, spec=evolve(spec, containers=own, init_containers=first))


def _asking(container: Container) -> Container:
    stated = container.resources
    return evolve(container, resources=evolve(stated, requests=stated.limits | stated.requests))


def _more(one: ResourceQuota, pod: Pod, amounts: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Return what is taken with a Pod; what it takes nothing of is not in its way, however much of that is taken."""
    added = taken(one.spec, (pod,))
    return {name: amounts[name] + added[name] if added[name] else Fraction(0) for name in amounts}


def _used(cluster: Cluster, one: ResourceQuota, view: View) -> dict[str, Fraction]:
    """Return what a quota says is used; one that nothing here changes has room for all."""
    for slot in cluster.world.layout.pools.get("ResourceQuota", ()):
        found = view.via(_status, slot)
        if found is not None and found.metadata == one.metadata:
            used = found.status.used
            return {name: used[name].number if name in used else Fraction(0) for name in one.spec.hard}
    return dict.fromkeys(one.spec.hard, Fraction(0))


def _status(obj: Object | None) -> ResourceQuota | None:
    bare = quota.ceilings(obj)
    return evolve(bare, status=obj.status) if bare is not None and isinstance(obj, ResourceQuota) else None


def _ending(grace: int, obj: Object | None) -> Pod | None:
    if not isinstance(obj, Pod) or not obj.metadata.terminating or obj.finished:
        return None
    return obj if obj.metadata.deletion_grace_period_seconds == grace else None


def _owned_alike(one: Pod, other: Pod) -> bool:
    """Tell whether two Pods have one owner, whose controller hears of both."""
    owners = [pod.metadata.controller for pod in (one, other)]
    return owners[0] is not None and owners[1] is not None and owners[0].uid == owners[1].uid


# --- the sum ----------------------------------------------------------------------------------------------------------


def judge(cluster: Cluster, found: Exploration, claim: Claim, seconds: int, graces: tuple[int, ...]) -> Claim:
    """Judge a claim about a deadline that holds without back-offs, given how long all takes but for them."""
    stated = cluster.scenario.deadline
    if stated is None or not asked(cluster.scenario) or claim.status is not Status.HOLDS:
        return claim
    lines: list[str] = []
    vacuous = claim.vacuous
    for kind in _makers(cluster):
        verdict = found[_by(kind)]
        if verdict.status is Status.UNKNOWN:
            return evolve(claim, status=Status.UNKNOWN, lines=(verdict.reason,))
        vacuous = vacuous and verdict.vacuous
        if verdict.status is Status.HOLDS:
            lines.append(f"no Pod of a {kind} is ever refused for a quota")
            continue
        back_off = BACK_OFFS[kind]
        if back_off.most + seconds <= stated.seconds:
            lines.append(f"a Pod of a {kind} that is refused is asked for again at the latest after {back_off.most} s")
            vacuous = False
            continue
        for grace in graces:
            beside, wait = found[_by(kind, grace)], back_off.after(grace)
            if beside.status is Status.VIOLATED and wait + seconds > stated.seconds:
                told = f"its controller asks again up to {float(wait):.4g} s after there is room, and all else takes"
                told = f"{told} {seconds} s: more than the deadline of {stated.seconds} s"
                return evolve(
                    claim,
                    status=Status.VIOLATED,
                    kind=REFUSED,
                    lines=(*beside.evidence, told),
                    trace=beside.trace,
                    vacuous=False,
                )
        most = f"its controller may ask again only {back_off.most} s after there is room"
        return evolve(claim, status=Status.UNKNOWN, lines=(*verdict.evidence, most), trace=None, vacuous=False)
    return evolve(claim, lines=(*claim.lines, *lines), vacuous=vacuous)
