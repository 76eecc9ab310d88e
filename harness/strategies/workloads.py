"""Workloads: what makes Pods of a template, whose labels its selector always selects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from .parts import Drawn, Json, int_or_percent, labels, names, object_of, optional, or_metadata
from .pods import templates

ENDING = ("Never", "OnFailure")


def deployments(*, meta: Drawn | None = None) -> Drawn:
    """Draw Deployments."""
    fields = {
        "replicas": st.integers(0, 3),
        "strategy": strategies(),
        "minReadySeconds": st.integers(0, 5),
        "progressDeadlineSeconds": st.integers(6, 600),
        "revisionHistoryLimit": st.integers(0, 3),
        "paused": st.booleans(),
    }
    return _workload("apps/v1", "Deployment", fields, meta)


def strategies() -> Drawn:
    """Draw how a Deployment goes from one template to another: never with neither surge nor unavailability."""
    surge, gone = int_or_percent(least=1), int_or_percent()
    rolling = optional({"maxSurge": surge, "maxUnavailable": gone}).map(lambda how: {"rollingUpdate": how})
    return st.one_of(st.just({"type": "Recreate"}), rolling.map(lambda one: {"type": "RollingUpdate", **one}))


def replica_sets(*, meta: Drawn | None = None) -> Drawn:
    """Draw ReplicaSets."""
    return _workload(
        "apps/v1", "ReplicaSet", {"replicas": st.integers(0, 3), "minReadySeconds": st.integers(0, 5)}, meta
    )


def stateful_sets(*, meta: Drawn | None = None) -> Drawn:
    """Draw StatefulSets, some with volumes."""
    rolling = st.integers(0, 3).map(lambda number: {"type": "RollingUpdate", "rollingUpdate": {"partition": number}})
    claim = st.sampled_from(("1Gi", "500M")).map(_claim)
    fields = {
        "replicas": st.integers(0, 3),
        "serviceName": names(),
        "podManagementPolicy": st.sampled_from(("OrderedReady", "Parallel")),
        "updateStrategy": rolling | st.just({"type": "OnDelete"}),
        "volumeClaimTemplates": st.lists(claim, max_size=1),
    }
    return _workload("apps/v1", "StatefulSet", fields, meta)


def _claim(size: str) -> Json:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return {"metadata": {"name": "data"}, "spec": spec}


def daemon_sets(*, meta: Drawn | None = None) -> Drawn:
    """Draw DaemonSets: what rolls makes room first, or surges, not both."""
    first = int_or_percent(least=1).map(lambda number: {"maxUnavailable": number, "maxSurge": 0})
    surge = int_or_percent(least=1).map(lambda number: {"maxSurge": number, "maxUnavailable": 0})
    rolling = (first | surge).map(lambda how: {"type": "RollingUpdate", "rollingUpdate": how})
    fields = {"updateStrategy": rolling | st.just({"type": "OnDelete"}), "minReadySeconds": st.integers(0, 5)}
    return _workload("apps/v1", "DaemonSet", fields, meta)


def jobs(*, meta: Drawn | None = None) -> Drawn:
    """Draw Jobs, whose Pods end."""
    return object_of("batch/v1", "Job", or_metadata(meta), spec=_job_specs())


def cron_jobs(*, meta: Drawn | None = None) -> Drawn:
    """Draw CronJobs."""
    spec = st.fixed_dictionaries(
        {
            "schedule": st.sampled_from(("* * * * *", "0 3 * * 1-5")),
            "jobTemplate": _job_specs().map(lambda one: {"spec": one}),
        },
        optional={"concurrencyPolicy": st.sampled_from(("Allow", "Forbid", "Replace")), "suspend": st.booleans()},
    )
    return object_of("batch/v1", "CronJob", or_metadata(meta), spec=spec)


def _job_specs() -> Drawn:
    counts = ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds")
    fields = {name: st.integers(1, 3) for name in counts}
    return st.fixed_dictionaries({"template": templates({}, restart_policies=ENDING)}, optional=fields)


def _workload(api_version: str, kind: str, fields: dict[str, st.SearchStrategy[Any]], meta: Drawn | None) -> Drawn:
    """Draw a workload: its selector is some labels, which its template has, too."""
    spec = labels(least=1).flatmap(_spec_with(fields))
    return object_of(api_version, kind, or_metadata(meta), spec=spec)


def _spec_with(fields: dict[str, st.SearchStrategy[Any]]) -> Callable[[dict[str, str]], Drawn]:
    def spec(matched: dict[str, str]) -> Drawn:
        fixed = {"selector": st.just({"matchLabels": matched}), "template": templates(matched)}
        return st.fixed_dictionaries(fixed, optional=fields)

    return spec
