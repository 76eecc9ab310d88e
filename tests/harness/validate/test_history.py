"""Recordings of every sort become changes in one order, and what cannot be read is told with file and line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubeproof.harness.validate.history import NOT_BY_HAND, USER, History, read
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.reading.sources import BadInput, Text


def pod(version: int, **more: Any) -> dict[str, Any]:
    meta = {"name": "a", "namespace": "d", "resourceVersion": str(version), **more.pop("metadata", {})}
    spec = {"containers": [{"name": "c", "image": "i"}], **more.pop("spec", {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, **more}


def service(version: int) -> dict[str, Any]:
    meta = {"name": "s", "namespace": "d", "resourceVersion": str(version)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"selector": {"app": "a"}}}


def stream(*events: tuple[str, dict[str, Any]], indent: int | None = None) -> str:
    return "\n".join(json.dumps({"type": kind, "object": value}, indent=indent) for kind, value in events)


def audit(verb: str, answer: dict[str, Any], who: str = "kubernetes-admin", **more: Any) -> str:
    about = {"resource": "pods", "namespace": "d", "name": "a", **more.pop("objectRef", {})}
    event = {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "stage": "ResponseComplete", "verb": verb,
        "user": {"username": who}, "objectRef": about, "responseStatus": {"code": 200}, "responseObject": answer,
        "requestURI": "/", "stageTimestamp": "2026-01-01T00:00:07.500000Z", **more,
    }  # fmt: skip
    return json.dumps(event)


def of(*texts: str) -> History:
    return read([Text(f"{number}.json", text) for number, text in enumerate(texts)])


def told(history: History) -> list[str]:
    return [str(change) for change in history.changes]


@pytest.mark.parametrize("indent", [None, 4])
def test_streams_of_several_kinds_go_by_resource_version(indent: int | None) -> None:
    pods = stream(("ADDED", pod(3)), ("MODIFIED", pod(7, spec={"nodeName": "n"})), ("DELETED", pod(9)), indent=indent)
    found = of(pods, stream(("ADDED", service(5)), indent=indent))
    assert [(change.ref.kind, change.before is None, change.after is None) for change in found.changes] == [
        ("Pod", True, False), ("Service", True, False), ("Pod", False, False), ("Pod", False, True),
    ]  # fmt: skip
    assert {change.who for change in found.changes} == {""}


def test_what_two_streams_tell_is_one_change() -> None:
    twice = of(stream(("ADDED", pod(3))), stream(("ADDED", pod(3)), ("MODIFIED", pod(4, status={"phase": "Running"}))))
    assert len(twice.changes) == 2


def test_an_audit_log_says_who() -> None:
    binding = {"kind": "Status", "apiVersion": "v1", "metadata": {}}
    at, role = "system:kube-scheduler", "system:serviceaccount:kube-system:replicaset-controller"
    found = of(
        "\n".join(
            (
                audit("create", pod(3), role),
                audit("get", pod(3)),
                audit("update", pod(4), responseStatus={"code": 409}),
                audit(
                    "create", binding, at, objectRef={"subresource": "binding"}, requestObject={"target": {"name": "n"}}
                ),
                audit("create", binding, objectRef={"subresource": "eviction"}),
                audit(
                    "delete",
                    pod(6, metadata={"deletionGracePeriodSeconds": 0, "deletionTimestamp": "2026-01-01T00:00:00Z"}),
                ),
            )
        )
    )
    assert [change.who for change in found.changes] == [
        "replicaset-controller", "scheduler", "kubernetes-admin", "kubernetes-admin",
    ]  # fmt: skip
    _, bound, evicted, gone = found.changes
    assert isinstance(bound.after, Pod)
    assert bound.after.spec.node_name == "n"
    assert isinstance(evicted.after, Pod)
    assert evicted.after.metadata.terminating
    assert gone.after is None
    assert bound.time == 1_767_225_607


def test_a_run_tells_what_was_done_by_hand_and_where_it_was_at_rest() -> None:
    going = pod(5, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    record = {
        "kubernetesVersion": "v1.34.2",
        "events": [{"type": "ADDED", "object": pod(3)}, {"type": "MODIFIED", "object": going}],
        "actions": [{"method": "DELETE", "path": "/api/v1/namespaces/d/pods/a"}, {"settled": True, "afterEvents": 2}],
    }
    found = of(json.dumps(record))
    assert [change.who for change in found.changes] == [NOT_BY_HAND, USER]
    assert (found.rests, found.release) == (frozenset({2}), "1.34")


def test_a_list_is_what_is_there_from_the_start() -> None:
    node = {"metadata": {"name": "n"}, "status": {"capacity": {"cpu": "1"}}}
    nodes = {"apiVersion": "v1", "kind": "NodeList", "items": [node]}
    found = of(json.dumps(nodes), stream(("ADDED", pod(3))))
    assert found.nodes == {"n"}


def test_what_was_recorded_before_every_kind_was_is_not_judged() -> None:
    """The stream of owners was begun late: it tells the owner as it is then, after its Pod was made."""
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "o", "uid": "o", "controller": True}
    owned = pod(3, metadata={"ownerReferences": [owner]})
    told = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "o", "namespace": "d", "uid": "o"}}
    late = {**told, "metadata": {**told["metadata"], "resourceVersion": "7"}}
    early = {**told, "metadata": {**told["metadata"], "resourceVersion": "2"}}
    assert of(stream(("ADDED", owned)), stream(("ADDED", late))).begins == 2
    assert of(stream(("ADDED", owned)), stream(("ADDED", early))).begins == 0
    assert of(stream(("ADDED", owned))).begins == 0


def test_kinds_without_a_class_are_counted() -> None:
    custom = {"apiVersion": "x.y/v1", "kind": "Thing", "metadata": {"name": "t", "resourceVersion": "4"}}
    assert dict(of(stream(("ADDED", pod(3)), ("ADDED", custom))).other) == {"Thing": 1}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no changes are recorded"),
        ("{", "0.json:1: is no JSON"),
        ('\n\n{"a": 1}', "0.json:3: is neither an audit event nor one of a watch"),
        (
            json.dumps(pod(1)),
            "0.json:1: is an object and not an event (kubectl get pods -w -o json --output-watch-events",
        ),
        (
            audit("update", {}).replace('"responseObject": {}', '"x": 1'),
            "0.json:1: tells no response object (the audit",
        ),
        ("7", "0.json:1: is neither an audit event nor an event of a watch"),
    ],
)
def test_what_is_no_recording_is_told(text: str, words: str) -> None:
    with pytest.raises(BadInput) as bad:
        of(text)
    assert words in str(bad.value)
