"""Behind a load balancer that asks every node: what is found, exactly when, and what leaves the claim open."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from immutabledict import immutabledict

from kubeproof.harness.check.check import check, machine_for
from kubeproof.harness.check.detail import load_balancer
from kubeproof.harness.check.results import Claim
from kubeproof.harness.face import Cluster
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.zoo.folders import FAILURES
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.model.checker import Limits, replay
from kubeproof.model.checker.results import Status
from planted import planted

WEB = (FAILURES / "sigterm-before-balancer" / "repaired" / "web.yaml").read_text(encoding="utf-8")
HOOK = "preStop: {sleep: {seconds: 30}}"
TO_ONE = {"scale": {"kind": "Deployment", "name": "web", "replicas": 1}}
LABEL = {"labelNode": {"node": "node-2", "labels": {"a": "b"}}}
BOUNDS = {"propagation": "5s", "healthChecks": "24s"}
CLOSER: dict[str, Any] = {"detail": {"proxy": "connections"}, "nodes": 2, "bounds": BOUNDS, "script": [TO_ONE]}


def sleeps(seconds: int) -> str:
    """Write a hook that sleeps."""
    return f"preStop: {{sleep: {{seconds: {seconds}}}}}"


def spec(**fields: Any) -> str:
    """Write the Deployment, and the Service with other fields."""
    deployment, service = yaml.safe_load_all(WEB)
    service["spec"] |= fields
    return yaml.safe_dump_all([deployment, service])


def scenario(manifests: str = WEB, **options: Any) -> Scenario:
    """Make a scenario of manifests."""
    given = {name: one for name, one in (CLOSER | options).items() if one is not None}
    return Cluster("small", immutabledict({"web.yaml": manifests})).given(given).load().scenario


def reachability(manifests: str = WEB, **options: Any) -> Claim:
    """Check what is said of reachability."""
    return next(one for one in check(scenario(manifests, **options)).claims if one.name == "reachability")


# --- the relation, and the run that shows it --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pre_stop", "propagation", "checks", "holds"),
    [(29, 5, 24, True), (28, 5, 24, False), (11, 5, 6, True), (10, 5, 6, False), (5, 5, 0, True), (45, 5, 40, True)],
)
def test_a_hook_is_long_enough_from_the_second_on_in_which_the_balancer_has_followed(
    *, pre_stop: int, propagation: int, checks: int, holds: bool
) -> None:
    bounds = {"propagation": f"{propagation}s", "healthChecks": f"{checks}s"}
    claim = reachability(WEB.replace(HOOK, sleeps(pre_stop)), bounds=bounds)
    assert (claim.status is Status.HOLDS) == holds
    if not holds:
        assert claim.blame[0].what == f"a preStop delay of {propagation + checks} s is the smallest that is long enough"


def test_a_breach_names_the_hook_and_replays() -> None:
    made = scenario(WEB.replace(HOOK, sleeps(10)))
    claim = next(one for one in check(made).claims if one.name == "reachability")
    assert claim.kind == "behind the load balancer of default/web:80, a Pod of template 0 goes last from its node"
    assert claim.lines[0] == (
        "the load balancer passes a connection on to node-1, which sends it to 10.0.0.1:80: nobody accepts it"
    )
    assert claim.lines[1].endswith("preStop >= 29 and grace >= 29 (seconds; now preStop 10, grace 60)")
    assert claim.lines[2].startswith("a run of the cluster comes to that: replicaset-controller: deletes Pod")
    assert claim.blame[0].field == "spec.template.spec.containers[0].lifecycle.preStop"
    assert claim.trace is not None
    assert replay(machine_for(made, claim.kind), claim.trace).complete
    assert claim.times is not None
    assert claim.times.seconds[-1] == 10
    assert claim.times.waited[-1][0].startswith("the preStop hook of Pod default/leaving-0 takes 10 s at least")
    assert not any(told for waited in claim.times.waited[:-1] for told in waited)


def test_a_grace_period_that_ends_before_the_hook_is_what_counts() -> None:
    long = WEB.replace(HOOK, 'preStop: {exec: {command: [sleep, "90"]}}')
    short = long.replace("terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 28")
    assert reachability(short).status is Status.VIOLATED
    assert reachability(short.replace("Seconds: 28", "Seconds: 29")).status is Status.HOLDS


def test_the_container_that_the_port_leads_to_is_the_one_that_counts() -> None:
    beside = WEB.replace("      containers:\n", "      containers:\n        - {name: beside, image: 'agent:1'}\n")
    assert reachability(beside).status is Status.HOLDS
    both = beside.replace("image: 'agent:1'", "image: 'agent:1', ports: [{containerPort: 80}]")
    assert reachability(both.replace("5s", "0s"), bounds=BOUNDS | {"propagation": "0s"}).status is Status.VIOLATED


def test_each_port_is_looked_at_by_itself() -> None:
    app = "      containers:\n"
    second = f"        - {{name: second, image: 'b:1', ports: [{{containerPort: 81}}], lifecycle: {{{sleeps(10)}}}}}\n"
    two = WEB.replace(app, app + second).replace("[{port: 80}]", "[{name: a, port: 80}, {name: b, port: 81}]")
    assert reachability(two).kind.startswith("behind the load balancer of default/web:81,")


def test_a_port_that_a_sidecar_has() -> None:
    _, service = yaml.safe_load_all(spec(ports=[{"port": 80, "targetPort": "side"}]))
    deployment = yaml.safe_load(WEB.partition("---\n")[0])
    ports = [{"name": "side", "containerPort": 81}]
    side = {"name": "side", "image": "side:1", "restartPolicy": "Always", "ports": ports}
    deployment["spec"]["template"]["spec"]["initContainers"] = [side]
    claim = reachability(yaml.safe_dump_all([deployment, service]))
    assert (claim.status, claim.lines[-1].endswith("states")) == (Status.HOLDS, True)


def test_without_terminating_endpoints_no_hook_is_long_enough() -> None:
    old = {"switches": {"terminatingEndpoints": "before-1.26"}}
    claim = reachability(WEB.replace(HOOK, sleeps(59)), **old)
    assert claim.status is Status.VIOLATED
    assert claim.lines[0].endswith("to node-1, where it is dropped: no endpoint here")
    assert (claim.blame[0].ref.kind, claim.blame[0].field) == ("Service", "spec.externalTrafficPolicy")
    assert reachability(spec(externalTrafficPolicy="Cluster"), **old).status is Status.UNKNOWN, "elsewhere, too"


# --- who goes ---------------------------------------------------------------------------------------------------------

TOGETHER = WEB.replace("replicas: 2", "replicas: 4").replace(
    "            - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}}\n",
    "            - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: nobody}}}\n",
)


def test_of_two_that_go_from_one_node_the_first_stops_while_the_balancer_sends_to_the_second() -> None:
    claim = reachability(TOGETHER)
    assert claim.status is Status.VIOLATED
    assert claim.kind.endswith("a Pod of template 0 goes last from its node, while another one goes")
    assert "podAntiAffinity" in claim.blame[0].what
    to_three = {"scale": {"kind": "Deployment", "name": "web", "replicas": 3}}
    assert reachability(TOGETHER, script=[to_three]).status is Status.HOLDS, "one stays on each node"


@pytest.mark.parametrize(
    ("manifests", "options"),
    [
        (WEB.replace("Local", "Cluster"), {}),
        (WEB, {"script": [{"scale": {"kind": "Deployment", "name": "web", "replicas": 3}}], "nodes": 3}),
        (TOGETHER, {"nodes": 1}),
    ],
    ids=["policy Cluster", "nobody goes", "one node"],
)
def test_where_no_pod_goes_last_from_a_node_a_short_hook_is_long_enough(
    manifests: str, options: dict[str, Any]
) -> None:
    claim = reachability(manifests.replace(HOOK, sleeps(5)), consistency="linearizable", **options)
    assert claim.status is Status.HOLDS
    assert not any(line.startswith(load_balancer.BEHIND) for line in claim.lines)


def test_a_pod_that_is_alone_is_replaced_on_the_other_node() -> None:
    alone = WEB.replace("replicas: 2", "replicas: 1")
    image = [{"setImage": {"kind": "Deployment", "name": "web", "image": "nginx:1.29"}}]
    assert reachability(alone.replace(HOOK, sleeps(10)), script=image).status is Status.VIOLATED
    assert reachability(alone, script=image).status is Status.HOLDS


# --- what it does not know --------------------------------------------------------------------------------------------

NODES = "".join(
    f"apiVersion: v1\nkind: Node\nmetadata: {{name: {name}, labels: {{kubernetes.io/hostname: {name}{more}}}}}\n"
    "status: {capacity: {cpu: '4', memory: 8Gi, pods: '110'}}\n---\n"
    for name, more in (("node-1", ""), ("node-2", ", node.kubernetes.io/exclude-from-external-load-balancers: ''"))
)
SCRIPTED = WEB.replace(HOOK, 'preStop: {exec: {command: [sh, -c, "sleep 10; ./drain.sh"]}}')


@pytest.mark.parametrize(
    ("manifests", "options", "why", "field"),
    [
        (WEB, {"bounds": {"propagation": "5s"}}, "how long it takes is not stated", "spec.externalTrafficPolicy"),
        (WEB, {"bounds": {"healthChecks": "5s"}}, "how long it takes is not stated", "spec.externalTrafficPolicy"),
        (WEB, {"images": "byName"}, "images behave as they are called", ""),
        (spec(loadBalancerClass="example.com/lb"), {}, "balancers of a class", "spec.loadBalancerClass"),
        (
            spec(allocateLoadBalancerNodePorts=False),
            {},
            "a balancer without node ports",
            "spec.allocateLoadBalancerNodePorts",
        ),
        (spec(ipFamilies=["IPv6"], ipFamilyPolicy="SingleStack"), {}, "no IPv4 address", "spec.ipFamilies"),
        (NODES + WEB, {"nodes": None}, "node-2 is labelled node.kubernetes.io/exclude-from", ""),
        (WEB, {"script": [TO_ONE, LABEL]}, "which nodes it asks after a step: label node", ""),
        (SCRIPTED, {}, "nobody can read off", "spec.template.spec.containers[0].lifecycle.preStop"),
    ],
    ids=[
        "no checks",
        "no propagation",
        "images",
        "a class",
        "no node ports",
        "IPv6",
        "an excluded node",
        "a step",
        "a script as a hook",
    ],
)
def test_what_it_does_not_know_leaves_the_claim_open_and_says_where(
    manifests: str, options: dict[str, Any], why: str, field: str
) -> None:
    claim = reachability(manifests, **options)
    assert claim.status is Status.UNKNOWN
    assert why in claim.lines[0]
    assert claim.blame[0].field == field


def test_a_hook_of_unknown_length_that_is_too_short_whatever_it_takes_is_a_breach() -> None:
    short = SCRIPTED.replace("terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 20")
    assert reachability(short).status is Status.VIOLATED
    assert reachability(SCRIPTED.replace("sleep 10", "sleep 29")).status is Status.HOLDS


def test_where_not_every_run_was_looked_at_it_is_left_open() -> None:
    claim = next(one for one in check(scenario(), limits=Limits(max_states=2)).claims if one.name == "reachability")
    assert claim.status is Status.UNKNOWN


def test_a_step_that_changes_the_service_leaves_it_open() -> None:
    other = yaml.safe_load(WEB.partition("---\n")[2].replace("port: 80}", "port: 80}, {name: b, port: 81}"))
    other["spec"]["ports"][0]["name"] = "a"
    claim = reachability(WEB, script=[{"apply": {"object": other}}], consistency="linearizable")
    assert (claim.status, claim.blame[0].field) == (Status.UNKNOWN, "spec")
    assert claim.lines[0].endswith("a step changes it")


def test_faults_of_nodes_leave_it_open_where_they_break_nothing_else() -> None:
    start = prepare(scenario())
    ((front, _, why),) = load_balancer.unknown(scenario(faults={"partition": 1}), start)
    assert (front.metadata.name, why.startswith("what becomes of its nodes after a ")) == ("web", True)
    assert list(load_balancer.unknown(scenario(faults={"crash": 1}), start)) == []


def test_a_pod_that_leaves_by_its_labels_leaves_it_open() -> None:
    alone = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "alone", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": "nginx:1.28", "ports": [{"containerPort": 80}]}]},
    }
    other = alone | {"metadata": {"name": "alone", "labels": {"app": "other"}}}
    both = WEB + "---\n" + yaml.safe_dump(alone)
    for step, count in ((other, 1), (alone, 0)):
        made = scenario(both, script=[{"apply": {"object": step}}])
        found = list(load_balancer.unknown(made, prepare(made)))
        assert len(found) == count
        assert all(field == "spec.selector" and "alone other labels" in why for _, field, why in found)


def test_it_is_looked_at_only_where_it_is_asked_for_and_else_the_bounds_say_so() -> None:
    plain = check(scenario(WEB.replace(HOOK, sleeps(5)), detail={}))
    assert next(one for one in plain.claims if one.name == "reachability").status is Status.HOLDS
    assert any("at once (detail: {proxy: connections}" in line for line in plain.bounds)
    assert "load balancers: 24 s after its health checks fail a node is sent no more" in check(scenario()).bounds
    with pytest.raises(BadInput, match=r"terminatingEndpoints: nobody would see it \(write detail: {proxy: connect"):
        scenario(detail={}, switches={"terminatingEndpoints": "before-1.26"})


def test_a_balancer_that_never_follows_is_noticed() -> None:
    with planted(
        "kubeproof.harness.world.grains.connections.traffic",
        "return well is not view[sent_to_slot(node)]",
        "return False",
    ):
        assert reachability().status is Status.VIOLATED
