"""Bodies in protobuf: what kubectl would write is read as the JSON that it stands for, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import message_factory

from kubeproof.harness.serve import protobuf
from kubeproof.harness.serve.protobuf import PREFIX, RUNTIME, ProtobufError, to_json
from planted import planted


def message(name: str) -> Any:
    """Make a message of a type."""
    return message_factory.GetMessageClass(protobuf._pool().FindMessageTypeByName(name))()


def packed(obj: Any, version: str, kind: str) -> bytes:
    """Write an object as kubectl does."""
    envelope = message(RUNTIME)
    envelope.typeMeta.apiVersion, envelope.typeMeta.kind = version, kind
    envelope.raw = obj.SerializeToString()
    return PREFIX + bytes(envelope.SerializeToString())


def deployment() -> Any:
    """Make a Deployment with everything that is written in a way of its own."""
    found = message("k8s.io.api.apps.v1.Deployment")
    found.metadata.name = "web"
    found.metadata.namespace = ""
    found.metadata.creationTimestamp.SetInParent()
    found.metadata.labels["a"] = "b"
    found.spec.replicas = 0
    found.spec.strategy.rollingUpdate.maxSurge.type = 1
    found.spec.strategy.rollingUpdate.maxSurge.strVal = "25%"
    found.spec.strategy.rollingUpdate.maxUnavailable.intVal = 1
    container = found.spec.template.spec.containers.add()
    container.name = "c"
    container.resources.limits["cpu"].string = "500m"
    container.livenessProbe.handler.httpGet.port.intVal = 80
    volume = found.spec.template.spec.volumes.add()
    volume.name = "v"
    volume.volumeSource.configMap.localObjectReference.name = "cm"
    return found


def test_a_deployment_is_read_as_its_json() -> None:
    found = to_json(packed(deployment(), "apps/v1", "Deployment"))
    assert found["metadata"] == {"name": "web", "labels": {"a": "b"}}
    assert (found["kind"], found["apiVersion"]) == ("Deployment", "apps/v1")
    assert found["spec"]["replicas"] == 0
    assert found["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": 1}
    (container,) = found["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {"limits": {"cpu": "500m"}}
    assert container["livenessProbe"] == {"httpGet": {"port": 80}}
    assert found["spec"]["template"]["spec"]["volumes"] == [{"name": "v", "configMap": {"name": "cm"}}]


def test_bytes_and_times_are_written_as_json_has_them() -> None:
    secret = message("k8s.io.api.core.v1.Secret")
    secret.data["p"] = b"q"
    secret.metadata.deletionTimestamp.seconds = 1_700_000_000
    found = to_json(packed(secret, "v1", "Secret"))
    assert (found["data"], found["metadata"]["deletionTimestamp"]) == ({"p": "cQ=="}, "2023-11-14T22:13:20Z")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{}", "does not appear to be a protobuf message"),
        (PREFIX + b"\xff\xff", "proto"),
        (packed(message("k8s.io.api.core.v1.Pod"), "v1", "Nothing"), "no kind 'Nothing' is registered"),
        (
            packed(message("k8s.io.api.core.v1.Pod"), "nope/v1", "Pod"),
            "no kind 'Pod' is registered for version 'nope/v1'",
        ),
    ],
    ids=["JSON", "noise", "no such kind", "no such group"],
)
def test_what_is_no_object_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(ProtobufError, match=why):
        to_json(body)


def test_a_number_of_a_percentage_would_be_noticed() -> None:
    with planted(
        "kubeproof.harness.serve.protobuf",
        "return value.strVal if value.type else",
        "return value.strVal if not value.type else",
    ):
        found = to_json(packed(deployment(), "apps/v1", "Deployment"))
    assert "maxUnavailable" not in found["spec"]["strategy"]["rollingUpdate"]
