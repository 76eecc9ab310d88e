"""Validation of quotas and limit ranges.

Upstream: ValidateResourceQuota and ValidateLimitRange in pkg/apis/core/validation/validation.go,
IsStandardResourceQuotaScope and its kin in pkg/apis/core/helper/helpers.go (v1.32).
Left out on purpose: that limits of what cannot be overcommitted equal its requests; the ratio of a limit range against
the ratio of its bounds.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...api.core import Resources
from ...api.quota import LimitRange, LimitRangeItem, ResourceQuota, ScopedResourceSelectorRequirement
from ...api.values.quantity import Quantity
from ...quota.usage import is_extended
from .container import STANDARD_RESOURCES, is_standard_resource
from .field_error import FieldError, bad_keys, bad_names, duplicate, forbidden, go, invalid, invalid_raw, required

PLAIN_SCOPES = ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity")
"""Scopes of which a selector can only say that they exist."""
SCOPES = frozenset({*PLAIN_SCOPES, "PriorityClass"})
CONFLICTS = (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating"))
OF_ANY_POD = frozenset({"pods"})
OF_PODS = frozenset(
    name for name in STANDARD_RESOURCES if name.startswith(("requests.", "limits.")) and name != "requests.storage"
) | {"cpu", "memory", "pods"}
WHOLE = frozenset(
    {
        "configmaps",
        "persistentvolumeclaims",
        "pods",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "services",
        "services.loadbalancers",
        "services.nodeports",
    }
)
"""What is counted in whole numbers."""
ONE = Quantity.of(1)
REQUIREMENTS = "[]core.ScopedResourceSelectorRequirement"
"""How requirements are told; Go prints their fields, too."""


def validate_quota(quota: ResourceQuota) -> list[FieldError]:
    """Return the broken rules of a ResourceQuota."""
    hard = quota.spec.hard
    errors = [error for name in sorted(hard) for error in _ceiling(f"spec.hard[{name}]", name, hard[name])]
    errors += _scopes("spec.scopes", quota.spec.scopes, hard)
    if quota.spec.scope_selector is not None:
        found = quota.spec.scope_selector.match_expressions
        errors += [error for requirement in found for error in _selected(requirement, hard)]
        names = tuple(requirement.scope_name for requirement in found)
        errors += _conflicts("spec.scopeSelector.matchExpressions", names, REQUIREMENTS)
    return errors


def validate_quota_update(new: ResourceQuota, old: ResourceQuota) -> list[FieldError]:
    """Return what of a ResourceQuota may not change: its scopes."""
    if set(new.spec.scopes) == set(old.spec.scopes):
        return []
    return [invalid_raw("spec.scopes", _rendered(new.spec.scopes), "field is immutable", new.spec.scopes)]


def _ceiling(field: str, name: str, amount: Quantity) -> Iterator[FieldError]:
    yield from bad_names(field, name)
    if "/" not in name:
        if not is_standard_resource(name):
            yield invalid_raw(field, name, "must be a standard resource type or fully qualified", name)
        if not is_standard_resource(name) or name == "storage":
            yield invalid_raw(field, name, "must be a standard resource for quota", name)
    if amount.sign < 0:
        yield invalid(field, str(amount), "must be greater than or equal to 0")
    if (name in WHOLE or is_extended(name)) and amount.milli_value() % 1000:
        yield invalid_raw(field, rendered(amount), "must be an integer", str(amount))


def _scopes(field: str, scopes: tuple[str, ...], hard: Resources) -> Iterator[FieldError]:
    for scope in scopes:
        if scope not in SCOPES:
            yield invalid_raw(field, _rendered(scopes), "unsupported scope", scopes)
        for name in sorted(hard):
            if not _counts(scope, name):
                yield invalid_raw(field, _rendered(scopes), "unsupported scope applied to resource", scopes)
    yield from _conflicts(field, scopes, _rendered(scopes))


def _counts(scope: str, name: str) -> bool:
    """Tell whether a scope leaves anything to count of a resource (IsResourceQuotaScopeValidForResource)."""
    if not is_standard_resource(name) or scope not in SCOPES:
        return True
    return name in (OF_ANY_POD if scope == "BestEffort" else OF_PODS)


def _conflicts(field: str, scopes: tuple[str, ...], shown: str) -> Iterator[FieldError]:
    yield from (invalid_raw(field, shown, "conflicting scopes") for pair in CONFLICTS if set(pair) <= set(scopes))


def _selected(one: ScopedResourceSelectorRequirement, hard: Resources) -> Iterator[FieldError]:
    """Check one requirement of a selector: its scope, its operator, and that it has values where they are needed."""
    field = "spec.scopeSelector.matchExpressions"
    if one.scope_name not in SCOPES:
        yield invalid(f"{field}.scopeName", one.scope_name, "unsupported scope")
    for name in sorted(hard):
        if not _counts(one.scope_name, name):
            yield invalid(field, one.scope_name, "unsupported scope applied to resource")
    if one.scope_name in PLAIN_SCOPES and one.operator != "Exists":
        yield invalid(
            f"{field}.operator",
            one.operator,
            "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
            "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
            "ResourceQuotaScopeCrossNamespacePodAffinity",
        )
    if one.operator in {"In", "NotIn"} and not one.values:
        yield required(
            f"{field}.values", "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
        )
    elif one.operator in {"Exists", "DoesNotExist"} and one.values:
        detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
        yield invalid_raw(f"{field}.values", f"[]string{{{', '.join(map(go, one.values))}}}", detail, one.values)
    elif one.operator not in {"In", "NotIn", "Exists", "DoesNotExist"}:
        yield invalid(f"{field}.operator", one.operator, "not a valid selector operator")


def _rendered(scopes: tuple[str, ...]) -> str:
    return f"[]core.ResourceQuotaScope{{{', '.join(map(go, scopes))}}}"


def rendered(amount: Quantity) -> str:
    """Write a quantity as Go's %#v does, where it is no big decimal."""
    return (
        f"resource.Quantity{{i:resource.int64Amount{{value:{amount.unscaled}, scale:{amount.exponent}}}, "
        f"d:resource.infDecAmount{{Dec:(*inf.Dec)(nil)}}, s:{go(amount.text)}, Format:{go(amount.format)}}}"
    )


# --- limit ranges -----------------------------------------------------------------------------------------------------

TYPES = frozenset({"Pod", "Container", "PersistentVolumeClaim"})


def validate_limit_range(limit_range: LimitRange) -> list[FieldError]:
    """Return the broken rules of a LimitRange: of each type once, and bounds and defaults in their order."""
    errors: list[FieldError] = []
    seen: set[str] = set()
    for at, item in enumerate(limit_range.spec.limits):
        field = f"spec.limits[{at}]"
        errors += _type(f"{field}.type", item.type)
        if item.type in seen:
            errors.append(duplicate(f"{field}.type", item.type))
        seen.add(item.type)
        errors += _names(field, item)
        for name in sorted({*item.min, *item.max, *item.default, *item.default_request, *item.max_limit_request_ratio}):
            errors += _order(field, item, name)
    return errors


def _type(field: str, name: str) -> Iterator[FieldError]:
    errors = bad_keys(field, name)
    yield from errors
    if not errors and "/" not in name and name not in TYPES:
        yield invalid(field, name, "must be a standard limit type or fully qualified")


def _names(field: str, item: LimitRangeItem) -> Iterator[FieldError]:
    """Check which resources are named, and that a Pod has no defaults and a claim has bounds."""
    parts = (
        ("max", item.max),
        ("min", item.min),
        ("default", item.default),
        ("defaultRequest", item.default_request),
        ("maxLimitRequestRatio", item.max_limit_request_ratio),
    )
    for part, amounts in parts:
        if item.type == "Pod" and part.startswith("default"):
            if amounts:
                yield forbidden(f"{field}.{part}", "may not be specified when `type` is 'Pod'")
            continue
        for name in sorted(amounts):
            if "/" not in name and not is_standard_resource(name):
                place = f"{field}.{part}[{name}]"
                yield invalid_raw(place, name, "must be a standard resource type or fully qualified", name)
    if item.type == "PersistentVolumeClaim" and "storage" not in {*item.min, *item.max}:
        detail = "either minimum or maximum storage value is required, but neither was provided"
        yield required(f"{field}.limits", detail)


def _order(field: str, item: LimitRangeItem, name: str) -> Iterator[FieldError]:
    """Check that the least, the default request, the default limit and the most of a resource come in that order."""
    least, most, limit, asked = (
        amounts.get(name) for amounts in (item.min, item.max, item.default, item.default_request)
    )
    if item.type == "Pod":
        limit = asked = None
    pairs = (
        ("min", least, ("min", least), ("max", most)),
        ("defaultRequest", asked, ("min", least), ("default request", asked)),
        ("defaultRequest", asked, ("default request", asked), ("max", most)),
        ("defaultRequest", asked, ("default request", asked), ("default limit", limit)),
        ("default", least, ("min", least), ("default", limit)),
        ("default", most, ("default", limit), ("max", most)),
    )
    for part, shown, (low, smaller), (high, larger) in pairs:
        if smaller is not None and larger is not None and smaller > larger:
            detail = f"{low} value {smaller} is greater than {high} value {larger}"
            amount = shown or larger
            yield invalid_raw(f"{field}.{part}[{name}]", rendered(amount), detail, str(amount))
    ratio = item.max_limit_request_ratio.get(name)
    if ratio is not None and ratio < ONE:
        detail = f"ratio {ratio} is less than 1"
        yield invalid_raw(f"{field}.maxLimitRequestRatio[{name}]", rendered(ratio), detail, str(ratio))
