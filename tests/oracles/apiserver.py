"""Recorded requests and answers of kube-apiserver, held against the REST protocol: the codes and the reasons.

The recordings are sequences on one server, with gaps. So the state a request meets is what the records tell: every
object that an answer shows, or that stood there before a patch (`note.before`), is put into the store with its version;
what a deletion took away is taken away. A request about an object that no record has shown is not judged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import yaml
from attrs import evolve, frozen

from kubeproof.impl.api.kinds import Object, Unstructured, ref_of
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.reading.convert import unstructure
from kubeproof.impl.api.releases import OLDEST, Release
from kubeproof.impl.api.versions import stored as as_stored
from kubeproof.impl.apiserver.access.authentication import ADMIN, ANONYMOUS, User
from kubeproof.impl.apiserver.config import Config
from kubeproof.impl.apiserver.custom.definition import Definition, definition_of
from kubeproof.impl.apiserver.custom.reading import at_rest
from kubeproof.impl.apiserver.decode import decoded
from kubeproof.impl.apiserver.resources import Resource, kind_named, resources
from kubeproof.impl.apiserver.rest.http import HttpRequest, HttpResponse
from kubeproof.impl.apiserver.rest.request_info import RequestInfo, request_info
from kubeproof.impl.apiserver.rest.serve import serve
from kubeproof.impl.apiserver.server import Server, key_of
from kubeproof.impl.apiserver.storage import without_version
from kubeproof.impl.apiserver.verbs.create import Inputs
from kubeproof.impl.etcd import KeyValue, Store
from kubeproof.impl.etcd.sorted_map import SortedMap

Record = dict[str, Any]
FOO = Path(__file__).with_name("foo.yaml")
MADE_UP = 10**8
NOW = 1_795_420_000
"""About when it was recorded."""
CONFIG = Config(service_cluster_ip_range="10.96.0.0/16", runtime_classes=True)
USERS: dict[str, User | None] = {
    "anonymous": ANONYMOUS,
    "invalid-token": None,
    "system:kube-scheduler": User("system:kube-scheduler", ("system:authenticated",)),
}
CUSTOM = "/apis/example.com/"
"""Where the custom resource is that was there in the recordings; foo.yaml is its definition."""
ALLOCATED = "provided port is already allocated"
NOT_RECORDED = "(not recorded)"
GAPS = frozenset({"SSA: m1 re-apply after losing", "SSA: m2 same value shares", "limitrange default dryRun"})
"""Records behind one in which a manager loses a field, or that makes a Pod, which is not among them."""
SEQUENCE = re.compile(r"SSArandom (r\d+)/(\d+)")


@frozen
class Answered:
    """What was answered: by the real server, and here; None where it cannot be judged, with the reason why."""

    name: str
    real: tuple[int, str, str]
    ours: tuple[int, str, str] | None
    why: str = ""
    shown: tuple[Any, Any] | None = None
    """The object that each shows, without what the server chooses; None where one shows none."""
    owners: tuple[Any, Any] | None = None
    """Who owns which field of it, as each says."""
    beside: tuple[Any, Any] | None = None
    """What else the request did and said: warnings, causes, and every object that it changed; None if not recorded."""

    @property
    def agrees(self) -> bool:
        """Whether code and reason are the same."""
        return self.ours is not None and self.ours[0] == self.real[0] and self.real[1] in {NOT_RECORDED, self.ours[1]}


UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TOKEN_VOLUME = re.compile(r"(?<=kube-api-access-)[a-z0-9]{5}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


CHANCE = (("uid", UID), ("time", TIME), ("random", TOKEN_VOLUME))
"""What two servers that do the same say otherwise."""


def is_same(one: Answered) -> bool:
    """Tell whether every word of a refusal is the same, and the whole object that is shown, whoever it is by uid."""
    real, ours = whole(one)
    return real == ours


def _in_order(told: tuple[int, str, str] | None) -> Any:
    """Return code, reason and message; what several bounds of limit ranges say comes in no order upstream."""
    found = SEVERAL.fullmatch(told[2]) if told else None
    return (*told[:2], found[1], sorted(found[2].split(", "))) if told and found else told


SEVERAL = re.compile(r"(.* is forbidden: )\[(.*)\]")


def whole(one: Answered) -> tuple[str, str]:
    """Return all that is judged of an answer, the real one and ours: as JSON, without uids and times."""
    shown, beside = one.shown or (None, None), one.beside or (None, None)
    owners = one.owners if one.beside and one.owners else (None, None)
    pairs = (
        (one.real, shown[0], owners[0], beside[0]),
        (one.ours, shown[1], owners[1], beside[1]),
    )
    real, ours = (json.dumps((_in_order(told[0]), *told[1:]), sort_keys=True) for told in pairs)
    for what, pattern in CHANCE:
        real, ours = (pattern.sub(what, told) for told in (real, ours))
    return real, ours


def answers(records: Iterable[Record], release: Release = OLDEST) -> Iterator[Answered]:
    """Go through the records of a file in their order."""
    records = list(records)
    # Where whole answers were recorded without what else they did, the admission of service accounts was off.
    effects = any("after" in record for record in records)
    accounts = effects or not any(record.get("whole") for record in records)
    config = evolve(CONFIG, release=release, service_account=accounts, accounts=effects)
    server = _with(Server(Store(), config), _first())
    last: dict[str, int] = {}
    for record in records:
        if record["request"]["path"].startswith(CUSTOM):
            server = _with(server, [yaml.safe_load(FOO.read_text())])
        server = _at_least(_with(server, _before(record)), record)
        why = _unjudged(server, record, last)
        real = _told(record["response"]["code"], record["response"].get("body"))
        if not why and real[0] >= 400 and ALLOCATED in real[2]:
            why = "no record shows whose node port it is"
        if why:
            yield Answered(record["name"], real, None, why)
        else:
            asked, answer = _ask(server, record)
            beside = _beside(record, server, asked, answer) if "after" in record else None
            ours = (200, "", "") if not isinstance(answer, HttpResponse) else _told(answer.code, answer.body)
            body, mine = record["response"].get("body"), getattr(answer, "body", None)
            if _is_object(body) and _is_object(mine):
                shown, owners = (cleaned(body), cleaned(mine)), (_owners(body), _owners(mine))
                yield Answered(record["name"], real, ours, shown=shown, owners=owners, beside=beside)
            else:
                yield Answered(record["name"], real, ours, beside=beside)
        server = _after(server, record)


CHOSEN = frozenset(
    {
        "clusterIP",
        "clusterIPs",
        "creationTimestamp",
        "generation",
        "lastTransitionTime",
        "lastUpdateTime",
        "managedFields",
        "nodePort",
        "resourceVersion",
        "time",
        "uid",
    }
)
"""Fields in which two servers differ that do the same."""
CONTROLLERS = "kube-controller-manager"
"""Who wrote, in the recordings, what nobody writes here."""


def _is_object(body: Any) -> bool:
    return isinstance(body, dict) and "name" in (body.get("metadata") or {})


def cleaned(value: Any, *, status: bool = False) -> Any:
    """Leave out what the server chooses, what says nothing, and, but with `status`, what controllers wrote."""
    if isinstance(value, dict):
        dropped = CHOSEN if status else CHOSEN | {"status"}
        kept = {key: cleaned(one, status=status) for key, one in value.items() if key not in dropped}
        return {key: one for key, one in kept.items() if one not in ({}, [], None, "", 0, False)}
    if isinstance(value, list):
        return [cleaned(one, status=status) for one in value]
    return value


def _beside(record: Record, before: Server, after: Server, answer: Any) -> tuple[Any, Any]:
    """Return warnings, causes and changed objects: the recorded ones, and ours."""
    told = record["response"]
    known = {_place(found): cleaned(found, status=True) for found in record["note"]["before"]}
    changed = {_place(found): cleaned(found, status=True) for found in record["after"]}
    changed = {place: found for place, found in changed.items() if found != known.get(place)}
    gone = {f"{kind} {name}": None for kind, name in record.get("gone", ())}
    warned = sorted(WARNING.sub(r"\1", text).replace('\\"', '"') for text in told.get("warnings", ()))
    real = (warned, _causes(told.get("body")), {**changed, **gone})
    return real, (
        sorted(getattr(answer, "warnings", ())),
        _causes(getattr(answer, "body", None)),
        _changed(before, after),
    )


WARNING = re.compile(r'^299 - "(.*)"$')
"""How a warning is written in its header."""


def _causes(body: Any) -> Any:
    """Return the causes of a refusal, each once: a rule that is looked at in two places is told twice by some kinds."""
    causes = ((body.get("details") or {}).get("causes") if isinstance(body, dict) else None) or []
    return sorted({json.dumps(cause, sort_keys=True) for cause in causes})


def _place(found: Record) -> str:
    return f"{found['kind']} {found['metadata']['name']}"


def _changed(before: Server, after: Server) -> dict[str, Any]:
    """Return what a request left of each object that it changed, None of one that is gone."""
    one, other = ({kv.key: kv for _, kv in server.store.keys.items()} for server in (before, after))
    found: dict[str, Any] = {}
    for key in one.keys() | other.keys():
        old, new = one.get(key), other.get(key)
        if new is None and old is not None:
            found[_place(unstructure(old.value))] = None
        elif new is not None and (old is None or old.mod_revision != new.mod_revision):
            shown = cleaned(unstructure(new.value), status=True)
            if old is None or shown != cleaned(unstructure(old.value), status=True):
                found[_place(shown)] = shown
    return found


def _owners(body: Any) -> list[Any]:
    entries = (one for one in body["metadata"].get("managedFields") or () if one["manager"] != CONTROLLERS)
    return sorted(
        (one["manager"], one["operation"], one.get("subresource", ""), json.dumps(one["fieldsV1"], sort_keys=True))
        for one in entries
    )


def _told(code: int, body: Any) -> tuple[int, str, str]:
    if body is None and code >= 400:
        return code, NOT_RECORDED, ""
    status = body if isinstance(body, dict) and body.get("kind") == "Status" and code >= 400 else {}
    return code, status.get("reason") or "", status.get("message") or ""


def _ask(server: Server, record: Record) -> tuple[Server, Any]:
    asked = record["request"]
    path, _, query = asked["path"].partition("?")
    body = asked.get("body")
    content = b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
    accept = (asked.get("headers") or {}).get("Accept", "")
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    http = HttpRequest(asked["method"], path, pairs, content, asked.get("contentType") or "", accept, "oracle/1")
    user = USERS.get(asked.get("user", ""), ADMIN)
    inputs = Inputs(record.get("now", NOW), "12345", "11111111-2222-3333-4444-555555555555", "")
    return serve(server, http, user, inputs)


# --- the state a request meets ------------------------------------------------------------------------------------


def _first() -> Iterator[Record]:
    for name in ("default", "kube-system", "pr", "pv"):
        status = {"status": {"phase": "Active"}, "spec": {"finalizers": ["kubernetes"]}}
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "resourceVersion": "1"}, **status}


def _info(record: Record) -> RequestInfo | None:
    path, _, query = record["request"]["path"].partition("?")
    return request_info(record["request"]["method"], path, watch="watch=1" in query)


def _shown(record: Record) -> Iterator[Record]:
    """Yield the whole objects that an answer shows."""
    body, info = record["response"].get("body"), _info(record)
    if not isinstance(body, dict) or info is None or record["response"]["code"] >= 400:
        return
    resource = _resource(info)
    if resource is None:
        return
    typed = {"apiVersion": info.api_version, "kind": resource.kind.name}
    if body.get("kind") == f"{resource.kind.name}List":
        yield from ({**typed, **one} for one in body["items"])
    elif body.get("kind") == resource.kind.name:
        yield body


def _before(record: Record) -> Iterator[Record]:
    """Yield what is known to be there when a request comes."""
    note = record.get("note")
    if isinstance(note, dict) and (before := note.get("before")):
        yield from before if isinstance(before, list) else (before,)
    if record["request"]["method"] == "GET":
        yield from _shown(record)


def _after(server: Server, record: Record) -> Server:
    """Take over what the real server has made of it."""
    info, dry = _info(record), "dryRun" in record["request"]["path"]
    if info is None or dry or record["response"]["code"] >= 400:
        return server
    if info.verb == "delete" and not info.subresource:
        terminating = [one for one in _shown(record) if one["metadata"].get("finalizers")]
        graceful = [one for one in _shown(record) if one["metadata"].get("deletionGracePeriodSeconds")]
        kept = [*terminating, *graceful, *(one for one in _shown(record) if one["kind"] == "Namespace")]
        return _with(server, kept) if kept else _without(server, info)
    return server if record["request"]["method"] == "GET" else _with(server, _shown(record))


def _at_least(server: Server, record: Record) -> Server:
    """Take it that what was read before has been written; a version from the far future is made up."""
    asked = dict(parse_qsl(record["request"]["path"].partition("?")[2])).get("resourceVersion", "")
    revision = int(asked) if asked.isdecimal() and int(asked) < MADE_UP else 0
    return evolve(server, store=evolve(server.store, revision=max(revision, server.store.revision)))


def _with(server: Server, objects: Iterable[Record]) -> Server:
    keys, revision = dict(server.store.keys), server.store.revision
    for found in objects:
        obj = _object(found)
        version = int(found["metadata"].get("resourceVersion") or revision)
        key = key_of(ref_of(obj))
        keys[key] = KeyValue(key, without_version(obj), version, version, 1)
        revision = max(revision, version)
    return evolve(server, store=evolve(server.store, keys=SortedMap.of(keys.items()), revision=revision))


def _without(server: Server, info: RequestInfo) -> Server:
    resource = _resource(info)
    assert resource is not None
    key = key_of(Ref(resource.kind.key, info.namespace, info.name))
    keys = {name: kv for name, kv in server.store.keys.items() if name != key}
    return evolve(server, store=evolve(server.store, keys=SortedMap.of(keys.items())))


def _object(found: Record) -> Object:
    custom = _foo().version("v1") if found["kind"] == "Foo" else None
    kind = kind_named(found["kind"]) if custom is None else custom.kind
    return at_rest(decoded(as_stored(found, found["apiVersion"]), kind)[0], None)


def _resource(info: RequestInfo) -> Resource | None:
    """Return the resource that a request names, Kubernetes' own or the custom one."""
    found = resources().get((info.api_version, info.resource))
    custom = _foo()
    version = custom.version("v1")
    assert version is not None
    is_custom = (info.api_version, info.resource) == (version.kind.api_version, version.kind.plural)
    return custom.resource(version) if is_custom else found


@cache
def _foo() -> Definition:
    found = decoded(yaml.safe_load(FOO.read_text()), kind_named("CustomResourceDefinition"))[0]
    assert isinstance(found, Unstructured)
    return definition_of(found)


# --- what cannot be judged ----------------------------------------------------------------------------------------


def _unjudged(server: Server, record: Record, last: dict[str, int]) -> str:
    """Say why a record cannot be judged; "" where it can."""
    info = _info(record)
    if (record["request"].get("headers") or {}).get("Accept") == "application/vnd.kubernetes.protobuf":
        return "answers are never in protobuf"
    if record["name"] in GAPS:
        return "the step before it was not recorded"
    if found := SEQUENCE.match(record["name"]):
        name, number = found[1], int(found[2])
        missing = number != last.get(name, -1) + 1
        last[name] = number
        if missing:
            return "the step before it was not recorded"
    return _unknown_object(server, record, info)


def _unknown_object(server: Server, record: Record, info: RequestInfo | None) -> str:
    if info is None or not info.name or (info.verb in {"get", "watch", "create"} and not info.subresource):
        return ""
    resource = _resource(info)
    code = record["response"]["code"]
    if resource is None or code in {400, 404, 405, 415}:
        return ""
    there = server.get(Ref(resource.kind.key, info.namespace, info.name)) is not None
    created = code == 201 and info.verb in {"patch", "update"}
    return "" if there or created else "no record shows the object it is about"


# --- what a server says of itself ---------------------------------------------------------------------------------

HASH = re.compile(r"\?hash=[0-9A-F]+")
"""What tells one edition of a document from another: of the bytes that another encoder writes."""


def described(record: Record) -> tuple[Any, Any]:
    """Return a document of discovery or of OpenAPI with code and media type: the recorded one, and ours."""
    path = record["path"].partition("?")[0]
    http = HttpRequest("GET", path, accept=record["accept"], user_agent="oracle/1")
    answer = serve(_describing(), http, ADMIN, Inputs(NOW))[1]
    assert isinstance(answer, HttpResponse)
    real = (record["code"], record["contentType"], record["body"])
    ours = (answer.code, answer.content_type, json.loads(json.dumps(answer.body)))
    return _without_hashes(real), _without_hashes(ours)


def headed(record: Record) -> tuple[Any, Any]:
    """Return the columns of the tables of a resource: the recorded ones, and ours."""
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    path = f"{record['groupVersion']}/{record['resource']}"
    answer = serve(_describing(), HttpRequest("GET", path, accept=accept), ADMIN, Inputs(NOW))[1]
    assert isinstance(answer, HttpResponse)
    return record["columns"], json.loads(json.dumps(answer.body)).get("columnDefinitions")


@cache
def _describing() -> Server:
    return _with(_with(Server(Store(), CONFIG), _first()), [yaml.safe_load(FOO.read_text())])


def _without_hashes(value: Any) -> Any:
    return json.loads(HASH.sub("", json.dumps(value)))
