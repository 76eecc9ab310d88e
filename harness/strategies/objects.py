"""Strategies by kind: `from kubeproof import strategies`, and then `strategies.deployments()` in a test of your own.

What is drawn is plain JSON, as in a manifest: `yaml.safe_dump` writes it, `kubeproof.create` takes it, and an API
server accepts it. Strategies compose: `pods(spec=...)`, `deployments(meta=strategies.metadata(name=st.just("web")))`.
"""

from __future__ import annotations

from hypothesis import strategies as st

from .parts import Drawn, Json, int_or_percent, labels, metadata, names, object_of, optional, or_metadata, selectors
from .pods import containers, pod_specs, pods, tolerations
from .workloads import cron_jobs, daemon_sets, deployments, jobs, replica_sets, stateful_sets

__all__ = [
    "KINDS",
    "config_maps",
    "containers",
    "cron_jobs",
    "custom_resources",
    "daemon_sets",
    "deployments",
    "jobs",
    "labels",
    "metadata",
    "names",
    "network_policies",
    "nodes",
    "persistent_volume_claims",
    "pod_disruption_budgets",
    "pod_specs",
    "pods",
    "replica_sets",
    "secrets",
    "selectors",
    "services",
    "stateful_sets",
    "tolerations",
]


def services(*, meta: Drawn | None = None) -> Drawn:
    """Draw Services of all types but ExternalName: headless ones, with one port or two."""
    number, protocol = st.sampled_from((53, 80, 443)), st.sampled_from(("TCP", "UDP"))
    port = st.fixed_dictionaries(
        {"port": number, "protocol": protocol}, optional={"targetPort": st.sampled_from((80, "web"))}
    )
    ports = st.lists(port, min_size=1, max_size=2, unique_by=lambda one: (one["port"], one["protocol"])).map(_named)
    headless = st.just({"type": "ClusterIP", "clusterIP": "None"})
    local = st.sampled_from(("Cluster", "Local"))
    outside = st.tuples(st.sampled_from(("NodePort", "LoadBalancer")), local).map(
        lambda drawn: {"type": drawn[0], "externalTrafficPolicy": drawn[1]}
    )
    kinds = st.one_of(st.just({"type": "ClusterIP"}), headless, outside)
    more = optional({"publishNotReadyAddresses": st.booleans(), "internalTrafficPolicy": local})
    spec = st.tuples(kinds, ports, labels(), more).map(
        lambda drawn: {**drawn[0], "ports": drawn[1], "selector": drawn[2], **drawn[3]}
    )
    return object_of("v1", "Service", or_metadata(meta), spec=spec)


def _named(ports: list[Json]) -> list[Json]:
    """Name ports where there are several, as a Service must."""
    return ports if len(ports) == 1 else [{**port, "name": f"p{number}"} for number, port in enumerate(ports)]


def config_maps(*, meta: Drawn | None = None) -> Drawn:
    """Draw ConfigMaps."""
    return object_of("v1", "ConfigMap", or_metadata(meta), data=_data())


def secrets(*, meta: Drawn | None = None) -> Drawn:
    """Draw Secrets of the type that nothing is asked of."""
    return object_of("v1", "Secret", or_metadata(meta), stringData=_data(), type=st.just("Opaque"))


def _data() -> Drawn:
    return st.dictionaries(st.sampled_from(("a", "b.yaml", "_c-1")), st.text(max_size=5), max_size=2)


def nodes(*, meta: Drawn | None = None) -> Drawn:
    """Draw nodes, some tainted or cordoned."""
    taint = st.fixed_dictionaries(
        {
            "key": st.sampled_from(("dedicated", "example.com/gpu")),
            "effect": st.sampled_from(("NoSchedule", "NoExecute")),
        },
        optional={"value": st.sampled_from(("a", "b"))},
    )
    taints = st.lists(taint, max_size=2, unique_by=lambda one: (one["key"], one["effect"]))
    size = st.fixed_dictionaries(
        {
            "cpu": st.sampled_from(("1", "4")),
            "memory": st.sampled_from(("1Gi", "8Gi")),
            "pods": st.sampled_from(("3", "110")),
        }
    )
    spec = optional({"taints": taints, "unschedulable": st.booleans()})
    status = size.map(lambda has: {"capacity": has, "allocatable": has})
    return object_of("v1", "Node", metadata(namespaced=False) if meta is None else meta, spec=spec, status=status)


def pod_disruption_budgets(*, meta: Drawn | None = None) -> Drawn:
    """Draw budgets: of what must stay, or of what may go."""
    field = st.sampled_from(("minAvailable", "maxUnavailable"))
    spec = st.tuples(field, int_or_percent(), selectors()).map(lambda drawn: {drawn[0]: drawn[1], "selector": drawn[2]})
    return object_of("policy/v1", "PodDisruptionBudget", or_metadata(meta), spec=spec)


def persistent_volume_claims(*, meta: Drawn | None = None) -> Drawn:
    """Draw claims of volumes."""
    modes = st.lists(
        st.sampled_from(("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany")), min_size=1, max_size=2, unique=True
    )
    size = st.sampled_from(("1Gi", "500M")).map(lambda storage: {"requests": {"storage": storage}})
    more = {"storageClassName": names(), "volumeMode": st.sampled_from(("Filesystem", "Block"))}
    spec = st.fixed_dictionaries({"accessModes": modes, "resources": size}, optional=more)
    return object_of("v1", "PersistentVolumeClaim", or_metadata(meta), spec=spec)


def network_policies(*, meta: Drawn | None = None) -> Drawn:
    """Draw NetworkPolicies: what they select, and who is let in and out."""
    port = st.fixed_dictionaries(
        {"port": st.sampled_from((80, "web"))}, optional={"protocol": st.sampled_from(("TCP", "UDP"))}
    )
    peer = st.one_of(
        selectors().map(lambda one: {"podSelector": one}),
        selectors().map(lambda one: {"namespaceSelector": one}),
        st.just({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}),
    )
    rule = {"ports": st.lists(port, max_size=1)}
    ingress = st.lists(optional({**rule, "from": st.lists(peer, max_size=2)}), max_size=1)
    egress = st.lists(optional({**rule, "to": st.lists(peer, max_size=2)}), max_size=1)
    types = st.lists(st.sampled_from(("Ingress", "Egress")), min_size=1, max_size=2, unique=True)
    more = {"ingress": ingress, "egress": egress, "policyTypes": types}
    spec = st.fixed_dictionaries({"podSelector": selectors()}, optional=more)
    return object_of("networking.k8s.io/v1", "NetworkPolicy", or_metadata(meta), spec=spec)


def custom_resources(api_version: str, kind: str, spec: Drawn, *, meta: Drawn | None = None) -> Drawn:
    """Draw objects of a custom kind, whose spec is yours to draw."""
    return object_of(api_version, kind, or_metadata(meta), spec=spec)


KINDS = {
    "ConfigMap": config_maps,
    "CronJob": cron_jobs,
    "DaemonSet": daemon_sets,
    "Deployment": deployments,
    "Job": jobs,
    "NetworkPolicy": network_policies,
    "Node": nodes,
    "PersistentVolumeClaim": persistent_volume_claims,
    "Pod": pods,
    "PodDisruptionBudget": pod_disruption_budgets,
    "ReplicaSet": replica_sets,
    "Secret": secrets,
    "Service": services,
    "StatefulSet": stateful_sets,
}
"""The strategy of each kind."""
