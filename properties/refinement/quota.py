"""How a quota of cpu looks to the page resources/quota, and what admission and controller owe it; a small world."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from attrs import evolve
from immutabledict import immutabledict

from ...impl.api.cache import Cache
from ...impl.api.core import Container, Namespace, Pod, PodSpec, PodStatus, ResourceRequirements
from ...impl.api.kinds import ref_of
from ...impl.api.meta import ObjectMeta, Ref
from ...impl.api.quota import ResourceQuota, ResourceQuotaSpec, ResourceQuotaStatus
from ...impl.api.requests import Create
from ...impl.api.values.quantity import Quantity
from ...impl.apiserver.access.authentication import ADMIN, controller
from ...impl.apiserver.handler import handle
from ...impl.apiserver.storage import Objects
from ...impl.controllers import resourcequota
from ...model.components.resources.quota import LetIn, Piece, Recount, State
from ..proof import Answer
from .lockstep import Step, searched, unless

CPU = "requests.cpu"
KEY = Ref("ResourceQuota", "d", "q")


def abstract(store: Objects) -> State:
    """Take the Pods of the namespace by how many CPUs they ask for, the quota by its ceiling for these."""
    quota = store.get(KEY)
    if not isinstance(quota, ResourceQuota):
        raise LookupError(f"no {KEY}")  # noqa: TRY004 - it is not there
    pods = [obj for obj in store.list("Pod", KEY.namespace) if isinstance(obj, Pod)]
    used = quota.status.used.get(CPU)
    return State(
        there=tuple(Piece(cpus(pod), pod.status.phase in {"Succeeded", "Failed"}) for pod in pods),
        ceiling=quota.spec.hard[CPU].value(),
        written=None if used is None else used.value(),
    )


def cpus(pod: Pod) -> int:
    """Return how many CPUs the one container of a Pod asks for."""
    return pod.spec.containers[0].resources.requests["cpu"].value()


def pod_of(name: str, takes: int, phase: str = "") -> Pod:
    """Make a Pod that asks for so many CPUs."""
    resources = ResourceRequirements(requests=immutabledict({"cpu": Quantity.of(takes)}))
    spec = PodSpec(containers=(Container(name="c", image="i", resources=resources),))
    return Pod(ObjectMeta(name, namespace=KEY.namespace), spec, PodStatus(phase=phase))


def store_of(pods: tuple[tuple[int, str], ...], ceiling: int, written: int | None) -> Objects:
    """Make a store with Pods, by what they take and their phase, and a quota of which so much is written to be used."""
    hard = immutabledict({CPU: Quantity.of(ceiling)})
    status = ResourceQuotaStatus()
    if written is not None:
        status = ResourceQuotaStatus(hard, immutabledict({CPU: Quantity.of(written)}))
    quota = ResourceQuota(ObjectMeta(KEY.name, namespace=KEY.namespace), ResourceQuotaSpec(hard), status)
    made = (pod_of(f"p{number:02}", *pod) for number, pod in enumerate(pods))
    return Objects.of((Namespace(ObjectMeta(KEY.namespace)), quota, *made))


def created(store: Objects, takes: int) -> tuple[Objects, str]:
    """Ask for one more Pod: the store after that, and what the model says against it."""
    before = abstract(store)
    name = f"p{len(before.there):02}"
    response, transaction = handle(store, Create(pod_of(name, takes)), user=ADMIN)
    after, action = store.commit(transaction), LetIn(takes)
    right = action.apply(before) if action.enabled(before) else before
    same = abstract(after) == right and response.ok == action.enabled(before)
    return after, unless(same, f"{response.code} {response.message}: {abstract(after)}, right is {right}")


def recounted(store: Objects) -> tuple[Objects, str]:
    """Let the controller sync once: the store after that, and what the model says against it."""
    before, after = abstract(store), store
    for request in resourcequota.reconcile(Cache(store.objects), KEY):
        response, transaction = handle(after, request, user=controller("resourcequota-controller"))
        if not response.ok:
            return after, f"the controller is refused: {response.message}"
        after = after.commit(transaction)
    action = Recount()
    right = action.apply(before) if action.enabled(before) else before
    return after, unless(abstract(after) == right, f"{abstract(after)}, right is {right}")


def quota_proof() -> Answer:
    """Search two Pods of up to two CPUs, over or not, under every ceiling, and whatever was written of them."""

    def steps(store: Objects) -> Iterator[Step]:
        yield Step("a recount", *recounted(store))
        if len(store.list("Pod", KEY.namespace)) < 2:
            yield from (Step(f"a Pod that takes {takes}", *created(store, takes)) for takes in range(3))
        for obj in store.list("Pod", KEY.namespace):
            if isinstance(obj, Pod) and not obj.status.phase:
                ended = {ref_of(obj): evolve(obj, status=PodStatus(phase="Failed"))}
                yield Step("a Pod is over", Objects(immutabledict({**store.objects, **ended})))

    pods = tuple(product((0, 1, 2), ("", "Succeeded")))
    given = ((), *((pod,) for pod in pods), *product(pods, pods))
    return searched((store_of(*way) for way in product(given, range(4), (None, 0, 3))), steps)
