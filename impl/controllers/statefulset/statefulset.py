"""The StatefulSet controller: Pods called name-0, name-1, ..., made, replaced and let go one at a time.

Upstream: pkg/controller/statefulset/stateful_set.go, stateful_set_control.go, stateful_pod_control.go (v1.32,
MaxUnavailableStatefulSet off). One sync adopts and releases, finds its two revisions, goes through the Pods in order of
their numbers, then through those that are too many from the last, then replaces one of an old revision from the last,
and writes a status of what it saw before that. OrderedReady ends the sync at the first Pod that is not well; Parallel
does not wait. There are no expectations: what it wrote itself it may not have seen yet.
Left out on purpose: Events; the second try of a status update that met a conflict; the status that is written though a
request was refused; the requeue after minReadySeconds (a timer).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...api.apps import StatefulSet, StatefulSetStatus
from ...api.cache import Cache
from ...api.core import Pod, PodSpec
from ...api.kinds import Object, ref_of
from ...api.meta import Ref, Time
from ...api.requests import Create, Delete, Groups, Request, Update
from ..common import Keep, Transform, adoptions, available, claim, slim_metadata, slim_pod, slim_ready, whole, with_only
from ..history import listed, nobodys, template_of
from .identity import (
    as_named,
    claim_is_going,
    identity_matches,
    is_member,
    missing_claims,
    new_pod,
    ordinal,
    revision_of,
    storage_matches,
)
from .retention import reowned
from .revisions import Revisions, revisions_of, truncated, ways_before_1_12

PARALLEL = "Parallel"
ON_DELETE = "OnDelete"
ROLLING = "RollingUpdate"
MAX_BATCH = 500

Asked = tuple[tuple[Request, ...], bool]
"""What is asked for about a Pod, and whether it keeps those after it waiting."""


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return ("ControllerRevision", "PersistentVolumeClaim", "Pod", "StatefulSet")


def reconcile(cache: Cache, key: Ref, *, now: Time = 0) -> tuple[Request, ...]:
    """Return the requests of one sync."""
    return tuple(request for group in grouped(cache, key, now=now) for request in group)


def grouped(cache: Cache, key: Ref, *, now: Time = 0) -> Groups:
    """Return the requests of one sync, with those that are sent side by side together."""
    owner = cache.get(StatefulSet, key)
    return () if owner is None else _synced(cache, owner, revisions_of(cache, owner), now)


def grouped_before_1_12(cache: Cache, key: Ref, tries: int, *, now: Time = 0) -> tuple[Groups, ...]:
    """Return every sync that a controller before 1.12 may perform, which knew revisions apart by their names.

    One that has to make a revision does so under the first name that is free, of which there are `tries` here.
    """
    owner = cache.get(StatefulSet, key)
    ways = () if owner is None else (_synced(cache, owner, way, now) for way in ways_before_1_12(cache, owner, tries))
    return tuple(dict.fromkeys(ways))


def _synced(cache: Cache, owner: StatefulSet, revisions: Revisions, now: Time) -> Groups:
    pods, claims = claim(
        owner, owner.spec.selector, cache.list(Pod, owner.metadata.namespace), belongs=lambda pod: is_member(owner, pod)
    )
    sync = _Sync.of(cache, owner, revisions, pods, now)
    groups, counted, replaced = ((), sync.counted(pods), 0) if owner.metadata.terminating else sync.acts()
    first = (*adoptions(owner, nobodys(listed(cache, owner))), *claims, *revisions.requests)
    last = (*_write_status(owner, revisions, counted, replaced), *truncated(owner, revisions, pods))
    return tuple(
        group for group in (*((request,) for request in first), *groups, *((request,) for request in last)) if group
    )


# --- one sync ---------------------------------------------------------------------------------------------------------


@frozen
class _Counted:
    """How many Pods there are, ready, available, of the current and of the update revision."""

    replicas: int = 0
    ready: int = 0
    available: int = 0
    current: int = 0
    updated: int = 0


@frozen
class _Sync:
    """What a sync goes by: the Pods by their numbers (those to be made have no phase yet), and those too many."""

    cache: Cache
    owner: StatefulSet
    revisions: Revisions
    replicas: tuple[Pod, ...]
    condemned: tuple[Pod, ...]
    """From the last."""
    now: Time

    @classmethod
    def of(cls, cache: Cache, owner: StatefulSet, revisions: Revisions, pods: tuple[Pod, ...], now: Time) -> _Sync:
        """Sort the Pods, and make those that are missing."""
        first = owner.spec.first
        numbers = range(first, first + owner.spec.wanted)
        there = {ordinal(pod): pod for pod in pods}
        replicas = tuple(there.get(number) or _versioned(owner, revisions, number) for number in numbers)
        surplus = (pod for pod in pods if ordinal(pod) >= 0 and ordinal(pod) not in numbers)
        return cls(cache, owner, revisions, replicas, tuple(sorted(surplus, key=ordinal, reverse=True)), now)

    @property
    def ordered(self) -> bool:
        """Whether each Pod waits for those before it."""
        return self.owner.spec.pod_management_policy != PARALLEL

    def acts(self) -> tuple[Groups, _Counted, int]:
        """Return what is asked for, what is counted, and how many Pods were let go to be replaced."""
        counted = self.counted((*self.replicas, *self.condemned))
        groups, ended = self._through(self.replicas, self._lives)
        if not ended:
            given = (
                request for pod in self.condemned for request in reowned(self.cache, self.owner, pod, too_many=True)
            )
            more, ended = self._through(self.condemned, self._is_too_many)
            groups += (*((request,) for request in given), *more)
        victim = None if ended or self.owner.spec.update_strategy.type == ON_DELETE else self._outdated()
        if victim is not None:
            groups += ((Delete(ref_of(victim)),),)
        return groups, counted, int(victim is not None)

    def _through(self, pods: Sequence[Pod], step: Callable[[Pod], Asked]) -> tuple[Groups, bool]:
        """Go through Pods in order and stop where one says so; in parallel, in batches of 1, 2, 4, ... to the end."""
        if not self.ordered:
            return tuple(_batches([step(pod)[0] for pod in pods])), False
        found: list[tuple[Request, ...]] = []
        for pod in pods:
            requests, ends = step(pod)
            found += [(request,) for request in requests]
            if ends:
                return tuple(found), True
        return tuple(found), False

    def _lives(self, pod: Pod) -> Asked:
        """Say what to ask for about a Pod that there is to be, and whether it keeps the others waiting."""
        number = ordinal(pod)
        if pod.finished:
            return () if pod.metadata.terminating else (Delete(ref_of(pod)),), True
        if not _is_made(pod):
            if claim_is_going(self.cache, self.owner, number):
                return (), True
            return (*missing_claims(self.cache, self.owner, number), Create(pod)), self.ordered
        claims = missing_claims(self.cache, self.owner, number) if pod.status.phase == "Pending" else ()
        if self.ordered and not self._is_well(pod):
            return claims, True
        given = tuple(reowned(self.cache, self.owner, pod, too_many=False))
        if identity_matches(pod) and storage_matches(self.owner, pod):
            return (*claims, *given), False
        return (*claims, *given, Update(as_named(self.owner, pod), pod)), False

    def _is_too_many(self, pod: Pod) -> Asked:
        """Say what to ask for about a Pod that is too many: only the first that is not well may be let go unwell."""
        if pod.metadata.terminating:
            return (), self.ordered
        if self.ordered and not self._is_available(pod) and pod is not self._first_unhealthy():
            return (), True
        return (Delete(ref_of(pod)),), True

    def _outdated(self) -> Pod | None:
        """Return the last Pod of an old revision, if all behind it are healthy; None where none is to be replaced."""
        rolling = self.owner.spec.update_strategy.rolling_update
        partition = 0 if rolling is None else rolling.partition or 0
        for pod in reversed(self.replicas[partition:]):
            if revision_of(pod) != self.revisions.update.metadata.name and not pod.metadata.terminating:
                return pod
            if not _is_healthy(pod):
                return None
        return None

    def _first_unhealthy(self) -> Pod | None:
        return next((pod for pod in (*self.replicas, *reversed(self.condemned)) if not _is_healthy(pod)), None)

    def _is_well(self, pod: Pod) -> bool:
        return not pod.metadata.terminating and self._is_available(pod)

    def _is_available(self, pod: Pod) -> bool:
        return _is_ready(pod) and available(pod, self.owner.spec.min_ready_seconds, self.now)

    def counted(self, pods: tuple[Pod, ...]) -> _Counted:
        """Count Pods for the status."""
        made = [pod for pod in pods if _is_made(pod)]
        revisions = [revision_of(pod) for pod in made if not pod.metadata.terminating]
        return _Counted(
            len(made),
            sum(map(_is_ready, made)),
            sum(map(self._is_available, made)),
            revisions.count(self.revisions.current.metadata.name),
            revisions.count(self.revisions.update.metadata.name),
        )


def _versioned(owner: StatefulSet, revisions: Revisions, number: int) -> Pod:
    """Make the Pod of a number: below the partition of the current revision, else of the one that is rolled to."""
    strategy = owner.spec.update_strategy
    kept = number - owner.spec.first
    if strategy.rolling_update is not None:
        old = kept < (strategy.rolling_update.partition or 0)
    else:
        old = strategy.type == ROLLING and kept < owner.status.current_replicas
    chosen = revisions.current if old else revisions.update
    return new_pod(owner, template_of(chosen), chosen.metadata.name, number)


def _batches(asked: list[tuple[Request, ...]]) -> Iterator[tuple[Request, ...]]:
    """Put what is asked about Pods into batches of 1, 2, 4, ...: what a Pod needs first, then the Pods."""
    size = 1
    while asked:
        batch, asked = asked[:size], asked[size:]
        for place in range(max(map(len, batch), default=0)):
            yield tuple(requests[place] for requests in batch if place < len(requests))
        size = min(2 * size, MAX_BATCH)


def _is_made(pod: Pod) -> bool:
    return pod.status.phase != ""


def _is_ready(pod: Pod) -> bool:
    return pod.status.phase == "Running" and pod.ready


def _is_healthy(pod: Pod) -> bool:
    return _is_ready(pod) and not pod.metadata.terminating


def _write_status(owner: StatefulSet, revisions: Revisions, counted: _Counted, replaced: int) -> tuple[Request, ...]:
    """Update the status if it is not what was counted; where all are new and ready the rollout is complete."""
    wanted = owner.spec.wanted
    complete = owner.spec.update_strategy.type == ROLLING and counted.updated == counted.ready == wanted
    complete = complete and counted.replicas == wanted
    update = revisions.update.metadata.name
    status = StatefulSetStatus(
        observed_generation=owner.metadata.generation,
        replicas=counted.replicas,
        ready_replicas=counted.ready,
        available_replicas=counted.available,
        current_replicas=counted.updated if complete else counted.current - replaced,
        updated_replicas=counted.updated,
        current_revision=update if complete else revisions.current.metadata.name,
        update_revision=update,
        collision_count=revisions.collisions,
    )
    before = evolve(owner.status, collision_count=revisions.collisions, conditions=(), extra=status.extra)
    older = status.observed_generation <= before.observed_generation
    if evolve(status, observed_generation=before.observed_generation) == before and older:
        return ()
    return (Update(evolve(owner, status=status), owner, "status"),)


# --- what it looks at -------------------------------------------------------------------------------------------------

KEEP = Keep(labels=True, owners=True)


def _slim(obj: Object) -> Object | None:
    return _slimmed(obj, times=True)


def _coarse(obj: Object) -> Object | None:
    """Forget, too, since when a Pod is ready: without a clock nothing comes of it."""
    return _slimmed(obj, times=False)


def _slimmed(obj: Object, *, times: bool) -> Object | None:
    """Keep of a Pod its labels, claims, phase and readiness; all of one that may have to be written, to be named."""
    if not isinstance(obj, Pod):
        return None
    if not identity_matches(obj):
        return obj
    volumes = tuple(volume for volume in obj.spec.extra.get("volumes") or () if "persistentVolumeClaim" in volume)
    spec = PodSpec(extra=immutabledict({"volumes": volumes})) if volumes else PodSpec()
    return slim_pod(obj, KEEP, spec=spec, status=slim_ready(obj.status, times=times))


def _slim_claim(obj: Object) -> Object | None:
    return with_only(obj, slim_metadata(obj.metadata, Keep()))


TRANSFORM: Transform = immutabledict(
    {"ControllerRevision": whole, "PersistentVolumeClaim": whole, "Pod": _slim, "StatefulSet": whole}
)
"""Exact: a sync on what is kept is the same sync."""

COARSE_TRANSFORM: Transform = immutabledict({**TRANSFORM, "PersistentVolumeClaim": _slim_claim, "Pod": _coarse})
"""Smaller, and as good in a world without a clock, for a set whose claims belong to nobody (`retention.deletes`)."""
