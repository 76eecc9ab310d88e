"""API versions that Kubernetes no longer serves: since when, and what is written otherwise in the version that is left.

Upstream: kubernetes.io/docs/reference/using-api/deprecation-guide (v1.36).
Left out on purpose: alpha versions, which nobody has by default, and kinds that are asked for and never stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

_SELECTOR = "it needs spec.selector, with the labels of its template"
_INGRESS = (
    "there a backend is service.name and service.port.number (or .name), spec.backend is defaultBackend, and each path "
    "has a pathType"
)
_WEBHOOK = "there each webhook says sideEffects and admissionReviewVersions"
_CRD = "there each of spec.versions has its own schema.openAPIV3Schema, and spec.scope is required"
_BUDGET = "an empty selector then selects every Pod of the namespace"
_METRICS = "there each metric has its target as type and value"


NOTHING = "nothing takes its place; what Pods may do, the label pod-security.kubernetes.io/enforce of a Namespace says"


@frozen
class Removed:
    """A version that is no longer served: since which release, and what is written otherwise in what is left."""

    group: str
    release: str
    change: str = ""

    def instead(self, served: Sequence[str]) -> str:
        """Tell what to write, given the versions in which the kind is served now: the last of its group, or of all."""
        if not served:
            return NOTHING
        mine = [version for version in served if version.partition("/")[0] == self.group]
        return f"write {(mine or served)[-1]}" + (f": {self.change}" if self.change else "")


_REMOVED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "1.16": {
        "apps/v1beta1": ("Deployment", "ReplicaSet", "StatefulSet"),
        "apps/v1beta2": ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"),
        "extensions/v1beta1": ("DaemonSet", "Deployment", "NetworkPolicy", "PodSecurityPolicy", "ReplicaSet"),
    },
    "1.22": {
        "admissionregistration.k8s.io/v1beta1": ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
        "apiextensions.k8s.io/v1beta1": ("CustomResourceDefinition",),
        "apiregistration.k8s.io/v1beta1": ("APIService",),
        "certificates.k8s.io/v1beta1": ("CertificateSigningRequest",),
        "coordination.k8s.io/v1beta1": ("Lease",),
        "extensions/v1beta1": ("Ingress",),
        "networking.k8s.io/v1beta1": ("Ingress", "IngressClass"),
        "rbac.authorization.k8s.io/v1beta1": ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
        "scheduling.k8s.io/v1beta1": ("PriorityClass",),
        "storage.k8s.io/v1beta1": ("CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"),
    },
    "1.25": {
        "autoscaling/v2beta1": ("HorizontalPodAutoscaler",),
        "batch/v1beta1": ("CronJob",),
        "discovery.k8s.io/v1beta1": ("EndpointSlice",),
        "events.k8s.io/v1beta1": ("Event",),
        "node.k8s.io/v1beta1": ("RuntimeClass",),
        "policy/v1beta1": ("PodDisruptionBudget", "PodSecurityPolicy"),
    },
    "1.26": {
        "autoscaling/v2beta2": ("HorizontalPodAutoscaler",),
        "flowcontrol.apiserver.k8s.io/v1beta1": ("FlowSchema", "PriorityLevelConfiguration"),
    },
    "1.27": {"storage.k8s.io/v1beta1": ("CSIStorageCapacity",)},
    "1.29": {"flowcontrol.apiserver.k8s.io/v1beta2": ("FlowSchema", "PriorityLevelConfiguration")},
    "1.32": {"flowcontrol.apiserver.k8s.io/v1beta3": ("FlowSchema", "PriorityLevelConfiguration")},
}
ALL = {
    (version, kind): release
    for release, versions in _REMOVED.items()
    for version, kinds in versions.items()
    for kind in kinds
}
_CHANGES = {
    "CustomResourceDefinition": _CRD,
    "DaemonSet": _SELECTOR,
    "Deployment": _SELECTOR,
    "Ingress": _INGRESS,
    "MutatingWebhookConfiguration": _WEBHOOK,
    "PodDisruptionBudget": _BUDGET,
    "ReplicaSet": _SELECTOR,
    "StatefulSet": _SELECTOR,
    "ValidatingWebhookConfiguration": _WEBHOOK,
}
_CHANGES_OF_VERSION = {("autoscaling/v2beta1", "HorizontalPodAutoscaler"): _METRICS}


def removed(version: str, kind: str) -> Removed | None:
    """Tell since when a kind is no longer served in a version; None for one that never was, or is."""
    release = ALL.get((version, kind))
    if release is None:
        return None
    change = _CHANGES_OF_VERSION.get((version, kind), _CHANGES.get(kind, ""))
    return Removed(version.partition("/")[0], release, change)
