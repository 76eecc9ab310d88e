"""One sync of a Deployment, request by request."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from kubeproof.impl.api.apps import (
    Deployment,
    DeploymentSpec,
    DeploymentStrategy,
    ReplicaSet,
    ReplicaSetSpec,
    ReplicaSetStatus,
    RollingUpdateDeployment,
    WorkloadCondition,
)
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Container, Pod, PodSpec, PodStatus, PodTemplateSpec
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta, OwnerReference, Ref
from kubeproof.impl.api.releases import NEWEST
from kubeproof.impl.api.requests import Create, Delete, PatchMetadata, Recheck, Update
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.api.values.template_hash import pod_template_hash
from kubeproof.impl.controllers.deployment.deployment import reconcile

LABELS = strings({"app": "web"})
OWNER = OwnerReference("apps/v1", "Deployment", "web", "u1", controller=True, block_owner_deletion=True)
REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
FIXED = DeploymentStrategy("RollingUpdate", RollingUpdateDeployment(1, 1))
RECREATE = DeploymentStrategy("Recreate")


def template(image: str) -> PodTemplateSpec:
    return PodTemplateSpec(ObjectMeta(labels=LABELS), PodSpec((Container("c", image),)))


def web(replicas: int | None = 4, image: str = "v2", *, revision: str = "", **spec: Any) -> Deployment:
    annotations = strings({"team": "a", **({REVISION: revision} if revision else {})})
    return Deployment(
        ObjectMeta(name="web", namespace="d", uid="u1", generation=5, annotations=annotations),
        DeploymentSpec(
            **{"selector": LabelSelector(LABELS), "template": template(image), "strategy": FIXED, **spec},
            replicas=replicas,
        ),
    )


def rs(
    name: str,
    size: int,
    available: int | None = None,
    *,
    image: str = "v1",
    desired: int = 4,
    revision: str = "1",
    owner: OwnerReference | None = OWNER,
    actual: int | None = None,
) -> ReplicaSet:
    labels = strings({"app": "web", "pod-template-hash": name})
    annotations = strings({"team": "a", REVISION: revision, DESIRED: str(desired), MAXIMUM: str(desired + 1)})
    ready = size if available is None else available
    made = template(image)
    return ReplicaSet(
        ObjectMeta(
            name=f"web-{name}",
            namespace="d",
            uid=f"ReplicaSet/{name}",
            labels=labels,
            annotations=annotations,
            owner_references=(owner,) if owner else (),
        ),
        ReplicaSetSpec(
            size,
            selector=LabelSelector(labels),
            template=evolve(made, metadata=evolve(made.metadata, labels=labels)),
        ),
        ReplicaSetStatus(size if actual is None else actual, 0, ready, ready),
    )


def sync(*objects: Any, now: int = 0) -> tuple[Any, ...]:
    return reconcile(Cache.of(objects), ref_of(web()), now=now)


def sizes(requests: tuple[Any, ...]) -> list[tuple[str, int]]:
    """List the sizes written to ReplicaSets, in order."""
    sets = [one.object for one in requests if isinstance(one, Update) and isinstance(one.object, ReplicaSet)]
    return [(one.metadata.name.removeprefix("web-"), one.spec.replicas or 0) for one in sets]


def status_of(requests: tuple[Any, ...]) -> Any:
    assert isinstance(requests[-1].object, Deployment)
    return requests[-1].object.status


def test_the_first_replica_set_bears_hash_owner_revision_and_size() -> None:
    create, update, _ = sync(web(progress_deadline_seconds=600))
    digest = pod_template_hash(template("v2"), None, NEWEST)
    labels = strings({"app": "web", "pod-template-hash": digest})
    assert isinstance(create, Create)
    new = create.object
    assert isinstance(new, ReplicaSet)
    assert new.metadata == ObjectMeta(
        name=f"web-{digest}",
        namespace="d",
        labels=labels,
        annotations=strings({"team": "a", REVISION: "1", DESIRED: "4", MAXIMUM: "5"}),
        owner_references=(OWNER,),
    )
    assert new.spec.replicas == 4
    assert new.spec.selector == LabelSelector(labels)
    assert new.spec.template == evolve(template("v2"), metadata=ObjectMeta(labels=labels))
    assert update.object.metadata.annotations[REVISION] == "1"
    assert update.object.status.conditions[0].reason == "NewReplicaSetCreated"
    assert update.base == web(progress_deadline_seconds=600)


def test_absent_replicas_mean_one() -> None:
    assert sync(web(None))[0].object.spec.replicas == 1


def test_a_new_template_grows_as_far_as_the_surge_and_gets_the_next_revision() -> None:
    requests = sync(web(revision="1"), rs("old", 4))
    assert requests[0].object.spec.replicas == 1
    assert requests[0].object.metadata.annotations[REVISION] == "2"
    assert requests[1].object.metadata.annotations[REVISION] == "2"


def test_old_pods_go_as_far_as_availability_allows() -> None:
    new = rs("new", 1, 0, image="v2", revision="2")
    assert sizes(sync(web(revision="2"), rs("old", 4), new)) == [("old", 3)]
    assert sizes(sync(web(revision="2"), rs("old", 3), new)) == [("new", 2)]
    assert sizes(sync(web(revision="2"), rs("old", 3), rs("new", 2, 0, image="v2", revision="2"))) == []


def test_unavailable_old_pods_go_first_and_the_oldest_set_before_the_others() -> None:
    new = rs("new", 1, 1, image="v2", revision="3")
    requests = sync(web(revision="3"), rs("a", 2, 2), rs("b", 2, 1, image="v0", revision="2"), new)
    assert sizes(requests) == [("b", 1), ("a", 1)]


def test_a_set_that_reports_more_than_it_is_asked_for_stops_the_turn() -> None:
    new = rs("new", 1, 1, image="v2", revision="3")
    assert sync(web(revision="3"), rs("a", 3, 4), rs("b", 1, image="v0", revision="2"), new) == ()


def test_a_size_that_changed_is_shared_out_in_proportion() -> None:
    sets = (rs("old", 3, desired=4), rs("new", 2, 1, image="v2", revision="2", desired=4))
    assert sizes(sync(web(9, revision="2"), *sets)) == [("old", 6), ("new", 4)]
    assert sizes(sync(web(0, revision="2"), *sets)) == [("old", 0), ("new", 0)]
    saturated = rs("new", 4, 4, image="v2", revision="2", desired=4)
    paused = web(4, revision="2", paused=True)
    assert sizes(sync(paused, rs("old", 1), saturated)) == [("old", 0)]


def test_a_paused_deployment_makes_nothing_and_scales_the_one_it_has() -> None:
    assert [type(one.object) for one in sync(web(paused=True))] == [Deployment]
    assert sizes(sync(web(6, paused=True, revision="1"), rs("old", 4))) == [("old", 6)]


def test_pausing_and_resuming_are_noted_as_progress() -> None:
    timed = {"progress_deadline_seconds": 600}
    paused = sync(web(paused=True, **timed))[0].object
    assert paused.status.conditions[0].reason == "DeploymentPaused"
    resumed = evolve(web(**timed), status=paused.status)
    assert sync(resumed)[0].object.status.conditions[0].reason == "DeploymentResumed"


def test_recreate_waits_until_no_old_pod_runs() -> None:
    deployment = web(2, revision="1", strategy=RECREATE)
    assert sizes(sync(deployment, rs("old", 2, desired=2))) == [("old", 0)]
    assert not any(isinstance(one, Create) for one in sync(deployment, rs("old", 0, actual=1)))
    owner = OwnerReference("apps/v1", "ReplicaSet", "web-old", "ReplicaSet/old", controller=True)
    metadata = ObjectMeta(name="p", namespace="d", labels=LABELS, owner_references=(owner,), deletion_timestamp=1)
    running, done = (Pod(metadata, status=PodStatus(phase)) for phase in ("Running", "Succeeded"))
    assert not any(isinstance(one, Create) for one in sync(deployment, rs("old", 0), running))
    created = sync(deployment, rs("old", 0), done)[0]
    assert isinstance(created, Create)
    assert created.object.spec.replicas == 2  # type: ignore[union-attr]


def test_a_taken_name_raises_the_collision_count_and_changes_the_hash() -> None:
    digest = pod_template_hash(template("v2"), None, NEWEST)
    taken = rs(digest, 0, image="v9", owner=None)
    requests = sync(web(), evolve(taken, metadata=evolve(taken.metadata, labels=strings({}))))
    assert len(requests) == 1
    assert status_of(requests).collision_count == 1
    counted = evolve(web(), status=evolve(web().status, collision_count=1))
    assert (
        sync(counted)[0].object.metadata.name
        == f"web-{pod_template_hash(template('v2'), 1, NEWEST)}"
        != f"web-{digest}"
    )


def test_going_back_raises_the_old_revision_and_remembers_it() -> None:
    requests = sync(web(4, "v1", revision="2"), rs("old", 0), rs("new", 4, image="v2", revision="2"))
    annotations = requests[0].object.metadata.annotations
    assert annotations[REVISION] == "3"
    assert annotations["deployment.kubernetes.io/revision-history"] == "1"
    assert len(requests) == 1


def test_history_beyond_the_limit_goes_oldest_first_but_never_with_pods() -> None:
    new = rs("new", 4, image="v4", revision="4")
    deployment = web(4, "v4", revision="4", revision_history_limit=1)
    old = (rs("a", 0, image="v1"), rs("b", 0, image="v2", revision="2"), rs("c", 0, image="v3", revision="3"))
    done = evolve(deployment, status=status_of(sync(deployment, new, *old)))
    assert sync(done, new, *old) == (Delete(ref_of(old[0])), Delete(ref_of(old[1])))
    busy = rs("a", 0, image="v1", actual=1)
    done = evolve(deployment, status=status_of(sync(deployment, new, *old[1:])))
    assert [one for one in sync(done, new, *old[1:]) if isinstance(one, Delete)] == [Delete(ref_of(old[1]))]
    assert not any(isinstance(one, Delete) for one in sync(deployment, new, busy, old[2]))


def test_a_revision_that_nobody_numbered_is_older_than_the_first() -> None:
    """As in deploymentutil.Revision of Kubernetes 1.32, which reads a missing annotation as 0."""
    new = rs("new", 4, image="v4", revision="4")
    deployment = web(4, "v4", revision="4", revision_history_limit=1)
    first, unnumbered = rs("a", 0, image="v1"), rs("b", 0, image="v2", revision="")
    done = evolve(deployment, status=status_of(sync(deployment, new, first, unnumbered)))
    assert [one for one in sync(done, new, first, unnumbered) if isinstance(one, Delete)] == [
        Delete(ref_of(unnumbered))
    ]


@pytest.mark.parametrize(
    ("available", "reason", "status"),
    [(3, "MinimumReplicasAvailable", "True"), (2, "MinimumReplicasUnavailable", "False")],
)
def test_available_means_no_more_than_the_allowed_number_is_missing(available: int, reason: str, status: str) -> None:
    requests = sync(web(4, "v1", revision="1"), rs("old", 4, available))
    (condition,) = status_of(requests).conditions
    assert (condition.type, condition.reason, condition.status) == ("Available", reason, status)
    assert status_of(requests).unavailable_replicas == 4 - available
    assert status_of(requests).observed_generation == 5


def test_a_rollout_in_time_progresses_and_one_out_of_time_says_so() -> None:
    timed = web(4, "v1", revision="1", progress_deadline_seconds=60)
    stuck = rs("old", 4, 2)
    seen = sync(timed, stuck, now=1000)[0].object
    progressing = [one for one in seen.status.conditions if one.type == "Progressing"]
    assert [one.reason for one in progressing] == ["FoundNewReplicaSet"]
    seen = evolve(timed, status=status_of(sync(seen, stuck, now=1001)))
    progressing = [one for one in seen.status.conditions if one.type == "Progressing"]
    assert [(one.reason, one.last_update_time) for one in progressing] == [("ReplicaSetUpdated", 1001)]
    assert sync(seen, stuck, now=1061) == ()
    late = status_of(sync(seen, stuck, now=1062)).conditions
    assert [(one.reason, one.status) for one in late if one.type == "Progressing"] == [
        ("ProgressDeadlineExceeded", "False")
    ]
    assert sync(seen, stuck, now=0) == ()


def test_a_failure_of_the_new_set_is_passed_on() -> None:
    failing = rs("old", 4, 2)
    failure = WorkloadCondition("ReplicaFailure", "True", "FailedCreate", "quota")
    failing = evolve(failing, status=evolve(failing.status, conditions=(failure,)))
    conditions = status_of(sync(web(4, "v1", revision="1"), failing)).conditions
    assert [one.message for one in conditions if one.type == "ReplicaFailure"] == ["quota"]


def test_an_orphan_of_the_selector_is_adopted_and_a_stranger_is_not() -> None:
    orphan, stranger = rs("old", 4, owner=None), rs("x", 4, owner=evolve(OWNER, uid="u9"))
    requests = sync(web(4, "v1", revision="1"), orphan, stranger)
    assert requests[:2] == (
        Recheck(Ref("Deployment", "d", "web"), "u1"),
        PatchMetadata(ref_of(orphan), "ReplicaSet/old", add_owner=OWNER),
    )
    assert status_of(requests).replicas == 4


def test_a_deployment_that_is_going_only_counts_and_an_empty_selector_only_observes() -> None:
    going = web(4, "v2", revision="1")
    going = evolve(going, metadata=evolve(going.metadata, deletion_timestamp=1))
    assert [type(one.object) for one in sync(going, rs("old", 2))] == [Deployment]
    everything = web(selector=LabelSelector())
    (update,) = sync(everything, rs("old", 2))
    assert update.object.status == evolve(everything.status, observed_generation=5)
    assert sync(rs("old", 2)) == ()
