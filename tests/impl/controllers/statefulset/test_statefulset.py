"""One sync of a StatefulSet, request by request, and every recorded run of the real controller."""

from __future__ import annotations

import json
import lzma
from typing import Any

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.impl.api.apps import ControllerRevision, StatefulSet, StatefulSetStatus
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Pod, PodCondition, PodStatus
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.api.requests import Create, Delete, PatchMetadata, Recheck, Request, Update
from kubeproof.impl.api.storage import PersistentVolumeClaim
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.apiserver.defaulting.defaulting import default
from kubeproof.impl.controllers.common import controller_of
from kubeproof.impl.controllers.statefulset.identity import new_pod
from kubeproof.impl.controllers.statefulset.revisions import revisions_of
from kubeproof.impl.controllers.statefulset.statefulset import (
    COARSE_TRANSFORM,
    TRANSFORM,
    grouped,
    grouped_before_1_12,
    reconcile,
)
from places import VECTORS
from recorded import controllers as oracle


def db(replicas: int = 3, image: str = "i:1", **spec: Any) -> StatefulSet:
    template = {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "c", "image": image}]}}
    body = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "d", "uid": "u1", "generation": 1},
        "spec": {
            "replicas": replicas,
            "serviceName": "s",
            "selector": {"matchLabels": {"app": "db"}},
            "template": template,
            **spec,
        },
    }
    made = default(from_json(body))
    assert isinstance(made, StatefulSet)
    return made


def revision(owner: StatefulSet, number: int = 1) -> ControllerRevision:
    made = revisions_of(Cache.of([owner]), owner).update
    return evolve(made, revision=number, metadata=evolve(made.metadata, uid=made.metadata.name))


def pod(owner: StatefulSet, number: int, *, phase: str = "Running", ready: bool = True, **meta: Any) -> Pod:
    made = new_pod(owner, owner.spec.template, revision(owner).metadata.name, number)
    status = PodStatus(phase, (PodCondition("Ready", "True" if ready else "False"),))
    metadata = evolve(made.metadata, uid=made.metadata.name, **meta)
    return evolve(made, metadata=metadata, spec=evolve(made.spec, node_name="n1"), status=status)


def sync(*objects: Any) -> tuple[Request, ...]:
    return reconcile(Cache.of(objects), ref_of(db()))


def asked(*objects: Any) -> list[str]:
    """Say what is asked for but for statuses."""
    found = []
    for request in sync(*objects):
        match request:
            case Create(obj) | Update(obj, _, ""):
                found.append(f"{type(request).__name__.lower()} {obj.metadata.name}")
            case Delete(ref) | PatchMetadata(ref) | Recheck(ref):
                found.append(f"{type(request).__name__.lower()} {ref.name}")
    return found


def status(*objects: Any) -> StatefulSetStatus:
    (last,) = [one.object for one in sync(*objects) if isinstance(one, Update) and one.subresource == "status"]
    assert isinstance(last, StatefulSet)
    return last.status


def rolling(owner: StatefulSet, old: StatefulSet) -> StatefulSet:
    """Give a set the status of one that has not begun to roll from another template."""
    name = revision(old).metadata.name
    told = StatefulSetStatus(1, owner.spec.wanted, current_revision=name, update_revision=name, collision_count=0)
    return evolve(owner, status=told)


@pytest.mark.parametrize("path", sorted((VECTORS / "controller").glob("sts-*.json.xz")), ids=lambda path: path.name)
def test_a_recorded_run_is_ours(path: Any) -> None:
    with lzma.open(path, "rt") as file:
        assert oracle.judge(json.load(file)) is None


def test_every_recorded_run_is_ours() -> None:
    for path in sorted((VECTORS / "controller").glob("sts-*.json.xz")):
        test_a_recorded_run_is_ours(path)


def test_a_run_of_another_controller_is_not_ours() -> None:
    with lzma.open(VECTORS / "controller" / "sts-create-scale.json.xz", "rt") as file:
        record = json.load(file)
    for event in record["events"]:
        if event["object"]["metadata"]["name"] == "s-1":
            event["object"]["metadata"]["labels"]["apps.kubernetes.io/pod-index"] = "7"
    assert oracle.judge(record) is not None


def test_the_first_pod_comes_first_with_its_name_and_its_claim() -> None:
    claim = {"metadata": {"name": "data", "labels": {"a": "b"}}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    owner = db(volumeClaimTemplates=[claim])
    template, made, first, told = sync(owner)
    assert isinstance(template, Create)
    assert template.object.metadata.name == revision(owner).metadata.name
    assert template.object.metadata.owner_references == (controller_of(owner),)
    assert isinstance(made, Create)
    assert isinstance(made.object, PersistentVolumeClaim)
    assert (made.object.metadata.name, dict(made.object.metadata.labels)) == ("data-db-0", {"a": "b", "app": "db"})
    assert isinstance(first, Create)
    assert isinstance(first.object, Pod)
    assert dict(first.object.metadata.labels) == {
        "app": "db",
        "apps.kubernetes.io/pod-index": "0",
        "controller-revision-hash": revision(owner).metadata.name,
        "statefulset.kubernetes.io/pod-name": "db-0",
    }
    extra = first.object.spec.extra
    assert (extra["hostname"], extra["subdomain"]) == ("db-0", "s")
    assert extra["volumes"] == (
        immutabledict({"name": "data", "persistentVolumeClaim": immutabledict({"claimName": "data-db-0"})}),
    )
    assert isinstance(told, Update)


ONE = db()
GOING = {"deletion_timestamp": 1}


@pytest.mark.parametrize(
    ("why", "pods", "expected"),
    [
        ("the next comes once all in front are ready", [(0, {}), (1, {})], ["create db-2"]),
        ("nobody comes while one is not ready", [(0, {"ready": False})], []),
        ("nobody comes while one is pending", [(0, {"phase": "Pending", "ready": False})], []),
        ("who is going is waited for", [(0, GOING), (1, {})], []),
        ("a gap is filled first", [(0, {}), (2, {})], ["create db-1"]),
        ("who has failed is let go", [(0, {}), (1, {"phase": "Failed"}), (2, {})], ["delete db-1"]),
        ("who has ended well is let go, too", [(0, {"phase": "Succeeded"})], ["delete db-0"]),
        ("who has failed and is going is waited for", [(0, {"phase": "Failed", **GOING})], []),
        ("the last surplus goes first", [(0, {}), (1, {}), (2, {}), (3, {}), (4, {})], ["delete db-4"]),
        ("who is surplus and going is waited for", [(0, {}), (1, {}), (2, {}), (3, {}), (4, GOING)], []),
        ("an unready surplus goes", [(0, {}), (1, {}), (2, {}), (3, {"ready": False})], ["delete db-3"]),
        (
            "not before one in front of it that is unready",
            [(0, {}), (1, {}), (2, {}), (3, {"ready": False}), (4, {"ready": False})],
            [],
        ),
        ("no surplus goes while one that stays is unready", [(0, {"ready": False}), (1, {}), (2, {}), (3, {})], []),
    ],
)
def test_in_order(why: str, pods: list[tuple[int, dict[str, Any]]], expected: list[str]) -> None:
    assert asked(ONE, revision(ONE), *(pod(ONE, number, **how) for number, how in pods)) == expected, why


def test_in_parallel_nobody_waits_and_batches_grow() -> None:
    owner = db(6, podManagementPolicy="Parallel")
    pods = [pod(owner, 0, ready=False), pod(owner, 1, phase="Failed"), pod(owner, 6), pod(owner, 7, ready=False)]
    groups = grouped(Cache.of([owner, revision(owner), *pods]), ref_of(owner))
    names = [
        [one.ref.name if isinstance(one, Delete) else one.object.metadata.name for one in group] for group in groups
    ]  # type: ignore[union-attr]
    assert names == [["db-1", "db-2"], ["db-3", "db-4", "db-5"], ["db-7"], ["db-6"], ["db"]]


def test_the_last_old_pod_is_replaced_and_the_next_once_it_is_ready() -> None:
    old, new = db(), db(image="i:2")
    owner = rolling(new, old)
    there = [owner, revision(old)]
    created = f"create {revision(new).metadata.name}"
    assert asked(*there, *(pod(old, number) for number in range(3))) == [created, "delete db-2"]
    there.append(revision(new, 2))
    assert asked(*there, pod(old, 0), pod(old, 1), pod(new, 2, ready=False)) == []
    assert asked(*there, pod(old, 0), pod(old, 1), pod(new, 2)) == ["delete db-1"]
    told = status(*there, pod(old, 0), pod(old, 1), pod(new, 2))
    assert (told.current_replicas, told.updated_replicas, told.ready_replicas) == (1, 1, 3)
    assert (told.current_revision, told.update_revision) == (revision(old).metadata.name, revision(new).metadata.name)
    done = status(*there, *(pod(new, number) for number in range(3)))
    assert (done.current_revision, done.current_replicas) == (revision(new).metadata.name, 3)


def test_a_rollback_does_not_repair_who_is_not_ready_in_order_but_does_in_parallel() -> None:
    for policy, repaired in (("OrderedReady", []), ("Parallel", ["delete db-2"])):
        good, bad = db(podManagementPolicy=policy), db(image="bad:1", podManagementPolicy=policy)
        owner = rolling(good, good)
        there = [owner, revision(good, 3), revision(bad, 2), pod(good, 0), pod(good, 1), pod(bad, 2, ready=False)]
        assert asked(*there) == repaired


def test_a_template_that_comes_back_makes_its_revision_the_newest() -> None:
    good, bad = db(), db(image="bad:1")
    requests = sync(rolling(good, good), revision(good, 1), revision(bad, 2))
    assert isinstance(requests[0], Update)
    assert requests[0].object == evolve(revision(good), revision=3)


def test_below_the_partition_nobody_is_replaced_and_who_is_missing_is_made_of_the_old_template() -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    old, new = db(updateStrategy=strategy), db(image="i:2", updateStrategy=strategy)
    there = [rolling(new, old), revision(old), revision(new, 2)]
    assert asked(*there, pod(old, 0), pod(old, 1), pod(new, 2)) == []
    (made, *_) = sync(*there, pod(old, 0), pod(new, 2))
    assert isinstance(made, Create)
    assert made.object.metadata.labels["controller-revision-hash"] == revision(old).metadata.name


def test_on_delete_nobody_is_replaced_and_who_is_missing_is_made_of_the_new_template() -> None:
    old, new = db(updateStrategy={"type": "OnDelete"}), db(image="i:2", updateStrategy={"type": "OnDelete"})
    there = [rolling(new, old), revision(old), revision(new, 2)]
    assert asked(*there, *(pod(old, number) for number in range(3))) == []
    (made, *_) = sync(*there, pod(old, 0), pod(old, 1))
    assert isinstance(made, Create)
    assert made.object.metadata.labels["controller-revision-hash"] == revision(new).metadata.name


def test_numbers_begin_where_they_are_said_to() -> None:
    owner = db(2, ordinals={"start": 5})
    assert asked(owner, revision(owner)) == ["create db-5"]
    assert asked(owner, revision(owner), pod(owner, 5), pod(owner, 6), pod(owner, 0)) == ["delete db-0"]


def test_pods_of_its_name_are_adopted_and_named_and_others_are_not() -> None:
    orphan = pod(ONE, 0, owner_references=(), labels=strings({"app": "db"}))
    stranger = pod(ONE, 0, name="other-1", owner_references=())
    assert asked(ONE, revision(ONE), orphan, stranger) == [
        "recheck db",
        "patchmetadata db-0",
        "update db-0",
        "create db-1",
    ]
    strayed = pod(ONE, 0, name="other-1")
    released = sync(ONE, revision(ONE), strayed)[0]
    assert released == PatchMetadata(ref_of(strayed), strayed.metadata.uid, remove_owners=("u1",))


def test_a_revision_that_is_nobodys_is_adopted() -> None:
    orphan = revision(ONE)
    orphan = evolve(orphan, metadata=evolve(orphan.metadata, owner_references=()))
    assert asked(ONE, orphan)[:2] == ["recheck db", f"patchmetadata {orphan.metadata.name}"]


def test_a_name_that_is_taken_by_another_template_is_counted() -> None:
    taken = revision(ONE)
    other = evolve(
        taken, data=revision(db(image="x:1")).data, metadata=ObjectMeta(name=taken.metadata.name, namespace="d")
    )
    found = revisions_of(Cache.of([ONE, other]), ONE)
    assert found.collisions == 1
    assert found.update.metadata.name != taken.metadata.name


def test_before_1_12_a_name_that_is_taken_by_the_same_template_is_counted_too() -> None:
    """k/k PR #67039."""
    names = [
        next(request.object.metadata.name for group in groups for request in group if isinstance(request, Create))
        for groups in grouped_before_1_12(Cache.of([ONE]), ref_of(ONE), 3)
    ]
    assert names[0] == revision(ONE).metadata.name
    assert len(set(names)) == 3


def test_before_1_12_either_of_two_revisions_of_one_number_is_the_newest_and_the_other_ones_pod_goes() -> None:
    """k/k#69967; since then the order is that of age and name."""
    owner, first = rolling(db(1), db(1)), revision(db(1))
    again = evolve(first, metadata=evolve(first.metadata, name=f"{first.metadata.name}x", uid="x"))
    twice, once = (Cache.of([owner, *known, pod(owner, 0)]) for known in ((first, again), (first,)))
    ways = grouped_before_1_12(twice, ref_of(owner), 1)
    gone = [any(isinstance(request, Delete) for group in groups for request in group) for groups in ways]
    assert sorted(gone) == [False, True]
    assert grouped_before_1_12(once, ref_of(owner), 1) == (grouped(once, ref_of(owner)),)


def test_history_is_kept_up_to_the_limit() -> None:
    owner = db(1, revisionHistoryLimit=1)
    old = [revision(db(1, image=f"old:{number}", revisionHistoryLimit=1), number) for number in range(1, 4)]
    owner = rolling(owner, owner)
    requests = asked(owner, *old, revision(owner, 4), pod(owner, 0), pod(db(image="old:1"), 1))
    assert requests == ["delete db-1", f"delete {old[1].metadata.name}"]


def test_a_set_that_is_being_deleted_only_counts() -> None:
    owner = db()
    owner = evolve(owner, metadata=evolve(owner.metadata, deletion_timestamp=1, finalizers=("x",)))
    assert asked(owner, revision(owner), pod(owner, 0)) == []
    assert status(owner, revision(owner), pod(owner, 0)).replicas == 1


def test_a_claim_that_is_going_keeps_its_pod_from_being_made() -> None:
    owner = db(volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": {}}])
    going = PersistentVolumeClaim(ObjectMeta(name="data-db-0", namespace="d", deletion_timestamp=1))
    assert asked(owner, revision(owner), going) == []
    there = PersistentVolumeClaim(ObjectMeta(name="data-db-0", namespace="d"))
    assert asked(owner, revision(owner), there) == ["create db-0"]


def test_who_is_ready_too_short_is_not_available() -> None:
    owner = db(2, minReadySeconds=10)
    since = evolve(
        pod(owner, 0), status=PodStatus("Running", (PodCondition("Ready", "True", last_transition_time=100),))
    )
    cache = Cache.of([owner, revision(owner), since])
    assert [type(one).__name__ for one in reconcile(cache, ref_of(owner), now=105)] == ["Update"]
    assert isinstance(reconcile(cache, ref_of(owner), now=111)[0], Create)


def test_a_sync_on_what_is_kept_of_pods_is_the_same_sync() -> None:
    claim = [{"metadata": {"name": "data"}, "spec": {}}]
    owner = db(3, volumeClaimTemplates=claim)
    claims = [PersistentVolumeClaim(ObjectMeta(name=f"data-db-{number}", namespace="d")) for number in range(3)]
    for there in ([], [pod(owner, 0)], [pod(owner, 0), pod(owner, 1, ready=False)], [pod(owner, n) for n in range(4)]):
        whole = [owner, revision(owner), *claims, *there]
        for transform in (TRANSFORM, COARSE_TRANSFORM):
            slim = [kept for one in whole if (kept := transform[ref_of(one).kind](one)) is not None]
            assert sync(*slim) == sync(*whole)
