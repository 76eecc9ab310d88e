"""etcd, the API server and kubectl beside their models: every sequence of so many requests to each."""

from __future__ import annotations

from collections.abc import Iterator

from ...impl.api.apps import Deployment, DeploymentSpec
from ...impl.api.cache import Cache
from ...impl.api.core import Container, Node, Pod, PodSpec, PodTemplateSpec
from ...impl.api.meta import ObjectMeta, OwnerReference
from ...impl.kubectl import script
from ...model.components.control_plane import apiserver as server_model
from ...model.components.control_plane import etcd as store_model
from ...model.components.control_plane import kubectl as person
from ..proof import Answer
from . import apiserver, etcd, kubectl
from .lockstep import Step, searched, unless


def etcd_proof() -> Answer:
    """Search any three operations on a store of two keys, among them those that it refuses, and its watchers."""

    def steps(pair: etcd.Pair) -> Iterator[Step]:
        future = pair.state.revision + 1
        refused = (store_model.Forget(future), store_model.Remove("a"), store_model.Guarded("a", future, (("a", "1"),)))
        now = pair.state.revision  # A watcher of the store is told everything that there is.
        offered = [step for step in store_model.steps(pair.state) if getattr(step, "upto", now) == now]
        for action in (*offered, *(action for action in refused if action not in offered)):
            after, lines = etcd.drive(pair, action)
            yield Step(str(action), after, "; ".join(lines))

    return searched([etcd.Pair()], steps, most=3)


def apiserver_proof() -> Answer:
    """Search any three requests about two Pods and their budget, granted or not."""

    def steps(pair: apiserver.Pair) -> Iterator[Step]:
        for action in server_model.requests(pair.state):
            after, lines = apiserver.drive(pair, action)
            yield Step(str(action), after, "; ".join(lines))

    return searched([apiserver.Pair()], steps, most=3)


STEPS: tuple[script.Step, ...] = (
    script.Cordon("n1"),
    script.Uncordon("n1"),
    script.Drain("n1", force=True, ignore_daemonsets=True),
    script.Taint("n1", "k", "1", "NoSchedule", overwrite=False),
    script.Taint("n1", "k", "2", "NoSchedule", overwrite=True),
    script.Untaint("n1", "k", "NoSchedule"),
    script.LabelNode("n1", {"k": "1"}, overwrite=False),
    script.LabelNode("n1", {"k": "2"}, overwrite=True),
    script.LabelNode("n1", {"k": None}, overwrite=False),
    script.SetImage("Deployment", "web", "i:2", "side"),
    script.Scale("Deployment", "web", 0),
    script.Scale("Deployment", "none", 3),
    script.DeletePod("p"),
    script.DeletePod("none"),
)


def kubectl_proof() -> Answer:
    """Search any four commands about a Deployment, a node and two Pods, one of which is a DaemonSet's."""
    containers = (Container(name="app", image="i:1"), Container(name="side", image="i:1"))
    daemon = OwnerReference("apps/v1", "DaemonSet", "ds", "u", controller=True)
    template = PodTemplateSpec(spec=PodSpec(containers=containers))
    start = Cache.of(
        (
            Deployment(ObjectMeta(name="web", namespace="d"), DeploymentSpec(2, template=template)),
            Node(ObjectMeta(name="n1")),
            Pod(ObjectMeta(name="p", namespace="d"), PodSpec(node_name="n1")),
            Pod(ObjectMeta(name="ds", namespace="d", owner_references=(daemon,)), PodSpec(node_name="n1")),
        )
    )

    def steps(cache: Cache) -> Iterator[Step]:
        for step in STEPS:
            expected = kubectl.abstract(cache)
            for action in kubectl.action(step):
                expected = person.after(expected, action)
            after = kubectl.run(step, cache, "d")
            found = kubectl.abstract(after)
            yield Step(str(step), after, unless(found == expected, f"leads to {found}, not to {expected}"))

    return searched([start], steps, most=4)
