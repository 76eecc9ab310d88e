"""Host ports of containers that run beside others: scheduler, kubelet and specification count them alike."""

from __future__ import annotations

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.impl.api.core import Container, ContainerPort, Node, Pod, PodSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.kubelet.admission import admit
from kubeproof.impl.scheduler.plugins.node_ports import host_ports
from kubeproof.properties.placement.nodes import clash
from planted import planted

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  initContainers: [{{name: proxy, image: "proxy:1", {restarts} ports: [{{containerPort: 15000, hostPort: 15000}}]}}]
  containers: [{{name: app, image: "app:1"}}]
---
"""
SIDECAR, FIRST = "restartPolicy: Always,", ""


def convergence(restarts: str, nodes: int = 1) -> str:
    text = "".join(POD.format(name=name, restarts=restarts) for name in "ab")
    report = check(load_scenario("ports", {"all.yaml": text}, {"nodes": nodes}).scenario)
    return next(claim.status.value for claim in report.claims if claim.name == "convergence")


def test_two_sidecars_cannot_have_one_port_of_a_node() -> None:
    """k/k#132037."""
    assert convergence(SIDECAR) == "VIOLATED"
    assert convergence(SIDECAR, nodes=2) == "HOLDS"


def test_an_init_container_that_ends_takes_no_port() -> None:
    assert convergence(FIRST) == "HOLDS"


def test_who_does_not_count_sidecars_binds_both() -> None:
    line = "(*pod.spec.containers, *pod.spec.sidecars)"
    with planted("kubeproof.impl.scheduler.plugins.node_ports", line, "pod.spec.containers"):
        report = check(load_scenario("p", {"all.yaml": "".join(POD.format(name=n, restarts=SIDECAR) for n in "ab")},
                                     {"nodes": 1}).scenario)  # fmt: skip
    assert {one.status.value for one in report.claims if one.name == "placement"} == {"VIOLATED"}


@pytest.mark.parametrize(("restarts", "counts"), [("Always", True), ("", False)])
def test_all_three_count_alike(restarts: str, counts: bool) -> None:  # noqa: FBT001
    box = Container("proxy", "proxy:1", ports=(ContainerPort(container_port=15000, host_port=15000),),
                    restart_policy=restarts)  # fmt: skip
    one, other = (Pod(ObjectMeta(name), PodSpec(init_containers=(box,))) for name in "ab")
    assert bool(host_ports(one)) is counts
    assert (clash(one, other) is not None) is counts
    assert (admit(one, Node(ObjectMeta("n")), [other]) is not None) is counts
