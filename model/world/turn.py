"""A turn: the requests of one sync that are still to be sent, one after the other but for those sent side by side.

A component that sends requests side by side (the ReplicaSet controller deletes each Pod in a goroutine of its own)
waits for all answers before it goes on. So any of them may be the next to be committed, a refused or unanswered one
does not keep the others back, and what was to follow is left undone then. Upstream:
pkg/controller/replicaset/replica_set.go, manageReplicas. A set of n says so in 2^n turns at most, where every order by
itself would be n! of them, which end in the same states: what others see of a turn is which of its requests are
committed, and when.

A component that hears the answers decides by them what it asks next: its turn is its next request and an `Onward`, what
it has seen and heard so far. A sync that ends in an error of its own is a turn of one `Failed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, combinations, product
from typing import TypeAlias

from attrs import frozen

from ...impl.api.cache import Cache
from ...impl.api.kinds import ref_of
from ...impl.api.meta import Ref
from ...impl.api.requests import (
    AnyOf,
    Bind,
    Create,
    Delete,
    Evict,
    Get,
    Patch,
    PatchMetadata,
    PatchStatus,
    Recheck,
    Request,
    Response,
    Update,
)

Tie: TypeAlias = tuple[frozenset[Request], int]
"""Requests of which so many are sent, fewer than all."""


@frozen
class Together:
    """Requests sent side by side, two or more: all of `requests`, and of each of the `ties` any so many.

    Which of a tie is decided by what is sent. Whoever decides it before sends the same: until then nobody else sees the
    choice, and it reads nothing.
    """

    requests: frozenset[Request]
    ties: frozenset[Tie] = frozenset()

    def __iter__(self) -> Iterator[Request]:
        return iter(sorted(self.requests.union(*(some for some, _ in self.ties)), key=_in_order))

    def tie(self, request: Request) -> Tie | None:
        """Return the tie that a request is of."""
        return next((tie for tie in self.ties if request in tie[0]), None)


@frozen
class Onward:
    """How a sync goes on that hears the answers: on which view it was begun, and what it was answered so far."""

    key: Ref
    seen: Cache
    answers: tuple[Response, ...] = ()


@frozen
class Failed:
    """A sync has ended in an error of the component's own."""

    why: str


@frozen
class GivenUp:
    """A sync that hears its answers has ended by a refusal: the key is looked at again, as after any other end."""

    why: str


Part: TypeAlias = Request | Together | Onward | Failed | GivenUp
Requests: TypeAlias = tuple[Part, ...]


def together(requests: Iterable[Request | AnyOf]) -> Requests:
    """Return the part of a turn that sends some requests side by side; none of them is in two ties."""
    some = tuple(dict.fromkeys(requests))
    ties = [(frozenset(part.requests), part.count) for part in some if isinstance(part, AnyOf)]
    return _side_by_side(frozenset(part for part in some if not isinstance(part, AnyOf)), ties)


def _side_by_side(certain: frozenset[Request], ties: Iterable[Tie]) -> Requests:
    for some, count in ties:
        certain |= some if count >= len(some) else frozenset()
    left = frozenset((some, count) for some, count in ties if 0 < count < len(some))
    return (Together(certain, left),) if left or len(certain) > 1 else tuple(certain)


def chosen(turn: Requests) -> Iterator[Requests]:
    """Yield a turn for each way to decide what it leaves open."""
    for parts in product(*map(_decided, turn)):
        yield tuple(chain.from_iterable(parts))


def _decided(part: Part) -> Iterator[Requests]:
    if not isinstance(part, Together):
        yield (part,)
        return
    ties = sorted(((sorted(some, key=_in_order), count) for some, count in part.ties), key=_by_first)
    for ways in product(*(combinations(some, count) for some, count in ties)):
        yield _side_by_side(part.requests.union(*ways), ())


def _by_first(tie: tuple[Sequence[Request], int]) -> tuple[str, Ref, str]:
    return _in_order(tie[0][0])


def is_open(turn: Requests) -> bool:
    """Tell whether a turn leaves open what is sent."""
    return any(isinstance(part, Together) and part.ties for part in turn)


def sent(part: Part) -> tuple[Request, ...]:
    """Return the requests of a part of a turn, one or those sent side by side; none of what is no request."""
    if isinstance(part, Onward | Failed | GivenUp):
        return ()
    return tuple(part) if isinstance(part, Together) else (part,)


def onward(turn: Requests) -> Onward | None:
    """Return how a turn goes on that hears the answers, None of one whose requests are decided already."""
    last = turn[-1] if turn else None
    return last if isinstance(last, Onward) else None


def failure(turn: Requests) -> str:
    """Say which error of its own a sync has ended in, "" for none."""
    return turn[0].why if turn and isinstance(turn[0], Failed) else ""


def given_up(turn: Requests) -> str:
    """Say which refusal a sync has ended by, "" for none."""
    return turn[0].why if turn and isinstance(turn[0], GivenUp) else ""


def heads(turn: Requests) -> tuple[Request, ...]:
    """Return the requests any of which may be the next to be committed."""
    return sent(turn[0])


def without(turn: Requests, request: Request) -> Requests:
    """Return what is left of a turn when one of its heads was granted."""
    return (*beside(turn, request), *turn[1:])


def beside(turn: Requests, request: Request) -> Requests:
    """Return what is left of a turn when one of its heads was refused, or its answer lost: what was sent beside it."""
    first = turn[0]
    tie = first.tie(request) if isinstance(first, Together) else None
    if not isinstance(first, Together) or tie is None:
        return _kept(first, lambda head: head != request)
    some, count = tie
    return _side_by_side(first.requests, (first.ties - {tie}) | {(some - {request}, count - 1)})


def _kept(first: Part, kept: Callable[[Request], bool]) -> Requests:
    """Return what is kept of what is sent side by side; a tie is while any of it is kept."""
    if not isinstance(first, Together):
        return tuple(filter(kept, sent(first)))
    return _side_by_side(frozenset(filter(kept, first.requests)), [tie for tie in first.ties if any(map(kept, tie[0]))])


def reported(turn: Requests, request: Request) -> Requests:
    """Return what is left of a turn when admission does not let in what one of its heads would create.

    Controllers of workloads write the status that they have counted all the same, for what they saw is so. The Job
    controller lets go of the Pods that it counts there (pkg/controller/job/job_controller.go, syncJob), and that of
    DaemonSets still deletes Pods (pkg/controller/daemon/daemon_controller.go, syncNodes; v1.32).
    """
    if not isinstance(request, Create):
        return beside(turn, request)
    owner = next((reference.kind for reference in request.object.metadata.owner_references if reference.controller), "")
    return (*beside(turn, request), *(part for part in turn[1:] if all(_goes_on(ask, owner) for ask in sent(part))))


def _goes_on(request: Request, owner: str) -> bool:
    """Tell whether a controller still asks for something once Pods of its object were refused."""
    match request:
        case Update():
            return request.subresource == "status"
        case PatchMetadata():
            return owner == "Job"
        case Delete():
            return owner == "DaemonSet"
        case _:
            return False


def spared(turn: Requests, hopeless: Callable[[Request], bool]) -> Requests:
    """Return what is left of a turn whose hopeless heads are given up; the turn itself where there are none.

    Of a tie none is given up before all are: somebody may choose it, and be refused.
    """
    left = _kept(turn[0], lambda request: not hopeless(request))
    return turn if left == turn[:1] else left


def subject(request: Request) -> Ref:
    """Return the reference of what a request is about; of an object to be created, as far as it has a name."""
    match request:
        case Create(obj) | Update(obj) | PatchStatus(obj):
            return ref_of(obj)
        case Delete(ref) | PatchMetadata(ref) | Recheck(ref) | Get(ref) | Patch(ref):
            return ref
        case Bind(pod) | Evict(pod):
            return pod


def writes(request: Request, kind: str) -> bool:
    """Tell whether a request writes an object of a kind, if it is granted."""
    return not isinstance(request, Recheck | Get) and subject(request).kind == kind


@cache
def _in_order(request: Request) -> tuple[str, Ref, str]:
    """Return what requests are ordered by; those for objects that get their names later, by all that they say."""
    ref = subject(request)
    return type(request).__name__, ref, "" if ref.name else repr(request)
