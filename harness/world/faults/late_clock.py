"""A controller's clock is behind those of the nodes: who has been ready for minReadySeconds has not, by it.

Upstream: IsPodAvailable in pkg/api/v1/pod/util.go holds the controller's clock against the time that a kubelet wrote.
Controllers of workloads look again until all are available (pkg/controller/replicaset/replica_set.go, syncReplicaSet;
v1.32), so that it only takes longer, as it may anyway. That of DaemonSets has done so since 1.15 (k/k PR #77208):
before, it looked once, a second after minReadySeconds, and then only when something else had happened (k/k#77203).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from attrs import evolve

from ....impl.api.apps import DaemonSet
from ....impl.api.core import Pod, PodCondition
from ....impl.api.kinds import Object
from ....model.machine import Action, Fairness, Outcome, View
from ....model.world.verbs import Verb
from ....model.world.world import Form, Process, Snapshot, World
from ...input.scenario import Switch
from ..controllers import asleep
from ..controllers.workloads import DAEMONSETS
from .fault import Fault, Struck, budget

BUDGET = budget("late_clock")
NOT_YET = 1
"""A time that is not minReadySeconds ago in a world without a clock."""


def _actions(struck: Struck) -> tuple[Action, ...]:
    if Switch.ONE_LOOK not in struck.scenario.switches:
        return ()
    return tuple(
        Action(
            f"{process.name}: {Verb.LOOKS_TOO_EARLY.value}",
            f"fault {process.name}",
            partial(_looks, struck.world, process),
            Fairness.NONE,
            by=process.user,
            verb=Verb.LOOKS_TOO_EARLY,
            on=process.key,
        )
        for process in struck.processes
        if process.group == DAEMONSETS.controller
    )


def _looks(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Sync as if a Pod had not been ready for long enough, and fall asleep: only news would wake it."""
    left: int = view[BUDGET]
    key = world.key(view, process)
    if not left or key is None or view[process.turn]:
        return
    known = world.now(view, process, key)
    if process.form is Form.SNAPSHOT and known != tuple(view[process.seen(watch)] for watch in process.watches):
        return  # It is going to look again for what it has not seen yet.
    over = asleep.wakers(key, process.watches, view)
    mark = asleep.slot(process.name)
    for pod in _uncounted(known) if view[mark] != over else ():
        views = tuple(tuple(_late(obj) if obj is pod else obj for obj in snapshot) for snapshot in known)
        told = f"by its clock {pod.metadata.name} has not been ready for minReadySeconds"
        for requests in process.decide(key, views) or ((),):
            yield Outcome(told, {process.turn: requests, mark: over, BUDGET: left - 1})


def _uncounted(known: tuple[Snapshot, ...]) -> tuple[Pod, ...]:
    """Return the Pods that are ready, where they have to be for a while and not all are counted as available."""
    seen = [obj for snapshot in known for obj in snapshot]
    ready = tuple(obj for obj in seen if isinstance(obj, Pod) and obj.ready)
    owners = (obj for obj in seen if isinstance(obj, DaemonSet))
    waits = any(
        daemonset.spec.min_ready_seconds and daemonset.status.number_available < len(ready) for daemonset in owners
    )
    return ready if waits else ()


def _late(pod: Object | None) -> Object | None:
    """Return a Pod that became ready just now."""
    assert isinstance(pod, Pod)  # noqa: S101 - it is one of `_uncounted`
    conditions = (
        evolve(condition, last_transition_time=NOT_YET) if condition.type == "Ready" else condition
        for condition in pod.status.conditions
    )
    return evolve(pod, status=evolve(pod.status, conditions=tuple[PodCondition, ...](conditions)))


FAULT = Fault("look by a clock that is behind", _actions)
