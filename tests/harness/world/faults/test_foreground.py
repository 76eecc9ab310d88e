"""`kubectl delete --cascade=foreground`: an owner stays until those who block it are gone, and then it goes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from attrs import evolve

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Claim
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import Cluster, build
from kubeproof.harness.world.parts import Parts
from kubeproof.impl.api.apps import ReplicaSet
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.requests import Update
from kubeproof.impl.api.values.frozen import strings
from kubeproof.model.checker import explore
from kubeproof.model.checker.results import Status
from kubeproof.model.machine import Invariant, State, View
from kubeproof.model.world.store import reference
from planted import planted

WEB = """\
apiVersion: apps/v1
kind: %s
metadata: {name: web}
spec:
  serviceName: web
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
"""
GARBAGE = "kubeproof.impl.controllers.garbage"


def scenario(kind: str = "ReplicaSet", text: str = WEB, **options: Any) -> Scenario:
    written = text % kind
    if kind != "StatefulSet":
        written = written.replace("  serviceName: web\n", "")
    script = [{"deleteObject": {"kind": kind, "name": "web", "cascade": "foreground"}}]
    return load_scenario("fg", {"web.yaml": written}, {"nodes": 1, "script": script, **options}).scenario


def convergence(kind: str = "ReplicaSet", **options: Any) -> Claim:
    return next(one for one in check(scenario(kind, **options)).claims if one.name == "convergence")


@pytest.mark.parametrize("kind", ["DaemonSet", "ReplicaSet", "StatefulSet"])
def test_it_comes_to_its_end(kind: str) -> None:
    assert convergence(kind).status is Status.HOLDS


def test_an_owner_waits_for_ever_for_a_pod_that_a_finalizer_holds() -> None:
    held = WEB.replace("metadata: {labels", "metadata: {finalizers: [example.com/hold], labels")
    claim = convergence(text=held)
    assert claim.status is Status.VIOLATED
    assert claim.lines[0] == "Pod web-p0 is still being deleted: finalizers example.com/hold"


def test_who_never_lets_an_owner_go_is_found() -> None:
    with planted(GARBAGE, "remove_finalizers=(FOREGROUND,)),)", "remove_finalizers=()),)"):
        assert convergence().status is Status.VIOLATED


def cluster(kind: str = "ReplicaSet", **options: Any) -> Cluster:
    asked = scenario(kind, **options)
    return build(asked, Parts.core(asked), *prepare(asked).starts)


def left_behind(one: Cluster, view: View) -> Iterator[str]:
    """Say which Pod is there that was there at the start though the ReplicaSet is gone."""
    pools = one.world.layout.pools
    if not any(view.via(reference, slot) for slot in pools["ReplicaSet"]):
        yield from (str(ref) for slot in pools["Pod"] if (ref := view.via(reference, slot)))


def orderly(**options: Any) -> Status:
    one = cluster(consistency="linearizable", **options)
    return explore(one.machine, (Invariant("order", "", partial(left_behind, one)),)).verdicts[0].status


def test_the_owner_is_the_last_to_go_and_not_so_in_the_background() -> None:
    assert orderly() is Status.HOLDS
    step = {"deleteObject": {"kind": "ReplicaSet", "name": "web"}}
    assert orderly(script=[step]) is Status.VIOLATED
    with planted(GARBAGE, "not any(_blocks(dependent, uid) for dependent in dependents)", "dependents"):
        assert orderly() is Status.VIOLATED


@pytest.mark.parametrize(("release", "code"), [("1.36", 200), ("1.35", 409)])
def test_a_status_that_met_a_conflict_is_written_once_more_over_what_is_there(release: str, code: int) -> None:
    one = cluster(release=release)
    (process,) = (each for each in one.processes if each.user == "replicaset-controller")
    (slot,) = one.world.layout.pools["ReplicaSet"]
    now = State.of(dict(one.machine.initial[0]))
    owner = now[slot]
    assert isinstance(owner, ReplicaSet)
    seen, written = ReplicaSet(owner.metadata, spec=owner.spec), owner
    answer, updates = one.world.ask(now, process, Update(written, seen, "status"))
    assert answer.code == code
    assert one.world.hopeless(now, process, Update(written, seen, "status")) is (code == 409)
    assert updates == {}, "it says what is there already"
    late = evolve(owner, metadata=evolve(owner.metadata, annotations=strings({"old": "note"})), status=seen.status)
    _, updates = one.world.ask(now, process, Update(late, seen, "status"))
    told = updates.get(slot)
    assert (told is None) is (code == 409)
    assert told is None or told == evolve(owner, status=seen.status), "the rest is as it is, its annotations too"
    answer, _ = one.world.ask(now, process, Update(written, seen))
    assert answer.code == 409, "only a status is"
    assert reference(owner) == Ref("ReplicaSet", "default", "web")
