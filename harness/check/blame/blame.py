"""Which object of the input is in breach, and at which field: from what was found in a run back to the manifest.

A Pod that runs into trouble was made by a ReplicaSet, that by a Deployment: the one to change is the one that stands in
a file. Nothing is blamed that nobody wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ....impl.api.cache import Cache
from ....impl.api.core import Namespace, Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.references import references
from ....impl.api.webhooks import unserved
from ....impl.api.workloads import TEMPLATE
from ....impl.kubelet.behaviour import ready_when
from ....impl.kubelet.obstacles import obstacles
from ....impl.kubelet.starting import impatient, starts_in
from ....model.machine import State
from ....properties.placement.placement import nearest
from ...claims.convergence import objects_of
from ...input.assumed.surroundings import known_of
from ...input.scenario import Holder
from ...input.workloads import templates
from ...world import scheduling
from ...world.cluster import Cluster
from ..results import Blame
from . import refusals
from .volumes import taken, unbound, unmounted

WITHIN = {"Pod": "spec"}
"""Where the spec of the Pods stands, by kind; in a template otherwise."""


def written(one: Object, objects: Iterable[Object]) -> Ref:
    """Return the object that somebody wrote of which another came: its controller's controller, as far as that goes."""
    there = {ref_of(other): other for other in objects}
    ref = ref_of(one)
    seen = {ref}
    while (owner := there.get(ref, one).metadata.controller) is not None:
        above = Ref(owner.kind, one.metadata.namespace, owner.name)
        if above in seen or above not in there:
            return above
        seen.add(above)
        ref = above
    return ref


def below(ref: Ref, field: str) -> str:
    """Return the path of a field of the Pods' spec in the object that makes them."""
    return f"{WITHIN.get(ref.kind, f'{TEMPLATE}.spec')}{f'.{field}' if field else ''}"


def of_stuck(core: Cluster, state: State) -> tuple[Blame, ...]:
    """Return what to change where nothing moves: what is named and missing, what cannot start, who waits for a node."""
    objects = objects_of(core, state)
    found = (*_missing(core), *_held(core, objects), *refusals.blamed(core, state), *_unserved(core, objects))
    return tuple(
        dict.fromkeys(
            (
                *found,
                *_killed(objects),
                *_looking(objects),
                *_short_of_volumes(core, objects),
                *refusals.guarding(core, state),
            )
        )
    )


def _short_of_volumes(core: Cluster, objects: tuple[Object, ...]) -> Iterator[Blame]:
    """Yield who waits for a node, and the claims without a volume: first those whose class is not there at all."""
    found = tuple(unbound(objects))
    yield from (claim.blame for claim in found if claim.nobody)
    yield from _waiting(core, objects)
    yield from (claim.blame for claim in found if not claim.nobody)


def holding(core: Cluster, objects: Iterable[Object]) -> tuple[Holder, ...]:
    """Return what without a class here holds a namespace that is being deleted."""
    going = {obj.metadata.name for obj in objects if isinstance(obj, Namespace) and obj.metadata.terminating}
    return tuple(holder for holder in core.scenario.holders if holder.ref.namespace in going)


def _held(core: Cluster, objects: Iterable[Object]) -> Iterator[Blame]:
    for holder in holding(core, objects):
        names = ", ".join(holder.finalizers)
        why = f"{names} keeps it, and so its namespace, from ever being gone; no controller here takes that away"
        yield Blame(holder.ref, "metadata.finalizers", why)


def _unserved(core: Cluster, objects: Iterable[Object]) -> Iterator[Blame]:
    """Name who must be asked and is served by nobody: webhooks, and groups of the API that a namespace waits for."""
    there = Cache.of(objects)

    def lacks(service: Ref) -> str:
        return unserved(service, there.objects.get(service), there.list(Pod))

    for webhook in core.scenario.webhooks:
        if why := lacks(webhook.service):
            yield Blame(
                webhook.configuration, "webhooks", f"{webhook.name} must be asked (failurePolicy Fail), but {why}"
            )
    going = any(isinstance(obj, Namespace) and obj.metadata.terminating for obj in there.objects.values())
    for api in core.scenario.aggregated if going else ():
        if why := lacks(api.service):
            yield Blame(api.api, "spec.service", f"no namespace is gone while it does not answer: {why}")


def _killed(objects: tuple[Object, ...]) -> Iterator[Blame]:
    """Name the probes by which programs are killed before they have started up."""
    for pod in objects:
        if isinstance(pod, Pod) and pod.spec.node_name and not pod.ready:
            ref = written(pod, objects)
            for obstacle in impatient(pod.spec, starts_in(pod)):
                yield Blame(ref, below(ref, obstacle.path), obstacle.why)


def _looking(objects: tuple[Object, ...]) -> Iterator[Blame]:
    """Name the Pods whose programs get ready when the name of a Service leads to somebody, and are not."""
    for pod in objects:
        if isinstance(pod, Pod) and pod.spec.node_name and not pod.ready and (names := ready_when(pod)):
            ref = written(pod, objects)
            field = "metadata.annotations" if ref.kind == "Pod" else f"{TEMPLATE}.metadata.annotations"
            yield Blame(ref, field, f"{pod.metadata.name} gets ready when {', '.join(names)} leads to somebody")


def _missing(core: Cluster) -> Iterator[Blame]:
    known = known_of(core.scenario)
    for maker in templates(core.scenario.objects):
        for reference in references(maker.spec, maker.ref.namespace):
            if reference.ref in core.scenario.absent - known.absent:
                yield Blame(maker.ref, below(maker.ref, reference.path), f"there is no {reference.ref} in the input")
        for obstacle in obstacles(maker.spec, maker.ref.namespace, known):
            yield Blame(maker.ref, below(maker.ref, obstacle.path), obstacle.why)


def _waiting(core: Cluster, objects: tuple[Object, ...]) -> Iterator[Blame]:
    named: set[Ref] = set()
    for pod in objects:
        if not isinstance(pod, Pod):
            continue
        held = pod.spec.node_name and not pod.ready
        if held and (why := unmounted(pod, objects) or taken(pod, objects)):
            ref = written(pod, objects)
            yield Blame(ref, below(ref, "volumes"), why)
        if not pod.spec.node_name and not pod.metadata.terminating:
            ref = written(pod, objects)
            if ref not in named:
                named.add(ref)
                yield _why_waiting(core, objects, pod, ref)


def _why_waiting(core: Cluster, objects: tuple[Object, ...], pod: Pod, ref: Ref) -> Blame:
    running = core.scenario.schedulers.names
    if scheduling.named(pod) not in running:
        why = f"no scheduler of this name runs; those that run are: {', '.join(running)} (schedulers)"
        return Blame(ref, below(ref, "schedulerName"), why)
    why = nearest(pod, Cache.of(objects))
    return Blame(ref, below(ref, ""), why)
