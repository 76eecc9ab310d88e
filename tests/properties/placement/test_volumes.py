"""Volumes in the placement specification: as the scheduler's four volume filters have it, or said to be undecided."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Node, Pod
from kubeproof.impl.api.kinds import Object
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.scheduler import Profile, schedule
from kubeproof.impl.scheduler.profile import DEFAULT
from kubeproof.properties.placement.groups import Fits, Group, Groups, Misfit, contradiction, place
from kubeproof.properties.placement.volumes import bars, undecided
from planted import planted

ZONE = "topology.kubernetes.io/zone"
VOLUMES = Profile(tuple(one for one in DEFAULT.filters if "Volume" in one.name), ())
SPECIFICATION = "kubeproof.properties.placement.volumes"


def made(kind: str, name: str, version: str = "v1", namespace: str = "", **fields: Any) -> Any:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **fields.pop("metadata", {})}
    return from_json({"apiVersion": version, "kind": kind, "metadata": metadata, **fields})


def node(name: str, zone: str) -> Node:
    labels = {"kubernetes.io/hostname": name, **({ZONE: zone} if zone else {})}
    found = made("Node", name, metadata={"labels": labels}, status={"allocatable": {"pods": "9"}})
    assert isinstance(found, Node)
    return found


def pod(name: str, *claims: str, on: str = "", more: Any = ()) -> Pod:
    volumes = [{"name": one, "persistentVolumeClaim": {"claimName": one}} for one in claims]
    spec = {"containers": [{"name": "c", "image": "i"}], "nodeName": on, "volumes": [*volumes, *more]}
    found = made("Pod", name, namespace="default", spec=spec)
    assert isinstance(found, Pod)
    return found


def claim(name: str, volume: str = "", cls: str = "wait", mode: str = "ReadWriteOnce", **metadata: Any) -> Object:
    annotations = {"pv.kubernetes.io/bind-completed": "yes"} if volume else {}
    spec = {"accessModes": [mode], "storageClassName": cls, "volumeName": volume}
    told = {"annotations": {**annotations, **metadata}}
    found: Object = made("PersistentVolumeClaim", name, namespace="default", metadata=told, spec=spec)
    return found


def volume(name: str, zone: str = "", host: str = "", **spec: Any) -> Object:
    reach = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [host]}]}
    affinity = {"nodeAffinity": {"required": {"nodeSelectorTerms": [reach]}}} if host else {}
    csi = {"csi": {"driver": "disk.example.com", "volumeHandle": name}}
    labels = {"labels": {ZONE: zone}} if zone else {}
    found: Object = made("PersistentVolume", name, metadata=labels, spec={**csi, **affinity, **spec})
    return found


def storage_class(name: str, mode: str, provisioner: str = "disk.example.com", zone: str = "") -> Object:
    topologies = [{"matchLabelExpressions": [{"key": ZONE, "values": [zone]}]}] if zone else []
    version = "storage.k8s.io/v1"
    found: Object = made(
        "StorageClass",
        name,
        version,
        provisioner=provisioner,
        volumeBindingMode=mode,
        allowedTopologies=topologies,
    )
    return found


def attaches(name: str, count: int) -> Object:
    drivers = [{"name": "disk.example.com", "nodeID": name, "allocatable": {"count": count}}]
    found: Object = made("CSINode", name, "storage.k8s.io/v1", spec={"drivers": drivers})
    return found


CLASSES = (
    storage_class("wait", "WaitForFirstConsumer"),
    storage_class("here", "WaitForFirstConsumer", zone="z1"),
    storage_class("now", "Immediate"),
    storage_class("hand", "WaitForFirstConsumer", provisioner="kubernetes.io/no-provisioner"),
)
NODES = (node("n1", "z1"), node("n2", "z2"), node("n3", ""))
CLAIMS = st.builds(
    lambda name, bound, cls, mode, chosen: claim(
        name, bound, cls, mode, **({"volume.kubernetes.io/selected-node": chosen} if chosen and not bound else {})
    ),
    st.sampled_from(["c1", "c2", "c3"]),
    st.sampled_from(["", "v1", "v2", "gone"]),
    st.sampled_from(["wait", "here", "now", "hand", "none"]),
    st.sampled_from(["ReadWriteOnce", "ReadWriteOncePod"]),
    st.sampled_from(["", "", "n1"]),
)
DISK = st.builds(
    lambda disk, reads: {"name": "d", "gcePersistentDisk": {"pdName": disk, "readOnly": reads}},
    st.sampled_from(["d1", "d2"]),
    st.booleans(),
)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Pod, tuple[Pod, ...], Cache]:
    volumes = [
        volume("v1", draw(st.sampled_from(["", "z1", "z1__z2"])), draw(st.sampled_from(["", "n1"]))),
        volume("v2", draw(st.sampled_from(["", "z2"])), storageClassName=draw(st.sampled_from(["wait", "hand"]))),
    ]
    limits = [attaches(name, draw(st.integers(0, 2))) for name in draw(st.sampled_from([(), ("n1",), ("n1", "n2")]))]
    names = st.lists(st.sampled_from(["c1", "c2", "c3"]), max_size=2, unique=True)
    disks = st.lists(DISK, max_size=1)
    there = tuple(
        pod(f"old{one}", *draw(names), on=draw(st.sampled_from(["n1", "n2"])), more=draw(disks)) for one in (1, 2)
    )
    new = pod("new", *draw(names), more=draw(disks))
    return new, there, Cache.of([*volumes, *limits, *CLASSES, *draw(st.lists(CLAIMS, max_size=3))])


def allowed(new: Pod, there: tuple[Pod, ...], storage: Cache) -> tuple[str, ...]:
    """Ask the specification about each node alone."""
    return tuple(
        one.metadata.name
        for one in NODES
        if isinstance(place(Groups((Group(new, 1),), (one, *_closed(one)), there, storage=storage)), Fits)
    )


def feasible(new: Pod, there: tuple[Pod, ...], storage: Cache) -> tuple[str, ...]:
    """Ask the four filters."""
    return schedule(new, Cache.of([*storage.objects.values(), *NODES, *there]), VOLUMES).feasible


@settings(max_examples=50)
@given(worlds())
def test_the_specification_refuses_what_the_four_filters_refuse(world: tuple[Pod, tuple[Pod, ...], Cache]) -> None:
    if not undecided([(world[0], 1)], NODES, world[2]):
        assert allowed(*world) == feasible(*world)


def _closed(open_one: Node) -> tuple[Node, ...]:
    """Return the other nodes, cordoned: what runs there still counts."""
    return tuple(evolve(one, spec=evolve(one.spec, unschedulable=True)) for one in NODES if one is not open_one)


def test_what_is_undecided_is_rare_and_each_kind_of_refusal_occurs() -> None:
    storage = Cache.of([*CLASSES, volume("v1", "z1"), volume("v2", host="n1"), claim("c1", "v1"), claim("c2", "v2")])
    kinds = {kind for one, two in product(NODES, ("c1", "c2")) for kind, _, _ in bars(pod("p", two), one, storage)}
    assert kinds == {"volume"}
    assert [kind for kind, _, _ in bars(pod("p", "c9"), NODES[0], storage)] == ["claim"]


@pytest.mark.parametrize(
    ("claims", "count", "words"),
    [
        pytest.param([claim("c")], 2, "several Pods share the claim c", id="who comes first"),
        pytest.param([claim("c", cls="hand")], 1, "one of several volumes", id="which volume"),
        pytest.param([claim("c")], 1, "", id="one can be made anywhere"),
        pytest.param([claim("c", "v2")], 2, "", id="it is bound"),
    ],
)
def test_what_is_undecided_is_said(claims: list[Object], count: int, words: str) -> None:
    storage = Cache.of([*CLASSES, volume("v2", storageClassName="hand"), *claims])
    said = undecided([(pod("p", "c"), count)], NODES, storage)
    assert words in said
    assert bool(said) == bool(words)


def test_a_claim_of_a_pod_that_makes_its_own_is_undecided_until_it_is_there() -> None:
    own = {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}
    assert "made for each Pod" in undecided([(pod("p", more=[own]), 1)], NODES, Cache())


def test_a_claim_for_one_pod_has_one_user() -> None:
    storage = Cache.of([*CLASSES, volume("v1"), claim("c", "v1", mode="ReadWriteOncePod")])
    two = Groups((Group(pod("p", "c"), 2),), NODES, storage=storage)
    answer = contradiction(two)
    assert isinstance(answer, Misfit)
    assert {reason.kind for reason in answer.core} == {"must run", "single user"}
    assert contradiction(evolve(two, groups=(Group(pod("p", "c"), 1),))) is None


def test_a_node_attaches_no_more_volumes_than_its_driver_can() -> None:
    claims = [claim(f"c{one}", f"v{one}") for one in range(3)]
    storage = Cache.of([*CLASSES, *claims, *(volume(f"v{one}") for one in range(3)), attaches("n1", 2)])
    groups = Groups(tuple(Group(pod(f"p{one}", f"c{one}"), 1) for one in range(3)), NODES[:1], storage=storage)
    answer = place(groups)
    assert isinstance(answer, Misfit)
    assert "n1 attaches at most 2 volumes of disk.example.com; 0 are attached" in [one.words for one in answer.core]
    shared = evolve(groups, groups=(Group(pod("p", "c0", "c1"), 4),))
    assert isinstance(place(shared), Fits)
    assert isinstance(place(evolve(shared, bound=(pod("old", "c0", on="n1"),))), Fits)
    assert isinstance(place(evolve(shared, bound=(pod("old", "c2", on="n1"),))), Misfit)


def disk(*, reads: bool) -> dict[str, Any]:
    return {"name": "d", "gcePersistentDisk": {"pdName": "d1", "readOnly": reads}}


HALF = evolve(claim("c", "v", "now"), metadata=evolve(claim("c", "v").metadata, annotations=strings({})))
UNBOUND = evolve(claim("c", "v", "wait"), metadata=HALF.metadata)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ([], "which does not exist"),
        ([volume("v")], "which has no storage class, and the claim has the storage class wait"),
        ([volume("v", storageClassName="now")], "which has the storage class now, and the claim has"),
        ([volume("v", storageClassName="wait")], "which is not ReadWriteOnce"),
        ([volume("v", storageClassName="wait", accessModes=["ReadWriteOnce"])], "and is not bound to it yet"),
        ([volume("v", claimRef={"namespace": "default", "name": "d"})], "which is kept for the claim default/d"),
    ],
)
def test_why_a_claim_has_not_the_volume_that_it_names_is_said(more: list[Object], why: str) -> None:
    (told,) = bars(pod("p", "c"), NODES[0], Cache.of([*CLASSES, UNBOUND, *more]))
    assert told[1].startswith(f"the claim c names the volume v, {why}")


EXAMPLES = [
    pytest.param(
        (pod("p", "c"), (), [claim("c", "v"), volume("v", "z10")]), 'mine[key].split("__")', "mine[key]",
        ("n3",), id="a zone that is part of another's name",
    ),
    pytest.param(
        (pod("p", "c"), (), [claim("c", "v"), volume("v", "z1")]), "if any(key in there for key in keys) else ()", "",
        ("n1", "n3"), id="a node that says no zone",
    ),
    pytest.param(
        (pod("p", more=[disk(reads=True)]), (pod("old", more=[disk(reads=False)], on="n1"),), []),
        "not (reads and theirs[disk])", "not reads", ("n2", "n3"), id="a reader beside a writer",
    ),
    pytest.param(
        (pod("p", "c"), (pod("old", "c", on="n1"),), [claim("c", "v"), volume("v")]),
        '"ReadWriteOncePod" in', '"ReadWriteOnce" in', ("n1", "n2", "n3"), id="a claim for one node",
    ),
    pytest.param(
        (pod("p", "c"), (), [HALF, volume("v")]), "and BOUND in claim", "or BOUND in claim",
        (), id="bound by halves",
    ),
    pytest.param(
        (pod("p", "c"), (), [claim("c", cls="here")]), "return not terms or any(", "return any(True or",
        ("n1",), id="made in one zone only",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("world", "before", "after", "expected"), EXAMPLES)
def test_an_example_is_as_the_filters_say_and_a_planted_fault_changes_it(
    world: tuple[Pod, tuple[Pod, ...], list[Object]], before: str, after: str, expected: tuple[str, ...]
) -> None:
    new, there, objects = world
    storage = Cache.of([*CLASSES, *objects])
    assert allowed(new, there, storage) == feasible(new, there, storage) == expected
    with planted(SPECIFICATION, before, after):
        assert allowed(new, there, storage) != expected
