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
from ...api.values.frozen import freeze, thaw
from ...api.workloads import with_size
from ..custom.kind import served_kind
from ..custom.structural import at, with_value

API_VERSION = "autoscaling/v1"


def scale_of(obj: Object) -> dict[str, Any] | None:
    """Return the scale of a workload as JSON; None of what has none."""
    if (custom := _custom_scale(obj)) is not None:
        wanted, replicas, text = custom
    elif isinstance(obj, Sized):
        wanted, replicas, text = obj.spec.wanted, obj.status.replicas, selector_text(obj.spec.selector)
    else:
        return None
    meta = unstructure(obj.metadata)
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: dict[str, Any] = {"replicas": replicas} | ({"selector": text} if text else {})
    spec = {"replicas": wanted} if wanted else {}
    return {
        "kind": "Scale",
        "apiVersion": API_VERSION,
        "metadata": {name: meta[name] for name in kept if name in meta},
        "spec": spec,
        "status": status,
    }


def _custom_scale(obj: Object) -> tuple[int, int, str] | None:
    """Return what a custom resource wants and has, and its selector; None of one without the subresource.

    Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/etcd.go (v1.32).
    """
    kind = served_kind(obj)
    if kind is None or kind.scale is None:
        return None
    json, scale = unstructure(obj), kind.scale
    text = at(json, scale.selector) if scale.selector else ""
    return at(json, scale.spec) or 0, at(json, scale.status) or 0, text or ""


def with_replicas(obj: Any, replicas: int) -> Any:
    """Return an object of another size; one that has none stays as it is."""
    kind = served_kind(obj)
    if kind is not None and kind.scale is not None:
        return evolve(obj, extra=freeze(with_value(thaw(obj.extra), kind.scale.spec, replicas)))
    return with_size(obj, replicas) if isinstance(obj, Sized) else obj


def scaled(stored: Object, scale: Mapping[str, Any]) -> Any:
    """Return a workload with the size and the version that a scale says. Raises BadObject."""
    replicas = (scale.get("spec") or {}).get("replicas") or 0
    if isinstance(replicas, bool) or not isinstance(replicas, int):
        raise BadObject((FieldError("spec.replicas", f"expected an integer, got {replicas!r}"),))
    meta = scale.get("metadata") or {}
    version, uid = str(meta.get("resourceVersion") or ""), str(meta.get("uid") or stored.metadata.uid)
    asked: Any = with_replicas(stored, replicas)
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
