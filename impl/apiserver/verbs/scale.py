"""The scale subresource: how many replicas a workload wants and has, as an object of its own.

Upstream: pkg/registry/apps/*/storage/storage.go (ScaleREST), autoscaling/v1 Scale (v1.32).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from ...api.apps import Sized
from ...api.kinds import Object
from ...api.meta import LabelSelector
from ...api.reading.convert import BadObject, FieldError, unstructure
from ...api.workloads import with_size

API_VERSION = "autoscaling/v1"


def scale_of(obj: Object) -> dict[str, Any] | None:
    """Return the scale of a workload as JSON; None of what has none."""
    if not isinstance(obj, Sized):
        return None
    meta = unstructure(obj.metadata)
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: dict[str, Any] = {"replicas": obj.status.replicas}
    if text := selector_text(obj.spec.selector):
        status["selector"] = text
    spec = {"replicas": obj.spec.wanted} if obj.spec.wanted else {}
    return {
        "kind": "Scale",
        "apiVersion": API_VERSION,
        "metadata": {name: meta[name] for name in kept if name in meta},
        "spec": spec,
        "status": status,
    }


def scaled(stored: Object, scale: Mapping[str, Any]) -> Any:
    """Return a workload with the size and the version that a scale says. Raises BadObject."""
    replicas = (scale.get("spec") or {}).get("replicas") or 0
    if isinstance(replicas, bool) or not isinstance(replicas, int):
        raise BadObject((FieldError("spec.replicas", f"expected an integer, got {replicas!r}"),))
    meta = scale.get("metadata") or {}
    version, uid = str(meta.get("resourceVersion") or ""), str(meta.get("uid") or stored.metadata.uid)
    asked: Any = with_size(stored, replicas) if isinstance(stored, Sized) else stored
    return evolve(asked, metadata=evolve(asked.metadata, resource_version=version, uid=uid))


def selector_text(selector: LabelSelector | None) -> str:
    """Write a selector as `-l` of kubectl takes it."""
    if selector is None:
        return ""
    parts = [f"{key}={value}" for key, value in selector.match_labels.items()]
    for expression in selector.match_expressions:
        listed = f"({','.join(sorted(expression.values))})"
        match expression.operator:
            case "In" | "NotIn":
                parts.append(f"{expression.key} {expression.operator.lower()} {listed}")
            case "Exists":
                parts.append(expression.key)
            case _:
                parts.append(f"!{expression.key}")
    return ",".join(sorted(parts))
