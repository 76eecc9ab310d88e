"""What the manifests and the script bring, and the versions that the script makes of it.

Services and templates change by the script alone, and each command does the same whenever it comes: so the versions
there can ever be are those met when the commands are carried out one after the other on what is there at the start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..impl.api.cache import Cache
from ..impl.api.core import Pod, Service
from ..impl.api.kinds import Object
from ..impl.apiserver.authentication import ADMIN
from ..impl.apiserver.handler import handle
from ..impl.apiserver.storage import Objects
from ..impl.kubectl import script as kubectl
from .scenario import Scenario


def given(scenario: Scenario) -> tuple[Object, ...]:
    """Give the manifests, those of the script last."""
    return (*scenario.objects, *(one.object for one in scenario.script if isinstance(one, kubectl.Apply)))


def lasting_pods(scenario: Scenario) -> Iterator[Pod]:
    """Give the Pods that are asked for by themselves: no workload of the input owns them, the script deletes none."""
    every = given(scenario)
    uids = {one.metadata.uid for one in every if one.metadata.uid}
    for one in every:
        owned = any(owner.uid in uids for owner in one.metadata.owner_references)
        if isinstance(one, Pod) and not owned and not any(_deletes(step, one) for step in scenario.script):
            yield one


def _deletes(step: kubectl.Step, pod: Pod) -> bool:
    name = pod.metadata.name
    if isinstance(step, kubectl.DeletePod):
        return step.name == name or step.workload == f"Pod/{name}"
    return isinstance(step, kubectl.DeleteObject) and (step.kind, step.name) == ("Pod", name)


def lasting_services(scenario: Scenario) -> Iterator[Service]:
    """Give the Services of the manifests that the script lets be: it deletes neither them nor what they hang on."""
    gone = {(one.kind, one.name) for one in scenario.script if isinstance(one, kubectl.DeleteObject)}
    for one in scenario.objects:
        if isinstance(one, Service) and ("Namespace", one.metadata.namespace) not in gone:
            names = {("Service", one.metadata.name), *((by.kind, by.name) for by in one.metadata.owner_references)}
            if not names & gone:
                yield one


def versions(scenario: Scenario, objects: Iterable[Object]) -> Iterator[Object]:
    """Give every version of every object that the script leads to, those at the start among them."""
    start = tuple(objects)
    yield from start
    store = Objects.of(start)
    for number, step in enumerate(scenario.script):
        if isinstance(step, kubectl.Drain):
            continue  # It changes a node and evicts Pods.
        requests = kubectl.requests(step, Cache(store.objects), scenario.namespace)
        for request in () if isinstance(requests, kubectl.Missing) else requests:
            response, transaction = handle(store, request, user=ADMIN, suffix=f"v{number}")
            if not response.ok:
                break
            store = store.commit(transaction)
            yield from (write.object for write in transaction if write.object is not None)
