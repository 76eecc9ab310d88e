"""The cells of a Pod: what a human wants to know of its phase, its containers and what they wait for.

Upstream: pkg/printers/internalversion/printers.go (printPod) (v1.32).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....api.meta import Time
from ....api.values.timestamps import parse_time
from .words import NONE, age, human

Json = dict[str, Any]
FINAL = frozenset({"Failed", "Succeeded"})


def pod(obj: Json, now: Time) -> list[Any]:
    """Return the cells of a Pod."""
    meta, spec, status = (obj.get(name) or {} for name in ("metadata", "spec", "status"))
    sidecars = {
        container["name"]
        for container in spec.get("initContainers") or ()
        if container.get("restartPolicy") == "Always"
    }
    ready, restarts = _counts(spec, status, sidecars)
    total = len(spec.get("containers") or ()) + len(sidecars)
    gates = spec.get("readinessGates") or ()
    true = {condition.get("type") for condition in status.get("conditions") or () if condition.get("status") == "True"}
    open_gates = sum(gate.get("conditionType") in true for gate in gates)
    return [
        meta.get("name", ""),
        f"{ready}/{total}",
        reason(obj),
        _restarted(restarts, status, now),
        age(meta.get("creationTimestamp"), now),
        status.get("podIP") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        f"{open_gates}/{len(gates)}" if gates else NONE,
    ]


def _counts(spec: Json, status: Json, sidecars: set[str]) -> tuple[int, int]:
    """Return how many containers are ready, and how often any was restarted."""
    main = status.get("containerStatuses") or ()
    first = status.get("initContainerStatuses") or ()
    running = [
        container_status
        for container_status in main
        if container_status.get("ready") and "running" in (container_status.get("state") or {})
    ]
    beside = [container for container in first if container.get("name") in sidecars and container.get("ready")]
    if _initializing(spec, status) is not None:
        return len(beside), sum(container.get("restartCount", 0) for container in first)
    counted = [*main, *(container for container in first if container.get("name") in sidecars)]
    return len(running) + len(beside), sum(container.get("restartCount", 0) for container in counted)


def _restarted(count: int, status: Json, now: Time) -> str:
    """Write how often containers were restarted, and how long ago the last time was."""
    ends = (
        ((container.get("lastState") or {}).get("terminated") or {}).get("finishedAt")
        for container in status.get("containerStatuses") or ()
    )
    times = [when for end in ends if isinstance(end, str) and (when := parse_time(end)) is not None]
    return f"{count} ({human(now - max(times))} ago)" if count and times else str(count)


def reason(obj: Json) -> str:
    """Return the word in the column STATUS."""
    meta, spec, status = (obj.get(name) or {} for name in ("metadata", "spec", "status"))
    found = status.get("reason") or status.get("phase") or ""
    if any(condition.get("reason") == "SchedulingGated" for condition in status.get("conditions") or ()):
        found = "SchedulingGated"
    initializing = _initializing(spec, status)
    found = _of_containers(status, found) if initializing is None else initializing
    if meta.get("deletionTimestamp"):
        if status.get("reason") == "NodeLost":
            return "Unknown"
        if status.get("phase") not in FINAL:
            return "Terminating"
    return found


def _initializing(spec: Json, status: Json) -> str | None:
    """Say which init container is not done yet; None when all are."""
    declared = {container["name"]: container for container in spec.get("initContainers") or ()}
    for index, container in enumerate(status.get("initContainerStatuses") or ()):
        state = container.get("state") or {}
        ended, waits = state.get("terminated"), state.get("waiting") or {}
        sidecar = (declared.get(container.get("name")) or {}).get("restartPolicy") == "Always"
        if (ended is not None and not ended.get("exitCode")) or (sidecar and container.get("started")):
            continue
        if ended is not None:
            return f"Init:{_end(ended)}"
        if waits.get("reason") not in {None, "", "PodInitializing"}:
            return f"Init:{waits['reason']}"
        return f"Init:{index}/{len(declared)}"
    return None


def _of_containers(status: Json, found: str) -> str:
    running = False
    for container in reversed(status.get("containerStatuses") or ()):
        state = container.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            found = state["waiting"]["reason"]
        elif "terminated" in state:
            found = _end(state["terminated"])
        elif container.get("ready") and "running" in state:
            running = True
    if found == "Completed" and running:
        ready = any(
            condition.get("type") == "Ready" and condition.get("status") == "True"
            for condition in status.get("conditions") or ()
        )
        return "Running" if ready else "NotReady"
    return found


def _end(ended: Mapping[str, Any]) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"


PRINTERS = {"Pod": pod}
