"""Reachability, asked of `check`: each way to lose an answer is found, and its repaired twin holds for a reason."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from attrs import evolve

from kubeproof.harness.check.check import check, machine_for
from kubeproof.harness.check.motion import NOBODY_GOES
from kubeproof.harness.check.results import Claim
from kubeproof.harness.claims.reachability import _once_settled
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.impl.api.core import (
    Container,
    ContainerPort,
    Node,
    Pod,
    PodCondition,
    PodSpec,
    PodStatus,
    Service,
    ServicePort,
    ServiceSpec,
)
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.values.frozen import strings
from kubeproof.model.checker import replay
from planted import planted

HOOK = "lifecycle: {preStop: {sleep: {seconds: 10}}},"
APART = """affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [
      {labelSelector: {matchLabels: {app: web}}, topologyKey: kubernetes.io/hostname}]}},"""
SURGE = "{rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}"
IN_PLACE = "{rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}"
SET_IMAGE = {"setImage": {"kind": "Deployment", "name": "web", "image": "web:2"}}
DELETE_POD = {"deletePod": {"workload": "Deployment/web"}}


def deployment(
    name: str = "web",
    *,
    replicas: int = 1,
    labels: str = "",
    ports: str = "{containerPort: 80}",
    hook: str = HOOK,
    strategy: str = SURGE,
    pod: str = "",
    image: str = "web:1",
) -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  strategy: {strategy}
  template:
    metadata: {{labels: {{app: {name}{labels}}}}}
    spec: {{{pod} containers: [{{{hook} name: app, image: "{image}", ports: [{ports}]}}]}}
---
"""


def service(name: str = "web", *, selector: str = "", ports: str = "{port: 80}", more: str = "") -> str:
    return f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{{selector or f"app: {name}"}}}, ports: [{ports}]{more}}}
---
"""


def pod(name: str, labels: str, *, hook: str = HOOK) -> str:
    return f"""\
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{{labels}}}}}
spec: {{containers: [{{{hook} name: app, image: "web:1", ports: [{{containerPort: 80}}]}}]}}
---
"""


def applied(text: str) -> dict[str, Any]:
    """Return the step that applies a manifest."""
    return {"apply": {"object": yaml.safe_load(text.removesuffix("---\n"))}}


def scenario(text: str, *script: Any, **options: Any) -> Scenario:
    wishes = {"nodes": 1, "start": "settled", "script": list(script), "bounds": {"propagation": "5s"}, **options}
    return load_scenario("small", {"all.yaml": text}, wishes).scenario


def reachability(one: Scenario) -> Claim:
    found = next(claim for claim in check(one).claims if claim.name == "reachability")
    if found.trace is not None:
        assert replay(machine_for(one, found.kind), found.trace).divergence is None
    return found


def told(text: str, *script: Any, **options: Any) -> tuple[str, str]:
    """Return the verdict and all that is said of it."""
    claim = reachability(scenario(text, *script, **options))
    blame = (f"{one.ref.kind} {one.ref.name}: {one.field}: {one.what}" for one in claim.blame)
    return claim.status.value, " / ".join((*claim.lines, *blame))


# --- nobody answers, at rest ------------------------------------------------------------------------------------------

AT_REST = {
    "a port that no container is called": (
        deployment(ports="{name: main, containerPort: 80}") + service(ports="{port: 443, targetPort: https}"),
        deployment(ports="{name: https, containerPort: 80}") + service(ports="{port: 443, targetPort: https}"),
        "Service web, port 443: nobody answers: no container has a TCP port that is called https",
    ),
    "UDP where the container declares TCP": (
        deployment() + service(ports="{port: 80, protocol: UDP}"),
        deployment(ports="{containerPort: 80, protocol: UDP}") + service(ports="{port: 80, protocol: UDP}"),
        "Service web, port 80/UDP: nobody answers: the containers declare 80 for TCP, not for UDP",
    ),
    "a name that is another protocol's": (
        deployment(ports="{name: dns, containerPort: 53}")
        + service(ports="{port: 53, protocol: UDP, targetPort: dns}"),
        deployment(ports="{name: dns, containerPort: 53}") + service(ports="{port: 53, targetPort: dns}"),
        "no container has a UDP port that is called dns",
    ),
    "one port of two": (
        deployment(ports="{name: a, containerPort: 80}")
        + service(ports="{name: a, port: 80, targetPort: a}, {name: b, port: 81, targetPort: b}"),
        deployment(ports="{name: a, containerPort: 80}, {name: b, containerPort: 81}")
        + service(ports="{name: a, port: 80, targetPort: a}, {name: b, port: 81, targetPort: b}"),
        "Service web, port 81: nobody answers",
    ),
    "Pods that find no place": (
        deployment(pod="nodeSelector: {disk: ssd},") + service(),
        deployment() + service(),
        "Service web, port 80: nobody answers: none of web-",
    ),
    "a node with clients and without endpoints": (
        deployment(pod="nodeSelector: {kubernetes.io/hostname: node-1},")
        + deployment("client", pod="nodeSelector: {kubernetes.io/hostname: node-2},")
        + service(more=", internalTrafficPolicy: Local"),
        deployment(pod="nodeSelector: {kubernetes.io/hostname: node-1},")
        + deployment("client", pod="nodeSelector: {kubernetes.io/hostname: node-2},")
        + service(),
        "Service web, port 80, asked on node-2 (internalTrafficPolicy: Local): nobody answers",
    ),
}


@pytest.mark.parametrize("start", ["settled", "empty"])
@pytest.mark.parametrize("name", AT_REST)
def test_nobody_answers_at_rest(name: str, start: str) -> None:
    broken, repaired, line = AT_REST[name]
    verdict, lines = told(broken, start=start, nodes=2)
    assert verdict == "VIOLATED"
    assert line in lines
    assert told(repaired, start=start, nodes=2)[0] == "HOLDS"


def test_a_selector_that_nobody_bears() -> None:
    one = scenario(deployment() + service())
    typo = tuple(
        evolve(each, spec=evolve(each.spec, selector=strings({"app": "wbe"}))) if isinstance(each, Service) else each
        for each in one.objects
    )
    claim = reachability(evolve(one, objects=typo))
    assert (claim.status.value, claim.kind) == ("VIOLATED", "at rest")
    assert claim.lines[0] == "Service web, port 80: nobody answers: no Pod bears app=wbe (spec.selector)"
    assert reachability(one).status.value == "HOLDS"


def test_pods_that_never_get_ready() -> None:
    bad = deployment(image="bad:1") + service()
    assert told(bad, start="empty", images="byName")[0] == "VIOLATED"
    assert told(bad, start="empty")[0] == "HOLDS"


def test_a_port_that_no_container_declares_is_listened_on() -> None:
    assert told(deployment(ports="") + service())[0] == "HOLDS"


def test_a_service_without_selector_is_not_judged() -> None:
    free = "apiVersion: v1\nkind: Service\nmetadata: {name: free}\nspec: {ports: [{port: 80}]}\n"
    claim = reachability(scenario(deployment() + free))
    assert (claim.status.value, claim.vacuous) == ("HOLDS", True)


# --- nobody answers any more ------------------------------------------------------------------------------------------


def test_a_rollout_that_renames_the_port() -> None:
    ports = "{name: http, containerPort: 80}"
    step = applied(deployment(ports="{name: web, containerPort: 80}", image="web:2"))
    by_name = deployment(ports=ports) + service(ports="{port: 80, targetPort: http}")
    verdict, lines = told(by_name, step)
    assert verdict == "VIOLATED"
    assert "no container has a TCP port that is called http" in lines
    assert told(deployment(ports=ports) + service(), step)[0] == "HOLDS"


def test_a_switch_to_a_colour_without_replicas() -> None:
    both = deployment("blue", labels=", all: web") + deployment("green", labels=", all: web", replicas=0)
    step = applied(service(selector="app: green"))
    verdict, lines = told(both + service(selector="app: blue"), step)
    assert verdict == "VIOLATED"
    assert lines.startswith('Service web, port 80: nobody answers any more after "apply Service web": no Pod bears')
    assert "Service web: spec: apply it only once Pods that it leads to are ready" in lines
    ready = both.replace("replicas: 0", "replicas: 1")
    assert told(ready + service(selector="app: blue"), step)[0] == "HOLDS"


def test_a_workload_that_is_scaled_to_zero() -> None:
    scale = {"scale": {"kind": "Deployment", "name": "web", "replicas": 0}}
    for replicas in (1, 2):
        verdict, lines = told(deployment(replicas=replicas) + service(), scale)
        assert verdict == "VIOLATED"
        assert "Deployment web: spec.replicas: a step asks for no Pods at all" in lines
        assert "leaves a gap" not in lines
    scale = {"scale": {"kind": "Deployment", "name": "web", "replicas": 1}}
    assert told(deployment(replicas=2) + service(), scale)[0] == "HOLDS"


def test_the_only_pod_is_deleted() -> None:
    verdict, lines = told(deployment() + service(), DELETE_POD)
    assert verdict == "VIOLATED"
    assert "Service web, port 80: nobody answers any more after" in lines
    assert "Deployment web: spec.replicas: a Pod that is alone leaves a gap" in lines
    assert told(deployment(replicas=2) + service(), DELETE_POD)[0] == "HOLDS"


def test_a_service_that_the_script_deletes_is_not_judged_afterwards() -> None:
    gone = {"deleteObject": {"kind": "Service", "name": "web"}}
    other = {"deleteObject": {"kind": "Deployment", "name": "web"}}
    text = deployment() + service()
    assert told(text, gone, other, consistency="linearizable", waitBetweenSteps=True)[0] != "VIOLATED"
    verdict, lines = told(text, other, consistency="linearizable", waitBetweenSteps=True)
    assert verdict == "VIOLATED"
    assert "it is gone, and its Pods go with it: a step deletes what made them" in lines


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [
        (", type: NodePort, externalTrafficPolicy: Local", "VIOLATED"),
        (", internalTrafficPolicy: Local", "VIOLATED"),
        (", type: NodePort", "HOLDS"),
    ],
)
def test_a_node_whose_own_pod_is_replaced_in_place(policy: str, verdict: str) -> None:
    text = deployment(replicas=2, strategy=IN_PLACE, pod=APART) + service(more=policy)
    found, lines = told(text, SET_IMAGE, nodes=2, consistency="linearizable")
    assert found == verdict
    assert verdict == "HOLDS" or "asked on node-" in lines
    assert verdict == "HOLDS" or "Deployment web: spec.strategy.rollingUpdate.maxUnavailable: with 0" in lines


@pytest.mark.parametrize(
    ("step", "replicas", "strategy", "advice"),
    [
        (SET_IMAGE, 1, "{type: Recreate}", "spec.strategy.type: RollingUpdate lets new Pods answer"),
        ("drain node-1", 1, "{type: Recreate}", "spec.replicas: a Pod that is alone leaves a gap"),
        ("drain node-1", 2, SURGE, "Deployment web: : a PodDisruptionBudget that selects its Pods"),
    ],
)
def test_what_to_change_hangs_on_who_takes_the_pod_a_rollout_or_a_drain(
    step: Any, replicas: int, strategy: str, advice: str
) -> None:
    near = "nodeSelector: {kubernetes.io/hostname: node-1}," if replicas > 1 else ""
    text = deployment(replicas=replicas, strategy=strategy, pod=near) + service()
    verdict, lines = told(text, step, nodes=2, consistency="linearizable")
    assert verdict == "VIOLATED"
    assert advice in lines


def test_a_name_that_leads_nowhere_once_its_only_pod_goes_is_blamed_on_who_makes_the_pod() -> None:
    text = deployment() + service(more=", clusterIP: None")
    verdict, lines = told(text, "drain node-1", nodes=2, consistency="linearizable")
    assert verdict == "VIOLATED"
    assert 'nobody answers any more after "drain node-1: evicts web-' in lines
    assert "Deployment web: spec.replicas: a Pod that is alone leaves a gap" in lines


# --- connections to who does not accept them --------------------------------------------------------------------------


@pytest.mark.parametrize("again", [True, False])
def test_a_service_that_a_step_applies(again: bool) -> None:  # noqa: FBT001
    """It is there already and gets a label more, or it only comes by the script."""
    labelled = service().replace("{name: web}", "{name: web, labels: {team: a}}")
    step = applied(labelled)
    before = service() if again else ""
    verdict, lines = told(deployment(hook="") + before, step, SET_IMAGE)
    assert verdict == "VIOLATED"
    assert "Deployment web: spec.template.spec.containers[0].lifecycle.preStop" in lines
    assert told(deployment() + before, step, SET_IMAGE)[0] == "HOLDS"


def test_two_services_of_which_the_first_ones_pods_have_no_hook() -> None:
    first, second = deployment("a", hook="") + service("a"), deployment("b") + service("b")
    steps = [{"setImage": {"kind": "Deployment", "name": name, "image": "web:2"}} for name in "ab"]
    verdict, lines = told(first + second, *steps, consistency="linearizable")
    assert verdict == "VIOLATED"
    assert "Deployment a: spec.template.spec.containers[0].lifecycle.preStop" in lines
    assert told(deployment("a") + service("a") + second, *steps, consistency="linearizable")[0] == "HOLDS"


@pytest.mark.parametrize(("hook", "verdict"), [("", "VIOLATED"), (HOOK, "HOLDS")])
def test_a_bare_pod_that_the_script_applies_and_deletes_beside_a_deployment(hook: str, verdict: str) -> None:
    steps = (applied(pod("extra", "app: web", hook=hook)), {"deletePod": {"name": "extra"}})
    found, lines = told(deployment() + service(), *steps, waitBetweenSteps=True)
    assert found == verdict
    assert verdict == "HOLDS" or "Pod extra: spec.containers[0].lifecycle.preStop" in lines


def test_a_service_that_publishes_unready_addresses_sends_connections_to_the_end() -> None:
    text = deployment() + service(more=", publishNotReadyAddresses: true")
    verdict, lines = told(text, SET_IMAGE)
    assert verdict == "VIOLATED"
    assert "which takes no more after" in lines


@pytest.mark.parametrize("fault", ["containerCrash", "nodeCrash"])
def test_a_fault_that_is_named_is_looked_at(fault: str) -> None:
    text = deployment(replicas=2, pod=APART) + service()
    verdict, lines = told(text, nodes=2, faults={fault: 1}, consistency="linearizable")
    assert verdict == "VIOLATED"
    assert "Service web, port 80: connections go to web-" in lines
    claim = reachability(scenario(text, nodes=2, consistency="linearizable"))
    assert (claim.status.value, claim.vacuous) == ("HOLDS", (NOBODY_GOES,))


def test_a_fault_that_hits_nobody_behind_a_service_is_no_breach() -> None:
    text = deployment("other") + deployment(replicas=0) + service()
    assert told(text, faults={"containerCrash": 1})[0] == "HOLDS"


# --- what is never taken away, and how long propagation may take ------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "start"),
    [
        ([], "empty"),
        ([{"scale": {"kind": "Deployment", "name": "web", "replicas": 2}}], "settled"),
        ([{"cordon": {"node": "node-1"}}], "settled"),
    ],
    ids=["a first apply", "a scale up", "a cordon"],
)
@pytest.mark.parametrize("bounds", [{}, {"propagation": "5s"}])
def test_where_no_pod_goes_no_connection_is_lost(step: list[Any], start: str, bounds: dict[str, str]) -> None:
    claim = reachability(scenario(deployment(hook="") + service(), *step, start=start, bounds=bounds))
    assert (claim.status.value, claim.vacuous) == ("HOLDS", (NOBODY_GOES,))


def test_without_a_bound_the_longest_propagation_is_the_answer() -> None:
    verdict, lines = told(deployment() + service(), SET_IMAGE, bounds={})
    assert verdict == "HOLDS"
    assert "more than 10 s after its deletion" in lines
    verdict, lines = told(deployment(hook="") + service(), SET_IMAGE, bounds={})
    assert verdict == "VIOLATED"
    assert "it holds for no propagation time" in lines
    assert told(deployment() + service(), SET_IMAGE, bounds={"propagation": "10s"})[0] == "HOLDS"
    assert told(deployment() + service(), SET_IMAGE, bounds={"propagation": "11s"})[0] == "VIOLATED"


def test_a_cordon_does_not_blind_the_endpoints() -> None:
    steps = ({"cordon": {"node": "node-1"}}, {"uncordon": {"node": "node-1"}}, SET_IMAGE)
    assert told(deployment(hook="") + service(), *steps, waitBetweenSteps=True)[0] == "VIOLATED"
    assert told(deployment() + service(), *steps, waitBetweenSteps=True)[0] == "HOLDS"


# --- faults planted in what is judged ---------------------------------------------------------------------------------

ANYWHERE = deployment(replicas=2, pod=APART, ports="{name: http, containerPort: 80}")
BY_NAME = "{port: 80, targetPort: http}"
PLANTED = {
    "the EndpointSlice controller is blind to ports": (
        ANYWHERE + service(ports=BY_NAME),
        "controllers.endpointslice.endpointslice",
        "containers=tuple(Container(container.name, ports=container.ports) for container in obj.spec.containers)",
        "containers=tuple(Container(container.name) for container in obj.spec.containers)",
    ),
    "it takes a Pod of the second node for gone": (
        ANYWHERE + service(ports=BY_NAME),
        "controllers.endpointslice.endpointslice",
        "or obj.finished or",
        'or obj.finished or obj.spec.node_name == "node-2" or',
    ),
}


LOCAL = ", type: NodePort, externalTrafficPolicy: Local"
PLANTED |= {
    "the rules of one node alone forget the last endpoint": (
        ANYWHERE + service(ports=BY_NAME),
        "kubeproxy.endpoints",
        "cluster = _cluster(found, zone)",
        "cluster = _cluster(found[1:] if node_name == 'node-2' else found, zone)",
    ),
    "under a policy Local a node uses the others' endpoints": (
        ANYWHERE + service(ports=BY_NAME, more=LOCAL),
        "kubeproxy.endpoints",
        "for address in found if address.local)",
        "for address in found if address.local or node_name == 'node-2')",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_seen_by_the_claim(name: str) -> None:
    text, module, before, after = PLANTED[name]
    with planted(f"kubeproof.impl.{module}", before, after):
        assert told(text, nodes=2)[0] == "VIOLATED"
    assert told(text, nodes=2)[0] == "HOLDS"


# --- who has left a Service, and who asks from where that cannot be seen ----------------------------------------------

BARE = "tolerations: [{operator: Exists}],"
SWITCH = (applied(service(selector="app: green")), {"scale": {"kind": "Deployment", "name": "web", "replicas": 0}})


@pytest.mark.parametrize(("hook", "verdict"), [("", "VIOLATED"), (HOOK, "HOLDS")])
def test_a_pod_that_the_selector_has_just_left_is_still_led_to(hook: str, verdict: str) -> None:
    text = deployment(hook=hook) + deployment("green") + service()
    found, lines = told(text, *SWITCH)
    assert found == verdict
    assert verdict == "HOLDS" or "still sends new connections to web-" in lines


@pytest.mark.parametrize(
    ("fronts", "who"),
    [
        (service(more=", clusterIP: None"), "the name of the headless Service web still leads new connections to web-"),
        (service(more=", clusterIP: None") + service("too", selector="app: web"), "kube-proxy on node-1 still sends"),
    ],
)
def test_no_proxy_is_on_the_way_to_pods_whose_service_has_no_address(fronts: str, who: str) -> None:
    verdict, lines = told(deployment(hook="") + fronts, SET_IMAGE)
    assert verdict == "VIOLATED"
    assert who in lines


def test_a_pod_that_the_selector_has_left_long_ago_is_not_led_to() -> None:
    assert told(deployment(hook="") + deployment("green") + service(), *SWITCH, waitBetweenSteps=True)[0] == "HOLDS"


def test_a_pod_whose_labels_have_just_left_the_service_is_still_led_to() -> None:
    text, out = pod("p", "app: web", hook="") + pod("q", "app: web") + service(), pod("p", "app: out", hook="")
    steps = (applied(out), {"deletePod": {"name": "p"}})
    assert told(text, *steps)[0] == "VIOLATED"
    assert told(text, *steps, waitBetweenSteps=True)[0] == "HOLDS"
    assert told(text.replace("app: web", "app: web", 1), applied(out))[0] == "HOLDS"


def test_a_pod_is_led_to_by_what_was_there_at_one_time() -> None:
    """A selector that comes to name labels which the Pod has left before never led to it."""
    text = pod("p", "app: old", hook="") + pod("q", "app: web") + service()
    steps = (applied(pod("p", "app: out", hook="")), applied(service(selector="app: old")))
    verdict, lines = told(text + pod("r", "app: old"), *steps, {"deletePod": {"name": "p"}})
    assert "connections to p" not in lines
    assert verdict != "UNKNOWN"


@pytest.mark.parametrize("policy", ["externalTrafficPolicy", "internalTrafficPolicy"])
def test_a_policy_that_becomes_local_leaves_nodes_without_an_answer(policy: str) -> None:
    nodeport = ", type: NodePort"
    text = deployment() + service(ports="{port: 80, nodePort: 30080}", more=nodeport)
    local = applied(service(ports="{port: 80, nodePort: 30080}", more=f"{nodeport}, {policy}: Local"))
    verdict, lines = told(text, local, nodes=2)
    assert verdict == "VIOLATED"
    assert f"({policy}: Local): nobody answers any more" in lines
    assert told(text, local, nodes=1)[0] == "HOLDS"


def test_a_node_that_has_no_pod_is_blamed_on_the_policy_not_on_the_selector() -> None:
    local = scenario(deployment() + service(), applied(service(more=", internalTrafficPolicy: Local")), nodes=2)
    claim = reachability(local)
    assert claim.status.value == "VIOLATED"
    assert "none of its Pods is on node-" in claim.lines[0]
    assert not [one for one in claim.blame if one.field == "spec.selector"]


PARTITION: dict[str, Any] = {"faults": {"partition": 1}, "consistency": "linearizable"}


def bound(name: str, node: str) -> str:
    return pod(name, "app: web").replace("spec: {", f"spec: {{nodeName: {node}, {BARE} ")


def test_a_node_that_is_cut_off_leads_where_it_did_whatever_has_changed() -> None:
    text = bound("p", "node-1") + bound("q", "node-2") + bound("r", "node-3") + service()
    deletes = {"deletePod": {"name": "p"}}
    for steps in ((deletes,), (applied(bound("p", "node-1").replace("app: web", "app: out")), deletes)):
        verdict, lines = told(text, *steps, nodes=3, **PARTITION)
        assert verdict == "VIOLATED"
        assert "which is cut off, sends connections to p" in lines
        assert told(text, *steps, nodes=3, consistency="linearizable")[0] == "HOLDS"


def test_a_node_that_is_cut_off_keeps_to_its_own_under_a_local_policy() -> None:
    text = (
        bound("p", "node-1")
        + bound("q", "node-2")
        + bound("r", "node-2")
        + service(more=", internalTrafficPolicy: Local")
    )
    claim = reachability(scenario(text, {"deletePod": {"name": "q"}}, nodes=2, **PARTITION))
    assert not [line for line in claim.lines if "node-1, which is cut off" in line]


def test_where_every_node_is_cut_off_they_still_lead_to_their_pods() -> None:
    """Lost is what is lost when the node is in touch again, and its proxy learns that its Pod is not ready."""
    claim = reachability(scenario(bound("p", "node-1") + service(), nodes=1, **PARTITION))
    assert claim.status.value == "VIOLATED"
    assert claim.trace is not None
    said = claim.trace.lines()
    assert any("is in touch again" in line for line in said)


@pytest.mark.parametrize("fault", ["nodeReboot", "nodeCrash", "containerCrash", "partition"])
def test_no_manifest_is_blamed_for_a_fault(fault: str) -> None:
    claim = reachability(scenario(deployment() + service(), faults={fault: 1}, consistency="linearizable"))
    assert claim.status.value == "VIOLATED"
    assert claim.blame == ()


@pytest.mark.parametrize("fault", ["nodeReboot", "nodeCrash", "partition"])
def test_a_fault_may_strike_a_node_that_a_step_applies(fault: str) -> None:
    node = {"apply": {"object": {
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "late", "labels": {"kubernetes.io/hostname": "late"}},
        "status": {"capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"}},
    }}}  # fmt: skip
    given = scenario(deployment(replicas=0) + service(), node, faults={fault: 1}, consistency="linearizable")
    assert {one.status.value for one in check(given).claims} >= {"HOLDS"}


def test_whose_object_goes_before_its_containers_stop_is_said_where_that_is_open() -> None:
    """The collector takes away the Pods of a node that is deleted; what its kubelet does with them nobody tells."""
    deletes = {"deleteNode": {"node": "node-1"}}
    verdict, lines = told(deployment(replicas=2) + service(), deletes, nodes=2, consistency="linearizable")
    assert verdict == "UNKNOWN"
    assert "before its containers stop (it is deleted by force, its node is deleted" in lines


def around(*pods: Pod) -> tuple[Any, ...]:
    """Return Pods with two nodes and a Service before them."""
    spec = ServiceSpec(selector=strings({"app": "web"}), ports=(ServicePort(port=80),), cluster_ip="10.96.0.10")
    nodes = (Node(ObjectMeta(name=name)) for name in ("node-1", "node-2"))
    return (*nodes, Service(ObjectMeta(name="web", namespace="default", uid="s"), spec), *pods)


def standing(name: str, node: str, address: str, *, ready: bool = True) -> Pod:
    """Return a Pod that runs."""
    meta = ObjectMeta(name=name, namespace="default", uid=name, labels=strings({"app": "web"}))
    container = Container(name="app", image="web:1", ports=(ContainerPort(container_port=80),))
    condition = PodCondition("Ready", "True" if ready else "False")
    status = PodStatus(phase="Running", pod_ip=address, conditions=(condition,))
    return Pod(meta, PodSpec(containers=(container,), node_name=node), status)


def test_who_has_which_address_is_of_no_account() -> None:
    asked: set[Any] = set()

    def judge(*question: Any) -> tuple[str, ...]:
        asked.add(question)
        return (f"{question[0]}: wrong",)

    one = around(standing("a", "node-1", "10.1.0.1"), standing("b", "node-2", "10.1.0.2", ready=False))
    other = around(standing("a", "node-2", "10.1.0.1", ready=False), standing("b", "node-1", "10.1.0.2"))
    turned = around(standing("a", "node-2", "10.1.0.1"), standing("b", "node-1", "10.1.0.2", ready=False))
    for objects, questions in ((one, 2), (other, 2), (turned, 4)):
        assert _once_settled(judge, objects) == ("node-1: wrong", "node-2: wrong")
        assert len(asked) == questions
