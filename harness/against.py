"""A trace performed on a live API server: what its steps write is asked of it, and what is there then is compared.

Everything that the store saw is written again, whoever wrote it: an object that comes is posted, one that changes is
patched (its status and its node through their subresources), one that goes is deleted. So the server should have no
controllers that write as well: `kubeproof serve --no-components`, or a bare kube-apiserver as envtest starts one.
What a step does elsewhere (memories, containers) no client sees. Compared is what the trace says of each object, but
for what a server chooses itself: uids, versions, generations and times.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from attrs import define, field, frozen

from ..impl.api.meta import Ref
from ..impl.api.values.frozen import thaw
from ..impl.apiserver.resources import kind_named
from ..traces.document import Document, Moment, said

Json = dict[str, Any]
Ask = Callable[[str, str, Json | None, str], tuple[int, Json]]
"""Sends a method, a path, a body and its media type; returns code and body."""
JSON, MERGE = "application/json", "application/merge-patch+json"
CHOSEN = frozenset({"uid", "resourceVersion", "generation", "managedFields", "creationTimestamp", "selfLink"})
"""Of the metadata: what the server chooses."""
FIRST = ("Namespace", "Node", "PriorityClass", "StorageClass", "ServiceAccount")
STEP = re.compile(r"\.?([A-Za-z_]\w*)|\[([^\]]*)\]")
TAKEN, MISSING = 409, 404
SECONDS = 30


class UnreachableError(Exception):
    """Nobody answers there."""


@frozen
class Performed:
    """How many steps were performed with how many requests, and what came out otherwise, by step (0: the start)."""

    steps: int
    requests: int
    otherwise: tuple[tuple[int, str], ...] = ()


def client(url: str, token: str = "", authority: str = "") -> Ask:
    """Return how to ask a server. Raises UnreachableError when it is asked and nobody answers."""
    context = ssl.create_default_context(cafile=authority or None) if url.startswith("https:") else None

    def ask(method: str, path: str, body: Json | None, media: str) -> tuple[int, Json]:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": media, "Accept": JSON, "User-Agent": "kubeproof"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        request = Request(url.rstrip("/") + path, content, headers, method=method)  # noqa: S310 - the user names it
        try:
            with urlopen(request, timeout=SECONDS, context=context) as answer:  # noqa: S310
                return answer.status, _read(answer.read())
        except HTTPError as error:
            return error.code, _read(error.read())
        except (URLError, OSError) as error:
            raise UnreachableError(f"{url}: {error}") from None

    return ask


def _read(text: bytes) -> Json:
    try:
        found = json.loads(text)
    except ValueError:
        return {"message": text.decode(errors="replace")[:200]}
    return found if isinstance(found, dict) else {}


def performed(document: Document, ask: Ask) -> Performed:
    """Perform a run of a check."""
    there = _Server(ask)
    found: list[tuple[int, str]] = [(0, line) for line in there.begin([thaw(obj) for obj in document.objects])]
    for number, moment in enumerate(document.steps, start=1):
        found += ((number, f"{said(moment.action, moment.label)}: {line}") for line in there.step(moment))
    return Performed(len(document.steps), there.requests, tuple(found))


def text_of(told: Performed, trace: str, url: str) -> str:
    """Say what came of it."""
    lines = [f"{trace} performed on {url}: {told.steps} steps, {told.requests} requests"]
    if not told.otherwise:
        lines[0] += ", every object as the trace has it"
    return "\n".join((*lines, *(f"  step {number}: {line}" for number, line in told.otherwise))) + "\n"


@define
class _Server:
    """A server that a trace is performed on: what the trace says is there, and which uids stand for which."""

    send: Ask
    requests: int = 0
    objects: dict[Ref, Json] = field(factory=dict)
    uids: dict[str, str] = field(factory=dict)

    def ask(self, method: str, path: str, body: Json | None = None, media: str = JSON) -> tuple[int, Json]:
        self.requests += 1
        return self.send(method, path, body, media)

    def begin(self, objects: list[Json]) -> Iterator[str]:
        """Put everything there that the run begins with, owners before what they own."""
        for namespace in sorted({found["metadata"].get("namespace", "") for found in objects} - {""}):
            self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
            self.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "default"}})
        for obj in _owners_first(objects):
            yield from self.becomes(_ref(obj), None, obj)

    def step(self, moment: Moment) -> Iterator[str]:
        """Write what a step wrote."""
        changed: dict[Ref, Json | None] = {}
        for change in moment.changes:
            if change.object is None or not change.slot.startswith("store/"):
                continue
            before = changed.get(change.object, self.objects.get(change.object))
            changed[change.object] = _changed(before, change.field, thaw(change.after))
        for ref, after in changed.items():
            yield from self.becomes(ref, self.objects.get(ref), after)

    def becomes(self, ref: Ref, before: Json | None, after: Json | None) -> Iterator[str]:
        """Ask for what an object becomes; tell what is refused, and what differs afterwards."""
        if after is None:
            self.objects.pop(ref, None)
            self.ask("PATCH", _path(ref), {"metadata": {"finalizers": None}}, MERGE)
            code, body = self.ask("DELETE", f"{_path(ref)}?gracePeriodSeconds=0&propagationPolicy=Background")
            if code not in {200, 202, MISSING}:
                yield _refused("DELETE", ref, code, body)
            code, _ = self.ask("GET", _path(ref))
            if code != MISSING:
                yield f"{ref} is still there"
            return
        self.objects[ref] = after
        wanted = self.mapped(after)
        for method, path, body, media in self.wishes(ref, None if before is None else self.mapped(before), wanted):
            code, answer = self.ask(method, path, body, media)
            if code == TAKEN and method == "POST" and before is None:
                _, there = self.ask("GET", _path(ref))
                code, answer = self.ask("PATCH", _path(ref), _difference(there, _bare(wanted)), MERGE)
            if code >= 400 and not (code == MISSING and path.endswith("/status")):
                yield _refused(method, ref, code, answer)
        code, live = self.ask("GET", _path(ref))
        if code != 200:
            yield f"{ref} is not there"
            return
        self.uids[str(after["metadata"].get("uid") or "")] = str(live["metadata"]["uid"])
        if before is None and (rest := _difference(live, _bare(wanted))):
            _, live = self.ask("PATCH", _path(ref), rest, MERGE)
        yield from (f"{ref} {line}" for line in _unlike(wanted, live, ""))

    def wishes(self, ref: Ref, before: Json | None, after: Json) -> Iterator[tuple[str, str, Json, str]]:
        """Yield the requests that make of one JSON the other."""
        meta, status = after["metadata"], after.get("status")
        if before is None:
            yield "POST", _collection(ref), _bare(after), JSON
        else:
            node = (after.get("spec") or {}).get("nodeName")
            if ref.kind == "Pod" and node and not (before.get("spec") or {}).get("nodeName"):
                target = {"target": {"kind": "Node", "name": node}, "metadata": {"name": ref.name}}
                yield "POST", f"{_path(ref)}/binding", {"apiVersion": "v1", "kind": "Binding", **target}, JSON
                before = {**before, "spec": after["spec"]}
            if change := _merge(_bare(before), _bare(after)):
                yield "PATCH", _path(ref), change, MERGE
        if status and status != (before or {}).get("status"):
            yield "PATCH", f"{_path(ref)}/status", {"status": status}, MERGE
        if meta.get("deletionTimestamp") and not (before or {"metadata": {}})["metadata"].get("deletionTimestamp"):
            grace = meta.get("deletionGracePeriodSeconds") or 0
            yield "DELETE", f"{_path(ref)}?gracePeriodSeconds={grace}", {}, JSON

    def mapped(self, value: Any) -> Any:
        """Return JSON with the uids that the server gave."""
        if isinstance(value, dict):
            return {key: self.mapped(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.mapped(inner) for inner in value]
        return self.uids.get(value, value) if isinstance(value, str) else value


def _ref(obj: Json) -> Ref:
    meta = obj["metadata"]
    return Ref(obj["kind"], meta.get("namespace", ""), meta["name"])


def _owners_first(objects: Iterable[Json]) -> list[Json]:
    def rank(obj: Json) -> int:
        return FIRST.index(obj["kind"]) if obj["kind"] in FIRST else len(FIRST)

    waiting, found = sorted(objects, key=rank), []
    while waiting:
        uids = {waited["metadata"].get("uid") for waited in waiting}
        free = [
            waited
            for waited in waiting
            if not {o["uid"] for o in waited["metadata"].get("ownerReferences") or ()} & uids
        ]
        found += free or waiting
        waiting = [waited for waited in waiting if waited not in found]
    return found


def _collection(ref: Ref) -> str:
    kind = kind_named(ref.kind)
    place = f"/namespaces/{ref.namespace}" if ref.namespace else ""
    return f"/{'apis' if kind.group else 'api'}/{kind.api_version}{place}/{kind.plural}"


def _path(ref: Ref) -> str:
    return f"{_collection(ref)}/{ref.name}"


def _bare(obj: Json) -> Json:
    """Return an object as a client writes it: without its status and what the server chooses."""
    meta = {key: value for key, value in obj["metadata"].items() if key not in CHOSEN and "deletion" not in key}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": meta}


def _changed(value: Any, path: str, after: Any) -> Any:
    """Return JSON with another value at a path of a change."""
    if not path:
        return after
    found = STEP.match(path)
    if found is None:
        return value
    name, rest = found[1] if found[1] is not None else found[2], path[found.end() :]
    if isinstance(value, list):
        at = int(name)
        return [*value[:at], _changed(value[at], rest, after), *value[at + 1 :]]
    there = dict(value or {})
    inner = _changed(there.get(name), rest, after)
    there.pop(name, None)
    return there if inner is None else {**there, name: inner}


def _merge(before: Any, after: Any) -> Json:
    """Return the merge patch that makes of one map the other."""
    found: Json = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            found |= {key: inner} if (inner := _merge(old, value)) else {}
        elif value != old:
            found[key] = value
    return found


def _difference(live: Any, wanted: Any) -> Json:
    """Return the merge patch that adds to a live object what is wanted."""
    return {key: value for key, value in _prune(_merge(live, wanted)).items() if key not in {"apiVersion", "kind"}}


def _prune(patch: Json) -> Json:
    """Return a merge patch that takes nothing away."""
    found = {key: _prune(value) if isinstance(value, dict) else value for key, value in patch.items()}
    return {key: value for key, value in found.items() if value not in (None, {})}


def _unlike(wanted: Any, live: Any, path: str) -> Iterator[str]:
    """Yield what the trace says of an object and the server does not."""
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        for key, value in wanted.items():
            if key in CHOSEN or key.endswith(("Time", "Timestamp")) or value in ({}, [], None, "", 0, False):
                continue
            yield from _unlike(value, live.get(key), f"{path}.{key}" if path else key)
    elif isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        for at, (left, right) in enumerate(zip(wanted, live, strict=True)):
            yield from _unlike(left, right, f"{path}[{at}]")
    elif wanted != live:
        yield f"{path} is {json.dumps(live)[:80]}, and the trace has {json.dumps(wanted)[:80]}"


def _refused(method: str, ref: Ref, code: int, body: Json) -> str:
    return f"{method} {ref} is answered with {code}: {str(body.get('message') or '')[:200]}"
