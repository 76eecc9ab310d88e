"""StatefulSets in the world: their rollouts, names that are used again, and what others make of both."""

from __future__ import annotations

import json
import lzma
from functools import cache
from typing import Any

import pytest

from kubeproof.harness.check.check import check, machine_of
from kubeproof.harness.check.results import Report
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.at_rest.starts import Fold, Growing, explored, rests
from kubeproof.harness.world.cluster import build
from kubeproof.harness.world.parts import Parts
from kubeproof.harness.world.reductions.symmetry import symmetry_of
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.model.checker import explore
from kubeproof.model.checker.results import Limits
from kubeproof.model.machine import State
from places import VECTORS
from planted import planted

SET = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  podManagementPolicy: OrderedReady
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
        - name: db
          image: "i:1"
          ports: [{containerPort: 80}]
          readinessProbe: {tcpSocket: {port: 80}}
          lifecycle: {preStop: {sleep: {seconds: 10}}}
"""
SERVICE = "\n---\napiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec: {selector: {app: db}, ports: [{port: 80}]}"
BUDGET = """
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: db}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: db}}}
"""
CLAIMS = """\
  volumeClaimTemplates:
    - {metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
"""
STATEFULSET = {"kind": "StatefulSet", "name": "db"}


def image(name: str) -> dict[str, Any]:
    return {"setImage": {**STATEFULSET, "image": name}}


def said(text: str, *script: dict[str, Any], nodes: int = 2, **options: Any) -> Report:
    asked = {"nodes": nodes, "script": list(script), "images": "byName", "bounds": {"propagation": "5s"}, **options}
    return check(load_scenario("it", {"it.yaml": text}, asked).scenario)


def verdicts(report: Report) -> dict[str, str]:
    return {claim.name: claim.status.value for claim in report.claims}


def lines(report: Report, name: str) -> str:
    return "; ".join(next(claim for claim in report.claims if claim.name == name).lines)


SOUND = {"convergence": "HOLDS", "placement": "HOLDS", "reachability": "HOLDS"}
PARALLEL = SET.replace("OrderedReady", "Parallel")
HASTY = SET.replace("seconds: 10", "seconds: 1")


@pytest.mark.parametrize(
    "script",
    [
        [image("i:2")],
        [{"rolloutRestart": STATEFULSET}],
        [{"scale": {**STATEFULSET, "replicas": 1}}, {"scale": {**STATEFULSET, "replicas": 3}}],
        [{"deletePod": {"workload": "StatefulSet/db"}}],
        [{"drain": {"node": "node-1"}}],
    ],
    ids=["image", "restart", "scale", "delete a Pod", "drain"],
)
def test_what_is_done_to_a_set_comes_to_its_end(script: list[dict[str, Any]]) -> None:
    report = said(SET + SERVICE, *script)
    assert verdicts(report) == SOUND
    assert report.states > 20


def test_a_rollback_repairs_a_bad_image_in_parallel_but_not_in_order() -> None:
    """k/k#67250: the Pod that never gets ready is waited for, and so never replaced."""
    for undo in (image("i:1"), {"rolloutUndo": STATEFULSET}):
        steps = (image("bad:2"), undo)
        assert verdicts(said(PARALLEL, *steps, waitBetweenSteps=True))["convergence"] == "HOLDS"
        ordered = said(SET, *steps, waitBetweenSteps=True)
        assert verdicts(ordered)["convergence"] == "VIOLATED"
        assert "Pod db-1" in lines(ordered, "convergence")
        assert "is Running and not ready" in lines(ordered, "convergence")
        forced = said(SET, *steps, {"deletePod": {"name": "db-1"}}, waitBetweenSteps=True)
        assert verdicts(forced)["convergence"] == "HOLDS"


def test_since_1_36_nothing_is_done_on_a_view_without_what_the_controller_wrote_itself() -> None:
    """KEP-5647: it is the states in which the controller acts on less that are no more; what is found is the same."""
    before, since = (said(SET, image("i:2"), release=one) for one in ("1.35", "1.36"))
    assert verdicts(before) == verdicts(since)
    assert 0 < since.states < before.states
    assert said(SET, image("i:2"), switches={"ownWrites": "before-1.36"}).states == before.states


def test_a_partition_keeps_the_first_pods_as_they_are() -> None:
    kept = SET.replace("  selector:", "  updateStrategy: {rollingUpdate: {partition: 1}}\n  selector:", 1)
    report = said(kept, image("bad:2"), waitBetweenSteps=True)
    assert "Pod db-1" in lines(report, "convergence")
    assert verdicts(said(kept.replace("partition: 1", "partition: 2"), image("bad:2")))["convergence"] == "HOLDS"


def test_a_pod_that_stays_of_an_old_template_is_a_shortfall() -> None:
    with planted("kubeproof.impl.controllers.statefulset.statefulset", "if victim is not None:", "if False:"):
        report = said(SET, image("i:2"))
    assert "StatefulSet db still keeps db-0 of an old template" in lines(report, "convergence")


def test_connections_to_the_pod_that_had_the_name_before_are_lost_where_the_hook_is_too_short() -> None:
    report = said(HASTY + SERVICE, image("i:2"))
    assert verdicts(report)["reachability"] == "VIOLATED"
    assert "still sends new connections to db-1, which got its SIGTERM" in lines(report, "reachability")
    assert next(one for one in report.claims if one.name == "reachability").blame[0].ref.kind == "StatefulSet"


def test_a_service_of_one_pod_alone_is_left_without_an_answer_while_it_is_replaced() -> None:
    alone = SERVICE.replace("app: db", "statefulset.kubernetes.io/pod-name: db-1")
    assert verdicts(said(SET + alone))["reachability"] == "HOLDS"
    report = said(SET + alone, image("i:2"))
    assert "nobody answers any more" in lines(report, "reachability")
    assert "pod-name=db-1" in lines(report, "reachability")
    nobody = SERVICE.replace("app: db", "statefulset.kubernetes.io/pod-name: db-7")
    assert verdicts(said(SET + nobody))["reachability"] == "VIOLATED"


def test_who_is_made_anew_under_a_name_is_another_pod_in_a_place_of_its_own() -> None:
    scenario = load_scenario("it", {"it.yaml": SET}, {"nodes": 2, "script": [{"drain": {"node": "node-1"}}]}).scenario
    cluster = machine_of(scenario, prepare(scenario))
    homes = cluster.world.layout.homes
    assert tuple(homes.values()) == cluster.world.layout.pools["Pod"][-2:]
    met: set[tuple[Ref, str, str]] = set()

    def collect(state: State) -> None:
        there = ((slot, state[slot]) for slot in cluster.world.layout.pools["Pod"])
        met.update((ref_of(pod), slot, pod.metadata.uid) for slot, pod in there if isinstance(pod, Pod))

    explore(cluster.machine, [], collect=collect)
    assert {slot == homes[ref] for ref, slot, _ in met} == {True}
    assert {uid for _, _, uid in met} >= {"Pod/default/db-0", "Pod/default/db-0~2"}


# --- budgets and drains -----------------------------------------------------------------------------------------------

DRAINS = ({"drain": {"node": "node-1"}}, {"uncordon": {"node": "node-1"}}, {"drain": {"node": "node-2"}})


@cache
def drained() -> Report:
    return said(SET + BUDGET, *DRAINS, nodes=3, consistency="linearizable")


def test_a_budget_lets_a_set_be_drained_node_by_node() -> None:
    assert verdicts(drained()) == {**SOUND, "budget": "HOLDS"}


def test_what_a_budget_remembers_of_a_name_is_forgotten_in_the_end_and_must_be() -> None:
    forgets = ("for name in sorted(there & noted.keys()):", "for name in ():")
    with planted("kubeproof.harness.world.controllers.evicted_names", *forgets):
        report = said(SET + BUDGET, *DRAINS, nodes=3)
    assert verdicts(report)["convergence"] == "VIOLATED"
    assert "the drain cannot evict Pod db-" in lines(report, "convergence") or "drain" in lines(report, "convergence")


def test_a_drain_waits_for_the_pod_that_it_evicted_and_not_for_its_name() -> None:
    text = SET.replace("replicas: 2", "replicas: 1").replace(
        "      containers:", "      nodeName: node-1\n      containers:"
    )
    assert verdicts(said(text, {"drain": {"node": "node-1"}}))["convergence"] == "HOLDS"
    with planted("kubeproof.harness.world.script.drain", 'listed[who[0]].uid in {"", who[1]}', "True"):
        assert verdicts(said(text, {"drain": {"node": "node-1"}}))["convergence"] == "VIOLATED"


def test_a_set_counts_for_the_share_that_a_budget_asks_for() -> None:
    half = BUDGET.replace("maxUnavailable: 1", "minAvailable: 50%")
    assert verdicts(said(SET + half, {"drain": {"node": "node-1"}}))["budget"] == "HOLDS"
    with planted("kubeproof.impl.controllers.disruption", "max(0, healthy - desired)", "max(0, healthy - desired + 1)"):
        steps = ({"drain": {"node": "node-1"}}, {"drain": {"node": "node-2"}})
        greedy = said(SET + BUDGET, *steps, nodes=3, consistency="linearizable")
    assert verdicts(greedy)["budget"] == "VIOLATED"


# --- nodes, claims, deletion ------------------------------------------------------------------------------------------


def test_nobody_takes_the_place_of_a_pod_on_a_dead_node() -> None:
    report = said(SET, faults={"nodeCrash": 1}, start="settled")
    assert "is still being deleted" in lines(report, "convergence")


def test_claims_are_made_and_bound_and_what_is_assumed_is_told() -> None:
    loaded = load_scenario("it", {"it.yaml": SET + CLAIMS}, {"nodes": 2})
    told = [str(one) for one in loaded.assumptions if "volumeClaimTemplates" in one.field]
    where = "it.yaml:19: StatefulSet default/db spec.volumeClaimTemplates[0]"
    assert told == [f"{where}: each Pod has its claim data, with a volume that can be reached from every node"]
    report = said(SET + CLAIMS + SERVICE, image("i:2"))
    assert verdicts(report) == SOUND
    assert report.not_modelled == ()


def test_a_claim_that_the_input_has_is_what_it_is() -> None:
    """No volume is there for one that wants none of a class, and whoever makes volumes by hand is not in the input."""
    unbound = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data-db-0}\nspec:\n"
    unbound += '  {storageClassName: "", accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}'
    report = said(SET + CLAIMS + unbound, start="empty")
    assert verdicts(report)["convergence"] == "UNKNOWN"
    assert "waits for PersistentVolumeClaim data-db-0" in lines(report, "convergence")
    report = said(SET + CLAIMS + unbound, start="empty", complete=True)
    assert verdicts(report)["convergence"] == "VIOLATED"


def test_pods_that_are_no_pods_are_told_with_the_words_of_the_api_server() -> None:
    """Up to 1.33 it takes the set as it is: the claims of its Pods are volumes only once they are made."""
    mount = "          volumeMounts: [{name: data, mountPath: /d}]\n"
    assert verdicts(said(SET + mount + CLAIMS))["convergence"] == "HOLDS"
    with pytest.raises(BadInput, match=r'volumeMounts\[0\].name: Not found: "data"'):
        said(SET + mount)
    told = lines(said(SET + mount, release="1.32"), "convergence")
    assert (
        'statefulset-controller db is refused: Pod "db-0" is invalid: spec.containers[0].volumeMounts[0].name' in told
    )


@pytest.mark.parametrize("cascade", ["background", "orphan"])
def test_a_set_that_is_deleted_takes_what_it_is_told_to_with_it(cascade: str) -> None:
    report = said(SET.replace("replicas: 2", "replicas: 1"), {"deleteObject": {**STATEFULSET, "cascade": cascade}})
    assert verdicts(report)["convergence"] == "HOLDS"


def test_a_set_in_a_namespace_that_is_deleted_goes_with_it() -> None:
    placed = SET.replace("{name: db}", "{name: db, namespace: shop}", 1)
    here = placed.replace("replicas: 2", "replicas: 1") + CLAIMS
    space = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
    report = said(here + space, {"deleteObject": {"kind": "Namespace", "name": "shop"}})
    assert verdicts(report)["convergence"] == "HOLDS"


# --- reductions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script", [(), (image("i:2"),), (image("bad:2"), image("i:1")), ({"drain": {"node": "node-1"}},)]
)
def test_symmetry_and_the_core_change_no_verdict(script: tuple[dict[str, Any], ...]) -> None:
    text = SET.replace("replicas: 2", "replicas: 1") + SERVICE
    asked = {"nodes": 2, "script": list(script), "images": "byName", "consistency": "linearizable"}
    scenario = load_scenario("it", {"it.yaml": text}, asked).scenario
    usual = verdicts(check(scenario))
    assert verdicts(check(scenario, symmetry=False)) == usual
    if not script:
        assert verdicts(check(scenario, reductions=False)) == usual


def test_nodes_are_exchanged_beside_a_set() -> None:
    scenario = load_scenario("it", {"it.yaml": SET}, {"nodes": 2, "start": "empty"}).scenario
    whole = check(scenario, symmetry=False)
    less = check(scenario)
    assert not less.exploration.symmetry or "no use" not in less.exploration.symmetry
    assert less.states < whole.states
    assert symmetry_of(machine_of(scenario, prepare(scenario))) is not None


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
@pytest.mark.parametrize("wanted", [2, 3])
def test_the_states_of_rest_are_those_of_the_full_search(policy: str, wanted: int) -> None:
    text = SET.replace("OrderedReady", policy).replace("replicas: 2", f"replicas: {wanted}")
    asked = {"nodes": 3, "script": [{"drain": {"node": "node-1"}}]}
    scenario = load_scenario("it", {"it.yaml": text}, asked).scenario
    prepared = prepare(scenario)
    core = build(scenario, Parts.core(scenario), *prepared.starts[:1])
    first = load_scenario("it", {"it.yaml": text}, {"nodes": 3, "start": "empty"}).scenario
    begun = prepare(first).starts[0]
    whole, fold = build(first, Parts.everything(), begun), Fold.of(core, scenario)
    grown = rests(whole, scenario)
    searched = explored(build(first, Parts.core(first), begun), scenario)
    assert grown is not None
    assert grown.why == searched.why == ""
    assert {fold.key(one) for one in grown.states} == {fold.key(one) for one in searched.states}
    assert len(grown.states) == len(prepared.starts)
    stepwise = Growing(whole, fold, 100, stepwise=True).rests()
    assert {fold.key(one) for one in stepwise.states} == {fold.key(one) for one in grown.states}


def test_a_search_of_a_set_can_be_cut_short() -> None:
    scenario = load_scenario("it", {"it.yaml": SET}, {"nodes": 2, "script": [image("i:2")]}).scenario
    report = check(scenario, limits=Limits(max_states=5))
    found = verdicts(report)
    assert found.pop("reachability") == "HOLDS"  # There is no Service.
    assert set(found.values()) == {"UNKNOWN"}


# --- a live cluster ---------------------------------------------------------------------------------------------------


def recorded_end(*, without: str = "") -> str:
    """Dump what was there at the end of a recorded run, which a partition had kept in two, and two nodes more."""
    with lzma.open(VECTORS / "controller" / "sts-partition.json.xz", "rt") as file:
        events = json.load(file)["events"]
    there: dict[tuple[str, str], dict[str, Any]] = {}
    for event in events:
        key = event["object"]["kind"], event["object"]["metadata"]["name"]
        there.pop(key, None)
        if event["type"] != "DELETED" and key[0] not in {"Event", without}:
            there[key] = event["object"]
    nodes = sorted({one["spec"]["nodeName"] for (kind, _), one in there.items() if kind == "Pod"})
    amounts = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    status = {"capacity": amounts, "allocatable": amounts, "conditions": [{"type": "Ready", "status": "True"}]}
    more = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status} for name in nodes]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [*there.values(), *more]})


def live(text: str, *script: dict[str, Any]) -> Report:
    asked = {"fromCluster": "dump.json", "script": list(script), "namespace": "sc-sts-partition"}
    return check(load_scenario("it", {"dump.json": text}, asked).scenario)


def test_a_live_set_is_at_rest_and_goes_on_from_there() -> None:
    still = live(recorded_end())
    assert (verdicts(still)["convergence"], still.states) == ("HOLDS", 1)
    rolled = live(recorded_end(), {"rolloutUndo": {"kind": "StatefulSet", "name": "s"}})
    assert verdicts(rolled)["convergence"] == "HOLDS"
    assert rolled.states > 50


def test_a_dump_without_the_revisions_of_a_set_leaves_open_what_becomes_of_it() -> None:
    text = recorded_end(without="ControllerRevision")
    assert verdicts(live(text))["convergence"] == "UNKNOWN"
    loaded = load_scenario("it", {"dump.json": text}, {"fromCluster": "dump.json"})
    assert [str(note) for note in loaded.notes if "kubectl get controllerrevisions" in str(note)]


def test_before_1_12_a_revision_is_made_twice_where_views_are_old_and_then_pods_roll_for_ever() -> None:
    """k/k#58347, k/k#69967; whoever acts on the store as it is makes it once."""
    one, asked = SET.replace("replicas: 2", "replicas: 1"), {"nodes": 1, "start": "empty"}
    before = said(one, **asked, switches={"revisions": "before-1.12"})
    assert verdicts(before)["convergence"] == "VIOLATED"
    (claim,) = (claim for claim in before.claims if claim.name == "convergence")
    assert claim.trace is not None
    assert claim.trace.cycle_start is not None, "it never ends"
    assert "makes a revision again for as long as it does not see it" in lines(before, "placement")
    current = said(one, **asked, switches={"revisions": "before-1.12"}, consistency="linearizable")
    assert verdicts(current)["convergence"] == verdicts(said(one, **asked))["convergence"] == "HOLDS"
