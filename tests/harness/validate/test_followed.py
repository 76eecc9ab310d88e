"""What real controllers wrote is asked for by ours; a write that none of them would make is not."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from kubeproof.harness.validate.followed import Followed, follow
from kubeproof.harness.validate.history import read
from kubeproof.harness.validate.writers.registry import WRITERS
from kubeproof.impl.api.reading.sources import Text
from kubeproof.impl.api.releases import RELEASES
from places import VECTORS
from planted import planted
from recorded.controllers import NODES, judge

RUNS = sorted((VECTORS / "controller").glob("*.json.xz"))
Event = dict[str, Any]


def record(name: str) -> dict[str, Any]:
    return dict(json.loads(lzma.decompress((VECTORS / "controller" / f"{name}.json.xz").read_bytes())))


def followed(told: dict[str, Any], *, nodes: bool = True) -> Followed:
    history = read([Text("run", json.dumps(told))])
    return follow(evolve(history, start=NODES if nodes else ()), WRITERS, RELEASES[history.release])


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name.partition(".")[0])
def test_every_recorded_run_is_one_that_the_model_allows(path: Any) -> None:
    assert judge(json.loads(lzma.decompress(path.read_bytes()))) is None


def test_runs_of_every_controller_are_judged() -> None:
    judged = {name for path in RUNS for name in followed(json.loads(lzma.decompress(path.read_bytes()))).judged}
    assert judged == {writer.name for writer in WRITERS}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("    if solid or not owners:", "    if owners:"),
        ('"Foreground" if foreground', '"Background" if foreground'),
        ("    if FOREGROUND in obj.metadata.finalizers and", "    if ORPHAN in obj.metadata.finalizers and"),
        ("remove_owners=uids", "remove_owners=()"),
    ],
)
def test_garbage_that_is_collected_otherwise_is_a_difference(before: str, after: str) -> None:
    runs = [record(name) for name in ("gc-chain", "gc-wrong-uid")]
    assert not any(map(judge, runs))
    with planted("kubeproof.impl.controllers.garbage", before, after):
        assert any(map(judge, runs))


def _scaled(event: Event) -> None:
    event["spec"]["replicas"] += 1


def _counted(event: Event) -> None:
    event["status"]["readyReplicas"] = 9


def _other_image(event: Event) -> None:
    event["spec"]["containers"][0]["image"] = "other"


def _other_address(event: Event) -> None:
    for endpoint in event.get("endpoints") or ():
        endpoint["addresses"] = ["10.9.9.9"]


@pytest.mark.parametrize(
    ("name", "kind", "change", "writer"),
    [
        ("deploy-rolling", "ReplicaSet", _scaled, "deployment-controller"),
        ("deploy-rolling", "Deployment", _counted, "deployment-controller"),
        ("deploy-rolling", "ReplicaSet", _counted, "replicaset-controller"),
        ("deploy-rolling", "Pod", _other_image, "replicaset-controller"),
        ("sts-create-scale", "Pod", _other_image, "statefulset-controller"),
        ("ds-create-update", "Pod", _other_image, "daemon-set-controller"),
        ("job-simple", "Pod", _other_image, "job-controller"),
        ("service-endpoints", "EndpointSlice", _other_address, "endpointslice-controller"),
    ],
)
def test_a_write_that_nobody_asks_for_is_told(
    name: str, kind: str, change: Callable[[Event], None], writer: str
) -> None:
    told = record(name)
    for event in told["events"]:
        if event["object"]["kind"] == kind:
            change(event["object"])
    found = followed(told)
    assert writer in {one.writer for one in found.unasked}


def test_what_a_controller_leaves_undone_at_rest_is_told() -> None:
    told = record("deploy-create")
    kept = [event for event in told["events"] if event["object"]["kind"] != "Pod"]
    told["events"], told["actions"] = kept, [{"settled": True, "afterEvents": len(kept)}]
    (left, *_) = [one for one in followed(told).unasked if one.rests and one.writer == "replicaset-controller"]
    assert left.nearest[0].startswith("Create Pod d-")


def test_a_kind_that_lags_behind_explains_a_write() -> None:
    """The controller has seen the ReplicaSet and not yet its Pod: a status of none is right on what it has seen."""
    told = record("deploy-create")
    assert followed(told).unasked == ()
    statuses = [
        e for e in told["events"] if e["object"]["kind"] == "ReplicaSet" and e["object"]["status"].get("replicas")
    ]
    statuses[-1]["object"]["status"]["readyReplicas"] = 7
    assert followed(told).unasked


def test_without_nodes_nothing_is_said_of_what_needs_them() -> None:
    found = followed(record("ds-create-update"), nodes=False)
    assert "daemon-set-controller" not in found.judged
    assert found.open["daemon-set-controller"].startswith("no Node is recorded")


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        ("deployment.rolling", "turn.scaled(sets.made, goal)[0], sets)", "turn.scaled(sets.made, goal + 1)[0], sets)"),
        ("replicaset.replicaset", "surplus = len(pods) - rs.spec.wanted", "surplus = len(pods) - rs.spec.wanted - 1"),
    ],
)
def test_a_fault_in_a_controller_of_ours_is_seen_in_a_recorded_run(module: str, before: str, after: str) -> None:
    with planted(f"kubeproof.impl.controllers.{module}", before, after):
        assert judge(record("deploy-rolling")) is not None


def _told_of_ttl(change: Callable[[Event], None]) -> list[str]:
    """Return what is told of the run of a Job that stays for 3 s, each of its Job's events changed."""
    told = record("job-ttl")
    for event in told["events"]:
        if event["object"]["kind"] == "Job":
            change(event["object"])
    found = followed(told)
    assert found.judged["ttl-after-finished-controller"] == 1
    return [one.what for one in found.unasked if one.writer == "ttl-after-finished-controller"]


def _at(second: int) -> Callable[[Event], None]:
    def change(event: Event) -> None:
        if "deletionTimestamp" in event["metadata"]:
            event["metadata"]["deletionTimestamp"] = f"2026-11-23T07:48:{second}Z"

    return change


def _stays_for_good(event: Event) -> None:
    del event["spec"]["ttlSecondsAfterFinished"]


def _in_the_background(event: Event) -> None:
    event["metadata"].pop("finalizers", None)


def test_a_job_goes_when_it_has_been_over_for_as_long_as_it_says() -> None:
    """It was over at second 50 and stays for 3 s; times are whole seconds of two clocks, so one may be missing."""
    assert _told_of_ttl(_at(53)) == _told_of_ttl(_at(52)) == []
    for change in (_at(51), _stays_for_good, _in_the_background):
        assert "event 14" in _told_of_ttl(change)[0]
    with planted("kubeproof.harness.validate.writers.ttl", "begun + CLOCKS_SECONDS", "begun + CLOCKS_SECONDS + 9"):
        assert _told_of_ttl(_at(51)) == []


def test_a_job_that_was_deleted_by_hand_or_with_its_namespace_is_not_judged() -> None:
    told = record("job-ttl")
    told["actions"].append({"method": "DELETE", "path": "/apis/batch/v1/namespaces/sc-job-ttl/jobs/j?x=y"})
    assert "ttl-after-finished-controller" not in followed(told).judged
    told = record("job-ttl")
    at = "2026-11-23T07:48:49Z"
    meta = {"name": told["namespace"], "uid": "n", "deletionTimestamp": at, "creationTimestamp": at}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta, "status": {"phase": "Terminating"}}
    told["events"].insert(0, {"type": "ADDED", "object": space})
    assert "ttl-after-finished-controller" not in followed(told).judged


def test_a_job_of_a_cronjob_that_goes_in_the_foreground_is_not_its_cronjobs_doing() -> None:
    told = record("job-ttl")
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "c", "uid": "c", "controller": True}
    meta = {"name": "c", "namespace": told["namespace"], "uid": "c"}
    template = next(one["object"]["spec"] for one in told["events"] if one["object"]["kind"] == "Job")
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template["template"]}}}
    for event in told["events"]:
        if event["object"]["kind"] == "Job":
            event["object"]["metadata"]["ownerReferences"] = [owner]
    cron = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta, "spec": spec}
    told["events"].insert(0, {"type": "ADDED", "object": cron})
    told["actions"] = []
    found = followed(told)
    assert found.judged["ttl-after-finished-controller"] == 1
    assert "ttl-after-finished-controller" not in {one.writer for one in found.unasked}
    gone = [one for one in found.unasked if one.what.endswith("Job sc-job-ttl/j changes (by a component)")]
    assert gone == []
    with planted("kubeproof.harness.validate.writers.jobs", "    if in_the_foreground(change):", "    if False:"):
        assert [one.writer for one in followed(told).unasked if one.writer == "cronjob-controller"]


def test_a_job_that_is_there_when_its_time_has_long_come_is_left_undone() -> None:
    told = record("job-ttl")
    done = next(number for number, one in enumerate(told["events"]) if "deletionTimestamp" in one["object"]["metadata"])
    later = {"type": "ADDED", "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {
        "name": "later", "namespace": told["namespace"], "creationTimestamp": "2026-11-23T07:49:00Z"},
        "spec": {"containers": [{"name": "c", "image": "i"}]}}}  # fmt: skip
    told["events"] = [*told["events"][:done], later]
    told["actions"] = [{"settled": True, "afterEvents": done + 1}]
    left = [one for one in followed(told).unasked if one.rests]
    assert [one.writer for one in left] == ["ttl-after-finished-controller"]
