"""The controllers of CustomResourceDefinitions: their names are accepted, they are established, and they go last.

Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/controller/{status/naming_controller,
establish/establishing_controller,finalizer/crd_finalizer}.go (v1.32).
Left out on purpose: waiting between the two steps; a definition whose objects are deleted one by one says so once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ....api.kinds import Object, Unstructured, ref_of
from ....api.meta import Time
from ....api.requests import Delete, PatchMetadata, PatchStatus, Request
from ....api.values.frozen import EMPTY, freeze
from ....api.values.timestamps import format_time

KIND = "CustomResourceDefinition"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
NO_CONFLICTS = ("True", "NoConflicts", "no conflicts found")
NOT_ACCEPTED = ("False", "NotAccepted", "not all names are accepted")
INSTALLING = ("False", "Installing", "the initial names have been accepted")
ESTABLISHED = ("True", "InitialNamesAccepted", "the initial names have been accepted")
DELETING = ("True", "InstanceDeletionInProgress", "CustomResource deletion is in progress")
Json = Mapping[str, Any]
Condition = tuple[str, str, str]


def reconcile(
    crd: Unstructured, others: Iterable[Unstructured], instances: Iterable[Object], now: Time = 0
) -> tuple[Request, ...]:
    """Return the requests of one look at a definition.

    `others` are the definitions beside it, `instances` the objects of its kind.
    """
    if crd.metadata.terminating:
        return _finished(crd, tuple(instances), now)
    status = _named(crd, others, now)
    if status == _status(crd):
        status = _established(status, now)
    return () if status == _status(crd) else (_written(crd, status),)


def _status(crd: Unstructured) -> Json:
    found: Json = crd.extra.get("status") or EMPTY
    return found


def _written(crd: Unstructured, status: Json) -> PatchStatus:
    changed = evolve(crd, extra=immutabledict({**crd.extra, "status": freeze(status)}))
    return PatchStatus(changed, crd.metadata.uid)


# --- names --------------------------------------------------------------------------------------------------------


def _named(crd: Unstructured, others: Iterable[Unstructured], now: Time) -> Json:
    """Return the status with the names that nobody else of the group has."""
    spec, status = crd.extra.get("spec") or EMPTY, _status(crd)
    wanted, accepted = spec.get("names") or EMPTY, status.get("acceptedNames") or EMPTY
    if wanted == accepted:
        return status
    resources, kinds = _taken(crd, spec.get("group"), others)
    conflict: Condition | None = None
    given = dict(accepted)
    for name, used in (("plural", resources), ("singular", resources), ("kind", kinds), ("listKind", kinds)):
        if wanted.get(name) != accepted.get(name) and wanted.get(name) in used:
            conflict = ("False", f"{name[0].upper()}{name[1:]}Conflict", f'"{wanted.get(name)}" is already in use')
        elif wanted.get(name):
            given[name] = wanted[name]
        if name == "singular":
            short = wanted.get("shortNames") or ()
            used_up = [
                alias for alias in short if alias not in (accepted.get("shortNames") or ()) and alias in resources
            ]
            if used_up:
                told = ", ".join(f'"{alias}" is already in use' for alias in used_up)
                conflict = ("False", "ShortNamesConflict", told if len(used_up) == 1 else f"[{told}]")
            elif short:
                given["shortNames"] = short
    if wanted.get("categories"):
        given["categories"] = wanted["categories"]
    changed = _with_condition({**status, "acceptedNames": given}, "NamesAccepted", conflict or NO_CONFLICTS, now)
    known = _condition(status, "Established")
    if known.get("status") != "True":
        kept = known.get("status"), known.get("reason"), known.get("message")
        before = kept if known else NOT_ACCEPTED
        changed = _with_condition(changed, "Established", before if conflict else INSTALLING, now)
    found: Json = freeze(changed)
    return found


def _taken(crd: Unstructured, group: Any, others: Iterable[Unstructured]) -> tuple[frozenset[str], frozenset[str]]:
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        if ref_of(other) == ref_of(crd) or (other.extra.get("spec") or EMPTY).get("group") != group:
            continue
        names = _status(other).get("acceptedNames") or EMPTY
        resources |= {str(names.get(name) or "") for name in ("plural", "singular")} | set(
            names.get("shortNames") or ()
        )
        kinds |= {str(names.get(name) or "") for name in ("kind", "listKind")}
    return frozenset(resources - {""}), frozenset(kinds - {""})


def _established(status: Json, now: Time) -> Json:
    accepted, established = (_condition(status, kind).get("status") for kind in ("NamesAccepted", "Established"))
    if accepted != "True" or established == "True":
        return status
    found: Json = freeze(_with_condition(status, "Established", ESTABLISHED, now))
    return found


# --- conditions ---------------------------------------------------------------------------------------------------


def _condition(status: Json, kind: str) -> Json:
    return next((condition for condition in status.get("conditions") or () if condition.get("type") == kind), EMPTY)


def _with_condition(status: Json, kind: str, said: Any, now: Time) -> Json:
    """Return a status with a condition set; its time moves only with its status."""
    old, (truth, reason, message) = _condition(status, kind), said
    since = old.get("lastTransitionTime") if old.get("status") == truth else None
    new = {
        "type": kind,
        "status": truth,
        "reason": reason,
        "message": message,
        "lastTransitionTime": since or format_time(now),
    }
    found = [new if condition.get("type") == kind else condition for condition in status.get("conditions") or ()]
    return {**status, "conditions": found if old else [*found, new]}


# --- the end ------------------------------------------------------------------------------------------------------


def _finished(crd: Unstructured, instances: tuple[Object, ...], now: Time) -> tuple[Request, ...]:
    """Delete what there is of the kind, and let the definition go once nothing is left."""
    if CLEANUP not in crd.metadata.finalizers:
        return ()
    if not instances:
        return (PatchMetadata(ref_of(crd), crd.metadata.uid, remove_finalizers=(CLEANUP,)),)
    status = freeze(_with_condition(_status(crd), "Terminating", DELETING, now))
    told = () if status == _status(crd) else (_written(crd, status),)
    return (*told, *_deletions(instances))


def _deletions(instances: tuple[Object, ...]) -> Iterator[Request]:
    return (Delete(ref_of(obj), uid=obj.metadata.uid) for obj in instances if not obj.metadata.terminating)
