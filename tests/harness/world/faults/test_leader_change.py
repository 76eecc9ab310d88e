"""Leaders change: the former one still sends what it was about to send, and who takes that twice is hurt."""

from __future__ import annotations

from typing import Any

import yaml

from kubeproof.harness.check.bounds import bounds_of
from kubeproof.harness.check.check import check, machine_for
from kubeproof.harness.check.results import Claim
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.impl.api.values.frozen import freeze
from kubeproof.model.checker import replay
from kubeproof.model.checker.results import Limits, Status
from planted import planted

MODULE = "kubeproof.harness.world.faults.leader_change"
SMALL_NODE = (
    "apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\n"
    'status: {allocatable: {cpu: "1", memory: 4Gi, pods: "10"}}\n---\n'
)
JOB = (
    "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\nspec:\n  template:\n"
    "    spec: {restartPolicy: Never, containers: [{name: app, image: 'app:1'}]}\n"
)


def pod(name: str) -> str:
    asks = 'resources: {requests: {cpu: "1"}}'
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\n"
        f"spec: {{containers: [{{name: app, image: 'app:1', {asks}}}]}}\n---\n"
    )


def workload(kind: str, replicas: int = 1) -> str:
    return (
        f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: web}}\nspec:\n  replicas: {replicas}\n"
        "  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n"
        "    spec: {containers: [{name: app, image: 'app:1'}]}\n"
    )


def scenario(manifests: str, **options: Any) -> Scenario:
    nodes = {} if "kind: Node" in manifests else {"nodes": 1}
    given = {"start": "empty", "faults": {"leaderChange": 1}, **nodes, **options}
    return load_scenario("test", {"all.yaml": manifests}, freeze(given)).scenario


def claim(name: str, manifests: str, **options: Any) -> Claim:
    claims = check(scenario(manifests, **options), limits=Limits(max_states=40_000)).claims
    return next(one for one in claims if one.name == name)


def at_most_one(kind: str, **options: Any) -> Claim:
    sizes = [{"kind": kind, "name": "web", "atMost": 1}]
    return claim("availability", workload(kind), availability=sizes, **options)


def test_a_replicaset_has_a_pod_too_many_and_the_run_replays() -> None:
    found = at_most_one("ReplicaSet")
    assert found.status is Status.VIOLATED
    assert found.trace is not None
    last = found.trace.lines()[-1]
    assert last.endswith("though it does not lead any more")
    sizes = [{"kind": "ReplicaSet", "name": "web", "atMost": 1}]
    made = scenario(workload("ReplicaSet"), availability=sizes)
    assert replay(machine_for(made, found.kind), found.trace).complete
    assert at_most_one("ReplicaSet", faults={}).status is Status.HOLDS
    assert at_most_one("ReplicaSet", faults={"crash": 1}).status is Status.HOLDS
    with planted(MODULE, "**updates, former(process): left", "former(process): left"):
        assert at_most_one("ReplicaSet").status is Status.HOLDS


def test_another_one_takes_over_when_the_lease_has_not_been_renewed_for_its_duration() -> None:
    """A controller decides up to 12 s after the last renewal that it knows of, its successor after 15."""
    given: dict[str, Any] = {"script": ["scale replicaset/web --replicas=2"], "start": "settled"}
    sizes = [{"kind": "ReplicaSet", "name": "web", "atMost": 2}]
    found = claim("availability", workload("ReplicaSet"), availability=sizes, **given)
    assert found.trace is not None
    assert found.times is not None
    steps = found.trace.lines()
    lost = next(number for number, line in enumerate(steps) if "loses the lead" in line)
    assert found.times.seconds[lost - 1 : lost + 1] == (0, 3)
    (waited,) = found.times.waited[lost]
    assert "the Lease of kube-controller-manager, whose replicaset-controller 0 is about to write" in waited


def test_how_badly_off_an_election_may_be_is_a_premise() -> None:
    (premise,) = [line for line in bounds_of(scenario(workload("ReplicaSet"))) if "LeaseDuration" in line]
    assert premise.startswith("a former leader begins no sync beside its successor: with LeaseDuration 15 s")
    assert premise.endswith("come to less than 3 s together")
    assert not [line for line in bounds_of(scenario(workload("ReplicaSet"), faults={})) if "LeaseDuration" in line]


def test_a_scheduler_gives_the_lease_back_and_is_followed_at_once() -> None:
    two = SMALL_NODE + pod("one")
    other = yaml.safe_load(pod("other").removesuffix("---\n"))
    found = claim("placement", two, script=[{"apply": {"object": other}}])
    assert found.status is Status.VIOLATED
    assert found.times is not None
    assert set(found.times.seconds) == {0}


def test_a_name_that_is_taken_is_refused() -> None:
    assert at_most_one("StatefulSet").status is Status.HOLDS


def test_a_job_runs_twice_what_should_run_once() -> None:
    sizes = [{"kind": "Job", "name": "once", "atMost": 1}]
    given: dict[str, Any] = {"availability": sizes, "consistency": "linearizable"}
    assert claim("availability", JOB, **given).status is Status.VIOLATED
    assert claim("availability", JOB, **given, faults={}).status is Status.HOLDS


def test_a_scheduler_gives_room_away_that_its_successor_has_given_away() -> None:
    """k/k#125761: two that were active for seconds."""
    two = SMALL_NODE + pod("one") + pod("other")
    assert claim("placement", two).status is Status.VIOLATED
    assert claim("placement", two, faults={}).status is Status.HOLDS
    assert claim("placement", two, consistency="linearizable").status is Status.VIOLATED


def test_a_version_that_is_no_longer_so_refuses_what_comes_late() -> None:
    """A ReplicaSet that was scaled since is not scaled back by what a former leader had decided before."""
    steps = ["scale deployment/web --replicas=2", "scale deployment/web --replicas=1"]
    sizes = [{"kind": "Deployment", "name": "web", "atLeast": 1}]
    found = claim(
        "convergence",
        workload("Deployment"),
        script=steps,
        start="settled",
        availability=sizes,
        consistency="linearizable",
    )
    assert found.status is Status.HOLDS


def test_what_comes_late_is_put_right_in_the_end() -> None:
    assert claim("convergence", workload("ReplicaSet")).status is Status.HOLDS


def test_what_is_left_out_changes_no_verdict() -> None:
    """Symmetry knows what a former leader remembers."""
    script = ["delete-pod ReplicaSet/web"]
    made = scenario(workload("ReplicaSet", 2), script=script, start="settled", consistency="linearizable")
    found = [check(made, symmetry=symmetry) for symmetry in (True, False)]
    verdicts = [[(one.name, one.status) for one in report.claims if one.name != "reachability"] for report in found]
    assert verdicts[0] == verdicts[1] == [("convergence", Status.HOLDS), ("placement", Status.HOLDS)]
    assert found[0].states < found[1].states


def test_what_it_writes_is_not_looked_at_in_motion() -> None:
    service = (
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
    )
    found = claim("reachability", workload("Deployment") + service, consistency="linearizable")
    assert found.status is not Status.HOLDS
