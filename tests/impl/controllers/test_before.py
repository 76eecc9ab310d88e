"""What controllers did once, by switches: a count that is written over evictions, Pods driven out of every node."""

from __future__ import annotations

from attrs import evolve

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import (
    Namespace,
    Node,
    NodeCondition,
    NodeStatus,
    Pod,
    PodCondition,
    PodStatus,
    Service,
    ServiceSpec,
)
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta, Ref
from kubeproof.impl.api.policy import PodDisruptionBudget, PodDisruptionBudgetSpec
from kubeproof.impl.api.requests import Update
from kubeproof.impl.api.values.frozen import freeze, strings
from kubeproof.impl.api.webhooks import Aggregated
from kubeproof.impl.apiserver.handler import handle
from kubeproof.impl.apiserver.storage import Objects
from kubeproof.impl.controllers import disruption, namespace, nodelifecycle

READY = PodStatus("Running", conditions=(PodCondition("Ready", "True"),))


def test_a_count_meets_a_conflict_and_before_1_16_it_was_written_all_the_same() -> None:
    labels = strings({"app": "web"})
    spec = PodDisruptionBudgetSpec(min_available=0, selector=LabelSelector(labels))
    budget = PodDisruptionBudget(ObjectMeta(name="web", namespace="default", uid="u"), spec)
    pod = Pod(ObjectMeta(name="web-0", namespace="default", labels=labels), status=READY)
    cache = Cache.of((budget, pod))
    meanwhile = Objects.of((evolve(budget, status=evolve(budget.status, disruptions_allowed=7)),))
    for resubmits, code in ((False, 409), (True, 200)):
        (request,) = disruption.reconcile(cache, ref_of(budget), resubmits=resubmits)
        assert handle(meanwhile, request)[0].code == code


def test_nobody_is_driven_out_where_no_node_is_ready_and_before_1_4_everybody_was() -> None:
    node = Node(ObjectMeta(name="n"), status=NodeStatus(conditions=(NodeCondition("Ready", "Unknown"),)))
    key = ref_of(node)
    cache = Cache.of((node,))
    while True:
        (request,) = nodelifecycle.reconcile(cache, key, outage=False)
        assert isinstance(request, Update)
        assert isinstance(request.object, Node)
        cache = Cache.of((request.object,))
        if any(one.effect == "NoExecute" for one in request.object.spec.taints):
            break
    (back,) = nodelifecycle.reconcile(cache, key)
    assert isinstance(back, Update)
    assert isinstance(back.object, Node)
    assert not any(one.effect == "NoExecute" for one in back.object.spec.taints)


def test_a_namespace_stays_while_a_group_of_the_api_cannot_be_asked_and_what_is_found_goes() -> None:
    gone = Namespace(ObjectMeta(name="shop", deletion_timestamp=1), freeze({"spec": {"finalizers": ["kubernetes"]}}))
    service = Service(ObjectMeta(name="metrics", namespace="ops"), ServiceSpec(selector=strings({"app": "m"})))
    backend = Pod(ObjectMeta(name="m-0", namespace="ops", labels=strings({"app": "m"})), status=READY)
    inside = Pod(ObjectMeta(name="web", namespace="shop"))
    asked = (Aggregated(Ref("APIService", "", "v1.metrics"), ref_of(service)),)

    def requests(*objects: object) -> int:
        kept = (namespace.backing(one) for one in (gone, *objects) if not isinstance(one, Namespace))  # type: ignore[arg-type]
        cache = Cache.of((gone, *(one for one in kept if one is not None)))
        return len(namespace.reconcile(cache, ref_of(gone), aggregated=asked))

    assert requests(service, backend) == 1
    assert requests(service) == requests() == 0
    assert requests(service, inside) == 1
