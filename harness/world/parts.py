"""Which components take part in a world, and how closely they are looked at."""

from __future__ import annotations

from attrs import evolve, frozen

from ...impl.api.apps import Deployment, ReplicaSet
from ...impl.api.policy import PodDisruptionBudget
from ...impl.kubectl import script as kubectl
from ..input.priorities import may_preempt
from ..input.scenario import Scenario
from .controllers import metrics
from .reductions.cordons import tainted_at_once


@frozen
class Parts:
    """Which components take part, and how closely they are looked at."""

    endpoints: bool = False
    """EndpointSlice controller and kube-proxies."""
    budgets: bool = False
    """The disruption controller."""
    deployment_status: bool = False
    fine_kubelets: bool = False
    """Every step of a kubelet by itself."""
    one_proxy: bool = False
    """One kube-proxy stands for all: they run the same function on the same slices."""
    unwatched: bool = False
    """Steps of Pods that nobody watches are taken at a fixed time (`unwatched`)."""
    tainted_at_once: bool = False
    """A node is tainted for its cordon in the same moment (`reductions.cordons`)."""
    faults: bool = True

    @classmethod
    def core(cls, scenario: Scenario) -> Parts:
        """Return the parts that influence what becomes of the Pods.

        The status of a budget is read by evictions and by preemption, that of a Deployment by its own controller,
        before it deletes ReplicaSets beyond its revisionHistoryLimit, which a rollout undo misses, and by autoscalers
        that measure something beside the Pods. All take part where what slices come to in the end is not told by the
        Pods alone, but by what their controller had seen of slices, and where a user's own functions may look at
        anything.
        """
        if scenario.own or not scenario.tracks_slices:
            return evolve(cls.everything(), one_proxy=True)
        drains = any(isinstance(step, kubectl.Drain) for step in scenario.script)
        moves = scenario.descheduler is not None or may_preempt(scenario)
        evicts = drains or (_has_budget(scenario) and moves)
        return cls(
            budgets=evicts,
            deployment_status=_forgets_revisions(scenario) or metrics.counts_surges(scenario),
            tainted_at_once=tainted_at_once(scenario),
        )

    @classmethod
    def everything(cls) -> Parts:
        """Return all of them."""
        return cls(endpoints=True, budgets=True, deployment_status=True)


def _forgets_revisions(scenario: Scenario) -> bool:
    """Tell whether a Deployment may come to more old ReplicaSets than it keeps."""
    given = sum(isinstance(obj, ReplicaSet) for obj in scenario.objects)
    most = given + sum(step.new_template for step in scenario.script)
    limits = [obj.spec.revision_history_limit for obj in scenario.everything if isinstance(obj, Deployment)]
    return any(most > (DEFAULT_HISTORY if limit is None else limit) for limit in limits)


DEFAULT_HISTORY = 10
"""spec.revisionHistoryLimit where it is absent (apps/v1)."""


def _has_budget(scenario: Scenario) -> bool:
    return any(isinstance(obj, PodDisruptionBudget) for obj in scenario.everything)
