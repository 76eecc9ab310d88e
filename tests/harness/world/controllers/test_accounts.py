"""A Pod by itself that is applied right behind its namespace may come before its account; controllers try again."""

from __future__ import annotations

from typing import Any

import yaml

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Claim
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.impl.api.values.frozen import freeze
from kubeproof.model.checker.results import Limits, Status
from planted import planted

SPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
CONTAINERS = "{containers: [{name: app, image: 'app:1'}]}"
POD = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: lone, namespace: shop}}\nspec: {CONTAINERS}\n"
WEB = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  replicas: 1\n"
    "  selector: {matchLabels: {app: web}}\n"
    f"  template: {{metadata: {{labels: {{app: web}}}}, spec: {CONTAINERS}}}\n"
)
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"


def convergence(*steps: str, manifests: str = CONFIG, **options: Any) -> Claim:
    script = [{"apply": {"object": yaml.safe_load(step)}} for step in steps]
    given = freeze({"nodes": 1, "script": script, **options})
    scenario = load_scenario("test", {"all.yaml": manifests}, given).scenario
    found = check(scenario, limits=Limits(max_states=20_000)).claims
    return next(one for one in found if one.name == "convergence")


def test_a_pod_by_itself_may_come_before_its_account() -> None:
    found = convergence(SPACE, POD)
    assert found.status is Status.VIOLATED
    why = 'error looking up service account shop/default: serviceaccount "default" not found'
    assert any(line.endswith(why) for line in found.lines)
    assert not any("is gone, though nobody was asked" in line for line in found.lines), "it was never made"
    with planted("kubeproof.harness.world.script.environment", "if not view[account(", "if False and view[account("):
        assert convergence(SPACE, POD).status is Status.HOLDS


def test_who_waits_until_all_is_quiet_finds_it() -> None:
    assert convergence(SPACE, POD, waitBetweenSteps=True).status is Status.HOLDS
    with planted("kubeproof.harness.world.controllers.accounts", "{account(name): True}", "{}"):
        assert convergence(SPACE, POD, waitBetweenSteps=True).status is Status.VIOLATED


def test_a_controller_tries_again() -> None:
    assert convergence(SPACE, WEB).status is Status.HOLDS


def test_a_namespace_that_is_there_has_its_account() -> None:
    assert convergence(POD, manifests=SPACE).status is Status.HOLDS


def test_a_first_apply_of_both_says_what_it_takes_for_granted() -> None:
    def listed(*manifests: str, **options: Any) -> list[str]:
        files = {"all.yaml": "---\n".join(manifests)}
        return [
            str(one)
            for one in load_scenario("test", files, freeze({"nodes": 1, **options})).assumptions
            if "ServiceAccount" in str(one)
        ]

    (said,) = listed(SPACE, POD)
    assert said.startswith("all.yaml:7: Pod shop/lone metadata.namespace: kube-controller-manager has made")
    assert listed(SPACE, WEB) == listed(SPACE, POD, start="settled") == []
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default, namespace: shop}\n"
    assert listed(SPACE, account, POD) == []
