"""The selector and the labels that the API server makes for a new Job, so that no other one takes its Pods for its own.

Upstream: pkg/registry/batch/job/strategy.go (generateSelectorIfNeeded), pkg/apis/batch/v1/defaults.go (v1.32).
"""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

from attrs import evolve

from ...api.batch import Job
from ...api.kinds import Object
from ...api.meta import LabelSelector
from ...api.values.frozen import strings
from ...api.values.label_names import value_errors
from ...api.well_known import CONTROLLER_UID, JOB_NAME, LEGACY_NAME, LEGACY_UID


def with_selector(job: Job) -> Job:
    """Return a Job with a selector of its own, unless it brings one."""
    return job if job.spec.manual_selector else _generated(job)


def with_labels(obj: Object) -> Object:
    """Return a Job as it is read from the store: without labels of its own it has those of its template by then."""
    if not isinstance(obj, Job) or obj.metadata.labels:
        return obj
    return evolve(obj, metadata=evolve(obj.metadata, labels=obj.spec.template.metadata.labels))


def _generated(job: Job) -> Job:
    meta, spec = job.spec.template.metadata, job.spec
    uid, name = as_label(job.metadata.uid), job.metadata.name
    made = {CONTROLLER_UID: uid, JOB_NAME: name, LEGACY_UID: uid, LEGACY_NAME: name}
    template = evolve(spec.template, metadata=evolve(meta, labels=strings({**made, **meta.labels})))
    selector = spec.selector or LabelSelector()
    selector = evolve(selector, match_labels=strings({CONTROLLER_UID: uid, **selector.match_labels}))
    return evolve(job, spec=evolve(spec, template=template, selector=selector))


def as_label(uid: str) -> str:
    """Return a uid as the value of a label: as it is, if it may be one, else made into one like those of Kubernetes."""
    return str(uuid5(NAMESPACE_URL, uid)) if value_errors(uid) else uid
