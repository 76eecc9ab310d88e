"""The roles a fresh cluster has for its own components: what each may write, as a table.

Upstream: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/{policy,controller_policy}.go (v1.32).
Left out on purpose: rules on kinds that are not modelled, and read verbs (a component's reads are its informers').
"""

from __future__ import annotations

from immutabledict import immutabledict

from ...api.policy import PolicyRule


def _rule(verbs: str, group: str, resources: str) -> PolicyRule:
    return PolicyRule(verbs=tuple(verbs.split()), api_groups=(group,), resources=tuple(resources.split()))


APPS = "apps"
BATCH = "batch"
LEASES = "coordination.k8s.io"
SLICES = "discovery.k8s.io"
EVENTS = (_rule("create patch update", "", "events"), _rule("create patch update", "events.k8s.io", "events"))

NODE_RULES: tuple[PolicyRule, ...] = (
    _rule("create get list watch", "", "nodes"),
    _rule("update patch", "", "nodes nodes/status"),
    _rule("get list watch", "", "pods services"),
    _rule("create delete", "", "pods"),
    _rule("update patch", "", "pods/status"),
    _rule("create", "", "pods/eviction"),
    _rule("get create update patch delete", LEASES, "leases"),
    *EVENTS,
)
"""What the Node authorizer grants to a kubelet (system:node)."""

_CONTROLLERS: dict[str, tuple[PolicyRule, ...]] = {
    "deployment-controller": (
        _rule("get list watch update", APPS, "deployments"),
        _rule("update", APPS, "deployments/status"),
        _rule("update", APPS, "deployments/finalizers"),
        _rule("get list watch create update patch delete", APPS, "replicasets"),
        _rule("get list update watch", "", "pods"),
        *EVENTS,
    ),
    "replicaset-controller": (
        _rule("get list watch update", APPS, "replicasets"),
        _rule("update", APPS, "replicasets/status"),
        _rule("update", APPS, "replicasets/finalizers"),
        _rule("list watch create delete patch", "", "pods"),
        *EVENTS,
    ),
    "replication-controller": (
        _rule("get list watch update", "", "replicationcontrollers"),
        _rule("update", "", "replicationcontrollers/status"),
        _rule("update", "", "replicationcontrollers/finalizers"),
        _rule("list watch create delete patch", "", "pods"),
        *EVENTS,
    ),
    "statefulset-controller": (
        _rule("list watch", "", "pods"),
        _rule("get list watch", APPS, "statefulsets"),
        _rule("update", APPS, "statefulsets/status"),
        _rule("update", APPS, "statefulsets/finalizers"),
        _rule("get create delete update patch", "", "pods"),
        _rule("get create delete update patch list watch", APPS, "controllerrevisions"),
        _rule("get create", "", "persistentvolumeclaims"),
        _rule("update delete", "", "persistentvolumeclaims"),
        *EVENTS,
    ),
    "persistent-volume-binder": (
        _rule("get list watch create update delete", "", "persistentvolumes"),
        _rule("update", "", "persistentvolumes/status"),
        _rule("get list watch update", "", "persistentvolumeclaims"),
        _rule("update", "", "persistentvolumeclaims/status"),
        _rule("get list watch", "storage.k8s.io", "storageclasses"),
        _rule("get list watch", "", "nodes"),
        *EVENTS,
    ),
    "cronjob-controller": (
        _rule("get list update watch", BATCH, "cronjobs"),
        _rule("create delete get list patch update watch", BATCH, "jobs"),
        _rule("update", BATCH, "cronjobs/status"),
        _rule("update", BATCH, "cronjobs/finalizers"),
        _rule("delete list", "", "pods"),
        *EVENTS,
    ),
    "daemon-set-controller": (
        _rule("get list watch", APPS, "daemonsets"),
        _rule("update", APPS, "daemonsets/status"),
        _rule("update", APPS, "daemonsets/finalizers"),
        _rule("list watch", "", "nodes"),
        _rule("list watch create delete patch", "", "pods"),
        _rule("create", "", "pods/binding"),
        _rule("get create delete update patch list watch", APPS, "controllerrevisions"),
        *EVENTS,
    ),
    "job-controller": (
        _rule("get list watch update patch", BATCH, "jobs"),
        _rule("update", BATCH, "jobs/status"),
        _rule("update", BATCH, "jobs/finalizers"),
        _rule("list watch create delete patch", "", "pods"),
        *EVENTS,
    ),
    "horizontal-pod-autoscaler": (
        _rule("get list watch", "autoscaling", "horizontalpodautoscalers"),
        _rule("update", "autoscaling", "horizontalpodautoscalers/status"),
        _rule("get update", "*", "*/scale"),
        _rule("list", "", "pods"),
        *EVENTS,
    ),
    "disruption-controller": (
        _rule("get list watch", APPS, "deployments replicasets statefulsets"),
        _rule("get list watch", "policy", "poddisruptionbudgets"),
        _rule("update", "policy", "poddisruptionbudgets/status"),
        _rule("patch update", "", "pods/status"),
        *EVENTS,
    ),
    "resourcequota-controller": (
        _rule("list watch", "*", "*"),
        _rule("update", "", "resourcequotas/status"),
        *EVENTS,
    ),
    "endpoint-controller": (
        _rule("get list watch", "", "services pods"),
        _rule("get list create update delete", "", "endpoints"),
    ),
    "endpointslice-controller": (
        _rule("get list watch", "", "services pods nodes"),
        _rule("get list create update delete", SLICES, "endpointslices"),
        _rule("update", "", "services/finalizers"),
        *EVENTS,
    ),
    "node-controller": (
        _rule("get list update delete patch", "", "nodes"),
        _rule("patch update", "", "nodes/status"),
        _rule("patch update", "", "pods/status"),
        _rule("list watch get delete", "", "pods"),
        *EVENTS,
    ),
    "generic-garbage-collector": (
        _rule("get list watch patch update delete", "*", "*"),
        *EVENTS,
    ),
    "namespace-controller": (
        _rule("get list watch delete", "", "namespaces"),
        _rule("update", "", "namespaces/finalize namespaces/status"),
        _rule("get list delete deletecollection", "*", "*"),
    ),
    "pod-garbage-collector": (
        _rule("list watch delete", "", "pods"),
        _rule("get list", "", "nodes"),
        _rule("patch", "", "pods/status"),
    ),
    "taint-eviction-controller": (
        _rule("get list watch", "", "nodes"),
        _rule("get list watch delete", "", "pods"),
        _rule("patch", "", "pods/status"),
        *EVENTS,
    ),
    "service-account-controller": (
        _rule("create", "", "serviceaccounts"),
        *EVENTS,
    ),
    "ttl-after-finished-controller": (
        _rule("get list watch delete", "batch", "jobs"),
        *EVENTS,
    ),
}

USER_RULES: immutabledict[str, tuple[PolicyRule, ...]] = immutabledict(
    {
        "system:kube-scheduler": (
            _rule("get list watch delete", "", "pods"),
            _rule("create", "", "bindings pods/binding"),
            _rule("patch update", "", "pods/status"),
            _rule("get list watch", "", "nodes"),
            _rule("get list patch update watch", "", "persistentvolumes persistentvolumeclaims"),
            _rule("get list watch", "storage.k8s.io", "storageclasses csinodes"),
            _rule("create", LEASES, "leases"),
            _rule("get update", LEASES, "leases"),
            *EVENTS,
        ),
        "system:kube-controller-manager": (
            _rule("create", LEASES, "leases"),
            _rule("get update", LEASES, "leases"),
            *EVENTS,
        ),
        "system:kube-proxy": (
            _rule("list watch", "", "services"),
            _rule("get list watch", "", "nodes"),
            _rule("list watch", SLICES, "endpointslices"),
            *EVENTS,
        ),
        **{f"system:serviceaccount:kube-system:{name}": rules for name, rules in _CONTROLLERS.items()},
    }
)
"""User name to the rules its built-in ClusterRoleBinding gives it."""

REVIEWS = "selfsubjectaccessreviews selfsubjectrulesreviews"
AUTHENTICATED_RULES: tuple[PolicyRule, ...] = (
    _rule("create", "authorization.k8s.io", REVIEWS),
    _rule("create", "authentication.k8s.io", "selfsubjectreviews"),
)
"""system:basic-user, which system:authenticated is bound to: to ask what one may."""

MASTERS_RULES: tuple[PolicyRule, ...] = (_rule("*", "*", "*"),)
"""cluster-admin, which system:masters is bound to."""
