"""What the ReplicaSet controller waits for: that Pods have been ready for `minReadySeconds` before they are available.

Upstream: pkg/controller/replicaset/replica_set_utils.go, pkg/api/v1/pod/util.go (IsPodAvailable), v1.32. So many Pods
are counted as available no sooner than so long after as many were ready at one time; the controller may be late. A
second less is sure, for a Pod says in whole seconds since when it is ready. That they are ready counts also while
`minReadySeconds` is 0, for a step may change it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from ....impl.api.apps import ReplicaSet
from ....impl.api.core import Pod
from ....model.machine import Timer, View, Wait
from ....model.world.verbs import Verb
from .timing import Timing

USER = "replicaset-controller"


def timers(timing: Timing) -> Iterator[Timer]:
    """Yield what is waited for of the ReplicaSet in each place."""
    pools = timing.world.layout.pools
    for place in pools.get("ReplicaSet", ()):
        yield Timer(
            partial(_available, pools["Pod"], place), partial(_is_counted, place), "availability", USER, Verb.SENDS
        )


def _available(pods: tuple[str, ...], place: str, view: View) -> Iterator[Wait]:
    owner = view[place]
    if not isinstance(owner, ReplicaSet):
        return
    meta = owner.metadata
    there = (view[slot] for slot in pods)
    own = (obj for obj in there if isinstance(obj, Pod) and obj.metadata.controller is not None)
    ready = sum(pod.ready for pod in own if pod.metadata.controller and pod.metadata.controller.uid == meta.uid)
    seconds = Fraction(max(0, owner.spec.min_ready_seconds - 1))
    for number in range(1, ready + 1):
        told = f"minReadySeconds of ReplicaSet {meta.namespace}/{meta.name}, {number} of whose Pods are ready,"
        yield Wait((meta.uid, number), told, seconds)


def _is_counted(place: str, before: View, after: View, wait: Wait) -> bool:
    _, number = wait.what
    return bool(_counted(before[place]) < number <= _counted(after[place]))


def _counted(obj: object) -> int:
    return obj.status.available_replicas if isinstance(obj, ReplicaSet) else 0
