"""batch/v1: Job, CronJob.

Upstream: staging/src/k8s.io/api/batch/v1/types.go (v1.32).
"""

from __future__ import annotations

from attrs import frozen
from immutabledict import immutabledict

from .core import ObjectReference, PodTemplateSpec
from .meta import LabelSelector, ObjectMeta, Time
from .values.frozen import EMPTY, Json

INDEXED = "Indexed"
FAILED = "Failed"
"""Of a podReplacementPolicy: a Pod is replaced once it has failed. Of a condition: the Job has."""
COMPLETE = "Complete"


@frozen
class PodFailurePolicyOnExitCodesRequirement:
    """The exit codes of one container, or of any (None), that a rule is about: In or NotIn `values`."""

    container_name: str | None = None
    operator: str = ""
    values: tuple[int, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class PodFailurePolicyOnPodConditionsPattern:
    """A condition of a Pod that a rule is about."""

    type: str = ""
    status: str = ""
    extra: immutabledict[str, Json] = EMPTY


@frozen
class PodFailurePolicyRule:
    """What is done about a failed Pod: FailJob, FailIndex, Ignore or Count."""

    action: str = ""
    on_exit_codes: PodFailurePolicyOnExitCodesRequirement | None = None
    on_pod_conditions: tuple[PodFailurePolicyOnPodConditionsPattern, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class PodFailurePolicy:
    """Rules of which the first that matches a failed Pod counts."""

    rules: tuple[PodFailurePolicyRule, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class SuccessPolicyRule:
    """So many of these indexes, or all of them, are enough."""

    succeeded_indexes: str | None = None
    succeeded_count: int | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class SuccessPolicy:
    """Rules any of which makes a Job succeed before all its indexes have."""

    rules: tuple[SuccessPolicyRule, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class JobSpec:
    """How often a program is to succeed, and what is done when it fails."""

    parallelism: int | None = None
    completions: int | None = None
    active_deadline_seconds: int | None = None
    pod_failure_policy: PodFailurePolicy | None = None
    success_policy: SuccessPolicy | None = None
    backoff_limit: int | None = None
    backoff_limit_per_index: int | None = None
    max_failed_indexes: int | None = None
    selector: LabelSelector | None = None
    manual_selector: bool = False
    template: PodTemplateSpec = PodTemplateSpec()
    ttl_seconds_after_finished: int | None = None
    completion_mode: str = ""
    suspend: bool = False
    pod_replacement_policy: str = ""
    managed_by: str = ""
    extra: immutabledict[str, Json] = EMPTY

    @property
    def run_elsewhere(self) -> bool:
        """Whether another controller than Kubernetes' own is to run it."""
        return self.managed_by not in {"", "kubernetes.io/job-controller"}

    @property
    def at_once(self) -> int:
        """How many Pods there may be at one time: 1 where nothing is said."""
        return 1 if self.parallelism is None else self.parallelism

    @property
    def wanted(self) -> int:
        """How many Pods are asked for at one time, at the most: none of a Job that is suspended."""
        if self.suspend:
            return 0
        return self.at_once if self.completions is None else min(self.at_once, self.completions)

    @property
    def indexed(self) -> bool:
        """Whether each Pod does the work of one index."""
        return self.completion_mode == INDEXED


@frozen
class JobCondition:
    """One of Suspended, SuccessCriteriaMet, Complete, FailureTarget, Failed."""

    type: str = ""
    status: str = ""
    last_probe_time: Time | None = None
    last_transition_time: Time | None = None
    reason: str = ""
    message: str = ""
    extra: immutabledict[str, Json] = EMPTY


@frozen
class UncountedTerminatedPods:
    """The uids of Pods that are over, and that the counters do not have yet."""

    succeeded: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class JobStatus:
    """What the Job controller last counted."""

    conditions: tuple[JobCondition, ...] = ()
    start_time: Time | None = None
    completion_time: Time | None = None
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    terminating: int | None = None
    completed_indexes: str = ""
    failed_indexes: str | None = None
    uncounted_terminated_pods: UncountedTerminatedPods | None = None
    ready: int | None = None
    extra: immutabledict[str, Json] = EMPTY

    def condition(self, kind: str) -> JobCondition | None:
        """Return the condition of that type, if it is True."""
        return next(
            (condition for condition in self.conditions if condition.type == kind and condition.status == "True"), None
        )


@frozen(cache_hash=True)
class Job:
    """Lets a program run until it has succeeded so often."""

    metadata: ObjectMeta = ObjectMeta()
    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()
    extra: immutabledict[str, Json] = EMPTY

    @property
    def finished(self) -> bool:
        """Whether it is over, for good: Complete or Failed."""
        return self.status.condition(COMPLETE) is not None or self.status.condition(FAILED) is not None


@frozen
class JobTemplateSpec:
    """What each Job of a CronJob is like."""

    metadata: ObjectMeta = ObjectMeta()
    spec: JobSpec = JobSpec()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class CronJobSpec:
    """When Jobs are made, of which template, and whether one is made beside another.

    Schedule and zone are those of `values.cron`; the deadline is how many seconds after its time a Job is made at the
    latest; the limits say how many Jobs are kept that are done, and that have failed.
    """

    schedule: str = ""
    time_zone: str | None = None
    starting_deadline_seconds: int | None = None
    concurrency_policy: str = ""
    suspend: bool = False
    job_template: JobTemplateSpec = JobTemplateSpec()
    successful_jobs_history_limit: int | None = None
    failed_jobs_history_limit: int | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class CronJobStatus:
    """The Jobs that are under way, when the last one was due, and when one was last done."""

    active: tuple[ObjectReference, ...] = ()
    last_schedule_time: Time | None = None
    last_successful_time: Time | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class CronJob:
    """Has a Job made whenever its schedule says so."""

    metadata: ObjectMeta = ObjectMeta()
    spec: CronJobSpec = CronJobSpec()
    status: CronJobStatus = CronJobStatus()
    extra: immutabledict[str, Json] = EMPTY
