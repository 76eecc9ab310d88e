"""What a controller has asked for and not yet seen: until it has, it must not count its Pods again.

Upstream: pkg/controller/controller_utils.go, ControllerExpectations and UIDTrackingControllerExpectations (v1.32).
Left out on purpose: the expiry after five minutes (a timer); raising expectations in steps (a sync sets them anew).
"""

from __future__ import annotations

from attrs import evolve, frozen

from ...api.core import Pod
from ...api.requests import Create, Delete, Request


@frozen
class Expectations:
    """For one key: how many creations are still to be seen, and which deletions (by uid; here `namespace/name`)."""

    creations: int = 0
    deletions: frozenset[str] = frozenset()

    @property
    def satisfied(self) -> bool:
        """Whether everything asked for has been seen."""
        return self.creations <= 0 and not self.deletions

    def creation_seen(self) -> Expectations:
        """Count one Pod of this owner that appeared, or one creation that failed."""
        return evolve(self, creations=self.creations - 1)

    def deletion_seen(self, pod: str) -> Expectations:
        """Strike off a Pod that is terminating or gone, or whose deletion failed; an unexpected one changes nothing."""
        return evolve(self, deletions=self.deletions - {pod})


SATISFIED = Expectations()
"""Nothing is outstanding: how every key begins, also after a restart."""


def expected(requests: tuple[Request, ...]) -> Expectations:
    """Return what the requests of a sync make a controller expect, before it sends the first of them."""
    return Expectations(
        sum(isinstance(request, Create) and isinstance(request.object, Pod) for request in requests),
        frozenset(
            f"{request.ref.namespace}/{request.ref.name}"
            for request in requests
            if isinstance(request, Delete) and request.ref.kind == "Pod"
        ),
    )


def after_sync(before: Expectations, requests: tuple[Request, ...]) -> Expectations:
    """Return the expectations after a sync: a sync that manages Pods sets them, any other leaves them."""
    new = expected(requests)
    return before if new.satisfied else new
