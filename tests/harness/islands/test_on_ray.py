"""Islands that the processors of a Ray cluster share: the same answers, interrupts, and processes that are gone."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from time import monotonic

import pytest
from click.testing import CliRunner

from kubeproof.harness.check.results import Report
from kubeproof.harness.cli import cli
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.islands import side_by_side
from kubeproof.harness.islands.cache import Cache
from kubeproof.harness.islands.check import check
from kubeproof.harness.islands.looking import Ways
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.model.checker.results import INTERRUPTED, Deadline, Limits

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Those of Ray are its own affair.
    import ray
    from ray.exceptions import WorkerCrashedError

    from kubeproof.harness.islands.on_ray import OnRay

pytestmark = [pytest.mark.xdist_group("ray"), pytest.mark.filterwarnings("default")]

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: %(name)s}
spec:
  replicas: 1
  selector: {matchLabels: {app: %(name)s}}
  template:
    metadata: {labels: {app: %(name)s}}
    spec: {%(more)s containers: [{name: app, image: "%(name)s:1"}]}
---
"""


def scenario(more: str = "") -> Scenario:
    """Return two Deployments that have nothing to do with each other."""
    text = DEPLOYMENT % {"name": "a", "more": ""} + DEPLOYMENT % {"name": "b", "more": more}
    return load_scenario("two", {"all.yaml": text}, {"nodes": 2}).scenario


def said(report: Report) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(claim.name, claim.status.value, claim.lines) for claim in report.claims]


@pytest.fixture(scope="module")
def _cluster() -> Iterator[None]:
    """Start Ray on this machine with two processors, or take the one that another test has started."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    began = not ray.is_initialized()
    if began:
        ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100_000_000, log_to_driver=False)
    yield
    if began:
        ray.shutdown()


@pytest.mark.parametrize("more", ["", "nodeSelector: {nobody: has},"])
@pytest.mark.usefixtures("_cluster")
def test_a_cluster_says_what_one_process_says(more: str) -> None:
    alone, shared = check(scenario(more)), check(scenario(more), ray="local")
    assert said(shared) == said(alone)
    assert (shared.states, shared.transitions) == (alone.states, alone.transitions)


@pytest.mark.usefixtures("_cluster")
def test_what_is_known_is_kept_where_the_command_runs(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    first = check(scenario(), ray="local", cache=cache)
    again = check(scenario(), ray="local", cache=cache)
    assert (first.remembered, again.remembered) == (0, 2)
    assert said(first) == said(again)


@pytest.mark.usefixtures("_cluster")
def test_the_time_that_is_left_is_told_as_a_span() -> None:
    report = check(
        scenario(), ray="local", limits=Limits(deadline=Deadline(monotonic(), "the time limit of 0 s was hit"))
    )
    assert {claim.status.value for claim in report.claims} == {"UNKNOWN"}
    assert all("time limit" in " ".join(claim.lines) for claim in report.claims)


class Interrupted(OnRay):
    """A crew that somebody interrupts once it has been told what to do."""

    def submit(self, ways: Ways, name: str, scenario: Scenario, left: int) -> Future[Report]:
        """Interrupt whoever asked."""
        super().submit(ways, name, scenario, left)
        raise KeyboardInterrupt


class Killed(OnRay):
    """A crew of which one process is gone before it has answered."""

    def submit(self, _ways: Ways, _name: str, _scenario: Scenario, _left: int) -> Future[Report]:
        """Let one of them die."""
        done = Future[Report]()
        done.set_exception(WorkerCrashedError())
        return done


@pytest.mark.parametrize(("crew", "why"), [(Interrupted, INTERRUPTED), (Killed, side_by_side.LOST)])
@pytest.mark.usefixtures("_cluster")
def test_what_is_not_known_in_the_end_is_unknown(crew: type[OnRay], why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "_hired", lambda ways, _most: crew(ways.ray))
    report = check(scenario(), ray="local")
    assert {claim.status.value for claim in report.claims} == {"UNKNOWN"}
    assert all(why in " ".join(claim.lines) for claim in report.claims)


def test_an_address_without_a_cluster_is_told() -> None:
    ray.shutdown()
    with pytest.raises(BadInput, match=r"--ray: no Ray cluster is at 'nowhere'"):
        OnRay("nowhere")


def test_without_ray_its_option_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("kubeproof.harness.input.files.options.find_spec", lambda _name: None)
    (tmp_path / "all.yaml").write_text(DEPLOYMENT % {"name": "a", "more": ""})
    found = CliRunner().invoke(cli, ["check", str(tmp_path), "--nodes", "1", "--ray", "auto"])
    assert found.exit_code == 2
    assert "--ray needs more: pip install 'kubeproof[ray]'" in found.output
