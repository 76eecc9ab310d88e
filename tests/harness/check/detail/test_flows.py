"""The claim about UDP senders: what it is made of, what it does not know, and that it can fail."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from immutabledict import immutabledict

from kubeproof.harness.check.check import check, machine_for
from kubeproof.harness.check.detail.flows import IN_FLOW
from kubeproof.harness.check.results import Claim
from kubeproof.harness.face import Cluster
from kubeproof.harness.input.scenario import Scenario
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.model.checker import replay
from kubeproof.model.checker.results import Status
from planted import planted

HOOK = "lifecycle: {preStop: {sleep: {seconds: 10}}}, "
DEPLOYMENT = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: dns}\nspec: {replicas: 1, selector: {matchLabels: "
    "{app: dns}}, template: {metadata: {labels: {app: dns}}, spec: {containers: [{"
    + HOOK
    + "name: app, image: 'dns:1', ports: [{containerPort: 5353, protocol: UDP}]}]}}}\n---\n"
)
SERVICE = (
    "apiVersion: v1\nkind: Service\nmetadata: {name: dns}\n"
    "spec: {selector: {app: dns}, ports: [{port: 53, targetPort: 5353, protocol: UDP}]}\n---\n"
)
CLOSER: dict[str, Any] = {"detail": {"proxy": "connections"}, "nodes": 2, "bounds": {"propagation": "5s"}}
SET_IMAGE = {"setImage": {"kind": "Deployment", "name": "dns", "image": "dns:2"}}
TO_ZERO = {"scale": {"kind": "Deployment", "name": "dns", "replicas": 0}}


def scenario(manifests: str, *script: Any, **options: Any) -> Scenario:
    given = CLOSER | {"script": list(script)} | options
    return Cluster("small", immutabledict({"all.yaml": manifests})).given(given).load().scenario


def flows(made: Scenario) -> Claim:
    return next(one for one in check(made).claims if one.name == "flows")


def test_a_sender_that_keeps_its_socket_is_left_with_who_is_gone_and_the_run_replays() -> None:
    made = scenario(DEPLOYMENT + SERVICE, SET_IMAGE, switches={"conntrack": "never"})
    claim = flows(made)
    assert (claim.status, claim.kind) == (Status.VIOLATED, f"{IN_FLOW} to default/dns/53")
    assert "which its rules no longer choose" in claim.lines[0]
    assert claim.trace is not None
    assert replay(machine_for(made, claim.kind), claim.trace).complete


def test_kube_proxy_of_1_32_clears_what_has_gone_and_not_what_is_empty() -> None:
    claim = flows(scenario(DEPLOYMENT + SERVICE, SET_IMAGE))
    assert (claim.status, claim.vacuous) == (Status.HOLDS, False)
    assert claim.lines[0].startswith("53/UDP of Service dns: ")
    assert flows(scenario(DEPLOYMENT + SERVICE, TO_ZERO)).status is Status.VIOLATED
    assert flows(scenario(DEPLOYMENT + SERVICE, TO_ZERO, switches={"conntrack": "empty-ports"})).status is Status.HOLDS


def test_a_proxy_that_clears_nothing_is_noticed() -> None:
    with planted("kubeproof.harness.check.detail.flows", "(Cleanup.RECONCILED, ALL_EVENTS))", "(None, ALL_EVENTS))"):
        assert flows(scenario(DEPLOYMENT + SERVICE, SET_IMAGE)).status is Status.VIOLATED


@pytest.mark.parametrize(
    "manifests",
    [DEPLOYMENT, DEPLOYMENT.replace("UDP", "TCP") + SERVICE.replace("UDP", "TCP")],
    ids=["no Service", "TCP"],
)
def test_where_nobody_sends_by_udp_nothing_is_said(manifests: str) -> None:
    claim = flows(scenario(manifests, SET_IMAGE))
    assert (claim.status, claim.vacuous) == (Status.HOLDS, True)


@pytest.mark.parametrize(
    ("manifests", "step", "why"),
    [
        (DEPLOYMENT + SERVICE, {"drain": {"node": "node-1"}}, "after a step: drain node-1"),
        (DEPLOYMENT.replace("replicas: 1", "replicas: 4") + SERVICE, SET_IMAGE, "4 Pods are behind dns"),
    ],
    ids=["a drain", "many Pods"],
)
def test_what_it_does_not_know_leaves_the_claim_open(manifests: str, step: dict[str, Any], why: str) -> None:
    claim = flows(scenario(manifests, step, nodes=1, consistency="linearizable"))
    assert claim.status is Status.UNKNOWN
    assert why in claim.lines[0]


def test_it_is_made_only_where_it_is_asked_for() -> None:
    made = scenario(DEPLOYMENT + SERVICE, SET_IMAGE, detail={})
    assert "flows" not in [one.name for one in check(made).claims]
    with pytest.raises(BadInput, match=r"switches.conntrack: nobody would see it \(write detail: {proxy: connections}"):
        scenario(DEPLOYMENT + SERVICE, detail={}, switches={"conntrack": "never"})


# --- what is not this Service's, and what is --------------------------------------------------------------------------

OTHER = DEPLOYMENT.replace("dns", "web")
ASKS = DEPLOYMENT.replace("image: 'dns:1'", "image: 'dns:1', resources: {requests: {cpu: 100m}}")
ABROAD = SERVICE.replace("name: dns", "name: dns, namespace: x")
SPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n---\n"
OF_TWO = SERVICE.replace("{port: 53,", "{name: other, port: 54, protocol: UDP, targetPort: nix}, {name: dns, port: 53,")
ELSEWHERE = SERVICE.replace("app: dns", "app: nobody")
SCALE_OTHER = {"scale": {"kind": "Deployment", "name": "web", "replicas": 0}}


def applied(text: str) -> dict[str, Any]:
    return {"apply": {"object": yaml.safe_load(text.removesuffix("---\n"))}}


@pytest.mark.parametrize(
    ("manifests", "steps", "status"),
    [
        (ASKS + SERVICE, [TO_ZERO], "VIOLATED"),
        (DEPLOYMENT + SERVICE + OTHER, [SCALE_OTHER], "HOLDS"),
        (
            SPACE + DEPLOYMENT + SERVICE + ABROAD,
            [{"deleteObject": {"kind": "Service", "name": "dns", "namespace": "x"}}],
            "HOLDS",
        ),
        (DEPLOYMENT + OF_TWO, [TO_ZERO], "VIOLATED"),
        (DEPLOYMENT + SERVICE, [applied(ELSEWHERE)], "VIOLATED"),
        (DEPLOYMENT + SERVICE, [{"deleteObject": {"kind": "Deployment", "name": "dns"}}], "VIOLATED"),
        (DEPLOYMENT + SERVICE, [{"deletePod": {"workload": "Deployment/dns"}}], "HOLDS"),
        (DEPLOYMENT + SERVICE, [applied(DEPLOYMENT.replace("dns:1", "dns:2"))], "HOLDS"),
        (
            DEPLOYMENT + SERVICE,
            [{"deleteObject": {"kind": "Service", "name": "dns"}}, applied(SERVICE)],
            "HOLDS",
        ),
    ],
    ids=[
        "a Pod that asks for room",
        "another workload",
        "another namespace",
        "the second port",
        "a selector that leads to nobody",
        "the workload is deleted",
        "a Pod that is made anew",
        "another image by apply",
        "deleted and applied again",
    ],
)
def test_what_steps_do_to_a_service_and_its_pods_is_read_off_what_they_write(
    manifests: str, steps: list[Any], status: str
) -> None:
    switches = {"conntrack": "deleted-services"} if status == "HOLDS" and ABROAD in manifests else {}
    switches |= {"conntrack": "deleted-services"} if len(steps) > 1 else {}
    assert flows(scenario(manifests, *steps, switches=switches, consistency="linearizable")).status.value == status


def test_a_sender_that_was_there_before_the_first_apply() -> None:
    old = {"start": "empty", "consistency": "linearizable", "switches": {"conntrack": "removed-endpoints"}}
    assert flows(scenario(DEPLOYMENT + SERVICE, **old)).status is Status.VIOLATED
    assert flows(scenario(DEPLOYMENT + SERVICE, **old | {"switches": {}})).status is Status.HOLDS


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"faults": {"nodeCrash": 1}}, "after a node crash"),
        ({"images": "byName"}, "images that behave as they are called"),
    ],
    ids=["a fault", "images"],
)
def test_faults_and_images_that_it_does_not_know_leave_it_open(options: dict[str, Any], why: str) -> None:
    claim = flows(scenario(DEPLOYMENT + SERVICE, consistency="linearizable", **options))
    assert claim.status is Status.UNKNOWN
    assert why in claim.lines[0]
