"""Pods that the selector of a Service takes in beside those that are meant: connections go to them, and are lost.

- A Pod whose containers declare the number of a port for another protocol only: nobody listens there.
- A Pod to which NetworkPolicies that stay let nobody in on that number.
- A Job's Pod takes connections while its program runs, and none from its end on. Where it alone stands behind a
  Service that is what Jobs are for; beside Pods that last it is a breach, as any other container that exits.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...impl.api.core import Pod, Service
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ...model.machine import View
from ...properties.reachability.answers import (
    Backend,
    Lost,
    Port,
    accepts,
    backend,
    has_address,
    is_headless,
    lost,
    number_on,
    ports_of,
    selects_pod,
)
from ...properties.reachability.network_policy import Walls
from ..world.cluster import Cluster
from ..world.nodes.kubelets import runtime_slot


def of_a_job(obj: object) -> bool:
    """Tell whether it is a Pod that a Job has made."""
    owner = obj.metadata.controller if isinstance(obj, Pod) else None
    return owner is not None and owner.kind == "Job"


Deaf = tuple[Ref, str, Port, str]
"""The object that leads where nobody answers, its field, the Service's port, and who does not answer, and why."""


def deaf(services: tuple[Service, ...], walls: Walls, obj: Object | None) -> tuple[Deaf, ...]:
    """Return the ports that lead to a Pod that does not answer there. One without a port of that name is not led to."""
    return tuple(_deaf(services, walls, obj)) if isinstance(obj, Pod) else ()


def _deaf(services: tuple[Service, ...], walls: Walls, pod: Pod) -> Iterator[Deaf]:
    for service in (candidate for candidate in services if not is_headless(candidate) and _is_led_to(candidate, pod)):
        for number, (port, asked) in enumerate(zip(service.spec.ports, ports_of(service), strict=True)):
            if number_on(pod.spec, port) is None:
                continue
            found = lost(pod, port, walls)
            if found is not None:
                why = f"which {'they do not reach' if found.policy else 'does not listen'}: {found.why}"
                yield (*to_blame(found, service, number), asked, f"{pod.metadata.name}, {why}")


def to_blame(found: Lost, service: Service, port: int) -> tuple[Ref, str]:
    """Return the object to change where connections by a Service's port, by its place, are lost, and the field."""
    policy = found.policy
    if policy is None:
        return ref_of(service), f"spec.ports[{port}].targetPort"
    return Ref("NetworkPolicy", policy.namespace, policy.name), "spec.ingress" if policy.ingress else "spec.podSelector"


def _is_led_to(service: Service, pod: Pod) -> bool:
    takes = service.spec.publish_not_ready_addresses or (pod.ready and not pod.metadata.terminating)
    return takes and selects_pod(service, pod) and has_address(pod)


def ended(
    cluster: Cluster, services: tuple[Service, ...], lasting: tuple[Backend, ...], before: View, after: View
) -> Iterator[tuple[Port, str]]:
    """Yield the ports that led to a Pod of a Job which takes no more after a step, and its uid.

    Only ports behind which `lasting` Pods stand as well.
    """
    for slot in cluster.world.layout.pools["Pod"]:
        one = before.via(partial(_at_work, services), slot)
        if one is None or before.via(accepts, runtime_slot(slot)) != one.uid:
            continue
        if after.via(accepts, runtime_slot(slot)) != one.uid:
            meant = {port for other in lasting for port in other.first | other.last}
            yield from ((port, one.uid) for port in sorted(one.first & meant))


def _at_work(services: tuple[Service, ...], obj: Object | None) -> Backend | None:
    return backend(services, obj) if of_a_job(obj) else None
