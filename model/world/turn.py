"""A turn: the requests of one sync that are still to be sent, one after the other but for those sent side by side.

A component that sends requests side by side (the ReplicaSet controller deletes each Pod in a goroutine of its own)
waits for all answers before it goes on. So any of them may be the next to be committed, a refused or unanswered one
does not keep the others back, and what was to follow is left undone then. Upstream:
pkg/controller/replicaset/replica_set.go, manageReplicas. A set of n says so in 2^n turns at most, where every order by
itself would be n! of them, which end in the same states: what others see of a turn is which of its requests are
committed, and when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import TypeAlias

from attrs import frozen

from ...impl.api.kinds import ref_of
from ...impl.api.meta import Ref
from ...impl.api.requests import Bind, Create, Delete, Evict, PatchMetadata, PatchStatus, Recheck, Request, Update


@frozen
class Together:
    """Requests sent side by side, two or more."""

    requests: frozenset[Request]

    def __iter__(self) -> Iterator[Request]:
        return iter(sorted(self.requests, key=_in_order))


Requests: TypeAlias = tuple[Request | Together, ...]


def together(requests: Iterable[Request]) -> Requests:
    """Return the part of a turn that sends some requests side by side."""
    distinct = tuple(dict.fromkeys(requests))
    return (Together(frozenset(distinct)),) if len(distinct) > 1 else distinct


def sent(part: Request | Together) -> tuple[Request, ...]:
    """Return the requests of a part of a turn, one or those sent side by side."""
    return tuple(part) if isinstance(part, Together) else (part,)


def heads(turn: Requests) -> tuple[Request, ...]:
    """Return the requests any of which may be the next to be committed."""
    return sent(turn[0])


def without(turn: Requests, request: Request) -> Requests:
    """Return what is left of a turn when one of its heads was granted."""
    return (*beside(turn, request), *turn[1:])


def beside(turn: Requests, request: Request) -> Requests:
    """Return what is left of a turn when one of its heads was refused, or its answer lost: what was sent beside it."""
    return together(one for one in heads(turn) if one != request)


def spared(turn: Requests, hopeless: Callable[[Request], bool]) -> Requests:
    """Return what is left of a turn whose hopeless heads are given up; the turn itself where there are none."""
    kept = [request for request in heads(turn) if not hopeless(request)]
    return turn if len(kept) == len(heads(turn)) else together(kept)


def subject(request: Request) -> Ref:
    """Return the reference of what a request is about; of an object to be created, as far as it has a name."""
    match request:
        case Create(obj) | Update(obj) | PatchStatus(obj):
            return ref_of(obj)
        case Delete(ref) | PatchMetadata(ref) | Recheck(ref):
            return ref
        case Bind(pod) | Evict(pod):
            return pod


def writes(request: Request, kind: str) -> bool:
    """Tell whether a request writes an object of a kind, if it is granted."""
    return not isinstance(request, Recheck) and subject(request).kind == kind


@cache
def _in_order(request: Request) -> tuple[str, Ref, str]:
    """Return what requests are ordered by; those for objects that get their names later, by all that they say."""
    ref = subject(request)
    return type(request).__name__, ref, "" if ref.name else repr(request)
