"""Volumes where the recordings are silent: claims that are no use, choices among volumes, disks, limits, zones."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Node, Pod
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.api.storage import PersistentVolume, PersistentVolumeClaim
from kubeproof.impl.scheduler import schedule
from kubeproof.impl.scheduler.plugins.volumes.volume_binding import find_matching_volume
from kubeproof.impl.scheduler.plugins.volumes.volume_restrictions import CLAIM_TAKEN

BOUND = {"pv.kubernetes.io/bind-completed": "yes"}
ZONE = "topology.kubernetes.io/zone"


def made(kind: str, name: str, *, version: str = "v1", metadata: Any = None, **fields: Any) -> Any:
    return from_json({"apiVersion": version, "kind": kind, "metadata": {"name": name, **(metadata or {})}, **fields})


def node(name: str, **labels: str) -> Node:
    found = made(
        "Node",
        name,
        metadata={"labels": {"kubernetes.io/hostname": name, **labels}},
        status={"allocatable": {"pods": "9", "cpu": "2"}},
    )
    assert isinstance(found, Node)
    return found


def pod(name: str, *volumes: Any, on: str = "", namespace: str = "default") -> Pod:
    named = [{"name": f"v{number}", **volume} for number, volume in enumerate(volumes)]
    spec = {"containers": [{"name": "c", "image": "i"}], "volumes": named, "nodeName": on}
    found = made("Pod", name, metadata={"namespace": namespace}, spec=spec)
    assert isinstance(found, Pod)
    return found


def use(name: str) -> dict[str, Any]:
    return {"persistentVolumeClaim": {"claimName": name}}


def claim(
    name: str, volume: str = "", *, phase: str = "", metadata: Any = None, modes: Any = ("ReadWriteOnce",), **spec: Any
) -> PersistentVolumeClaim:
    wanted = {"accessModes": list(modes), "resources": {"requests": {"storage": "2Gi"}}, "storageClassName": "fast"}
    found = made(
        "PersistentVolumeClaim",
        name,
        metadata={"namespace": "default", "annotations": BOUND if volume else {}, **(metadata or {})},
        spec={**wanted, "volumeName": volume, **spec},
        status={"phase": phase},
    )
    assert isinstance(found, PersistentVolumeClaim)
    return found


def volume(name: str, size: str = "2Gi", *, hosts: tuple[str, ...] = (), metadata: Any = None, **spec: Any) -> Any:
    affinity: dict[str, Any] = {}
    if hosts:
        one = {"key": "kubernetes.io/hostname", "operator": "In", "values": list(hosts)}
        affinity = {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [one]}]}}}
    fields = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "storageClassName": "fast"}
    status = {"phase": "Available"}
    return made("PersistentVolume", name, metadata=metadata, spec={**fields, **affinity, **spec}, status=status)


def storage_class(provisioner: str = "example.com/csi", mode: str = "WaitForFirstConsumer", **more: Any) -> Any:
    return made(
        "StorageClass",
        "fast",
        version="storage.k8s.io/v1",
        provisioner=provisioner,
        volumeBindingMode=mode,
        **more,
    )


def reasons(new: Pod, *objects: Any) -> dict[str, list[str]]:
    decision = schedule(new, Cache.of(objects))
    return {name: list(one.reasons) for name, one in decision.refusals.items()}


STATIC = storage_class("kubernetes.io/no-provisioner")


# --- claims that are no use ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        pytest.param((), 'persistentvolumeclaim "data" not found', id="there is none"),
        pytest.param(
            (claim("data", "gone", phase="Lost"),),
            'persistentvolumeclaim "data" bound to non-existent persistentvolume "gone"',
            id="its volume was lost",
        ),
        pytest.param(
            (claim("data", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),),
            'persistentvolumeclaim "data" is being deleted',
            id="it is being deleted",
        ),
        pytest.param((claim("data"),), "pod has unbound immediate PersistentVolumeClaims", id="its class is unknown"),
        pytest.param(
            (claim("data"), storage_class(mode="Immediate")),
            "pod has unbound immediate PersistentVolumeClaims",
            id="it is still to be bound",
        ),
        pytest.param(
            (claim("data", volumeName="pv"), storage_class()),
            "pod has unbound immediate PersistentVolumeClaims",
            id="it names a volume that does not know of it yet",
        ),
        pytest.param((claim("data", "pv"),), 'persistentvolume "pv" not found', id="its volume is not there"),
    ],
)
def test_a_claim_that_is_no_use_rules_every_node_out(objects: Any, words: str) -> None:
    assert reasons(pod("new", use("data")), node("a"), node("b"), *objects) == {"a": [words], "b": [words]}


def test_the_claim_of_an_ephemeral_volume_is_waited_for() -> None:
    words = 'waiting for ephemeral volume controller to create the persistentvolumeclaim "new-v0"'
    new = pod("new", {"ephemeral": {"volumeClaimTemplate": {}}})
    assert reasons(new, node("a")) == {"a": [words]}
    assert reasons(new, node("a"), claim("new-v0"), storage_class()) == {}


# --- where a volume can be ----------------------------------------------------------------------------------------


def test_a_bound_volume_is_used_where_it_can_be_reached() -> None:
    objects = (node("a"), node("b"), claim("data", "pv"), volume("pv", hosts=("b",)))
    assert reasons(pod("new", use("data")), *objects) == {
        "a": ["node(s) didn't match PersistentVolume's node affinity"]
    }


@pytest.mark.parametrize(
    ("objects", "refused"),
    [
        pytest.param((STATIC, volume("pv", hosts=("b",))), ["a"], id="where a volume is"),
        pytest.param((STATIC, volume("pv", "1Gi")), ["a", "b"], id="not one that is too small"),
        pytest.param((STATIC, volume("pv", storageClassName="slow")), ["a", "b"], id="not one of another class"),
        pytest.param((STATIC, volume("pv", accessModes=["ReadOnlyMany"])), ["a", "b"], id="not one of other modes"),
        pytest.param(
            (STATIC, volume("pv", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})),
            ["a", "b"],
            id="not one that is being deleted",
        ),
        pytest.param((STATIC, volume("pv", volumeMode="Block")), ["a", "b"], id="not a raw block device"),
        pytest.param(
            (STATIC, volume("pv", claimRef={"namespace": "default", "name": "other"})),
            ["a", "b"],
            id="not one kept for another claim",
        ),
        pytest.param(
            (STATIC, volume("pv", hosts=("b",), claimRef={"namespace": "default", "name": "data"}), volume("free")),
            ["a"],
            id="the one kept for it, wherever others are",
        ),
        pytest.param((storage_class(),), [], id="where one can be made: anywhere"),
        pytest.param(
            (storage_class(allowedTopologies=[{"matchLabelExpressions": [{"key": ZONE, "values": ["z1"]}]}]),),
            ["b"],
            id="where one can be made: in a zone",
        ),
    ],
)
def test_an_unbound_claim_goes(objects: Any, refused: list[str]) -> None:
    nodes = (node("a", **{ZONE: "z1"}), node("b", **{ZONE: "z2"}))
    words = ["node(s) didn't find available persistent volumes to bind"]
    assert reasons(pod("new", use("data")), *nodes, claim("data"), *objects) == dict.fromkeys(refused, words)


def test_a_node_selected_for_provisioning_is_the_only_one() -> None:
    chosen = claim("data", metadata={"annotations": {"volume.kubernetes.io/selected-node": "b"}})
    assert list(reasons(pod("new", use("data")), node("a"), node("b"), chosen, storage_class())) == ["a"]


def test_two_claims_need_two_volumes_and_the_small_one_takes_the_small_volume() -> None:
    small, large = claim("small"), claim("large", resources={"requests": {"storage": "5Gi"}})
    new = pod("new", use("large"), use("small"))
    both = (volume("pv-2", "2Gi"), volume("pv-5", "5Gi"))
    assert reasons(new, node("a"), small, large, STATIC, *both) == {}
    assert list(reasons(new, node("a"), small, large, STATIC, both[1])) == ["a"]


def test_the_small_claim_chooses_first() -> None:
    small = claim("small", modes=["ReadWriteMany"])
    large = claim("large", resources={"requests": {"storage": "3Gi"}})
    shared = volume("shared", "5Gi", accessModes=["ReadWriteMany", "ReadWriteOnce"])
    assert (
        reasons(pod("new", use("large"), use("small")), node("a"), small, large, STATIC, shared, volume("own", "9Gi"))
        == {}
    )


def test_the_smallest_volume_that_will_do_is_chosen() -> None:
    some: list[PersistentVolume] = [volume("huge", "9Gi"), volume("fits", "3Gi"), volume("more", "4Gi")]
    found = find_matching_volume(claim("data"), some, node("a"))
    assert found is not None
    assert found.metadata.name == "fits"


def test_a_volume_in_another_zone_is_out_of_reach_unless_the_node_names_no_zone() -> None:
    objects = (claim("data", "pv"), volume("pv", metadata={"labels": {ZONE: "z1__z2"}}))
    nodes = [node("a", **{ZONE: "z2"}), node("b", **{ZONE: "z3"}), node("c")]
    assert reasons(pod("new", use("data")), *nodes, *objects) == {"b": ["node(s) had no available volume zone"]}


# --- volumes already in use ---------------------------------------------------------------------------------------


def test_a_claim_for_one_pod_is_not_shared_on_any_node() -> None:
    objects = (node("a"), node("b"), claim("data", "pv", modes=["ReadWriteOncePod"]), volume("pv"))
    words = [CLAIM_TAKEN]
    new = pod("new", use("data"))
    assert reasons(new, *objects, pod("old", use("data"), on="a")) == {"a": words, "b": words}
    assert reasons(new, *objects, pod("old", use("data"), on="a", namespace="else")) == {}


def test_a_disk_is_attached_once_unless_both_only_read() -> None:
    disk = {"gcePersistentDisk": {"pdName": "d"}}
    reading = {"gcePersistentDisk": {"pdName": "d", "readOnly": True}}
    assert reasons(pod("new", disk), node("a"), node("b"), pod("old", reading, on="a")) == {
        "a": ["node(s) had no available disk"]
    }
    assert reasons(pod("new", reading), node("a"), pod("old", reading, on="a")) == {}
    assert reasons(pod("new", disk), node("a"), pod("old", {"gcePersistentDisk": {"pdName": "e"}}, on="a")) == {}


def test_a_disk_of_aws_is_attached_once_even_if_both_only_read() -> None:
    reading = {"awsElasticBlockStore": {"volumeID": "v", "readOnly": True}}
    words = ["node(s) had no available disk"]
    assert reasons(pod("new", reading), node("a"), pod("old", reading, on="a")) == {"a": words}


def test_a_driver_attaches_no_more_volumes_than_it_can() -> None:
    driver = {"drivers": [{"name": "csi", "nodeID": "n", "allocatable": {"count": 1}}]}
    attached = made("CSINode", "a", version="storage.k8s.io/v1", spec=driver)
    objects = [node("a"), attached, storage_class("csi")]
    for name in ("one", "two"):
        objects += [claim(name, f"pv-{name}"), volume(f"pv-{name}", csi={"driver": "csi", "volumeHandle": name})]
    old = pod("old", use("one"), on="a")
    words = ["node(s) exceed max volume count"]
    assert reasons(pod("new", use("two")), *objects, old) == {"a": words}
    assert reasons(pod("new", use("one")), *objects, old) == {}
    assert reasons(pod("new", use("two")), *objects) == {}
    assert reasons(pod("new", use("to-make")), *objects, claim("to-make"), old) == {"a": words}
    unlimited = evolve(attached, spec=evolve(attached.spec, drivers=()))
    assert reasons(pod("new", use("two")), *objects, unlimited, old) == {}
