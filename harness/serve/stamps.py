"""Time stamps in what kubelets report: the pure kubelet has no clock, so it sees its status without them.

Upstream: pkg/kubelet/status/status_manager.go (updateLastTransitionTime), kuberuntime (startedAt) (v1.32).
"""

from __future__ import annotations

from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...impl.api.core import ContainerStatus, Pod, PodCondition, PodStatus
from ...impl.api.meta import Time
from ...impl.api.values.frozen import freeze
from ...impl.api.values.timestamps import format_time
from ...impl.kubelet.status import OWNED

STARTED, FINISHED = "startedAt", "finishedAt"


def unstamped(pod: Pod) -> Pod:
    """Return a Pod without the time stamps that its kubelet's reports got."""
    status = pod.status
    conditions = tuple(
        evolve(condition, last_transition_time=None) if condition.type in OWNED else condition
        for condition in status.conditions
    )
    return evolve(
        pod,
        status=evolve(
            status,
            conditions=conditions,
            host_ip="",
            start_time=None,
            extra=immutabledict(
                (key, value) for key, value in status.extra.items() if key not in {"hostIPs", "podIPs"}
            ),
            container_statuses=tuple(map(_bare, status.container_statuses)),
            init_container_statuses=tuple(map(_bare, status.init_container_statuses)),
        ),
    )


def _bare(one: ContainerStatus) -> ContainerStatus:
    return evolve(one, state=immutabledict((name, _without_times(detail)) for name, detail in one.state.items()))


def _without_times(detail: Any) -> Any:
    return immutabledict((key, value) for key, value in detail.items() if key not in {STARTED, FINISHED})


def stamped(wanted: Pod, old: PodStatus, now: Time, host: str) -> Pod:
    """Return a report with addresses, and with time stamps: of before where nothing has changed, else the present."""
    status = wanted.status
    conditions = tuple(
        _dated(condition, old, now) if condition.type in OWNED else condition for condition in status.conditions
    )
    before = {
        container_status.name: container_status
        for container_status in (*old.container_statuses, *old.init_container_statuses)
    }
    addresses = {"hostIPs": [{"ip": host}], "podIPs": [{"ip": status.pod_ip}]} if status.pod_ip else {}
    dated = evolve(
        status,
        host_ip=host,
        extra=freeze({**status.extra, **addresses}),
        conditions=conditions,
        start_time=old.start_time if old.start_time is not None else now,
        container_statuses=tuple(
            _timed(container_status, before, now) for container_status in status.container_statuses
        ),
        init_container_statuses=tuple(
            _timed(container_status, before, now) for container_status in status.init_container_statuses
        ),
    )
    return evolve(wanted, status=dated)


def _dated(one: PodCondition, old: PodStatus, now: Time) -> PodCondition:
    before = old.condition(one.type)
    same = before is not None and before.status == one.status and before.last_transition_time is not None
    return evolve(one, last_transition_time=before.last_transition_time if same and before else now)


def _timed(one: ContainerStatus, before: dict[str, ContainerStatus], now: Time) -> ContainerStatus:
    old = before.get(one.name)
    state: dict[str, Any] = {}
    for name, detail in one.state.items():
        known = old.state.get(name) if old is not None and old.restart_count == one.restart_count else None
        times = {key: known[key] for key in (STARTED, FINISHED) if known is not None and key in known}
        state[name] = {**detail, **(times or _first(name, old, now))}
    return evolve(one, state=freeze(state))


def _first(name: str, old: ContainerStatus | None, now: Time) -> dict[str, str]:
    """Return the time stamps of a state that has just begun."""
    if name == "running":
        return {STARTED: format_time(now)}
    if name == "terminated":
        ran = (old.state.get("running") or {}).get(STARTED) if old is not None else None
        return {STARTED: ran or format_time(now), FINISHED: format_time(now)}
    return {}
