"""One sync of a Job: whether it is over, and how many Pods are to be at work.

Upstream: pkg/controller/job/job_controller.go (syncJob, manageJob) (v1.32).
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, field, frozen

from ...api.batch import FAILED, Job, JobCondition, UncountedTerminatedPods
from ...api.core import Pod
from ...api.kinds import ref_of
from ...api.meta import Time
from ...api.requests import Create, Delete, Groups, PatchMetadata, Request
from ...api.values.frozen import strings
from ...api.well_known import TRACKING
from ..common import stamp
from ..replicaset.deletion import COST, deletion_choices
from . import indexes
from .pods import new_pod
from .policies import counts, is_failed, job_failure, restarted_too_often, waits_for_the_end

SUCCESS, FAILURE, SUSPENDED = "SuccessCriteriaMet", "FailureTarget", "Suspended"
BACKOFF = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
DEADLINE = ("DeadlineExceeded", "Job was active longer than specified deadline")
MOST_INDEXES = ("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes")
FAILED_INDEXES = ("FailedIndexes", "Job has failed indexes")
REACHED = ("CompletionsReached", "Reached expected number of succeeded pods")
BURST = 500
"""At most so many Pods are created or deleted in one sync."""


def freed(pod: Pod) -> PatchMetadata:
    """Return the request that takes a Pod's finalizer away."""
    return PatchMetadata(ref_of(pod), pod.metadata.uid, remove_finalizers=(TRACKING,))


def _let_go(pod: Pod) -> Pod:
    finalizers = tuple(finalizer for finalizer in pod.metadata.finalizers if finalizer != TRACKING)
    return evolve(pod, metadata=evolve(pod.metadata, finalizers=finalizers))


@frozen
class Sync:
    """What a sync goes by, worked out of a Job and its Pods, and, as it goes on, what becomes of that."""

    job: Job
    pods: tuple[Pod, ...]
    now: Time
    satisfied: bool
    repeats: bool = False
    """An index that has succeeded twice counts twice, as it did at first (k/k PR #99865)."""
    over: JobCondition | None = None
    """That the Job is over, or will be."""
    active: int = 0
    ready: int = 0
    terminating: int = 0
    conditions: tuple[JobCondition, ...] = ()
    turned: bool = False
    """It has been suspended or resumed: that must be written down."""
    new_succeeded: tuple[Pod, ...] = field(init=False)
    new_failed: tuple[Pod, ...] = field(init=False)
    before: frozenset[int] = field(init=False)
    succeeded_indexes: frozenset[int] = field(init=False)
    failed_indexes: frozenset[int] | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        job, pods = self.job, self.pods
        fresh = tuple(pod for pod in pods if indexes.is_tracked(pod) and (not job.spec.indexed or self.valid(pod)))
        noted = self.uncounted
        succeeded = (pod for pod in fresh if pod.status.phase == "Succeeded")
        failed = (pod for pod in fresh if is_failed(job, pod))
        before, over = indexes.succeeded(job, pods) if job.spec.indexed else (frozenset(), frozenset())
        found = {
            "new_succeeded": tuple(pod for pod in succeeded if pod.metadata.uid not in noted.succeeded),
            "new_failed": tuple(pod for pod in failed if pod.metadata.uid not in noted.failed),
            "before": before,
            "succeeded_indexes": over,
            "failed_indexes": indexes.failed(job, pods) if job.spec.indexed else None,
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)

    def valid(self, pod: Pod) -> bool:
        """Tell whether a Pod works on an index that the Job has."""
        return indexes.is_valid(self.job, pod)

    @property
    def uncounted(self) -> UncountedTerminatedPods:
        """The Pods that are written down as over and not counted."""
        return self.job.status.uncounted_terminated_pods or UncountedTerminatedPods()

    @property
    def succeeded(self) -> int:
        """How many have succeeded: counted, written down, or new."""
        if self.job.spec.indexed and not self.repeats:
            return len(self.succeeded_indexes)
        return self.job.status.succeeded + len(self.new_succeeded) + len(self.uncounted.succeeded)

    @property
    def failed(self) -> int:
        """How many have failed, but for those that a rule ignores."""
        fresh = sum(counts(self.job, pod) for pod in self.new_failed)
        return self.job.status.failed + fresh + len(self.uncounted.failed)

    @property
    def active_pods(self) -> tuple[Pod, ...]:
        """The Pods at work."""
        return tuple(pod for pod in self.pods if pod.active)

    def managed(self) -> Iterator[tuple[Groups, Sync]]:
        """Yield what is asked for about Pods, and the sync as it stands after that."""
        leaving = sum(pod.metadata.terminating and not pod.finished for pod in self.pods)
        ready = sum(pod.ready for pod in self.active_pods)
        begun = evolve(
            self,
            over=self._ending(),
            active=len(self.active_pods),
            ready=ready,
            terminating=leaving,
            conditions=self.job.status.conditions,
        )
        if begun.over is None:
            yield from begun._works()  # noqa: SLF001 - of this class
            return
        after = evolve(begun, active=0, ready=0, terminating=leaving + len(self.active_pods))
        sure = after if self.satisfied else evolve(after, over=None)
        yield (tuple(Delete(ref_of(pod)) for pod in self.active_pods),), sure

    def _ending(self) -> JobCondition | None:
        """Return the condition that says that the Job is or will be over, for the first reason there is."""
        job, status = self.job, self.job.status
        if (met := status.condition(SUCCESS)) is not None:
            return met
        if (target := status.condition(FAILURE)) is not None:
            return self._condition(FAILED, target.reason, target.message)
        if message := job_failure(job, self.pods):
            return self._condition(FAILURE, "PodFailurePolicy", message)
        limit = job.spec.backoff_limit
        if (limit is not None and self.failed > limit) or restarted_too_often(job, self.pods):
            return self._condition(FAILURE, *BACKOFF)
        if self._is_past_deadline():
            return self._condition(FAILURE, *DEADLINE)
        return self._index_ending() if job.spec.indexed else None

    def _index_ending(self) -> JobCondition | None:
        spec, failed = self.job.spec, self.failed_indexes or frozenset()
        if spec.max_failed_indexes is not None and len(failed) > spec.max_failed_indexes:
            return self._condition(FAILURE, *MOST_INDEXES)
        if failed and len(failed) + len(self.succeeded_indexes) >= (spec.completions or 0):
            return self._condition(FAILURE, *FAILED_INDEXES)
        rule = indexes.success_rule(self.job, self.succeeded_indexes)
        return None if rule is None else self._condition(SUCCESS, "SuccessPolicy", f"Matched rules at index {rule}")

    def _is_past_deadline(self) -> bool:
        """Tell whether the Job has been active for longer than it may; without a clock it never has."""
        spec, since = self.job.spec, self.job.status.start_time
        if spec.active_deadline_seconds is None or since is None or spec.suspend or not self.now:
            return False
        return self.now - since >= spec.active_deadline_seconds

    def _condition(self, kind: str, reason: str, message: str) -> JobCondition:
        return JobCondition(kind, "True", stamp(self.now), stamp(self.now), reason, message)

    def _works(self) -> Iterator[tuple[Groups, Sync]]:
        """Yield the ways to make Pods, or let some go; and whether that is all that was asked for."""
        if not self.satisfied or self.job.metadata.terminating:
            yield (), self._judged(managed=False)
            return
        for groups, after in self._managed():
            yield groups, after._judged(managed=True)  # noqa: SLF001 - of this class

    def _judged(self, *, managed: bool) -> Sync:
        completions = self.job.spec.completions
        enough = self.succeeded > 0 if completions is None else self.succeeded >= completions
        if enough and not self.active:
            return evolve(self, over=self._condition(SUCCESS, *REACHED))
        return self._suspended() if managed else self

    def _suspended(self) -> Sync:
        """Say that the Job is suspended, or that it is no more."""
        said = next((condition for condition in self.conditions if condition.type == SUSPENDED), None)
        stopped = self.job.spec.suspend
        if stopped == (said is not None and said.status == "True"):
            return self
        told = ("JobSuspended", "Job suspended") if stopped else ("JobResumed", "Job resumed")
        new = evolve(self._condition(SUSPENDED, *told), status=str(stopped))
        others = tuple(new if condition is said else condition for condition in self.conditions)
        return evolve(self, conditions=others if said else (*others, new), turned=True)

    # --- how many Pods ------------------------------------------------------------------------------------------------

    def _managed(self) -> Iterator[tuple[Groups, Sync]]:
        if self.job.spec.suspend:
            yield self._without(self.active_pods)
            return
        wanted = self._wanted()
        for surplus in self._surplus(max(0, self.active - wanted)):
            if surplus:
                yield self._without(surplus[:BURST])
            else:
                yield self._with(wanted)

    def _wanted(self) -> int:
        """Return how many Pods are to be at work: never more than there is work left."""
        spec = self.job.spec
        if spec.completions is None:
            return self.active if self.succeeded else spec.at_once
        return max(0, min(spec.completions - self.succeeded, spec.at_once))

    def _surplus(self, least: int) -> Iterator[tuple[Pod, ...]]:
        """Yield the sets of Pods that may go: those that do an index twice or none first, then whom it costs least."""
        pods = self.active_pods
        twice = tuple(_doubled(self.job, pods)) if self.job.spec.indexed else ()
        rest = tuple(pod for pod in pods if pod not in twice)
        more = max(0, least - len(twice))
        for victims in _choices(rest, more, self.now):
            yield (*twice, *victims)

    def _without(self, pods: tuple[Pod, ...]) -> tuple[Groups, Sync]:
        """Let Pods go that nobody counts: each loses its finalizer first."""
        groups: list[tuple[Request, ...]] = []
        for pod in pods:
            groups += [(freed(pod),)] if indexes.is_tracked(pod) else []
            groups.append((Delete(ref_of(pod)),))
        gone = len(pods)
        after = evolve(
            self,
            pods=tuple(_let_go(pod) if pod in pods else pod for pod in self.pods),
            active=self.active - gone,
            ready=self.ready - sum(pod.ready for pod in pods),
            terminating=self.terminating + gone,
        )
        return tuple(groups), after

    def _with(self, wanted: int) -> tuple[Groups, Sync]:
        """Make the Pods that are missing; who is still on his way out may count as there."""
        leaving = self.terminating if waits_for_the_end(self.job) else 0
        missing = min(max(0, wanted - leaving - self.active), BURST)
        made: tuple[Pod, ...] = (new_pod(self.job),) * missing
        if self.job.spec.indexed:
            made = tuple(self._of_index(number) for number in indexes.pending(self.job, self._busy(), missing))
        return tuple((Create(pod),) for pod in made), evolve(self, active=self.active + len(made))

    def _busy(self) -> frozenset[int]:
        """Return the indexes that are over or being worked on."""
        busy = self.succeeded_indexes | indexes.of(self.active_pods) | (self.failed_indexes or frozenset())
        if waits_for_the_end(self.job):
            busy |= indexes.of(pod for pod in self.pods if pod.metadata.terminating and not pod.finished)
        return busy

    def _of_index(self, number: int) -> Pod:
        if self.failed_indexes is None:
            return new_pod(self.job, number)
        return new_pod(self.job, number, indexes.failures(self.job, self.delayed.get(number)))

    @property
    def delayed(self) -> dict[int, Pod]:
        """The failed Pods whose replacements are still to take over how often their indexes have failed."""
        if self.failed_indexes is None:
            return {}
        return indexes.delayed(self.job, self.pods, self.succeeded_indexes | self.failed_indexes, self.active_pods)


def _doubled(job: Job, pods: tuple[Pod, ...]) -> Iterator[Pod]:
    """Yield who works on no index, on one that there is not, or on one that another one works on, too."""
    for number in sorted(indexes.of(pods)):
        same = tuple(pod for pod in pods if indexes.index_of(pod.metadata) == number)
        last = len(same) - 1 if number < (job.spec.completions or 0) else len(same)
        yield from next(_choices(same, last, 0))
    yield from (pod for pod in pods if indexes.index_of(pod.metadata) is None)


def _choices(pods: tuple[Pod, ...], count: int, now: Time) -> Iterator[tuple[Pod, ...]]:
    """Yield the sets of Pods that cost least, as a ReplicaSet chooses, but for what a Pod says that it costs."""
    plain = {ref_of(pod): pod for pod in pods}
    for victims in deletion_choices(tuple(map(_priceless, pods)), (), count, now) if count else [()]:
        yield tuple(plain[ref_of(victim)] for victim in victims)


def _priceless(pod: Pod) -> Pod:
    kept = strings({key: value for key, value in pod.metadata.annotations.items() if key != COST})
    return evolve(pod, metadata=evolve(pod.metadata, annotations=kept))
