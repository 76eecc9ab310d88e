"""The volume controllers beside their model in small worlds: two claims and two volumes, in whatever state."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement, product

from attrs import evolve
from immutabledict import immutabledict

from ....impl.api.cache import Cache
from ....impl.api.core import Node, ObjectReference, Pod, PodSpec, ResourceRequirements, Resources
from ....impl.api.meta import ObjectMeta, Ref
from ....impl.api.storage import (
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimStatus,
    PersistentVolumeSpec,
    PersistentVolumeStatus,
    StorageClass,
)
from ....impl.api.values.frozen import freeze, strings
from ....impl.api.values.quantity import Quantity
from ....impl.api.well_known import CLAIM_IN_USE, HOSTNAME, VOLUME_IN_USE
from ....impl.controllers.volume import binding as controller
from ....model.components.resources.volume import steps as model_steps
from ...proof import Answer
from ..granted import all_granted, with_object
from ..lockstep import Step, searched, unless
from .volume import BOUND, CHOSEN, abstract

NODES = tuple(Node(ObjectMeta(name=name, labels=strings({HOSTNAME: name}))) for name in ("n1", "n2"))
CLASSES = (
    StorageClass(ObjectMeta(name="by-hand"), "kubernetes.io/no-provisioner", "Immediate"),
    StorageClass(ObjectMeta(name="now"), "rancher.io/local-path", "Immediate"),
    StorageClass(ObjectMeta(name="later"), "rancher.io/local-path", "WaitForFirstConsumer"),
)
NAMES = ("a", "b")
Claims = tuple[tuple[str, int, str], ...]
Volumes = tuple[tuple[int, str, str, str], ...]
CLAIMS = (
    ("by-hand", 1, "free"),
    ("by-hand", 2, "free"),
    ("now", 1, "free"),
    ("later", 1, "free"),
    ("later", 1, "chosen"),
    ("by-hand", 1, "bound"),
    ("now", 1, "bound"),
    ("by-hand", 1, "going"),
    ("by-hand", 1, "used"),
)
"""A claim: its class, its size, and what has become of it."""
VOLUMES = (
    (1, "", "Pending", "Retain"),
    (1, "", "Available", "Retain"),
    (2, "", "Available", "Retain"),
    (1, "", "Available", "Delete"),
    (1, "a", "Available", "Retain"),
    (1, "a", "Bound", "Delete"),
    (1, "gone", "Bound", "Delete"),
    (1, "gone", "Bound", "Retain"),
    (1, "gone", "Released", "Delete"),
    (1, "gone", "Released", "Retain"),
)
"""A volume: its size, the claim that it names, its phase, and whether it is kept when that is gone."""


def volume_proof() -> Answer:
    """Search up to two claims and two volumes: whatever a sync does is a step of the model, and none is left out."""

    def steps(store: Cache) -> Iterator[Step]:
        before = abstract(store)
        wanted = tuple(model_steps(before))
        found = tuple(taken(store))
        for what, after in found:
            now = abstract(after)
            yield Step(what, after, unless(now in wanted, f"{before} becomes {now}, which the model does not"))
        reached = {abstract(after) for _, after in found}
        missing = [state for state in wanted if state not in reached]
        wrong = f"{before} does not become {missing[:1]}, as in the model"
        yield Step("all together", store, unless(not missing, wrong))

    return searched(_stores(), steps, most=2)


def taken(store: Cache) -> Iterator[tuple[str, Cache]]:
    """Yield what each sync of a claim or volume makes of a store."""
    for ref in sorted(store.objects):
        if ref.kind in {"PersistentVolume", "PersistentVolumeClaim"}:
            for turn in controller.reconcile_all(store, ref):
                yield f"a sync of {ref}", all_granted(store, turn, "made")


def _stores() -> Iterator[Cache]:
    several: list[tuple[Claims, Volumes]] = [(some, ()) for some in product(CLAIMS, repeat=2)]
    several += [(some, (single,)) for some in product(CLAIMS, repeat=2) for single in VOLUMES]
    several += [((single,), two) for single in CLAIMS for two in combinations_with_replacement(VOLUMES, 2)]
    yield from (world(claims, volumes) for claims, volumes in several if is_whole(claims, volumes))


def is_whole(claims: Claims, volumes: Volumes) -> bool:
    """Tell whether the first volume, if there is one, is of whoever is bound to it, and no claim has two."""
    if len(volumes) > 1 and volumes[0][1] == volumes[1][1] == "a":
        return False
    bound = [name for name, (_, _, state) in zip(NAMES, claims, strict=False) if state == "bound"]
    return not bound or not volumes or [volumes[0][1]] == bound


def world(claims: Claims, volumes: Volumes) -> Cache:
    """Return nodes, classes, these claims and these volumes; the Pod of a claim in use has a node."""
    store = Cache.of((*NODES, *CLASSES))
    for name, (of, size, state) in zip(NAMES, claims, strict=False):
        store = with_object(store, claim(name, of, size, state))
        store = with_object(store, user(name)) if state == "used" else store
    for number, (size, ref, phase, policy) in enumerate(volumes):
        store = with_object(store, volume(f"v{number}", size, ref, phase, policy))
    return store


def sized(size: int) -> Resources:
    """Return an amount of storage."""
    return immutabledict({"storage": Quantity.of(size)})


def claim(name: str, of: str, size: int, state: str) -> PersistentVolumeClaim:
    """Make a claim."""
    ref = Ref("PersistentVolumeClaim", "d", name)
    noted = {"chosen": {CHOSEN: "n1"}, "bound": {BOUND: "yes"}}.get(state, {})
    meta = ObjectMeta(
        name=name,
        namespace="d",
        uid=f"{ref.kind}/d/{name}",
        annotations=strings(noted),
        deletion_timestamp=0 if state in {"going", "used"} else None,
        finalizers=(CLAIM_IN_USE,),
    )
    spec = PersistentVolumeClaimSpec(
        ("ReadWriteOnce",), None, ResourceRequirements(requests=sized(size)), "v0" if state == "bound" else "", of
    )
    return PersistentVolumeClaim(meta, spec, PersistentVolumeClaimStatus("Bound" if state == "bound" else "Pending"))


def volume(name: str, size: int, of: str, phase: str, policy: str) -> PersistentVolume:
    """Make a volume; one that is to be deleted is of a class that waits."""
    ref = ObjectReference("PersistentVolumeClaim", "d", of, f"PersistentVolumeClaim/d/{of}") if of else None
    cls = "later" if policy == "Delete" else "by-hand"
    spec = PersistentVolumeSpec(sized(size), ("ReadWriteOnce",), ref, cls, persistent_volume_reclaim_policy=policy)
    meta = ObjectMeta(name=name, uid=f"PersistentVolume//{name}", finalizers=(VOLUME_IN_USE,))
    return PersistentVolume(meta, spec, PersistentVolumeStatus(phase))


def user(name: str) -> Pod:
    """Make a Pod on a node that names a claim."""
    volumes = freeze([{"name": "v", "persistentVolumeClaim": {"claimName": name}}])
    pod = Pod(ObjectMeta(name=f"of-{name}", namespace="d", uid=f"Pod/d/of-{name}"))
    return evolve(pod, spec=PodSpec(node_name="n1", extra=immutabledict({"volumes": volumes})))
