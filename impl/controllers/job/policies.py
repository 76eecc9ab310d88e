"""What counts as a failure of a Job's Pod, and when there are too many.

Upstream: pkg/controller/job/pod_failure_policy.go, job_controller.go (isPodFailed,
pastBackoffLimitOnFailure) (v1.32).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...api.batch import FAILED, Job, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule
from ...api.core import ContainerStatus, Pod
from ...api.values.frozen import as_map

FAIL_JOB, FAIL_INDEX, IGNORE = "FailJob", "FailIndex", "Ignore"


def waits_for_the_end(job: Job) -> bool:
    """Tell whether a Pod that is being deleted is only replaced, and counted, once it has failed."""
    return job.spec.pod_replacement_policy == FAILED or job.spec.pod_failure_policy is not None


def is_failed(job: Job, pod: Pod) -> bool:
    """Tell whether a Pod counts as failed: unless its end is waited for, one that is being deleted does, too."""
    if pod.status.phase == "Failed":
        return True
    return not waits_for_the_end(job) and pod.metadata.terminating and pod.status.phase != "Succeeded"


def counts(job: Job, pod: Pod) -> bool:
    """Tell whether the failure of a Pod counts towards a limit."""
    found = _rule(job, pod)
    return found is None or found[0].action != IGNORE


def fails_index(job: Job, pod: Pod) -> bool:
    """Tell whether a rule gives the index of a failed Pod up."""
    found = _rule(job, pod)
    return found is not None and found[0].action == FAIL_INDEX


def job_failure(job: Job, pods: Iterable[Pod]) -> str:
    """Say why a rule makes the whole Job fail, "" where none does."""
    for pod in pods:
        found = _rule(job, pod) if is_failed(job, pod) else None
        if found is not None and found[0].action == FAIL_JOB:
            return found[1]
    return ""


def _rule(job: Job, pod: Pod) -> tuple[PodFailurePolicyRule, str] | None:
    """Return the first rule that matches a failed Pod, and what is said of it."""
    policy = job.spec.pod_failure_policy
    for number, rule in enumerate(() if policy is None else policy.rules):
        why = next(_matches(rule, pod), "")
        if why:
            return rule, f"{why} matching {rule.action} rule at index {number}"
    return None


def _matches(rule: PodFailurePolicyRule, pod: Pod) -> Iterator[str]:
    name = f"{pod.metadata.namespace}/{pod.metadata.name}"
    if rule.on_exit_codes is not None:
        for status in (*pod.status.container_statuses, *pod.status.init_container_statuses):
            code = exit_code(status)
            if code and _is_asked_for(rule.on_exit_codes, status, code):
                yield f"Container {status.name} for pod {name} failed with exit code {code}"
        return
    wanted = {(pattern.type, pattern.status) for pattern in rule.on_pod_conditions}
    for condition in pod.status.conditions:
        if (condition.type, condition.status) in wanted:
            yield f"Pod {name} has condition {condition.type}"


def exit_code(status: ContainerStatus) -> int | None:
    """Return the code with which a container ended; None while it has not."""
    terminated: Any = status.state.get("terminated")
    code = as_map(terminated).get("exitCode") if terminated is not None else None
    return None if code is None else int(code)


def _is_asked_for(asked: PodFailurePolicyOnExitCodesRequirement, one: ContainerStatus, code: int) -> bool:
    if asked.container_name not in {None, one.name}:
        return False
    return (code in asked.values) == (asked.operator == "In")


def restarted_too_often(job: Job, pods: Iterable[Pod]) -> bool:
    """Tell whether the containers of Pods that restart them have failed as often as the Job bears."""
    if job.spec.template.spec.restart_policy != "OnFailure":
        return False
    found = sum(
        status.restart_count
        for pod in pods
        if pod.status.phase in {"Running", "Pending"}
        for status in (*pod.status.init_container_statuses, *pod.status.container_statuses)
    )
    limit = job.spec.backoff_limit or 0
    return found >= limit if limit else found > 0
