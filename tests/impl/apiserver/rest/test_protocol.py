"""The REST protocol as a client sees it: pages, versions, dry runs, watches, subresources, who may ask and be whom."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from kubeproof.harness.serve import streams
from kubeproof.impl.api.core import Namespace
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.requests import Create
from kubeproof.impl.apiserver import ADMIN, ANONYMOUS, User
from kubeproof.impl.apiserver.rest.http import HttpRequest, HttpResponse, WatchResponse
from kubeproof.impl.apiserver.rest.serve import serve
from kubeproof.impl.apiserver.server import Server, request
from kubeproof.impl.apiserver.verbs.create import Inputs
from kubeproof.impl.etcd import Compact, apply

NOW = 1_700_000_000
MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
JANE = User("jane", ("system:authenticated",))
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
SPEC = {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}


class Client:
    """A client of a server: sends requests one after the other."""

    def __init__(self) -> None:
        self.server, _ = request(Server(), ADMIN, Create(Namespace(ObjectMeta(name="default"))))

    def __call__(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        media: str = "application/json",
        user: User | None = ADMIN,
        **more: Any,
    ) -> Any:
        """Send a request; return the answer."""
        path, _, query = url.partition("?")
        content = b"" if body is None else json.dumps(body).encode()
        http = HttpRequest(method, path, tuple(parse_qsl(query)), content, media, user_agent="test/1", **more)
        self.server, answer = serve(self.server, http, user, Inputs(NOW, "abcde", f"uid-{self.server.store.revision}"))
        return answer

    def maps(self, *names: str) -> None:
        """Create ConfigMaps."""
        for name in names:
            answer = self("POST", MAPS, {"metadata": {"name": name, "labels": {"n": name}}, "data": {"a": "b"}})
            assert answer.code == 201


@pytest.fixture
def client() -> Client:
    return Client()


def names(answer: HttpResponse) -> list[str]:
    return [one["metadata"]["name"] for one in answer.body["items"]]


def test_pages_are_of_one_moment_and_have_everything_once(client: Client) -> None:
    client.maps("a", "b", "d", "e", "f")
    first = client("GET", f"{MAPS}?limit=2")
    assert (names(first), first.body["metadata"]["remainingItemCount"]) == (["a", "b"], 3)
    client.maps("c")
    client("DELETE", f"{MAPS}/d")
    second = client("GET", f"{MAPS}?limit=2&continue={first.body['metadata']['continue']}")
    assert names(second) == ["d", "e"]
    assert second.body["metadata"]["resourceVersion"] == first.body["metadata"]["resourceVersion"]
    third = client("GET", f"{MAPS}?limit=2&continue={second.body['metadata']['continue']}")
    assert (names(third), "continue" in third.body["metadata"]) == (["f"], False)
    assert names(client("GET", MAPS)) == ["a", "b", "c", "e", "f"]


def test_a_page_of_a_moment_that_is_forgotten_is_gone(client: Client) -> None:
    client.maps("a", "b")
    token = client("GET", f"{MAPS}?limit=1").body["metadata"]["continue"]
    client.maps("c")
    store, _ = apply(client.server.store, Compact(client.server.store.revision))
    client.server = Server(store)
    answer = client("GET", f"{MAPS}?limit=1&continue={token}")
    assert (answer.code, answer.body["reason"]) == (410, "Expired")


def test_selectors_of_labels_and_fields_select(client: Client) -> None:
    client.maps("a", "b")
    assert names(client("GET", f"{MAPS}?labelSelector=n+in+(a,c)")) == ["a"]
    assert names(client("GET", f"{MAPS}?fieldSelector=metadata.name!%3Da")) == ["b"]
    assert client("GET", f"{MAPS}?fieldSelector=data.a%3Db").code == 400


def test_an_exact_version_shows_what_was_there(client: Client) -> None:
    client.maps("a")
    then = client("GET", MAPS).body["metadata"]["resourceVersion"]
    client.maps("b")
    assert names(client("GET", f"{MAPS}?resourceVersion={then}&resourceVersionMatch=Exact")) == ["a"]
    assert names(client("GET", f"{MAPS}?resourceVersion={then}")) == ["a", "b"]
    assert client("GET", f"{MAPS}?resourceVersion=999").code == 504


def test_a_dry_run_answers_and_stores_nothing(client: Client) -> None:
    before = client.server
    answer = client("POST", f"{MAPS}?dryRun=All", {"metadata": {"name": "a"}})
    assert (answer.code, answer.body["metadata"]["name"]) == (201, "a")
    assert client.server == before
    client.maps("a")
    before = client.server
    assert client("DELETE", f"{MAPS}/a", {"dryRun": ["All"]}).code == 200
    assert (
        client("PATCH", f"{MAPS}/a?dryRun=All", {"data": {"x": "y"}}, media="application/merge-patch+json").code == 200
    )
    assert client.server == before


@pytest.mark.parametrize(
    "options", [{"dryRun": 5}, {"dryRun": "All"}, {"preconditions": 5}, {"gracePeriodSeconds": "5"}]
)
def test_options_of_another_shape_are_refused(client: Client, options: dict[str, Any]) -> None:
    client("POST", MAPS, {"metadata": {"name": "a"}})
    answer = client("DELETE", f"{MAPS}/a", options)
    assert answer.code == 400
    assert f"{next(iter(options))}: expected" in str(answer.body)


def test_a_write_of_an_old_version_is_a_conflict(client: Client) -> None:
    client.maps("a")
    old = client("GET", f"{MAPS}/a").body
    assert client("PUT", f"{MAPS}/a", {**old, "data": {"a": "1"}}).code == 200
    answer = client("PUT", f"{MAPS}/a", {**old, "data": {"a": "2"}})
    assert (answer.code, answer.body["reason"]) == (409, "Conflict")
    again = client("GET", f"{MAPS}/a").body
    assert again["data"] == {"a": "1"}
    assert client("PUT", f"{MAPS}/a", again).body["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"]


def test_a_watch_goes_on_where_a_list_ends(client: Client) -> None:
    client.maps("a", "b")
    since = client("GET", MAPS).body["metadata"]["resourceVersion"]
    watch = client("GET", f"{MAPS}?watch=1&labelSelector=n%3Da&resourceVersion={since}&allowWatchBookmarks=true")
    assert isinstance(watch, WatchResponse)
    position, events = streams.first(client.server, watch, NOW)
    assert events == ()
    for body in ({"data": {"a": "1"}}, {"metadata": {"labels": {"n": "x"}}}, {"metadata": {"labels": {"n": "a"}}}):
        assert client("PATCH", f"{MAPS}/a", body, media="application/merge-patch+json").code == 200
    client("DELETE", f"{MAPS}/a")
    client.maps("c")
    after, events = streams.more(client.server, watch, position, NOW)
    assert after is not None
    assert [one["type"] for one in events] == ["MODIFIED", "DELETED", "ADDED", "DELETED"]
    assert events[1]["object"]["metadata"]["labels"] == {"n": "a"}
    assert streams.more(client.server, watch, after, NOW) == (after, ())
    mark = streams.bookmark(watch, after.revision)
    assert (mark["type"], mark["object"]["metadata"]["resourceVersion"]) == (
        "BOOKMARK",
        str(client.server.store.revision),
    )


def test_a_watch_from_nowhere_begins_with_what_is_there(client: Client) -> None:
    client.maps("a", "b")
    watch = client(
        "GET", f"{MAPS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=1"
    )
    _, events = streams.first(client.server, watch, NOW)
    assert [one["type"] for one in events] == ["ADDED", "ADDED", "BOOKMARK"]
    assert events[-1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_a_watch_of_a_table_has_its_columns_once(client: Client) -> None:
    client.maps("a", "b")
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    watch = client("GET", f"{MAPS}?watch=1", accept=table)
    _, events = streams.first(client.server, watch, NOW)
    assert [bool(one["object"]["columnDefinitions"]) for one in events] == [True, False]
    assert [one["object"]["rows"][0]["cells"][:2] for one in events] == [["a", 1], ["b", 1]]


def test_the_scale_of_a_workload_is_an_object_of_its_own(client: Client) -> None:
    assert client("POST", DEPLOYMENTS, {"metadata": {"name": "d"}, "spec": SPEC}).code == 201
    scale = client("GET", f"{DEPLOYMENTS}/d/scale").body
    assert (scale["kind"], scale["spec"], scale["status"]["selector"]) == ("Scale", {"replicas": 2}, "a=b")
    patched = client("PATCH", f"{DEPLOYMENTS}/d/scale", {"spec": {"replicas": 5}}, media="application/merge-patch+json")
    assert (patched.code, patched.body["spec"]) == (200, {"replicas": 5})
    assert client("PUT", f"{DEPLOYMENTS}/d/scale", scale).code == 409
    stored = client("GET", f"{DEPLOYMENTS}/d").body
    assert (stored["spec"]["replicas"], stored["metadata"]["generation"]) == (5, 2)
    assert client("GET", f"{MAPS}/a/scale").code == 404


def test_the_status_is_written_by_its_subresource_alone(client: Client) -> None:
    client("POST", DEPLOYMENTS, {"metadata": {"name": "d"}, "spec": SPEC, "status": {"replicas": 9}})
    media = "application/merge-patch+json"
    assert "replicas" not in client("PATCH", f"{DEPLOYMENTS}/d", {"status": {"replicas": 7}}, media=media).body.get(
        "status", {}
    )
    both = {"status": {"replicas": 7}, "spec": {"replicas": 9}}
    found = client("PATCH", f"{DEPLOYMENTS}/d/status", both, media=media).body
    assert (found["status"]["replicas"], found["spec"]["replicas"]) == (7, 2)


def test_a_collection_is_deleted_as_far_as_it_is_selected(client: Client) -> None:
    client.maps("a", "b", "c")
    answer = client("DELETE", f"{MAPS}?labelSelector=n+in+(a,b)")
    assert (answer.code, names(answer)) == (200, ["a", "b"])
    assert names(client("GET", MAPS)) == ["c"]


def test_a_stranger_learns_nothing_of_what_is_there(client: Client) -> None:
    client.maps("a")
    for user, code in ((JANE, 403), (ANONYMOUS, 403), (None, 401)):
        for method, url in (("GET", f"{MAPS}/a"), ("GET", f"{MAPS}/nope"), ("GET", MAPS), ("GET", f"{MAPS}?watch=1")):
            answer = client(method, url, user=user)
            assert answer.code == code
            assert "nope" not in answer.body["message"] or "cannot get" in answer.body["message"]
    before = client.server
    for method, url in (("POST", MAPS), ("PUT", f"{MAPS}/a"), ("DELETE", f"{MAPS}/a"), ("DELETE", MAPS)):
        assert client(method, url, {"metadata": {"name": "a"}}, user=JANE).code == 403
    assert client.server == before
    assert client("POST", MAPS, "no object", user=JANE).code == 403
    assert client("GET", "/apis", user=ANONYMOUS).code == 403
    assert client("GET", "/version", user=ANONYMOUS).code == 200


def test_a_role_lets_in_what_it_says_and_no_more(client: Client) -> None:
    place = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    rule = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["configmaps"]}
    assert client("POST", f"{place}/roles", {"metadata": {"name": "r"}, "rules": [rule]}).code == 201
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    binding = {"metadata": {"name": "b"}, "roleRef": ref, "subjects": [{"kind": "User", "name": "jane"}]}
    assert client("POST", f"{place}/rolebindings", binding).code == 201
    client.maps("a")
    asked_for = (("GET", f"{MAPS}/a"), ("GET", MAPS), ("DELETE", f"{MAPS}/a"))
    codes = [client(method, url, user=JANE).code for method, url in asked_for]
    assert codes == [200, 200, 403]
    assert client("GET", f"{MAPS}?watch=1", user=JANE).code == 403
    review = {"spec": {"resourceAttributes": {"verb": "get", "resource": "configmaps", "namespace": "default"}}}
    asked = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert client("POST", asked, review, user=JANE).body["status"]["allowed"] is True


def test_only_who_may_acts_as_another(client: Client) -> None:
    client.maps("a")
    wanted = User("boss", ("system:masters",))
    assert client("GET", f"{MAPS}/a", user=JANE, impersonated=wanted).code == 403
    assert client("GET", f"{MAPS}/a", user=ADMIN, impersonated=JANE).code == 403
    assert client("GET", f"{MAPS}/a", user=ADMIN, impersonated=wanted).code == 200
    denied = client("GET", f"{MAPS}/a", user=JANE, impersonated=User("boss", ()))
    assert denied.body["message"].startswith('users "boss" is forbidden: User "jane" cannot impersonate')


def test_a_kind_of_two_versions_is_stored_once(client: Client) -> None:
    place = "/apis/autoscaling/{}/namespaces/default/horizontalpodautoscalers"
    target = {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}
    spec = {"scaleTargetRef": target, "maxReplicas": 3, "targetCPUUtilizationPercentage": 60}
    assert client("POST", place.format("v1"), {"metadata": {"name": "h"}, "spec": spec}).code == 201
    newer = client("GET", f"{place.format('v2')}/h").body
    assert newer["apiVersion"] == "autoscaling/v2"
    assert newer["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 60
    older = client("GET", f"{place.format('v1')}/h").body
    assert (older["apiVersion"], older["spec"]["targetCPUUtilizationPercentage"]) == ("autoscaling/v1", 60)


def test_an_unknown_field_is_warned_of_refused_or_ignored(client: Client) -> None:
    body = {"metadata": {"name": "a"}, "dat": {"a": "b"}}
    assert client("POST", f"{MAPS}?dryRun=All", body).warnings == ('unknown field "dat"',)
    assert client("POST", f"{MAPS}?fieldValidation=Strict", body).code == 400
    ignored = client("POST", f"{MAPS}?fieldValidation=Ignore", body)
    assert (ignored.code, ignored.warnings, "dat" in ignored.body) == (201, (), False)
