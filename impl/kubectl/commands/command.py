"""What every command says of itself, and those about something with a Pod template.

Upstream: staging/src/k8s.io/kubectl/pkg/cmd (v1.32). Patches are written out on the live object: an `Update` whose
base is the object as the command read it. Left out on purpose: the GET requests in between and `--wait`.
"""

from __future__ import annotations

from typing import ClassVar

from ...api.cache import Cache
from ...api.meta import Ref
from ...api.requests import Delete, Request
from ..found import Missing

Asked = tuple[Request, ...] | Missing
"""What a command asks of the API server, or why it asks nothing."""


class Command:
    """What every command says of itself. Adding one is a class here, and how it is written (`harness.input`)."""

    __slots__ = ()

    new_template: ClassVar[bool] = False
    """It may give a workload another Pod template."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The kinds of the live objects it asks for."""
        return ("Node",)

    @property
    def changes(self) -> tuple[str, ...]:
        """The kinds of objects that it makes, changes or deletes, beside Pods and workloads."""
        return ("Node",)

    @property
    def names_nobody(self) -> bool:
        """Whether it is about no single node or Pod."""
        return False


class OfWorkload(Command):
    """What commands on something with a Pod template, of this kind and name, have in common."""

    __slots__ = ()

    kind: str
    name: str

    @property
    def reads(self) -> tuple[str, ...]:
        """The kinds of the live objects it asks for."""
        return (self.kind,)

    @property
    def changes(self) -> tuple[str, ...]:
        """Nothing beside Pods and workloads."""
        return ()

    @property
    def names_nobody(self) -> bool:
        """It names a workload."""
        return True


def delete(ref: Ref | Missing, cache: Cache, *, policy: str = "Background", grace: int | None = None) -> Asked:
    """Return the request that deletes an object, or that it is not there."""
    if isinstance(ref, Missing):
        return ref
    if ref not in cache.objects:
        return Missing(str(ref))
    return (Delete(ref, grace, propagation_policy=policy),)
