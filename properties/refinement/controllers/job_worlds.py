"""The Job controller beside its model in small worlds: a few Pods, at work, leaving or over, and what a turn does.

A turn may break off after any of its requests: then as many have been done as before, whatever is written where, and
the next turn goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement, product

from attrs import evolve

from ....impl.api.batch import Job, JobSpec, JobStatus, UncountedTerminatedPods
from ....impl.api.cache import Cache
from ....impl.api.core import Container, Pod, PodSpec, PodStatus, PodTemplateSpec
from ....impl.api.kinds import ref_of
from ....impl.api.meta import LabelSelector, ObjectMeta
from ....impl.api.values.frozen import strings
from ....impl.controllers.job import job as controller
from ....impl.controllers.job.pods import new_pod
from ....model.components.workloads.job import Kind, after_turn
from ...proof import Answer
from ..granted import all_granted, with_object
from ..lockstep import Step, searched, unless
from .job import abstract

LABELS = strings({"controller-uid": "j"})
JOB = Job(
    ObjectMeta(name="j", namespace="d", uid="Job/d/j", generation=1),
    JobSpec(
        parallelism=1,
        completions=1,
        backoff_limit=1,
        selector=LabelSelector(LABELS),
        template=PodTemplateSpec(ObjectMeta(labels=LABELS), PodSpec((Container("c", "i:1"),), restart_policy="Never")),
    ),
)
KEY = ref_of(JOB)
WAITS, COUNTED = True, False
WORKERS: tuple[tuple[str, str, bool, bool, Kind | None], ...] = (
    ("", "Pending", False, WAITS, None),
    ("n", "Running", False, WAITS, None),
    ("n", "Running", True, WAITS, None),
    ("n", "Running", True, COUNTED, None),
    ("n", "Running", True, WAITS, Kind.BROKEN),
    ("n", "Succeeded", False, WAITS, None),
    ("n", "Succeeded", False, WAITS, Kind.DONE),
    ("n", "Succeeded", False, COUNTED, Kind.DONE),
    ("n", "Succeeded", False, WAITS, Kind.BROKEN),
    ("n", "Failed", False, WAITS, None),
    ("n", "Failed", False, COUNTED, Kind.BROKEN),
)
"""A Pod: its node, phase, whether it is on its way out, waits to be counted, and as what it is written down."""
MOST = 2


def job_proof() -> Answer:
    """Search up to two Pods, at work, leaving, done or broken, waiting, written down or counted, and parts of turns."""

    def steps(store: Cache) -> Iterator[Step]:
        before, requests = abstract(store, KEY), controller.reconcile(store, KEY)
        suffix = f"t{len(store.objects)}"
        whole, wanted = all_granted(store, requests, suffix), after_turn(before)
        now = abstract(whole, KEY)
        yield Step("a turn", whole, unless(now == wanted, f"{before} becomes {now}, in the model {wanted}"))
        for number in range(1, len(requests)):
            some = all_granted(store, requests[:number], suffix)
            kept = abstract(some, KEY).sure
            wrong = f"the work of {before.sure} was done, after {number} requests that of {kept} is"
            yield Step(f"a turn that breaks off after {number}", some, unless(kept == before.sure, wrong))

    return searched(_stores(), steps, most=2)


def _stores() -> Iterator[Cache]:
    specs = (
        evolve(JOB.spec, completions=wanted, parallelism=at_once, backoff_limit=limit, pod_replacement_policy=policy)
        for wanted, at_once, limit, policy in product((None, 1, 2), (1, 2), (0, 2), ("", "Failed"))
    )
    stopped = evolve(JOB.spec, completions=2, parallelism=2, suspend=True)
    for spec in (*specs, stopped):
        for size in range(MOST + 1):
            for some in combinations_with_replacement(WORKERS, size):
                yield world(spec, some)


def world(spec: JobSpec, some: tuple[tuple[str, str, bool, bool, Kind | None], ...]) -> Cache:
    """Return a Job that asks for this, with these Pods."""
    listed: dict[Kind, list[str]] = {Kind.DONE: [], Kind.BROKEN: []}
    store = Cache()
    for number, (node, phase, leaves, waits, noted) in enumerate(some):
        pod = _pod(number, node, phase, leaves=leaves, waits=waits)
        store = with_object(store, pod)
        if noted is not None:
            listed[noted].append(pod.metadata.uid)
    noted_pods = UncountedTerminatedPods(tuple(listed[Kind.DONE]), tuple(listed[Kind.BROKEN]))
    return with_object(store, evolve(JOB, spec=spec, status=JobStatus(uncounted_terminated_pods=noted_pods)))


def _pod(number: int, node: str, phase: str, *, leaves: bool, waits: bool) -> Pod:
    made = new_pod(JOB)
    name = f"j-{number}"
    meta = evolve(
        made.metadata,
        name=name,
        generate_name="",
        uid=f"Pod/d/{name}",
        deletion_timestamp=0 if leaves else None,
        finalizers=made.metadata.finalizers if waits else (),
    )
    return evolve(made, metadata=meta, spec=evolve(made.spec, node_name=node), status=PodStatus(phase))
