"""The modelled kinds: what each is called in a URL, whether it lives in a namespace, how to name one object of it."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen
from immutabledict import immutabledict

from .apps import ControllerRevision, DaemonSet, Deployment, ReplicaSet, ReplicationController, StatefulSet
from .autoscaling import HorizontalPodAutoscaler
from .batch import CronJob, Job
from .core import Binding, Event, Namespace, Node, Pod, Service
from .meta import ObjectMeta, Ref
from .networking import NetworkPolicy
from .policy import EndpointSlice, Eviction, Lease, PodDisruptionBudget, PriorityClass, Role, RoleBinding
from .quota import LimitRange, ResourceQuota
from .storage import CSINode, PersistentVolume, PersistentVolumeClaim, StorageClass
from .values.frozen import EMPTY


@frozen
class Kind:
    """One kind: its Go and JSON name, apiVersion, plural in URLs, scope and class."""

    name: str
    api_version: str
    plural: str
    namespaced: bool
    cls: type[Any] = field(eq=False)
    custom: bool = False
    """Whether a CustomResourceDefinition brings it."""
    status_apart: bool = False
    """Of a custom kind: whether its status is a subresource."""
    crd: str = ""
    """Of a custom kind that an API server serves: the name of its CustomResourceDefinition, PLURAL.GROUP."""

    @property
    def key(self) -> str:
        """What a reference calls the kind: its name, and behind it the definition that serves a custom one.

        So two groups may have kinds of one name.
        """
        return f"{self.name}.{self.crd}" if self.crd else self.name

    @property
    def group(self) -> str:
        """The API group, "" for core."""
        return self.api_version.rpartition("/")[0]


NO_KIND = Kind("", "", "", namespaced=False, cls=object)


@frozen(cache_hash=True)
class Unstructured:
    """An object of a kind without a class: its kind, its metadata, and all the rest as JSON, which nobody looks into.

    An API server that is served over HTTP has such objects, and a world in which somebody's own controller acts on the
    kind; of other manifests such a kind is a note (impl.api.reading).
    """

    of: Kind = NO_KIND
    metadata: ObjectMeta = ObjectMeta()
    extra: immutabledict[str, Any] = EMPTY


Object = (
    Pod
    | Node
    | Service
    | Namespace
    | Binding
    | Event
    | Deployment
    | ReplicaSet
    | ReplicationController
    | StatefulSet
    | DaemonSet
    | ControllerRevision
    | Job
    | CronJob
    | HorizontalPodAutoscaler
    | PodDisruptionBudget
    | Eviction
    | EndpointSlice
    | NetworkPolicy
    | Lease
    | Role
    | RoleBinding
    | PriorityClass
    | ResourceQuota
    | LimitRange
    | PersistentVolume
    | PersistentVolumeClaim
    | StorageClass
    | CSINode
    | Unstructured
)

KINDS: tuple[Kind, ...] = (
    Kind("Pod", "v1", "pods", namespaced=True, cls=Pod),
    Kind("Node", "v1", "nodes", namespaced=False, cls=Node),
    Kind("Service", "v1", "services", namespaced=True, cls=Service),
    Kind("Namespace", "v1", "namespaces", namespaced=False, cls=Namespace),
    Kind("Binding", "v1", "bindings", namespaced=True, cls=Binding),
    Kind("Event", "v1", "events", namespaced=True, cls=Event),
    Kind("ResourceQuota", "v1", "resourcequotas", namespaced=True, cls=ResourceQuota),
    Kind("LimitRange", "v1", "limitranges", namespaced=True, cls=LimitRange),
    Kind("Deployment", "apps/v1", "deployments", namespaced=True, cls=Deployment),
    Kind("ReplicaSet", "apps/v1", "replicasets", namespaced=True, cls=ReplicaSet),
    Kind("ReplicationController", "v1", "replicationcontrollers", namespaced=True, cls=ReplicationController),
    Kind("StatefulSet", "apps/v1", "statefulsets", namespaced=True, cls=StatefulSet),
    Kind("DaemonSet", "apps/v1", "daemonsets", namespaced=True, cls=DaemonSet),
    Kind("ControllerRevision", "apps/v1", "controllerrevisions", namespaced=True, cls=ControllerRevision),
    Kind("Job", "batch/v1", "jobs", namespaced=True, cls=Job),
    Kind("CronJob", "batch/v1", "cronjobs", namespaced=True, cls=CronJob),
    Kind(
        "HorizontalPodAutoscaler",
        "autoscaling/v2",
        "horizontalpodautoscalers",
        namespaced=True,
        cls=HorizontalPodAutoscaler,
    ),
    Kind("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets", namespaced=True, cls=PodDisruptionBudget),
    Kind("Eviction", "policy/v1", "evictions", namespaced=True, cls=Eviction),
    Kind("EndpointSlice", "discovery.k8s.io/v1", "endpointslices", namespaced=True, cls=EndpointSlice),
    Kind("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies", namespaced=True, cls=NetworkPolicy),
    Kind("Lease", "coordination.k8s.io/v1", "leases", namespaced=True, cls=Lease),
    Kind("Role", "rbac.authorization.k8s.io/v1", "roles", namespaced=True, cls=Role),
    Kind("ClusterRole", "rbac.authorization.k8s.io/v1", "clusterroles", namespaced=False, cls=Role),
    Kind("RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings", namespaced=True, cls=RoleBinding),
    Kind(
        "ClusterRoleBinding", "rbac.authorization.k8s.io/v1", "clusterrolebindings", namespaced=False, cls=RoleBinding
    ),
    Kind("PriorityClass", "scheduling.k8s.io/v1", "priorityclasses", namespaced=False, cls=PriorityClass),
    Kind("PersistentVolume", "v1", "persistentvolumes", namespaced=False, cls=PersistentVolume),
    Kind("PersistentVolumeClaim", "v1", "persistentvolumeclaims", namespaced=True, cls=PersistentVolumeClaim),
    Kind("StorageClass", "storage.k8s.io/v1", "storageclasses", namespaced=False, cls=StorageClass),
    Kind("CSINode", "storage.k8s.io/v1", "csinodes", namespaced=False, cls=CSINode),
)

BY_NAME = {kind.name: kind for kind in KINDS}


def kind_of(obj: Object) -> Kind:
    """Return the kind of an object; a Role without a namespace is a ClusterRole, a RoleBinding likewise."""
    if isinstance(obj, Unstructured):
        return obj.of
    name = type(obj).__name__
    if name in {"Role", "RoleBinding"} and not obj.metadata.namespace:
        name = f"Cluster{name}"
    return BY_NAME[name]


def ref_of(obj: Object) -> Ref:
    """Name an object."""
    return Ref(kind_of(obj).key, obj.metadata.namespace, obj.metadata.name)
