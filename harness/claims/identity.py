"""Identity: of a StatefulSet no two Pods of one name ever run at the same time.

Judged by what really runs on nodes that are up, not by objects: a Pod that was deleted by force is gone from the API at
once, and its containers run on until its kubelet learns of it. What the documentation promises (kubernetes.io/docs/
tasks/run-application/force-delete-stateful-set-pod, v1.32): at most one Pod with a given identity runs in a cluster at
any time; the design is in kubernetes/community, contributors/design-proposals/storage/pod-safety.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

from ...impl.api.apps import StatefulSet
from ...impl.api.claim_names import IDENTITY, SENTENCES
from ...impl.api.kinds import Object
from ...impl.api.runtime import PodRuntime, Stage
from ...model.machine import Invariant, Property, View
from ...model.world.store import name_in
from ..world.cluster import Cluster
from ..world.kubelets import runtime_slot
from ..world.node_state import up_slot

RUNNING = frozenset({Stage.STARTING, Stage.RUNNING, Stage.PRE_STOP, Stage.TERMINATING})
"""The stages in which containers run, or are about to."""
Identity = tuple[str, str]
"""Namespace and name of a Pod."""


def properties(cluster: Cluster) -> Iterator[Property]:
    """Yield that no two Pods of one identity run, where there are StatefulSets."""
    if cluster.world.layout.pools.get("StatefulSet"):
        yield Invariant(IDENTITY, SENTENCES[IDENTITY], partial(_twice, cluster), premise=partial(_any_runs, cluster))


def _twice(cluster: Cluster, view: View) -> Iterator[str]:
    running = Counter(one for place in _places(cluster) if (one := _identity(cluster, view, place)))
    for (namespace, name), number in sorted(running.items()):
        if number > 1 and any(view.via(partial(_is_named, namespace, name), one) for one in _sets(cluster)):
            yield f"{number} Pods called {name} run at the same time"


def _any_runs(cluster: Cluster, view: View) -> bool:
    """Tell whether any Pod of a StatefulSet runs at all: else nothing is said."""
    found = (_identity(cluster, view, place) for place in _places(cluster))
    return any(view.via(partial(_is_named, *one), each) for one in found if one for each in _sets(cluster))


def _places(cluster: Cluster) -> tuple[str, ...]:
    return cluster.world.layout.pools["Pod"]


def _sets(cluster: Cluster) -> tuple[str, ...]:
    return cluster.world.layout.pools["StatefulSet"]


def _identity(cluster: Cluster, view: View, place: str) -> Identity | None:
    """Return whose containers run for a place, None where none do or its node is down."""
    runtime: PodRuntime | None = view[runtime_slot(place)]
    if runtime is None or runtime.stage not in RUNNING:
        return None
    if runtime.node in cluster.struck and not view[up_slot(runtime.node)]:
        return None
    return runtime.uid.split("/")[1], name_in(runtime.uid)


def _is_named(namespace: str, name: str, obj: Object | None) -> bool:
    """Tell whether something is a StatefulSet that gives its Pods this name."""
    if not isinstance(obj, StatefulSet) or obj.metadata.namespace != namespace:
        return False
    begins, _, ordinal = name.rpartition("-")
    return begins == obj.metadata.name and ordinal.isdigit()
