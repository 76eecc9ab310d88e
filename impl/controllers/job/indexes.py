"""The indexes of an Indexed Job: as text, of Pods, which are over, whether they are enough, which are still to do.

Upstream: pkg/controller/job/indexed_job_utils.go, backoff_utils.go, success_policy.go (v1.32).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ...api.batch import Job
from ...api.core import Pod
from ...api.meta import ObjectMeta
from ...api.well_known import COMPLETION_INDEX, TRACKING
from .policies import counts, fails_index, is_failed

FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count"
NUMBER = re.compile(r"[0-9]+", re.ASCII)
LONGEST_BASE = 58

Indexes = frozenset[int]


def spelt(indexes: Iterable[int]) -> str:
    """Return indexes as text: 0,2,4-7."""
    parts: list[list[int]] = []
    for number in sorted(indexes):
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    ranges = (part if len(part) == 1 or part[1] > part[0] + 1 else [part[0], part[1]] for part in parts)
    return ",".join(_range(between) for between in ranges)


def _range(part: list[int]) -> str:
    first, last = part[0], part[-1]
    return str(first) if first == last else f"{first}{',' if last == first + 1 else '-'}{last}"


def read(text: str, completions: int) -> Indexes:
    """Return the indexes below `completions` that a text names; a part that is none names nobody."""
    return frozenset(number for part in text.split(",") for number in _numbers(part) if number < completions)


def _numbers(part: str) -> Iterator[int]:
    first, dash, last = part.partition("-")
    if NUMBER.fullmatch(first) and (not dash or NUMBER.fullmatch(last)):
        yield from range(int(first), int(last or first) + 1)


def index_of(meta: ObjectMeta) -> int | None:
    """Return the index that a Pod works on; None where it says none."""
    text = meta.annotations.get(COMPLETION_INDEX, "")
    return int(text) if NUMBER.fullmatch(text) else None


def is_valid(job: Job, pod: Pod) -> bool:
    """Tell whether a Pod works on an index that the Job has."""
    number = index_of(pod.metadata)
    return number is not None and number < (job.spec.completions or 0)


def is_tracked(pod: Pod) -> bool:
    """Tell whether a Pod has not been counted."""
    return TRACKING in pod.metadata.finalizers


def of(pods: Iterable[Pod]) -> Indexes:
    """Return the indexes of some Pods."""
    return frozenset(number for pod in pods if (number := index_of(pod.metadata)) is not None)


def succeeded(job: Job, pods: Iterable[Pod]) -> tuple[Indexes, Indexes]:
    """Return the indexes that are written down as succeeded, and those with what is new."""
    before = read(job.status.completed_indexes, job.spec.completions or 0)
    over = (pod for pod in pods if pod.status.phase == "Succeeded" and is_valid(job, pod) and is_tracked(pod))
    return before, before | of(over)


def failed(job: Job, pods: Iterable[Pod]) -> Indexes | None:
    """Return the indexes that have failed for good; None where failures are not counted index by index."""
    limit = job.spec.backoff_limit_per_index
    if limit is None:
        return None
    before = read(job.status.failed_indexes or "", job.spec.completions or 0)
    return before | of(pod for pod in pods if is_valid(job, pod) and is_tracked(pod) and _gives_up(job, pod, limit))


def _gives_up(job: Job, pod: Pod, limit: int) -> bool:
    if not is_failed(job, pod):
        return False
    return fails_index(job, pod) or (counts(job, pod) and _count(pod, FAILURES) >= limit)


def delayed(job: Job, pods: Iterable[Pod], over: Indexes, active: Iterable[Pod]) -> dict[int, Pod]:
    """Return by index the failed Pod that keeps its finalizer until its replacement is there: it counts the failures.

    Of several the one with most of them (when they finished is not looked at).
    """
    found: dict[int, Pod] = {}
    busy = over | of(active)
    for pod in pods:
        number = index_of(pod.metadata)
        if number is None or not (is_tracked(pod) and is_valid(job, pod) and is_failed(job, pod)) or number in busy:
            continue
        if number not in found or _all(found[number]) <= _all(pod):
            found[number] = pod
    return found


def failures(job: Job, before: Pod | None) -> dict[str, str]:
    """Return the annotations that count the failures of an index, for the Pod after this one."""
    if before is None:
        return {FAILURES: "0"}
    failed_so_far, ignored = _count(before, FAILURES), _count(before, IGNORED_FAILURES)
    if counts(job, before):
        failed_so_far += 1
    else:
        ignored += 1
    return {FAILURES: str(failed_so_far)} | ({IGNORED_FAILURES: str(ignored)} if ignored else {})


def _all(pod: Pod) -> int:
    return _count(pod, FAILURES) + _count(pod, IGNORED_FAILURES)


def _count(pod: Pod, annotation: str) -> int:
    text = pod.metadata.annotations.get(annotation, "0")
    return int(text) if NUMBER.fullmatch(text) else 0


def pending(job: Job, busy: Indexes, count: int) -> tuple[int, ...]:
    """Return the first indexes that nobody works on and that are not over."""
    free = (number for number in range(job.spec.completions or 0) if number not in busy)
    return tuple(number for number, _ in zip(free, range(count), strict=False))


def base_name(job: Job, number: int) -> str:
    """Return what the names of the Pods of an index begin with."""
    ending = f"-{number}-"
    return f"{job.metadata.name[: LONGEST_BASE - len(ending)]}{ending}"


def success_rule(job: Job, over: frozenset[int]) -> int | None:
    """Return the number of the first rule by which the indexes that have succeeded are enough; None: they are not."""
    rules = () if job.spec.success_policy is None or not over else job.spec.success_policy.rules
    for number, rule in enumerate(rules):
        if rule.succeeded_indexes is None:
            enough = rule.succeeded_count is not None and len(over) >= rule.succeeded_count
        else:
            asked = read(rule.succeeded_indexes, job.spec.completions or 0)
            there = len(asked & over)
            enough = bool(asked) and (there == len(asked) or 0 < (rule.succeeded_count or 0) <= there)
        if enough:
            return number
    return None
