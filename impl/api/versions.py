"""Kinds that are served in more than one version: the stored object as the version asked for, and back.

Upstream: pkg/apis/autoscaling/v1/conversion.go, pkg/apis/events/v1 (v1.32).
Left out on purpose: metrics of an autoscaler other than the utilisation of cpu, where autoscaling/v1 is asked for.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
MEASURED = "currentCPUUtilizationPercentage"
"""What the status of autoscaling/v1 says of cpu, and that of autoscaling/v2 among its metrics."""
EVENT_NAMES = {
    "regarding": "involvedObject",
    "note": "message",
    "deprecatedCount": "count",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedSource": "source",
    "reportingController": "reportingComponent",
}
"""The fields of an event that events.k8s.io calls otherwise."""


def stored(obj: Json, version: str) -> Json:
    """Return what is stored for an object that a client wrote in a version."""
    match version, obj.get("kind"):
        case "autoscaling/v1", "HorizontalPodAutoscaler":
            return _to_v2(obj)
        case "events.k8s.io/v1", "Event":
            return {EVENT_NAMES.get(key, key): value for key, value in obj.items()} | {"apiVersion": "v1"}
        case _:
            return obj


def served(obj: Json, version: str) -> Json:
    """Return a stored object as a version shows it."""
    if obj.get("apiVersion") == version:
        return obj
    match version, obj.get("kind"):
        case "autoscaling/v1", "HorizontalPodAutoscaler":
            return _to_v1(obj)
        case "events.k8s.io/v1", "Event":
            names = {name: key for key, name in EVENT_NAMES.items()}
            return {names.get(key, key): value for key, value in obj.items()} | {"apiVersion": version}
        case _:
            return obj


def _to_v2(obj: Json) -> Json:
    spec = dict(obj["spec"]) if isinstance(obj.get("spec"), dict) else {}
    wanted = spec.pop("targetCPUUtilizationPercentage", None)
    if wanted is not None:
        target = {"type": "Utilization", "averageUtilization": wanted}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    newer = {**obj, "apiVersion": "autoscaling/v2", "spec": spec}
    if isinstance(obj.get("status"), dict):
        newer["status"] = {
            key: value for key, value in obj["status"].items() if key != "currentCPUUtilizationPercentage"
        }
    return newer


def _to_v1(obj: Json) -> Json:
    spec = dict(obj.get("spec") or {})
    metrics = spec.pop("metrics", ())
    spec.pop("behavior", None)
    for metric in metrics:
        resource = metric.get("resource") or {}
        wanted = (resource.get("target") or {}).get("averageUtilization")
        if resource.get("name") == "cpu" and wanted is not None:
            spec["targetCPUUtilizationPercentage"] = wanted
    return {**obj, "apiVersion": "autoscaling/v1", "spec": spec}
