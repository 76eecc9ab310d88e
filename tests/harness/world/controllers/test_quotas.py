"""Quotas and limit ranges in the world: what they refuse, who writes what they count, and what is left out."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.applied import applied
from kubeproof.harness.world.controllers import quotas
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.quota import ResourceQuota
from kubeproof.impl.api.values.frozen import freeze
from kubeproof.model.checker.results import Limits, Status
from planted import planted

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  strategy: {{rollingUpdate: {{maxSurge: {surge}, maxUnavailable: {unavailable}}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: "web:1", resources: {resources}}}]}}
"""
IMAGE = {"setImage": {"kind": "Deployment", "name": "web", "image": "web:2"}}


def quota(**hard: str) -> str:
    said = ", ".join(f'{name.replace("_", ".")}: "{amount}"' for name, amount in hard.items())
    return f"\n---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: q}}\nspec: {{hard: {{{said}}}}}\n"


def limits(item: str) -> str:
    return f"\n---\napiVersion: v1\nkind: LimitRange\nmetadata: {{name: l}}\nspec: {{limits: [{{{item}}}]}}\n"


def web(replicas: int = 1, surge: int = 1, unavailable: int = 0, resources: str = "{}") -> str:
    return WEB.format(replicas=replicas, surge=surge, unavailable=unavailable, resources=resources)


def scenario(text: str, **options: Any) -> Scenario:
    given = {"nodes": 1, "script": [IMAGE], **options}
    return load_scenario("test", {"web.yaml": text}, freeze(given)).scenario


def verdicts(text: str, **options: Any) -> dict[str, Status]:
    report = check(scenario(text, **options), limits=Limits(max_states=60_000))
    return {claim.name: claim.status for claim in report.claims}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (web() + quota(pods="1"), "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"),
        (
            web(resources='{requests: {cpu: "1"}}') + quota(requests_cpu="1"),
            "exceeded quota: q, requested: requests.cpu=1, used: requests.cpu=1, limited: requests.cpu=1",
        ),
        (web() + quota(requests_cpu="9"), "failed quota: q: must specify requests.cpu for: web"),
        (
            web(resources='{limits: {cpu: "2"}}') + limits("type: Container, max: {cpu: 1}"),
            "maximum cpu usage per Container is 1, but limit is 2",
        ),
    ],
    ids=["no room for one more Pod", "no room for its CPU", "nothing said", "out of range"],
)
def test_what_is_refused_for_ever_is_a_breach_and_names_who_refuses(text: str, told: str) -> None:
    report = check(scenario(text), limits=Limits(max_states=60_000))
    claim = next(one for one in report.claims if one.name == "convergence")
    assert claim.status is Status.VIOLATED
    assert any(told in line for line in claim.lines)
    who = "LimitRange" if told.startswith("maximum") else "ResourceQuota"
    assert {blame.ref.kind for blame in claim.blame} == {who}


@pytest.mark.parametrize(
    "text",
    [
        web() + quota(pods="2"),
        web(surge=0, unavailable=1) + quota(pods="1"),
        web(resources='{requests: {cpu: "1"}}') + quota(requests_cpu="2"),
        web() + quota(requests_cpu="2") + limits("type: Container, defaultRequest: {cpu: 1}"),
    ],
    ids=["room for one more", "no surge", "room for its CPU", "a default request is said for it"],
)
def test_the_same_with_room_converges_within_the_quota(text: str) -> None:
    found = verdicts(text)
    assert found["convergence"] is Status.HOLDS
    assert found["quota"] is Status.HOLDS


def test_a_planted_fault_in_admission_is_a_breach_of_the_quota() -> None:
    with planted(
        "kubeproof.impl.apiserver.admission.quota",
        "if used[name] > hard[name]",
        "if used[name] > hard[name] + hard[name]",
    ):
        assert verdicts(web() + quota(pods="1"))["quota"] is Status.VIOLATED


def test_a_quota_controller_that_counts_no_more_blocks_a_rollout() -> None:
    text = web(surge=0, unavailable=1) + quota(pods="1")
    with planted("kubeproof.impl.controllers.resourcequota", "and same(used, known.used)", ""):
        assert verdicts(text)["convergence"] is Status.VIOLATED


def test_on_current_views_nobody_writes_over_what_admission_has_counted() -> None:
    """k/k#123434 needs a cache that lags (harness/zoo/failures/quota-exceeded-in-a-rollout)."""
    found = verdicts(web(2, 0, 1) + quota(pods="2"), consistency="linearizable")
    assert (found["quota"], found["convergence"]) == (Status.HOLDS, Status.HOLDS)


def test_a_quota_of_the_manifests_is_counted_from_the_start() -> None:
    (one,) = [one for one in applied(scenario(web() + quota(pods="1"))) if isinstance(one, ResourceQuota)]
    assert str(one.status.used["pods"]) == "0"


@pytest.mark.parametrize(
    ("text", "idle"),
    [
        (quota(pods="4"), True),
        (quota(pods="3"), False),
        (quota(pods="4", services="9"), False),
        (quota(requests_cpu="9"), False),
    ],
    ids=["room for all places", "for all but one", "it counts Services, too", "its Pods say too little"],
)
def test_a_quota_with_room_for_all_has_no_controller(text: str, idle: bool) -> None:  # noqa: FBT001
    given = scenario(web() + text, bounds={"pods": 4})
    assert bool(quotas.roomy(given)) is idle


def test_default_requests_take_room_before_any_pod_is_made() -> None:
    """Room is counted by what a limit range adds: on one node of 4 CPUs there is none for 12 Pods of one CPU."""
    from kubeproof.harness.world.reductions.roomy import all_the_same

    assert all_the_same(scenario(web()))
    assert not all_the_same(scenario(web() + limits("type: Container, defaultRequest: {cpu: 1}")))


def test_what_limit_ranges_add_is_in_every_pod() -> None:
    pods = "\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}\n"
    given = scenario(limits("type: Container, default: {cpu: 2}").lstrip("\n-") + pods + "---" + web())
    (one,) = [one for one in applied(given) if isinstance(one, Pod)]
    assert str(one.spec.containers[0].resources.requests["cpu"]) == "2"
