"""Each reason why a cluster has not converged can be given, and says which object it is about."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from kubeproof.impl.api.apps import Deployment, ReplicaSet
from kubeproof.impl.api.core import Node, Pod, Service
from kubeproof.impl.api.kinds import Object, kind_of
from kubeproof.impl.api.meta import ObjectMeta, OwnerReference
from kubeproof.impl.api.policy import EndpointSlice
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.apiserver.defaulting.defaulting import default
from kubeproof.impl.apiserver.storage import Objects
from kubeproof.properties.at_rest import ENDPOINTS, Restless, from_scratch, settled, unreachable
from kubeproof.properties.convergence import shortfalls, unpublished
from planted import planted

CONTAINER = {"name": "c", "image": "i:1", "ports": [{"containerPort": 80}]}


def made(kind: str, version: str, name: str, owner: Object | None = None, **rest: Any) -> Any:
    """Make an object, owned by another one if one is given; its uid is its kind and name."""
    labels = rest.pop("labels", {"app": "web"})
    metadata = {"name": name, "namespace": "default", "uid": f"{kind}-{name}", "labels": labels, "generation": 1}
    obj: Any = default(from_json({"apiVersion": version, "kind": kind, "metadata": metadata, **rest}))
    if owner is None:
        return obj
    known = kind_of(owner)
    reference = OwnerReference(known.api_version, known.name, owner.metadata.name, owner.metadata.uid, controller=True)
    return evolve(obj, metadata=evolve(obj.metadata, owner_references=(reference,)))


TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [CONTAINER]}}
SELECTOR = {"matchLabels": {"app": "web"}}
WEB: Deployment = made(
    "Deployment",
    "apps/v1",
    "web",
    spec={"replicas": 1, "selector": SELECTOR, "template": TEMPLATE},
    status={"observedGeneration": 1, "replicas": 1, "readyReplicas": 1},
)
SET: ReplicaSet = made(
    "ReplicaSet",
    "apps/v1",
    "web-1",
    WEB,
    spec={"replicas": 1, "selector": SELECTOR, "template": TEMPLATE},
    status={"replicas": 1, "readyReplicas": 1},
)
OLD: ReplicaSet = made(
    "ReplicaSet",
    "apps/v1",
    "web-0",
    WEB,
    spec={"replicas": 2, "selector": SELECTOR, "template": {"spec": {"containers": [{**CONTAINER, "image": "i:0"}]}}},
    status={"replicas": 0},
)
READY = {
    "phase": "Running",
    "podIP": "10.0.0.1",
    "conditions": [{"type": "Ready", "status": "True"}],
}
POD: Pod = made("Pod", "v1", "web-1-a", SET, spec={"containers": [CONTAINER], "nodeName": "n1"}, status=READY)
SERVICE: Service = made(
    "Service",
    "v1",
    "web",
    spec={"selector": {"app": "web"}, "clusterIP": "10.96.0.1", "ports": [{"port": 80, "targetPort": 80}]},
)
NODE: Node = Node(ObjectMeta(name="n1"))


def test_a_cluster_that_is_as_it_should_be_has_no_shortfall() -> None:
    assert list(shortfalls((WEB, SET, POD))) == []


@pytest.mark.parametrize(
    ("objects", "line"),
    [
        ((WEB,), "Deployment web has no ReplicaSet of its current template"),
        (
            (evolve(WEB, spec=evolve(WEB.spec, replicas=2)), SET, POD),
            "Deployment web wants 2 Pods of its current template, ReplicaSet web-1 is at 1",
        ),
        ((WEB, SET, POD, OLD), "Deployment web still keeps 2 Pods of an old template in ReplicaSet web-0"),
        ((WEB, SET), "ReplicaSet web-1 has 0 of 1 Pods"),
        (
            (WEB, evolve(SET, status=evolve(SET.status, ready_replicas=0)), POD),
            "ReplicaSet web-1 says 1 Pods, 0 ready; there are 1, 1 ready",
        ),
        (
            (evolve(POD, metadata=evolve(POD.metadata, deletion_timestamp=30)),),
            "Pod web-1-a is still being deleted",
        ),
        ((evolve(POD, spec=evolve(POD.spec, node_name="")),), "Pod web-1-a is not bound to any node"),
        (
            (evolve(POD, status=evolve(POD.status, conditions=())),),
            "Pod web-1-a on n1 is Running and not ready",
        ),
    ],
    ids=[
        "no ReplicaSet",
        "wrong size",
        "an old one left",
        "too few Pods",
        "a status that lags",
        "being deleted",
        "not bound",
        "not ready",
    ],
)
def test_each_shortfall_says_what_is_missing(objects: tuple[Object, ...], line: str) -> None:
    assert line in list(shortfalls(objects))


def test_of_two_replicasets_of_one_template_one_may_have_all_the_pods() -> None:
    adopted = evolve(SET, metadata=evolve(SET.metadata, name="api-1", uid="ReplicaSet-api-1"))
    empty = evolve(adopted, spec=evolve(adopted.spec, replicas=0), status=evolve(adopted.status, replicas=0))
    sizes = "ReplicaSet web-1 is at 1, ReplicaSet api-1 is at 1"
    assert f"Deployment web wants 1 Pods of its current template, {sizes}" in list(shortfalls((WEB, SET, POD, adopted)))
    assert not any(line.startswith("Deployment") for line in shortfalls((WEB, SET, POD, empty)))


def test_what_is_published_is_compared_with_the_pods() -> None:
    rest = settled((WEB, SET, POD, SERVICE, NODE))
    assert not isinstance(rest, Restless)
    assert list(unpublished(rest.objects.values())) == []
    gone = [one for one in rest.objects.values() if not isinstance(one, Pod)]
    lines = list(unpublished(gone))
    assert "Service web publishes web-1-a, which is not a ready Pod" in lines
    assert "Deployment web reports 1 Pods, 1 ready; there are 0, 0 ready" in lines
    assert "Service web does not publish the ready Pod web-1-a" in list(unpublished((SERVICE, POD)))
    (published,) = (one for one in rest.objects.values() if isinstance(one, EndpointSlice))
    again = evolve(published, metadata=evolve(published.metadata, name="web-again"))
    assert not list(unpublished((*rest.objects.values(), again))), "a Pod may be in two slices that say the same"
    unready = tuple(evolve(one, conditions=evolve(one.conditions, ready=False)) for one in again.endpoints)
    two = (*rest.objects.values(), evolve(again, endpoints=unready))
    told = "Service web publishes the ready Pod web-1-a in one slice as ready, in another one as not"
    assert list(unpublished(two)) == [told]
    other = evolve(POD, metadata=evolve(POD.metadata, name="db-1", labels=strings({"app": "db"})))
    abroad = evolve(POD, metadata=evolve(POD.metadata, name="web-1-b", namespace="elsewhere"))
    assert not [line for line in unpublished((SERVICE, other, abroad)) if line.startswith("Service")]
    named = evolve(SERVICE, spec=evolve(SERVICE.spec, type="ExternalName"))
    assert not [line for line in unpublished((named, POD)) if line.startswith("Service")], "nobody writes its slices"


def test_observers_come_to_the_same_rest_from_nothing() -> None:
    first = settled((WEB, SET, POD, SERVICE, NODE))
    assert not isinstance(first, Restless)
    again = settled(from_scratch(first.objects.values()))
    assert not isinstance(again, Restless)
    assert list(unpublished(again.objects.values())) == []


def test_an_observer_that_never_comes_to_rest_is_named() -> None:
    module = "kubeproof.impl.controllers.deployment.status"
    with planted(module, "if status == turn.deployment.status", "if status is None"):
        rest = settled((WEB, SET, POD))
    assert isinstance(rest, Restless)
    assert str(rest).startswith("deployment-controller does not come to rest on Deployment default/web")


def test_a_rule_to_nowhere_leads_packets_astray_and_names_the_node() -> None:
    rest = settled((SERVICE, NODE, POD), ENDPOINTS)
    assert not isinstance(rest, Restless)
    assert list(unreachable(rest)) == []
    with planted("kubeproof.impl.kubeproxy.chains", "to_destination=address.target", 'to_destination="10.9.9.9:80"'):
        lines = list(unreachable(rest))
    assert len(lines) == 1
    assert lines[0].startswith("n1: ")


def test_without_an_observer_nothing_is_written() -> None:
    assert settled((WEB, SET, POD, SERVICE), ()) == Objects.of((WEB, SET, POD, SERVICE))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"maxUnavailable": 1}, ": DaemonSet web has no number of Pods to take a part of; "),
        ({"minAvailable": "50%"}, ": DaemonSet web has no number of Pods to take a part of; "),
        ({"minAvailable": 1}, ""),
    ],
)
def test_a_budget_that_cannot_be_counted_says_whose_pods_have_no_number(spec: dict[str, Any], said: str) -> None:
    daemons = made("DaemonSet", "apps/v1", "web", spec={"selector": SELECTOR, "template": TEMPLATE})
    pod = made("Pod", "v1", "web-a", daemons, spec={"containers": [CONTAINER]})
    budget = made("PodDisruptionBudget", "policy/v1", "some", spec={**spec, "selector": SELECTOR})
    told = f"PodDisruptionBudget some has not been counted in its current form{said}"
    (line,) = (one for one in unpublished((daemons, pod, budget)) if "Budget" in one)
    assert line.startswith(told)
    assert line.endswith("minAvailable as a number would do" if said else told)
    alone = evolve(pod, metadata=evolve(pod.metadata, labels=strings({"app": "other"})))
    assert any(one.endswith("in its current form") for one in unpublished((daemons, alone, budget)))
