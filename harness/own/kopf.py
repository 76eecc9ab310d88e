"""Handlers of the kopf framework as a controller: kopf's own registry and storages, in the world of a check.

    registry = kopf.OperatorRegistry()

    @kopf.on.create("example.com", "v1", "databases", registry=registry)
    def made(body, memo, **_):
        memo.api.create(owned_by(body, {...}))

    reconcile = kubeproof.kopf.controller(registry, kind="example.com/v1/Database", owns=["ConfigMap"])

What kopf does with an object, one look at a time: a finalizer comes first where a handler of deletions asks for one;
which handlers are called follows from the object and from what was handled last, which kopf keeps in an annotation;
what they return, what they patch and that they are done is written when all have been called. An operator that crashes
before that calls them again.

Handlers reach the API server by `memo.api`, where an operator that runs has a client of the same methods. Each request
is a step: the handlers are called anew, from the beginning, with the answers so far.

Left out, and refused where handlers ask for it: resuming, timers, daemons, indices, events, fields and filters. Delays
and counts of retries are not kept: `retry` is 0, and what failed for the moment is tried again at some time.
"""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Iterable, Iterator
from copy import deepcopy
from functools import partial, update_wrapper
from inspect import iscoroutine
from typing import Any

import kopf
from attrs import define, evolve, field, frozen

from ...impl.api.kinds import Kind
from .asking import ApiError, Asked, create, delete, patch, read, update, update_status
from .controllers import Controller, Named
from .controllers import controller as controller_of
from .kinds import kind_of_name
from .objects import Given, Objects

FINALIZER = kopf.OperatorSettings().persistence.finalizer
LAST = kopf.AnnotationsDiffBaseStorage()
DONE = kopf.AnnotationsProgressStorage()
UNKNOWN = ("field", "when", "labels", "annotations", "value", "old", "new", "timeout", "retries", "initial")
"""What a handler may ask for beside its cause, and may not here."""
LOGGER = logging.getLogger(__name__)


class _Pending(BaseException):
    """A handler waits for an answer; nothing of the handler's may catch it."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked


@define
class Api:
    """The API server as handlers reach it: each call is answered by the object as it is stored, or raises ApiError."""

    view: Objects
    """What the caches show of the kinds that the controller names."""
    answers: tuple[Any, ...] = ()
    calls: int = field(default=0, init=False)

    def create(self, obj: Given) -> Any:
        """Create an object."""
        return self._ask(create(obj))

    def update(self, obj: Given) -> Any:
        """Replace an object."""
        return self._ask(update(obj))

    def update_status(self, obj: Given, status: Any = None) -> Any:
        """Replace an object's status."""
        return self._ask(update_status(obj, status))

    def patch(self, obj: Given, body: dict[str, Any]) -> Any:
        """Change some fields of an object."""
        return self._ask(patch(obj, body))

    def delete(self, obj: Given, *, uid: str = "", policy: str = "") -> Any:
        """Delete an object."""
        return self._ask(delete(obj, uid=uid, policy=policy))

    def read(self, kind: Named, name: str, *, namespace: str = "") -> Any:
        """Ask for an object, past every cache."""
        return self._ask(read(kind, name, namespace=namespace))

    def _ask(self, asked: Asked) -> Any:
        number, self.calls = self.calls, self.calls + 1
        if number == len(self.answers):
            raise _Pending(asked)
        answer = self.answers[number]
        if isinstance(answer, ApiError):
            raise answer
        return deepcopy(answer)


def controller(
    registry: kopf.OperatorRegistry,
    *,
    kind: Named,
    owns: Iterable[Named] = (),
    watches: Iterable[Named] = (),
    places: int = 4,
    name: str = "",
) -> Controller:
    """Make a controller of the handlers that a registry has for a kind.

    It acts on an object once it has seen what it wrote to it, as kopf waits for that. Raises ValueError where a handler
    asks for what is left out, or there is none.
    """
    of = kind_of_name(kind)
    handlers = _handlers(registry, of)
    reconcile = update_wrapper(partial(_reconcile, handlers), handlers[0].fn)  # by that a trace finds the file
    made = controller_of(kind, owns=owns, watches=watches, sees_own=[kind], places=places)(reconcile)
    return evolve(made, name=name or f"kopf-{of.name.lower()}")


def _handlers(registry: kopf.OperatorRegistry, kind: Kind) -> tuple[Any, ...]:
    resource = kopf.Resource(kind.group, kind.api_version.rpartition("/")[2], kind.plural, kind.name)
    for what in ("_indexing", "_watching", "_spawning"):
        if any(_of(getattr(registry, what), resource)):
            raise ValueError(f"{kind.name}: handlers of {what[1:]} are not modelled, only of changes")
    changing = _of(registry._changing, resource)  # noqa: SLF001 - kopf has no other way in
    found = tuple({(handler.id, handler.reason): handler for handler in changing}.values())
    if not found:
        raise ValueError(f"the registry has no handler of {kind.api_version}/{kind.name} ({kind.plural})")
    for handler in found:
        asked = [what for what in UNKNOWN if getattr(handler, what) is not None]
        if asked or handler.reason is None:
            raise ValueError(f"handler {handler.id}: {', '.join(asked) or 'a handler of every cause'} is not modelled")
    return found


def _of(handlers: Any, resource: kopf.Resource) -> Iterator[Any]:
    return (
        handler
        for handler in handlers.get_all_handlers()
        if handler.selector is not None and handler.selector.check(resource)
    )


@frozen
class _Look:
    """One look at an object: what is there, and what was there when it was handled last (None: it never was)."""

    body: Any
    old: Any
    new: Any

    @property
    def reason(self) -> kopf.Reason | None:
        """The cause to handle; None where there is nothing to do."""
        if self.body.metadata.get("deletionTimestamp"):
            return kopf.Reason.DELETE if FINALIZER in self.body.metadata.get("finalizers", ()) else None
        if self.old is None:
            return kopf.Reason.CREATE
        return kopf.Reason.UPDATE if self.old != self.new else None


def _reconcile(handlers: tuple[Any, ...], obj: dict[str, Any], view: Objects) -> Iterator[Asked]:
    body = kopf.Body(deepcopy(obj))
    look = _Look(body, LAST.fetch(body=body), DONE.clear(essence=LAST.build(body=body)))
    meta = obj["metadata"]
    held, going = FINALIZER in meta.get("finalizers", ()), "deletionTimestamp" in meta
    needed = any(handler.requires_finalizer for handler in handlers)
    if needed and not held and not going:
        yield patch(obj, {"metadata": {"finalizers": [*meta.get("finalizers", ()), FINALIZER]}})
        return
    if look.reason is None:
        return
    answers: list[Any] = []
    while True:
        try:
            changes, failed = _handled(handlers, look, Api(view, tuple(answers)))
            break
        except _Pending as pending:
            try:
                answers.append((yield pending.asked))
            except ApiError as refused:
                answers.append(refused)
    if look.reason is kopf.Reason.DELETE and failed is None:
        changes.setdefault("metadata", {})["finalizers"] = [
            finalizer for finalizer in meta["finalizers"] if finalizer != FINALIZER
        ]
    yield from _patched(obj, changes)
    if failed is not None:
        raise failed


def _patched(obj: dict[str, Any], changes: dict[str, Any]) -> Iterator[Asked]:
    """Yield the patches that kopf sends: of the object, and then of its status."""
    body = {key: value for key, value in changes.items() if key != "status"}
    if changes.get("status"):
        yield patch(obj, {"status": changes["status"]}, subresource="status")
    if body:
        yield patch(obj, body)


def _handled(handlers: tuple[Any, ...], look: _Look, api: Api) -> tuple[dict[str, Any], ApiError | None]:
    """Call the handlers of a cause that are not done; return what is to be patched, and what failed for the moment."""
    changes = kopf.Patch()
    failed: ApiError | None = None
    mine = [handler for handler in handlers if handler.reason is look.reason]
    for handler in mine:
        if (DONE.fetch(key=handler.id, body=look.body) or {}).get("success"):
            continue
        try:
            result = _called(handler, look, changes, api)
        except kopf.PermanentError:
            result = None
        except kopf.TemporaryError as error:
            failed = ApiError(503, "TemporaryError", str(error))
            continue
        except ApiError as error:
            failed = error
            continue
        DONE.store(key=handler.id, record=kopf.ProgressRecord(success=True), body=look.body, patch=changes)
        if result is not None:
            changes.status[handler.id] = result
    if failed is None:
        for handler in mine:
            DONE.purge(key=handler.id, body=look.body, patch=changes)
        if look.reason is not kopf.Reason.DELETE:
            LAST.store(body=look.body, patch=changes, essence=look.new)
    return deepcopy(dict(changes)), failed


def _called(handler: Any, look: _Look, changes: kopf.Patch, api: Api) -> Any:
    body, meta = look.body, look.body.metadata
    given = {
        "body": body,
        "spec": body.spec,
        "meta": meta,
        "status": body.status,
        "name": meta.get("name"),
        "namespace": meta.get("namespace"),
        "uid": meta.get("uid"),
        "labels": meta.labels,
        "annotations": meta.annotations,
        "patch": changes,
        "memo": kopf.Memo(api=api),
        "param": handler.param,
        "reason": look.reason,
        "old": look.old,
        "new": look.new,
        "diff": (),
        "retry": 0,
        "logger": LOGGER,
    }
    result = handler.fn(**given)
    return _awaited(result, handler.id) if iscoroutine(result) else result


def _awaited(running: Coroutine[Any, Any, Any], name: str) -> Any:
    """Return what an async handler returns; one that waits for something outside cannot be checked."""
    try:
        running.send(None)
    except StopIteration as done:
        return done.value
    running.close()
    raise TypeError(f"handler {name} waits for something that is not memo.api: that cannot be checked")
