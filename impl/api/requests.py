"""What a component may ask of the API server, and what it is answered.

A component never touches the store: it returns requests, and whoever runs it sends them one at a time, in order. A
request that fails ends the component's turn; it looks again and starts anew, as a work queue's retry does.
"""

from __future__ import annotations

from attrs import frozen

from .kinds import Object
from .meta import OwnerReference, Ref


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
    """DELETE: begin (or, with grace 0, finish) a deletion. `uid` "" asks for no check; grace None means the default."""

    ref: Ref
    grace_period_seconds: int | None = None
    uid: str = ""
    propagation_policy: str = ""


@frozen
class Bind:
    """POST pods/NAME/binding: give a Pod to a node; 409 if it has one or is being deleted."""

    pod: Ref
    node: str
    uid: str = ""


@frozen
class Evict:
    """POST pods/NAME/eviction: delete a Pod if its budgets allow; else 429 Too Many Requests.

    `uid` "" asks for no check; else 409 on another Pod of that name.
    """

    pod: Ref
    grace_period_seconds: int | None = None
    uid: str = ""


@frozen
class PatchStatus:
    """PATCH status without a precondition: what a kubelet, the scheduler or the node lifecycle controller reports.

    `object` is the object with the status wanted; only its status (and nothing else) replaces the stored one.
    `uid` makes it fail on another object of the same name.
    """

    object: Object
    uid: str = ""


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


Request = Create | Update | Delete | Bind | Evict | PatchStatus | PatchMetadata


@frozen
class Cause:
    """One reason of a failure: its type, the message and, for a broken rule of validation, the field."""

    reason: str
    message: str
    field: str = ""


@frozen
class Response:
    """The answer: HTTP code, machine-readable reason ("" when it went well), message for humans, the object if any."""

    code: int
    reason: str = ""
    message: str = ""
    object: Object | None = None
    causes: tuple[Cause, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the request was granted."""
        return self.code < 400
