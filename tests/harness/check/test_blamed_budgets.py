"""Where a budget lets no drain end, or is not kept, its field is the place to begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeproof.harness.ci import command
from kubeproof.harness.face import Cluster, Result, check
from kubeproof.model.checker.results import Limits

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "nginx:1.28"}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
"""


def asked(folder: Path, budget: str, *script: str, limits: Limits | None = None) -> Result:
    (folder / "web.yaml").write_text(f"{WEB}  {budget}\n")
    return check(Cluster.from_manifests(folder / "web.yaml", nodes=2), script=script, limits=limits)


@pytest.mark.parametrize("budget", ["minAvailable: 2", "maxUnavailable: 0", 'minAvailable: "51%"'])
def test_a_budget_that_spares_nobody_is_where_to_begin(tmp_path: Path, budget: str) -> None:
    report = " ".join(asked(tmp_path, budget, "drain node-1").report.split())
    place = f"web.yaml:16: PodDisruptionBudget default/web spec.{budget.partition(':')[0]}"
    assert f"First: {tmp_path}/{place}: it spares no Pod, so that the drain of node-1 never ends: 2 must be" in report


@pytest.mark.parametrize("budget", ["maxUnavailable: 1", 'minAvailable: "50%"'])
def test_a_share_of_pods_that_no_workload_asks_for_spares_nobody(tmp_path: Path, budget: str) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {app: web}}\n"
    pod += "spec: {containers: [{name: app, image: 'nginx:1.28'}]}\n"
    (tmp_path / "web.yaml").write_text(f"{pod}---\n{WEB.partition('---')[2]}  {budget}\n")
    script = ["drain node-1 --force", "drain node-2 --force"]
    result = check(Cluster.from_manifests(tmp_path / "web.yaml", nodes=2), script=script)
    report = " ".join(result.report.split())
    assert "it is a share of the Pods that workloads ask for, and none says so of p" in report


def test_a_budget_that_spares_one_holds_nobody_up(tmp_path: Path) -> None:
    report = asked(tmp_path, "minAvailable: 1", "drain node-1").report
    assert "First" not in report


def test_a_rollout_beside_a_drain_takes_more_than_the_budget_spares(tmp_path: Path) -> None:
    """The eviction is granted while the rollout takes another Pod; whatever is open then, it is said how to go on."""
    result = asked(tmp_path, "minAvailable: 2", "set image web nginx:1.29", "drain node-1", limits=Limits(20_000))
    found = {claim.name: claim for claim in result.outcome.claims}
    assert found["budget"].status.value == "VIOLATED"
    assert [(str(one.ref), one.field) for one in found["budget"].blame] == [
        ("PodDisruptionBudget default/web", "spec.minAvailable")
    ]
    assert "the eviction leaves 1; its count comes late" in found["budget"].blame[0].what
    assert "what was decided stays decided" in command.next_steps([result], ["check", "web.yaml"], None)
