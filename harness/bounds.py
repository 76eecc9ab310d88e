"""The bounds of a check in sentences: what a verdict rests on, printed beside it."""

from __future__ import annotations

from .scenario import Consistency, Scenario, Start

_VIEWS = {
    Consistency.LINEARIZABLE: "every component acts on the store as it is",
    Consistency.SESSION: "every component acts on watch caches that lag by any amount and never go back",
    Consistency.RESETTABLE: (
        "watch caches lag by any amount; a component that restarts may list from a second API server that stood still once"
    ),
}


def bounds_of(scenario: Scenario) -> tuple[str, ...]:
    """Give the bounds of a scenario, one sentence each."""
    return tuple(
        line
        for line in (
            _start(scenario),
            f"views: {_VIEWS[scenario.consistency]}{_mixed(scenario)}",
            f"faults: {_faults(scenario)}",
            _propagation(scenario),
            f"at most {scenario.bounds.pods} Pods at a time; one etcd member, one scheduler, Kubernetes {scenario.release}",
            "no clocks: progress deadlines, back-offs and lease renewals neither fire nor run out; "
            "Pods are deleted with their own grace period",
            "which of several equally ranked Pods a ReplicaSet deletes is left open (age and crowding do not decide)",
            _images(scenario),
            "what is not modelled is taken not to matter" if scenario.accept_unmodelled and scenario.unmodelled else "",
        )
        if line
    )


def _start(scenario: Scenario) -> str:
    if scenario.start is Start.SETTLED:
        return "start: the manifests are applied and the cluster is at rest, in the state one schedule leads to"
    return "start: the nodes are there and the manifests are just applied"


def _mixed(scenario: Scenario) -> str:
    if scenario.consistency is Consistency.LINEARIZABLE:
        return ""
    if scenario.bounds.mixed_views:
        return ", each kind by itself (the EndpointSlice and disruption controllers: all kinds at once)"
    return ", all kinds at once (bounds.mixedViews is off)"


def _faults(scenario: Scenario) -> str:
    one = scenario.faults
    found = [
        (one.crash, "crash and restart of a component"),
        (one.node_crash, "node crash"),
        (one.lost_response, "lost response"),
        (one.container_crash, "container crash"),
    ]
    named = [f"at most {count} x {name}" for count, name in found if count]
    return ", ".join(named) or "none"


def _propagation(scenario: Scenario) -> str:
    seconds = scenario.bounds.propagation_seconds
    if seconds is None:
        return "no bound on the time from a Pod's deletion until every kube-proxy has dropped it"
    return f"propagation: {seconds} s after a Pod's deletion no kube-proxy routes to it any more, restarts included"


def _images(scenario: Scenario) -> str:
    if scenario.image_behaviour:
        return "images called bad, crash, nopull, slow, slowstop and job behave as they are called"
    return "every image can be pulled, runs and becomes ready"
