"""Faults planted in kubectl, and the walk beside its model that notices them."""

from __future__ import annotations

import random

import pytest

from kubeproof.impl.api.apps import Deployment, DeploymentSpec
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Container, Node, Pod, PodSpec, PodTemplateSpec
from kubeproof.impl.api.meta import ObjectMeta, OwnerReference
from kubeproof.impl.kubectl import script
from kubeproof.model.components.control_plane import kubectl as model
from kubeproof.properties.refinement.kubectl import abstract, action, run
from planted import planted

ROOM = "kubeproof.impl.kubectl."
FAULTS = [
    (
        "set image hits the wrong container",
        "workloads",
        "return tuple(name for name in names if name == container)",
        "return tuple(name for name in names if name != container)[:1]",
    ),
    (
        "scale is off by one",
        "workloads",
        "return (Update(with_size(live, replicas), live, ",
        "return (Update(with_size(live, replicas + 1), live, ",
    ),
    (
        "drain evicts DaemonSet Pods",
        "nodes",
        "(of_daemon_set and not pod.finished)",
        "(of_daemon_set and pod.finished)",
    ),
    ("drain forgets to cordon", "nodes", "return (*cordon, *(Evict", "return (*(), *(Evict"),
    (
        "a drain empties every node",
        "nodes",
        "if pod.spec.node_name == drain.node)",
        "if pod.spec.node_name)",
    ),
    (
        "a taint replaces those of other effects",
        "nodes",
        "if (other.key, other.effect) != (taint.key, taint.effect))",
        "if other.key != taint.key)",
    ),
    ("a label is replaced unasked", "nodes", "if kept_ones and not overwrite:", "if False:"),
    ("a taint is replaced unasked", "nodes", "if not overwrite and any(", "if overwrite and any("),
    (
        "uncordon is taken for cordon",
        "nodes",
        "evolve(node.spec, unschedulable=unschedulable)",
        "evolve(node.spec, unschedulable=True)",
    ),
]


def start() -> Cache:
    spec = PodSpec(containers=(Container(name="app", image="i:1"), Container(name="side", image="i:1")))
    daemon = OwnerReference("apps/v1", "DaemonSet", "ds", "u", controller=True)
    return Cache.of(
        (
            Deployment(ObjectMeta(name="web", namespace="d"), DeploymentSpec(2, template=PodTemplateSpec(spec=spec))),
            *(Node(ObjectMeta(name=name)) for name in ("n1", "n2")),
            *(Pod(ObjectMeta(name=f"p{n}", namespace="d"), PodSpec(node_name=f"n{n}")) for n in (1, 2)),
            Pod(ObjectMeta(name="ds-1", namespace="d", owner_references=(daemon,)), PodSpec(node_name="n1")),
        )
    )


def step(dice: random.Random) -> script.Step:
    node, effect = dice.choice(["n1", "n2"]), dice.choice(["NoSchedule", "NoExecute"])
    return dice.choice(
        [
            script.SetImage("Deployment", "web", dice.choice(["i:1", "i:2"]), dice.choice(["app", "side"])),
            script.Scale("Deployment", "web", dice.randrange(4)),
            script.Cordon(node),
            script.Uncordon(node),
            script.Drain(node, force=True, ignore_daemonsets=True),
            script.Taint(node, "k", dice.choice(["1", "2"]), effect, overwrite=dice.random() < 0.5),
            script.LabelNode(node, {"k": dice.choice(["1", "2"])}, overwrite=dice.random() < 0.5),
            script.Untaint(node, "k", effect),
        ]
    )


def check_all() -> None:
    """Run commands at random; each must change what it means, and nothing else."""
    for seed in range(40):
        dice = random.Random(seed)  # noqa: S311 - a seeded choice of examples
        cache = start()
        for _ in range(8):
            command = step(dice)
            expected = abstract(cache)
            for one in action(command):
                expected = model.after(expected, one)
            cache = run(command, cache, "d")
            assert abstract(cache) == expected, command


def test_without_a_fault_every_command_means_what_it_does() -> None:
    check_all()
    assert abstract(start()).pods["ds-1"].stays


@pytest.mark.parametrize(("module", "before", "after"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS])
def test_a_fault_is_noticed(module: str, before: str, after: str) -> None:
    with planted(ROOM + module, before, after), pytest.raises(AssertionError):
        check_all()
