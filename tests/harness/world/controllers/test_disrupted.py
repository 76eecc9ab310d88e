"""Pods of Jobs that somebody else deletes: what is said of them first, and that a Job which waits for it goes on.

Seen with 1.36.2: of a Job with podReplacementPolicy Failed a Pod that was deleted before it had a node stays, Pending
and terminating, until the Pod garbage collector says that it has failed (its next turn, up to 20 s later); then it is
counted, and replaced where backoffLimit allows it.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Claim
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Node, NodeSpec, Pod, PodSpec, PodStatus, Taint
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.requests import Delete, PatchStatus
from kubeproof.impl.controllers import podgc, tainteviction
from kubeproof.model.checker import Status
from planted import planted

IGNORE = {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]}
DELETED: dict[str, Any] = {"deletePod": {"workload": "Job/work"}}


def convergence(step: Any, **fields: Any) -> Claim:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": "app:1"}]}}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "work"},
        "spec": {"template": template, **fields},
    }
    options = {"nodes": 2, "start": "empty", "script": [step], "bounds": {"pods": 5}}
    report = check(load_scenario("s", {"all.yaml": yaml.safe_dump(job)}, options).scenario)
    return next(one for one in report.claims if one.name == "convergence")


def test_a_pod_that_never_had_a_node_is_replaced_once_it_is_said_to_have_failed() -> None:
    waits = {"podReplacementPolicy": "Failed", "backoffLimit": 1}
    assert convergence(DELETED, **waits).status is Status.HOLDS
    with planted("kubeproof.harness.world.participants", "node_controllers.waited_for(scenario)", "False"):
        assert convergence(DELETED, **waits).status is Status.VIOLATED
    with planted("kubeproof.impl.controllers.podgc", 'phase="Failed"', 'phase=""'):
        assert convergence(DELETED, **waits).status is Status.VIOLATED


def test_it_is_counted_as_failed() -> None:
    found = convergence(DELETED, podReplacementPolicy="Failed", backoffLimit=0)
    assert found.status is Status.VIOLATED
    assert any("BackoffLimitExceeded" in line for line in found.lines)


def test_a_pod_whose_node_is_gone_is_a_target_of_disruption() -> None:
    gone = {"deleteNode": {"node": "node-1"}}
    assert convergence(gone, backoffLimit=0, podFailurePolicy=IGNORE).status is Status.HOLDS
    with planted("kubeproof.impl.controllers.podgc", 'if orphaned else ("", "")', 'if not orphaned else ("", "")'):
        assert convergence(gone, backoffLimit=0, podFailurePolicy=IGNORE).status is Status.VIOLATED


def pod(node: str, *finalizers: str, deleted: int | None = None) -> Pod:
    meta = ObjectMeta("a", namespace="default", uid="1", finalizers=finalizers, deletion_timestamp=deleted)
    return Pod(meta, PodSpec(node_name=node), PodStatus(phase="Running"))


@pytest.mark.parametrize("finalizers", [(), ("batch.kubernetes.io/job-tracking",)])
def test_who_is_driven_out_by_a_taint_is_said_to_be_a_target_where_somebody_may_look(finalizers: Any) -> None:
    node = Node(ObjectMeta("n"), NodeSpec(taints=(Taint("broken", effect="NoExecute"),)))
    here = pod("n", *finalizers)
    *said, last = tainteviction.reconcile(Cache.of((node, here)), ref_of(here))
    assert last == Delete(ref_of(here))
    told = [patch.object.status for patch in said if isinstance(patch, PatchStatus) and isinstance(patch.object, Pod)]
    assert [(status.phase, status.conditions[0].reason) for status in told] == [
        ("", "DeletionByTaintManager") for _ in finalizers
    ]
    assert all(patch.merge for patch in said if isinstance(patch, PatchStatus))


def test_nothing_is_said_twice() -> None:
    here = pod("gone", "example.com/hold", deleted=9)
    first = podgc.reconcile(Cache.of((here,)), ref_of(here))
    assert [type(one) for one in first] == [PatchStatus, Delete]
    said = first[0]
    assert isinstance(said, PatchStatus)
    assert isinstance(said.object, Pod)
    after = Pod(here.metadata, here.spec, said.object.status)
    assert [type(one) for one in podgc.reconcile(Cache.of((after,)), ref_of(after))] == [Delete]
