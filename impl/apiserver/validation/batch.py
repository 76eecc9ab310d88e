"""Validation of Jobs and CronJobs.

Upstream: pkg/apis/batch/validation/validation.go (v1.32).
Left out on purpose: the limits of 100,000 indexes; the rules within a pod failure policy and a success policy, but for
the completion mode that they need; scheduling directives that may change while a Job is suspended.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from ...api.batch import INDEXED, CronJob, Job, JobSpec, SuccessPolicy
from ...api.meta import LabelSelector
from ...api.values.cron import ScheduleError, is_zone, parse_schedule
from ...api.values.frozen import strings
from ...api.values.selectors import selects
from ...api.well_known import CONTROLLER_UID, JOB_NAME, LEGACY_NAME, LEGACY_UID
from ..defaulting.job_labels import as_label
from .apps import IMMUTABLE, go_labels, go_selector
from .field_error import FieldError, go, invalid, invalid_raw, not_supported, required
from .meta import not_negative, validate_selector
from .pod import validate_template

MODES = ("NonIndexed", INDEXED)
REPLACEMENTS = ("Failed", "TerminatingOrFailed")
RESTARTS = ("OnFailure", "Never")
NEEDS_INDEXES = "requires indexed completion mode"
CONCURRENCY = ("Allow", "Forbid", "Replace")
LONGEST_CRON_JOB = 52  # 63 less what a Job's name has behind it


def validate_job(job: Job) -> list[FieldError]:
    """Return the broken rules of a Job."""
    return _generated(job) + _spec(job.spec)


def _generated(job: Job) -> list[FieldError]:
    """Hold a selector that is no user's to the one that is made for it, and the template to its labels."""
    if job.spec.manual_selector or job.spec.selector is None:
        return []
    uid, labels = as_label(job.metadata.uid), job.spec.template.metadata.labels
    errors = []
    if job.spec.selector != LabelSelector(strings({CONTROLLER_UID: uid})):
        errors.append(invalid_raw("spec.selector", go_selector(job.spec.selector), "`selector` not auto-generated"))
    wanted = ((CONTROLLER_UID, uid), (JOB_NAME, job.metadata.name), (LEGACY_UID, uid), (LEGACY_NAME, job.metadata.name))
    wrong = next(((key, value) for key, value in wanted if labels.get(key) != value), None)
    if wrong is not None:
        field, detail = "spec.template.metadata.labels", f"must be '{wrong[1]}'"
        given = labels.get(wrong[0])
        error = required(field, detail) if given is None else invalid(field, given, detail)
        errors.append(error)
    return errors


def _spec(spec: JobSpec) -> list[FieldError]:
    errors = _numbers(spec) + _modes(spec)
    if spec.selector is None:
        errors.append(required("spec.selector"))
    else:
        errors += validate_selector("spec.selector", spec.selector)
        labels = spec.template.metadata.labels
        if not selects(spec.selector, labels):
            detail = "`selector` does not match template `labels`"
            errors.append(invalid_raw("spec.template.metadata.labels", go_labels(labels), detail))
    return errors + _pods(spec)


def _pods(spec: JobSpec) -> list[FieldError]:
    errors = validate_template("spec.template", spec.template)
    policy, field = spec.template.spec.restart_policy, "spec.template.spec.restartPolicy"
    if policy in {"", "Always"}:
        errors.append(required(field, 'valid values: "OnFailure", "Never"'))
    elif policy not in RESTARTS:
        errors.append(not_supported(field, policy, RESTARTS))
    elif spec.pod_failure_policy is not None and policy != "Never":
        errors.append(invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified'))
    return errors


def validate_cron_job(one: CronJob) -> list[FieldError]:
    """Return the broken rules of a CronJob: its name, its schedule, its numbers, and those of its Jobs."""
    name, spec = one.metadata.name, one.spec
    errors: list[FieldError] = []
    if len(name) > LONGEST_CRON_JOB:
        errors.append(invalid("metadata.name", name, f"must be no more than {LONGEST_CRON_JOB} characters"))
    errors += _schedule(spec.schedule)
    errors += _zone(spec.time_zone)
    if spec.concurrency_policy not in CONCURRENCY:
        errors.append(not_supported("spec.concurrencyPolicy", spec.concurrency_policy, CONCURRENCY))
    given = (
        ("startingDeadlineSeconds", spec.starting_deadline_seconds),
        ("successfulJobsHistoryLimit", spec.successful_jobs_history_limit),
        ("failedJobsHistoryLimit", spec.failed_jobs_history_limit),
    )
    errors += [error for field, value in given for error in not_negative(f"spec.{field}", value)]
    job = spec.job_template.spec
    of_job = _numbers(job)
    if job.success_policy is not None and not job.indexed:
        of_job.append(invalid_raw("spec.successPolicy", _go_success(job.success_policy), NEEDS_INDEXES))
    return errors + [evolve(error, field=f"spec.jobTemplate.{error.field}") for error in (*of_job, *_pods(job))]


def _schedule(text: str) -> list[FieldError]:
    if not text:
        return [required("spec.schedule")]
    try:
        parse_schedule(text)
    except ScheduleError as error:
        return [invalid("spec.schedule", text, str(error))]
    return []


def _zone(name: str | None) -> list[FieldError]:
    """Check a time zone (validateTimeZone)."""
    if name is None or (is_zone(name) and name.lower() != "local"):
        return []
    told = f"unknown time zone {name}" if name else "timeZone must be nil or non-empty string"
    if name.lower() == "local":
        told = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
    return [invalid("spec.timeZone", name, told)]


def _numbers(spec: JobSpec) -> list[FieldError]:
    given = (
        ("parallelism", spec.parallelism),
        ("completions", spec.completions),
        ("activeDeadlineSeconds", spec.active_deadline_seconds),
        ("backoffLimit", spec.backoff_limit),
        ("ttlSecondsAfterFinished", spec.ttl_seconds_after_finished),
        ("backoffLimitPerIndex", spec.backoff_limit_per_index),
        ("maxFailedIndexes", spec.max_failed_indexes),
    )
    errors = [error for name, value in given for error in not_negative(f"spec.{name}", value)]
    most = spec.max_failed_indexes
    if most is not None and spec.completions is not None and most > spec.completions:
        errors.append(invalid("spec.maxFailedIndexes", most, "must be less than or equal to completions"))
    if most is not None and spec.backoff_limit_per_index is None:
        errors.append(required("spec.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    return errors


def _modes(spec: JobSpec) -> list[FieldError]:
    errors = []
    if spec.completion_mode not in MODES:
        errors.append(not_supported("spec.completionMode", spec.completion_mode, MODES))
    if spec.indexed and spec.completions is None:
        errors.append(required("spec.completions", f"when completion mode is {INDEXED}"))
    if not spec.indexed and spec.backoff_limit_per_index is not None:
        errors.append(invalid("spec.backoffLimitPerIndex", spec.backoff_limit_per_index, NEEDS_INDEXES))
    if not spec.indexed and spec.success_policy is not None:
        errors.append(invalid_raw("spec.successPolicy", _go_success(spec.success_policy), NEEDS_INDEXES))
    if spec.pod_replacement_policy not in REPLACEMENTS:
        errors.append(not_supported("spec.podReplacementPolicy", spec.pod_replacement_policy, REPLACEMENTS))
    elif spec.pod_failure_policy is not None and spec.pod_replacement_policy != REPLACEMENTS[0]:
        errors.append(not_supported("spec.podReplacementPolicy", spec.pod_replacement_policy, REPLACEMENTS[:1]))
    return errors


def _go_success(policy: SuccessPolicy) -> str:
    """Write a success policy as Go's %#v does, but for where its numbers are in memory."""
    rules = (
        f"batch.SuccessPolicyRule{{SucceededIndexes:(*string)({_pointer(rule.succeeded_indexes)}), "
        f"SucceededCount:(*int32)({_pointer(rule.succeeded_count)})}}"
        for rule in policy.rules
    )
    return f"batch.SuccessPolicy{{Rules:[]batch.SuccessPolicyRule{{{', '.join(rules)}}}}}"


def _pointer(value: object) -> str:
    return "nil" if value is None else f"0x{go(value)}"


def validate_job_update(new: Job, old: Job) -> list[FieldError]:
    """Refuse a change of what a Job is for ever; of an Indexed one completions and parallelism may change together."""
    fixed: tuple[tuple[str, Any, Any], ...] = (
        ("selector", new.spec.selector, old.spec.selector),
        ("template", new.spec.template, old.spec.template),
        ("completionMode", new.spec.completion_mode, old.spec.completion_mode),
        ("podFailurePolicy", new.spec.pod_failure_policy, old.spec.pod_failure_policy),
        ("backoffLimitPerIndex", new.spec.backoff_limit_per_index, old.spec.backoff_limit_per_index),
        ("managedBy", new.spec.managed_by, old.spec.managed_by),
        ("successPolicy", new.spec.success_policy, old.spec.success_policy),
    )
    elastic = new.spec.indexed and new.spec.completions == new.spec.parallelism is not None
    if not elastic:
        fixed = (("completions", new.spec.completions, old.spec.completions), *fixed)
    return [invalid_raw(f"spec.{name}", _shown(after), IMMUTABLE) for name, after, before in fixed if after != before]


def _shown(value: object) -> str:
    return go(value) if isinstance(value, str | int | None) else f"{type(value).__name__}{{...}}"
