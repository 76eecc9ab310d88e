"""Pods with hooks, and a UDP sender: what becomes of the Service it sends to, and what releases of kube-proxy clear."""

from __future__ import annotations

from attrs import evolve, frozen

from kubeproof.harness.world.grains.connections.setup import Flow, Setup
from kubeproof.harness.zoo import reachability as zoo
from kubeproof.harness.zoo.reachability import CLIENT_IP, CLUSTER_IP, NODES
from kubeproof.impl.api.core import ExecAction, Lifecycle, LifecycleHandler, Pod, Service, ServicePort
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.requests import Create, Delete
from kubeproof.impl.kubeproxy.conntrack import ALL_EVENTS, Cleanup, Event
from kubeproof.impl.kubeproxy.packet import Packet


def pod(name: str, node: str, *, pre_stop: int = 0, grace: int = 30) -> Pod:
    """Make a Pod of the Service with a hook and a grace period of so many seconds."""
    made = zoo.pod(name, node)
    hook = Lifecycle(LifecycleHandler(exec=ExecAction(("sleep", str(pre_stop))))) if pre_stop else None
    containers = tuple(evolve(one, lifecycle=hook) for one in made.spec.containers)
    return evolve(made, spec=evolve(made.spec, containers=containers, termination_grace_period_seconds=grace))


def service(protocol: str = "TCP", **spec: object) -> Service:
    """Make the Service, with a node port where it has a type."""
    port = ServicePort(port=80, target_port=8080, protocol=protocol, node_port=30080 if "type" in spec else 0)
    return zoo.service(ports=(port,), **spec)


SENDER = Flow("sender", "node-2", Packet(CLIENT_IP, CLUSTER_IP, 80, "UDP"))


@frozen
class Clears:
    """What a release of kube-proxy clears: how it looks for stale flows, and by which events."""

    cleanup: Cleanup | None
    events: frozenset[Event] = ALL_EVENTS

    def of(self, setup: Setup) -> Setup:
        """Return a world with this release."""
        return evolve(setup, cleanup=self.cleanup, events=self.events)


NEVER = Clears(None)
BY_REMOVAL = Clears(Cleanup.EVENTS, ALL_EVENTS - {Event.FIRST})
BY_EVENTS = Clears(Cleanup.EVENTS)
RECONCILED = Clears(Cleanup.RECONCILED)
EMPTY_TOO = Clears(Cleanup.RECONCILED_EMPTY)
DELETED_TOO = Clears(Cleanup.RECONCILED_DELETED)

REPLACED = Setup(
    (*NODES, service("UDP"), pod("web-0", "node-1")),
    script=(Create(pod("web-1", "node-2")), Delete(ref_of(pod("web-0", "node-1")))),
    flows=(SENDER,),
)
"""The Pod behind a UDP Service is replaced."""
SCALED_TO_ZERO = evolve(REPLACED, script=REPLACED.script[1:])
DELETED = evolve(REPLACED, script=(Delete(ref_of(service())),))
"""The Service is deleted, its Pod stays."""
CREATED = Setup((*NODES, pod("web-0", "node-1")), script=(Create(service("UDP")),), flows=(SENDER,))
"""The sender is there before the Service is."""
RESTARTED = evolve(SCALED_TO_ZERO, restarts=1)
"""Scaled to zero, and the proxy may restart."""
