"""core/v1: ceilings on what a namespace may hold, and on what a container or Pod in it may ask for.

Upstream: staging/src/k8s.io/api/core/v1/types.go (v1.32).
"""

from __future__ import annotations

from attrs import frozen
from immutabledict import immutabledict

from .core import Resources
from .meta import ObjectMeta
from .values.frozen import EMPTY, Json


@frozen
class ScopedResourceSelectorRequirement:
    """A scope and how it is compared: PriorityClass In [high]; Exists is all that the others can say."""

    scope_name: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class ScopeSelector:
    """Requirements all of which a Pod must keep to be counted."""

    match_expressions: tuple[ScopedResourceSelectorRequirement, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class ResourceQuotaSpec:
    """How much of what there may be (`pods`, `requests.cpu`, `count/jobs.batch`), and of which Pods it is counted."""

    hard: Resources = immutabledict()
    scopes: tuple[str, ...] = ()
    scope_selector: ScopeSelector | None = None
    extra: immutabledict[str, Json] = EMPTY

    @property
    def requirements(self) -> tuple[ScopedResourceSelectorRequirement, ...]:
        """Return what a Pod must keep to be counted: each scope by itself is a requirement that it Exists."""
        plain = tuple(ScopedResourceSelectorRequirement(scope, "Exists") for scope in self.scopes)
        return plain if self.scope_selector is None else (*plain, *self.scope_selector.match_expressions)


@frozen
class ResourceQuotaStatus:
    """What is enforced, and how much of it is taken; both empty until the quota controller has counted."""

    hard: Resources = immutabledict()
    used: Resources = immutabledict()
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class ResourceQuota:
    """A ceiling on what a namespace may hold."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ResourceQuotaSpec = ResourceQuotaSpec()
    status: ResourceQuotaStatus = ResourceQuotaStatus()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class LimitRangeItem:
    """Bounds and defaults for what a Container, a Pod as a whole, or a PersistentVolumeClaim may ask for."""

    type: str = ""
    max: Resources = immutabledict()
    min: Resources = immutabledict()
    default: Resources = immutabledict()
    """Limits of a container that names none."""
    default_request: Resources = immutabledict()
    max_limit_request_ratio: Resources = immutabledict()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class LimitRangeSpec:
    """The bounds, each by itself."""

    limits: tuple[LimitRangeItem, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class LimitRange:
    """What containers, Pods and claims of a namespace may ask for."""

    metadata: ObjectMeta = ObjectMeta()
    spec: LimitRangeSpec = LimitRangeSpec()
    extra: immutabledict[str, Json] = EMPTY
