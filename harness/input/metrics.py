"""Whether the manifests tell what is measured: annotations of Pods and of autoscalers do."""

from __future__ import annotations

from collections.abc import Iterable

from ...impl.api.autoscaling import HorizontalPodAutoscaler
from ...impl.api.kinds import Object
from ...impl.controllers.horizontal.metrics import MEASURES
from ...impl.kubelet.eviction import USES
from ...impl.kubelet.usage import USES_AT_FIRST, USES_CPU
from .workloads import pod_annotations

USED = frozenset({USES, USES_CPU, USES_AT_FIRST})
"""The annotations of Pods that say what their programs use."""


def tell_metrics(objects: Iterable[Object]) -> bool:
    """Tell whether there is an autoscaler, and something says what it measures."""
    given = tuple(objects)
    scalers = [obj for obj in given if isinstance(obj, HorizontalPodAutoscaler)]
    if any(MEASURES in autoscaler.metadata.annotations for autoscaler in scalers):
        return True
    return bool(scalers) and any(USED & annotations.keys() for annotations in pod_annotations(given))
