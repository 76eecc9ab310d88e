"""Validation of Jobs and CronJobs.

Upstream: pkg/apis/batch/validation/validation.go (v1.32).
Left out on purpose: the limits of 100,000 indexes and of how many rules there may be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from attrs import evolve

from ...api.batch import (
    INDEXED,
    CronJob,
    Job,
    JobSpec,
    PodFailurePolicyOnExitCodesRequirement,
    PodFailurePolicyRule,
    SuccessPolicy,
    SuccessPolicyRule,
)
from ...api.core import Affinity, PodTemplateSpec
from ...api.meta import LabelSelector
from ...api.reading.convert import unstructure
from ...api.values.cron import ScheduleError, is_zone, parse_schedule
from ...api.values.frozen import strings
from ...api.values.selectors import selects
from ...api.well_known import CONTROLLER_UID, JOB_NAME, LEGACY_NAME, LEGACY_UID
from ..defaulting.job_labels import as_label
from .apps import IMMUTABLE, go_labels, go_selector
from .field_error import FieldError, bad_keys, duplicate, go, invalid, invalid_raw, not_supported, omitted, required
from .meta import not_negative, validate_selector
from .names import domain_path_errors, label_errors
from .pod import validate_template

ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
MODES = ("NonIndexed", INDEXED)
REPLACEMENTS = ("Failed", "TerminatingOrFailed")
RESTARTS = ("OnFailure", "Never")
NEEDS_INDEXES = "requires indexed completion mode"
CONCURRENCY = ("Allow", "Forbid", "Replace")
LONGEST_CRON_JOB = 52  # 63 less what a Job's name has behind it


def validate_job(job: Job) -> list[FieldError]:
    """Return the broken rules of a Job."""
    return _generated(job) + _spec(job.spec) + _host_names(job)


def _host_names(job: Job) -> list[FieldError]:
    """Check that a Job's name with its highest index behind it may be the host name of a Pod."""
    name, count = job.metadata.name, job.spec.completions or 0
    if not job.spec.indexed or count <= 0 or not label_errors(host := f"{name}-{count - 1}"):
        return []
    return [invalid("metadata.name", name, f"will not able to create pod with invalid DNS label: {host}")]


def _generated(job: Job) -> list[FieldError]:
    """Hold a selector that is no user's to the one that is made for it, and the template to its labels."""
    if job.spec.manual_selector or job.spec.selector is None:
        return []
    uid, labels = as_label(job.metadata.uid), job.spec.template.metadata.labels
    errors = []
    if job.spec.selector != LabelSelector(strings({CONTROLLER_UID: uid})):
        detail = "`selector` not auto-generated"
        errors.append(
            invalid_raw("spec.selector", go_selector(job.spec.selector), detail, unstructure(job.spec.selector))
        )
    wanted = ((CONTROLLER_UID, uid), (JOB_NAME, job.metadata.name), (LEGACY_UID, uid), (LEGACY_NAME, job.metadata.name))
    wrong = next(((key, value) for key, value in wanted if labels.get(key) != value), None)
    if wrong is not None:
        field, detail = "spec.template.metadata.labels", f"must be '{wrong[1]}'"
        given = labels.get(wrong[0])
        error = required(field, detail) if given is None else invalid(field, given, detail)
        errors.append(error)
    return errors


def _spec(spec: JobSpec) -> list[FieldError]:
    errors = _own(spec)
    if spec.selector is None:
        errors.append(required("spec.selector"))
    else:
        errors += validate_selector("spec.selector", spec.selector)
        labels = spec.template.metadata.labels
        if not selects(spec.selector, labels):
            detail = "`selector` does not match template `labels`"
            errors.append(invalid_raw("spec.template.metadata.labels", go_labels(labels), detail, labels or None))
    return errors


def _own(spec: JobSpec) -> list[FieldError]:
    """Return the broken rules of a Job that has no selector yet."""
    return _numbers(spec) + _modes(spec) + _failures(spec) + _successes(spec) + _replacement(spec) + _pods(spec)


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
    errors += _schedule(spec.schedule)
    errors += not_negative("spec.startingDeadlineSeconds", spec.starting_deadline_seconds)
    errors += _zone(spec.time_zone)
    if spec.concurrency_policy not in CONCURRENCY:
        errors.append(not_supported("spec.concurrencyPolicy", spec.concurrency_policy, CONCURRENCY))
    job = spec.job_template.spec
    of_job = _own(job)
    if job.selector is not None:
        detail = "`selector` will be auto-generated"
        of_job.append(invalid_raw("spec.selector", go_selector(job.selector), detail, unstructure(job.selector)))
    if job.manual_selector:
        of_job.append(not_supported("spec.manualSelector", job.manual_selector, ("nil", "false")))
    errors += [evolve(error, field=f"spec.jobTemplate.{error.field}") for error in of_job]
    limits = (
        ("successfulJobsHistoryLimit", spec.successful_jobs_history_limit),
        ("failedJobsHistoryLimit", spec.failed_jobs_history_limit),
    )
    errors += [error for field, value in limits for error in not_negative(f"spec.{field}", value)]
    if len(name) > LONGEST_CRON_JOB:
        errors.append(invalid("metadata.name", name, f"must be no more than {LONGEST_CRON_JOB} characters"))
    return errors


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
    if spec.max_failed_indexes is not None and spec.backoff_limit_per_index is None:
        errors.append(required("spec.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    return errors


def _modes(spec: JobSpec) -> list[FieldError]:
    errors = []
    if spec.managed_by:
        errors += domain_path_errors("spec.managedBy", spec.managed_by)
    if spec.completion_mode and spec.completion_mode not in MODES:
        errors.append(not_supported("spec.completionMode", spec.completion_mode, MODES))
    if spec.indexed and spec.completions is None:
        errors.append(required("spec.completions", f"when completion mode is {INDEXED}"))
    most = spec.max_failed_indexes
    if spec.indexed and most is not None and spec.completions is not None and most > spec.completions:
        errors.append(invalid("spec.maxFailedIndexes", most, "must be less than or equal to completions"))
    if spec.completion_mode in {"", MODES[0]}:
        by_index = (("backoffLimitPerIndex", spec.backoff_limit_per_index), ("maxFailedIndexes", most))
        errors += [invalid(f"spec.{name}", number, NEEDS_INDEXES) for name, number in by_index if number is not None]
    return errors


def _failures(spec: JobSpec) -> list[FieldError]:
    """Check what a Job does about Pods that fail (validatePodFailurePolicy)."""
    if spec.pod_failure_policy is None:
        return []
    pod = spec.template.spec
    names = frozenset(container.name for container in (*pod.containers, *pod.init_containers))
    errors: list[FieldError] = []
    for index, rule in enumerate(spec.pod_failure_policy.rules):
        errors += _failure_rule(f"spec.podFailurePolicy.rules[{index}]", rule, spec, names)
    return errors


def _failure_rule(field: str, rule: PodFailurePolicyRule, spec: JobSpec, names: frozenset[str]) -> Iterator[FieldError]:
    codes, conditions = rule.on_exit_codes, rule.on_pod_conditions
    if rule.action == "FailIndex" and spec.backoff_limit_per_index is None:
        yield invalid(f"{field}.action", rule.action, "requires the backoffLimitPerIndex to be set")
    yield from _one_of(f"{field}.action", rule.action, ACTIONS)
    if codes is not None:
        yield from _exit_codes(f"{field}.onExitCodes", codes, names)
    for index, pattern in enumerate(conditions):
        place = f"{field}.onPodConditions[{index}]"
        yield from bad_keys(f"{place}.type", pattern.type)
        yield from _one_of(f"{place}.status", pattern.status, ("False", "True", "Unknown"))
    if codes is not None and conditions:
        yield omitted(field, "specifying both OnExitCodes and OnPodConditions is not supported")
    if codes is None and not conditions:
        yield omitted(field, "specifying one of OnExitCodes and OnPodConditions is required")


def _one_of(field: str, value: str, known: tuple[str, ...]) -> Iterator[FieldError]:
    if not value:
        yield required(field, f"valid values: [{' '.join(map(go, known))}]")
    elif value not in known:
        yield not_supported(field, value, known)


def _exit_codes(field: str, one: PodFailurePolicyOnExitCodesRequirement, names: frozenset[str]) -> Iterator[FieldError]:
    yield from _one_of(f"{field}.operator", one.operator, ("In", "NotIn"))
    if one.container_name is not None and one.container_name not in names:
        detail = "must be one of the container or initContainer names in the pod template"
        yield invalid(f"{field}.containerName", one.container_name, detail)
    codes, shown = one.values, f"[]int32{{{', '.join(map(str, one.values))}}}"
    if not codes:
        yield invalid_raw(f"{field}.values", "[]int32(nil)", "at least one value is required", None)
    for index, code in enumerate(codes):
        if one.operator == "In" and code == 0:
            yield invalid(f"{field}.values[{index}]", code, "must not be 0 for the In operator")
        if code in codes[:index]:
            yield duplicate(f"{field}.values[{index}]", code)
    if tuple(sorted(codes)) != codes:
        yield invalid_raw(f"{field}.values", shown, "must be ordered", codes)


def _successes(spec: JobSpec) -> list[FieldError]:
    """Check when a Job has succeeded before all its indexes have (validateSuccessPolicy)."""
    policy = spec.success_policy
    if policy is None:
        return []
    if not spec.indexed:
        pairs = ((rule.succeeded_indexes, rule.succeeded_count) for rule in policy.rules)
        rules = [{"SucceededIndexes": indexes, "SucceededCount": count} for indexes, count in pairs]
        return [invalid_raw("spec.successPolicy", _go_success(policy), NEEDS_INDEXES, {"Rules": rules or None})]
    errors: list[FieldError] = []
    if not policy.rules:
        detail = "at least one rules must be specified when the successPolicy is specified"
        errors.append(required("spec.successPolicy.rules", detail))
    for index, rule in enumerate(policy.rules):
        errors += _success_rule(f"spec.successPolicy.rules[{index}]", rule, spec.completions or 0)
    return errors


def _success_rule(field: str, rule: SuccessPolicyRule, completions: int) -> Iterator[FieldError]:
    count, text = rule.succeeded_count, rule.succeeded_indexes
    if count is None and text is None:
        yield required(field, "at least one of succeededCount or succeededIndexes must be specified")
    listed = 0
    if text is not None:
        try:
            listed = _indexes(text, completions)
        except ValueError as error:
            yield invalid(f"{field}.succeededIndexes", text, f"error parsing succeededIndexes: {error}")
    if count is not None:
        place = f"{field}.succeededCount"
        yield from not_negative(place, count)
        most = "must be less than or equal to"
        if count > completions:
            yield invalid(place, count, f"{most} {completions} (the number of specified completions)")
        if text is not None and count > listed:
            detail = f"{most} {listed} (the number of indexes in the specified succeededIndexes field)"
            yield invalid(place, count, detail)


def _indexes(text: str, completions: int) -> int:
    """Return how many indexes a text such as 1,3-5 names. Raises ValueError with Kubernetes' words."""
    total, last = 0, -1
    for part in text.split(",") if text else ():
        ends = [_index(index, completions) for index in part.split("-")]
        if len(ends) > 2:
            rule = "violates the requirement that an index interval can have at most two parts separated by '-'"
            raise ValueError(f"the fragment {go(part)} {rule}")
        if ends[0] <= last or (len(ends) == 2 and ends[0] >= ends[1]):
            before, now = (last, ends[0]) if ends[0] <= last else ends
            raise ValueError(f"non-increasing order, previous: {before}, current: {now}")
        total, last = total + ends[-1] - ends[0] + 1, ends[-1]
    return total


def _index(text: str, completions: int) -> int:
    if not re.fullmatch("[+-]?[0-9]+", text):
        raise ValueError(f"cannot convert string to integer for index: {go(text)}")
    if int(text) >= completions:
        raise ValueError(f"too large index: {go(text)}")
    return int(text)


def _replacement(spec: JobSpec) -> list[FieldError]:
    errors: list[FieldError] = []
    if spec.pod_replacement_policy not in {"", *REPLACEMENTS}:
        errors.append(not_supported("spec.podReplacementPolicy", spec.pod_replacement_policy, REPLACEMENTS))
    elif spec.pod_failure_policy is not None and spec.pod_replacement_policy not in {"", REPLACEMENTS[0]}:
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
        ("template", _fixed_template(new, old), old.spec.template),
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


def _fixed_template(new: Job, old: Job) -> PodTemplateSpec:
    """Return a template with what may change put back: where Pods go, while none of a suspended Job was ever made.

    Upstream: validatePodTemplateUpdate, and its options in pkg/registry/batch/job/strategy.go (KEP-2926, v1.32).
    """
    now, was = new.spec.template, old.spec.template
    if not old.spec.suspend or old.status.start_time is not None:
        return now
    meta = evolve(now.metadata, labels=was.metadata.labels, annotations=was.metadata.annotations)
    affinity = now.spec.affinity and evolve(
        now.spec.affinity, node_affinity=None if was.spec.affinity is None else was.spec.affinity.node_affinity
    )
    spec = evolve(
        now.spec,
        affinity=was.spec.affinity if affinity == Affinity() and was.spec.affinity is None else affinity,
        node_selector=was.spec.node_selector,
        tolerations=was.spec.tolerations,
        scheduling_gates=was.spec.scheduling_gates,
    )
    return evolve(now, metadata=meta, spec=spec)


def _shown(value: object) -> str:
    return go(value) if isinstance(value, str | int | None) else f"{type(value).__name__}{{...}}"
