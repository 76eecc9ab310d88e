"""What controllers did once, by switches: a count that is written over evictions, Pods driven out of every node."""

from __future__ import annotations

from attrs import evolve

from kubeproof.impl.api.batch import Job, JobSpec
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
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta, OwnerReference, Ref
from kubeproof.impl.api.policy import PodDisruptionBudget, PodDisruptionBudgetSpec
from kubeproof.impl.api.requests import Create, Update
from kubeproof.impl.api.values.frozen import freeze, strings
from kubeproof.impl.api.webhooks import Aggregated
from kubeproof.impl.api.well_known import COMPLETION_INDEX, TRACKING
from kubeproof.impl.apiserver.handler import handle
from kubeproof.impl.apiserver.storage import Objects
from kubeproof.impl.controllers import disruption, namespace, nodelifecycle
from kubeproof.impl.controllers.job.job import grouped

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


def test_an_index_that_succeeded_twice_counts_once_and_before_1_21_it_counted_twice() -> None:
    owner = OwnerReference("batch/v1", "Job", "work", "u", controller=True)
    labels = strings({"batch.kubernetes.io/controller-uid": "u"})
    spec = JobSpec(completions=2, parallelism=1, completion_mode="Indexed", selector=LabelSelector(labels))
    job = Job(ObjectMeta(name="work", namespace="default", uid="u"), spec)
    pods = [
        Pod(
            ObjectMeta(
                name=f"work-0-{name}",
                namespace="default",
                uid=name,
                labels=labels,
                annotations=strings({COMPLETION_INDEX: "0"}),
                finalizers=(TRACKING,),
                owner_references=(owner,),
            ),
            status=PodStatus("Succeeded"),
        )
        for name in ("a", "b")
    ]
    for repeats in (False, True):
        (groups,) = grouped(Cache.of((job, *pods)), ref_of(job), repeats=repeats)
        asked = [request for group in groups for request in group]
        written = [one.object.status for one in asked if isinstance(one, Update) and isinstance(one.object, Job)]
        assert any(one.condition("SuccessCriteriaMet") is not None for one in written) is repeats
        assert any(isinstance(one, Create) for one in asked) is not repeats


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
