"""Documented failures of nodes that die, as pairs of worlds of `grains.connections`.

Every pair runs the same components on the same objects; faulty and repaired differ in one field of a manifest or one
setting of the cluster. Times are small numbers of seconds in place of the real ones: what counts is how they compare.
Failures that plain manifests show are in the folder `failures`.
"""

from __future__ import annotations

from functools import partial

from ...impl.api.core import (
    Container,
    ContainerPort,
    Node,
    NodeCondition,
    NodeStatus,
    Pod,
    PodSpec,
    Service,
    ServicePort,
    ServiceSpec,
    Toleration,
)
from ...impl.api.meta import ObjectMeta
from ...impl.api.values.frozen import strings
from ...impl.api.well_known import UNREACHABLE
from ...impl.kubeproxy.packet import Packet
from ..check.clock import searched
from ..world.grains.connections import claims
from ..world.grains.connections.connections import data_path, machine
from ..world.grains.connections.setup import Client, Delays, Setup
from .catalogue import Found, Pair, found_by

CLUSTER_IP, CLIENT_IP = "10.96.0.10", "10.0.9.9"
NODES = tuple(
    Node(ObjectMeta(name=name), status=NodeStatus(conditions=(NodeCondition("Ready", "True"),)))
    for name in ("node-1", "node-2")
)


def pod(name: str, node: str, *, toleration: int = 5) -> Pod:
    """Make a Pod of the Service; `toleration` is how many seconds it stays on a node that is unreachable."""
    stays = Toleration(key=UNREACHABLE, operator="Exists", effect="NoExecute", toleration_seconds=toleration)
    container = Container("app", "nginx", ports=(ContainerPort(8080),))
    spec = PodSpec(containers=(container,), node_name=node, tolerations=(stays,))
    return Pod(ObjectMeta(name=name, namespace="default", labels=strings({"app": "web"})), spec)


def service(**spec: object) -> Service:
    """Make the Service."""
    ports = (ServicePort(port=80, target_port=8080),)
    selector = strings({"app": "web"})
    return Service(
        ObjectMeta(name="web", namespace="default"),
        ServiceSpec(selector=selector, **{"cluster_ip": CLUSTER_IP, "ports": ports, **spec}),  # type: ignore[arg-type]
    )


def judged(setup: Setup, claim: claims.Claim) -> Found:
    """Search a world for a breach of one claim."""
    made = claim(data_path(setup))
    return found_by(searched(machine(setup), made), made.name)


# --- nodes that die -------------------------------------------------------------------------------------------------


def loss(
    *, publish: bool = False, toleration: int = 5, silence: tuple[int, int] = (6, 10), within: int | None = None
) -> Setup:
    """Let one of two nodes die, each with a Pod of the Service."""
    pods = (pod("web-0", "node-1", toleration=toleration), pod("web-1", "node-2", toleration=toleration))
    return Setup(
        (*NODES, service(publish_not_ready_addresses=publish), *pods),
        clients=(Client("node-2", Packet(CLIENT_IP, CLUSTER_IP, 80)),),
        delays=Delays(silence=silence),
        node_losses=1,
        within=within,
    )


PAIRS: tuple[Pair, ...] = (
    Pair(
        "lost-node-published-for-ever",
        ("k/k#92583",),
        "publishNotReadyAddresses: the Pods of a node that died stay endpoints for ever, evicted or not.",
        "Unready addresses are not published: the endpoint goes when the node is given up.",
        partial(judged, loss(publish=True), claims.let_go),
        partial(judged, loss(), claims.let_go),
    ),
    Pair(
        "lost-node-served-for-long",
        ("k/k#17284",),
        "A node that died gets new connections until it is given up, however short its Pods' tolerationSeconds are.",
        "node-monitor-grace-period is shorter.",
        partial(judged, loss(toleration=0, silence=(30, 40), within=12), claims.let_go_in_time),
        partial(judged, loss(toleration=0, silence=(6, 10), within=12), claims.let_go_in_time),
    ),
)  # fmt: skip
