"""The templates that a workload has had, kept as ControllerRevisions: whose they are, and what they hold.

Upstream: pkg/controller/history/controller_history.go, pkg/controller/controller_ref_manager.go (v1.32).
Who finds which of them is current is the workload's own controller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve
from immutabledict import immutabledict

from ..api.apps import ControllerRevision, DaemonSet, RevisionData, RevisionSpec, StatefulSet
from ..api.cache import Cache
from ..api.core import PodTemplateSpec
from ..api.kinds import ref_of
from ..api.values.selectors import selects
from .common import controlled_by

PATCH = "$patch"


def listed(cache: Cache, owner: StatefulSet | DaemonSet) -> tuple[ControllerRevision, ...]:
    """List a workload's revisions and those that are nobody's and have its labels, oldest first."""
    found = (
        revision
        for revision in cache.list(ControllerRevision, owner.metadata.namespace)
        if selects(owner.spec.selector, revision.metadata.labels)
        and (revision.metadata.controller is None or controlled_by(revision, owner))
    )
    return tuple(
        sorted(
            found, key=lambda revision: (revision.revision, revision.metadata.creation_timestamp or 0, ref_of(revision))
        )
    )


def nobodys(revisions: Iterable[ControllerRevision]) -> Iterator[ControllerRevision]:
    """Yield the revisions that have no controller: their workload adopts them."""
    return (revision for revision in revisions if revision.metadata.controller is None)


def data_of(template: PodTemplateSpec) -> RevisionData:
    """Return the patch that brings a workload back to a template."""
    return RevisionData(RevisionSpec(evolve(template, extra=immutabledict({**template.extra, PATCH: "replace"}))))


def template_of(revision: ControllerRevision) -> PodTemplateSpec:
    """Return the template that a revision keeps."""
    template = revision.data.spec.template
    return evolve(template, extra=immutabledict({key: field for key, field in template.extra.items() if key != PATCH}))
