"""How long a Pod takes by what its manifest says.

Upstream: pkg/kubelet/kuberuntime/kuberuntime_container.go (killContainer), pkg/kubelet/prober/worker.go (v1.32).
A hook whose length nobody can read off (`hooks`) counts as what it surely takes; with `most`, as one that has no end.
Left out on purpose: the jitter of probe periods, the time images take to arrive.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import partial

from attrs import frozen

from ..api.core import Container, Pod, PodSpec
from .hooks import NOTHING, Length, length_of
from .prober import port_of

DEFAULT_GRACE_SECONDS = 30


@frozen
class Timings:
    """Seconds: from start to Ready, of the preStop hook, and of the whole termination, of which preStop is a part."""

    ready_seconds: float
    pre_stop_seconds: float
    grace_seconds: int

    @property
    def before_sigterm(self) -> float:
        """Seconds from the start of the termination to SIGTERM: the hook is cut off when the grace period is over."""
        return min(self.pre_stop_seconds, float(self.grace_seconds))

    @property
    def after_sigterm(self) -> float:
        """Seconds SIGTERM leaves at most before SIGKILL; at least 2, even when the hook has eaten the grace period."""
        return max(self.grace_seconds - self.before_sigterm, 2.0)


def timings(pod: Pod, targets: Collection[int] = (), *, most: bool = False) -> Timings:
    """Read the times of a Pod off its manifest and, once it is being deleted, the grace period off its deletion.

    `targets` are the container ports that are asked for, `most` says which length a hook of unknown length has: see
    `first_to_stop`.
    """
    return Timings(
        ready_seconds=max((_ready_seconds(container) for container in pod.spec.containers), default=0),
        pre_stop_seconds=pre_stop_seconds(pod.spec, targets, most=most),
        grace_seconds=_grace_seconds(pod),
    )


def pre_stop_seconds(spec: PodSpec, targets: Collection[int] = (), *, most: bool = False) -> float:
    """Return the seconds before the first container that may take connections gets its SIGTERM."""
    first = first_to_stop(spec, targets, most=most)
    return 0 if first is None else _seconds(before_sigterm(spec, first), most=most)


def waits_for_hook(spec: PodSpec) -> bool:
    """Tell whether a container may wait for a hook before its SIGTERM: the Pod is then between the two for a while."""
    return any(hook_length(container) != NOTHING for container in (*spec.containers, *spec.sidecars))


def first_to_stop(spec: PodSpec, targets: Collection[int] = (), *, most: bool = False) -> Container | None:
    """Return the container that gets its SIGTERM first of those that may take connections.

    A hook of unknown length takes what it surely takes, or with `most` has no end.

    `targets` are the numbers of the ports that Services lead to: whoever declares one, or is probed there, takes its
    connections; one of which nobody says anything may be anybody's, for a declaration only tells (`Container.ports` in
    api/core/v1/types.go). Without targets whoever declares a port counts, or else all.
    """
    told = {container: told_ports(container) for container in (*spec.containers, *spec.sidecars)}
    if not set[int]().union(*told.values()).issuperset(targets):
        listening = list(spec.containers)
    else:
        listening = [container for container, ports in told.items() if ports.intersection(targets)]
    listening = listening or [container for container in spec.containers if container.ports] or list(spec.containers)
    return min(listening, key=partial(_until_sigterm, spec, most=most), default=None)


def before_sigterm(spec: PodSpec, container: Container) -> Length:
    """Return how long a container of a Pod that ends is left alone, but for the grace period.

    Hooks run side by side. A sidecar waits for its own, and then until all containers have ended, and the sidecars
    after it (pkg/kubelet/kuberuntime/kuberuntime_termination_order.go, v1.32).
    """
    lengths = [hook_length(container)]
    if container in spec.sidecars:
        after = spec.sidecars[spec.sidecars.index(container) + 1 :]
        lengths += map(hook_length, (*spec.containers, *after))
    return Length(max(length.seconds for length in lengths), exact=all(length.exact for length in lengths))


def told_ports(container: Container) -> frozenset[int]:
    """Return the ports on which a container listens, by what it declares and by where it is probed."""
    probes = (container.readiness_probe, container.liveness_probe, container.startup_probe)
    asked = (port for probe in probes if probe is not None and isinstance(port := port_of(probe), int))
    return frozenset((*(port.container_port for port in container.ports), *asked))


def _grace_seconds(pod: Pod) -> int:
    chosen = pod.spec.termination_grace_period_seconds
    if pod.metadata.terminating and pod.metadata.deletion_grace_period_seconds is not None:
        chosen = pod.metadata.deletion_grace_period_seconds
    return max(DEFAULT_GRACE_SECONDS if chosen is None else chosen, 1)


def _ready_seconds(container: Container) -> float:
    started = container.startup_probe.initial_delay_seconds if container.startup_probe else 0
    probe = container.readiness_probe
    if probe is None:
        return started
    return max(started, probe.initial_delay_seconds) + (probe.success_threshold - 1) * probe.period_seconds


def hook_length(container: Container) -> Length:
    """Return how long a container's preStop hook takes, as far as that can be read off."""
    hook = container.lifecycle.pre_stop if container.lifecycle else None
    return NOTHING if hook is None else length_of(hook)


def _until_sigterm(spec: PodSpec, container: Container, *, most: bool) -> float:
    return _seconds(before_sigterm(spec, container), most=most)


def _seconds(length: Length, *, most: bool) -> float:
    return math.inf if most and not length.exact else length.seconds
