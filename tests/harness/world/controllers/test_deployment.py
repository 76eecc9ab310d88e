"""What a world's Deployments do beyond what their controller decides: their ReplicaSets differ in age."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from kubeproof.harness.check.bounds import bounds_of
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.world.api_server import LAST_BORN, serve
from kubeproof.impl.api.apps import ReplicaSet
from kubeproof.impl.api.core import Container, PodSpec, PodTemplateSpec
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta, OwnerReference
from kubeproof.impl.api.requests import Create
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.controllers.deployment.turn import by_age
from kubeproof.model.world.store import Layout, Stored

PLACES = ("replicasets/0", "replicasets/1", "replicasets/2", "replicasets/3")


class Places(dict[str, Any]):
    """A state of nothing but places."""

    def via(self, transform: Callable[[Any], Hashable], slot: str) -> Any:
        """Return what is in a place, transformed."""
        return transform(self[slot])


def born(places: Places, name: str, owner: str = "web") -> ReplicaSet:
    """Let a Deployment's controller make a ReplicaSet, and return what is stored."""
    labels = strings({"app": owner, "pod-template-hash": name})
    template = PodTemplateSpec(ObjectMeta(labels=labels), PodSpec(containers=(Container(name="app", image="web:1"),)))
    meta = ObjectMeta(
        name=f"{owner}-{name}",
        namespace="default",
        labels=labels,
        owner_references=(OwnerReference("apps/v1", "Deployment", owner, f"uid of {owner}", controller=True),),
    )
    made = ReplicaSet(meta)
    spec = evolve(made.spec, replicas=1, selector=LabelSelector(match_labels=labels), template=template)
    layout = Layout(immutabledict(), immutabledict({"ReplicaSet": PLACES}))
    response, writes = serve(True, Stored(places, layout), "admin", Create(evolve(made, spec=spec)), "")  # noqa: FBT003
    assert response.code == 201, response
    (stored,) = (obj for ref, obj in writes if ref.kind == "ReplicaSet")
    assert isinstance(stored, ReplicaSet)
    return stored


def test_replicasets_of_a_deployment_are_as_old_as_they_are_and_not_as_their_names_sort() -> None:
    """It takes from the oldest first; with equal ages, by name, it took the Pods of the newest that are ready."""
    places = Places(dict.fromkeys(PLACES))
    sets: list[ReplicaSet] = []
    for place, name in zip(PLACES, "cab", strict=False):
        sets.append(born(places, name))
        places[place] = sets[-1]
    assert [one.metadata.name for one in by_age(sets)] == ["web-c", "web-a", "web-b"]
    assert born(places, "d", "api").metadata.creation_timestamp == 0, "it is the first of its Deployment"


def test_a_deployment_that_goes_round_comes_back_to_where_it_was() -> None:
    places = Places(dict.fromkeys(PLACES))
    for turn in range(2 * LAST_BORN):
        places[PLACES[turn % 2]] = born(places, f"x{turn}")
    assert {places[place].metadata.creation_timestamp for place in PLACES[:2]} == {LAST_BORN}


WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "web:1"}]}
"""
UPDATE = {"setImage": {"kind": "Deployment", "name": "web", "image": "web:2"}}


def test_that_replicasets_are_not_made_in_one_second_is_told_where_there_may_be_two_old_ones() -> None:
    def told(*script: object) -> bool:
        options = immutabledict({"nodes": 1, "start": "settled", "script": list(script)})
        scenario = load_scenario("web", immutabledict({"web.yaml": WEB}), options).scenario
        return any("which is the oldest is known" in line for line in bounds_of(scenario))

    assert not told(UPDATE)
    assert told(UPDATE, {"rolloutRestart": {"kind": "Deployment", "name": "web"}})
