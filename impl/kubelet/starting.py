"""Programs that take a while to start up, and probes that may not wait so long.

Upstream: pkg/kubelet/prober/worker.go (run, doProbe), v1.32. A liveness or startup probe is asked once a period, first
when `initialDelaySeconds` have passed since the container was started; where in the period that is, is left to chance,
and stays so over restarts. In n - 1 periods it may have been asked n times. A liveness probe is asked only once the
startup probe, if there is one, has succeeded. Nobody can read off a manifest how long a program takes: an annotation of
the Pod says it, of the program of each container.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..api.core import Container, Pod, PodSpec
from ..api.values.duration import DurationError, seconds
from .obstacles import Obstacle

STARTS_IN = "kubeproof/starts-in"
"""The annotation of a Pod that says how long its programs take to start up."""


def starts_in(pod: Pod) -> int:
    """Return the seconds that a Pod's programs take to start up: 0 where nothing is said of it."""
    try:
        return seconds(pod.metadata.annotations.get(STARTS_IN, "0"))
    except DurationError:
        return 0


def is_probed(container: Container) -> bool:
    """Tell whether a container is not taken to be ready as soon as it runs."""
    return container.readiness_probe is not None or container.startup_probe is not None


def impatient(spec: PodSpec, needed: int) -> Iterator[Obstacle]:
    """Yield the probes that may have their containers killed again and again before these have started up."""
    yield from kept_from_starting(spec, needed)
    yield from killed_early(spec, needed)
    for path, sidecar in _sidecars(spec):
        if sidecar.startup_probe is None:
            yield from _told(path, sidecar, needed)


def killed_early(spec: PodSpec, needed: int) -> Iterator[Obstacle]:
    """Yield the probes of the containers proper that may have these killed."""
    for index, container in enumerate(spec.containers):
        yield from _told(f"containers[{index}]", container, needed)


def kept_from_starting(spec: PodSpec, needed: int) -> Iterator[Obstacle]:
    """Yield the startup probes of sidecars that may never succeed: what comes after such a sidecar is not started.

    Upstream: computeInitContainerActions in pkg/kubelet/kuberuntime/kuberuntime_container.go (v1.32), which goes on to
    the next container once a sidecar's status says `started` (KEP-753).
    """
    for path, sidecar in _sidecars(spec):
        if sidecar.startup_probe is not None:
            yield from _told(path, sidecar, needed)


def _sidecars(spec: PodSpec) -> Iterator[tuple[str, Container]]:
    sidecars = {sidecar.name for sidecar in spec.sidecars}
    for index, container in enumerate(spec.init_containers):
        if container.name in sidecars:
            yield f"initContainers[{index}]", container


def _told(path: str, container: Container, needed: int) -> Iterator[Obstacle]:
    """Yield the probe of a container that may give its program up before it has started up."""
    starting = container.startup_probe is not None
    probe = container.startup_probe if starting else container.liveness_probe
    if probe is None:
        return
    lasts = probe.initial_delay_seconds + (probe.failure_threshold - 1) * probe.period_seconds
    if needed > lasts:
        enough = -(-needed // probe.period_seconds) + 1
        often = "once" if probe.failure_threshold == 1 else f"{probe.failure_threshold} times"
        repair = f"failureThreshold: {enough}" if starting else f"a startupProbe with failureThreshold: {enough}"
        yield Obstacle(
            f"{path}.{'startupProbe' if starting else 'livenessProbe'}",
            f"after {lasts} s it may have failed {often} and the container is killed; its program takes {needed} s "
            f"to start up ({STARTS_IN}): {repair} waits long enough",
        )
