"""Pods, and the templates that workloads make them of.

Upstream: pkg/apis/core/validation/validation.go (v1.32) says what must hold between fields. Left out on purpose: kinds
of volumes other than emptyDir, ConfigMaps and Secrets; ephemeral containers, host ports, devices, Windows, and what
needs an object that may not be there (priority classes, accounts, runtime classes).
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ...impl.api.well_known import HOSTNAME, ZONE
from .parts import (
    Drawn,
    Json,
    amounts,
    flags,
    labels,
    merged,
    names,
    object_of,
    optional,
    or_metadata,
    selectors,
)

POD_SPEC, SECURITY = "io.k8s.api.core.v1.PodSpec", "io.k8s.api.core.v1.SecurityContext"
BOUND_TOGETHER = frozenset(
    {"hostIPC", "hostPID", "hostUsers", "hostNetwork", "shareProcessNamespace", "setHostnameAsFQDN"}
)
"""Flags of a Pod of which one rules out others."""
GRACE = 30
"""Seconds of grace where nothing is said."""


def images() -> st.SearchStrategy[str]:
    """Draw images."""
    return st.sampled_from(("nginx:1.28", "nginx:1.29", "db@sha256:" + "0" * 64, "registry.example.com/a/b"))


def containers(*, probes: bool = True) -> Drawn:
    """Draw a container; the names of several are made different by who lists them. `probes`: and hooks."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "ports": ports(),
        "env": st.lists(environment(), max_size=2, unique_by=lambda one: one["name"]),
        "resources": resources(),
        "imagePullPolicy": st.sampled_from(("Always", "IfNotPresent", "Never")),
        "command": st.lists(st.text(min_size=1, max_size=3), max_size=2),
        "securityContext": optional(flags(SECURITY, but={"allowPrivilegeEscalation", "privileged"})),
    }
    more = {"readinessProbe": probe(), "livenessProbe": probe(), "lifecycle": hook()} if probes else {}
    return st.fixed_dictionaries({"name": names(), "image": images()}, optional={**fields, **more})


def ports() -> st.SearchStrategy[list[Json]]:
    """Draw the ports of a container: a port by number and protocol once, a name once."""
    number = st.sampled_from((80, 8080, 65535))
    name, protocol = st.sampled_from(("http", "web", "dns")), st.sampled_from(("TCP", "UDP", "SCTP"))
    port = st.fixed_dictionaries({"containerPort": number}, optional={"name": name, "protocol": protocol})
    unique = (lambda one: (one["containerPort"], one.get("protocol", "TCP")), lambda one: one.get("name", id(one)))
    return st.lists(port, max_size=2, unique_by=unique)


def environment() -> Drawn:
    """Draw a variable: a value, or a field of the Pod."""
    field = st.sampled_from(("metadata.name", "metadata.namespace", "status.podIP"))
    source = field.map(lambda path: {"fieldRef": {"fieldPath": path}})
    named = {"name": st.sampled_from(("A", "B", "MY_NAME"))}
    plain = st.fixed_dictionaries({**named, "value": st.text(max_size=3)})
    return plain | st.fixed_dictionaries({**named, "valueFrom": source})


def resources() -> Drawn:
    """Draw what a container asks for, and limits that are no lower."""
    return st.tuples(amounts(), st.booleans()).map(
        lambda drawn: {"requests": drawn[0], "limits": drawn[0]} if drawn[1] else {"requests": drawn[0]}
    )


def probe() -> Drawn:
    """Draw a probe with one handler."""
    port = st.sampled_from((80, 8080))
    http = port.map(lambda number: {"httpGet": {"port": number, "path": "/"}})
    handlers = st.one_of(
        http, port.map(lambda number: {"tcpSocket": {"port": number}}), st.just({"exec": {"command": ["true"]}})
    )
    periods = {name: st.integers(1, 5) for name in ("periodSeconds", "timeoutSeconds", "failureThreshold")}
    return merged(handlers, optional({"initialDelaySeconds": st.integers(0, 5), **periods}))


def hook() -> Drawn:
    """Draw a preStop hook that is over within any grace that is drawn."""
    sleep = st.integers(1, 5).map(lambda seconds: {"sleep": {"seconds": seconds}})
    return st.fixed_dictionaries({"preStop": sleep | st.just({"exec": {"command": ["sleep", "5"]}})})


def tolerations() -> Drawn:
    """Draw a toleration of one taint, of all of a key, or of all."""
    key, effect = (
        st.sampled_from(("dedicated", "example.com/gpu")),
        {"effect": st.sampled_from(("NoSchedule", "PreferNoSchedule"))},
    )
    equal = {"key": key, "operator": st.just("Equal"), "value": st.sampled_from(("a", "b"))}
    there = {"key": key, "operator": st.just("Exists")}
    for_while = {"key": key, "operator": st.just("Exists"), "effect": st.just("NoExecute")}
    seconds = {"tolerationSeconds": st.integers(0, 300)}
    return st.one_of(
        st.fixed_dictionaries(equal, optional=effect),
        st.fixed_dictionaries(there, optional=effect),
        st.fixed_dictionaries(for_while, optional=seconds),
        st.just({"operator": "Exists"}),
    )


def affinities() -> Drawn:
    """Draw affinity to nodes, to Pods and away from them, asked for or preferred."""
    term = st.fixed_dictionaries({"topologyKey": topology_keys(), "labelSelector": selectors()})
    preferred = st.fixed_dictionaries({"weight": st.integers(1, 100), "podAffinityTerm": term})
    pods = optional({REQUIRED: st.lists(term, max_size=1), PREFERRED: st.lists(preferred, max_size=1)})
    values = st.lists(st.sampled_from(("a", "b")), min_size=1, max_size=2)
    match = st.fixed_dictionaries({"key": topology_keys(), "operator": st.just("In"), "values": values})
    nodes = match.map(lambda one: {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [one]}]}})
    return optional({"nodeAffinity": nodes, "podAffinity": pods, "podAntiAffinity": pods})


REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def topology_keys() -> st.SearchStrategy[str]:
    """Draw the key of a topology."""
    return st.sampled_from((HOSTNAME, ZONE))


def spreads() -> st.SearchStrategy[list[Json]]:
    """Draw spread constraints, of a key and an answer once."""
    how = st.sampled_from(("DoNotSchedule", "ScheduleAnyway"))
    fields = {"maxSkew": st.integers(1, 2), "topologyKey": topology_keys(), "whenUnsatisfiable": how}
    one = st.fixed_dictionaries({**fields, "labelSelector": selectors()})
    return st.lists(one, max_size=2, unique_by=lambda each: (each["topologyKey"], each["whenUnsatisfiable"]))


def pod_specs(*, restart_policies: tuple[str, ...] = ("Always", "OnFailure", "Never")) -> Drawn:
    """Draw what a Pod is asked to be."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "terminationGracePeriodSeconds": st.integers(5, GRACE),
        "nodeSelector": labels(),
        "tolerations": st.lists(tolerations(), max_size=2),
        "affinity": affinities(),
        "topologySpreadConstraints": spreads(),
        "dnsPolicy": st.sampled_from(("ClusterFirst", "Default")),
        **flags(POD_SPEC, but=BOUND_TOGETHER),
    }
    first = st.lists(containers(probes=False), max_size=1)
    running = st.lists(containers(), min_size=1, max_size=2)
    policy = st.sampled_from(restart_policies)
    whole = st.fixed_dictionaries({"containers": running, "restartPolicy": policy}, optional=fields)
    return st.tuples(whole, first, st.lists(volumes(), max_size=2)).map(lambda drawn: _whole(*drawn))


def volumes() -> Drawn:
    """Draw where files come from; the names of several are made different by who lists them."""
    sources: tuple[Json, ...] = (
        {"emptyDir": {}},
        {"configMap": {"name": "a", "optional": True}},
        {"secret": {"secretName": "a"}},
    )
    return st.sampled_from(sources).map(dict)


def _whole(spec: Json, first: list[Json], files: list[Json]) -> Json:
    """Name containers, their ports and volumes, each by a name of its own, and mount the volumes."""
    named = [{**volume, "name": f"v{number}"} for number, volume in enumerate(files)]
    mounts = {"volumeMounts": [{"name": volume["name"], "mountPath": f"/{volume['name']}"} for volume in named]}
    running = [{**container, "name": f"c{number}", **mounts} for number, container in enumerate(spec["containers"])]
    before = [{**container, "name": f"i{number}"} for number, container in enumerate(first)]
    return {**spec, "containers": running, "initContainers": before, "volumes": named}


def templates(matched: dict[str, str], *, restart_policies: tuple[str, ...] = ("Always",)) -> Drawn:
    """Draw a template of Pods that bear these labels, among others."""
    meta = labels().map(lambda more: {"labels": {**more, **matched}})
    return st.fixed_dictionaries({"metadata": meta, "spec": pod_specs(restart_policies=restart_policies)})


def pods(*, spec: Drawn | None = None, meta: Drawn | None = None) -> Drawn:
    """Draw Pods; `spec` and `meta` stand in for what is drawn of these."""
    return object_of("v1", "Pod", or_metadata(meta), spec=pod_specs() if spec is None else spec)
