"""What Pods ask for once the limit ranges of their namespace have given them what they do not say.

Room is counted before any Pod is made, by the specs that the input has; LimitRanger fills these in when Pods are made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import cast

from ...impl.api.core import Pod, PodSpec
from ...impl.api.kinds import Object
from ...impl.api.meta import ObjectMeta
from ...impl.api.quota import LimitRange
from ...impl.apiserver.admission.limitranger import with_defaults
from ...impl.apiserver.defaulting.defaulting import default
from ...impl.apiserver.defaulting.pod_defaults import default_pod
from ...impl.apiserver.storage import Objects

Specs = Callable[[PodSpec, str], tuple[PodSpec, ...]]
"""From a spec and its namespace to those that its Pods may be made with."""


def filled_in(objects: Iterable[Object], namespace: str = "default") -> Specs:
    """Return what specs become where some objects are all versions of the limit ranges that there may be.

    Where there are several versions of one, each may count; where there is no limit range the spec is left as it is.
    """
    ranges: dict[str, list[LimitRange]] = defaultdict(list)
    for obj in objects:
        if isinstance(obj, LimitRange):
            ranges[obj.metadata.namespace or namespace].append(cast("LimitRange", default(obj)))

    def specs(spec: PodSpec, space: str) -> tuple[PodSpec, ...]:
        found = ranges.get(space or namespace, ())
        if not found:
            return (spec,)
        alone = (_with(found[at:] + found[:at], spec) for at in range(len(found)))
        return tuple(dict.fromkeys(alone))

    return specs


def _with(ranges: list[LimitRange], spec: PodSpec) -> PodSpec:
    """Fill in a spec by some limit ranges, the first of which counts first."""
    pod = default_pod(Pod(ObjectMeta("pod", namespace="default"), spec))
    for number, limit_range in enumerate(ranges):
        named = LimitRange(ObjectMeta(f"range-{number:04}", namespace="default"), limit_range.spec)
        pod = with_defaults(Objects.of((named,)), pod)
    return pod.spec
