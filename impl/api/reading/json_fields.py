"""The fields of the vocabulary as JSON has them: name, type, default, and whether Kubernetes always prints them.

Upstream: the JSON tags of the Go types (staging/src/k8s.io/api, v1.32).
"""

from __future__ import annotations

from functools import cache
from types import NoneType
from typing import Any, NewType, get_args, get_type_hints

import attrs
from attrs import frozen
from immutabledict import immutabledict

Timestamp = NewType("Timestamp", int)
"""What the vocabulary calls Time, as a type of its own, so that it can be told from other integers."""

UPPER = {"id": "ID", "ip": "IP", "ips": "IPs", "ipc": "IPC", "pid": "PID", "urls": "URLs"}

ALWAYS: immutabledict[str, frozenset[str]] = immutabledict(
    {
        "Binding": frozenset({"target"}),
        "Container": frozenset({"name", "resources"}),
        "ContainerImage": frozenset({"names"}),
        "ContainerPort": frozenset({"containerPort"}),
        "ContainerStatus": frozenset({"name", "state", "lastState", "ready", "restartCount", "image"}),
        "DaemonSetSpec": frozenset({"selector", "template", "updateStrategy"}),
        "DaemonSetStatus": frozenset(
            {"currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"}
        ),
        "DeploymentSpec": frozenset({"selector", "template", "strategy"}),
        "EndpointConditions": frozenset({"ready", "serving", "terminating"}),
        "Endpoint": frozenset({"addresses", "conditions"}),
        "EndpointSlice": frozenset({"addressType", "endpoints", "ports"}),
        "EndpointPort": frozenset({"name"}),
        "Event": frozenset({"involvedObject"}),
        "CrossVersionObjectReference": frozenset({"kind", "name"}),
        "HPAScalingPolicy": frozenset({"type", "value", "periodSeconds"}),
        "HorizontalPodAutoscalerSpec": frozenset({"scaleTargetRef", "maxReplicas"}),
        "HorizontalPodAutoscalerStatus": frozenset({"desiredReplicas", "currentMetrics"}),
        "IPBlock": frozenset({"cidr"}),
        "LabelSelectorRequirement": frozenset({"key", "operator"}),
        "LimitRangeItem": frozenset({"type"}),
        "LimitRangeSpec": frozenset({"limits"}),
        "NetworkPolicySpec": frozenset({"podSelector"}),
        "NodeSelector": frozenset({"nodeSelectorTerms"}),
        "OwnerReference": frozenset({"apiVersion", "kind", "name", "uid"}),
        "CronJobSpec": frozenset({"schedule", "suspend", "jobTemplate"}),
        "JobSpec": frozenset({"template"}),
        "PodFailurePolicyOnPodConditionsPattern": frozenset({"type", "status"}),
        "JobCondition": frozenset({"type", "status"}),
        "PodAffinityTerm": frozenset({"topologyKey"}),
        "PodDisruptionBudgetStatus": frozenset(
            {"disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"}
        ),
        "PodSchedulingGate": frozenset({"name"}),
        "PodSpec": frozenset({"containers"}),
        "PolicyRule": frozenset({"verbs"}),
        "PreferredSchedulingTerm": frozenset({"weight", "preference"}),
        "PriorityClass": frozenset({"value"}),
        "ReplicaSetSpec": frozenset({"selector"}),
        "ReplicaSetStatus": frozenset({"replicas"}),
        "Role": frozenset({"rules"}),
        "RoleBinding": frozenset({"roleRef"}),
        "RoleRef": frozenset({"apiGroup", "kind", "name"}),
        "ScopedResourceSelectorRequirement": frozenset({"scopeName", "operator"}),
        "ServicePort": frozenset({"port"}),
        "SleepAction": frozenset({"seconds"}),
        "StatefulSetSpec": frozenset({"selector", "template", "serviceName", "updateStrategy"}),
        "StatefulSetStatus": frozenset({"replicas", "availableReplicas"}),
        "ControllerRevision": frozenset({"revision"}),
        "Subject": frozenset({"kind", "name"}),
        "Taint": frozenset({"key", "effect"}),
        "TopologySpreadConstraint": frozenset({"maxSkew", "topologyKey", "whenUnsatisfiable"}),
        "WeightedPodAffinityTerm": frozenset({"weight", "podAffinityTerm"}),
        "NodeCondition": frozenset({"type", "status"}),
        "PodCondition": frozenset({"type", "status"}),
        "WorkloadCondition": frozenset({"type", "status"}),
    }
)
"""Fields without `omitempty` in Go, by class: printed even when zero."""


@frozen
class Field:
    """One attribute: its name here and in JSON, its type, default and whether Kubernetes always prints it."""

    name: str
    json: str
    type: Any
    default: Any
    always: bool
    optional: bool


def json_name(attribute: str) -> str:
    """Return the JSON name of an attribute: host_ip is hostIP."""
    first, *rest = attribute.split("_")
    return first + "".join(UPPER.get(word, word.capitalize()) for word in rest)


@cache
def fields_of(cls: type) -> tuple[Field, ...]:
    """List the modelled fields of a class in the order of the class."""
    hints = get_type_hints(cls, localns={"Time": Timestamp})
    always = ALWAYS.get(cls.__name__, frozenset())
    empty = cls()
    return tuple(
        Field(
            field.name,
            json_name(field.name),
            hints[field.name],
            getattr(empty, field.name),
            json_name(field.name) in always,
            hints[field.name] is not Any and NoneType in get_args(hints[field.name]),
        )
        for field in attrs.fields(cls)
        if field.name != "extra"
    )


@cache
def holds_time(kind: Any) -> bool:
    """Tell whether values of a type are times, or hold some."""
    return kind is Timestamp or any(holds_time(part) for part in get_args(kind) if part is not Ellipsis)
