"""What each object takes of a quota: a Pod its requests and limits, a Service its node ports, everything its count.

Upstream: pkg/quota/v1/evaluator/core/{pods,services,persistent_volume_claims,registry}.go and
staging/src/k8s.io/apiserver/pkg/quota/v1/generic/evaluator.go (v1.32).
Left out on purpose: devices of resource claims; a Pod that is resized in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..api.core import Pod, Service
from ..api.kinds import Kind, Object, kind_of
from ..api.meta import Time
from ..api.storage import PersistentVolumeClaim
from ..api.values.qos import pod_limits, pod_requests
from ..api.values.quantity import ZERO, Quantity
from .amounts import Amounts

ONE = Quantity.of(1)
NATIVE = ("cpu", "memory", "ephemeral-storage")
HUGE_PAGES = "hugepages-"
REQUESTS, LIMITS = "requests.", "limits."
POD_NAMES = frozenset({"pods", *NATIVE, *(f"{part}{name}" for part in (REQUESTS, LIMITS) for name in NATIVE)})
SERVICE_NAMES = frozenset({"services", "services.nodeports", "services.loadbalancers"})
CLAIM_NAMES = frozenset({"persistentvolumeclaims", "requests.storage"})
OF_CLASS = ".storageclass.storage.k8s.io/"
CLASS_NAMES = tuple(f"{OF_CLASS}{name}" for name in sorted(CLAIM_NAMES))
"""How names end that count the claims of one storage class."""
ALIASES = frozenset({"configmaps", "replicationcontrollers", "resourcequotas", "secrets"})
"""Plurals that count objects by themselves, as `count/` and the plural does."""
SET_FOR_EACH = frozenset({"cpu", "memory"} | {f"{part}{name}" for part in (REQUESTS, LIMITS) for name in NATIVE[:2]})
"""What every container must say once a quota counts it."""


def count_name(kind: Kind) -> str:
    """Return the name under which objects of a kind are counted: count/pods, count/deployments.apps."""
    return f"count/{kind.plural}{f'.{kind.group}' if kind.group else ''}"


def names_of(kind: Kind, hard: Iterable[str]) -> frozenset[str]:
    """Return which names of a quota objects of a kind take of."""
    return frozenset(name for name in hard if name == count_name(kind) or _takes(kind.name, name))


def _takes(kind: str, name: str) -> bool:
    match kind:
        case "Pod":
            pages = name.startswith((HUGE_PAGES, f"{REQUESTS}{HUGE_PAGES}"))
            return name in POD_NAMES or pages or (name.startswith(REQUESTS) and is_extended(name))
        case "Service":
            return name in SERVICE_NAMES
        case "PersistentVolumeClaim":
            return name in CLAIM_NAMES or name.endswith(CLASS_NAMES)
        case _:
            return name in ALIASES and name == f"{kind.lower()}s"


def is_extended(name: str) -> bool:
    """Tell whether a resource is none of Kubernetes' own: it has a domain, and not theirs."""
    return "/" in name and "kubernetes.io/" not in name


def usage(obj: Object, now: Time) -> dict[str, Quantity]:
    """Return what an object takes, of whatever quotas may count."""
    taken = {count_name(kind_of(obj)): ONE}
    match obj:
        case Pod():
            return taken | (_pod(obj) if is_charged(obj, now) else {})
        case Service():
            return taken | _service(obj)
        case PersistentVolumeClaim():
            return taken | _claim(obj)
        case _:
            alias = kind_of(obj).plural
            return taken | ({alias: ONE} if alias in ALIASES else {})


def is_charged(pod: Pod, now: Time) -> bool:
    """Tell whether a Pod takes more than its count: not once it is over, or should have been gone twice its grace.

    Without a clock (now 0) no deletion is overdue.
    """
    if pod.finished:
        return False
    meta = pod.metadata
    if meta.deletion_timestamp is None or meta.deletion_grace_period_seconds is None:
        return True
    return now <= meta.deletion_timestamp + meta.deletion_grace_period_seconds


def _pod(pod: Pod) -> dict[str, Quantity]:
    return {"pods": ONE} | container_usage(pod_requests(pod.spec), pod_limits(pod.spec))


def container_usage(requests: Amounts, limits: Amounts) -> dict[str, Quantity]:
    """Return what requests and limits take: `cpu` and `requests.cpu` are the same; of the rest requests count."""
    found: dict[str, Quantity] = {}
    for name, amount in requests.items():
        if name in NATIVE or name.startswith(HUGE_PAGES):
            found |= {name: amount, f"{REQUESTS}{name}": amount}
        elif is_extended(name):
            found[f"{REQUESTS}{name}"] = amount
    return found | {f"{LIMITS}{name}": limits[name] for name in NATIVE if name in limits}


def _service(service: Service) -> dict[str, Quantity]:
    """Return what a Service takes; node ports are counted by what is wished for, they are not given yet."""
    spec = service.spec
    balancer = spec.type == "LoadBalancer"
    ports = spec.ports if balancer or spec.type == "NodePort" else ()
    if balancer and spec.extra.get("allocateLoadBalancerNodePorts") is False:
        ports = tuple(port for port in ports if port.node_port)
    nodeports, balancers = Quantity.of(len(ports)), Quantity.of(int(balancer))
    return {"services": ONE, "services.nodeports": nodeports, "services.loadbalancers": balancers}


def _claim(claim: PersistentVolumeClaim) -> dict[str, Quantity]:
    storage = claim.spec.resources.requests.get("storage")
    taken = {"persistentvolumeclaims": ONE, **({"requests.storage": storage} if storage is not None else {})}
    of_class = claim.spec.storage_class_name
    return taken | ({f"{of_class}{OF_CLASS}{name}": amount for name, amount in taken.items()} if of_class else {})


def unsaid(pod: Pod, required: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Return what a quota counts and containers do not say, each with the names of these containers, sorted."""
    asked = sorted(SET_FOR_EACH & set(required))
    everyone = [
        (container.name, container_usage(container.resources.requests, container.resources.limits))
        for container in (*pod.spec.containers, *pod.spec.init_containers)
    ]
    found = {name: tuple(sorted({who for who, said in everyone if name not in said})) for name in asked}
    return {name: who for name, who in found.items() if who}


def nothing_of(names: Iterable[str]) -> dict[str, Quantity]:
    """Return 0 of each name."""
    return dict.fromkeys(names, ZERO)
