"""Validation of Deployments and ReplicaSets.

Upstream: pkg/apis/apps/validation/validation.go (v1.32).
"""

from __future__ import annotations

import re

from ...api.apps import Deployment, DeploymentSpec, DeploymentStrategy, ReplicaSet
from ...api.core import IntOrString, PodTemplateSpec
from ...api.meta import LabelSelector
from ...api.values.selectors import selects
from .field_error import FieldError, forbidden, go, invalid, invalid_raw, not_supported, required
from .meta import not_negative, validate_selector
from .pod import validate_template

EMPTY_SELECTOR = (
    "v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:[]v1.LabelSelectorRequirement(nil)}"
)
PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)
IMMUTABLE = "field is immutable"


def validate_deployment(deployment: Deployment) -> list[FieldError]:
    """Give the broken rules of a Deployment."""
    spec = deployment.spec
    errors = not_negative("spec.replicas", spec.replicas)
    errors += _selector("deployment", spec.selector)
    errors += _template(spec.template, spec.selector) + _strategy(spec.strategy)
    errors += not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    errors += not_negative("spec.revisionHistoryLimit", spec.revision_history_limit)
    return errors + _deadline(spec)


def _deadline(spec: DeploymentSpec) -> list[FieldError]:
    deadline = spec.progress_deadline_seconds
    errors = not_negative("spec.progressDeadlineSeconds", deadline)
    if deadline is not None and deadline <= spec.min_ready_seconds:
        errors.append(invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"))
    return errors


def validate_replicaset(replicaset: ReplicaSet) -> list[FieldError]:
    """Give the broken rules of a ReplicaSet."""
    spec = replicaset.spec
    errors = not_negative("spec.replicas", spec.replicas) + not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    return errors + _selector("replicaset", spec.selector) + _template(spec.template, spec.selector)


def _selector(kind: str, selector: LabelSelector) -> list[FieldError]:
    errors = validate_selector("spec.selector", selector)
    if not selector.match_labels and not selector.match_expressions:
        errors.append(invalid_raw("spec.selector", EMPTY_SELECTOR, f"empty selector is invalid for {kind}"))
    return errors


def _template(template: PodTemplateSpec, selector: LabelSelector) -> list[FieldError]:
    """Hold the template to making Pods that the selector finds and that run for ever."""
    errors: list[FieldError] = []
    labels = template.metadata.labels
    empty = not selector.match_labels and not selector.match_expressions
    if not empty and not selects(selector, labels):
        shown = ", ".join(f"{go(key)}:{go(labels[key])}" for key in sorted(labels))
        rendered = f"map[string]string{{{shown}}}" if labels else "map[string]string(nil)"
        detail = "`selector` does not match template `labels`"
        errors.append(invalid_raw("spec.template.metadata.labels", rendered, detail))
    errors += validate_template("spec.template", template)
    policy = template.spec.restart_policy
    if policy != "Always":
        errors.append(not_supported("spec.template.spec.restartPolicy", policy, ("Always",)))
    if template.spec.active_deadline_seconds is not None:
        detail = "activeDeadlineSeconds in ReplicaSet is not Supported"
        errors.append(forbidden("spec.template.spec.activeDeadlineSeconds", detail))
    return errors


def _strategy(strategy: DeploymentStrategy) -> list[FieldError]:
    field = "spec.strategy"
    if strategy.type == "Recreate":
        detail = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden(f"{field}.rollingUpdate", detail)] if strategy.rolling_update is not None else []
    if strategy.type != "RollingUpdate":
        rendered = (
            f"apps.DeploymentStrategy{{Type:{go(strategy.type)}, RollingUpdate:(*apps.RollingUpdateDeployment)(nil)}}"
        )
        return [not_supported(field, strategy.type, ("Recreate", "RollingUpdate"), rendered=rendered)]
    rolling = strategy.rolling_update
    if rolling is None:
        return [required(f"{field}.rollingUpdate", "this should be defaulted and never be nil")]
    unavailable, surge = rolling.max_unavailable, rolling.max_surge
    errors = int_or_percent(f"{field}.rollingUpdate.maxUnavailable", unavailable)
    errors += int_or_percent(f"{field}.rollingUpdate.maxSurge", surge)
    if _zero(unavailable) and _zero(surge):
        detail = "may not be 0 when `maxSurge` is 0"
        errors.append(invalid_raw(f"{field}.rollingUpdate.maxUnavailable", go_int_or_string(unavailable), detail))
    return errors + at_most_all(f"{field}.rollingUpdate.maxUnavailable", unavailable)


def int_or_percent(field: str, value: IntOrString | None) -> list[FieldError]:
    """Refuse a negative number and a string that is no percentage."""
    if isinstance(value, str):
        return [] if re.fullmatch("[0-9]+%", value) else [invalid_raw(field, go_int_or_string(value), PERCENT)]
    return not_negative(field, value)


def at_most_all(field: str, value: IntOrString | None) -> list[FieldError]:
    """Refuse more than 100 %."""
    if isinstance(value, str) and re.fullmatch("[0-9]+%", value) and int(value[:-1]) > 100:
        return [invalid_raw(field, go_int_or_string(value), "must not be greater than 100%")]
    return []


def go_int_or_string(value: IntOrString | None) -> str:
    """Write an IntOrString as Go's %#v does."""
    if isinstance(value, str):
        return f"intstr.IntOrString{{Type:1, IntVal:0, StrVal:{go(value)}}}"
    return f'intstr.IntOrString{{Type:0, IntVal:{value or 0}, StrVal:""}}'


def _zero(value: IntOrString | None) -> bool:
    return value in {0, "0%"}


def validate_selector_update(new: LabelSelector, old: LabelSelector) -> list[FieldError]:
    """Refuse another selector: a workload's is for ever."""
    if new == old:
        return []
    return [invalid_raw("spec.selector", _go_selector(new), IMMUTABLE)]


def _go_selector(selector: LabelSelector) -> str:
    """Write a selector of plain labels as Go's %#v does; expressions are only counted."""
    pairs = ", ".join(f"{go(key)}:{go(value)}" for key, value in sorted(selector.match_labels.items()))
    labels = f"map[string]string{{{pairs}}}" if pairs else "map[string]string(nil)"
    count = len(selector.match_expressions)
    expressions = f"[]v1.LabelSelectorRequirement{{{count} more}}" if count else "[]v1.LabelSelectorRequirement(nil)"
    return f"v1.LabelSelector{{MatchLabels:{labels}, MatchExpressions:{expressions}}}"
