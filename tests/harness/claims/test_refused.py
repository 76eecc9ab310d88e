"""How long a Pod waits that a quota has refused: what the claim `deadline` makes of back-offs."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from kubeproof.harness.check.check import check, machine_for
from kubeproof.harness.check.results import Claim
from kubeproof.harness.claims.refused import OF_JOBS, REFUSED, WORKQUEUE, BackOff
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.impl.api.values.frozen import freeze
from kubeproof.model.checker import replay
from kubeproof.model.checker.results import Status
from planted import planted

QUOTA = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: pods}}\nspec: {{hard: {{{}}}}}\n---\n"
LIMITED = "resources: {limits: {cpu: 1}}"
RANGE = (
    "apiVersion: v1\nkind: LimitRange\nmetadata: {name: usual}\n"
    "spec: {limits: [{type: Container, defaultRequest: {cpu: 1}}]}\n---\n"
)
IMAGE = {"setImage": {"kind": "Deployment", "name": "web", "image": "web:2"}}
NEXT = "kubeproof.harness.claims.refused"


def web(quota: str, *, kind: str = "Deployment", resources: str = "", grace: int = 90) -> str:
    rolls = "  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}\n" if kind == "Deployment" else ""
    inside = f"{{name: web, image: 'web:1', {resources}}}"
    return (
        f"{QUOTA.format(quota)}apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: web}}\nspec:\n  replicas: 2\n"
        f"  selector: {{matchLabels: {{app: web}}}}\n{rolls}  template:\n    metadata: {{labels: {{app: web}}}}\n"
        f"    spec: {{terminationGracePeriodSeconds: {grace}, containers: [{inside}]}}\n"
    )


def scenario(manifests: str, running: int = 60, **options: Any) -> Scenario:
    given = {"nodes": 1, "script": [IMAGE], "consistency": "linearizable", "deadline": {"running": f"{running}s"}}
    return load_scenario("test", {"web.yaml": manifests}, freeze(given | options)).scenario


def deadline(manifests: str, running: int = 60, **options: Any) -> Claim:
    claims = check(scenario(manifests, running, **options)).claims
    return next(one for one in claims if one.name == "deadline")


@pytest.mark.parametrize(
    ("back_off", "seconds", "wait"),
    [
        (WORKQUEUE, 0, Fraction(5, 1000)),
        (WORKQUEUE, 90, Fraction(5, 1000) * 2**14),  # It begins after 81.915 s; the next one would after 163.8 s.
        (WORKQUEUE, 3600, Fraction(1000)),
        (OF_JOBS, 30, Fraction(16)),
        (OF_JOBS, 3600, Fraction(60)),
    ],
)
def test_the_longest_wait_is_the_last_doubled_one_that_begins(back_off: BackOff, seconds: int, wait: Fraction) -> None:
    assert back_off.after(seconds) == wait


def test_a_controller_waits_as_long_again_as_it_was_refused() -> None:
    """k/k#98656: two old Pods end, the quota has room for three."""
    made = scenario(web("pods: 3"))
    found = next(one for one in check(made).claims if one.name == "deadline")
    assert (found.status, found.kind, found.vacuous) == (Status.VIOLATED, REFUSED, False)
    assert "while web-" in found.lines[0]
    assert found.lines[1].startswith("its controller asks again up to 81.92 s after there is room")
    assert found.trace is not None
    assert replay(machine_for(made, found.kind), found.trace).complete
    # A deadline beyond that is left open up to the longest wait there is.
    assert deadline(web("pods: 3"), 103).status is Status.UNKNOWN
    assert deadline(web("pods: 3"), 1020).status is Status.UNKNOWN
    late = deadline(web("pods: 3"), 1021)
    assert (late.status, late.vacuous) == (Status.HOLDS, False)
    # A shorter end is a shorter wait.
    assert deadline(web("pods: 3", grace=10), 60).status is Status.UNKNOWN


def test_where_nothing_is_refused_nothing_is_waited_for() -> None:
    found = deadline(web("pods: 4"))
    assert (found.status, found.vacuous) == (Status.HOLDS, False)
    assert found.lines[-1] == "no Pod of a ReplicaSet is ever refused for a quota"
    with planted(NEXT, "if any(full):", "if True:"):
        assert deadline(web("pods: 4")).status is not Status.HOLDS


@pytest.mark.parametrize("more", [LIMITED, f"range {RANGE}"], ids=["limits", "a limit range"])
def test_what_a_pod_asks_for_in_the_end_counts(more: str) -> None:
    """A container that only limits cpu asks for as much; a limit range gives what is not said."""
    ranged = more.removeprefix("range ") if more.startswith("range ") else ""
    manifests = ranged + web('requests.cpu: "3"', resources="" if ranged else more)
    assert deadline(manifests).status is Status.VIOLATED
    with planted(NEXT, "yield from _as_made(cluster.scenario, request.object)", "yield request.object"):
        assert deadline(manifests).status is Status.HOLDS


def test_who_hears_of_the_end_does_not_wait_for_it() -> None:
    """The Pod that ends is of the same ReplicaSet: its controller is told when it is gone, whatever it waits for."""
    alone = web("pods: 2", kind="ReplicaSet")
    gone = ["delete-pod ReplicaSet/web"]
    assert deadline(alone, script=gone).status is Status.UNKNOWN
    with planted(NEXT, "if not _owned_alike(pod, refusal.pod)", "if True"):
        assert deadline(alone, script=gone).status is Status.VIOLATED


def test_without_a_quota_nobody_is_refused() -> None:
    claim = deadline(web("pods: 3").partition("---\n")[2])
    assert (claim.status, claim.vacuous) == (Status.HOLDS, True)


def test_who_waits_for_ever_has_no_deadline() -> None:
    claim = deadline(web("pods: 2").replace("maxSurge: 0, maxUnavailable: 1", "maxSurge: 1, maxUnavailable: 0"))
    assert claim.status is Status.UNKNOWN
    assert claim.lines == ("it may wait for ever, or be refused by a kubelet (see convergence)",)
