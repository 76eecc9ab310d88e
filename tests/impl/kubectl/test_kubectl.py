"""kubectl against its recorded requests, and what its commands ask for."""

from __future__ import annotations

import json
import lzma
import re
from typing import Any

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.impl.api.apps import (
    ControllerRevision,
    DaemonSet,
    DaemonSetSpec,
    Deployment,
    DeploymentSpec,
    ReplicaSet,
    ReplicaSetSpec,
    RevisionData,
    RevisionSpec,
    StatefulSet,
    StatefulSetSpec,
)
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Container, Node, NodeSpec, Pod, PodSpec, PodTemplateSpec, Taint
from kubeproof.impl.api.kinds import Object, ref_of
from kubeproof.impl.api.meta import ObjectMeta, OwnerReference, Ref
from kubeproof.impl.api.networking import (
    NetworkPolicy,
    NetworkPolicyEgressRule,
    NetworkPolicyIngressRule,
    NetworkPolicySpec,
)
from kubeproof.impl.api.requests import Create, Delete, Evict, Update
from kubeproof.impl.api.values.frozen import freeze, strings
from kubeproof.impl.apiserver.defaulting.defaulting import default
from kubeproof.impl.kubectl import script
from kubeproof.impl.kubectl.apply import LAST_APPLIED
from kubeproof.impl.kubectl.run import run, run_requests
from kubeproof.impl.kubectl.three_way_merge import merge
from places import VECTORS

RECORDED = VECTORS / "kubectl" / "requests.txt.xz"


def test_run_sends_the_three_recorded_requests() -> None:
    with lzma.open(RECORDED, "rt") as text:
        lines = text.read().partition("== 01_run_coldcache")[2].partition("\n==")[0].splitlines()[1:]
    ours = run_requests(run("nginx-pod", "nginx:latest"))
    assert [line.split()[:2] for line in lines] == [[one.method, one.url] for one in ours]
    assert [line.partition("[accept=")[2].split("]")[0].partition(", ct=")[0] for line in lines] == [
        one.accept for one in ours
    ]
    assert freeze(json.loads(lines[2].partition("body=")[2])) == ours[2].body


def deployment(image: str = "app:1", *, containers: tuple[str, ...] = ("app",)) -> Deployment:
    spec = PodSpec(containers=tuple(Container(name=one, image=image) for one in containers))
    template = PodTemplateSpec(ObjectMeta(labels=strings({"app": "web"})), spec)
    return Deployment(ObjectMeta(name="web", namespace="d", uid="u1"), DeploymentSpec(replicas=2, template=template))


def replica_set(name: str, image: str, revision: int) -> ReplicaSet:
    owner = OwnerReference("apps/v1", "Deployment", "web", "u1", controller=True)
    notes = strings({"deployment.kubernetes.io/revision": str(revision), "why": image})
    template = deployment(image).spec.template
    hashed = evolve(template.metadata, labels=strings({"app": "web", "pod-template-hash": name}))
    meta = ObjectMeta(name=name, namespace="d", owner_references=(owner,), annotations=notes)
    return ReplicaSet(meta, ReplicaSetSpec(template=evolve(template, metadata=hashed)))


def pod(name: str, node: str = "n1", *, owner: str = "", **meta: object) -> Pod:
    owners = (OwnerReference("apps/v1", owner, "x", "u", controller=True),) if owner else ()
    return Pod(ObjectMeta(name=name, namespace="d", owner_references=owners, **meta), PodSpec(node_name=node))


def asked(step: script.Step, *objects: Object) -> object:
    return script.requests(step, Cache.of(objects), "d")


def changed(step: script.Step, *objects: Object) -> Object:
    found = asked(step, *objects)
    assert isinstance(found, tuple)
    assert isinstance(found[0], Update)
    return found[0].object


def images(obj: Object) -> list[str]:
    assert isinstance(obj, Deployment)
    return [one.image for one in obj.spec.template.spec.containers]


def test_set_image_changes_the_container_it_names_and_no_other() -> None:
    two = deployment(containers=("app", "side"))
    assert images(changed(script.SetImage("Deployment", "web", "app:2", "side"), two)) == ["app:1", "app:2"]
    assert images(changed(script.SetImage("Deployment", "web", "app:2", "*"), two)) == ["app:2", "app:2"]
    assert images(changed(script.SetImage("Deployment", "web", "app:2"), deployment())) == ["app:2"]
    assert asked(script.SetImage("Deployment", "web", "app:1"), deployment()) == ()


@pytest.mark.parametrize(
    "step",
    [
        script.SetImage("Deployment", "web", "app:2"),
        script.SetImage("Deployment", "web", "app:2", "none"),
        script.SetImage("Deployment", "other", "app:2", "app"),
        script.Scale("Deployment", "other", 1),
        script.RolloutUndo("Deployment", "web"),
        script.DeleteObject("Deployment", "other"),
        script.DeleteObject("Gadget", "web"),
        script.DeletePod(workload="Deployment/web"),
        script.Cordon("n9"),
        script.Drain("n9"),
        script.Untaint("n1", "gone"),
    ],
    ids=str,
)
def test_a_command_whose_object_is_not_there_sends_nothing(step: script.Step) -> None:
    found = asked(step, deployment(containers=("app", "side")), Node(ObjectMeta(name="n1")))
    assert isinstance(found, script.Missing)


NODE = Node(ObjectMeta(name="n1", labels=strings({"zone": "a"})), NodeSpec(taints=(Taint("k", "NoSchedule", "1"),)))


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (script.LabelNode("n1", {"zone": "b"}), "'zone' already has a value (a), and --overwrite is false"),
        (script.LabelNode("n1", {"new": "1", "zone": ""}), "'zone' already has a value (a), and --overwrite is false"),
        (
            script.Taint("n1", "k", "2", "NoSchedule"),
            "node n1 already has k taint(s) with same effect(s) and --overwrite is false",
        ),
        (
            script.Taint("n1", "k", "1", "NoSchedule"),
            "node n1 already has k taint(s) with same effect(s) and --overwrite is false",
        ),
    ],
    ids=str,
)
def test_what_is_there_is_replaced_only_where_that_is_asked_for(step: script.Step, why: str) -> None:
    found = asked(step, NODE)
    assert isinstance(found, script.Kept)
    assert found.why == why
    if step != script.Taint("n1", "k", "1", "NoSchedule"):
        assert isinstance(changed(evolve(step, overwrite=True), NODE), Node)


def test_what_replaces_nothing_needs_no_leave() -> None:
    assert asked(script.LabelNode("n1", {"zone": "a"}), NODE) == ()
    assert changed(script.LabelNode("n1", {"zone": None, "b": "1"}), NODE).metadata.labels == {"b": "1"}
    tainted = changed(script.Taint("n1", "k", "2", "NoExecute"), NODE)
    assert isinstance(tainted, Node)
    assert [(one.effect, one.value) for one in tainted.spec.taints] == [("NoSchedule", "1"), ("NoExecute", "2")]
    two = evolve(NODE, metadata=evolve(NODE.metadata, labels=strings({"zone": "a", "a": "1"})))
    found = asked(script.LabelNode("n1", {"zone": "b", "a": "2"}), two)
    assert isinstance(found, script.Kept)
    assert found.why == (
        "['a' already has a value (1), and --overwrite is false, "
        "'zone' already has a value (a), and --overwrite is false]"
    )


def test_undo_goes_back_one_revision_and_takes_its_annotations() -> None:
    sets = [replica_set("a", "app:1", 1), replica_set("b", "app:2", 2), replica_set("c", "app:3", 3)]
    live = changed(script.RolloutUndo("Deployment", "web"), deployment("app:3"), *sets)
    assert images(live) == ["app:2"]
    assert live.metadata.annotations == {"why": "app:2"}
    assert isinstance(live, Deployment)
    assert live.spec.template.metadata.labels == {"app": "web"}


def test_undo_of_a_statefulset_applies_the_last_revision_but_one() -> None:
    meta = ObjectMeta(name="db", namespace="d", uid="u")
    owner = StatefulSet(meta, StatefulSetSpec(template=deployment("app:3").spec.template))
    mine = (OwnerReference("apps/v1", "StatefulSet", "db", "u", controller=True),)

    def revision(image: str, number: int, owners: tuple[OwnerReference, ...] = mine) -> ControllerRevision:
        kept = evolve(deployment(image).spec.template, extra=immutabledict({"$patch": "replace"}))
        named = ObjectMeta(name=f"db-{number}", namespace="d", owner_references=owners)
        return ControllerRevision(named, RevisionData(RevisionSpec(kept)), number)

    revisions = [revision("app:3", 10), revision("app:1", 9), revision("app:2", 2), revision("x:1", 11, ())]
    undo = script.RolloutUndo("StatefulSet", "db")
    live = changed(undo, owner, *revisions)
    assert isinstance(live, StatefulSet)
    assert live.spec.template == deployment("app:1").spec.template
    assert undo.reads == ("StatefulSet", "ControllerRevision")
    assert isinstance(asked(undo, owner, revisions[0]), script.Missing)
    assert asked(undo, live, *revisions) == ()


def test_a_statefulset_is_scaled_and_restarted_and_cannot_be_paused() -> None:
    spec = StatefulSetSpec(2, template=deployment("a:1").spec.template)
    owner = StatefulSet(ObjectMeta(name="db", namespace="d", uid="u"), spec)
    scaled = changed(script.Scale("StatefulSet", "db", 5), owner)
    assert isinstance(scaled, StatefulSet)
    assert scaled.spec.wanted == 5
    restarted = changed(script.RolloutRestart("StatefulSet", "db"), owner)
    assert isinstance(restarted, StatefulSet)
    assert restarted.spec.template.metadata.annotations != owner.spec.template.metadata.annotations
    assert isinstance(asked(script.RolloutPause("StatefulSet", "db"), owner), script.Missing)


def test_a_daemonset_is_restarted_and_undone_and_can_be_neither_scaled_nor_paused() -> None:
    owner = DaemonSet(
        ObjectMeta(name="a", namespace="d", uid="u"), DaemonSetSpec(template=deployment("a:2").spec.template)
    )
    mine = (OwnerReference("apps/v1", "DaemonSet", "a", "u", controller=True),)
    kept = RevisionData(RevisionSpec(deployment("a:1").spec.template))
    old, new = (
        ControllerRevision(ObjectMeta(name=f"a-{number}", namespace="d", owner_references=mine), kept, number)
        for number in (1, 2)
    )
    undone = changed(script.RolloutUndo("DaemonSet", "a"), owner, old, new)
    assert isinstance(undone, DaemonSet)
    assert undone.spec.template == deployment("a:1").spec.template
    assert isinstance(asked(script.RolloutUndo("DaemonSet", "a"), owner, new), script.Missing)
    restarted = changed(script.RolloutRestart("DaemonSet", "a"), owner)
    assert isinstance(restarted, DaemonSet)
    assert restarted.spec.template.metadata.annotations != owner.spec.template.metadata.annotations
    assert isinstance(asked(script.Scale("DaemonSet", "a", 3), owner), script.Missing)
    assert isinstance(asked(script.RolloutPause("DaemonSet", "a"), owner), script.Missing)


def test_each_restart_stamps_the_template_anew() -> None:
    restart = script.RolloutRestart("Deployment", "web")
    once = changed(restart, deployment())
    twice = changed(restart, once)
    assert len({deployment(), once, twice}) == 3
    assert changed(script.RolloutRestart("Deployment", "web", "noon"), once) == changed(
        script.RolloutRestart("Deployment", "web", "noon"), twice
    )


def test_a_rollout_is_paused_and_resumed_once() -> None:
    pause, resume = script.RolloutPause("Deployment", "web"), script.RolloutResume("Deployment", "web")
    live = changed(pause, deployment())
    assert isinstance(live, Deployment)
    assert live.spec.paused
    assert changed(resume, live) == deployment()
    for step, there, why in (
        (pause, live, 'deployments.apps "web" is already paused'),
        (resume, deployment(), 'deployments.apps "web" is not paused'),
    ):
        found = asked(step, there)
        assert isinstance(found, script.Kept)
        assert found.why == why
    assert isinstance(asked(script.RolloutPause("ReplicaSet", "a"), replica_set("a", "app:1", 1)), script.Missing)


def test_scale_uses_the_subresource() -> None:
    found = asked(script.Scale("Deployment", "web", 5), deployment())
    wanted = evolve(deployment(), spec=evolve(deployment().spec, replicas=5))
    assert found == (Update(wanted, deployment(), "scale"),)


def test_drain_cordons_and_evicts_what_has_to_go() -> None:
    node = Node(ObjectMeta(name="n1"))
    mirror = pod("mirror", annotations=strings({"kubernetes.io/config.mirror": "x"}))
    going = pod("going", deletion_timestamp=0)
    objects = (node, pod("a"), pod("b", "n2"), pod("ds", owner="DaemonSet"), mirror, going)
    closed = evolve(node, spec=NodeSpec(unschedulable=True))
    drain = script.Drain("n1", force=True, ignore_daemonsets=True)
    assert asked(drain, *objects) == (Update(closed, node), Evict(Ref("Pod", "d", "a")))
    assert script.drain_targets(drain, Cache.of((closed, *objects[2:5]))) == ()
    assert script.drain_targets(drain, Cache.of((closed, *objects[2:]))) == (going,)


def test_a_drain_looks_at_the_pods_that_it_is_told_of() -> None:
    """Also for what would refuse it: GetPodsForDeletion in pkg/drain/drain.go (v1.32) lists by labels."""
    node = Node(ObjectMeta(name="n1", labels=strings({"app": "a"})))
    objects = (node, pod("a", owner="ReplicaSet", labels=strings({"app": "a"})), pod("bare"))
    told = script.Drain("n1", pod_selector="app=a")
    assert script.drain_errors(told, Cache.of(objects)) == {}
    assert [one.metadata.name for one in script.drain_targets(told, Cache.of(objects))] == ["a"]
    assert str(told) == "drain n1 --pod-selector=app=a"
    others = script.Drain("n1", pod_selector="app!=a")
    assert [one.metadata.name for pods in script.drain_errors(others, Cache.of(objects)).values() for one in pods] == [
        "bare"
    ]


def keeping(name: str, **rest: Any) -> Pod:
    """Make a Pod with an emptyDir."""
    one = pod(name, **rest)
    return evolve(one, spec=evolve(one.spec, extra=immutabledict({"volumes": ({"name": "v", "emptyDir": {}},)})))


@pytest.mark.parametrize(
    ("flags", "because"),
    [
        ({}, {"--ignore-daemonsets", "--delete-emptydir-data", "--force"}),
        ({"force": True}, {"--ignore-daemonsets", "--delete-emptydir-data"}),
        ({"force": True, "ignore_daemonsets": True}, {"--delete-emptydir-data"}),
        ({"ignore_daemonsets": True, "delete_emptydir_data": True}, {"--force"}),
        ({"force": True, "ignore_daemonsets": True, "delete_emptydir_data": True}, set()),
    ],
)
def test_a_drain_that_may_not_remove_a_pod_cordons_and_evicts_nobody(flags: dict[str, bool], because: set[str]) -> None:
    node = Node(ObjectMeta(name="n1"))
    data = keeping("data", owner="ReplicaSet")
    objects = (node, pod("bare"), pod("ds", owner="DaemonSet"), data, pod("far", "n2"))
    drain = script.Drain("n1", **flags)
    errors = script.drain_errors(drain, Cache.of(objects))
    assert set(re.findall(r"--[a-z-]+", str(list(errors)))) == because
    sent = asked(drain, *objects)
    assert isinstance(sent, tuple)
    assert [type(one) for one in sent] == ([Update] if because else [Update, Evict, Evict])


def test_delete_pod_takes_the_first_of_a_workload_that_is_not_going_yet() -> None:
    owned = replica_set("x", "app:1", 1)
    pods = [pod(name, node, owner="ReplicaSet") for name, node in (("a", "n1"), ("b", "n2"), ("c", "n2"))]
    going = evolve(pods[0], metadata=evolve(pods[0].metadata, deletion_timestamp=0))
    step = script.DeletePod(workload="Deployment/web")
    assert asked(step, owned, *pods) == (Delete(ref_of(pods[0]), propagation_policy="Background"),)
    assert asked(step, owned, going, *pods[1:]) == (Delete(ref_of(pods[1]), propagation_policy="Background"),)
    on = script.DeletePod(workload="Deployment/web", node="n2")
    assert asked(on, owned, *pods) == (Delete(ref_of(pods[1]), propagation_policy="Background"),)


def test_apply_creates_then_changes_only_what_the_manifest_says() -> None:
    manifest = evolve(deployment(), metadata=ObjectMeta(name="web"))
    created = asked(script.Apply(manifest))
    assert isinstance(created, tuple)
    assert isinstance(created[0], Create)
    live = created[0].object
    assert live.metadata.namespace == "d"
    assert LAST_APPLIED in live.metadata.annotations
    assert asked(script.Apply(manifest), live) == ()
    scaled = changed(script.Scale("Deployment", "web", 7), live)
    silent = evolve(manifest, spec=evolve(manifest.spec, replicas=None))
    after = changed(script.Apply(silent), evolve(scaled, metadata=evolve(scaled.metadata, uid="u9")))
    assert isinstance(after, Deployment)
    assert (after.spec.replicas, after.metadata.uid) == (None, "u9")


def test_a_policy_that_was_defaulted_keeps_its_directions_when_it_gets_rules_for_another() -> None:
    """Rules for egress that are applied to a policy without policyTypes do nothing: it stays one of ingress."""
    out = (NetworkPolicyEgressRule(),)
    silent = NetworkPolicy(ObjectMeta(name="p"), NetworkPolicySpec(ingress=(NetworkPolicyIngressRule(),)))
    created = asked(script.Apply(silent))
    assert isinstance(created, tuple)
    assert isinstance(created[0], Create)
    live = default(created[0].object)
    after = changed(script.Apply(evolve(silent, spec=evolve(silent.spec, ingress=(), egress=out))), live)
    assert isinstance(after, NetworkPolicy)
    assert (after.spec.policy_types, after.spec.ingress, after.spec.egress) == (("Ingress",), (), out)
    assert isinstance(fresh := default(evolve(silent, spec=evolve(silent.spec, egress=out))), NetworkPolicy)
    assert fresh.spec.policy_types == ("Ingress", "Egress")


@pytest.mark.parametrize(
    ("original", "modified", "current", "result"),
    [
        ({"a": 1}, {"a": 2}, {"a": 1, "b": 3}, {"a": 2, "b": 3}),
        ({"a": 1, "b": 1}, {"a": 1}, {"a": 1, "b": 1, "c": 1}, {"a": 1, "c": 1}),
        (None, {"a": 1}, {"b": 1}, {"a": 1, "b": 1}),
        ({}, {"tolerations": [{"key": "x"}]}, {"tolerations": [{"key": "y"}]}, {"tolerations": [{"key": "x"}]}),
        (
            {"containers": [{"name": "a"}, {"name": "b"}]},
            {"containers": [{"name": "a", "image": "2"}]},
            {"containers": [{"name": "a", "image": "1", "tty": True}, {"name": "b"}, {"name": "injected"}]},
            {"containers": [{"name": "a", "image": "2", "tty": True}, {"name": "injected"}]},
        ),
        (
            {"strategy": {"type": "RollingUpdate"}},
            {"strategy": {"type": "Recreate"}},
            {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}},
            {"strategy": {"type": "Recreate"}},
        ),
        (
            {"ports": [{"port": 80}]},
            {"ports": [{"port": 80, "targetPort": 1}]},
            {"ports": [{"port": 80, "nodePort": 3}]},
            {"ports": [{"port": 80, "targetPort": 1, "nodePort": 3}]},
        ),
        ({}, {"finalizers": ["a"]}, {"finalizers": ["b"]}, {"finalizers": ["a", "b"]}),
    ],
    ids=["set", "removed", "first apply", "atomic list", "list by name", "union", "ports by number", "set of strings"],
)
def test_three_way_merge(original: object, modified: object, current: object, result: object) -> None:
    assert merge(original, modified, current) == result
