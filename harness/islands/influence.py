"""Which objects may influence what becomes of each other, but for the room they take: the bonds that make islands.

Components read objects by kind, and of a kind those that a key, an owner or a selector names. So whoever acts on one
object reads another only along one of these:

- an owner reference (controllers, garbage collection),
- a selector: of a Service, a disruption budget, a workload (which adopts what it selects), a term of pod affinity or
  anti-affinity, a spread constraint,
- the name of a Service that a program looks for before it is ready,
- an EndpointSlice's Service; an autoscaler's target; a budget of resources and whatever is in its namespace,
- something that only one can have: a port of the nodes, a fixed address, a claim of a volume, a volume that is there
  for claims of its class, a disk, the name of a Pod that is given it,
- the numbers that Services are given, where a step asks for one.

Every version that the script makes of an object counts. Labels that controllers add (the hash of a template) are taken
to match whatever is asked of them. Names that lead nowhere join nothing. Room is the business of `room`; nodes,
classes, namespaces and roles are everybody's, and each island has all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from attrs import evolve, field, frozen

from ...impl.api.apps import StatefulSet, Workload
from ...impl.api.autoscaling import HorizontalPodAutoscaler
from ...impl.api.batch import Job
from ...impl.api.core import Pod, PodSpec, Service
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import LabelSelector, Ref
from ...impl.api.policy import EndpointSlice, PodDisruptionBudget
from ...impl.api.quota import ResourceQuota
from ...impl.api.storage import PersistentVolume, PersistentVolumeClaim
from ...impl.api.values.frozen import Strings, strings
from ...impl.api.values.selectors import Labelled, matches_map, selects
from ...impl.api.volume_sources import DISKS as ONE_NODE
from ...impl.api.well_known import (
    MADE_LABELS,
    SERVICE_NAME,
)
from ...impl.kubelet.behaviour import ready_when
from ...impl.scheduler.plugins.volumes.volume_claims import claim_names
from ..input.limits import filled_in

SHARED = frozenset(
    {
        "ClusterRole",
        "ClusterRoleBinding",
        "CSINode",
        "Event",
        "Lease",
        "LimitRange",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "Role",
        "RoleBinding",
        "StorageClass",
    }
)
"""Kinds that every island has all of: who reads them is not changed by who else does."""


@frozen
class Maker:
    """Who makes Pods, in one version: a workload, or a Pod by itself."""

    ref: Ref
    labels: Strings
    """Those of its Pods."""
    spec: PodSpec
    own: Strings = field(factory=strings)
    """Those of the workload itself, by which a Deployment takes a ReplicaSet for its own."""


@frozen
class Bond:
    """Two objects one of which may influence what becomes of the other, and how."""

    one: Ref
    other: Ref
    why: str


def makers_of(objects: Iterable[Object]) -> Iterator[Maker]:
    """Yield who makes Pods, version by version, with what limit ranges make of their specs."""
    known = tuple(objects)
    filled = filled_in(known)
    for obj in known:
        if isinstance(obj, Workload):
            template = obj.spec.template
            for spec in filled(template.spec, obj.metadata.namespace):
                yield Maker(ref_of(obj), template.metadata.labels, spec, obj.metadata.labels)
        elif isinstance(obj, Pod):
            yield Maker(ref_of(obj), obj.metadata.labels, obj.spec)


def bonds(objects: tuple[Object, ...]) -> Iterator[Bond]:
    """Yield what joins objects, of which these are all versions there may be."""
    makers = tuple(dict.fromkeys(makers_of(objects)))
    labelled = Labelled.of((known, (*known.labels.items(), *known.own.items())) for known in makers)
    for obj in objects:
        yield from _owners(obj)
        yield from _selected(obj, labelled)
        yield from _looked_for(obj)
        if isinstance(obj, HorizontalPodAutoscaler):
            scaled = obj.spec.scale_target_ref
            target = Ref(scaled.kind, obj.metadata.namespace, scaled.name)
            yield Bond(ref_of(obj), target, f"{_told(ref_of(obj))} scales {_told(target)}")
    for maker in makers:
        yield from _terms(maker, labelled)
    yield from _only_one(objects, makers)


def _owners(obj: Object) -> Iterator[Bond]:
    for owner in obj.metadata.owner_references:
        owned = Ref(owner.kind, obj.metadata.namespace, owner.name)
        yield Bond(ref_of(obj), owned, f"{owner.kind} {owner.name} owns {_told(ref_of(obj))}")


def _likely(selector: LabelSelector, makers: Labelled[Maker]) -> tuple[Maker, ...]:
    """Return those makers of whom a selector may select something: there may be thousands of others."""
    return makers.bearing({key: value for key, value in selector.match_labels.items() if key not in MADE_LABELS})


def _looked_for(obj: Object) -> Iterator[Bond]:
    """Yield the Services whose names lead to somebody before a Pod gets ready."""
    pod = Pod(obj.spec.template.metadata) if isinstance(obj, Workload) else obj
    for name in ready_when(pod) if isinstance(pod, Pod) else ():
        service = Ref("Service", obj.metadata.namespace, name)
        yield Bond(ref_of(obj), service, f"{_told(ref_of(obj))} gets ready when {_told(service)} leads to somebody")


def _selected(obj: Object, makers: Labelled[Maker]) -> Iterator[Bond]:
    """Yield whom an object selects in its namespace, and whose it is."""
    ref, selector, does = ref_of(obj), _selector(obj), "selects Pods of"
    if isinstance(obj, EndpointSlice):
        service = Ref("Service", ref.namespace, obj.metadata.labels.get(SERVICE_NAME, ""))
        yield Bond(ref, service, f"{_told(ref)} is of {_told(service)}")
    if isinstance(obj, ResourceQuota):
        selector, does = LabelSelector(), "counts what there is of"
    for maker in _likely(selector, makers) if selector is not None else ():
        if maker.ref.namespace != obj.metadata.namespace:
            continue
        adopts = isinstance(obj, Workload) and may_select(selector, maker.own)
        if maker.ref != ref and (adopts or may_select(selector, maker.labels)):
            yield Bond(ref, maker.ref, f"{_told(ref)} {does} {_told(maker.ref)}")


def _selector(obj: Object) -> LabelSelector | None:
    """Return what an object selects Pods of its namespace by; None: it selects none."""
    if isinstance(obj, Service):
        return LabelSelector(match_labels=obj.spec.selector) if obj.spec.selector else None
    if isinstance(obj, PodDisruptionBudget):
        return obj.spec.selector
    if isinstance(obj, Job) and not obj.spec.manual_selector:
        return None  # It is made for it, and selects its own Pods alone.
    return obj.spec.selector if isinstance(obj, Workload) else None


def may_select(selector: LabelSelector | None, labels: Mapping[str, str]) -> bool:
    """Tell whether a selector may select a Pod with these labels and some that its controller adds."""
    if selector is None:
        return False
    wanted = {key: value for key, value in selector.match_labels.items() if key not in MADE_LABELS}
    if not matches_map(wanted, labels):
        return False
    rest = tuple(expression for expression in selector.match_expressions if expression.key not in MADE_LABELS)
    return selects(evolve(selector, match_labels=strings(wanted), match_expressions=rest), labels)


def _terms(maker: Maker, makers: Labelled[Maker]) -> Iterator[Bond]:
    """Yield whom a Pod wants to be near to, away from or spread among; of affinity in whatever namespace."""
    affinity = maker.spec.affinity
    near = [] if affinity is None else [rules for rules in (affinity.pod_affinity, affinity.pod_anti_affinity) if rules]
    found = [
        (term.label_selector, "")
        for rules in near
        for term in (
            *rules.required_during_scheduling_ignored_during_execution,
            *(wish.pod_affinity_term for wish in rules.preferred_during_scheduling_ignored_during_execution),
        )
    ]
    space = maker.ref.namespace
    found += [(constraint.label_selector, space) for constraint in maker.spec.topology_spread_constraints]
    for selector, namespace in found:
        for other in _likely(selector, makers) if selector is not None else ():
            near_enough = other.ref != maker.ref and namespace in {"", other.ref.namespace}
            if near_enough and may_select(selector, other.labels):
                yield Bond(maker.ref, other.ref, f"{_told(maker.ref)} looks at where Pods of {_told(other.ref)} are")


def _only_one(objects: tuple[Object, ...], makers: tuple[Maker, ...]) -> Iterator[Bond]:
    """Join those who ask for the same thing that only one can have."""
    asking: dict[tuple[Hashable, ...], dict[Ref, None]] = defaultdict(dict)
    for maker in makers:
        for container in (*maker.spec.init_containers, *maker.spec.containers):
            for port in container.ports:
                number = port.container_port if maker.spec.host_network else port.host_port
                if number:
                    asking["port of the nodes", number][maker.ref] = None
        for name, ephemeral in claim_names(Pod(spec=maker.spec)):
            if not ephemeral:
                asking["claim", maker.ref.namespace, name][maker.ref] = None
        for disk in _disks(maker.spec):
            asking["disk", *disk][maker.ref] = None
    by_hand = any(isinstance(known, PersistentVolume) for known in objects)
    for obj in objects:
        for name_of in (*_names(obj), *(_volumes(obj) if by_hand else ())):
            asking[name_of][ref_of(obj)] = None
        if ref_of(obj).kind == "PersistentVolumeClaim":
            asking["claim", obj.metadata.namespace, obj.metadata.name][ref_of(obj)] = None
        if isinstance(obj, Service):
            for open_port in obj.spec.ports:
                if open_port.node_port:
                    asking["port of the nodes", open_port.node_port][ref_of(obj)] = None
            if checks := obj.spec.extra.get("healthCheckNodePort"):
                asking["port of the nodes", checks][ref_of(obj)] = None
            addresses = {obj.spec.cluster_ip, *obj.spec.cluster_ips, *obj.spec.external_ips, *_given_by_balancers(obj)}
            for address in sorted(addresses - {"", "None"}):
                asking["address", address][ref_of(obj)] = None
    for (what, *which), refs in asking.items():
        for ref, other in pairwise(refs):
            yield Bond(ref, other, f"{_told(ref)} and {_told(other)} name the same {what} ({which[-1]})")


def _given_by_balancers(service: Service) -> Iterator[str]:
    """Yield the addresses that load balancers have given a Service."""
    status: Any = service.extra.get("status") or {}
    for ingress in (status.get("loadBalancer") or {}).get("ingress") or ():
        yield ingress.get("ip", "")


def _names(obj: Object) -> Iterator[tuple[Hashable, ...]]:
    """Yield the names that a Pod has, or that a StatefulSet gives its Pods and their claims."""
    meta = obj.metadata
    if isinstance(obj, Pod):
        yield "Pod", meta.namespace, meta.name
    if isinstance(obj, StatefulSet):
        for number in range(obj.spec.first, obj.spec.first + obj.spec.wanted):
            name = f"{meta.name}-{number}"
            yield "Pod", meta.namespace, name
            for claim in obj.spec.volume_claim_templates:
                yield "claim", meta.namespace, f"{claim.metadata.name}-{name}"


def _volumes(obj: Object) -> Iterator[tuple[Hashable, ...]]:
    """Yield that an object has claims, where some volumes are made by hand: any may be bound to any of these."""
    templates = obj.spec.volume_claim_templates if isinstance(obj, StatefulSet) else ()
    if templates or isinstance(obj, PersistentVolumeClaim):
        yield "volumes", "by hand"


DISKS = {
    **{source: (field,) for source, field in ONE_NODE.items()},
    "iscsi": ("iqn",),
    "rbd": ("pool", "image"),
}
"""Disks that two Pods of a node cannot share (VolumeRestrictions), or two nodes, and what tells one from another."""


def _disks(spec: PodSpec) -> Iterator[tuple[str, ...]]:
    for volume in spec.extra.get("volumes", ()):
        yield from (
            (kind, *(str(volume[kind].get(key)) for key in keys)) for kind, keys in DISKS.items() if kind in volume
        )


def _told(ref: Ref) -> str:
    return f"{ref.kind} {ref.name}"
