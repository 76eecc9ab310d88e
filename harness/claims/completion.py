"""Completion: a Job's work is done as often as it should, judged step by step by its Pods and what is written of them.

What has been done is what the Job has counted, what it has written down to be counted, and the Pods that have succeeded
and still bear the finalizer by which they wait for that. Whatever happens to Pods, this changes by those that succeed
in that moment and by nothing else: one that is lost makes it less, one that is counted twice makes it more. Of an
Indexed Job these are indexes. A Pod is made only while there is work left for it beside those that are at work, and
room under `parallelism`; and a Job is Complete only when enough is done.

Judged by the documentation (kubernetes.io/docs/concepts/workloads/controllers/job, v1.32; KEP-2307, KEP-3939), not by
what the Job controller counts. A controller that has not yet seen another `suspend` or `parallelism` goes by the old
one. A Pod that is on its way out counts as at work, and its success for sure, only where `podReplacementPolicy` says
so: else it may be replaced at once and count as failed. Nothing is asked of a Job that is failing, deleted, or over by
a success policy: what is left is given up.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from attrs import evolve, frozen

from ...impl.api.batch import Job, JobSpec
from ...impl.api.claim_names import COMPLETION, SENTENCES
from ...impl.api.core import Pod
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.well_known import COMPLETION_INDEX, TRACKING
from ...model.machine import Property, StepProperty, View
from ..input.scenario import Consistency, Scenario, placed
from ..world.cluster import Cluster

GIVEN_UP = frozenset({"Failed", "FailureTarget"})


@frozen
class Worker:
    """A Pod of a Job: who it is, whose, on which index, whether it is over and how, waits to be counted, is going."""

    uid: str
    owner: str
    index: str
    phase: str
    waits: bool
    going: bool

    @property
    def done(self) -> bool:
        """Whether it has succeeded and is still to be counted."""
        return self.waits and self.phase == "Succeeded"


@frozen
class Work:
    """A Job: what it asks for, and what is written of it."""

    ref: Ref
    uid: str
    spec: JobSpec
    succeeded: int
    listed: frozenset[str]
    written_off: frozenset[str]
    """The Pods that are written down as failed: whatever they still do is not asked for."""
    indexes: str
    conditions: frozenset[str]
    going: bool

    @property
    def name(self) -> str:
        """What the Job is called."""
        return self.ref.name


def properties(cluster: Cluster) -> Iterator[Property]:
    """Yield that no step loses work, does it twice, or says too early that it is done, where there are Jobs."""
    if cluster.world.layout.pools.get("Job"):
        check = partial(_wrong, cluster)
        yield StepProperty(COMPLETION, SENTENCES[COMPLETION], check, None, partial(_any_over, cluster), by_label=False)


def _any_over(cluster: Cluster, view: View) -> bool:
    """Tell whether a Pod of a Job is over: else nothing is said."""
    return any(worker.phase == "Succeeded" for worker in _workers(cluster, view))


def _wrong(cluster: Cluster, before: View, after: View, _label: str) -> Iterator[str]:
    old, new = _workers(cluster, before), _workers(cluster, after)
    jobs = [(before.via(work_of, slot), after.via(work_of, slot)) for slot in cluster.world.layout.pools["Job"]]
    yield from _too_early(cluster.scenario, jobs)
    for was, now in jobs:
        if was is None or now is None or was.uid != now.uid or (was == now and old == new):
            continue
        mine = (
            tuple(worker for worker in old if worker.owner == now.uid),
            tuple(worker for worker in new if worker.owner == now.uid),
        )
        yield from judged(was, now, *mine, seen=_seen(cluster.scenario, now))


def _too_early(scenario: Scenario, jobs: list[tuple[Work | None, Work | None]]) -> Iterator[str]:
    """Say which Job goes that is not over, though it goes by itself and the script does nothing to it or its owners."""
    for was, now in () if scenario.deletes_objects else jobs:
        if was is None or was.going or was.ref not in scenario.expiring or {"Complete", "Failed"} & was.conditions:
            continue
        if now is None or now.uid != was.uid or now.going:
            yield f"Job {was.name} is deleted, and it is not over"


def _seen(scenario: Scenario, work: Work) -> tuple[JobSpec, ...]:
    """Return what else the manifests and the script ever ask of a Job, where its controller may not know the last."""
    if scenario.consistency is Consistency.LINEARIZABLE:
        return ()
    jobs = (obj for obj in scenario.everything if isinstance(obj, Job))
    return tuple(job.spec for job in jobs if placed(job, scenario.namespace) == work.ref)


def _workers(cluster: Cluster, view: View) -> tuple[Worker, ...]:
    found = (view.via(worker_of, slot) for slot in cluster.world.layout.pools["Pod"])
    return tuple(worker for worker in found if worker is not None)


def work_of(obj: Object | None) -> Work | None:
    """Keep of a Job what it asks for but for its template, and what is written of how far it is."""
    if not isinstance(obj, Job):
        return None
    status, noted = obj.status, obj.status.uncounted_terminated_pods
    return Work(
        ref_of(obj),
        obj.metadata.uid,
        evolve(obj.spec, template=JobSpec().template, selector=None),
        status.succeeded,
        frozenset(() if noted is None else noted.succeeded),
        frozenset(() if noted is None else noted.failed),
        status.completed_indexes,
        frozenset(condition.type for condition in status.conditions if condition.status == "True"),
        obj.metadata.deletion_timestamp is not None,
    )


def worker_of(obj: Object | None) -> Worker | None:
    """Keep of a Job's Pod what counts."""
    owner = obj.metadata.controller if isinstance(obj, Pod) else None
    if not isinstance(obj, Pod) or owner is None or owner.kind != "Job":
        return None
    meta = obj.metadata
    index, going = meta.annotations.get(COMPLETION_INDEX, ""), meta.deletion_timestamp is not None
    return Worker(meta.uid, owner.uid, index, obj.status.phase, TRACKING in meta.finalizers, going)


# --- one Job, one step ------------------------------------------------------------------------------------------------


def judged(
    was: Work, now: Work, old: tuple[Worker, ...], new: tuple[Worker, ...], seen: tuple[JobSpec, ...] = ()
) -> Iterator[str]:
    """Say what is wrong with what one step has made of a Job and its Pods; its controller may also go by `seen`."""
    if now.going or GIVEN_UP & now.conditions or now.spec.success_policy is not None or was.spec != now.spec:
        return
    known = {worker.uid: worker.phase for worker in old}
    fresh = tuple(worker for worker in new if worker.done and known.get(worker.uid) != "Succeeded")
    yield from _moved(now, Sum.of(was, old), Sum.of(now, new), fresh)
    made = [worker for worker in new if worker.uid not in known]
    if made:
        yield from _too_many(now, Sum.of(now, new).sure, made, new, seen)
    if "Complete" in now.conditions - was.conditions:
        wanted, most = 1 if now.spec.completions is None else now.spec.completions, Sum.of(now, new).most
        if len(most) < wanted:
            yield f"Job {now.name} says that it is complete, and {len(most)} of {wanted} have succeeded"


def _waits_for_the_end(spec: JobSpec) -> bool:
    """Tell whether a Pod that is on its way out is still to do its work: else it may count as failed, or not."""
    return spec.pod_replacement_policy == "Failed" or spec.pod_failure_policy is not None


@frozen
class Sum:
    """What has been done, for sure, and at the most: also by Pods that succeed while they are sent away."""

    sure: frozenset[str]
    most: frozenset[str]

    @classmethod
    def of(cls, work: Work, workers: tuple[Worker, ...]) -> Sum:
        """Add up what a Job has counted and what waits for that."""
        waiting = tuple(worker for worker in workers if worker.done and worker.uid not in work.written_off)
        stays = waiting if _waits_for_the_end(work.spec) else tuple(worker for worker in waiting if not worker.going)
        return cls(_done(work, stays), _done(work, waiting))


def _done(work: Work, waiting: tuple[Worker, ...]) -> frozenset[str]:
    """Return what has been done: of an Indexed Job its indexes, else a token for each Pod that has succeeded."""
    if work.spec.indexed:
        return _numbers(work.indexes) | {worker.index for worker in waiting}
    counted = {f"{number} counted" for number in range(work.succeeded)}
    return frozenset(counted) | work.listed | {worker.uid for worker in waiting}


def _numbers(text: str) -> frozenset[str]:
    """Return the indexes that a text like 0,2-4 names."""
    found: set[str] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found |= {str(number) for number in range(int(first), int(last or first) + 1)}
    return frozenset(found)


def _moved(now: Work, before: Sum, after: Sum, fresh: tuple[Worker, ...]) -> Iterator[str]:
    """Say what has been lost, or counted without having been done."""
    patient = _waits_for_the_end(now.spec)
    certain = [worker for worker in fresh if worker.uid not in now.written_off and (patient or not worker.going)]
    if now.spec.indexed:
        lost = sorted((before.sure | {worker.index for worker in certain}) - after.most)
        more = sorted(after.sure - before.most - {worker.index for worker in fresh})
        if lost:
            yield f"Job {now.name} forgets that index {', '.join(lost)} has succeeded"
        if more:
            yield f"Job {now.name} counts index {', '.join(more)}, of which no Pod has succeeded"
        return
    missing = len(before.sure) + len(certain) - len(after.most)
    if missing > 0:
        yield f"{missing} Pods of Job {now.name} that have succeeded are gone and not counted"
    surplus = len(after.sure) - len(before.most) - len(fresh)
    if surplus > 0:
        yield f"Job {now.name} counts {surplus} Pods more than have succeeded"


def _too_many(
    now: Work, done: frozenset[str], made: list[Worker], workers: tuple[Worker, ...], seen: tuple[JobSpec, ...]
) -> Iterator[str]:
    """Say how many Pods are at work, with those that are made, beyond what may be or what is left to do."""
    spec, held = now.spec, _waits_for_the_end(now.spec)
    over = {"Succeeded", "Failed"}
    active = [worker for worker in workers if worker.phase not in over and (held or not worker.going)]
    most = max(work.at_once for work in (spec, *seen))
    if spec.suspend and all(work.suspend for work in seen):
        yield f"Job {now.name} starts a Pod though it is suspended"
    if len(active) > most:
        yield f"{len(active)} Pods of Job {now.name} are at work at once, at most {most} should be"
    if spec.indexed:
        for worker in made:
            same = sum(other.index == worker.index for other in active)
            if worker.index in done or same > 1:
                yield f"Job {now.name} starts index {worker.index} once more, which has succeeded or is being worked on"
    elif spec.completions is not None and len(active) + len(done) > spec.completions:
        told = f"{len(done)} of {spec.completions} have succeeded"
        yield f"Job {now.name} starts a Pod too many: {told} and {len(active)} are at work"
