"""The admission plugin ResourceQuota: whether a quota has room for an object, which it then counts.

Upstream: staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/{admission,controller}.go (v1.32).
What is used is read from the quota's status and written there: the quota controller only corrects it. A quota that has
not been counted yet (no status.hard) counts and refuses nothing.
Left out on purpose: resources that are limited by default; a request that is refused later (a name that is taken) has
been counted in the real server until the controller counts anew; the few milliseconds for which the plugin may act on
an older quota, in which it refuses what would fit, or tries anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from attrs import evolve

from ...api.core import Pod, Service
from ...api.kinds import Object, kind_of, ref_of
from ...api.meta import Time
from ...api.quota import ResourceQuota
from ...api.releases import OLDEST, Change, Release
from ...api.requests import Response
from ...api.storage import PersistentVolumeClaim
from ...api.values.frozen import as_map
from ...api.values.quantity import Quantity
from ...quota.amounts import frozen_amounts, increase, only, plus, shown
from ...quota.scopes import in_scope, is_bounded
from ...quota.usage import names_of, unsaid, usage
from ..config import Config
from ..status import forbidden
from ..storage import Storage, Transaction, put

MAY_GROW = Service | PersistentVolumeClaim
"""Kinds that a change may let take more."""


def charge(
    storage: Storage, new: Object, old: Object | None, config: Config, now: Time
) -> tuple[Response | None, Transaction]:
    """Return why no quota has room for a new or changed object (403), or the quotas as they count it."""
    if not kind_of(new).namespaced or (old is not None and not _is_asked_again(new, old, now)):
        return None, ()
    found = without_room(storage, new, old, now, config.release)
    if found is not None:
        return forbidden(ref_of(new), found[1]), ()
    if config.dry_run:
        return None, ()
    charged = ((quota, _more(quota, new, old, now)) for quota in _counting(storage, new))
    return None, tuple(put(_with(quota, more)) for quota, more in charged if more)


def without_room(
    storage: Storage, new: Object, old: Object | None = None, now: Time = 0, release: Release = OLDEST
) -> tuple[ResourceQuota, str] | None:
    """Return the first quota that has no room for an object, or cannot say so, and why; None where all have."""
    counting = tuple(_counting(storage, new))
    refused = ((quota, _unready(quota, new, release)) for quota in counting)
    full = ((quota, _over(quota, _more(quota, new, old, now))) for quota in counting)
    return next(((quota, why) for quota, why in chain(refused, full) if why), None)


def _with(quota: ResourceQuota, more: dict[str, Quantity]) -> ResourceQuota:
    used = frozen_amounts(plus(quota.status.used, more))
    return evolve(quota, status=evolve(quota.status, used=used))


def _is_asked_again(new: Object, old: Object, now: Time) -> bool:
    """Tell whether quotas are asked about a change: of what takes more than before, and of a Pod in other scopes.

    Upstream: Handles in pkg/quota/v1/evaluator/core/{pods,services,persistent_volume_claims}.go (v1.36), which asks
    about each change of a Service or a claim: one that takes no more is refused while nobody has counted a quota yet.
    """
    if isinstance(new, Pod) and isinstance(old, Pod):
        return is_bounded(new) != is_bounded(old)
    return isinstance(new, MAY_GROW) and any(
        quantity.sign for quantity in increase(usage(new, now), usage(old, now)).values()
    )


def _counting(storage: Storage, obj: Object) -> Iterator[ResourceQuota]:
    """Yield the quotas of an object's namespace that count it."""
    for stored in storage.list("ResourceQuota", obj.metadata.namespace):
        if (
            isinstance(stored, ResourceQuota)
            and names_of(kind_of(obj), stored.status.hard)
            and in_scope(stored.spec, obj)
        ):
            yield stored


def _asks_as_a_whole(pod: Pod, release: Release) -> bool:
    """Tell whether a Pod says itself what it asks for, so that its containers need not (KEP-2837)."""
    said = as_map(pod.spec.extra.get("resources"))
    return Change.POD_RESOURCES in release and bool(said.get("requests") or said.get("limits"))


def _unready(quota: ResourceQuota, obj: Object, release: Release) -> str:
    """Say what an object does not say that a quota counts, or that nobody has counted yet what is there."""
    names = names_of(kind_of(obj), quota.status.hard)
    missing = unsaid(obj, names) if isinstance(obj, Pod) and not _asks_as_a_whole(obj, release) else {}
    if missing:
        told = "; ".join(f"{name} for: {','.join(who)}" for name, who in missing.items())
        return f"failed quota: {quota.metadata.name}: must specify {told}"
    if not names <= quota.status.used.keys():
        return f"status unknown for quota: {quota.metadata.name}, resources: {','.join(sorted(names))}"
    return ""


def _more(quota: ResourceQuota, new: Object, old: Object | None, now: Time) -> dict[str, Quantity]:
    """Return what an object takes of a quota beyond what its old version takes."""
    taken = usage(new, now)
    if old is not None and in_scope(quota.spec, old):
        taken = increase(taken, usage(old, now))
    return {name: amount for name, amount in only(taken, quota.status.hard).items() if amount.sign}


def _over(quota: ResourceQuota, more: dict[str, Quantity]) -> str:
    hard, used = quota.status.hard, plus(quota.status.used, more)
    over = [name for name in more if used[name] > hard[name]]
    if not over:
        return ""
    asked, before, most = (shown(only(amounts, over)) for amounts in (more, quota.status.used, hard))
    return f"exceeded quota: {quota.metadata.name}, requested: {asked}, used: {before}, limited: {most}"
