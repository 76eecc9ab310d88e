"""Steps are said in the words of who knows kubectl: no numbers of slots, no names of actions."""

from __future__ import annotations

import pytest

from kubeproof.impl.api.meta import Ref
from kubeproof.traces.words import who_did

POD, REPLICASET = Ref("Pod", "default", "web-1-p0"), Ref("ReplicaSet", "default", "web-1")
SAID = [
    (
        ("replicaset-controller 1: sends", "creates Pod web-1-p0", "replicaset-controller", "sends", REPLICASET),
        "replicaset-controller web-1: creates Pod web-1-p0",
    ),
    (
        ("deployment-controller web: sees ReplicaSet", "sees ReplicaSet", "deployment-controller", "sees", REPLICASET),
        "deployment-controller web: sees ReplicaSet",
    ),
    (
        ("kubelet 3: works", "node-1: start containers (web-1-p0)", "kubelet", "works", POD),
        "kubelet node-1: start containers (web-1-p0)",
    ),
    (
        ("kubectl 1: scale deployment/web 3", "scale deployment/web 3", "kubectl", "begins", "0"),
        "kubectl scale deployment/web 3",
    ),
    (
        ("kubectl 2: drain node-1 evicts", "drain node-1: evicts web-1-p0", "kubectl", "evicts", "1"),
        "kubectl drain node-1: evicts web-1-p0",
    ),
    (
        ("kubectl 1: delete pod web", "kubectl finds nothing: Pod web", "kubectl", "begins", "0"),
        "kubectl delete pod web: there is no Pod web",
    ),
    (
        ("scheduler 2: sends", "binds Pod web-1-p0 to node-1", "scheduler", "sends", Ref("Scheduler", "", "b")),
        "scheduler 2: binds Pod web-1-p0 to node-1",
    ),
    (
        ("kubelet 0: container crashes", "a container of web-1-p0 exits", "kubelet", "container crashes", POD),
        "kubelet: a container of web-1-p0 exits",
    ),
    (("node node-1: dies", "node node-1 dies", "", "dies", "node-1"), "node node-1 dies"),
    (("worker 1: acts", "is first", "", "", ""), "worker 1: acts: is first"),
]


@pytest.mark.parametrize(("step", "said"), SAID, ids=[said for _, said in SAID])
def test_a_step_is_said_by_what_it_is_about(step: tuple[str, str, str, str, Ref | str], said: str) -> None:
    assert who_did(*step) == said
