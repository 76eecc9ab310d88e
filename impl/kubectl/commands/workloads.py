"""Commands about workloads: set image, scale, rollout.

Upstream: staging/src/k8s.io/kubectl/pkg/cmd (v1.32). Patches are written out on the live object: an `Update` whose
base is the object as the command read it. Left out on purpose: the GET requests in between and `--wait`.
"""

from __future__ import annotations

from attrs import frozen

from ...api.cache import Cache
from ...api.workloads import BY_KIND
from .. import workloads
from .command import Asked, OfWorkload


@frozen
class SetImage(OfWorkload):
    """`kubectl set image kind/name container=image`; "" is the only container, "*" all of them."""

    kind: str
    name: str
    image: str
    container: str = ""
    namespace: str = ""

    new_template = True

    def requests(self, cache: Cache, namespace: str) -> Asked:
        """Patch the template, or a Pod by itself."""
        return workloads.set_image(self.kind, self.name, namespace, cache, image=self.image, container=self.container)

    def __str__(self) -> str:
        return f"set image {self.kind.lower()}/{self.name} {self.image}"


@frozen
class Scale(OfWorkload):
    """`kubectl scale kind name --replicas=N`."""

    kind: str
    name: str
    replicas: int
    namespace: str = ""

    def requests(self, cache: Cache, namespace: str) -> Asked:
        """Patch the number of replicas."""
        return workloads.scale(self.kind, self.name, namespace, cache, replicas=self.replicas)

    def __str__(self) -> str:
        return f"scale {self.kind.lower()}/{self.name} --replicas={self.replicas}"


@frozen
class RolloutUndo(OfWorkload):
    """`kubectl rollout undo kind/name`: back to the revision before."""

    kind: str
    name: str
    namespace: str = ""

    @property
    def reads(self) -> tuple[str, ...]:
        """The workload, and what remembers its revisions."""
        kind = BY_KIND.get(self.kind)
        return (self.kind, kind.remembers) if kind is not None and kind.remembers else (self.kind,)

    def requests(self, cache: Cache, namespace: str) -> Asked:
        """Patch the template."""
        return workloads.rollout_undo(self.kind, self.name, namespace, cache)

    def __str__(self) -> str:
        return f"rollout undo {self.kind.lower()}/{self.name}"


@frozen
class RolloutRestart(OfWorkload):
    """`kubectl rollout restart kind/name`; `at` is the time stamp, "" a number that has not been used."""

    kind: str
    name: str
    at: str = ""
    namespace: str = ""

    new_template = True

    def requests(self, cache: Cache, namespace: str) -> Asked:
        """Patch the template."""
        return workloads.rollout_restart(self.kind, self.name, namespace, cache, at=self.at)

    def __str__(self) -> str:
        return f"rollout restart {self.kind.lower()}/{self.name}"


@frozen
class RolloutPause(OfWorkload):
    """`kubectl rollout pause kind/name`: templates that come do not roll out."""

    kind: str
    name: str
    namespace: str = ""

    def requests(self, cache: Cache, namespace: str) -> Asked:
        """Patch spec.paused."""
        return workloads.set_paused(self.kind, self.name, namespace, cache, paused=True)

    def __str__(self) -> str:
        return f"rollout pause {self.kind.lower()}/{self.name}"


@frozen
class RolloutResume(OfWorkload):
    """`kubectl rollout resume kind/name`: what has come rolls out."""

    kind: str
    name: str
    namespace: str = ""

    def requests(self, cache: Cache, namespace: str) -> Asked:
        """Patch spec.paused."""
        return workloads.set_paused(self.kind, self.name, namespace, cache, paused=False)

    def __str__(self) -> str:
        return f"rollout resume {self.kind.lower()}/{self.name}"
