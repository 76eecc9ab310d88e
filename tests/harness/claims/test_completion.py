"""Completion: what counts as done, and every way in which a Job may do its work too often, too rarely or not at all."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from attrs import evolve

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Report
from kubeproof.harness.claims.completion import Work, Worker, judged
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.impl.api.batch import JobSpec
from kubeproof.impl.api.meta import Ref
from planted import planted

JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: j}
spec: {%stemplate: {spec: {restartPolicy: Never, containers: [{name: app, image: "work:1"}]}}}
"""
COUNTING, SYNC = "kubeproof.impl.controllers.job.counting", "kubeproof.impl.controllers.job.sync"


def report(spec: str = "", **options: Any) -> Report:
    asked = {"nodes": 1, "start": "empty", **options}
    return check(load_scenario("it", {"it.yaml": JOB % spec}, asked).scenario)


def completion(found: Report) -> tuple[str, str]:
    claim = next(one for one in found.claims if one.name == "completion")
    return claim.status.value, "; ".join(claim.lines)


def verdict(found: Report, name: str) -> str:
    return next(one.status.value for one in found.claims if one.name == name)


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "completions: 2, parallelism: 2, ",
        "parallelism: 2, ",
        "completions: 2, parallelism: 2, completionMode: Indexed, ",
        "completions: 2, parallelism: 1, completionMode: Indexed, backoffLimitPerIndex: 1, ",
    ],
    ids=["one", "two at once", "a work queue", "indexed", "limits per index"],
)
def test_work_is_done_as_often_as_it_should_whatever_crashes(spec: str) -> None:
    found = report(spec, faults={"crash": 1, "containerCrash": 1}, bounds={"pods": 5})
    assert completion(found) == ("HOLDS", "")
    assert verdict(found, "convergence") == "HOLDS"
    assert not next(one for one in found.claims if one.name == "completion").vacuous


@pytest.mark.parametrize(
    ("module", "before", "after", "spec", "line"),
    [
        (
            COUNTING,
            "elif uid not in sync.uncounted.succeeded:",
            "else:",
            "completions: 2, parallelism: 1, ",
            "counts 1 Pods more than have succeeded",
        ),
        (
            COUNTING,
            "succeeded.append(uid)\n        elif",
            "pass\n        elif",
            "",
            "that have succeeded are gone and not counted",
        ),
        (
            SYNC,
            "spec.completions - self.succeeded, spec.at_once",
            "spec.completions, spec.at_once",
            "completions: 2, parallelism: 2, ",
            "starts a Pod too many",
        ),
        (SYNC, "min(spec.completions - self.succeeded, spec.at_once)", "2", "completions: 2, ", "at most 1 should be"),
        (
            SYNC,
            "if enough and not self.active:",
            "if self.succeeded:",
            "completions: 2, completionMode: Indexed, ",
            "says that it is complete, and 1 of 2 have succeeded",
        ),
        (
            COUNTING,
            "done = sync.succeeded_indexes | fresh",
            "done = sync.before",
            "completions: 1, completionMode: Indexed, ",
            "forgets that index 0 has succeeded",
        ),
        (
            COUNTING,
            "done = sync.succeeded_indexes | fresh",
            "done = sync.succeeded_indexes | fresh | {1}",
            "completions: 2, completionMode: Indexed, ",
            "counts index 1, of which no Pod has succeeded",
        ),
        (
            SYNC,
            "busy = self.succeeded_indexes | indexes.of(self.active_pods)",
            "busy = indexes.of(self.active_pods)",
            "completions: 2, completionMode: Indexed, ",
            "starts index 0 once more",
        ),
    ],
    ids=["twice", "lost", "no end", "too many at once", "too early", "forgotten", "made up", "index again"],
)
def test_a_fault_in_the_counting_is_told(module: str, before: str, after: str, spec: str, line: str) -> None:
    small: dict[str, Any] = {"faults": {"crash": 1}, "bounds": {"pods": 4}, "consistency": "linearizable"}
    with planted(module, before, after):
        status, told = completion(report(spec, **small))
    assert status == "VIOLATED"
    assert line in told
    assert completion(report(spec, **small))[0] == "HOLDS"


def test_a_finalizer_that_goes_before_its_pod_is_written_down_loses_work() -> None:
    written = '(Update(written, job, "status"),) if noted != before else (),\n'
    with planted(COUNTING, written, "(),\n"):
        status, told = completion(report("completions: 1, "))
    assert (status, "not counted" in told) == ("VIOLATED", True)


def test_a_job_that_does_not_see_what_it_wrote_starts_a_pod_too_many() -> None:
    """k/k#130683, as before the gate StaleControllerConsistencyJob of 1.36."""
    status, told = completion(report(switches={"jobs": "before-1.36"}))
    assert status == "VIOLATED"
    assert "starts a Pod too many: 1 of 1 have succeeded and 1 are at work" in told
    assert completion(report(switches={"jobs": "before-1.36"}, consistency="linearizable"))[0] == "HOLDS"
    assert completion(report(release="1.35"))[0] == "VIOLATED"
    assert completion(report(release="1.35", switches={"jobs": "since-1.36"}))[0] == "HOLDS"


def test_who_is_sent_away_uncounted_while_he_succeeds_is_lost() -> None:
    """A Job that is suspended takes the finalizers of Pods off that it believes to be at work."""
    suspended = {"apply": {"object": yaml.safe_load(JOB % "suspend: true, ")}}
    late = report(script=[suspended])
    assert completion(late)[0] == "VIOLATED"
    assert completion(report(script=[suspended], consistency="linearizable"))[0] == "HOLDS"


def test_who_has_not_seen_that_a_job_is_suspended_may_still_start_a_pod() -> None:
    suspended = evolve(WORK, spec=evolve(WORK.spec, suspend=True))
    line = "Job j starts a Pod though it is suspended"
    assert told(suspended, suspended, (), (BUSY,)) == [line]
    assert list(judged(suspended, suspended, (), (BUSY,), seen=(WORK.spec, suspended.spec))) == []
    more, two = evolve(BUSY, uid="c"), evolve(WORK.spec, parallelism=2)
    assert told(WORK, WORK, (BUSY,), (BUSY, more)) == ["2 Pods of Job j are at work at once, at most 1 should be"]
    assert list(judged(WORK, WORK, (BUSY,), (BUSY, more), seen=(two, WORK.spec))) == []


def test_without_a_job_there_is_no_such_claim() -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: 'i:1'}]}"
    found = check(load_scenario("it", {"it.yaml": pod}, {"nodes": 1}).scenario)
    assert "completion" not in [one.name for one in found.claims]


# --- one step by itself -----------------------------------------------------------------------------------------------

WORK = Work(
    Ref("Job", "d", "j"),
    "u",
    JobSpec(parallelism=1, completions=2),
    0,
    frozenset(),
    frozenset(),
    "",
    frozenset(),
    going=False,
)
DONE = Worker("a", "u", "", "Succeeded", waits=True, going=False)
BUSY = evolve(DONE, uid="b", phase="Running")


def told(was: Work, now: Work, old: tuple[Worker, ...], new: tuple[Worker, ...]) -> list[str]:
    return list(judged(was, now, old, new))


def test_who_is_written_down_and_then_counted_is_the_same() -> None:
    noted = evolve(WORK, listed=frozenset({"a"}))
    counted = evolve(WORK, succeeded=1)
    waits_no_more = evolve(DONE, waits=False)
    assert told(WORK, noted, (DONE,), (DONE,)) == []
    assert told(noted, noted, (DONE,), (waits_no_more,)) == []
    assert told(noted, counted, (waits_no_more,), (waits_no_more,)) == []
    lost = "1 Pods of Job j that have succeeded are gone and not counted"
    assert told(WORK, WORK, (DONE,), (waits_no_more,)) == [lost]


def test_nothing_is_asked_of_a_job_that_is_given_up() -> None:
    for now in (
        evolve(WORK, conditions=frozenset({"FailureTarget"})),
        evolve(WORK, going=True),
        evolve(WORK, spec=evolve(WORK.spec, completions=3)),
    ):
        assert told(WORK, now, (DONE,), ()) == []


def test_who_is_on_his_way_out_counts_as_at_work_only_where_that_is_promised() -> None:
    leaving, more = evolve(BUSY, going=True), evolve(BUSY, uid="c")
    patient = evolve(WORK, spec=evolve(WORK.spec, pod_replacement_policy="Failed"))
    assert told(WORK, WORK, (leaving,), (leaving, more)) == []
    assert told(patient, patient, (leaving,), (leaving, more)) == [
        "2 Pods of Job j are at work at once, at most 1 should be"
    ]


def test_who_is_written_off_is_not_asked_for_any_more() -> None:
    off = evolve(WORK, written_off=frozenset({"a"}))
    assert told(off, off, (evolve(DONE, phase="Running", going=True),), (DONE,)) == []
    assert told(off, evolve(off, written_off=frozenset()), (DONE,), ()) == []


DRIVEN_OUT = ["taint nodes node-1 a=b:NoExecute", "taint nodes node-1 a-"]


def test_who_says_why_a_pod_goes_does_not_take_back_that_it_has_succeeded() -> None:
    """The taint eviction controller, which has seen the taint, patches the condition alone, whatever else is there."""
    found = report(script=DRIVEN_OUT)
    assert completion(found) == ("HOLDS", "")
    with planted("kubeproof.impl.apiserver.verbs.update", "if request.merge else wanted", "if False else wanted"):
        assert completion(report(script=DRIVEN_OUT))[0] == "VIOLATED"
