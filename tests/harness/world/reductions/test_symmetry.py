"""Symmetry of Kubernetes worlds: nodes and places of Pods that are alike are exchanged, and no verdict changes.

Each world is searched whole and by orbits. The verdicts of all properties must be the same, and there must be as many
states as there are orbits among all states. One state in seven is compared with an image of it on the way.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from attrs import evolve, frozen

from kubeproof.harness.check import check as checking
from kubeproof.harness.check.check import check, machine_for, machine_of
from kubeproof.harness.claims import registry as claims
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import Cluster, build
from kubeproof.harness.world.parts import Parts
from kubeproof.harness.world.reductions.symmetry import PLACE, symmetry_of
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.requests import AnyOf, Delete
from kubeproof.model.checker import Exploration, Limits, Status, explore, replay
from kubeproof.model.checker.book import Book
from kubeproof.model.checker.layout import Layout
from kubeproof.model.checker.semantics import moves
from kubeproof.model.checker.symmetry.audit import Audit
from kubeproof.model.checker.symmetry.orbits import AsymmetryError, Folding
from kubeproof.model.checker.trees.functions import Functions
from kubeproof.model.machine import Fact, Mention, Outcome, State, Symmetry, View
from kubeproof.model.world.turn import together

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {size}
  selector: {{matchLabels: {{app: {name}}}}}
  strategy: {{type: RollingUpdate, rollingUpdate: {{maxSurge: 1, maxUnavailable: 0}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{{pod} containers: [{{name: app, image: "nginx:1"}}]}}
"""
APART = """affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [
      {labelSelector: {matchLabels: {app: web}}, topologyKey: kubernetes.io/hostname}]}},"""
BARE = (
    "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{{name: app, image: 'nginx:1'}}]}}\n"
)
BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: web}}
spec: {{minAvailable: {least}, selector: {{matchLabels: {{app: web}}}}}}
"""
NODE = """
apiVersion: v1
kind: Node
metadata: {{name: {name}, labels: {{kubernetes.io/hostname: {name}, {labels}}}}}
status: {{allocatable: {{cpu: "2", memory: 4Gi, pods: "110"}}}}
"""
ROLLOUT = [{"setImage": {"kind": "Deployment", "name": "web", "image": "nginx:2"}}]
CONSISTENT = {"pods": 8, "mixedViews": False}


def scale(*sizes: int) -> list[object]:
    return [{"scale": {"kind": "Deployment", "name": "web", "replicas": size}} for size in sizes]


def small(size: int, *, pod: str = "", **options: object) -> Scenario:
    """Make a scenario of one Deployment on two nodes whose image is changed, unless the options say otherwise."""
    files = {"web.yaml": WEB.format(name="web", size=size, pod=pod)}
    return load_scenario("small", files, {"script": ROLLOUT, "nodes": 2, "bounds": {"pods": 8}, **options}).scenario


def of_files(*texts: str, **options: object) -> Scenario:
    files = {f"{number}.yaml": text for number, text in enumerate(texts)}
    return load_scenario("small", files, {"bounds": {"pods": 8}, **options}).scenario


WORLDS = {
    "a rollout that finds no place": small(2, pod=APART),
    "a rollout of two on consistent views": small(2, bounds=CONSISTENT),
    "a rollout of two on linearizable reads": small(2, consistency="linearizable"),
    "a rollout of one seen by a controller that goes back in time": small(
        1, faults={"crash": 1}, consistency="resettable", bounds=CONSISTENT
    ),
    "one becomes three becomes one": small(1, script=scale(3, 1), consistency="linearizable"),
    "two become three": small(2, script=scale(3)),
    "three become one with a crash": small(3, script=scale(1), faults={"crash": 1}),
    "a node is drained, two others take over": small(2, script=[{"drain": {"node": "node-1"}}], nodes=3),
    "a drain within a budget": of_files(
        WEB.format(name="web", size=2, pod=""), BUDGET.format(least=1), script=[{"drain": {"node": "node-1"}}], nodes=2
    ),
    "a drain that a budget forbids": of_files(
        WEB.format(name="web", size=2, pod=""), BUDGET.format(least=2), script=[{"drain": {"node": "node-1"}}], nodes=2
    ),
    "two from empty": small(2, script=[], start="empty"),
    "a node dies under one": small(1, script=[], faults={"nodeCrash": 1}),
    "three bare Pods": of_files(*(BARE.format(name=name) for name in "abc"), nodes=2, start="empty"),
}
SMALLER = set(WORLDS) - {"a rollout that finds no place", "a drain that a budget forbids"}
"""In those the state at the beginning tells all members apart that matter."""


@frozen
class Both:
    """A world searched whole and by orbits."""

    whole: Exploration
    orbits: Exploration
    among: int
    """How many orbits there are among all states."""


@cache
def cluster(name: str) -> Cluster:
    scenario = WORLDS[name]
    return machine_of(scenario, prepare(scenario))


def group(world: Cluster) -> Symmetry:
    found = symmetry_of(world)
    assert found is not None
    return found


@cache
def both(name: str) -> Both:
    world, met = cluster(name), list[State]()
    whole = explore(world.machine, claims.of(world), collect=met.append)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kubeproof.model.checker.symmetry.audit.EVERY", 7)
        orbits = explore(world.machine, claims.of(world), symmetry=group(world))
    folding = Folding(group(world), Layout(world.machine.slots(), "I"))
    return Both(whole, orbits, len({folding.fold(folding.ids_of(one)) for one in met}))


@pytest.mark.parametrize("name", WORLDS)
def test_orbits_give_the_verdicts_of_all_states(name: str) -> None:
    found = both(name)
    assert found.whole.complete
    assert found.orbits.complete
    for one, other in zip(found.whole.verdicts, found.orbits.verdicts, strict=True):
        assert (one.name, one.status, one.kind, one.vacuous) == (other.name, other.status, other.kind, other.vacuous)


@pytest.mark.parametrize("name", WORLDS)
def test_there_are_as_many_states_as_orbits(name: str) -> None:
    found = both(name)
    assert found.orbits.states == found.among
    assert (found.orbits.states < found.whole.states) == (name in SMALLER)


def test_the_worlds_tell_verdicts_apart() -> None:
    assert {verdict.status for name in WORLDS for verdict in both(name).whole.verdicts} == {
        Status.HOLDS,
        Status.VIOLATED,
    }


def test_a_trace_replays_on_the_world_itself() -> None:
    scenario = WORLDS["a rollout that finds no place"]
    claim = next(one for one in check(scenario).claims if one.name == "convergence")
    assert claim.trace is not None
    assert replay(machine_for(scenario), claim.trace).complete
    alone = next(one for one in check(scenario, symmetry=False).claims if one.name == "convergence")
    assert alone.trace is not None
    assert (len(claim.trace.steps), claim.lines) == (len(alone.trace.steps), alone.lines)


@pytest.mark.parametrize("name", ["two become three", "three bare Pods", "a rollout that finds no place"])
def test_a_check_says_the_same_with_and_without(name: str) -> None:
    with_it, without = check(WORLDS[name]), check(WORLDS[name], symmetry=False)
    said = [{claim.name: (claim.status, claim.kind) for claim in one.claims} for one in (with_it, without)]
    assert said[0] == said[1]
    assert with_it.exploration is not None
    assert without.exploration is not None
    assert with_it.exploration.symmetry.startswith("one state of each orbit")
    assert without.exploration.symmetry == ""


def test_without_reductions_nothing_is_exchanged() -> None:
    found = check(WORLDS["three bare Pods"], reductions=False)
    assert found.exploration is not None
    assert found.exploration.symmetry == ""


def test_what_turns_out_to_be_no_symmetry_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kubelet that never works for the Pod in one of the places: they are not alike then."""
    world = cluster("two become three")
    acts = tuple(evolve(one, step=_nothing) if one.name == "kubelet 2: works" else one for one in world.machine.actions)
    biased = evolve(world, machine=evolve(world.machine, actions=acts))
    with pytest.raises(AsymmetryError, match="kubelet"):
        explore(biased.machine, claims.of(biased), symmetry=group(world))
    monkeypatch.setattr(checking, "machine_of", lambda *_args, **_kwargs: biased)
    found = check(WORLDS["two become three"])
    assert found.exploration is not None
    assert found.exploration.symmetry.startswith("no use was made of symmetry: kubelet")
    assert found.states == explore(biased.machine, claims.of(biased)).states


def test_the_steps_that_are_compared_are_those_of_the_world() -> None:
    """Here steps set off urgent ones, which the machines in tests/model do not."""
    world = cluster("two become three")
    book = Book(world.machine, claims.of(world), urgent=True, stop_at_first=False)
    layout = Layout(world.machine.slots(), "I")
    met: list[State] = []
    explore(world.machine, collect=met.append, limits=Limits(max_states=200))
    audit = Audit(book, Folding(group(world), layout), Functions(book, layout, memo=True))
    steps = [step for state in met for step in audit.moves(state)]
    assert steps == [step for state in met for step in moves(world.machine, state, urgent=True)]
    assert any(move.step.urgent for move in steps)


def _nothing(_view: View) -> tuple[Outcome, ...]:
    return ()


# --- what is alike ----------------------------------------------------------------------------------------------------


def nodes(*labels: str) -> tuple[str, ...]:
    return tuple(NODE.format(name=f"n{number}", labels=one) for number, one in enumerate(labels))


def sizes(scenario: Scenario) -> dict[str, int]:
    found = symmetry_of(machine_of(scenario, prepare(scenario)))
    return {} if found is None else dict(found.sizes)


def web(*texts: str, pod: str = "", size: int = 2, **options: object) -> Scenario:
    return of_files(WEB.format(name="web", size=size, pod=pod), *texts, **{"start": "empty", **options})


ZONES = nodes("topology.kubernetes.io/zone: a", "topology.kubernetes.io/zone: b")


@pytest.mark.parametrize(
    ("scenario", "alike"),
    [
        (web(nodes=3), {PLACE: 8, "node node-1": 3}),
        (web(nodes=3, script=[{"cordon": {"node": "node-2"}}]), {PLACE: 8, "node node-1": 2}),
        (web(nodes=2, script=[{"cordon": {"node": "node-2"}}]), {PLACE: 8}),
        (web(*ZONES), {PLACE: 8, "node n0": 2}),
        (web(*ZONES, pod='nodeSelector: {"topology.kubernetes.io/zone": a},'), {PLACE: 8}),
        (web(*nodes("disk: ssd", "disk: hdd")), {PLACE: 8}),
        (web(*nodes("disk: ssd", "disk: ssd")), {PLACE: 8, "node n0": 2}),
        (web(*nodes("topology.kubernetes.io/zone: a"), *ZONES[1:]), {PLACE: 8, "node n0": 2}),
        (web(nodes=2, script=scale(6, 1)), {PLACE: 8, "node node-1": 2}),
        (web(BARE.format(name="a-p3"), nodes=2), {"node node-1": 2}),
        (web(BARE.format(name="a"), nodes=1), {PLACE: 8}),
        (of_files(BARE.format(name="a-p3"), nodes=1, start="empty"), {}),
    ],
    ids=[
        "three nodes",
        "one of three is named",
        "one of two is named",
        "zones of their own",
        "a zone that a selector asks for",
        "labels that differ",
        "labels that are the same",
        "zones, one node after the other",
        "many deletions at once",
        "a name like a generated one",
        "one node",
        "nothing at all",
    ],
)
def test_what_is_alike(scenario: Scenario, alike: dict[str, int]) -> None:
    assert sizes(scenario) == alike


def test_two_zones_of_two_nodes_are_two_sorts() -> None:
    zones = nodes(*(f"topology.kubernetes.io/zone: {zone}" for zone in "aabb"))
    assert sizes(web(*zones)) == {PLACE: 8, "node n0": 2, "node n2": 2}


def test_several_namespaces_leave_places_apart() -> None:
    elsewhere = BARE.format(name="a").replace("{name: a}", "{name: a, namespace: other}")
    space = "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n"
    assert sizes(web(space, elsewhere, BARE.format(name="b"), nodes=2)).get(PLACE) is None


def test_with_endpoint_slices_nothing_is_exchanged() -> None:
    scenario = web(nodes=2)
    prepared = prepare(scenario)
    assert symmetry_of(build(scenario, Parts.everything(), *prepared.starts)) is None


# --- what an exchange does --------------------------------------------------------------------------------------------


def exchanged(name: str, state: State, numbers: dict[Mention, int]) -> State:
    world = cluster(name)
    folding = Folding(group(world), Layout(world.machine.slots(), "I"))
    return folding.renumbered(state, {folding.token_of[one]: number for one, number in numbers.items()})


def test_an_exchange_of_places_takes_name_address_and_runtime_along() -> None:
    world = cluster("two become three")
    start = State.of(world.machine.initial[0])
    first, second = Mention(PLACE, 0), Mention(PLACE, 1)
    image = exchanged("two become three", start, {first: 1, second: 0})
    old, new = start["store/Pod/0"], image["store/Pod/1"]
    assert new.metadata.name == old.metadata.name.replace("-p0", "-p1")
    assert new.metadata.uid.endswith("-p1")
    assert new.status.pod_ip == start["store/Pod/1"].status.pod_ip != old.status.pod_ip
    assert new.spec.node_name == old.spec.node_name != start["store/Pod/1"].spec.node_name
    assert image["runtime/1"].uid == new.metadata.uid
    assert image["seen/scheduler/Pod"][1].spec.node_name == old.spec.node_name
    assert exchanged("two become three", image, {first: 1, second: 0}) == start


def test_an_exchange_of_nodes_moves_bindings_and_nothing_else() -> None:
    world = cluster("two become three")
    start = State.of(world.machine.initial[0])
    image = exchanged("two become three", start, {Mention("node node-1", 0): 1, Mention("node node-1", 1): 0})
    for number in range(2):
        old, new = start[f"store/Pod/{number}"], image[f"store/Pod/{number}"]
        assert {old.spec.node_name, new.spec.node_name} == {"node-1", "node-2"}
        assert evolve(new, spec=old.spec) == old


def test_a_node_that_moves_has_the_labels_of_where_it_is_now() -> None:
    zones = web(*ZONES, script=[], faults={"nodeCrash": 1})
    world = machine_of(zones, prepare(zones))
    folding = Folding(group(world), Layout(world.machine.slots(), "I"))
    start = State.of(world.machine.initial[0])
    down = start.with_values(tuple(False if slot == "node/n0/up" else start[slot] for slot in start))
    numbers = {folding.token_of[Mention("node n0", one)]: 1 - one for one in range(2)}
    image = folding.renumbered(down, numbers)
    assert (image["node/n0/up"], image["node/n1/up"]) == (True, False)
    assert [image[f"store/Node/{number}"] for number in range(2)] == [
        start[f"store/Node/{number}"] for number in range(2)
    ]


def test_of_several_ties_it_is_said_who_is_of_the_same() -> None:
    world = cluster("two become three")
    symmetry, start = group(world), State.of(world.machine.initial[0])
    slot = next(process.turn for process in world.processes if process.user == "replicaset-controller")
    template, _ = symmetry.slots.get(slot, (slot, ()))
    first = ref_of(start["store/Pod/0"])
    asked = [Delete(evolve(first, name=first.name.replace("-p0", f"-p{place}"))) for place in range(4)]

    def said(*ties: tuple[int, ...]) -> Counter[Fact]:
        return Counter(symmetry.facts(template, together(AnyOf(tuple(asked[at] for at in tie), 1) for tie in ties)))

    assert all(mentions for _, mentions in said((0, 1), (2, 3)))
    assert said((0, 1), (2, 3)) == said((3, 2), (1, 0)) != said((0, 2), (1, 3))
    assert len(said((0, 1, 2, 3))) == 4
