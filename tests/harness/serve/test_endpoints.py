"""Endpoints say of a Service what its slices say: who is ready, who is not, on which ports."""

from __future__ import annotations

from typing import Any

from scenes.definitions import Cluster

PODS, SERVICES = "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/services"
ENDPOINTS = "/api/v1/namespaces/default/endpoints"
CONTAINER = {"name": "c", "image": "i", "ports": [{"containerPort": 80}]}
MERGE = "application/merge-patch+json"


def subsets(cluster: Cluster, name: str = "web") -> Any:
    return cluster("GET", f"{ENDPOINTS}/{name}").body.get("subsets")


def test_endpoints_follow_a_service_and_its_pods() -> None:
    cluster = Cluster()
    spec = {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}
    assert cluster("POST", SERVICES, {"metadata": {"name": "web", "labels": {"a": "b"}}, "spec": spec}).code == 201
    cluster.turn()
    assert subsets(cluster) is None
    labels = {"app": "web"}
    assert (
        cluster("POST", PODS, {"metadata": {"name": "p", "labels": labels}, "spec": {"containers": [CONTAINER]}}).code
        == 201
    )
    cluster.turn()
    (found,) = subsets(cluster)
    (address,) = found["addresses"]
    pod = cluster("GET", f"{PODS}/p").body
    assert (address["ip"], address["nodeName"]) == (pod["status"]["podIP"], "node-1")
    assert (address["targetRef"]["name"], address["targetRef"]["uid"]) == ("p", pod["metadata"]["uid"])
    assert found["ports"] == [{"name": "http", "port": 80, "protocol": "TCP"}]
    assert cluster("GET", f"{ENDPOINTS}/web").body["metadata"]["labels"] == {"a": "b"}
    assert cluster("PATCH", f"{SERVICES}/web", {"spec": {"selector": {"app": "none"}}}, media=MERGE).code == 200
    cluster.turn()
    assert subsets(cluster) is None
    assert cluster("DELETE", f"{SERVICES}/web").code == 200
    cluster.turn()
    assert cluster("GET", f"{ENDPOINTS}/web").code == 404


def test_a_service_without_a_selector_is_left_to_whoever_writes_its_endpoints() -> None:
    cluster = Cluster()
    assert cluster("POST", SERVICES, {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}).code == 201
    mine = {"metadata": {"name": "web"}, "subsets": [{"addresses": [{"ip": "1.2.3.4"}], "ports": [{"port": 80}]}]}
    assert cluster("POST", ENDPOINTS, mine).code == 201
    cluster.turn()
    assert subsets(cluster)[0]["addresses"] == [{"ip": "1.2.3.4"}]
