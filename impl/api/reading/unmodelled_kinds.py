"""Kinds without a class here: which claims an object of each may change, and by what.

A manifest of such a kind is no error; it is noted, and a claim that may hang on it is not said to hold. A claim that is
not named is not touched, by the argument that stands in `why`. A kind of Kubernetes that is not listed may change all.
A custom resource by itself changes nothing: what its operator would do is not known, and is looked for only where
something in the input needs it (a Service whose Pods nobody makes). But one that says what it scales (`scaleTargetRef`:
KEDA's ScaledObject and others) counts as the autoscaler that it asks for, one whose kind ends in NetworkPolicy (of
Cilium, Calico, the network policy API) as one that drops packets, and a VerticalPodAutoscaler that acts evicts Pods.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen
from immutabledict import immutabledict

from ..claim_names import (
    ALL,
    CONNECTIVITY,
    CONVERGENCE,
    DEADLINE,
    ISOLATION,
    PLACEMENT,
    PRIORITY,
    REACHABILITY,
    SPREAD,
)
from ..kinds import BY_NAME
from ..values.frozen import as_map

WAITS = (CONVERGENCE, PRIORITY, DEADLINE, SPREAD)
"""What more Pods on the nodes may change: who gets room, when, and how even it is."""
REFUSES = (CONVERGENCE, PRIORITY, DEADLINE, REACHABILITY)
"""What a refused request may change. That a step is not taken is among the runs; that it is never taken is not."""
MOVES = tuple(claim for claim in ALL if claim != PLACEMENT)
"""What another writer of replicas may change: a binding is judged by what is there when it is made, whoever made it."""

FILES = "it puts files in front of the program"
IDENTITY = "it names the program to others"
OUTSIDE = "what comes from outside the cluster is not modelled"
PODS = "its Pods are not made, nor is it judged itself; they take room and weigh on scores"
ACCESS = "it says who may ask, and every component here may do its work"
VOLUMES = "volumes are not made here; the claims that wait for one are named"
RECORD = "it is a record; nothing acts on it"


@frozen
class Effect:
    """The claims that an object may change, and how; without claims, why it changes none."""

    claims: tuple[str, ...]
    why: str


_NONE: Mapping[str, str] = {
    "APIService": "it serves another API group; nothing here asks for that",
    "CSIDriver": VOLUMES,
    "CSIStorageCapacity": VOLUMES,
    "CertificateSigningRequest": ACCESS,
    "ConfigMap": FILES,
    "CustomResourceDefinition": "nothing here acts on custom resources",
    "Event": RECORD,
    "FlowSchema": "requests are served in any order here",
    "Ingress": OUTSIDE,
    "IngressClass": OUTSIDE,
    "PodTemplate": RECORD,
    "PriorityLevelConfiguration": "requests are served in any order here",
    "IPAddress": RECORD,
    "MutatingAdmissionPolicy": "it changes nothing without a binding",
    "Secret": FILES,
    "ServiceAccount": IDENTITY,
    "ValidatingAdmissionPolicy": "it refuses nothing without a binding",
    "VolumeAttachment": VOLUMES,
    "VolumeAttributesClass": VOLUMES,
}
SCALES = Effect(MOVES, "it changes replicas")
_SOME: Mapping[str, Effect] = {
    "Endpoints": Effect((REACHABILITY,), "its addresses are not published"),
    "MutatingAdmissionPolicyBinding": Effect(ALL, "the policy may change objects"),
    "ValidatingAdmissionPolicyBinding": Effect(REFUSES, "the policy may refuse objects"),
}
WEBHOOKS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "MutatingWebhookConfiguration": (ALL, "it may change or refuse objects"),
    "ValidatingWebhookConfiguration": (REFUSES, "it may refuse objects"),
}
RESOURCES = frozenset((kind.group, kind.plural) for kind in BY_NAME.values())
"""What is modelled, as webhooks name it."""
CUSTOM = Effect((), "no claim hangs on a custom resource by itself; what its operator makes is not known")
DROPS = Effect((REACHABILITY, ISOLATION, CONNECTIVITY), "it may drop packets, or let some through")
RESIZES = Effect(ALL, "it evicts Pods and changes what they ask for")


def effect_of(kind: str, json: Mapping[str, Any], *, custom: bool) -> Effect:
    """Return what an object of a kind without a class may change."""
    if custom:
        return _custom(kind, json)
    if kind in _NONE:
        return Effect((), _NONE[kind])
    if kind in WEBHOOKS:
        claims, why = WEBHOOKS[kind]
        return Effect(claims, why) if asks_of_modelled(json) else Effect((), "its rules name no kind that is modelled")
    if kind == "RuntimeClass":
        return _runtime_class(json)
    return _SOME.get(kind, Effect(ALL, "nothing is known of what it does"))


def scales(kind: str, json: Mapping[str, Any], *, custom: bool) -> bool:
    """Tell whether an object of a kind without a class here changes how many Pods there are of others."""
    return effect_of(kind, json, custom=custom) in {SCALES, RESIZES}


def _custom(kind: str, json: Mapping[str, Any]) -> Effect:
    spec = as_map(json.get("spec"))
    if pod_template(json) is not None:
        return Effect(WAITS, PODS)
    if as_map(spec.get("scaleTargetRef")):
        return SCALES
    if kind.endswith("NetworkPolicy"):
        return DROPS
    if kind == "VerticalPodAutoscaler" and as_map(spec.get("updatePolicy")).get("updateMode") != "Off":
        return RESIZES
    return CUSTOM


def _runtime_class(json: Mapping[str, Any]) -> Effect:
    if json.get("overhead") or json.get("scheduling"):
        return Effect(ALL, "its overhead and its nodes are not looked at")
    return Effect((), "it has neither overhead nor nodes of its own")


def asks_of_modelled(json: Mapping[str, Any]) -> bool:
    """Tell whether a webhook's rules name a modelled kind (subresources are given as pods/status); none: nothing."""
    rules = (rule for webhook in json.get("webhooks") or () for rule in as_map(webhook).get("rules") or ())
    return any(_names_modelled(as_map(rule)) for rule in rules)


def _names_modelled(rule: Mapping[str, Any]) -> bool:
    groups, resources = rule.get("apiGroups") or (), rule.get("resources") or ()
    plurals = {str(resource).partition("/")[0] for resource in resources}
    return any(
        ("*" in groups or group in groups) and ("*" in plurals or plural in plurals) for group, plural in RESOURCES
    )


def pod_template(json: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the template of the Pods that a workload without a class makes, as JSON; None for what makes none.

    So all write it that are workloads: Rollouts (argoproj.io), DeploymentConfigs (apps.openshift.io), and others.
    """
    template = as_map(as_map(json.get("spec")).get("template"))
    return template if as_map(template.get("spec")).get("containers") else None


def template_labels(json: Mapping[str, Any]) -> immutabledict[str, str] | None:
    """Return the labels of the Pods that a workload makes; None for what makes none."""
    template = pod_template(json)
    if template is None:
        return None
    labels = as_map(as_map(template.get("metadata")).get("labels"))
    return immutabledict((key, str(value)) for key, value in sorted(labels.items()))


def most_pods(json: Mapping[str, Any]) -> int:
    """Bound how many Pods of a workload may be there at once, those that are ending included."""
    replicas = as_map(json.get("spec")).get("replicas")
    return 2 * (1 if replicas is None else int(replicas))
