"""Claims and volumes in a world: who binds and makes them, and whether a Pod's volumes are on its node.

Everything that one sync of the volume controllers writes is one step here. Nothing is lost by that: a claim counts as
bound once the last of its writes is there, a volume that is half bound is nobody else's already, and a sync that breaks
off is taken up again where it was. A volume that a class provisions is made, and bound, in one step, too; where it can
be reached is left open as far as the class leaves it open. Who binds acts on the store as it is: that it is late is
that step being late.

Claims and volumes have places only where one of them may change (`kinds`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import partial

from attrs import evolve
from immutabledict import immutabledict

from ....impl.api.apps import Sized, StatefulSet, Workload
from ....impl.api.cache import Cache
from ....impl.api.core import Node, Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import ObjectMeta, Ref
from ....impl.api.requests import Response
from ....impl.api.storage import PersistentVolume, PersistentVolumeClaim, StorageClass, default_of
from ....impl.api.values.frozen import as_map
from ....impl.apiserver.defaulting.defaulting import default
from ....impl.controllers.statefulset.identity import claims
from ....impl.controllers.statefulset.retention import deletes
from ....impl.controllers.volume import binding
from ....impl.controllers.volume.attaching import SHARED_MODES, disks
from ....impl.controllers.volume.provisioning import Reach, reach
from ....impl.scheduler.plugins.volumes.volume_binding import NO_PROVISIONER
from ....impl.scheduler.plugins.volumes.volume_claims import (
    WAIT_FOR_FIRST_CONSUMER,
    claim_names,
    fully_bound,
    volumes,
)
from ....model.machine import Action, Outcome, View
from ....model.world.store import Stored
from ....model.world.verbs import Verb
from ....model.world.world import World
from ...input.priorities import pod_spec
from ...input.scenario import Scenario

USER = "persistent-volume-binder"
CLAIM, VOLUME = "PersistentVolumeClaim", "PersistentVolume"
CALLED = "persistentvolume-controller"
READ = ("Node", VOLUME, CLAIM, "StorageClass")


# --- what there is to be ----------------------------------------------------------------------------------------------


def made_for_sets(scenario: Scenario) -> tuple[Ref, ...]:
    """Return the claims that Pods of StatefulSets will ever have, in their order."""
    found = (claim for obj in scenario.everything if isinstance(obj, StatefulSet) for claim in _claims(scenario, obj))
    return tuple(dict.fromkeys(map(ref_of, found)))


def _claims(scenario: Scenario, one: StatefulSet) -> Iterator[PersistentVolumeClaim]:
    placed = evolve(one, metadata=evolve(one.metadata, namespace=one.metadata.namespace or scenario.namespace))
    owner = default(placed)
    if isinstance(owner, StatefulSet):
        first = owner.spec.first
        for number in range(first, first + scenario.most_of(one)):
            yield from claims(owner, number)


def kinds(scenario: Scenario, objects: Iterable[Object]) -> frozenset[str]:
    """Return the kinds that have places: both, unless every claim is there, bound, and stays; then nobody acts.

    Not so where states to start from may differ in where volumes are.
    """
    given = [obj for obj in objects if isinstance(obj, PersistentVolume | PersistentVolumeClaim)]
    there = {ref_of(stored) for stored in given}
    sets = [obj for obj in scenario.everything if isinstance(obj, StatefulSet)]
    still = all(_rests(stored) for stored in given) and there.issuperset(made_for_sets(scenario))
    still = still and not any(map(deletes, sets))
    changed = frozenset().union(*(step.changes for step in scenario.script))
    if still and not (given and (tied(scenario) or disputed(scenario))) and not changed & {CLAIM, VOLUME, "Namespace"}:
        return frozenset()
    return frozenset({CLAIM, VOLUME})


def _rests(one: PersistentVolume | PersistentVolumeClaim) -> bool:
    return one.status.phase == "Bound" and not one.metadata.terminating


def growth(scenario: Scenario, objects: Iterable[Object], kind: str) -> int:
    """Bound how many claims or volumes may be added: those of sets that are missing, and a volume for each claim."""
    given = tuple(objects)
    there = {ref_of(obj) for obj in given}
    missing = sum(ref not in there for ref in made_for_sets(scenario))
    if kind == CLAIM:
        return missing
    unbound = sum(
        isinstance(obj, PersistentVolumeClaim) and not fully_bound(obj) for obj in (*given, *scenario.applied)
    )
    again = any(isinstance(obj, StatefulSet) and deletes(obj) for obj in scenario.everything)
    return missing + unbound + (len(made_for_sets(scenario)) if again else 0)


def homes(scenario: Scenario, pools: dict[str, tuple[str, ...]]) -> dict[Ref, str]:
    """Return the places that are kept for claims of sets and for the volumes made for them: what has a name has one."""
    claimed = made_for_sets(scenario) if CLAIM in pools else ()
    given = [ref_of(obj) for obj in scenario.everything if isinstance(obj, PersistentVolumeClaim)]
    given = [Ref(ref.kind, ref.namespace or scenario.namespace, ref.name) for ref in given]
    named = tuple(dict.fromkeys((*claimed, *given)))
    volumes = tuple(Ref(VOLUME, "", f"pvc-{ref.namespace}-{ref.name}") for ref in named)
    return last_places(claimed, pools.get(CLAIM, ())) | last_places(volumes, pools.get(VOLUME, ()))


def last_places(refs: tuple[Ref, ...], places: tuple[str, ...]) -> dict[Ref, str]:
    """Keep the last of some places for what has names of its own, if there are so many."""
    kept = refs if len(refs) <= len(places) else ()
    return dict(zip(kept, places[len(places) - len(kept) :], strict=True))


def tied(scenario: Scenario) -> bool:
    """Tell whether a volume may be one that some nodes do not reach."""
    return any(
        obj.spec.node_affinity is not None or bool(obj.metadata.labels)
        if isinstance(obj, PersistentVolume)
        else isinstance(obj, StorageClass) and (reach(obj) is not Reach.ANYWHERE or bool(obj.allowed_topologies))
        for obj in scenario.everything
    )


def shared(scenario: Scenario) -> bool:
    """Tell whether two Pods have a volume that one node has at a time, or that is made where the first of them goes.

    Then it hangs on the order of steps who has it, and where the others may go.
    """
    free = {
        (claim.metadata.namespace, claim.metadata.name) for claim in _all_claims(scenario) if _is_free(scenario, claim)
    }
    users: Counter[Hashable] = Counter()
    for obj in scenario.everything:
        if (spec := pod_spec(obj)) is not None:
            several = isinstance(obj, Workload) and (not isinstance(obj, Sized) or obj.spec.wanted > 1)
            space = obj.metadata.namespace or scenario.namespace
            claimed = {(space, name) for name, ephemeral in claim_names(Pod(obj.metadata, spec)) if not ephemeral}
            for volume in (*(claimed - free), *(disk for disk, _ in disks(spec))):
                users[volume] += 2 if several else 1
    return any(count > 1 for count in users.values())


def _is_free(scenario: Scenario, claim: PersistentVolumeClaim) -> bool:
    """Tell whether any number of nodes may have the volume of a claim, wherever who asks for it first goes."""
    classes = [obj for obj in scenario.everything if isinstance(obj, StorageClass)]
    named = claim.spec.storage_class_name
    name = default_of(classes) if named is None else named
    waits = any(
        known.metadata.name == name and known.volume_binding_mode == WAIT_FOR_FIRST_CONSUMER for known in classes
    )
    return bool(SHARED_MODES.intersection(claim.spec.access_modes)) and not waits


def disputed(scenario: Scenario) -> bool:
    """Tell whether it hangs on the order of steps which volume a claim gets, and where that is."""
    free = [obj for obj in scenario.everything if isinstance(obj, PersistentVolume) and obj.spec.claim_ref is None]
    now = any(
        isinstance(obj, StorageClass) and obj.volume_binding_mode != "WaitForFirstConsumer"
        for obj in scenario.everything
    )
    return not _each_its_own(scenario, free) or (now and tied(scenario))


def _each_its_own(scenario: Scenario, free: list[PersistentVolume]) -> bool:
    """Tell whether no free volume may go to either of two claims, and no claim that may get one may get another.

    A claim that names no class may be looked at before it is given the usual one, and after.
    """
    classes = [obj for obj in scenario.everything if isinstance(obj, StorageClass)]
    making = {storage_class.metadata.name for storage_class in classes if storage_class.provisioner != NO_PROVISIONER}
    wanted: dict[str, set[Ref]] = {}
    for claim in _all_claims(scenario):
        named = claim.spec.storage_class_name
        names = {default_of(classes), ""} if named is None else {named}
        given = claim.spec.volume_name
        fit = [
            volume
            for volume in free
            if (volume.metadata.name == given if given else volume.spec.storage_class_name in names)
        ]
        if fit and (len(fit) > 1 or (not given and names & making)):
            return False
        for volume in fit:
            wanted.setdefault(volume.metadata.name, set()).add(ref_of(claim))
    return all(len(refs) == 1 for refs in wanted.values())


def _all_claims(scenario: Scenario) -> Iterator[PersistentVolumeClaim]:
    """Yield every claim that there may be, with its namespace: those of the input, and those of sets."""
    for obj in scenario.everything:
        if isinstance(obj, PersistentVolumeClaim):
            yield evolve(obj, metadata=evolve(obj.metadata, namespace=obj.metadata.namespace or scenario.namespace))
        elif isinstance(obj, StatefulSet):
            yield from _claims(scenario, obj)


def template_of(maker: Workload) -> Pod:
    """Return a Pod as a workload's template has it: without volumes that a StatefulSet's own take the place of."""
    template, spec = maker.spec.template, maker.spec.template.spec
    if isinstance(maker, StatefulSet):
        own = {claim.metadata.name for claim in maker.spec.volume_claim_templates}
        kept = tuple(volume for volume in volumes(Pod(spec=spec)) if as_map(volume).get("name") not in own)
        extra = {**spec.extra, "volumes": kept} if kept else {k: v for k, v in spec.extra.items() if k != "volumes"}
        spec = evolve(spec, extra=immutabledict(sorted(extra.items())))
    return Pod(evolve(template.metadata, namespace=maker.metadata.namespace), spec)


def unknown_claims(scenario: Scenario, pod: Pod) -> Iterator[str]:
    """Yield the claims of a Pod of which the input does not tell enough, unless it is said to be all there is.

    A claim that is not in it, whose volume is not, or that only a volume by hand would do for where it has none.
    """
    given = {ref_of(obj): obj for obj in scenario.everything}
    made = frozenset(made_for_sets(scenario))
    for name, ephemeral in claim_names(pod):
        ref = Ref(CLAIM, pod.metadata.namespace or scenario.namespace, name)
        claim = given.get(ref) or given.get(Ref(CLAIM, "", name))
        known = isinstance(claim, PersistentVolumeClaim) and _is_known(claim, given)
        if ephemeral or not (scenario.complete or known or (claim is None and ref in made)):
            yield name


def _is_known(claim: PersistentVolumeClaim, given: Mapping[Ref, Object]) -> bool:
    """Tell whether the input has the volume that a claim names, or the class, or some volume that may be its own."""
    if claim.spec.volume_name:
        return Ref(VOLUME, "", claim.spec.volume_name) in given
    found = given.get(Ref("StorageClass", "", claim.spec.storage_class_name or ""))
    classes = [obj for obj in given.values() if isinstance(obj, StorageClass)]
    if claim.spec.storage_class_name is None and (name := default_of(classes)):
        found = given[Ref("StorageClass", "", name)]
    makes = isinstance(found, StorageClass) and found.provisioner != NO_PROVISIONER
    return makes or any(isinstance(obj, PersistentVolume) for obj in given.values())


# --- who binds and makes them -----------------------------------------------------------------------------------------


def actions(world: World) -> tuple[Action, ...]:
    """Return what the volume controllers do with each claim and each volume."""
    found = []
    for place in (*world.layout.pools.get(CLAIM, ()), *world.layout.pools.get(VOLUME, ())):
        kind, number = place.split("/")[1:]
        name = f"{CALLED} {kind} {number}"
        found.append(
            Action(f"{name}: works", name, partial(_works, world, place), by=CALLED, verb=Verb.SENDS, on=place)
        )
    return tuple(found)


def _works(world: World, place: str, view: View) -> Iterator[Outcome]:
    obj = view[place]
    if obj is None:
        return
    key = ref_of(obj)

    def told(_answers: tuple[Response, ...], after: Stored) -> str:
        return _told(key, after.get(key), obj)

    for turn in binding.reconcile_all(_seen(world, view, pods=obj.metadata.terminating), key):
        yield from world.at_once(view, USER, turn, told)


def _told(key: Ref, after: Object | None, before: Object) -> str:
    """Say what became of a claim or a volume."""
    if after is None:
        return f"{key.kind} {key.name} goes"
    if isinstance(after, PersistentVolumeClaim) and after.status.phase == "Bound" != before.status.phase:  # type: ignore[union-attr]
        return f"binds {key.kind} {key.name} to {after.spec.volume_name}"
    phase = getattr(getattr(after, "status", None), "phase", "")
    return f"{key.kind} {key.name} is {phase}"


def _seen(world: World, view: View, *, pods: bool) -> Cache:
    """Return what the volume controllers look at, as it is."""
    layout = world.layout
    constants = (constant for ref, constant in layout.constants.items() if ref.kind in READ)
    placed = (view[slot] for kind in READ if kind != "Node" for slot in layout.pools.get(kind, ()))
    nodes = (view.via(_labelled, slot) for slot in layout.pools.get("Node", ()))
    users = (view.via(_using, slot) for slot in layout.pools["Pod"]) if pods else ()
    return Cache.of(user for user in (*constants, *placed, *nodes, *users) if user is not None)


def _labelled(obj: Object | None) -> Object | None:
    return Node(ObjectMeta(name=obj.metadata.name, labels=obj.metadata.labels)) if isinstance(obj, Node) else None


def _using(obj: Object | None) -> Object | None:
    """Keep of a Pod where it is and which claims it names."""
    if not isinstance(obj, Pod) or not any(True for _ in claim_names(obj)):
        return None
    meta = ObjectMeta(name=obj.metadata.name, namespace=obj.metadata.namespace)
    return Pod(meta, evolve(Pod().spec, node_name=obj.spec.node_name, extra=obj.spec.extra))
