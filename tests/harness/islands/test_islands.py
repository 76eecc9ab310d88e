"""Islands: what joins them, that forgetting any of it changes a verdict, and that breaches are runs of the whole."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import yaml
from attrs import evolve

from kubeproof.harness import face
from kubeproof.harness.check.check import check as check_all
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Crowd, Scenario
from kubeproof.harness.islands import check as islands
from kubeproof.harness.islands import influence, split, witness
from kubeproof.harness.islands.check import check
from kubeproof.harness.islands.influence import Bond
from kubeproof.harness.islands.room import Room
from kubeproof.harness.islands.split import islands_of
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.well_known import SERVICE_NAME
from kubeproof.impl.kubectl import script as kubectl
from kubeproof.impl.kubectl.commands.command import Command
from kubeproof.model.checker import Limits, Status
from kubeproof.model.checker.explore import explore
from kubeproof.traces.document import from_text, to_text
from kubeproof.traces.render import text
from kubeproof.traces.replay import Replayed

HOSTNAME = "kubernetes.io/hostname"
ALL = "requiredDuringSchedulingIgnoredDuringExecution"


def meta(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "labels": {"app": name}} | more


def pod_spec(name: str, **more: Any) -> dict[str, Any]:
    cpu = more.pop("cpu", None)
    container: dict[str, Any] = {"name": "app", "image": f"{name}:1", **more.pop("container", {})}
    if cpu:
        container["resources"] = {"requests": {"cpu": cpu}}
    return {"containers": [container], **more}


def deployment(name: str, replicas: int = 1, **spec: Any) -> dict[str, Any]:
    labels = spec.pop("labels", {"app": name})
    template = {"metadata": {"labels": labels}, "spec": pod_spec(name, **spec)}
    selector = {"matchLabels": {"app": labels["app"]}}
    body = {"replicas": replicas, "selector": selector, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(name), "spec": body}


def pod(name: str, **spec: Any) -> dict[str, Any]:
    more = spec.pop("metadata", {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta(name, **more), "spec": pod_spec(name, **spec)}


def service(name: str, selects: str, **spec: Any) -> dict[str, Any]:
    body = {"selector": {"app": selects}, "ports": [{"port": 80, **spec.pop("port", {})}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta(name), "spec": body}


def of_kind(kind: str, name: str, api: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": meta(name), "spec": spec}


def node(name: str, *images: dict[str, Any], taint: str = "") -> dict[str, Any]:
    status = {"capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"}, "images": list(images)}
    spec = {"taints": [{"key": taint, "effect": "NoSchedule"}]} if taint else {}
    labels = {HOSTNAME: name}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta(name, labels=labels), "spec": spec, "status": status}


def budget(selects: str) -> dict[str, Any]:
    return of_kind("PodDisruptionBudget", "b", "policy/v1", minAvailable=1, selector={"matchLabels": {"app": selects}})


def scenario(*manifests: dict[str, Any], **options: Any) -> Scenario:
    given = any(one["kind"] == "Node" for one in manifests)
    plain = {"consistency": "linearizable", **({} if given else {"nodes": 2}), **options}
    return load_scenario("isles", {"all.yaml": yaml.safe_dump_all(manifests)}, plain).scenario


def verdicts(one: Scenario, **options: Any) -> dict[str, str]:
    return {claim.name: claim.status.value for claim in check(one, **options).claims}


def apart(one: Scenario) -> list[str]:
    return [island.name for island in islands_of(one)]


@pytest.fixture
def nothing_spare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at nothing all at once where a breach was not found among all."""
    monkeypatch.setattr(islands, "SPARE", 1)


# --- what joins ---

WITH_ANTI_AFFINITY = {
    "podAntiAffinity": {ALL: [{"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": HOSTNAME}]}
}
SPREAD = [
    {"maxSkew": 1, "topologyKey": HOSTNAME, "whenUnsatisfiable": "DoNotSchedule",
     "labelSelector": {"matchLabels": {"app": "db"}}}
]  # fmt: skip
HOST_PORT = {"ports": [{"containerPort": 80, "hostPort": 80}]}
OWNED = {"ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": "db", "uid": "Service/default/db"}]}
CLAIM = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
DRAIN = [{"drain": {"node": "node-1"}}]
TAKEN = service("db", "db", type="NodePort", port={"nodePort": 30001})

JOINED: dict[str, Scenario] = {
    "a selector of a Service": scenario(deployment("web"), service("other", "web"), deployment("db")),
    "a budget": scenario(
        deployment("web"),
        of_kind("PodDisruptionBudget", "other", "policy/v1", minAvailable=1, selector={"matchLabels": {"app": "web"}}),
        deployment("db"),
        script=DRAIN,
    ),
    "a selector of a workload": scenario(
        of_kind(
            "ReplicaSet",
            "zed",
            "apps/v1",
            replicas=1,
            selector={"matchLabels": {"app": "web"}},
            template={"metadata": {"labels": {"app": "web"}}, "spec": pod_spec("web")},
        ),
        pod("db", metadata={"labels": {"app": "web"}}),
        script=[{"scale": {"kind": "ReplicaSet", "name": "zed", "replicas": 0}}],
    ),
    "anti-affinity": scenario(deployment("web", affinity=WITH_ANTI_AFFINITY), deployment("db"), nodes=1),
    "a spread constraint": scenario(
        node("node-1"),
        node("node-2", taint="kept"),
        deployment("web", topologySpreadConstraints=SPREAD),
        deployment("db", 2),
    ),
    "a port of the host": scenario(
        deployment("web", container=HOST_PORT), deployment("db", container=HOST_PORT), nodes=1
    ),
    "a node port": scenario(
        deployment("web"),
        deployment("db"),
        service("web", "web", type="NodePort", port={"nodePort": 30001}),
        service("db", "db", type="NodePort", port={"nodePort": 30002}),
        script=[{"apply": {"object": TAKEN}}],
    ),
    "an owner": scenario(pod("web", metadata=OWNED), service("db", "db"), deployment("db")),
}
"""Of each kind of bond a scenario in which it decides a verdict."""
WHAT = {
    "a selector of a Service": "other selects Pods of",
    "a budget": "other selects Pods of",
    "a selector of a workload": "zed selects Pods of",
    "anti-affinity": "looks at where",
    "a spread constraint": "looks at where",
    "a port of the host": "name the same port",
    "a node port": "name the same port",
    "an owner": "owns",
}


@pytest.mark.parametrize("kind", JOINED)
def test_a_bond_joins_and_the_verdicts_are_those_of_the_whole(kind: str) -> None:
    found = islands_of(JOINED[kind])
    whole = {claim.name: claim.status.value for claim in check_all(JOINED[kind]).claims}
    assert verdicts(JOINED[kind]) == whole
    assert len(found) == 1 or any(WHAT[kind] in why for one in found for why in one.why)


@pytest.mark.parametrize("kind", JOINED)
def test_forgetting_a_kind_of_bond_changes_a_verdict(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: each kind of edge is forgotten once; what then comes out is not what comes out of the whole."""

    def forgetful(*arguments: Any) -> Iterator[Bond]:
        yield from (one for one in influence.bonds(*arguments) if WHAT[kind] not in one.why)

    monkeypatch.setattr(split, "bonds", forgetful)
    whole = {claim.name: claim.status.value for claim in check_all(JOINED[kind]).claims}
    assert verdicts(JOINED[kind]) != whole


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (of_kind("ResourceQuota", "most", "v1", hard={"pods": 4}), deployment("db")),
        (
            of_kind(
                "PersistentVolumeClaim", "data", "v1", accessModes=["ReadWriteOnce"],
                resources={"requests": {"storage": "1Gi"}},
            ),
            deployment("d", volumes=CLAIM),
        ),
        ({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "endpoints": [],
          "ports": [], "metadata": {"name": "by-hand", "labels": {SERVICE_NAME: "db"}}}, service("db", "db")),
        (service("one", "first", clusterIP="10.96.0.9"), service("two", "second", externalIPs=["10.96.0.9"])),
    ],
    ids=["quota", "claim", "slice", "address"],
)  # fmt: skip
def test_what_no_verdict_shows_yet_joins_as_well(one: dict[str, Any], other: dict[str, Any]) -> None:
    objects = scenario(one, other, deployment("web")).objects
    named = {(one["kind"], one["metadata"]["name"]), (other["kind"], other["metadata"]["name"])}
    pairs = [{(bond.one.kind, bond.one.name), (bond.other.kind, bond.other.name)} for bond in influence.bonds(objects)]
    assert named in pairs


def test_a_label_that_a_controller_adds_is_matched_by_whatever_asks_for_it() -> None:
    selector = {"app": "web", "pod-template-hash": "abc"}
    one = scenario(
        deployment("web"),
        deployment("db"),
        {**service("s", "web"), "spec": {"selector": selector, "ports": [{"port": 80}]}},
    )
    assert apart(one) == ["Deployment db", "Deployment web"]
    assert any(bond.other == Ref("Deployment", "default", "web") for bond in influence.bonds(one.objects))


def test_addresses_that_load_balancers_have_given_join() -> None:
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}]}}}
    given = [{**service(name, name, type="LoadBalancer"), **status} for name in ("web", "db")]
    one = scenario(deployment("web"), deployment("db"), *given)
    assert len(islands_of(one)) == 1
    assert both(one)[0]["reachability"] == "VIOLATED"


# --- falling apart ---


def test_workloads_without_relation_are_islands_and_what_selects_nobody_is_one_more() -> None:
    one = scenario(deployment("web"), service("web", "web"), deployment("db"), service("lost", "nobody"))
    found = islands_of(one)
    assert [island.name for island in found] == ["Deployment db", "Deployment web", "Service lost"]
    assert found[1].why == ("Service web selects Pods of Deployment web",)
    assert [len(island.scenario.objects) for island in found] == [4, 5, 4]  # Two nodes and a storage class are in each.


@pytest.mark.parametrize(
    "options",
    [
        {"consistency": "resettable"},
        {"detail": {"scheduler": "queue"}},
        {"schedulers": ["default-scheduler", "default-scheduler"]},
        {"script": [{"deletePod": {"name": "web-5d8f-p0"}}]},
        {"script": [{"deleteObject": {"kind": "Namespace", "name": "default"}}]},
    ],
)
def test_what_islands_are_not_for_is_left_whole(options: dict[str, Any]) -> None:
    assert apart(scenario(deployment("web"), deployment("db"))) == ["Deployment db", "Deployment web"]
    given = {"script": [], **options}
    plain = scenario(deployment("web"), deployment("db"))
    read = {name: value for name, value in given.items() if name != "script"}
    one = evolve(scenario(deployment("web"), deployment("db"), **read))
    if given["script"]:
        files = {"all.yaml": yaml.safe_dump_all([deployment("web"), deployment("db")])}
        try:
            one = load_scenario("isles", files, {"nodes": 2, "script": given["script"]}).scenario
        except face.BadInput:
            return
    assert plain != one
    assert len(islands_of(one)) == 1


def test_each_island_has_its_own_steps_and_those_of_nodes() -> None:
    image = {"setImage": {"kind": "Deployment", "name": "db", "image": "db:2"}}
    one = scenario(deployment("web"), deployment("db"), script=[image, {"cordon": {"node": "node-1"}}])
    assert {island.name: island.steps for island in islands_of(one)} == {
        "Deployment web": (1,),
        "Deployment db": (0, 1),
    }


# --- what an attack found ---


def both(one: Scenario) -> tuple[dict[str, str], dict[str, str]]:
    return verdicts(one), {claim.name: claim.status.value for claim in check_all(one).claims}


def test_a_deployment_adopts_a_replicaset_by_the_labels_of_that() -> None:
    adopted = of_kind(
        "ReplicaSet", "old", "apps/v1", replicas=1, selector={"matchLabels": {"app": "old"}},
        template={"metadata": {"labels": {"app": "old"}}, "spec": pod_spec("old")},
    )  # fmt: skip
    adopted["metadata"]["labels"] = {"app": "web"}
    apart, whole = both(scenario(adopted, deployment("web"), service("old", "old"), start="empty"))
    assert apart["reachability"] == whole["reachability"] == "VIOLATED"


def test_a_budget_is_judged_wherever_some_pod_could_evict_one_of_another_island() -> None:
    high = {**of_kind("PriorityClass", "high", "scheduling.k8s.io/v1"), "value": 10}
    del high["spec"]
    asks = {"apply": {"object": budget("db")}}
    apart, whole = both(scenario(high, deployment("web", priorityClassName="high"), deployment("db"), script=[asks]))
    assert apart == whole
    assert apart["budget"] == "HOLDS"


def test_a_node_that_joins_again_with_less_room_counts_with_that() -> None:
    small = node("n1")
    small["status"]["capacity"]["pods"] = "1"
    again = [{"deleteNode": {"node": "n1"}}, {"addNode": {"object": small}}]
    back = [{"deleteNode": {"node": "n1"}}, {"addNode": {"object": node("n1")}}]
    one = scenario(node("n1"), deployment("a"), deployment("b"), start="empty", script=again + back)
    assert len(islands_of(one)) == 1


def test_an_orphan_may_make_a_drain_fail_for_all() -> None:
    replicas = of_kind(
        "ReplicaSet", "a", "apps/v1", replicas=1, selector={"matchLabels": {"app": "a"}},
        template={"metadata": {"labels": {"app": "a"}}, "spec": pod_spec("a")},
    )  # fmt: skip
    orphan = {"deleteObject": {"kind": "ReplicaSet", "name": "a", "cascade": "orphan"}}
    found = islands_of(scenario(replicas, deployment("b"), script=[orphan, *DRAIN]))
    assert {one.name: one.scenario.crowd.stops_drains for one in found} == {"ReplicaSet a": False, "Deployment b": True}


@pytest.mark.parametrize(
    "taken",
    [
        service("b", "b", type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=30001),
        service("b", "b", type="NodePort", port={"nodePort": 30001}),
    ],
    ids=["health checks", "node port"],
)
def test_two_that_ask_for_one_number_clash_on_an_island_and_who_asks_for_none_is_given_another(
    taken: dict[str, Any],
) -> None:
    for asks, verdict in (({"nodePort": 30001}, "VIOLATED"), ({}, "HOLDS")):
        given = [service("c", "c", type="NodePort"), service("a", "a", type="NodePort", port=asks)]
        apart, whole = both(
            scenario(deployment("a"), deployment("b"), deployment("c"), *given, script=[{"apply": {"object": taken}}])
        )
        assert apart["convergence"] == whole["convergence"] == verdict


def test_two_that_name_a_disk_are_one_island() -> None:
    disk = [{"name": "d", "gcePersistentDisk": {"pdName": "disk"}}]
    one = scenario(deployment("a", volumes=disk), deployment("b", volumes=disk), deployment("c"))
    assert apart(one) == ["Deployment c", "Deployment a"]


@pytest.mark.usefixtures("nothing_spare")
def test_a_wait_for_others_that_have_not_begun_is_no_run() -> None:
    """The Pod with local data is on the node by the time all is quiet, and the drain is always refused."""
    local = [{"name": "c", "emptyDir": {}}]
    one = scenario(
        node("node-1"), deployment("a", volumes=local), deployment("b"), service("b", "b"),
        start="empty", waitBetweenSteps=True, script=DRAIN,
    )  # fmt: skip
    apart, whole = both(one)
    assert (apart["reachability"], whole["reachability"]) == ("UNKNOWN", "HOLDS")


@pytest.mark.usefixtures("nothing_spare")
def test_who_waited_for_a_node_moves_once_it_takes_pods() -> None:
    closed = node("node-2")
    closed["spec"]["unschedulable"] = True
    local = [{"name": "c", "emptyDir": {}}]
    alone = {"podAntiAffinity": {ALL: [{"labelSelector": {"matchLabels": {"app": "b"}}, "topologyKey": HOSTNAME}]}}
    one = scenario(
        node("node-1"), closed, service("b", "b"), deployment("b", 2, affinity=alone),
        deployment("a", volumes=local, nodeSelector={HOSTNAME: "node-2"}),
        waitBetweenSteps=True, script=[{"uncordon": {"node": "node-2"}}, {"drain": {"node": "node-2"}}],
    )  # fmt: skip
    apart, whole = both(one)
    assert (apart["reachability"], whole["reachability"]) == ("UNKNOWN", "HOLDS")


def test_a_step_about_nodes_that_nobody_knows_may_move_pods_of_others() -> None:
    class Unheard(Command):
        pass

    unheard: Any = Unheard()
    nowhere: frozenset[str] = frozenset()
    assert witness._stirs(unheard, nowhere)
    assert not witness._stirs(kubectl.Cordon("node-1"), nowhere)


# --- room ---

TIGHT = scenario(deployment("web", cpu="3"), deployment("db", cpu="3"), nodes=1)


def test_where_there_is_too_little_room_all_is_looked_at_at_once() -> None:
    assert len(islands_of(TIGHT)) == 1
    assert verdicts(TIGHT)["convergence"] == "VIOLATED"


def test_forgetting_room_changes_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split, "room_for", lambda *_: Room.ON_EACH)
    assert verdicts(TIGHT)["convergence"] == "HOLDS"


def test_a_drain_that_another_islands_pod_stops_is_among_the_runs() -> None:
    """The Pod with local data makes the drain fail for all; no island but its own is to blame for that."""
    local = [{"name": "cache", "emptyDir": {}}]
    one = scenario(deployment("web"), deployment("db", volumes=local), script=DRAIN)
    found = {island.name: island.scenario.crowd.stops_drains for island in islands_of(one)}
    assert found == {"Deployment web": True, "Deployment db": False}
    report = check(one)
    claim = next(one for one in report.claims if one.name == "convergence")
    assert (claim.status, claim.alone and claim.alone.island) == (Status.VIOLATED, "Deployment db")
    assert "local storage" in claim.lines[0]


@pytest.mark.parametrize(
    ("selector", "stopped"),
    [("", True), ("app=web", False), ("app=db", True), ("pod-template-hash=x", True), ("app=web,job-name", False)],
)
def test_a_drain_is_stopped_by_those_that_it_looks_at(selector: str, *, stopped: bool) -> None:
    """Labels that only Pods have are not asked of templates."""
    local = [{"name": "cache", "emptyDir": {}}]
    drain = [{"drain": {"node": "node-1", "podSelector": selector}}]
    one = scenario(deployment("web"), deployment("db", volumes=local), script=drain)
    found = {island.name: island.scenario.crowd.stops_drains for island in islands_of(one)}
    assert found == {"Deployment web": stopped, "Deployment db": False}


LOCAL = [{"name": "cache", "emptyDir": {}}]


@pytest.mark.usefixtures("nothing_spare")
def test_a_drain_that_others_stop_evicts_nobody() -> None:
    """The Pod with local data is always on the node, so web never goes: no run of all shows the gap."""
    here = {HOSTNAME: "node-1"}
    one = scenario(
        deployment("web"), service("web", "web"), deployment("db", volumes=LOCAL, nodeSelector=here), script=DRAIN
    )
    assert {claim.name: claim.status.value for claim in check_all(one).claims}["reachability"] == "HOLDS"
    assert verdicts(one)["reachability"] == "HOLDS"


@pytest.mark.usefixtures("nothing_spare")
def test_others_are_laid_out_of_the_way_of_a_drain() -> None:
    """Of two with local data, both may be away from the node of web, if quiet is there: then web is evicted."""
    one = scenario(
        deployment("web"), service("web", "web"), deployment("one", volumes=LOCAL), deployment("other", volumes=LOCAL),
        deployment("quiet"), script=DRAIN,
    )  # fmt: skip
    assert verdicts(one)["reachability"] == "VIOLATED"


@pytest.mark.usefixtures("nothing_spare")
def test_why_no_others_let_a_drain_go_ahead_is_said() -> None:
    """Three with local data on two nodes: wherever web is, one of them is beside it as they were brought to rest."""
    data = [deployment(name, volumes=LOCAL) for name in ("one", "other", "third")]
    found = check(scenario(deployment("web"), service("web", "web"), *data, script=DRAIN))
    claim = next(claim for claim in found.claims if claim.name == "reachability")
    assert claim.status is Status.UNKNOWN
    assert "no run of all of them was found that does: drain node-1 fails, where others were" in claim.lines[0]
    assert "cannot delete Pods with local storage" in claim.lines[0]


# --- what others do to scores ---

IMAGE = {"names": ["web:1"], "sizeBytes": 600_000_000}


def pulled(load: str, release: str = "1.36") -> Scenario:
    """Return a Pod whose image is on node-1 alone, and one that takes so much there and cannot go elsewhere."""
    heavy = deployment("db", cpu=load, nodeSelector={HOSTNAME: "node-1"})
    files = {
        "all.yaml": yaml.safe_dump_all(
            [node("node-1", IMAGE), node("node-2"), deployment("web"), service("web", "web"), heavy]
        )
    }
    script = [{"drain": {"node": "node-2"}}]
    options = {"consistency": "linearizable", "release": release, "script": script}
    return load_scenario("pulled", files, options).scenario


@pytest.mark.parametrize(("load", "release"), [("1300m", "1.32"), ("2000m", "1.36")])
def test_a_node_that_others_make_the_best_is_among_the_choices(load: str, release: str) -> None:
    """Alone web always goes where its image is; beside a heavy Pod it goes to the node that is drained."""
    one = pulled(load, release)
    whole = {claim.name: claim.status.value for claim in check_all(one).claims}
    assert len(islands_of(one)) == 2
    assert whole["reachability"] == "VIOLATED"
    assert verdicts(one)["reachability"] == "VIOLATED"


def test_forgetting_the_crowd_changes_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split, "Crowd", lambda *_, **__: Crowd())
    assert verdicts(pulled("2000m"))["reachability"] == "HOLDS"


@pytest.mark.usefixtures("nothing_spare")
def test_a_breach_that_no_others_as_they_are_allow_is_unknown() -> None:
    """A light Pod could outweigh the image only if there were many of it: HOLDS in truth, and not claimed."""
    one = pulled("600m", "1.32")
    assert {claim.name: claim.status.value for claim in check_all(one).claims}["reachability"] == "HOLDS"
    claim = next(claim for claim in check(one).claims if claim.name == "reachability")
    assert claim.status is Status.UNKNOWN
    assert "--no-islands" in claim.lines[0]


def test_what_is_open_then_is_looked_at_all_at_once() -> None:
    one = pulled("600m", "1.32")
    report = check(one)
    assert {claim.name: claim.status for claim in report.claims}["reachability"] is Status.HOLDS
    assert report.states > check_all(one).states


# --- the report ---


def test_a_trace_of_an_island_is_written_and_replayed(tmp_path: Any) -> None:
    files = tmp_path / "all.yaml"
    files.write_text(yaml.safe_dump_all([deployment("web"), service("web", "web"), deployment("db")]))
    found = face.check(face.Cluster.from_manifests(files, nodes=2), script=["drain node-1"])
    document = found.documents["reachability"]
    assert (document.island, document.places) == ("Deployment web", 2)
    assert face.replay_check(document) == Replayed(len(document.steps))
    assert "Islands" in found.report
    assert "a run of Deployment web by itself, all others at rest" in text(document)
    assert from_text(to_text(document)) == document


def test_an_island_that_needs_more_places_is_given_them() -> None:
    image = [{"setImage": {"kind": "Deployment", "name": "web", "image": f"web:{number}"}} for number in (2, 3, 4)]
    one = scenario(deployment("web"), deployment("db"), script=image)
    assert verdicts(one)["convergence"] == "HOLDS"
    sizes = {island.name: island.scenario.pods for island in islands_of(one, {"Deployment web": 9})}
    assert sizes == {"Deployment web": 9, "Deployment db": 1}


def test_where_an_island_does_not_keep_to_its_places_nothing_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split, "_enough", lambda _: 1)
    monkeypatch.setattr(islands, "_usual", lambda alone: alone.pods)
    image = {"setImage": {"kind": "Deployment", "name": "web", "image": "web:2"}}
    one = scenario(deployment("web"), deployment("db"), budget("db"), script=[image])
    found = verdicts(one)
    assert found.keys() >= {"budget", "convergence"}
    assert "HOLDS" not in found.values()
    told = {line for claim in check(one).claims for line in claim.lines}
    assert any(line.startswith("Deployment web may come to have more than 1 Pods at a time") for line in told)


def test_a_limit_in_one_island_is_no_verdict_of_the_whole() -> None:
    one = scenario(deployment("web", 2), deployment("db"), script=DRAIN, consistency="session")
    report = check(one, limits=Limits(max_states=60))
    assert {claim.status for claim in report.claims} <= {Status.UNKNOWN, Status.VIOLATED}
    assert not report.complete


@pytest.mark.parametrize("jobs", [1, 2])
def test_islands_are_looked_at_side_by_side_with_the_same_verdicts(jobs: int) -> None:
    one = scenario(deployment("web"), service("web", "web"), deployment("db"), script=DRAIN)
    report = check(one, jobs=jobs, search=partial(_plain))
    assert [claim.status.value for claim in report.claims] == ["HOLDS", "HOLDS", "VIOLATED"]
    assert len(report.islands) == 2


def _plain(_name: str) -> Any:
    return explore


def test_a_search_that_ends_early_in_some_islands_goes_on_in_each(tmp_path: Any) -> None:
    files = tmp_path / "all.yaml"
    files.write_text(yaml.safe_dump_all([deployment("web", 2), service("web", "web"), deployment("db"), pod("alone")]))
    asked = partial(face.check, face.Cluster.from_manifests(files, nodes=2), script=["set-image web web:2"])
    fresh = asked()
    kept = tmp_path / "kept"
    cut = asked(checkpoint=kept, limits=Limits(max_states=20))
    assert not cut.outcome.complete
    beginnings = {"kept.Deployment-db-1", "kept.Deployment-web-5", "kept.Pod-alone-1"}
    assert beginnings <= {one.name.rpartition("-places")[0] for one in tmp_path.glob("kept*")}
    resumed = asked(checkpoint=kept, resume=True)
    assert resumed.outcome.complete
    assert resumed.outcome.states == fresh.outcome.states
    assert resumed.quiet == fresh.quiet


def test_without_islands_all_is_one() -> None:
    one = scenario(deployment("web"), deployment("db"))
    report = check(one, islands=False)
    assert report.islands == ()
    assert report.states > check(one).states


# --- who asks ---

ON_ITS_NODE = service("web", "web", internalTrafficPolicy="Local")
AGENT = of_kind(
    "DaemonSet", "agent", "apps/v1", selector={"matchLabels": {"app": "agent"}},
    template={"metadata": {"labels": {"app": "agent"}}, "spec": pod_spec("agent")},
)  # fmt: skip
IGNORING = [{"drain": {"node": "node-1", "ignoreDaemonsets": True}}]


@pytest.mark.usefixtures("nothing_spare")
def test_pods_of_other_islands_ask_on_a_node_that_is_closed() -> None:
    """A DaemonSet's Pod stays on a drained node, where a Service with internalTrafficPolicy Local has nobody left."""
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 10}}}}
    web = deployment("web", 2, container=hook)
    one = scenario(web, ON_ITS_NODE, AGENT, script=IGNORING, bounds={"propagation": "5s"})
    assert len(islands_of(one)) == 2
    ours, whole = both(one)
    assert ours["reachability"] == whole["reachability"] == "VIOLATED"
    alone = scenario(web, ON_ITS_NODE, script=IGNORING, bounds={"propagation": "5s"})
    assert verdicts(alone)["reachability"] == "HOLDS"


def test_who_cannot_be_on_a_node_does_not_ask_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: others are taken to be anywhere. What an island breaks so is no run of the whole, and nobody says so."""
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 10}}}}
    elsewhere = deployment("db", nodeSelector={HOSTNAME: "node-2"})
    manifests = (deployment("web", 2, container=hook), ON_ITS_NODE, elsewhere)
    one = scenario(*manifests, script=DRAIN, bounds={"propagation": "5s"})
    assert {island.name: island.scenario.crowd.on for island in islands_of(one)} == {
        "Deployment web": {"node-2"}, "Deployment db": {"node-1", "node-2"},
    }  # fmt: skip
    ours, whole = both(one)
    assert ours["reachability"] == whole["reachability"] == "HOLDS"
    monkeypatch.setattr(split, "allows", lambda _pod, _node: True)
    monkeypatch.setattr(islands, "SPARE", 1)
    assert verdicts(one)["reachability"] == "UNKNOWN"


def test_nobody_asks_on_a_node_that_was_closed_to_all_others() -> None:
    nodes = (node("node-1"), node("node-2", taint="control-plane"))
    one = scenario(*nodes, deployment("web"), ON_ITS_NODE, deployment("db"), start="empty")
    assert [sorted(island.scenario.crowd.on) for island in islands_of(one)] == [["node-1"], ["node-1"]]
    ours, whole = both(one)
    assert ours["reachability"] == whole["reachability"] == "HOLDS"
