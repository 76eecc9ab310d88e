"""Whatever comes over HTTP is answered: no traceback, no hang, no 500 that the real server would not give.

Requests are made of the parts of good ones, and of rubbish, and go through the ASGI application. Watches end at once,
for the service is told to end.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from immutabledict import immutabledict

from kubeproof.harness.serve.app import Service, application
from kubeproof.harness.serve.database import Database
from kubeproof.harness.serve.plane import Plane
from kubeproof.harness.serve.start import fresh
from kubeproof.harness.serve.turns import advance
from kubeproof.impl.apiserver import User
from kubeproof.impl.apiserver.access.authentication import Credentials
from kubeproof.impl.apiserver.rest.body import LARGEST
from planted import planted

OF_THE_REAL_SERVER = (
    "resourceVersion: Invalid value",
    "failed to create typed patch object",
    "target.name: Required value",
)
"""What upstream, too, answers with 500."""
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
WORDS = st.sampled_from(
    [
        "api",
        "apis",
        "v1",
        "apps",
        "batch",
        "autoscaling",
        "v2",
        "policy",
        "rbac.authorization.k8s.io",
        "authorization.k8s.io",
        "namespaces",
        "default",
        "nope",
        "pods",
        "web",
        "deployments",
        "configmaps",
        "secrets",
        "nodes",
        "node-1",
        "services",
        "kubernetes",
        "jobs",
        "status",
        "scale",
        "eviction",
        "binding",
        "log",
        "finalize",
        "watch",
        "events",
        "selfsubjectaccessreviews",
        "subjectaccessreviews",
        "horizontalpodautoscalers",
        "openapi",
        "v3",
        "v2",
        "healthz",
        "version",
        "customresourcedefinitions",
        "ephemeralcontainers",
    ]
)
PATHS = st.one_of(
    st.lists(st.one_of(WORDS, st.text(max_size=5)), max_size=7).map(lambda parts: "/" + "/".join(parts)),
    st.sampled_from(
        [
            "/api/v1/namespaces/default/pods",
            "/api/v1/namespaces/default/pods/web",
            "/api/v1/namespaces/default/pods/web/status",
            "/api/v1/namespaces/default/pods/web/eviction",
            "/api/v1/namespaces/default/pods/web/binding",
            "/api/v1/namespaces/default/configmaps",
            "/api/v1/namespaces/default/configmaps/c",
            "/api/v1/namespaces/default/secrets",
            "/api/v1/namespaces/default/services",
            "/api/v1/namespaces",
            "/api/v1/namespaces/default/finalize",
            "/apis/apps/v1/namespaces/default/deployments",
            "/apis/apps/v1/namespaces/default/deployments/web",
            "/apis/apps/v1/namespaces/default/deployments/web/scale",
            "/apis/apps/v1/namespaces/default/daemonsets",
            "/apis/batch/v1/namespaces/default/jobs",
            "/apis/batch/v1/namespaces/default/cronjobs",
            "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers",
            "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        ]
    ),
)
NAMES = st.sampled_from(
    [
        "watch",
        "limit",
        "continue",
        "resourceVersion",
        "resourceVersionMatch",
        "labelSelector",
        "fieldSelector",
        "dryRun",
        "fieldManager",
        "force",
        "fieldValidation",
        "gracePeriodSeconds",
        "propagationPolicy",
        "timeoutSeconds",
        "allowWatchBookmarks",
        "sendInitialEvents",
        "includeObject",
        "orphanDependents",
        "pretty",
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        ["true", "1", "0", "-1", "All", "Exact", "NotOlderThan", "Strict", "app=web", "metadata.name=web", "x y"]
    ),
    st.text(max_size=6),
)
QUERIES = st.lists(st.tuples(NAMES, VALUES), max_size=4)
KEYS = st.sampled_from(
    [
        "apiVersion",
        "kind",
        "metadata",
        "name",
        "namespace",
        "labels",
        "annotations",
        "finalizers",
        "ownerReferences",
        "uid",
        "resourceVersion",
        "managedFields",
        "spec",
        "status",
        "replicas",
        "selector",
        "matchLabels",
        "template",
        "containers",
        "image",
        "ports",
        "containerPort",
        "data",
        "stringData",
        "type",
        "clusterIP",
        "op",
        "path",
        "value",
        "from",
        "$patch",
        "$retainKeys",
        "$setElementOrder/containers",
        "target",
        "deleteOptions",
        "gracePeriodSeconds",
        "preconditions",
        "dryRun",
        "user",
        "groups",
        "resourceAttributes",
        "verb",
        "schedule",
        "jobTemplate",
        "metrics",
        "rollingUpdate",
        "strategy",
        "updateStrategy",
        "deletionTimestamp",
        "fieldsV1",
        "manager",
        "volumes",
        "env",
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 70000),
    st.just(2**70),
    st.floats(allow_nan=False),
    st.sampled_from(
        ["v1", "apps/v1", "Pod", "Deployment", "ConfigMap", "web", "default", "add", "remove", "/metadata/labels"]
    ),
    st.text(max_size=4),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
DEPLOYMENT = {
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
    },
}
GOOD = [
    DEPLOYMENT,
    {"metadata": {"name": "web"}, **DEPLOYMENT["spec"]["template"]},
    {"metadata": {"name": "c"}, "data": {"a": "b"}},
]  # type: ignore[index, dict-item]


def somewhere(document: Any, path: list[int], value: Any) -> Any:
    """Put a value into a document, at a place that some numbers lead to."""
    if not path or not isinstance(document, dict | list) or not document:
        return value
    if isinstance(document, list):
        at = path[0] % len(document)
        return [somewhere(one, path[1:], value) if index == at else one for index, one in enumerate(document)]
    key = sorted(document)[path[0] % len(document)]
    return {**document, key: somewhere(document[key], path[1:], value)}


DOCUMENTS = st.one_of(
    JSON, st.builds(somewhere, st.sampled_from(GOOD), st.lists(st.integers(0, 9), min_size=1, max_size=7), JSON)
)
BODIES = st.one_of(
    DOCUMENTS.map(lambda found: json.dumps(found).encode()),
    st.binary(max_size=20),
    st.sampled_from(
        [b"", b"{", b"[" * 3000, b"{}x", b"null", b'{"a":NaN}', b"a: &x [*x]", b"k8s\0\n\2v1", b"1" * 5000]
    ),
)
MEDIA = st.sampled_from(
    [
        "application/json",
        "application/yaml",
        "application/merge-patch+json",
        "application/json-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
        "application/vnd.kubernetes.protobuf",
        "text/plain",
        "application/json;charset=utf-8",
    ]
)
ACCEPTS = st.sampled_from(
    [
        "",
        "*/*",
        "application/json",
        "application/yaml",
        "text/plain",
        "application/json;as=Table;v=v1;g=meta.k8s.io",
        "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
        "application/json;as=;",
        "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io",
        ";;,=",
    ]
)
TOKENS = st.sampled_from(["", "", "", "Bearer good", "Bearer bad", "Bearer", "Basic eDp5", "Bearer \x7f"])


class Cluster:
    """A plane that prints short."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane

    def __repr__(self) -> str:
        return "a cluster"


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    """Return a cluster with a Deployment and what hangs on it."""
    begun = fresh(2, 1_700_000_000, seed=0)

    async def make() -> Plane:
        service = Service(begun, Database(None))
        answer = await send(
            service, "POST", "/apis/apps/v1/namespaces/default/deployments", json.dumps(DEPLOYMENT).encode()
        )
        assert answer.status_code == 201
        return advance(service.plane, 1_700_000_010.0, tick=True)[0]

    return Cluster(asyncio.run(make()))


async def send(service: Service, method: str, path: str, body: bytes = b"", **headers: str) -> httpx.Response:
    """Send one request through the application, as it is."""
    transport = httpx.ASGITransport(application(service), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.request(method, path, content=body, headers=headers)


def answered(
    plane: Plane, method: str, url: httpx.URL, body: bytes, headers: dict[str, str]
) -> tuple[httpx.Response, Plane]:
    """Answer one request in a plane."""

    async def ask() -> tuple[httpx.Response, Plane]:
        credentials = Credentials(immutabledict(good=User("jane", ("devs",)))) if "authorization" in headers else None
        service = Service(plane, Database(None), credentials)
        service.ending = True
        transport = httpx.ASGITransport(application(service), raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport) as client:
            request = httpx.Request(method, url, content=body, headers=headers)
            return await client.send(request), service.plane

    return asyncio.run(ask())


def judge(answer: httpx.Response) -> None:
    """Hold an answer against what every answer owes."""
    if answer.status_code >= 500:
        message = answer.json()["message"]
        assert answer.status_code in {501, 504} or any(part in message for part in OF_THE_REAL_SERVER), message
    if answer.status_code >= 400 and answer.headers["content-type"] == "application/json" and answer.content:
        status = answer.json()
        assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", answer.status_code)
    assert "Traceback" not in answer.text


@settings(max_examples=250)
@given(METHODS, PATHS, QUERIES, BODIES, MEDIA, ACCEPTS, TOKENS)
def test_every_request_is_answered(
    cluster: Cluster,
    method: str,
    path: str,
    query: list[tuple[str, str]],
    body: bytes,
    media: str,
    accept: str,
    token: str,
) -> None:
    url = httpx.URL(f"http://localhost{quote(path)}", params=query)
    headers = {"content-type": media, "accept": accept} | ({"authorization": token} if token else {})
    answer, after = answered(cluster.plane, method, url, body, headers)
    judge(answer)
    if after.revision != cluster.plane.revision:
        assert method not in {"GET", "HEAD", "OPTIONS"}
        assert not any(key == "dryRun" and value for key, value in query)
        advance(after, 1_700_000_020.0, tick=True)


@settings(max_examples=150)
@given(
    st.sampled_from(["POST", "PUT", "PATCH"]),
    DOCUMENTS,
    st.sampled_from(["merge-patch+json", "json-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"]),
)
def test_wrong_objects_and_patches_are_refused_and_good_ones_live_on(
    cluster: Cluster, method: str, document: Any, form: str
) -> None:
    place = "/apis/apps/v1/namespaces/default/deployments"
    url = httpx.URL(f"http://localhost{place}{'' if method == 'POST' else '/web'}?fieldManager=x")
    media = f"application/{form}" if method == "PATCH" else "application/json"
    answer, after = answered(cluster.plane, method, url, json.dumps(document).encode(), {"content-type": media})
    judge(answer)
    if after.revision != cluster.plane.revision:
        advance(after, 1_700_000_020.0, tick=True)


def test_a_body_that_is_too_large_is_refused_before_it_is_read_whole(cluster: Cluster) -> None:
    url = httpx.URL("http://localhost/api/v1/namespaces/default/configmaps")
    answer, after = answered(cluster.plane, "POST", url, b"x" * (LARGEST + 1), {"content-type": "application/json"})
    assert (answer.status_code, answer.json()["reason"]) == (413, "RequestEntityTooLarge")
    assert after.revision == cluster.plane.revision


def test_another_host_gets_nothing(cluster: Cluster) -> None:
    answer, _ = answered(cluster.plane, "GET", httpx.URL("http://evil.example/api/v1/secrets"), b"", {})
    assert answer.status_code == 400


def test_a_token_decides_who_asks(cluster: Cluster) -> None:
    url = httpx.URL("http://localhost/api/v1/namespaces/default/pods")
    codes = {
        token: answered(cluster.plane, "GET", url, b"", {"authorization": token})[0]
        for token in ("Bearer good", "Bearer bad")
    }
    assert (codes["Bearer good"].status_code, codes["Bearer bad"].status_code) == (403, 401)
    assert 'User "jane" cannot list resource "pods"' in codes["Bearer good"].json()["message"]
    assert answered(cluster.plane, "GET", url, b"", {})[0].status_code == 200
    assert answered(cluster.plane, "GET", url, b"", {"authorization": "Basic eDp5"})[0].status_code == 403


@pytest.mark.parametrize(
    ("module", "before", "after", "path", "body"),
    [
        (
            "rest.bodies",
            "except BodyError as error:\n        text",
            "except ZeroDivisionError as error:\n        text",
            "/api/v1/namespaces/default/pods",
            b"{",
        ),
        ("rest.serve", "except SelectorError", "except ZeroDivisionError", "/api/v1/pods?labelSelector=%3D", b""),
    ],
    ids=["broken JSON", "a broken selector"],
)
def test_a_request_that_is_not_answered_would_be_noticed(
    cluster: Cluster, module: str, before: str, after: str, path: str, body: bytes
) -> None:
    method: Callable[[], Any] = lambda: answered(  # noqa: E731
        cluster.plane,
        "POST" if body else "GET",
        httpx.URL(f"http://localhost{path}"),
        body,
        {"content-type": "application/json"},
    )
    judge(method()[0])
    with planted(f"kubeproof.impl.apiserver.{module}", before, after), pytest.raises(ValueError, match=r"."):
        method()
