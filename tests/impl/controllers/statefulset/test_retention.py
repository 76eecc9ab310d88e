"""Whose the claims of a StatefulSet's Pods are, as its policy says; facts of Kubernetes' own tables.

Upstream: pkg/controller/statefulset/stateful_set_utils_test.go (v1.32): TestIsClaimOwnerUpToDate and others.
"""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from kubeproof.impl.api.apps import StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.meta import ObjectMeta, OwnerReference
from kubeproof.impl.api.requests import Update
from kubeproof.impl.api.storage import PersistentVolumeClaim
from kubeproof.impl.controllers.common import controller_of
from kubeproof.impl.controllers.statefulset.identity import claim_is_going, claims
from kubeproof.impl.controllers.statefulset.retention import deletes, reowned

SET = StatefulSet(ObjectMeta(name="db", namespace="d", uid="S"))
POD = Pod(ObjectMeta(name="db-1", namespace="d", uid="P"))
OTHER = OwnerReference("v1", "ConfigMap", "c", "X")


def a_set(deleted: str, scaled: str) -> StatefulSet:
    template = PersistentVolumeClaim(ObjectMeta(name="data"))
    policy = StatefulSetPersistentVolumeClaimRetentionPolicy(deleted, scaled)
    spec = evolve(SET.spec, volume_claim_templates=(template,), persistent_volume_claim_retention_policy=policy)
    return evolve(SET, spec=spec)


def owners(owner: StatefulSet, *before: OwnerReference, too_many: bool) -> list[str] | None:
    """Return the uids of a claim's owners as they are asked to be; None where nothing is asked."""
    (made,) = claims(owner, 1)
    claim = evolve(made, metadata=evolve(made.metadata, uid="C", owner_references=before))
    found = list(reowned(Cache.of([claim]), owner, POD, too_many=too_many))
    if not found:
        return None
    (request,) = found
    assert isinstance(request, Update)
    return [one.uid for one in request.object.metadata.owner_references]


OF_SET, OF_POD = controller_of(SET), controller_of(POD)


@pytest.mark.parametrize(
    ("deleted", "scaled", "before", "too_many", "asks"),
    [
        ("Retain", "Retain", [], False, None),
        ("Retain", "Retain", [OF_SET], False, []),
        ("Delete", "Retain", [], False, ["S"]),
        ("Delete", "Retain", [OF_SET], True, None),
        ("Retain", "Delete", [], False, None),
        ("Retain", "Delete", [], True, ["P"]),
        ("Retain", "Delete", [OF_POD], False, []),
        ("Delete", "Delete", [], False, ["S"]),
        ("Delete", "Delete", [OF_SET], True, ["P"]),
        ("Delete", "Delete", [OF_POD], False, ["S"]),
        ("Delete", "Retain", [OTHER], False, ["X", "S"]),
        ("Delete", "Retain", [evolve(OTHER, controller=True)], False, None),
        ("Delete", "Delete", [evolve(OF_POD, uid="an older one")], True, None),
    ],
)
def test_a_claim_is_given_to(deleted: str, scaled: str, before: Any, too_many: bool, asks: Any) -> None:  # noqa: FBT001
    assert owners(a_set(deleted, scaled), *before, too_many=too_many) == asks


def test_a_claim_that_goes_with_a_pod_keeps_the_next_one_of_its_name_waiting() -> None:
    owner = a_set("Retain", "Delete")
    (made,) = claims(owner, 1)
    given = evolve(made, metadata=evolve(made.metadata, owner_references=(OF_POD,)))
    assert claim_is_going(Cache.of([given]), owner, 1)
    assert not claim_is_going(Cache.of([made]), owner, 1)


def test_who_deletes_claims_is_known() -> None:
    assert not deletes(SET)
    assert not deletes(a_set("Retain", "Retain"))
    assert deletes(a_set("Retain", "Delete"))
    assert deletes(a_set("Delete", "Retain"))
