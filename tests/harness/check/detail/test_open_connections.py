"""Connections that last: when a grace period is long enough for them, and what leaves that open."""

from __future__ import annotations

from typing import Any

import pytest
from immutabledict import immutabledict

from kubeproof.harness.check.check import check, machine_for
from kubeproof.harness.check.results import Claim, Report
from kubeproof.harness.face import Cluster
from kubeproof.harness.zoo.folders import FAILURES
from kubeproof.model.checker import Limits, replay
from kubeproof.model.checker.results import Status
from planted import planted

WEB = (FAILURES / "connection-cut-off" / "repaired" / "web.yaml").read_text(encoding="utf-8")
HOOK, GRACE = "preStop: {sleep: {seconds: 15}}", "terminationGracePeriodSeconds: 40"
CUT = WEB.replace(GRACE, "terminationGracePeriodSeconds: 34")
TO_ONE = {"scale": {"kind": "Deployment", "name": "web", "replicas": 1}}
OPTIONS: dict[str, Any] = {"nodes": 1, "script": [TO_ONE], "bounds": {"propagation": "5s", "requests": "20s"}}
SENTENCE = "No connection that a Pod accepted is cut off."


def report(manifests: str, *, limits: Limits = Limits(), **options: Any) -> Report:  # noqa: B008 - frozen
    """Check a scenario of manifests."""
    made = Cluster("small", immutabledict({"web.yaml": manifests})).given(OPTIONS | options).load().scenario
    return check(made, limits=limits)


def reachability(manifests: str = WEB, **options: Any) -> Claim:
    """Check what is said of reachability."""
    return next(one for one in report(manifests, **options).claims if one.name == "reachability")


@pytest.mark.parametrize(
    ("hook", "grace", "request_", "holds"),
    [(15, 35, 20, True), (15, 34, 20, False), (5, 30, 25, True), (5, 30, 26, False), (29, 30, 2, True)],
)
def test_a_grace_period_is_long_enough_from_the_second_on_that_is_left_after_the_hook(
    *, hook: int, grace: int, request_: int, holds: bool
) -> None:
    given = WEB.replace("seconds: 15", f"seconds: {hook}").replace(GRACE, f"terminationGracePeriodSeconds: {grace}")
    claim = reachability(given, bounds={"propagation": "5s", "requests": f"{request_}s"})
    assert claim.status is (Status.HOLDS if holds else Status.VIOLATED)
    assert claim.sentence.endswith(SENTENCE)
    if not holds:
        told = f"a grace period of {hook + request_} s is the shortest that is long enough (now {grace} s)"
        assert (claim.blame[0].field, claim.blame[0].what) == (
            "spec.template.spec.terminationGracePeriodSeconds",
            told,
        )


def test_a_breach_replays_and_says_the_whole_relation() -> None:
    made = Cluster("small", immutabledict({"web.yaml": CUT})).given(OPTIONS).load().scenario
    claim = next(one for one in check(made).claims if one.name == "reachability")
    assert claim.lines[0] == "a connection to leaving is cut off by SIGKILL"
    assert "if and only if grace >= preStop + 20 (seconds; now preStop 15, grace 34)" in claim.lines[1]
    assert claim.trace is not None
    assert replay(machine_for(made, claim.kind), claim.trace).complete
    assert claim.times is not None
    assert claim.times.seconds[-2:] == (15, 34)


def test_it_is_asked_only_where_it_is_said_how_long_connections_last() -> None:
    claim = reachability(CUT, bounds={"propagation": "5s"})
    assert claim.status is Status.HOLDS
    assert SENTENCE not in claim.sentence
    told = "a connection that is accepted lasts 20 s at most; after its SIGTERM a program goes on serving it"
    assert told in report(WEB).bounds


@pytest.mark.parametrize(
    ("manifests", "options"),
    [
        (CUT, {"script": [{"scale": {"kind": "Deployment", "name": "web", "replicas": 3}}]}),
        (CUT.partition("---\n")[0], {}),
    ],
    ids=["nobody goes", "no Service"],
)
def test_where_nobody_goes_whom_a_service_leads_to_nothing_is_cut_off(manifests: str, options: dict[str, Any]) -> None:
    assert reachability(manifests, **options).status is Status.HOLDS


SCRIPTED = WEB.replace(HOOK, 'preStop: {exec: {command: [sh, -c, "sleep 15; ./drain.sh"]}}')
SECOND = WEB.replace(
    "      containers:\n",
    "      containers:\n        - {name: b, image: 'b:1', ports: [{containerPort: 81}], "
    "lifecycle: {preStop: {sleep: {seconds: 30}}}}\n",
)


@pytest.mark.parametrize(
    ("manifests", "options", "why"),
    [
        (SCRIPTED, {}, "hangs on how long a preStop hook takes"),
        (SECOND, {}, "or on which container takes it"),
        (WEB, {"images": "byName"}, "to images that behave as they are called"),
        (WEB, {"limits": Limits(max_states=1)}, "the limit of 1 states was hit"),
    ],
    ids=["a script as a hook", "two hooks", "images", "a limit"],
)
def test_what_is_not_known_leaves_it_open(manifests: str, options: dict[str, Any], why: str) -> None:
    claim = reachability(manifests, **options)
    assert claim.status is Status.UNKNOWN
    assert why in claim.lines[0]


def test_what_is_too_short_for_the_shortest_hook_is_a_breach_whatever_is_open() -> None:
    assert reachability(SCRIPTED.replace(GRACE, "terminationGracePeriodSeconds: 34")).status is Status.VIOLATED
    assert reachability(SECOND.replace(GRACE, "terminationGracePeriodSeconds: 34")).status is Status.VIOLATED
    assert reachability(SECOND.replace(GRACE, "terminationGracePeriodSeconds: 50")).status is Status.HOLDS
    assert reachability(SECOND.replace("ports: [{containerPort: 81}], ", "")).status is Status.HOLDS, "no port"


def test_a_kill_that_waits_for_nothing_is_noticed() -> None:
    with planted(
        "kubeproof.harness.world.grains.connections.timers",
        "least = Fraction(str(timings(pod).after_sigterm))",
        "least = Fraction(0)",
    ):
        assert reachability().status is Status.VIOLATED
