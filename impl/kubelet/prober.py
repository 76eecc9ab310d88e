"""Whether the kubelet can ask a container's probes at all.

Upstream: pkg/probe/util.go (ResolveContainerPort), pkg/kubelet/prober/worker.go (doProbe), v1.32. A probe that cannot
be asked is no failure: its result is thrown away, so what it says stays what it was at the start. That is not ready for
a readiness probe, not started for a startup probe, and alive for a liveness probe.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..api.core import Container, IntOrString, PodSpec, Probe


def held_back(spec: PodSpec) -> Container | None:
    """Return the first container that never gets ready: its readiness or startup probe names a port it has not."""
    asked = (
        (container, probe)
        for container in (*spec.containers, *spec.sidecars)
        for probe in (container.readiness_probe, container.startup_probe)
    )
    return next((container for container, probe in asked if probe is not None and not _can_ask(container, probe)), None)


def never_goes_on(spec: PodSpec) -> bool:
    """Tell whether a sidecar's startup probe names a port it has not, so that no container after it is started."""
    probed = ((sidecar, sidecar.startup_probe) for sidecar in spec.sidecars)
    return any(probe is not None and not _can_ask(sidecar, probe) for sidecar, probe in probed)


def _can_ask(container: Container, probe: Probe) -> bool:
    """Tell whether the port of a probe is a number, or the name of a port of its own container."""
    port = port_of(probe)
    return not isinstance(port, str) or port.isdigit() or any(declared.name == port for declared in container.ports)


def port_of(probe: Probe) -> IntOrString | None:
    """Return the port that a probe asks, by number or name; None if it asks otherwise."""
    for handler in ("httpGet", "tcpSocket", "grpc"):
        asked = probe.extra.get(handler)
        if isinstance(asked, Mapping) and isinstance(port := asked.get("port"), int | str):
            return port
    return None
