"""What the states of its containers make of a Pod: its phase, and whether it is initialized and ready.

Upstream: getPhase in pkg/kubelet/kubelet_pods.go, HasAnyRegularContainerStarted in pkg/kubelet/container/helpers.go,
pkg/kubelet/status/generate.go (v1.32, v1.36).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from ..api.core import Container, ContainerStatus, PodCondition, PodSpec
from ..api.releases import NEWEST, Change, Release

INITIALIZED, READY, CONTAINERS_READY = "Initialized", "Ready", "ContainersReady"
Statuses = tuple[ContainerStatus, ...]


@frozen
class Told:
    """What is told of a Pod's containers: its init containers, and the others."""

    init: Statuses = ()
    regular: Statuses = ()

    def of(self, container: Container) -> ContainerStatus | None:
        """Return what is said of one container."""
        return next((status for status in (*self.init, *self.regular) if status.name == container.name), None)


def is_sidecar(container: Container) -> bool:
    """Tell whether an init container runs on beside the others."""
    return container.restart_policy == "Always"


def _ended(state: Mapping[str, Any]) -> int | None:
    """Return the exit code of a state that is an end; None of one that is none."""
    return int(state["terminated"].get("exitCode", 0)) if "terminated" in state else None


def _stage(status: ContainerStatus | None) -> str:
    """Name what a container does: running, terminated, restarting (it ended once and waits), waiting, or unknown."""
    if status is None:
        return "unknown"
    if "running" in status.state:
        return "running"
    if "terminated" in status.state:
        return "terminated"
    if "waiting" in status.state:
        return "restarting" if "terminated" in status.last_state else "waiting"
    return "unknown"


def pod_phase(spec: PodSpec, said: Told, *, over: bool, release: Release = NEWEST) -> str:
    """Return the phase of a Pod that is not finished; `over`: its containers start no more, whatever the policy."""
    if spec.restart_policy == "Never" and any(
        _has_failed(said.of(container)) for container in spec.init_containers if not is_sidecar(container)
    ):
        return "Failed"
    waits = any(_is_pending(said.of(container)) for container in spec.init_containers if not is_sidecar(container))
    restarts = any(
        _sidecar_is_pending(said.of(container)) for container in spec.init_containers if is_sidecar(container)
    )
    stages = Counter(_stage(said.of(container)) for container in spec.containers)
    for container in filter(is_sidecar, spec.init_containers):
        stage = _stage(said.of(container))
        stages[stage] += stage in {"running", "waiting", "unknown"}
    if waits or (restarts and not _has_begun(spec, said, release)) or stages["waiting"]:
        return "Pending"
    if stages["unknown"] or not +stages:
        return "Pending"
    return "Running" if stages["running"] else _stopped(spec, said, over=over, release=release)


def _stopped(spec: PodSpec, said: Told, *, over: bool, release: Release) -> str:
    """Return the phase of a Pod of which every container has ended or waits to be started again."""
    found = [said.of(container) for container in spec.containers]
    well = all(status is not None and _ended(status.state) == 0 for status in found)
    if over:
        return "Succeeded" if well else "Failed"
    if spec.restart_policy == "Always":
        return "Running"
    if Change.RESTART_RULES in release:
        if spec.restart_policy == "OnFailure" and any(_exit_code(status) for status in found):
            return "Running"
        return "Succeeded" if well else "Failed"
    if well:
        return "Succeeded"
    return "Failed" if spec.restart_policy == "Never" else "Running"


def _exit_code(status: ContainerStatus | None) -> int | None:
    """Return the exit code with which a container ended last."""
    if status is None:
        return None
    code = _ended(status.state)
    return _ended(status.last_state) if code is None else code


def _has_failed(status: ContainerStatus | None) -> bool:
    return _stage(status) in {"terminated", "restarting"} and bool(_exit_code(status))


def _is_pending(status: ContainerStatus | None) -> bool:
    return _stage(status) in {"unknown", "running", "waiting"}


def _sidecar_is_pending(status: ContainerStatus | None) -> bool:
    if status is None:
        return False
    stage = _stage(status)
    return not status.started if stage == "running" else stage in {"waiting", "unknown"}


def _has_begun(spec: PodSpec, said: Told, release: Release) -> bool:
    """Tell whether a container that is no init container has started; one that restarts counts since 1.33."""
    counting = {"running", "terminated"} | ({"restarting"} if Change.STARTED_COUNTS in release else set())
    return any(_stage(said.of(container)) in counting for container in spec.containers)


# --- conditions -----------------------------------------------------------------------------------------------------


def initialized(spec: PodSpec, said: Told, phase: str) -> PodCondition:
    """Say whether the init containers are done, or were once: a container that runs or ran is proof of it."""
    unknown, unready = _lacking(said, spec.init_containers, _is_done)
    if phase == "Succeeded" and not unknown:
        return PodCondition(INITIALIZED, "True", "PodCompleted")
    ran = any(_stage(said.of(container)) in {"running", "terminated"} for container in spec.containers)
    message = _message(("unknown", unknown), ("incomplete", unready))
    return PodCondition(INITIALIZED, "True") if ran or not message else _refused(INITIALIZED, "Initialized", message)


def containers_ready(spec: PodSpec, said: Told, phase: str) -> PodCondition:
    """Say whether every container is ready, sidecars included."""
    counted = (*filter(is_sidecar, spec.init_containers), *spec.containers)
    unknown, unready = _lacking(said, counted, lambda _, status: status.ready)
    if phase == "Failed" or (phase == "Succeeded" and not unknown):
        return PodCondition(CONTAINERS_READY, "False", "PodFailed" if phase == "Failed" else "PodCompleted")
    message = _message(("unknown", unknown), ("unready", unready))
    return _refused(CONTAINERS_READY, "Ready", message) if message else PodCondition(CONTAINERS_READY, "True")


def pod_ready(containers: PodCondition, closed: tuple[str, ...]) -> PodCondition:
    """Say whether a Pod is ready: its containers are, and none of its readiness gates is closed."""
    if containers.status != "True" or not closed:
        return evolve(containers, type=READY)
    return PodCondition(READY, "False", "ReadinessGatesNotReady", ", ".join(closed))


def _is_done(container: Container, status: ContainerStatus) -> bool:
    return bool(status.started) if is_sidecar(container) else status.ready


def _lacking(
    said: Told, containers: Iterable[Container], well: Callable[[Container, ContainerStatus], bool]
) -> tuple[list[str], list[str]]:
    """Name the containers of which nothing is said, and those that are not well."""
    unknown, unwell = [], []
    for container in containers:
        status = said.of(container)
        if status is None:
            unknown.append(container.name)
        elif not well(container, status):
            unwell.append(container.name)
    return unknown, unwell


def _message(*lists: tuple[str, list[str]]) -> str:
    return ", ".join(_listed(lists))


def _listed(lists: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    for word, names in lists:
        if names:
            yield f"containers with {word} status: [{' '.join(names)}]"


def _refused(kind: str, word: str, message: str) -> PodCondition:
    return PodCondition(kind, "False", f"ContainersNot{word}", message)
