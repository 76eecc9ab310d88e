"""NodePorts: a host port can be taken once per address and protocol.

Upstream: pkg/scheduler/framework/plugins/nodeports/node_ports.go and framework.HostPortInfo (v1.32), GetHostPorts in
pkg/scheduler/util/utils.go (v1.34): sidecars count since 1.34 and in patches of 1.33 (kubernetes#132040); here they do
in every release.
"""

from __future__ import annotations

from ...api.core import Pod
from ..framework import FilterPlugin, NodeInfo, Prepared, Refusal, Snapshot

NAME = "NodePorts"
ANY = "0.0.0.0"  # noqa: S104 - the address that stands for all of a node's addresses
REFUSAL = Refusal(NAME, ("node(s) didn't have free ports for the requested pod ports",))

HostPort = tuple[str, str, int]
"""Address, protocol, port."""


def host_ports(pod: Pod) -> tuple[HostPort, ...]:
    """Return the host ports a Pod's containers take, its sidecars among them; other init containers take none."""
    ports = (port for container in (*pod.spec.containers, *pod.spec.sidecars) for port in container.ports)
    return tuple((port.host_ip or ANY, port.protocol or "TCP", port.host_port) for port in ports if port.host_port > 0)


def conflict(one: HostPort, other: HostPort) -> bool:
    """Tell whether two host ports cannot both be had on one node."""
    return one[1:] == other[1:] and (one[0] == other[0] or ANY in {one[0], other[0]})


def pre_filter(_snapshot: Snapshot, pod: Pod) -> Prepared[tuple[HostPort, ...]] | None:
    """Skip a Pod that wants no host port."""
    wanted = host_ports(pod)
    return Prepared(wanted) if wanted else None


def filter_node(wanted: tuple[HostPort, ...], _pod: Pod, info: NodeInfo) -> Refusal | None:
    """Refuse a node on which a wanted port is taken."""
    taken = {port for pod in info.pods for port in host_ports(pod)}
    return REFUSAL if any(conflict(port, other) for port in wanted for other in taken) else None


PLUGIN = FilterPlugin(NAME, filter_node, pre_filter, alone=True)
