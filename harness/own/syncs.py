"""One sync of a user's controller, as a world takes it: a turn of requests, or a turn that hears its answers.

A function that hears answers is run from its beginning for each, with all answers so far: it is pure, so it comes to
where it was. A request that changes nothing of what was read (an update to what is there) is answered without being
sent. What the function raises is no end of the check: the sync fails, and the trace says in which line of whose file.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from inspect import isgenerator
from pathlib import Path
from typing import Any

from attrs import evolve

from ...impl.api.cache import Cache
from ...impl.api.kinds import Kind, Object, kind_of
from ...impl.api.meta import Ref
from ...impl.api.requests import Get, Request, Response, Update
from ...model.world.turn import Failed, GivenUp, Onward, Requests, subject
from ...model.world.world import Alternatives
from .asking import ApiError, Asked, refusal, request_of
from .controllers import Controller
from .objects import Objects, as_json

PACKAGE = Path(__file__).parents[2]
IMPURE = "two calls on the same view ask for different things: a controller must depend on nothing else"


def act(controller: Controller, kinds: tuple[Kind, ...], cache: Cache, key: Ref) -> Alternatives:
    """Return the sync that a controller performs on what it has seen."""
    first, again = (_begun(controller, kinds, cache, key) for _ in range(2))
    turn = first if first == again else (Failed(f"{controller.name}: {IMPURE}"),)
    return (turn,) if turn else ()


def go_on(controller: Controller, kinds: tuple[Kind, ...], talk: Onward, answer: Response) -> Requests:
    """Return what a controller that hears answers asks next."""
    heard = evolve(talk, answers=(*talk.answers, answer))
    return _run(controller, kinds, heard)


def _begun(controller: Controller, kinds: tuple[Kind, ...], cache: Cache, key: Ref) -> Requests:
    return _run(controller, kinds, Onward(key, cache))


def _run(controller: Controller, kinds: tuple[Kind, ...], talk: Onward) -> Requests:
    obj = talk.seen.objects.get(talk.key)
    if obj is None:
        return ()
    view = Objects(partial(_of_kind, controller, talk.seen), talk.key.namespace or "default")
    meant = partial(_request, controller, talk.key, kinds)
    try:
        asked = controller(as_json(obj), view)
        if isgenerator(asked):
            return _asked_next(asked, talk, meant)
        return tuple(request for request in _meant(asked, talk, meant) if not _is_idle(request))
    except Exception as error:  # noqa: BLE001 - whatever a user's function raises is a finding
        return (Failed(told(error, controller.reconcile)),)


def _request(
    controller: Controller, key: Ref, kinds: tuple[Kind, ...], asked: Asked, shown: tuple[Object, ...]
) -> Request:
    """Return the request that is meant, if it is for what the controller says that it writes."""
    request = request_of(asked, shown, key, kinds)
    kind = subject(request).kind
    if not isinstance(request, Get) and kind not in {written.name for written in (controller.kind, *controller.owns)}:
        raise LookupError(f"{controller.name} writes {kind}: name it in owns=[...]")
    return request


def _of_kind(controller: Controller, seen: Cache, kind: Kind) -> Iterator[Object]:
    if kind not in controller.kinds:
        raise LookupError(f"{controller.name} looks at {kind.name}: name it in owns=[...] or watches=[...]")
    return (obj for obj in seen.objects.values() if kind_of(obj) == kind)


def _meant(asked: Any, talk: Onward, meant: Any) -> Iterator[Request]:
    if asked is None:
        return
    if not isinstance(asked, Iterable) or isinstance(asked, str | dict):
        raise TypeError(f"expected a list of requests, or a function that yields them, got {type(asked).__name__}")
    shown = tuple(talk.seen.objects.values())
    for request_asked in asked:
        request = meant(_checked(request_asked), shown)
        if isinstance(request, Get):
            raise TypeError("a request to read needs its answer: write yield read(...)")
        yield request


def _checked(one: Any) -> Asked:
    if not isinstance(one, Asked):
        raise TypeError(f"expected a request (create(...), update(...), delete(...)), got {type(one).__name__}")
    return one


def _asked_next(asking: Generator[Any, Any, Any], talk: Onward, meant: Any) -> Requests:
    """Return what a function asks after the answers so far; nothing where it ends, or a refusal ends it."""
    answers = list(reversed(talk.answers))
    shown = tuple(talk.seen.objects.values())
    try:
        one = next(asking)
        while True:
            request = meant(_checked(one), shown)
            if _is_idle(request):
                one = asking.send(as_json(request.object))
                continue
            if not answers:
                return (request, talk)
            answer = answers.pop()
            if answer.ok:
                shown = shown if answer.object is None else (*shown, answer.object)
                one = asking.send(None if answer.object is None else as_json(answer.object))
            else:
                one = asking.throw(refusal(answer))
    except StopIteration:
        return ()
    except ApiError as error:
        return (GivenUp(error.message),)


def _is_idle(request: Request) -> bool:
    """Tell whether a request changes nothing of the object that it was made from: granted or not, it says nothing."""
    return isinstance(request, Update) and request.object == request.base


def told(error: Exception, function: Callable[..., Any] | None = None) -> str:
    """Say what a function of a user raised, and where: the last line that is not of this package, or its first."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [
        (summary.filename, summary.lineno, summary.name) for summary in frames if _is_theirs(Path(summary.filename))
    ]
    code = getattr(function, "__code__", None)
    own = [] if code is None else [(code.co_filename, code.co_firstlineno, code.co_name)]
    places = [f"{_here(Path(file))}:{line} in {name}: " for file, line, name in theirs[-1:] or own]
    return f"{''.join(places)}{type(error).__name__}: {error}"


def _is_theirs(path: Path) -> bool:
    """Tell whether a file is none of this package; its examples and tests are written as a user writes."""
    return not path.is_relative_to(PACKAGE) or path.relative_to(PACKAGE).parts[0] in {"examples", "tests", "docs"}


def _here(path: Path) -> str:
    """Name a file as seen from here, if it is below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name
