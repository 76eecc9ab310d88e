"""The volume controllers: which volume a claim gets, when, and what becomes of both; facts of Kubernetes' own tables.

Upstream: pkg/controller/volume/persistentvolume/{binder,index,provision,delete}_test.go, pvcprotection, pvprotection,
attachdetach/reconciler/reconciler_test.go (v1.32).
"""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.kinds import Object, ref_of
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.api.requests import Create, Delete, Request, Update
from kubeproof.impl.api.storage import PersistentVolume, PersistentVolumeClaim
from kubeproof.impl.controllers.volume.attaching import User, may_use, needs_attaching
from kubeproof.impl.controllers.volume.binding import reconcile, reconcile_all

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
SELECTED = "volume.kubernetes.io/selected-node"
ONE = ("ReadWriteOnce",)


def made(kind: str, name: str, version: str = "v1", metadata: Any = None, **fields: Any) -> Any:
    uid = f"{kind}/{'d' if kind in {'PersistentVolumeClaim', 'Pod'} else ''}/{name}"
    meta = {"name": name, "uid": uid, **(metadata or {})}
    if kind in {"PersistentVolumeClaim", "Pod"}:
        meta["namespace"] = "d"
    return from_json({"apiVersion": version, "kind": kind, "metadata": meta, **fields})


def claim(name: str = "c", size: str = "1Gi", modes: Any = ONE, metadata: Any = None, **spec: Any) -> Any:
    wanted = {"accessModes": list(modes), "resources": {"requests": {"storage": size}}, "storageClassName": "fast"}
    spec = {key: value for key, value in {**wanted, **spec}.items() if value is not None}
    return made("PersistentVolumeClaim", name, metadata=metadata, spec=spec, status={"phase": "Pending"})


def volume(
    name: str, size: str = "1Gi", modes: Any = ONE, phase: str = "Available", metadata: Any = None, **spec: Any
) -> Any:
    has = {"accessModes": list(modes), "capacity": {"storage": size}, "storageClassName": "fast"}
    return made("PersistentVolume", name, metadata=metadata, spec={**has, **spec}, status={"phase": phase})


def storage(name: str = "fast", provisioner: str = "kubernetes.io/no-provisioner", mode: str = "Immediate") -> Any:
    return made("StorageClass", name, "storage.k8s.io/v1", provisioner=provisioner, volumeBindingMode=mode)


def node(name: str, zone: str = "") -> Any:
    labels = {HOST: name, **({ZONE: zone} if zone else {})}
    return made("Node", name, metadata={"labels": labels})


def turn(*objects: Object) -> tuple[Request, ...]:
    return reconcile(Cache.of(objects), ref_of(objects[0]))


def bound_to(requests: tuple[Request, ...]) -> str:
    """Name the volume that a claim is bound to, "" for none."""
    found = [
        one.object for one in requests if isinstance(one, Update) and isinstance(one.object, PersistentVolumeClaim)
    ]
    return found[-1].spec.volume_name if found else ""


REF = {"kind": "PersistentVolumeClaim", "namespace": "d", "name": "c"}


@pytest.mark.parametrize(
    ("wants", "there", "gets"),
    [
        pytest.param(claim(), [volume("v")], "v", id="the one that fits"),
        pytest.param(claim(), [volume("big", "9Gi"), volume("v", "2Gi")], "v", id="the smallest that is large enough"),
        pytest.param(claim(size="5Gi"), [volume("v")], "", id="none that is too small"),
        pytest.param(claim(), [volume("v", storageClassName="slow")], "", id="none of another class"),
        pytest.param(claim(), [volume("v", modes=["ReadOnlyMany"])], "", id="none without its access mode"),
        pytest.param(
            claim(),
            [volume("many", "1Gi", ["ReadWriteOnce", "ReadWriteMany"]), volume("v", "8Gi")],
            "v",
            id="the fewest access modes go before the size",
        ),
        pytest.param(claim(), [volume("v", volumeMode="Block")], "", id="none of another mode"),
        pytest.param(claim(), [volume("v", phase="Released")], "", id="none that was another claim's"),
        pytest.param(claim(), [volume("v", claimRef={**REF, "name": "x"})], "", id="none that is kept for another"),
        pytest.param(claim(), [volume("a"), volume("v", "9Gi", claimRef=REF)], "v", id="the one that is kept for it"),
        pytest.param(claim(), [volume("v", claimRef={**REF, "uid": "other"})], "", id="none of a claim of its name"),
        pytest.param(
            claim(selector={"matchLabels": {"a": "b"}}),
            [volume("a"), volume("v", metadata={"labels": {"a": "b"}})],
            "v",
            id="one that it selects",
        ),
        pytest.param(claim(volumeName="v"), [volume("a"), volume("v", "9Gi")], "v", id="the one that it names"),
        pytest.param(claim(volumeName="v", size="5Gi"), [volume("v")], "", id="not one it names that is too small"),
        pytest.param(claim(volumeName="v"), [volume("v", claimRef={**REF, "name": "x"})], "", id="nor another's"),
        pytest.param(claim(storageClassName=""), [volume("v", storageClassName="")], "v", id="one without a class"),
    ],
)
def test_a_claim_gets(wants: Any, there: list[Any], gets: str) -> None:
    assert bound_to(turn(wants, storage(), *there)) == gets


def test_who_binds_writes_the_volume_before_the_claim_and_is_taken_up_where_it_broke_off() -> None:
    (first, second) = turn(claim(), volume("v"), storage())
    assert isinstance(first, Update)
    assert isinstance(first.object, PersistentVolume)
    assert isinstance(second, Update)
    assert turn(claim(), first.object, storage()) == (second,)
    assert turn(second.object, first.object, storage()) == ()


def test_a_claim_that_waits_is_bound_once_a_volume_is_kept_for_it_or_a_node_chosen() -> None:
    later = storage(mode="WaitForFirstConsumer")
    assert turn(claim(), volume("v"), later) == ()
    assert bound_to(turn(claim(), volume("v", claimRef={**REF, "uid": claim().metadata.uid}), later)) == "v"
    maker = storage(provisioner="rancher.io/local-path", mode="WaitForFirstConsumer")
    chosen = claim(metadata={"annotations": {SELECTED: "n2"}})
    assert turn(claim(), maker, node("n1"), node("n2")) == ()
    assert places(chosen, maker, node("n1"), node("n2")) == [(HOST, ("n2",))]
    assert turn(chosen, maker, node("n1")) == ()  # The node is gone.


def places(*objects: Any) -> list[Any]:
    """Return from where each of the volumes can be reached one of which is made; None is from everywhere."""
    found = reconcile_all(Cache.of(objects), ref_of(objects[0]))
    made_there = [one[0].object for one in found if isinstance(one[0], Create)]
    wanted = [one.spec.node_affinity.required if one.spec.node_affinity else None for one in made_there]
    first = [one.node_selector_terms[0].match_expressions[0] if one else None for one in wanted]
    return [(one.key, one.values) if one else None for one in first]


@pytest.mark.parametrize(
    ("provisioner", "found"),
    [
        ("rancher.io/local-path", [(HOST, ("n1",)), (HOST, ("n2",)), (HOST, ("n3",))]),
        ("ebs.csi.aws.com", [(ZONE, ("a",)), (ZONE, ("b",))]),
        ("something.example.com", [None]),
        ("kubernetes.io/no-provisioner", []),
    ],
)
def test_a_volume_is_made_at_once_in_any_place_of_its_class(provisioner: str, found: list[Any]) -> None:
    nodes = (node("n1", "a"), node("n2", "a"), node("n3", "b"))
    assert places(claim(), storage(provisioner=provisioner), *nodes) == found
    assert places(claim(selector={"matchLabels": {"a": "b"}}), storage(provisioner=provisioner), *nodes) == []


def test_volumes_of_zones_reach_all_nodes_where_there_are_no_zones() -> None:
    assert places(claim(), storage(provisioner="ebs.csi.aws.com"), node("n1"), node("n2")) == [None]


def test_a_claim_without_a_class_gets_the_default_one_also_later() -> None:
    marked = made(
        "StorageClass",
        "usual",
        "storage.k8s.io/v1",
        {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        provisioner="p",
    )
    (request,) = turn(claim(storageClassName=None), marked)
    assert isinstance(request, Update)
    assert request.object.spec.storage_class_name == "usual"  # type: ignore[union-attr]
    assert turn(claim(storageClassName=None), storage()) == ()
    assert turn(claim(storageClassName=""), marked) == ()


def test_a_class_that_is_not_there_makes_nothing() -> None:
    assert turn(claim(), node("n1")) == ()


def test_a_bound_claim_whose_volume_is_gone_is_lost() -> None:
    bound = claim(volumeName="v", metadata={"annotations": {"pv.kubernetes.io/bind-completed": "yes"}})
    (request,) = turn(bound)
    assert isinstance(request, Update)
    assert request.object.status.phase == "Lost"  # type: ignore[union-attr]


@pytest.mark.parametrize(("policy", "goes"), [("Delete", True), ("Retain", False)])
def test_a_volume_whose_claim_is_gone_is_released_and_goes_if_it_is_to(policy: str, goes: bool) -> None:  # noqa: FBT001
    left = volume("v", phase="Bound", claimRef={**REF, "uid": "x"}, persistentVolumeReclaimPolicy=policy)
    (request,) = turn(left)
    assert isinstance(request, Update)
    assert request.object.status.phase == "Released"  # type: ignore[union-attr]
    assert turn(request.object) == ((Delete(ref_of(left)),) if goes else ())


@pytest.mark.parametrize(("on", "stays"), [("n1", True), ("", False)])
def test_a_claim_stays_while_a_pod_with_a_node_uses_it(on: str, stays: bool) -> None:  # noqa: FBT001
    going = claim(
        metadata={"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["kubernetes.io/pvc-protection"]}
    )
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]
    pod = made("Pod", "p", spec={"nodeName": on, "volumes": volumes, "containers": [{"name": "c", "image": "i"}]})
    found = turn(going, pod)
    assert (found == ()) == stays
    assert all(isinstance(one, Update) and one.object.metadata.finalizers == () for one in found)


def test_a_volume_stays_while_it_is_bound() -> None:
    meta = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["kubernetes.io/pv-protection"]}
    assert turn(volume("v", phase="Bound", metadata=meta)) == ()
    assert len(turn(volume("v", phase="Released", metadata=meta))) == 1


CSI = {"csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "h"}}


@pytest.mark.parametrize(
    ("modes", "source", "others", "may"),
    [
        pytest.param(ONE, CSI, [User("n2", holds=True)], False, id="attached elsewhere"),
        pytest.param(ONE, CSI, [User("n2", holds=False)], True, id="not yet attached elsewhere"),
        pytest.param(ONE, CSI, [User("n1", holds=True)], True, id="attached to its node"),
        pytest.param(["ReadWriteOnce", "ReadOnlyMany"], CSI, [User("n2", holds=True)], True, id="for many readers"),
        pytest.param(["ReadWriteMany"], CSI, [User("n2", holds=True)], True, id="for many writers"),
        pytest.param(["ReadWriteOncePod"], CSI, [User("n1", holds=True)], False, id="for one Pod, on its node"),
        pytest.param(ONE, {"nfs": {"server": "s", "path": "/"}}, [User("n2", holds=True)], True, id="never attached"),
        pytest.param(ONE, {"hostPath": {"path": "/d"}}, [User("n2", holds=True)], True, id="a directory"),
        pytest.param(ONE, {"iscsi": {"iqn": "q"}}, [User("n2", holds=True)], False, id="a disk without a driver"),
        pytest.param([], CSI, [User("n2", holds=True)], True, id="of no mode that is known"),
    ],
)
def test_a_pod_gets_its_volume(modes: Any, source: Any, others: list[User], may: bool) -> None:  # noqa: FBT001
    assert may_use(volume("v", modes=modes, **source), "n1", tuple(others)) == may


def test_drivers_that_attach_nothing_are_known() -> None:
    assert not needs_attaching(volume("v", csi={"driver": "efs.csi.aws.com", "volumeHandle": "h"}))
    assert needs_attaching(volume("v", csi={"driver": "some.example.com", "volumeHandle": "h"}))
