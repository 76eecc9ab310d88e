"""How much of a quota is taken, said as the documentation says it: what the claim about quotas counts by.

Kubernetes' documentation (kubernetes.io/docs/concepts/policy/resource-quotas, v1.32): `pods` are those that are not
over; requests and limits are summed over them; `count/` and a resource counts all objects there are; node ports and
load balancers are those of Services. A Pod that should long be gone from a node that does not answer is not counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction

from ..impl.api.core import Container, Pod, PodSpec, Service
from ..impl.api.kinds import Object, kind_of
from ..impl.api.quota import ResourceQuotaSpec, ScopedResourceSelectorRequirement
from ..impl.api.storage import PersistentVolumeClaim

Asked = Callable[[Container], Mapping[str, Fraction]]
COMPUTED = ("cpu", "memory", "ephemeral-storage")


def taken(spec: ResourceQuotaSpec, objects: Iterable[Object]) -> dict[str, Fraction]:
    """Return how much of each ceiling of a quota some objects of its namespace take."""
    total = dict.fromkeys(spec.hard, Fraction(0))
    for obj in objects:
        if not spec.requirements or (isinstance(obj, Pod) and all(_keeps(asked, obj) for asked in spec.requirements)):
            for name, amount in taken_by(obj):
                if name in total:
                    total[name] += amount
    return total


def exceeded(spec: ResourceQuotaSpec, amounts: Mapping[str, Fraction]) -> list[str]:
    """Return the ceilings that are exceeded."""
    return [name for name in sorted(spec.hard) if amounts[name] > spec.hard[name].number]


def taken_by(obj: Object) -> Iterator[tuple[str, Fraction]]:
    """Yield what an object takes of which ceilings; a Pod that is over only that it is there."""
    kind, one = kind_of(obj), Fraction(1)
    yield f"count/{kind.plural}{'.' if kind.group else ''}{kind.group}", one
    if isinstance(obj, Pod):
        if obj.status.phase not in {"Succeeded", "Failed"}:
            yield "pods", one
            yield from _of_pod(obj.spec)
    elif isinstance(obj, Service):
        balancer = obj.spec.type == "LoadBalancer"
        spared = balancer and obj.spec.extra.get("allocateLoadBalancerNodePorts") is False
        ports = [port for port in obj.spec.ports if port.node_port or not spared]
        yield "services", one
        yield "services.loadbalancers", Fraction(balancer)
        yield "services.nodeports", Fraction(len(ports) if balancer or obj.spec.type == "NodePort" else 0)
    elif isinstance(obj, PersistentVolumeClaim):
        storage = obj.spec.resources.requests.get("storage")
        yield "persistentvolumeclaims", one
        yield "requests.storage", Fraction(0) if storage is None else storage.number
    elif kind.plural in {"resourcequotas", "configmaps", "secrets", "replicationcontrollers"}:
        yield kind.plural, one


def _of_pod(spec: PodSpec) -> Iterator[tuple[str, Fraction]]:
    requests = _at_most(spec, lambda one: {name: amount.number for name, amount in one.resources.requests.items()})
    limits = _at_most(spec, lambda one: {name: amount.number for name, amount in one.resources.limits.items()})
    for name, amount in requests.items():
        whole = amount + (spec.overhead[name].number if name in spec.overhead else 0)
        yield f"requests.{name}", whole
        if name in COMPUTED or name.startswith("hugepages-"):
            yield name, whole
    for name, amount in limits.items():
        if name in COMPUTED:
            yield f"limits.{name}", amount + (spec.overhead[name].number if name in spec.overhead else 0)


def _at_most(spec: PodSpec, asked: Asked) -> dict[str, Fraction]:
    """Return what a Pod asks for at the moment at which it asks for most, while it starts or later."""
    beside: dict[str, Fraction] = defaultdict(Fraction)
    most: dict[str, Fraction] = defaultdict(Fraction)
    for container in spec.init_containers:
        for name, amount in asked(container).items():
            most[name] = max(most[name], beside[name] + amount)
            if container.restart_policy == "Always":
                beside[name] += amount
    for container in spec.containers:
        for name, amount in asked(container).items():
            beside[name] += amount
    return {name: max(most[name], beside[name]) for name in {*most, *beside}}


def _keeps(asked: ScopedResourceSelectorRequirement, pod: Pod) -> bool:
    """Tell whether a Pod is within a scope."""
    named = bool(pod.spec.priority_class_name)
    match asked.scope_name, asked.operator:
        case "Terminating", _:
            return pod.spec.active_deadline_seconds is not None
        case "NotTerminating", _:
            return pod.spec.active_deadline_seconds is None
        case "BestEffort", _:
            return not _says_something(pod)
        case "NotBestEffort", _:
            return _says_something(pod)
        case "PriorityClass", "In":
            return pod.spec.priority_class_name in asked.values
        case "PriorityClass", "NotIn":
            return pod.spec.priority_class_name not in asked.values
        case "PriorityClass", "DoesNotExist":
            return not named
        case "PriorityClass", _:
            return named
        case _:
            return _looks_elsewhere(pod)


def _says_something(pod: Pod) -> bool:
    """Tell whether some container asks for, or is limited in, cpu or memory."""
    said = (
        amount
        for container in (*pod.spec.containers, *pod.spec.init_containers)
        for part in (container.resources.requests, container.resources.limits)
        for name, amount in part.items()
        if name in {"cpu", "memory"}
    )
    return any(amount.number > 0 for amount in said)


def _looks_elsewhere(pod: Pod) -> bool:
    """Tell whether a Pod's affinity names other namespaces."""
    affinity = pod.spec.affinity
    near = [] if affinity is None else [rules for rules in (affinity.pod_affinity, affinity.pod_anti_affinity) if rules]
    terms = [term for rules in near for term in rules.required_during_scheduling_ignored_during_execution]
    terms += [
        wish.pod_affinity_term for rules in near for wish in rules.preferred_during_scheduling_ignored_during_execution
    ]
    return any(term.namespaces or term.namespace_selector is not None for term in terms)
