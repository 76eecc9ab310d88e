"""Recorded requests on Pods, Services and Deployments, one after another: each is answered as the real server did.

Before each request the store holds what the recorded answers have shown so far. A PATCH is sent as the PUT it is worth.
"""

from __future__ import annotations

import json
import lzma
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kubeproof.impl.api.kinds import KINDS, ref_of
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.reading.convert import from_json, unstructure
from kubeproof.impl.api.requests import Bind, Create, Delete, Evict, Request, Update
from kubeproof.impl.apiserver import Config, Objects, Write, handle
from kubeproof.impl.apiserver.storage import put, with_meta
from places import VECTORS

FILE = VECTORS / "apiserver" / "protocol.jsonl.xz"
CONFIG = Config(service_cluster_ip_range="10.96.0.0/16", namespace_lifecycle=False)
PLURALS = {kind.plural: kind.name for kind in KINDS}
TOLD = 165  # characters of a message: upstream goes on with a diff
WANTED = [
    "pod create unscheduled",
    "pod delete unscheduled (immediate)",
    "pod delete pending bound grace30",
    "pod delete shorter grace",
    "pod delete longer grace",
    "pod delete grace0",
    "pod create",
    "pod update image",
    "pod update activeDeadline set",
    "pod update activeDeadline increase",
    "pod update activeDeadline decrease",
    "pod update tolerations add",
    "pod update tolerations remove",
    "pod update restartPolicy",
    "pod update terminationGrace",
    "pod update labels",
    "pod update priority",
    "binding",
    "binding missing pod",
    "binding no target",
    "gated create",
    "gated bind",
    "gated nodeSelector add",
    "ev pod",
    "dep",
    "generation after annotation change",
    "generation after spec change",
    "svc ip fixed",
    "svc clusterIP change",
    "svc clusterIP unset via PUT",
    "svc back to ClusterIP",
]


def records() -> list[dict[str, Any]]:
    with lzma.open(FILE, "rt") as lines:
        return [json.loads(line) for line in lines]


def ref_and_subresource(path: str) -> tuple[Ref, str]:
    """Read a URL: the object it names ("" for a collection), and the subresource."""
    _, _, rest = urlsplit(path).path.partition("/namespaces/")
    namespace, plural, *more = rest.split("/")
    return Ref(PLURALS.get(plural, ""), namespace, more[0] if more else ""), more[1] if len(more) > 1 else ""


def merged(old: Any, patch: Any) -> Any:
    """Apply a JSON merge patch; the recorded bodies give their lists whole."""
    if not isinstance(patch, dict) or not isinstance(old, dict):
        return patch
    kept = {key: value for key, value in old.items() if key not in patch}
    return kept | {key: merged(old.get(key), value) for key, value in patch.items() if value is not None}


def request_of(record: dict[str, Any], store: Objects) -> Request:
    asked, (ref, subresource) = record["request"], ref_and_subresource(record["request"]["path"])
    body = asked.get("body")
    match asked["method"], subresource:
        case "POST", "binding":
            return Bind(ref, body["target"]["name"])
        case "POST", "eviction":
            return Evict(ref)
        case "POST", _:
            return Create(with_meta(from_json(body), namespace=ref.namespace))
        case "DELETE", _:
            grace = parse_qs(urlsplit(asked["path"]).query).get("gracePeriodSeconds")
            return Delete(ref, int(grace[0]) if grace else None)
        case "PUT", _:
            return Update(with_meta(from_json(body), namespace=ref.namespace), None)
    stored = store.get(ref)
    assert stored is not None
    if ref.kind == "Pod" and "containers" in body.get("spec", {}):
        (change,) = body["spec"]["containers"]
        (container,) = unstructure(stored)["spec"]["containers"]
        body["spec"]["containers"] = [container | change]
    return Update(from_json(merged(unstructure(stored), body)), None)


def learn(store: Objects, record: dict[str, Any]) -> Objects:
    """Take over what an answer shows of an object; a Pod without grace is gone."""
    body = record["response"].get("body")
    ref, subresource = ref_and_subresource(record["request"]["path"])
    if record["response"]["code"] >= 400 or not isinstance(body, dict) or body.get("kind") not in PLURALS.values():
        return store
    if subresource not in {"", "status"} or not ref.kind:
        return store
    obj = from_json(body)
    ended = obj.metadata.deletion_grace_period_seconds == 0 and not obj.metadata.finalizers
    return store.commit((Write(ref_of(obj), None) if ended else put(obj),))


def ready_for(store: Objects, record: dict[str, Any]) -> Objects:
    """Make up the Pod that was there before the first request on it was recorded: as it is later, not deleted."""
    body = record["response"].get("body")
    if record["request"]["method"] != "DELETE" or record["response"]["code"] >= 400 or body["kind"] != "Pod":
        return store
    obj = from_json(body)
    if store.get(ref_of(obj)) is not None:
        return store
    return store.commit((put(with_meta(obj, deletion_timestamp=None, deletion_grace_period_seconds=None)),))


def replayed() -> dict[str, tuple[Any, Any]]:
    """Give, for each request, the answer made here and the one recorded: code, message, essence of the object."""
    store, answers = Objects(), dict[str, tuple[Any, Any]]()
    for record in records():
        if record["name"] in WANTED and record["name"] not in answers:
            store = ready_for(store, record)
            response, _ = handle(store, request_of(record, store), config=CONFIG)
            body = record["response"]["body"]
            code = record["response"]["code"]
            mine = (response.code, response.message[:TOLD], essence(response.object and unstructure(response.object)))
            theirs = (code, body.get("message", "")[:TOLD] if code >= 400 else "", essence(body))
            answers[record["name"]] = (mine, theirs)
        if "/namespaces/pr/" in record["request"]["path"]:
            store = learn(store, record)
    return answers


def essence(body: Any) -> Any:
    """Return what matters of an object: what was asked for, its generation, and how its deletion stands."""
    if body is None or body.get("kind") == "Status":
        return None
    meta = body["metadata"]
    spec = {key: one for key, one in body["spec"].items() if key not in {"volumes", "serviceAccount"}}
    for container in spec.get("containers", ()):
        for unmodelled in ("volumeMounts", "resources"):
            container.pop(unmodelled, None)
    spec = {key: one for key, one in spec.items() if one not in ({}, [], 0, "", None)} if "template" not in spec else {}
    grace = meta.get("deletionGracePeriodSeconds")
    labels = {} if "template" in body["spec"] else meta.get("labels", {})  # a write to them was not recorded
    return spec, meta.get("generation", 0), grace, labels


ANSWERS = replayed()


@pytest.mark.parametrize("name", WANTED)
def test_the_request_is_answered_as_recorded(name: str) -> None:
    mine, theirs = ANSWERS[name]
    if name == "binding":  # the answer here carries the Pod, upstream a bare success
        assert mine[0] == theirs[0]
        assert mine[2][0]["nodeName"] == "node-1"
        return
    assert mine == theirs


def test_the_deadline_moves_with_the_grace_that_is_left() -> None:
    made = {one["name"]: one["response"]["body"] for one in records() if one["name"].startswith("pod delete")}
    first, second = from_json(made["pod delete pending bound grace30"]), from_json(made["pod delete shorter grace"])
    ref = ref_of(first)
    response, _ = handle(Objects.of((first,)), Delete(ref, 5), config=CONFIG)
    assert response.object is not None
    assert response.object.metadata.deletion_timestamp == second.metadata.deletion_timestamp
