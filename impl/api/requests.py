"""What a component may ask of the API server, and what it is answered.

A component never touches the store: it returns requests, and whoever runs it sends them one at a time, in order. A
request that fails ends the component's turn; it looks again and starts anew, as a work queue's retry does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, combinations, product
from typing import Literal

from attrs import frozen

from .kinds import Kind, Object
from .meta import OwnerReference, Ref
from .values.frozen import Json
from .values.selector_text import FieldSelector, TextSelector


@frozen
class Create:
    """POST: a new object. An empty name with generate_name set is completed by the API server."""

    object: Object


@frozen
class Update:
    """PUT: an object as it should be. `base` is the object as the component read it: the precondition.

    If the stored object has changed since `base` was read, the answer is 409 Conflict. `base` None asks for no check.
    `subresource` is "" (spec and metadata count), "status" (the status counts, and the annotations: the Deployment
    controller writes its revision with the status), "scale" (only spec.replicas counts) or, of a Namespace, "finalize"
    (only the finalizers of its spec count).
    """

    object: Object
    base: Object | None
    subresource: str = ""


@frozen
class Delete:
    """DELETE: begin (or, with grace 0, finish) a deletion. Grace None means the default.

    `uid` and `version` "" ask for no check; else 409 on another object of that name, or one that has changed.
    """

    ref: Ref
    grace_period_seconds: int | None = None
    uid: str = ""
    propagation_policy: str = ""
    version: str = ""


@frozen
class Bind:
    """POST pods/NAME/binding: give a Pod to a node; 409 if it has one or is being deleted."""

    pod: Ref
    node: str
    uid: str = ""


@frozen
class Evict:
    """POST pods/NAME/eviction: delete a Pod if its budgets allow; else 429 Too Many Requests.

    `uid` and `version` "" ask for no check; else 409 on another Pod of that name, or one that has changed.
    """

    pod: Ref
    grace_period_seconds: int | None = None
    uid: str = ""
    version: str = ""
    propagation_policy: str = ""


@frozen
class PatchStatus:
    """PATCH status without a precondition: what a kubelet, the scheduler or the node lifecycle controller reports.

    `object` is the object with the status wanted; only its status (and nothing else) replaces the stored one.
    `uid` makes it fail on another object of the same name. `merge`: of a Pod only the phase that is given and the
    conditions, by type, are laid over what is stored, as a strategic merge patch does it.
    """

    object: Object
    uid: str = ""
    merge: bool = False


@frozen
class PatchMetadata:
    """PATCH owners and finalizers without a version precondition: how a controller adopts, releases and lets go.

    The owner is added (or replaces the one of its uid), with finalizers that are not there, then owners by uid and
    finalizers by name are taken away. `uid` makes it fail (409) on another object of the same name.
    """

    ref: Ref
    uid: str = ""
    add_owner: OwnerReference | None = None
    remove_owners: tuple[str, ...] = ()
    remove_finalizers: tuple[str, ...] = ()
    add_finalizers: tuple[str, ...] = ()


@frozen
class Recheck:
    """GET: is an object, as the API server has it, still the one of this uid and not being deleted? 404 or 409 if not.

    A controller asks so before it adopts, since its cache may be old. Upstream: RecheckDeletionTimestamp in
    pkg/controller/controller_ref_manager.go (v1.32).
    """

    ref: Ref
    uid: str


@frozen
class Get:
    """GET: one object, or a subresource of it."""

    ref: Ref
    subresource: str = ""


@frozen
class Patch:
    """PATCH: the stored object with changes made to it, in one of Kubernetes' four formats.

    `body` is the patch as JSON; an apply (server-side apply) creates what is missing, `manager` owns what it says, and
    `force` takes from others what they own.
    """

    ref: Ref
    format: Literal["json", "merge", "strategic", "apply"]
    body: Json
    subresource: str = ""
    manager: str = ""
    force: bool = False
    kind: Kind | None = None
    """Of a custom resource that is not there yet: its kind, in the version in which it is applied."""


Request = Create | Update | Delete | Bind | Evict | PatchStatus | PatchMetadata | Recheck | Get | Patch
"""What components ask; those of Kubernetes here read from their informers, and send no patch that is not one of these.
"""


@frozen
class AnyOf:
    """Any `count` of some requests, fewer than all: nothing decides between them."""

    requests: tuple[Request, ...]
    count: int


Groups = tuple[tuple[Request, ...], ...]
"""Requests in order; those of a group are sent side by side."""
OpenGroup = tuple[Request | AnyOf, ...]
OpenGroups = tuple[OpenGroup, ...]
"""The same, with choices that are left open."""


def any_of(requests: Iterable[Request], count: int) -> OpenGroup:
    """Return the part of a group that sends so many of some requests; all of them, or none, is no choice."""
    some = tuple(requests)
    if count >= len(some):
        return some
    return (AnyOf(some, count),) if count > 0 else ()


def decided(groups: OpenGroups) -> Iterator[Groups]:
    """Yield what is sent for each choice that some groups leave open."""
    for made in product(*(product(*map(_ways, group)) for group in groups)):
        yield tuple(tuple(chain.from_iterable(group)) for group in made)


def _ways(part: Request | AnyOf) -> Iterable[tuple[Request, ...]]:
    return combinations(part.requests, part.count) if isinstance(part, AnyOf) else ((part,),)


def possible(groups: OpenGroups) -> Iterator[Request]:
    """Yield every request that some choice sends."""
    for part in chain.from_iterable(groups):
        yield from part.requests if isinstance(part, AnyOf) else (part,)


@frozen
class Selection:
    """Objects of a kind, in a namespace or in all (None), that label and field selectors select."""

    kind: str
    namespace: str | None = None
    labels: TextSelector = TextSelector()
    fields: FieldSelector = FieldSelector()


@frozen
class List:
    """GET of a collection: at most `limit` objects (0 for all), those behind the key `after` ("" for the first)."""

    of: Selection
    limit: int = 0
    after: str = ""


@frozen
class Watch:
    """GET with watch=true: whether it is allowed. What it shows is read off the history."""

    of: Selection


@frozen
class DeleteCollection:
    """DELETE of a collection: each of its objects as if it were deleted alone."""

    of: Selection
    grace_period_seconds: int | None = None
    propagation_policy: str = ""


AnyRequest = Request | List | Watch | DeleteCollection
"""What clients ask, components among them."""


@frozen
class Cause:
    """One reason of a failure: its type, the message and, for a broken rule of validation, the field."""

    reason: str
    message: str
    field: str = ""


@frozen
class Page:
    """What a list finds: the objects, the key the next page begins behind ("" for none) and how many come there."""

    objects: tuple[Object, ...]
    next: str = ""
    remaining: int = 0


@frozen
class Response:
    """The answer: HTTP code, machine-readable reason ("" when it went well), message for humans, the object if any.

    A list and a deleted collection are answered with a page.
    """

    code: int
    reason: str = ""
    message: str = ""
    object: Object | None = None
    causes: tuple[Cause, ...] = ()
    page: Page | None = None
    about: Ref | None = None
    """Of an object that breaks the rules of its kind: which one it is."""

    @property
    def ok(self) -> bool:
        """Whether the request was granted."""
        return self.code < 400
