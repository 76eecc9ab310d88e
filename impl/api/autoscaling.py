"""autoscaling/v2: how many replicas of a workload there should be, by what is measured.

Upstream: staging/src/k8s.io/api/autoscaling/v2/types.go (v1.32).
"""

from __future__ import annotations

from attrs import frozen
from immutabledict import immutabledict

from .meta import ObjectMeta, Time
from .values.frozen import EMPTY, Json


@frozen
class CrossVersionObjectReference:
    """The workload that is scaled."""

    kind: str = ""
    name: str = ""
    api_version: str = ""
    extra: immutabledict[str, Json] = EMPTY


@frozen
class HPAScalingPolicy:
    """At most so many Pods, or so much per cent, in so many seconds."""

    type: str = ""
    value: int = 0
    period_seconds: int = 0
    extra: immutabledict[str, Json] = EMPTY


@frozen
class HPAScalingRules:
    """How fast one goes in one direction: the most (Max) or the least (Min) that a policy allows, or not at all."""

    stabilization_window_seconds: int | None = None
    select_policy: str | None = None
    policies: tuple[HPAScalingPolicy, ...] | None = None
    tolerance: Json = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class HorizontalPodAutoscalerBehavior:
    """The rules of both directions."""

    scale_up: HPAScalingRules | None = None
    scale_down: HPAScalingRules | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class HorizontalPodAutoscalerSpec:
    """What is scaled, between which bounds, by which metrics and how fast."""

    scale_target_ref: CrossVersionObjectReference = CrossVersionObjectReference()
    min_replicas: int | None = None
    max_replicas: int = 0
    metrics: Json = ()
    behavior: HorizontalPodAutoscalerBehavior | None = None
    extra: immutabledict[str, Json] = EMPTY

    @property
    def least(self) -> int:
        """The replicas that there are at the least: 1 where nothing is said."""
        return 1 if self.min_replicas is None else self.min_replicas


@frozen
class HorizontalPodAutoscalerStatus:
    """What the autoscaler found and decided last."""

    observed_generation: int | None = None
    last_scale_time: Time | None = None
    current_replicas: int = 0
    desired_replicas: int = 0
    current_metrics: Json = None
    conditions: Json = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class HorizontalPodAutoscaler:
    """Keeps the replicas of a workload within bounds and near what its metrics ask for."""

    metadata: ObjectMeta = ObjectMeta()
    spec: HorizontalPodAutoscalerSpec = HorizontalPodAutoscalerSpec()
    status: HorizontalPodAutoscalerStatus = HorizontalPodAutoscalerStatus()
    extra: immutabledict[str, Json] = EMPTY
