"""What a fresh cluster has before anybody asks for anything: namespaces, the Service of the API server, nodes."""

from __future__ import annotations

from attrs import evolve
from immutabledict import immutabledict

from ...impl.api.core import Namespace, Node, Service, ServicePort, ServiceSpec
from ...impl.api.kinds import Object
from ...impl.api.meta import ObjectMeta, Time
from ...impl.api.reading.schema import RELEASE
from ...impl.api.requests import Create
from ...impl.api.values.frozen import freeze, strings
from ...impl.apiserver.access.authentication import ADMIN
from ...impl.apiserver.rest.documents.documents import discovery
from ..input.plain_nodes import plain_nodes, storage_class
from .plane import Plane

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


def fresh(nodes: int, now: Time, seed: int) -> Plane:
    """Return the control plane of a new cluster with some plain nodes."""
    plane = Plane(seed=seed)
    there: tuple[Object, ...] = (
        *(Namespace(ObjectMeta(name=name)) for name in NAMESPACES),
        api_service(),
        storage_class(),
        *(_reporting(node, number) for number, node in enumerate(plain_nodes(nodes), start=1)),
    )
    for obj in there:
        plane, granted = plane.send(ADMIN, Create(obj), now)
        assert granted, obj  # noqa: S101 - they are this module's own
    return plane


def api_service() -> Service:
    """Return the Service of the API server itself."""
    labels = strings({"component": "apiserver", "provider": "kubernetes"})
    port = ServicePort(name="https", port=443, target_port=6443)
    return Service(
        ObjectMeta(name="kubernetes", namespace="default", labels=labels),
        ServiceSpec(ports=(port,), cluster_ip="10.96.0.1"),
    )


def _reporting(node: Node, number: int) -> Node:
    """Return a node with what its kubelet says of the machine."""
    version = str(discovery()["/version"]["gitVersion"])
    said = {
        "addresses": [
            {"type": "InternalIP", "address": f"192.168.{number // 250}.{number % 250 + 1}"},
            {"type": "Hostname", "address": node.metadata.name},
        ],
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": "",
            "containerRuntimeVersion": f"kubeproof://{RELEASE}",
            "kernelVersion": "",
            "kubeProxyVersion": version,
            "kubeletVersion": version,
            "machineID": "",
            "operatingSystem": "linux",
            "osImage": "simulated by kubeproof",
            "systemUUID": "",
        },
    }
    extra = immutabledict({**node.status.extra, **{key: freeze(value) for key, value in said.items()}})
    return evolve(node, status=evolve(node.status, extra=extra))
