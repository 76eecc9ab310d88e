"""The Pods that a Job makes, and what its controller keeps of what it watches.

Upstream: pkg/controller/job/job_controller.go (manageJob), indexed_job_utils.go (v1.32).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...api.batch import Job
from ...api.core import Container, ContainerStatus, Pod, PodSpec, PodStatus, PodTemplateSpec
from ...api.kinds import Object
from ...api.meta import ObjectMeta
from ...api.values.frozen import freeze, strings
from ...api.well_known import COMPLETION_INDEX, TRACKING
from ..common import Keep, Transform, controller_of, slim_pod, slim_ready, whole
from .indexes import FAILURES, IGNORED_FAILURES, base_name

INDEX = "JOB_COMPLETION_INDEX"


def new_pod(job: Job, number: int | None = None, notes: Mapping[str, str] = immutabledict()) -> Pod:
    """Return a Pod for an index, or for no index in particular (None), with some annotations more."""
    template = job.spec.template
    meta = template.metadata
    finalizers = tuple(dict.fromkeys((*meta.finalizers, TRACKING)))
    base, labels, annotations, spec = f"{job.metadata.name}-", meta.labels, meta.annotations, template.spec
    if number is not None:
        own = {COMPLETION_INDEX: str(number)}
        base, labels, spec = base_name(job, number), strings({**labels, **own}), _of_index(job, template, number)
        annotations = strings({**annotations, **own, **notes})
    return Pod(
        metadata=ObjectMeta(
            generate_name=base,
            namespace=job.metadata.namespace,
            labels=labels,
            annotations=annotations,
            finalizers=finalizers,
            owner_references=(controller_of(job),),
        ),
        spec=spec,
    )


def _of_index(job: Job, template: PodTemplateSpec, number: int) -> PodSpec:
    """Tell the programs, and the names of the network, which index it is."""
    spec = template.spec
    extra = immutabledict({**spec.extra, "hostname": f"{job.metadata.name}-{number}"})
    return evolve(
        spec,
        containers=tuple(map(_told, spec.containers)),
        init_containers=tuple(map(_told, spec.init_containers)),
        extra=extra,
    )


def _told(container: Container) -> Container:
    known: tuple[Any, ...] = tuple(container.extra.get("env") or ())
    if any(variable.get("name") == INDEX for variable in known):
        return container
    source = freeze({"name": INDEX, "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{COMPLETION_INDEX}']"}}})
    return evolve(container, extra=immutabledict({**container.extra, "env": (*known, source)}))


# --- what is looked at ------------------------------------------------------------------------------------------------

NOTES = frozenset({COMPLETION_INDEX, FAILURES, IGNORED_FAILURES})
KEEP = Keep(labels=True, owners=True, creation=True, annotations=NOTES)


def _slim(obj: Object) -> Object | None:
    """Keep of a Pod whose it is, its index, how it is, how often its containers were restarted and how they ended."""
    if not isinstance(obj, Pod):
        return None
    status = evolve(
        slim_ready(obj.status, times=True),
        conditions=obj.status.conditions,
        container_statuses=tuple(map(_ended, obj.status.container_statuses)),
        init_container_statuses=tuple(map(_ended, obj.status.init_container_statuses)),
    )
    return _kept(obj, PodSpec(node_name=obj.spec.node_name), status)


def _ended(one: ContainerStatus) -> ContainerStatus:
    state = immutabledict((key, value) for key, value in one.state.items() if key == "terminated")
    return ContainerStatus(one.name, restart_count=one.restart_count, state=state)


def _kept(pod: Pod, spec: PodSpec, status: PodStatus) -> Pod:
    slim = slim_pod(pod, KEEP, spec=spec, status=status)
    tracked = tuple(finalizer for finalizer in pod.metadata.finalizers if finalizer == TRACKING)
    return evolve(slim, metadata=evolve(slim.metadata, finalizers=tracked))


def coarse(job: Job, obj: Object | None) -> Object | None:
    """Keep of a Pod what this Job goes by: every choice among equals stays possible. As good without a clock."""
    if not isinstance(obj, Pod):
        return None
    found = _kept(obj, PodSpec(node_name="assigned" if obj.spec.node_name else ""), slim_ready(obj.status))
    status = found.status
    if job.spec.pod_failure_policy is not None:
        status = evolve(
            status,
            conditions=tuple(evolve(condition, last_transition_time=None) for condition in obj.status.conditions),
        )
    if job.spec.pod_failure_policy is not None or job.spec.template.spec.restart_policy == "OnFailure":
        status = evolve(
            status,
            container_statuses=tuple(map(_ended, obj.status.container_statuses)),
            init_container_statuses=tuple(map(_ended, obj.status.init_container_statuses)),
        )
    return evolve(found, metadata=evolve(found.metadata, creation_timestamp=None), status=status)


TRANSFORM: Transform = immutabledict({"Job": whole, "Pod": _slim})
"""Exact: a sync on what is kept is the same sync."""
