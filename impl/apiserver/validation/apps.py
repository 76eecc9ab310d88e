"""Validation of Deployments, ReplicaSets, StatefulSets and DaemonSets.

Upstream: pkg/apis/apps/validation/validation.go (v1.32).
"""

from __future__ import annotations

import re
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...api.apps import (
    NO_SELECTOR,
    DaemonSet,
    DaemonSetUpdateStrategy,
    Deployment,
    DeploymentSpec,
    DeploymentStrategy,
    ReplicaSet,
    ReplicationController,
    RollingUpdateStatefulSetStrategy,
    Sized,
    StatefulSet,
    StatefulSetPersistentVolumeClaimRetentionPolicy,
    StatefulSetSpec,
    StatefulSetUpdateStrategy,
)
from ...api.core import IntOrString, PodTemplateSpec
from ...api.meta import LabelSelector
from ...api.reading.convert import unstructure
from ...api.releases import Change
from ...api.values.frozen import Strings, freeze
from ...api.values.selectors import selects
from .field_error import FieldError, forbidden, go, invalid, invalid_raw, not_supported, required, since
from .meta import not_negative, validate_labels, validate_selector
from .names import label_errors
from .pod import validate_template
from .storage import validate_claim_spec
from .volumes import entries

EMPTY_SELECTOR = (
    "v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:[]v1.LabelSelectorRequirement(nil)}"
)
PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)
TEMPLATE_LABELS = "spec.template.labels"
IMMUTABLE = "field is immutable"
UNREADABLE = {"deployment": "invalid label selector", "statefulset": ""}
"""What is said of a selector that cannot be read, beside what is wrong with it."""
LOOKED_AT = Change.STATEFULSET_TEMPLATES
STATEFULSET_IS_FIXED = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def validate_workload(workload: Sized | DaemonSet) -> list[FieldError]:
    """Return the broken rules of a workload."""
    match workload:
        case Deployment():
            return validate_deployment(workload)
        case ReplicaSet():
            return validate_replicaset(workload)
        case StatefulSet():
            return validate_statefulset(workload)
        case DaemonSet():
            return validate_daemonset(workload)


def validate_workload_update(new: Any, old: Sized | DaemonSet) -> list[FieldError]:
    """Return what of a workload must not be changed and is."""
    if isinstance(old, StatefulSet):
        return validate_statefulset_update(new, old)
    if isinstance(old, ReplicationController):
        return []  # Its selector may change.
    return validate_selector_update(new.spec.selector, old.spec.selector)


def validate_deployment(deployment: Deployment) -> list[FieldError]:
    """Return the broken rules of a Deployment."""
    spec = deployment.spec
    errors = not_negative("spec.replicas", spec.replicas)
    errors += _selector("deployment", spec.selector)
    errors += _template("ReplicaSet", spec.template, spec.selector) + _strategy(spec.strategy)
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
    """Return the broken rules of a ReplicaSet."""
    spec = replicaset.spec
    errors = not_negative("spec.replicas", spec.replicas) + not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    # It is told of as a Deployment's, as upstream does.
    return errors + _selector("deployment", spec.selector) + _template("ReplicaSet", spec.template, spec.selector)


def validate_statefulset(statefulset: StatefulSet) -> list[FieldError]:
    """Return the broken rules of a StatefulSet."""
    spec = statefulset.spec
    errors: list[FieldError] = []
    if spec.pod_management_policy not in {"OrderedReady", "Parallel"}:
        errors.append(
            invalid("spec.podManagementPolicy", spec.pod_management_policy, "must be 'OrderedReady' or 'Parallel'")
        )
    errors += _update_strategy(spec.update_strategy)
    errors += _retention(spec.persistent_volume_claim_retention_policy)
    for index, claim in enumerate(spec.volume_claim_templates):
        errors += since(validate_claim_spec(f"spec.volumeClaimTemplates[{index}].spec", claim.spec), LOOKED_AT)
    errors += not_negative("spec.replicas", spec.replicas)
    errors += not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    errors += not_negative("spec.ordinals.start", spec.first)
    if name := spec.service_name:
        errors += since([invalid("spec.serviceName", name, detail) for detail in label_errors(name)], LOOKED_AT)
    template = with_claims(spec)
    return errors + _selector("statefulset", spec.selector) + _template("StatefulSet", template, spec.selector)


def with_claims(spec: StatefulSetSpec) -> PodTemplateSpec:
    """Return a StatefulSet's template as its Pods have it: with a volume for each claim, and names of their own."""
    template, pod = spec.template, spec.template.spec
    names = {claim.metadata.name for claim in spec.volume_claim_templates}
    own = (volume for volume in entries(pod.extra.get("volumes")) if volume.get("name") not in names)
    claims = ({"name": name, "persistentVolumeClaim": {"claimName": name}} for name in sorted(names))
    extra = {key: value for key, value in pod.extra.items() if key not in {"hostname", "subdomain"}}
    if names:
        extra["volumes"] = (*map(freeze, claims), *own)
    return evolve(template, spec=evolve(pod, extra=immutabledict(extra)))


def _update_strategy(strategy: StatefulSetUpdateStrategy) -> list[FieldError]:
    field, rolling = "spec.updateStrategy", strategy.rolling_update
    match strategy.type:
        case "RollingUpdate":
            return [] if rolling is None else not_negative(f"{field}.rollingUpdate.partition", rolling.partition)
        case "OnDelete":
            detail = "only allowed for updateStrategy 'RollingUpdate'"
            shown = {"Partition": rolling and (rolling.partition or 0), "MaxUnavailable": None}
            said = [] if rolling is None else [(_go_rolling(rolling), detail, shown)]
            return [invalid_raw(f"{field}.rollingUpdate", *error) for error in said]
    rendered = (
        f"apps.StatefulSetUpdateStrategy{{Type:{go(strategy.type)}, "
        "RollingUpdate:(*apps.RollingUpdateStatefulSetStrategy)(nil)}"
    )
    return [invalid_raw(field, rendered, "must be 'RollingUpdate' or 'OnDelete'", _bare(strategy))]


def _bare(strategy: StatefulSetUpdateStrategy | DaemonSetUpdateStrategy | DeploymentStrategy) -> dict[str, object]:
    """Return a strategy of an unknown type as it is shown, with the numbers that it brings."""
    rolling: Any = strategy.rolling_update
    names = {"Partition": "partition", "MaxUnavailable": "max_unavailable", "MaxSurge": "max_surge"}
    numbers = {name: getattr(rolling, key) or 0 for name, key in names.items() if hasattr(rolling, key)}
    return {"Type": strategy.type, "RollingUpdate": None if rolling is None else numbers}


def _go_rolling(rolling: RollingUpdateStatefulSetStrategy) -> str:
    """Write how a StatefulSet rolls as Go's %#v does."""
    unavailable = "(*intstr.IntOrString)(nil)"
    return f"apps.RollingUpdateStatefulSetStrategy{{Partition:{rolling.partition or 0}, MaxUnavailable:{unavailable}}}"


def _retention(policy: StatefulSetPersistentVolumeClaimRetentionPolicy | None) -> list[FieldError]:
    if policy is None:
        return []
    field = "spec.persistentVolumeClaimRetentionPolicy"
    given = (("whenScaled", policy.when_scaled), ("whenDeleted", policy.when_deleted))
    known = ("Retain", "Delete")
    return [not_supported(f"{field}.{name}", value, known) for name, value in given if value not in known]


def validate_daemonset(daemonset: DaemonSet) -> list[FieldError]:
    """Return the broken rules of a DaemonSet."""
    spec = daemonset.spec
    errors = _selector("daemonset", spec.selector) + _template("DaemonSet", spec.template, spec.selector)
    errors += not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    errors += _daemonset_strategy(spec.update_strategy)
    return errors + not_negative("spec.revisionHistoryLimit", spec.revision_history_limit)


def _daemonset_strategy(strategy: DaemonSetUpdateStrategy) -> list[FieldError]:
    """Hold a rollout to one of two ways: nodes that go without a Pod for a while, or nodes that have two."""
    field, rolling = "spec.updateStrategy", strategy.rolling_update
    if strategy.type == "OnDelete":
        return []
    if strategy.type != "RollingUpdate":
        rendered = (
            f"apps.DaemonSetUpdateStrategy{{Type:{go(strategy.type)}, "
            "RollingUpdate:(*apps.RollingUpdateDaemonSet)(nil)}"
        )
        return [not_supported(field, _bare(strategy), ("OnDelete", "RollingUpdate"), rendered=rendered)]
    field = f"{field}.rollingUpdate"
    if rolling is None:
        return [required(field, "")]
    unavailable, surge = rolling.max_unavailable, rolling.max_surge
    errors = int_or_percent(f"{field}.maxUnavailable", unavailable) + int_or_percent(f"{field}.maxSurge", surge)
    errors += at_most_all(f"{field}.maxUnavailable", unavailable) + at_most_all(f"{field}.maxSurge", surge)
    if _zero(unavailable) and _zero(surge):
        errors.append(required(f"{field}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    elif not _zero(unavailable) and not _zero(surge):
        detail = "may not be set when maxUnavailable is non-zero"
        errors.append(invalid_raw(f"{field}.maxSurge", go_int_or_string(surge), detail, surge))
    return errors


def validate_statefulset_update(new: StatefulSet, old: StatefulSet) -> list[FieldError]:
    """Refuse a change of what a StatefulSet is for ever."""
    spec = new.spec
    kept = evolve(
        old.spec,
        replicas=spec.replicas,
        ordinals=spec.ordinals,
        template=spec.template,
        update_strategy=spec.update_strategy,
        persistent_volume_claim_retention_policy=spec.persistent_volume_claim_retention_policy,
        min_ready_seconds=spec.min_ready_seconds,
    )
    return [] if spec == kept else [forbidden("spec", STATEFULSET_IS_FIXED)]


def _selector(kind: str, selector: LabelSelector) -> list[FieldError]:
    if selector is NO_SELECTOR:
        return [] if kind == "daemonset" else [required("spec.selector")]
    errors = validate_selector("spec.selector", selector)
    if errors and kind in UNREADABLE:
        errors.append(invalid_raw("spec.selector", go_selector(selector), UNREADABLE[kind], unstructure(selector)))
    if not selector.match_labels and not selector.match_expressions:
        errors.append(invalid_raw("spec.selector", EMPTY_SELECTOR, f"empty selector is invalid for {kind}", {}))
    return errors


def _template(kind: str, template: PodTemplateSpec, selector: LabelSelector) -> list[FieldError]:
    """Hold the template to making Pods that the selector finds and that run for ever."""
    errors: list[FieldError] = []
    labels = template.metadata.labels
    wrong = bool(validate_selector("", selector))
    if wrong and kind != "DaemonSet":
        return errors
    empty = not selector.match_labels and not selector.match_expressions
    if selector is NO_SELECTOR or (not empty and not wrong and not selects(selector, labels)):
        detail = "`selector` does not match template `labels`"
        errors.append(invalid_raw("spec.template.metadata.labels", go_labels(labels), detail, labels or None))
    looked_at = validate_template("spec.template", template)
    if kind == "StatefulSet":
        looked_at = [*since(looked_at, LOOKED_AT), *validate_labels(TEMPLATE_LABELS, labels)]
    errors += looked_at
    policy = template.spec.restart_policy
    if policy != "Always":
        errors.append(not_supported("spec.template.spec.restartPolicy", policy, ("Always",)))
    if template.spec.active_deadline_seconds is not None:
        detail = f"activeDeadlineSeconds in {kind} is not Supported"
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
        return [not_supported(field, _bare(strategy), ("Recreate", "RollingUpdate"), rendered=rendered)]
    rolling = strategy.rolling_update
    if rolling is None:
        return [required(f"{field}.rollingUpdate", "this should be defaulted and never be nil")]
    unavailable, surge = rolling.max_unavailable, rolling.max_surge
    errors = int_or_percent(f"{field}.rollingUpdate.maxUnavailable", unavailable)
    errors += int_or_percent(f"{field}.rollingUpdate.maxSurge", surge)
    if _zero(unavailable) and _zero(surge):
        detail = "may not be 0 when `maxSurge` is 0"
        errors.append(
            invalid_raw(f"{field}.rollingUpdate.maxUnavailable", go_int_or_string(unavailable), detail, unavailable)
        )
    return errors + at_most_all(f"{field}.rollingUpdate.maxUnavailable", unavailable)


def int_or_percent(field: str, value: IntOrString | None) -> list[FieldError]:
    """Refuse a negative number and a string that is no percentage."""
    if isinstance(value, str):
        return [] if re.fullmatch("[0-9]+%", value) else [invalid_raw(field, go_int_or_string(value), PERCENT, value)]
    return not_negative(field, value)


def at_most_all(field: str, value: IntOrString | None) -> list[FieldError]:
    """Refuse more than 100 %."""
    if isinstance(value, str) and re.fullmatch("[0-9]+%", value) and int(value[:-1]) > 100:
        return [invalid_raw(field, go_int_or_string(value), "must not be greater than 100%", value)]
    return []


def go_int_or_string(value: IntOrString | None) -> str:
    """Write an IntOrString as Go's %#v does."""
    if isinstance(value, str):
        return f"intstr.IntOrString{{Type:1, IntVal:0, StrVal:{go(value)}}}"
    return f'intstr.IntOrString{{Type:0, IntVal:{value or 0}, StrVal:""}}'


def _zero(value: IntOrString | None) -> bool:
    """Tell whether a number or a share is none; what is no percentage counts as none."""
    share = isinstance(value, str) and (re.fullmatch("[0-9]+%", value) is None or int(value[:-1]) == 0)
    return share or value == 0


def validate_selector_update(new: LabelSelector, old: LabelSelector) -> list[FieldError]:
    """Refuse another selector: a workload's is for ever."""
    if new == old:
        return []
    return [invalid_raw("spec.selector", go_selector(new), IMMUTABLE, unstructure(new))]


def go_selector(selector: LabelSelector) -> str:
    """Write a selector of plain labels as Go's %#v does; expressions are only counted."""
    count = len(selector.match_expressions)
    expressions = f"[]v1.LabelSelectorRequirement{{{count} more}}" if count else "[]v1.LabelSelectorRequirement(nil)"
    return f"v1.LabelSelector{{MatchLabels:{go_labels(selector.match_labels)}, MatchExpressions:{expressions}}}"


def go_labels(labels: Strings) -> str:
    """Write labels as Go's %#v does."""
    pairs = ", ".join(f"{go(key)}:{go(labels[key])}" for key in sorted(labels))
    return f"map[string]string{{{pairs}}}" if pairs else "map[string]string(nil)"
