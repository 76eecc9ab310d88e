"""Validation of what says where a Pod may go: tolerations, affinities, topology spread.

Upstream: pkg/apis/core/validation/validation.go (v1.32): ValidateTolerations, validateAffinity, ValidateNodeSelector,
validateTopologySpreadConstraints.
Left out on purpose: matchLabelKeys of pod affinity.
"""

from __future__ import annotations

from attrs import evolve

from ...api.core import (
    Affinity,
    NodeAffinity,
    NodeSelectorTerm,
    PodAffinity,
    PodAffinityTerm,
    PodSpec,
    Toleration,
    TopologySpreadConstraint,
)
from ...api.meta import LabelSelectorRequirement
from ...api.releases import Change
from .field_error import FieldError, bad_keys, bad_values, duplicate, forbidden, invalid, not_supported, required
from .meta import validate_selector

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
WHEN_UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")


OPERATORS = ("Equal", "Exists")
GATED = ("Lt", "Gt")
"""Operators behind the gate TaintTolerationComparisonOperators, which is off."""


def validate_tolerations(field: str, tolerations: tuple[Toleration, ...]) -> list[FieldError]:
    """Return the broken rules of tolerations."""
    errors: list[FieldError] = []
    for index, toleration in enumerate(tolerations):
        errors += _toleration(f"{field}[{index}]", toleration)
    return errors


def _toleration(field: str, one: Toleration) -> list[FieldError]:
    errors = bad_keys(f"{field}.key", one.key) if one.key else []
    if not one.key and one.operator != "Exists":
        detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        errors.append(invalid(f"{field}.operator", one.operator, detail))
    if one.toleration_seconds is not None and one.effect != "NoExecute":
        detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        errors.append(invalid(f"{field}.effect", one.effect, detail))
    if one.operator == "Exists":
        if one.value:
            errors.append(invalid(f"{field}.operator", one.value, "value must be empty when `operator` is 'Exists'"))
    elif one.operator not in {"", "Equal"}:
        place = f"{field}.operator"
        error, later = (not_supported(place, one.operator, known) for known in (OPERATORS, (*OPERATORS, *GATED)))
        gated = one.operator in GATED
        errors.append(evolve(error, reworded=(Change.TOLERATION_WORDS, later.message)) if gated else error)
    if one.effect and one.effect not in EFFECTS:
        errors.append(not_supported(f"{field}.effect", one.effect, EFFECTS))
    return errors


def validate_affinity(field: str, affinity: Affinity | None) -> list[FieldError]:
    """Return the broken rules of the three affinities."""
    if affinity is None:
        return []
    return [
        *_node_affinity(f"{field}.nodeAffinity", affinity.node_affinity),
        *_pod_affinity(f"{field}.podAffinity", affinity.pod_affinity),
        *_pod_affinity(f"{field}.podAntiAffinity", affinity.pod_anti_affinity),
    ]


def _node_affinity(field: str, affinity: NodeAffinity | None) -> list[FieldError]:
    if affinity is None:
        return []
    errors: list[FieldError] = []
    selector = affinity.required_during_scheduling_ignored_during_execution
    if selector is not None:
        place = f"{field}.{REQUIRED}.nodeSelectorTerms"
        if not selector.node_selector_terms:
            errors.append(required(place, "must have at least one node selector term"))
        for index, term in enumerate(selector.node_selector_terms):
            errors += _term(f"{place}[{index}]", term, values=True)
    for index, wish in enumerate(affinity.preferred_during_scheduling_ignored_during_execution):
        place = f"{field}.{PREFERRED}[{index}]"
        errors += [*_weight(place, wish.weight), *_term(f"{place}.preference", wish.preference)]
    return errors


def _weight(field: str, weight: int) -> list[FieldError]:
    return [] if 1 <= weight <= 100 else [invalid(f"{field}.weight", weight, "must be in the range 1-100")]


def _term(field: str, term: NodeSelectorTerm, *, values: bool = False) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, expression in enumerate(term.match_expressions):
        errors += _expression(f"{field}.matchExpressions[{index}]", expression, values=values)
    for index, requirement in enumerate(term.match_fields):
        if requirement.key != "metadata.name":
            place = f"{field}.matchFields[{index}].key"
            errors.append(invalid(place, requirement.key, "not a valid field selector key"))
    return errors


def _expression(field: str, one: LabelSelectorRequirement, *, values: bool) -> list[FieldError]:
    """Check a requirement on a node's labels: how many values its operator takes, and that a node may have them."""
    errors: list[FieldError] = []
    match one.operator:
        case "In" | "NotIn":
            if not one.values:
                detail = "must be specified when `operator` is 'In' or 'NotIn'"
                errors.append(required(f"{field}.values", detail))
        case "Exists" | "DoesNotExist":
            if one.values:
                detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                errors.append(forbidden(f"{field}.values", detail))
        case "Gt" | "Lt":
            if len(one.values) != 1:
                detail = "must be specified single value when `operator` is 'Lt' or 'Gt'"
                errors.append(required(f"{field}.values", detail))
        case _:
            errors.append(invalid(f"{field}.operator", one.operator, "not a valid selector operator"))
    errors += bad_keys(f"{field}.key", one.key)
    for index, value in enumerate(one.values if values else ()):
        errors += bad_values(f"{field}.values[{index}]", value)
    return errors


def _pod_affinity(field: str, affinity: PodAffinity | None) -> list[FieldError]:
    if affinity is None:
        return []
    errors: list[FieldError] = []
    for index, term in enumerate(affinity.required_during_scheduling_ignored_during_execution):
        errors += _pod_term(f"{field}.{REQUIRED}[{index}]", term)
    for index, wish in enumerate(affinity.preferred_during_scheduling_ignored_during_execution):
        place = f"{field}.{PREFERRED}[{index}]"
        errors += [*_weight(place, wish.weight), *_pod_term(f"{place}.podAffinityTerm", wish.pod_affinity_term)]
    return errors


def _pod_term(field: str, term: PodAffinityTerm) -> list[FieldError]:
    errors = validate_selector(f"{field}.labelSelector", term.label_selector)
    errors += validate_selector(f"{field}.namespaceSelector", term.namespace_selector)
    return [*errors, *_topology_key(f"{field}.topologyKey", term.topology_key)]


def _topology_key(field: str, key: str) -> list[FieldError]:
    if not key:
        return [required(field, "can not be empty"), *bad_keys(field, key)]
    return bad_keys(field, key)


def validate_spread(field: str, spec: PodSpec) -> list[FieldError]:
    """Return the broken rules of topology spread constraints."""
    errors: list[FieldError] = []
    pairs = [(known.topology_key, known.when_unsatisfiable) for known in spec.topology_spread_constraints]
    for index, constraint in enumerate(spec.topology_spread_constraints):
        place, pair = f"{field}[{index}]", pairs[index]
        errors += _constraint(place, constraint)
        if pair in pairs[index + 1 :]:
            errors.append(duplicate(f"{place}.{{topologyKey, whenUnsatisfiable}}", f"{{{pair[0]}, {pair[1]}}}"))
    return errors


def _constraint(field: str, one: TopologySpreadConstraint) -> list[FieldError]:
    errors: list[FieldError] = []
    if one.max_skew <= 0:
        errors.append(invalid(f"{field}.maxSkew", one.max_skew, "must be greater than zero"))
    errors += _topology_key(f"{field}.topologyKey", one.topology_key)
    if one.when_unsatisfiable not in WHEN_UNSATISFIABLE:
        errors.append(not_supported(f"{field}.whenUnsatisfiable", one.when_unsatisfiable, WHEN_UNSATISFIABLE))
    if one.min_domains is not None:
        if one.min_domains <= 0:
            errors.append(invalid(f"{field}.minDomains", one.min_domains, "must be greater than zero"))
        if one.when_unsatisfiable == "ScheduleAnyway":
            detail = "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway"
            errors.append(invalid(f"{field}.minDomains", one.min_domains, detail))
    if one.match_label_keys and one.label_selector is None:
        errors.append(forbidden(f"{field}.matchLabelKeys", "must not be specified when labelSelector is not set"))
    selected = one.label_selector.match_labels if one.label_selector else {}
    for index, key in enumerate(one.match_label_keys):
        if key in selected:
            detail = "exists in both matchLabelKeys and labelSelector"
            errors.append(invalid(f"{field}.matchLabelKeys[{index}]", key, detail))
    return errors + validate_selector(f"{field}.labelSelector", one.label_selector)
