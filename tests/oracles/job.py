"""What the real Job controller wrote in recorded runs, held against what ours asks for (`controller_runs`).

When a deadline passes is not said, so a sync after it counts as asked for as well as one before it; so does a sync with
expectations open, which makes no Pods.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from attrs import evolve

from kubeproof.impl.api.batch import Job, JobStatus, UncountedTerminatedPods
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.kinds import Object, ref_of
from kubeproof.impl.api.requests import Create, Delete, PatchMetadata, Request, Update
from kubeproof.impl.controllers.job import job as controller
from kubeproof.impl.controllers.job.pods import TRANSFORM

from .controller_runs import Difference, Ours, differences

LATER = 2**40


def judge(record: dict[str, Any]) -> Difference | None:
    """Return the first difference of a recorded run, None where there is none."""
    return next(differences(record, Ours({"Job", "Pod"}, _may, _must, _is_asked)), None)


def _may(cache: Cache) -> list[Request]:
    slim = _slim(cache)
    late = (one for key in cache.objects if key.kind == "Job" for one in controller.reconcile(slim, key, now=LATER))
    waiting = [key for key in cache.objects if key.kind == "Job"]
    open_ends = (one for key in waiting for one in controller.reconcile(slim, key, satisfied=False))
    return [*_must(cache), *late, *open_ends]


def _must(cache: Cache) -> list[Request]:
    return list(_asked(_slim(cache)))


def _asked(cache: Cache) -> Iterator[Request]:
    for key in cache.objects:
        if key.kind == "Job":
            yield from (one for groups in controller.grouped(cache, key) for group in groups for one in group)
        else:
            yield from controller.orphaned(cache, key)


def _slim(cache: Cache) -> Cache:
    kept = (TRANSFORM[ref.kind](one) for ref, one in cache.objects.items())
    return Cache.of(one for one in kept if one is not None)


def _is_asked(old: Object | None, new: Object, asked: list[Request], by_hand: Collection[str]) -> bool:
    """Tell whether a change is one that somebody else makes, or one that was asked for."""
    match old, new:
        case Job(), Job():
            same = _untimed(new.status)
            return new.status == old.status or any(
                isinstance(one, Update) and isinstance(one.object, Job) and _untimed(one.object.status) == same
                for one in asked
            )
        case None, Pod():
            return any(isinstance(one, Create) and _alike(one.object, new) for one in asked)
        case Pod(), Pod():
            begins = new.metadata.terminating and not old.metadata.terminating
            freed = set(old.metadata.finalizers) - set(new.metadata.finalizers)
            return not (begins and not _is_deleted(new, asked, by_hand)) and not (freed and not _is_freed(new, asked))
    return True


def _is_deleted(pod: Pod, asked: list[Request], by_hand: Collection[str]) -> bool:
    """Tell whether a Pod was asked to go, or goes with its Job, which somebody deletes or whose time is up."""
    owner = pod.metadata.controller
    hand = owner is None or owner.name in by_hand
    return hand or any(isinstance(one, Delete) and one.ref == ref_of(pod) for one in asked)


def _is_freed(pod: Pod, asked: list[Request]) -> bool:
    return any(isinstance(one, PatchMetadata) and one.ref == ref_of(pod) and one.remove_finalizers for one in asked)


def _untimed(status: JobStatus) -> JobStatus:
    """Return a status without its times, and without the order of those that are still to be counted."""
    noted = status.uncounted_terminated_pods or UncountedTerminatedPods()
    plain = evolve(noted, succeeded=tuple(sorted(noted.succeeded)), failed=tuple(sorted(noted.failed)))
    conditions = tuple(evolve(one, last_probe_time=None, last_transition_time=None) for one in status.conditions)
    return evolve(status, start_time=None, completion_time=None, conditions=conditions, uncounted_terminated_pods=plain)


def _alike(made: Object, stored: Pod) -> bool:
    if not isinstance(made, Pod) or made.metadata.generate_name != stored.metadata.generate_name:
        return False
    wanted, given = made.metadata, stored.metadata
    same = (wanted.labels, wanted.annotations, wanted.finalizers) == (given.labels, given.annotations, given.finalizers)
    images = [one.image for one in made.spec.containers] == [one.image for one in stored.spec.containers]
    named = made.spec.extra.get("hostname") == stored.spec.extra.get("hostname")
    return same and images and named and wanted.owner_references == given.owner_references
