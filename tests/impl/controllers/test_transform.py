"""What a controller's transform drops, it never looks at: on slim objects every sync is the same sync."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from immutabledict import immutabledict

from kubeproof.impl.api import apps, core, policy
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.kinds import Object, kind_of, ref_of
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta, OwnerReference
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.controllers import disruption, garbage, nodelifecycle, podgc, tainteviction
from kubeproof.impl.controllers.deployment import deployment
from kubeproof.impl.controllers.endpointslice import endpointslice
from kubeproof.impl.controllers.replicaset import replicaset
from kubeproof.properties.refinement.granted import all_granted

LABELS = strings({"app": "web"})
SOMETIMES = st.sampled_from([False, False, True])


def owner(kind: str, name: str) -> OwnerReference:
    version = "v1" if kind == "Service" else "apps/v1"
    return OwnerReference(version, kind, name, f"{kind}/d/{name}", controller=True, block_owner_deletion=True)


@st.composite
def pods(draw: st.DrawFn, name: str) -> core.Pod:
    """Draw a Pod with noise in the fields that nobody, or not everybody, should look at."""
    owners = draw(st.sampled_from([(), (owner("ReplicaSet", "r1"),), (owner("ReplicaSet", "r2"),)]))
    metadata = ObjectMeta(
        name=name,
        namespace="d",
        uid=f"Pod/d/{name}",
        labels=strings({"app": draw(st.sampled_from(["web", "web", "db"])), "pod-template-hash": "x"}),
        annotations=strings(
            {
                "note": draw(st.sampled_from("ab")),
                "controller.kubernetes.io/pod-deletion-cost": draw(st.sampled_from("012")),
            }
        ),
        creation_timestamp=draw(st.integers(1, 3)),
        deletion_timestamp=draw(st.sampled_from([None, None, 7])),
        owner_references=owners,
    )
    port = core.ContainerPort(draw(st.sampled_from([80, 81])), "http")
    spec = core.PodSpec(
        containers=(core.Container("c", draw(st.sampled_from(["i", "j"])), ports=(port,)),),
        init_containers=(core.Container("s", restart_policy="Always"), core.Container("i")),
        node_name=draw(st.sampled_from(["", "n1", "n2", "n3"])),
        tolerations=draw(
            st.sampled_from(
                [
                    (),
                    (core.Toleration("node.kubernetes.io/unreachable", "Exists", toleration_seconds=5),),
                    (core.Toleration(operator="Exists", effect="NoSchedule"),),
                ]
            )
        ),
        priority=draw(st.integers(0, 1)),
    )
    ready = core.PodCondition("Ready", draw(st.sampled_from(["True", "False"])), "r", "m", draw(st.integers(1, 3)))
    restarts = draw(st.integers(0, 1))
    status = core.PodStatus(
        phase=draw(st.sampled_from(["Pending", "Running", "Running", "Failed", "Unknown"])),
        conditions=(core.PodCondition("PodScheduled", "True"), ready),
        pod_ip=draw(st.sampled_from(["", f"10.0.0.{name[1:]}"])),
        container_statuses=(core.ContainerStatus("c", restart_count=restarts, image="i"),),
        init_container_statuses=(core.ContainerStatus("i", restart_count=draw(st.integers(0, 1))),),
    )
    return core.Pod(metadata, spec, status)


@st.composite
def nodes(draw: st.DrawFn, name: str) -> core.Node:
    """Draw a node with labels, taints and a readiness."""
    taints = [
        core.Taint("node.kubernetes.io/unreachable", "NoExecute", time_added=draw(st.integers(1, 2))),
        core.Taint("node.kubernetes.io/out-of-service", "NoExecute", "nodeshutdown"),
        core.Taint("node.kubernetes.io/unschedulable", "NoSchedule"),
    ]
    return core.Node(
        ObjectMeta(
            name=name,
            uid=f"Node//{name}",
            labels=strings(
                {"topology.kubernetes.io/zone": draw(st.sampled_from("ab")), "os": draw(st.sampled_from("lw"))}
            ),
            annotations=strings({"n": draw(st.sampled_from("ab"))}),
            deletion_timestamp=draw(st.sampled_from([None, None, 4])),
        ),
        core.NodeSpec(unschedulable=draw(st.booleans()), taints=tuple(one for one in taints if draw(SOMETIMES))),
        core.NodeStatus(
            conditions=(core.NodeCondition("Ready", draw(st.sampled_from(["True", "Unknown"])), "because"),)
        ),
    )


@st.composite
def replica_sets(draw: st.DrawFn, name: str) -> apps.ReplicaSet:
    """Draw a ReplicaSet of the Deployment `web`, or of nobody."""
    template = core.PodTemplateSpec(ObjectMeta(labels=LABELS), core.PodSpec((core.Container("c", name),)))
    return apps.ReplicaSet(
        ObjectMeta(
            name=name,
            namespace="d",
            uid=f"ReplicaSet/d/{name}",
            labels=LABELS,
            owner_references=draw(st.sampled_from([(), (owner("Deployment", "web"),)])),
        ),
        apps.ReplicaSetSpec(draw(st.integers(0, 3)), draw(st.integers(0, 1)), LabelSelector(LABELS), template),
        apps.ReplicaSetStatus(available_replicas=draw(st.integers(0, 2)), replicas=draw(st.integers(0, 2))),
    )


@st.composite
def worlds(draw: st.DrawFn) -> Cache:
    """Draw everything at once, slices included: those are what the controller made of another moment."""
    made_of = [draw(pods(f"p{number}")) for number in range(draw(st.integers(0, 4)))]
    web = apps.Deployment(
        ObjectMeta(
            name="web", namespace="d", uid="Deployment/d/web", deletion_timestamp=draw(st.sampled_from([None, None, 3]))
        ),
        apps.DeploymentSpec(
            replicas=draw(st.integers(0, 3)),
            selector=LabelSelector(LABELS),
            template=core.PodTemplateSpec(
                ObjectMeta(labels=LABELS), core.PodSpec((core.Container("c", draw(st.sampled_from(["r1", "r9"]))),))
            ),
            strategy=apps.DeploymentStrategy(draw(st.sampled_from(["RollingUpdate", "Recreate"]))),
        ),
    )
    service = core.Service(
        ObjectMeta(name="web", namespace="d", uid="Service/d/web"),
        core.ServiceSpec(
            selector=LABELS, ports=(core.ServicePort(80, "http", target_port="http"),), cluster_ip="10.96.0.1"
        ),
    )
    amount: Any = draw(st.sampled_from([1, "50%"]))
    pdb = policy.PodDisruptionBudget(
        ObjectMeta(name="pdb", namespace="d", uid="PodDisruptionBudget/d/pdb"),
        policy.PodDisruptionBudgetSpec(max_unavailable=amount, selector=LabelSelector(LABELS)),
        policy.PodDisruptionBudgetStatus(disrupted_pods=immutabledict({"p1": 1})),
    )
    rest: list[Object] = [web, service, pdb]
    rest += [draw(replica_sets(f"r{number}")) for number in range(draw(st.integers(1, 2)))]
    rest += [draw(nodes(f"n{number}")) for number in range(1, draw(st.integers(1, 3)))]
    before = Cache.of([*rest, *made_of])
    sliced = all_granted(before, endpointslice.reconcile(before, ref_of(service)), "s")
    later = [draw(pods(pod.metadata.name)) for pod in made_of]
    return Cache.of([*sliced.objects.values(), *later])


def slimmed(store: Cache, transform: Any) -> Cache:
    """Return the objects that a controller with this transform is shown."""
    shown = (
        (transform[kind_of(one).name](one), one) for one in store.objects.values() if kind_of(one).name in transform
    )
    return Cache.of(slim for slim, _ in shown if slim is not None)


CASES: list[tuple[ModuleType, str, dict[str, Any]]] = [
    (replicaset, "ReplicaSet", {}),
    (replicaset, "ReplicaSet", {"now": 9}),
    (deployment, "Deployment", {}),
    (endpointslice, "Service", {}),
    (disruption, "PodDisruptionBudget", {}),
    (nodelifecycle, "Node", {"heartbeat_lost": True}),
    (nodelifecycle, "Node", {}),
    (tainteviction, "Pod", {}),
    (podgc, "Pod", {}),
    (garbage, "Pod", {}),
]


@pytest.mark.parametrize(("module", "kind", "arguments"), CASES)
@settings(max_examples=25)
@given(data=st.data())
def test_a_sync_on_slim_objects_is_the_same_sync(
    module: Any, kind: str, arguments: dict[str, Any], data: st.DataObject
) -> None:
    store = data.draw(worlds())
    slim = slimmed(store, module.TRANSFORM)
    for ref in store.objects:
        if ref.kind == kind:
            assert module.reconcile(slim, ref, **arguments) == module.reconcile(store, ref, **arguments)
    assert sorted(module.TRANSFORM) == sorted(module.reads(ref_of(store.list(core.Service)[0])))


@settings(max_examples=50)
@given(worlds())
def test_a_coarse_view_offers_every_choice_of_the_exact_one(store: Cache) -> None:
    ready_at_once = [
        evolve(one, spec=evolve(one.spec, min_ready_seconds=0)) if isinstance(one, apps.ReplicaSet) else one
        for one in store.objects.values()
    ]
    store = Cache.of(ready_at_once)
    coarse, exact = slimmed(store, replicaset.COARSE_TRANSFORM), slimmed(store, replicaset.TRANSFORM)
    for ref in store.objects:
        if ref.kind == "ReplicaSet":
            offered = {frozenset(one) for one in replicaset.reconcile_all(coarse, ref)}
            assert {frozenset(one) for one in replicaset.reconcile_all(exact, ref)} <= offered


def test_slim_pods_of_equal_use_are_equal() -> None:
    def pod(ip: str, image: str) -> core.Pod:
        spec = core.PodSpec((core.Container("c", image),), node_name="n1")
        return core.Pod(ObjectMeta(name="p", namespace="d"), spec, core.PodStatus("Running", pod_ip=ip))

    slim: Callable[[Object], Object | None] = replicaset.TRANSFORM["Pod"]
    assert slim(pod("10.0.0.1", "a")) == slim(pod("10.0.0.2", "b"))
    assert endpointslice.TRANSFORM["Pod"](pod("10.0.0.1", "a")) != endpointslice.TRANSFORM["Pod"](pod("10.0.0.2", "a"))
