"""kubectl run: a Pod from a name and an image, and the three requests the real client sends.

Upstream: staging/src/k8s.io/kubectl/pkg/cmd/run and pkg/generate/versioned/run.go (v1.32).
Left out on purpose: `--overrides`, `--attach`, `--rm`, `--expose`, the dry runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen
from immutabledict import immutabledict

from ..api.core import Container, ContainerPort, Pod, PodSpec
from ..api.meta import ObjectMeta
from ..api.values.frozen import Json, freeze, strings, thaw

DISCOVERY = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json"
)


@frozen
class HttpRequest:
    """One HTTP request as kubectl sends it; `body` is frozen JSON, None where there is none."""

    method: str
    url: str
    accept: str
    content_type: str = ""
    body: Json = None


def run(
    name: str,
    image: str,
    *,
    labels: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    port: int | None = None,
    command: tuple[str, ...] = (),
    args: tuple[str, ...] = (),
    restart: str = "Always",
    image_pull_policy: str = "",
) -> Pod:
    """Return the Pod `kubectl run NAME --image=IMAGE` creates: one container, named as the Pod, labelled run=NAME."""
    said: dict[str, Json] = {"command": command, "args": args}
    said["env"] = tuple(immutabledict(name=key, value=value) for key, value in (env or {}).items())
    container = Container(
        name=name,
        image=image,
        image_pull_policy=image_pull_policy,
        ports=() if port is None else (ContainerPort(container_port=port, protocol=""),),
        extra=immutabledict({key: value for key, value in sorted(said.items()) if value}),
    )
    spec = PodSpec(containers=(container,), restart_policy=restart, extra=immutabledict({"dnsPolicy": "ClusterFirst"}))
    return Pod(metadata=ObjectMeta(name=name, labels=strings(labels or {"run": name})), spec=spec)


def run_requests(pod: Pod, namespace: str = "default") -> tuple[HttpRequest, ...]:
    """Return the requests of `kubectl run` with nothing cached: legacy discovery, discovery, and the POST."""
    return (
        HttpRequest("GET", "/api?timeout=32s", DISCOVERY),
        HttpRequest("GET", "/apis?timeout=32s", DISCOVERY),
        HttpRequest(
            "POST",
            f"/api/v1/namespaces/{namespace}/pods?fieldManager=kubectl-run",
            "application/json, */*",
            "application/json",
            freeze(_body(pod)),
        ),
    )


def _body(pod: Pod) -> dict[str, Any]:
    """Spell the Pod as Go does: empty structs and creationTimestamp appear although they say nothing."""
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": pod.metadata.name, "creationTimestamp": None, "labels": dict(pod.metadata.labels)},
        "spec": {
            "containers": [_container(container) for container in pod.spec.containers],
            "restartPolicy": pod.spec.restart_policy,
            **thaw(pod.spec.extra),
        },
        "status": {},
    }


def _container(container: Container) -> dict[str, Any]:
    said: dict[str, Any] = {"name": container.name, "image": container.image, **thaw(container.extra), "resources": {}}
    if container.ports:
        said["ports"] = [{"containerPort": port.container_port} for port in container.ports]
    if container.image_pull_policy:
        said["imagePullPolicy"] = container.image_pull_policy
    return said


def in_namespace(pod: Pod, namespace: str) -> Pod:
    """Return the Pod as the API server stores it after a POST to that namespace."""
    return evolve(pod, metadata=evolve(pod.metadata, namespace=namespace))
