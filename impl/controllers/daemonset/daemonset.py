"""The DaemonSet controller: a Pod for every node that it may run on, and nowhere else.

Upstream: pkg/controller/daemon/daemon_controller.go (v1.32). One sync adopts and releases, finds the revision of its
template, makes the Pods that nodes need and deletes those that are too many, failed, over, or on nodes that want none;
only where nothing of that is to be done it rolls Pods to the template (`rolling`). Then it forgets old revisions and
writes a status of what it saw before. Pods are made for a node by its name in their affinity, and bound by the
scheduler.
Left out on purpose: Events; the back-off in which a failed Pod stays (without a clock it may go at any time); slow
start (creations of one sync are sent in any order anyway); the status that is written while what was made is not yet
seen, or though a request was refused; the requeue after minReadySeconds (a timer).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...api.apps import DaemonSet, DaemonSetStatus
from ...api.cache import Cache
from ...api.core import Node, Pod, PodSpec
from ...api.kinds import Object, ref_of
from ...api.meta import Ref, Time
from ...api.releases import NEWEST, Release
from ...api.requests import Create, Delete, Groups, OpenGroups, Request, Update, any_of, decided
from ..common import Keep, Transform, adoptions, available, claim, slim_pod, slim_ready, whole
from ..history import listed, nobodys
from .nodes import Wish, has_hash, is_current, new_pod, only_on, slim_node, target, wish
from .revisions import Clash, revisions_of, truncated
from .rolling import Change, Rollout, max_surge

BURST = 250
"""At most so many Pods are made, and as many deleted, in one sync."""


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return ("ControllerRevision", "DaemonSet", "Node", "Pod")


def reconcile(cache: Cache, key: Ref, *, now: Time = 0, release: Release = NEWEST) -> tuple[Request, ...]:
    """Return the requests of one sync, the first of those that are possible."""
    return tuple(
        request for group in next(iter(grouped(cache, key, now=now, release=release)), ()) for request in group
    )


def grouped(cache: Cache, key: Ref, *, now: Time = 0, release: Release = NEWEST) -> tuple[Groups, ...]:
    """Return every sync that a real controller may perform on this cache, side by side what is sent so."""
    return tuple(groups for sync in syncs(cache, key, now=now, release=release) for groups in decided(sync))


def syncs(cache: Cache, key: Ref, *, now: Time = 0, release: Release = NEWEST) -> tuple[OpenGroups, ...]:
    """Return those syncs, many in one where any of several nodes may be the next."""
    owner = cache.get(DaemonSet, key)
    if owner is None or owner.metadata.terminating:
        return ()
    pods, claims = claim(owner, owner.spec.selector, cache.list(Pod, key.namespace))
    adopted = adoptions(owner, nobodys(listed(cache, owner)))
    revisions = revisions_of(cache, owner, release)
    if isinstance(revisions, Clash):
        return (tuple((request,) for request in (*adopted, *claims, *revisions.requests)),)
    sync = _Sync.of(owner, revisions.digest, pods, cache.list(Node), now)
    first = tuple((request,) for request in (*adopted, *claims, *revisions.requests))
    last = tuple(
        (request,) for request in (*truncated(owner, revisions.old, pods), *_write_status(owner, sync.counted()))
    )
    found = ((*first, *sync.asked(change), *last) for change in sync.changes())
    return tuple(dict.fromkeys(tuple(group for group in groups if group) for groups in found))


# --- one sync ---------------------------------------------------------------------------------------------------------


@frozen
class _Sync:
    """What a sync goes by: the Pods by the node that they are on or for, and what is wanted of each node."""

    owner: DaemonSet
    digest: str
    wishes: Mapping[str, Wish]
    pods: Mapping[str, tuple[Pod, ...]]
    now: Time

    @classmethod
    def of(cls, owner: DaemonSet, digest: str, pods: tuple[Pod, ...], nodes: tuple[Node, ...], now: Time) -> _Sync:
        """Sort the Pods; those that are over and being deleted are nobody's concern, nor those that name no node."""
        found: dict[str, list[Pod]] = defaultdict(list)
        for pod in pods:
            if (name := target(pod)) and not (pod.finished and pod.metadata.terminating):
                found[name].append(pod)
        wishes = {node.metadata.name: wish(owner, node) for node in nodes}
        return cls(owner, digest, wishes, {name: tuple(found[name]) for name in sorted(found)}, now)

    def changes(self) -> Iterator[Change]:
        """Yield what may be done to Pods now: what nodes need comes before any rollout."""
        gone = tuple(
            pod
            for name, there in self.pods.items()
            for pod in there
            if name not in self.wishes and not pod.spec.node_name
        )
        for ways in product(*(tuple(self._on_node(name)) for name in sorted(self.wishes))):
            nodes = tuple(name for way in ways for name in way.nodes)
            victims = (*(pod for way in ways for pod in way.victims), *gone)
            if nodes or victims:
                yield Change(nodes[:BURST], victims[:BURST])
            else:
                wanted = frozenset(name for name, wish in self.wishes.items() if wish.runs)
                yield Rollout(self.owner, wanted, self.pods, self._is_current, self._is_available).change()

    def asked(self, change: Change) -> OpenGroups:
        """Return the requests of a change: first what is made, then what is deleted."""
        made = tuple(Create(new_pod(self.owner, node, self.digest)) for node in change.nodes)
        gone = tuple(Delete(ref_of(pod)) for pod in change.victims if not pod.metadata.terminating)
        beside = any_of((Create(new_pod(self.owner, node, self.digest)) for node in change.open_nodes), change.surging)
        return (*made, *beside), (*gone, *any_of((Delete(ref_of(pod)) for pod in change.open_victims), change.leaving))

    def _on_node(self, name: str) -> Iterator[Change]:
        """Yield what one node needs; ways differ in which of several Pods counts as the oldest."""
        wanted, there = self.wishes[name], self.pods.get(name, ())
        staying = [pod for pod in there if not pod.metadata.terminating]
        over = tuple(pod for pod in staying if pod.finished)
        running = [pod for pod in staying if not pod.finished]
        if wanted.runs and not there:
            yield Change(nodes=(name,))
        elif not wanted.keeps:
            yield Change(victims=tuple(staying))
        elif max_surge(self.owner, 1):
            if wanted.runs and not running:
                yield Change((name,), over)
            else:
                yield from (Change(victims=(*over, *some)) for some in self._beside_surge(running))
        else:
            yield from (Change(victims=(*over, *_others(running, pod))) for pod in _oldest(running))

    def _beside_surge(self, running: list[Pod]) -> Iterator[tuple[Pod, ...]]:
        """Yield who is too many where two may be: all but the oldest new and the oldest old one, or one of these."""
        if len(running) < 2:
            yield ()
            return
        new = [pod for pod in running if has_hash(pod, self.digest)]
        old = [pod for pod in running if not has_hash(pod, self.digest)]
        for kept_new, kept_old in product(_oldest(new), _oldest(old)):
            surplus = (*_others(new, kept_new), *_others(old, kept_old))
            replaced = kept_new and kept_old and (not kept_old.ready or self._is_available(kept_new))
            yield (*surplus, kept_old) if replaced and kept_old else surplus

    def _is_current(self, pod: Pod) -> bool:
        return is_current(self.owner, pod, self.digest)

    def _is_available(self, pod: Pod) -> bool:
        return available(pod, self.owner.spec.min_ready_seconds, self.now)

    def counted(self) -> DaemonSetStatus:
        """Count nodes for the status, by the oldest Pod of each."""
        wanted = [name for name, wish in self.wishes.items() if wish.runs]
        first = [self._first(self.pods[name]) for name in wanted if name in self.pods]
        available_on = sum(map(self._is_available, first))
        return DaemonSetStatus(
            current_number_scheduled=len(first),
            number_misscheduled=sum(name in self.pods for name, wish in self.wishes.items() if not wish.runs),
            desired_number_scheduled=len(wanted),
            number_ready=sum(pod.ready for pod in first),
            observed_generation=self.owner.metadata.generation,
            updated_number_scheduled=sum(map(self._is_current, first)),
            number_available=available_on,
            number_unavailable=len(wanted) - available_on,
        )

    def _first(self, pods: Sequence[Pod]) -> Pod:
        """Return the oldest of some Pods; where no age is known one of an older template."""

        def order(pod: Pod) -> tuple[bool, Time, bool, bool, str]:
            age, name = pod.metadata.creation_timestamp, pod.metadata.name
            last = (self._is_current(pod), not pod.ready) if age is None else (False, False)
            return (not pod.spec.node_name, age or 0, *last, name)

        return min(pods, key=order)


def _oldest(pods: Sequence[Pod]) -> tuple[Pod | None, ...]:
    """Return who may count as the oldest: those on a node before those for one; any, where no age is known."""
    if not pods:
        return (None,)
    ages = [(not pod.spec.node_name, pod.metadata.creation_timestamp or 0) for pod in pods]
    ties = [pod for pod, age in zip(pods, ages, strict=True) if age == min(ages)]
    known = all(pod.metadata.creation_timestamp is not None for pod in ties)
    return (min(ties, key=lambda pod: pod.metadata.name),) if known else tuple(ties)


def _others(pods: Sequence[Pod], kept: Pod | None) -> tuple[Pod, ...]:
    return tuple(pod for pod in pods if pod is not kept)


def _write_status(owner: DaemonSet, counted: DaemonSetStatus) -> tuple[Request, ...]:
    """Update the status if it is not what was counted."""
    before = owner.status
    status = evolve(counted, collision_count=before.collision_count, conditions=before.conditions, extra=before.extra)
    newer = before.observed_generation > counted.observed_generation
    same = status == before or (newer and evolve(status, observed_generation=before.observed_generation) == before)
    return () if same else (Update(evolve(owner, status=status), owner, "status"),)


# --- what it looks at -------------------------------------------------------------------------------------------------


def _slim(obj: Object, *, exact: bool) -> Object | None:
    """Keep of a Pod its labels, node, phase and readiness; `exact`: when it was made, and since when it is ready."""
    if not isinstance(obj, Pod):
        return None
    on = obj.spec.node_name
    spec = PodSpec(node_name=on, affinity=None if on else only_on(None, target(obj)))
    keep = Keep(labels=True, owners=True, creation=exact)
    return slim_pod(obj, keep, spec=spec, status=slim_ready(obj.status, times=exact))


def _slim_node(obj: Object) -> Object | None:
    return slim_node(obj) if isinstance(obj, Node) else None


TRANSFORM: Transform = immutabledict(
    {"ControllerRevision": whole, "DaemonSet": whole, "Node": _slim_node, "Pod": partial(_slim, exact=True)}
)
"""Exact: a sync on what is kept is the same sync."""

COARSE_TRANSFORM: Transform = immutabledict({**TRANSFORM, "Pod": partial(_slim, exact=False)})
"""Smaller, for a world without a clock: whichever Pod is the oldest, that sync is offered."""
