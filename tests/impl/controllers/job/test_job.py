"""One sync of a Job, request by request, and every recorded run of the real controller.

Facts are those of pkg/controller/job/job_controller_test.go, indexed_job_utils_test.go and pod_failure_policy_test.go
(v1.32) where nothing else is said.
"""

from __future__ import annotations

import json
import lzma
from typing import Any

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.impl.api.batch import Job, JobCondition, JobStatus, UncountedTerminatedPods
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import ContainerStatus, Pod, PodCondition, PodStatus
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.api.requests import Create, Delete, PatchMetadata, Recheck, Request, Update
from kubeproof.impl.api.values.frozen import freeze, strings
from kubeproof.impl.api.well_known import COMPLETION_INDEX, CONTROLLER_UID, TRACKING
from kubeproof.impl.apiserver.defaulting.defaulting import default
from kubeproof.impl.apiserver.defaulting.job_labels import as_label, with_selector
from kubeproof.impl.controllers.common import controller_of
from kubeproof.impl.controllers.job import indexes
from kubeproof.impl.controllers.job.job import grouped, orphaned, reconcile
from kubeproof.impl.controllers.job.pods import TRANSFORM, coarse, new_pod
from places import VECTORS
from recorded import controllers as oracle

CONTAINERS = [{"name": "c", "image": "i:1"}]


def job(status: JobStatus | None = None, *, restarts: str = "Never", **spec: Any) -> Job:
    template = {"spec": {"restartPolicy": restarts, "containers": CONTAINERS}}
    metadata = {"name": "j", "namespace": "d", "uid": "u1", "generation": 1}
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template, **spec}}
    made = default(from_json(body))
    assert isinstance(made, Job)
    return evolve(with_selector(made), status=status or JobStatus())


def pod(owner: Job, name: str, phase: str = "Running", **more: Any) -> Pod:
    """Make a Pod of a Job: `going`, `counted`, `index`, `code`, `restarts`, `ready`, `condition`, `notes`, `node`."""
    index = more.get("index")
    made = new_pod(owner, index, more.get("notes", {}))
    meta = evolve(
        made.metadata,
        name=name,
        generate_name="",
        uid=f"uid-{name}",
        deletion_timestamp=1 if more.get("going") else None,
        finalizers=() if more.get("counted") else (TRACKING,),
    )
    state = freeze({"terminated": {"exitCode": more["code"]}} if "code" in more else {"running": {}})
    containers = (ContainerStatus("c", restart_count=more.get("restarts", 0), state=state),)
    ready = (PodCondition("Ready", str(bool(more.get("ready")))),)
    told = (PodCondition(more["condition"], "True"),) if "condition" in more else ()
    status = PodStatus(phase, (*ready, *told), container_statuses=containers)
    return evolve(made, metadata=meta, spec=evolve(made.spec, node_name=more.get("node", "n1")), status=status)


def sync(owner: Job, *pods: Pod, **how: Any) -> tuple[Request, ...]:
    """Return the requests of a sync, and see that what is kept of the objects gives the same."""
    found = reconcile(Cache.of([owner, *pods]), ref_of(owner), **how)
    slim = Cache.of(one for obj in (owner, *pods) if (one := TRANSFORM[ref_of(obj).kind](obj)) is not None)
    assert reconcile(slim, ref_of(owner), **how) == found
    return found


def statuses(requests: tuple[Request, ...]) -> list[JobStatus]:
    return [one.object.status for one in requests if isinstance(one, Update) and isinstance(one.object, Job)]


def said(status: JobStatus) -> list[tuple[str, str]]:
    return [(one.type, one.reason) for one in status.conditions if one.status == "True"]


def made(requests: tuple[Request, ...]) -> list[Pod]:
    return [one.object for one in requests if isinstance(one, Create) and isinstance(one.object, Pod)]


def freed(requests: tuple[Request, ...]) -> list[str]:
    return [one.ref.name for one in requests if isinstance(one, PatchMetadata) and one.remove_finalizers == (TRACKING,)]


def deleted(requests: tuple[Request, ...]) -> list[str]:
    return [one.ref.name for one in requests if isinstance(one, Delete)]


# --- how many Pods ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "phases", "count"),
    [
        ({}, [], 1),
        ({"parallelism": 2, "completions": 5}, [], 2),
        ({"parallelism": 2, "completions": 5}, ["Running"], 1),
        ({"parallelism": 2, "completions": 5}, ["Running", "Succeeded"], 1),
        ({"parallelism": 5, "completions": 5}, ["Succeeded"] * 4, 1),
        ({"parallelism": 2, "completions": 5}, ["Failed"], 2),
        ({"parallelism": 2}, [], 2),
        ({"parallelism": 2}, ["Running", "Succeeded"], 0),
        ({"parallelism": 2}, ["Running", "Failed"], 1),
        ({"parallelism": 0, "completions": 5}, [], 0),
        ({"suspend": True}, [], 0),
    ],
)
def test_as_many_pods_are_made_as_there_is_work_and_room_for(
    spec: dict[str, Any], phases: list[str], count: int
) -> None:
    owner = job(**spec)
    requests = sync(owner, *(pod(owner, f"p{number}", phase) for number, phase in enumerate(phases)))
    assert len(made(requests)) == count


def test_a_pod_is_the_jobs_waits_to_be_counted_and_has_a_name_of_its_own() -> None:
    owner = job()
    (one,) = made(sync(owner))
    meta = one.metadata
    assert (meta.generate_name, meta.finalizers, meta.owner_references) == ("j-", (TRACKING,), (controller_of(owner),))
    assert meta.labels[CONTROLLER_UID] == "u1"


def test_nobody_is_made_before_what_was_made_is_seen() -> None:
    assert made(sync(job(), satisfied=False)) == []


def test_too_many_pods_lose_their_finalizers_and_go_those_without_a_node_first() -> None:
    owner = job(parallelism=1, completions=3)
    requests = sync(owner, pod(owner, "a"), pod(owner, "b", "Pending", node=""))
    assert (freed(requests), deleted(requests)) == (["b"], ["b"])
    assert [(one.active, one.terminating) for one in statuses(requests)] == [(1, 1)]


def test_which_of_several_pods_alike_goes_is_left_open() -> None:
    owner = job(parallelism=1, completions=3)
    cache = Cache.of([owner, pod(owner, "a"), pod(owner, "b")])
    turns = [[one for group in groups for one in group] for groups in grouped(cache, ref_of(owner))]
    assert [deleted(tuple(one)) for one in turns] == [["a"], ["b"]]


def test_a_suspended_job_sends_its_pods_away_uncounted_and_one_that_goes_on_says_so() -> None:
    owner = job(suspend=True, parallelism=2, completions=2)
    requests = sync(owner, pod(owner, "a"), pod(owner, "b"))
    assert deleted(requests) == ["a", "b"]
    assert said(statuses(requests)[-1]) == [("Suspended", "JobSuspended")]
    assert statuses(requests)[-1].failed == 0
    on = evolve(owner, spec=evolve(owner.spec, suspend=False), status=statuses(requests)[-1])
    resumed = sync(on)
    assert len(made(resumed)) == 2
    assert [(one.type, one.status, one.reason) for one in statuses(resumed)[-1].conditions] == [
        ("Suspended", "False", "JobResumed")
    ]


@pytest.mark.parametrize(("policy", "count", "failed"), [("TerminatingOrFailed", 1, 1), ("Failed", 0, 0)])
def test_who_is_on_his_way_out_is_replaced_at_once_or_once_he_has_failed(policy: str, count: int, failed: int) -> None:
    owner = job(podReplacementPolicy=policy)
    requests = sync(owner, pod(owner, "a", going=True))
    assert len(made(requests)) == count
    assert statuses(requests)[-1].failed == failed


# --- counting ---------------------------------------------------------------------------------------------------------


def test_a_pod_is_written_down_then_let_go_then_counted() -> None:
    owner = job(parallelism=1, completions=2)
    requests = sync(owner, pod(owner, "a", "Succeeded"), pod(owner, "b"))
    kinds = [type(one).__name__ for one in requests]
    assert kinds == ["Update", "PatchMetadata", "Update"]
    noted, counted = statuses(requests)
    assert noted.uncounted_terminated_pods == UncountedTerminatedPods(succeeded=("uid-a",))
    assert (noted.succeeded, counted.succeeded) == (0, 1)
    assert counted.uncounted_terminated_pods == UncountedTerminatedPods()


def test_a_turn_that_broke_off_is_finished_by_the_next_one_and_nobody_is_counted_twice() -> None:
    noted = JobStatus(active=1, ready=0, terminating=0, uncounted_terminated_pods=UncountedTerminatedPods(("uid-a",)))
    owner = job(noted, parallelism=1, completions=2)
    still = sync(owner, pod(owner, "a", "Succeeded"), pod(owner, "b"))
    assert (freed(still), statuses(still)[-1].succeeded) == (["a"], 1)
    gone = sync(owner, pod(owner, "a", "Succeeded", counted=True), pod(owner, "b"))
    assert (freed(gone), statuses(gone)[-1].succeeded) == ([], 1)


def test_a_job_with_all_its_work_done_is_complete_once_all_are_counted_and_gone() -> None:
    owner = job()
    done = sync(owner, pod(owner, "a", "Succeeded"))
    assert [said(one) for one in statuses(done)] == [
        [("SuccessCriteriaMet", "CompletionsReached")],
        [("SuccessCriteriaMet", "CompletionsReached"), ("Complete", "CompletionsReached")],
    ]
    waits = sync(owner, pod(owner, "a", "Succeeded"), pod(owner, "b", going=True))
    assert said(statuses(waits)[-1]) == [("SuccessCriteriaMet", "CompletionsReached")]


def test_a_work_queue_is_complete_when_one_has_succeeded_and_nobody_is_at_work() -> None:
    owner = job(parallelism=2)
    assert said(statuses(sync(owner, pod(owner, "a", "Succeeded"), pod(owner, "b")))[-1]) == []
    over = sync(owner, pod(owner, "a", "Succeeded"), pod(owner, "b", "Failed"))
    assert ("Complete", "CompletionsReached") in said(statuses(over)[-1])


def test_nothing_is_done_about_a_job_that_is_over_or_somebody_elses() -> None:
    over = JobStatus(conditions=(JobCondition("Complete", "True"),))
    assert sync(job(over)) == ()
    assert sync(job(managedBy="example.com/kueue")) == ()


def test_what_is_deleted_lets_all_of_its_pods_go_and_makes_none() -> None:
    owner = job(parallelism=2, completions=2)
    owner = evolve(owner, metadata=evolve(owner.metadata, deletion_timestamp=1))
    requests = sync(owner, pod(owner, "a"))
    assert (made(requests), freed(requests)) == ([], ["a"])


# --- failing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "fails"), [(0, True), (1, True), (2, False)])
def test_more_failed_pods_than_the_limit_end_a_job(limit: int, *, fails: bool) -> None:
    owner = job(backoffLimit=limit)
    requests = sync(owner, pod(owner, "a", "Failed"), pod(owner, "b", "Failed"))
    end = statuses(requests)[-1]
    reached = [("FailureTarget", "BackoffLimitExceeded"), ("Failed", "BackoffLimitExceeded")]
    assert (said(end), end.failed) == (reached if fails else [], 2)


def test_a_failing_job_sends_who_is_at_work_away_and_has_failed_when_they_are_gone() -> None:
    owner = job(backoffLimit=0, parallelism=2, completions=2)
    requests = sync(owner, pod(owner, "a", "Failed"), pod(owner, "b"))
    assert deleted(requests) == ["b"]
    end = statuses(requests)[-1]
    assert (said(end), end.failed) == ([("FailureTarget", "BackoffLimitExceeded")], 2)
    later = sync(evolve(owner, status=end), pod(owner, "b", "Failed", counted=True, going=True))
    assert said(statuses(later)[-1])[-1] == ("Failed", "BackoffLimitExceeded")


@pytest.mark.parametrize(("limit", "restarts", "fails"), [(0, 0, False), (0, 1, True), (3, 2, False), (3, 3, True)])
def test_containers_that_are_restarted_too_often_end_a_job(limit: int, restarts: int, *, fails: bool) -> None:
    owner = job(backoffLimit=limit, restarts="OnFailure")
    requests = sync(owner, pod(owner, "a", restarts=restarts))
    assert (deleted(requests) == ["a"]) is fails


def test_a_job_that_takes_longer_than_it_may_fails() -> None:
    owner = job(JobStatus(start_time=100), activeDeadlineSeconds=10)
    assert deleted(sync(owner, pod(owner, "a"), now=109)) == []
    late = sync(owner, pod(owner, "a"), now=110)
    assert said(statuses(late)[-1]) == [("FailureTarget", "DeadlineExceeded")]


ON_42 = {"onExitCodes": {"operator": "In", "values": [42]}}
NOT_42 = {"onExitCodes": {"containerName": "c", "operator": "NotIn", "values": [42]}}
DISRUPTED = {"onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


@pytest.mark.parametrize(
    ("rule", "pods", "over", "failed"),
    [
        ({"action": "FailJob", **ON_42}, {"code": 42}, "PodFailurePolicy", 1),
        ({"action": "FailJob", **ON_42}, {"code": 1}, "", 1),
        ({"action": "FailJob", **NOT_42}, {"code": 1}, "PodFailurePolicy", 1),
        ({"action": "FailJob", **NOT_42}, {"code": 0}, "", 1),
        ({"action": "Ignore", **DISRUPTED}, {"condition": "DisruptionTarget"}, "", 0),
        ({"action": "Count", **DISRUPTED}, {"condition": "DisruptionTarget"}, "", 1),
        ({"action": "Ignore", **DISRUPTED}, {"code": 1}, "", 1),
    ],
)
def test_the_first_rule_that_matches_a_failed_pod_says_what_follows(
    rule: dict[str, Any], pods: dict[str, Any], over: str, failed: int
) -> None:
    owner = job(podFailurePolicy={"rules": [rule]})
    end = statuses(sync(owner, pod(owner, "a", "Failed", **pods)))[-1]
    assert ([reason for kind, reason in said(end) if kind == "Failed"], end.failed) == ([over] if over else [], failed)


# --- indexes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("", []), ("0", [0]), ("0,1", [0, 1]), ("0-2", [0, 1, 2]), ("0,2-4,6,7", [0, 2, 3, 4, 6, 7])],
)
def test_indexes_as_text_and_back(text: str, numbers: list[int]) -> None:
    assert indexes.spelt(numbers) == text
    assert sorted(indexes.read(text, 10)) == numbers
    assert sorted(indexes.read(text, 3)) == [one for one in numbers if one < 3]


def test_what_is_no_index_is_read_as_none() -> None:
    assert indexes.read("0,x,2-y,4", 10) == {0, 4}


def test_the_first_indexes_that_nobody_has_are_worked_on() -> None:
    owner = job(completionMode="Indexed", completions=5, parallelism=3)
    found = made(sync(owner, pod(owner, "a", index=1), pod(owner, "b", "Succeeded", index=0)))
    assert [one.metadata.annotations[COMPLETION_INDEX] for one in found] == ["2", "3"]
    first = found[0]
    assert first.metadata.labels[COMPLETION_INDEX] == "2"
    assert (first.metadata.generate_name, first.spec.extra["hostname"]) == ("j-2-", "j-2")
    assert first.spec.containers[0].extra["env"][0]["name"] == "JOB_COMPLETION_INDEX"


def test_an_index_counts_once_however_many_of_its_pods_succeed() -> None:
    owner = job(completionMode="Indexed", completions=3, parallelism=3)
    pods = [pod(owner, name, "Succeeded", index=index) for name, index in (("a", 0), ("b", 1), ("c", 1))]
    end = statuses(sync(owner, *pods))[-1]
    assert (end.succeeded, end.completed_indexes, said(end)) == (2, "0,1", [])


def test_who_works_on_an_index_twice_or_on_none_goes() -> None:
    owner = job(completionMode="Indexed", completions=2, parallelism=4)
    one, other = pod(owner, "a", index=0, ready=True), pod(owner, "b", "Pending", index=0)
    lost, far = evolve(pod(owner, "c"), status=PodStatus("Running")), pod(owner, "d", index=7)
    assert sorted(deleted(sync(owner, one, other, lost, far))) == ["b", "c", "d"]


def test_an_index_is_tried_anew_until_its_own_limit_and_takes_its_failures_along() -> None:
    owner = job(completionMode="Indexed", completions=2, parallelism=2, backoffLimitPerIndex=1)
    first = pod(owner, "a", "Failed", index=0, notes={indexes.FAILURES: "0"})
    other = pod(owner, "b", index=1)
    requests = sync(owner, first, other)
    assert [one.metadata.annotations[indexes.FAILURES] for one in made(requests)] == ["1"]
    assert freed(requests) == []  # It keeps its finalizer until the next one has taken its count.
    again = pod(owner, "c", index=0, notes={indexes.FAILURES: "1"})
    assert freed(sync(owner, first, other, again)) == ["a"]
    last = evolve(again, status=PodStatus("Failed"))
    end = statuses(sync(owner, last, evolve(other, status=PodStatus("Succeeded"))))[-1]
    assert (end.failed_indexes, end.completed_indexes, said(end)[-1]) == ("0", "1", ("Failed", "FailedIndexes"))


def test_too_many_failed_indexes_end_a_job() -> None:
    spec = {"completions": 4, "parallelism": 4, "backoffLimitPerIndex": 0, "maxFailedIndexes": 1}
    owner = job(completionMode="Indexed", **spec)
    end = statuses(sync(owner, *(pod(owner, f"p{index}", "Failed", index=index) for index in (0, 1))))[-1]
    assert said(end)[-1] == ("Failed", "MaxFailedIndexesExceeded")


@pytest.mark.parametrize(
    ("rule", "done", "met"),
    [
        ({"succeededIndexes": "0"}, [0], True),
        ({"succeededIndexes": "0,2"}, [0], False),
        ({"succeededIndexes": "0-2", "succeededCount": 2}, [0, 2], True),
        ({"succeededIndexes": "0-2", "succeededCount": 2}, [0, 3], False),
        ({"succeededCount": 1}, [3], True),
        ({"succeededCount": 1}, [], False),
    ],
)
def test_a_success_policy_says_what_is_enough(rule: dict[str, Any], done: list[int], *, met: bool) -> None:
    spec = {"completions": 4, "parallelism": 4, "successPolicy": {"rules": [rule]}}
    owner = job(completionMode="Indexed", **spec)
    pods = [pod(owner, f"p{index}", "Succeeded" if index in done else "Running", index=index) for index in range(4)]
    requests = sync(owner, *pods)
    assert (("SuccessCriteriaMet", "SuccessPolicy") in said(statuses(requests)[-1])) is met
    assert bool(deleted(requests)) is met


# --- whose ------------------------------------------------------------------------------------------------------------


def test_an_orphan_that_it_selects_is_adopted_with_a_finalizer_and_a_stray_is_released() -> None:
    owner = job(parallelism=2, completions=2)
    orphan = pod(owner, "a", counted=True)
    orphan = evolve(orphan, metadata=evolve(orphan.metadata, owner_references=()))
    stray = pod(owner, "b")
    stray = evolve(stray, metadata=evolve(stray.metadata, labels=strings({"x": "y"})))
    releases, asks, adopts = sync(owner, orphan, stray)[:3]
    assert asks == Recheck(ref_of(owner), "u1")
    assert isinstance(adopts, PatchMetadata)
    assert (adopts.add_owner, adopts.add_finalizers) == (controller_of(owner), (TRACKING,))
    assert isinstance(releases, PatchMetadata)
    assert releases.remove_owners == ("u1",)


@pytest.mark.parametrize(("there", "over", "goes"), [(True, False, False), (True, True, True), (False, False, True)])
def test_a_pod_whom_no_job_will_count_any_more_is_let_go(*, there: bool, over: bool, goes: bool) -> None:
    owner = job(JobStatus(conditions=(JobCondition("Failed", "True"),)) if over else None)
    one = pod(owner, "a")
    assert bool(orphaned(Cache.of([one, *([owner] if there else [])]), ref_of(one))) is goes


def test_a_pod_of_something_that_is_no_job_keeps_its_finalizer() -> None:
    one = pod(job(), "a")
    other = evolve(controller_of(job()), kind="Workflow")
    strange = evolve(one, metadata=evolve(one.metadata, owner_references=(other,)))
    assert orphaned(Cache.of([strange]), ref_of(strange)) == ()
    bare = evolve(one, metadata=evolve(one.metadata, owner_references=()))
    assert freed(orphaned(Cache.of([bare]), ref_of(bare))) == ["a"]


def test_a_uid_becomes_the_value_of_a_label_whatever_it_looks_like() -> None:
    assert as_label("57401237-6c40-40cb-9f32-3027ade4bb79") == "57401237-6c40-40cb-9f32-3027ade4bb79"
    assert as_label("Job/d/j") != as_label("Job/d/k")
    assert "/" not in as_label("Job/d/j")


def test_what_is_kept_coarsely_is_what_a_job_goes_by() -> None:
    plain, patient = job(), job(restarts="OnFailure")
    restarted = pod(plain, "a", restarts=3)
    kept = [coarse(one, restarted) for one in (plain, patient)]
    counts = [one.status.container_statuses for one in kept if isinstance(one, Pod)]
    assert [[one.restart_count for one in some] for some in counts] == [[], [3]]
    assert coarse(plain, evolve(plain, metadata=ObjectMeta(name="x"))) is None


# --- recorded runs ----------------------------------------------------------------------------------------------------

RUNS = sorted((VECTORS / "controller").glob("job-*.json.xz"))


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name.partition(".")[0])
def test_every_recorded_run_is_ours(path: Any) -> None:
    record = json.loads(lzma.decompress(path.read_bytes()))
    assert oracle.judge(record) is None


def test_a_run_that_is_not_ours_is_told() -> None:
    record = json.loads(lzma.decompress((VECTORS / "controller" / "job-simple.json.xz").read_bytes()))
    for event in record["events"]:
        if event["object"]["kind"] == "Job":
            status = event["object"]["status"]
            status["succeeded"] = 2 * status.get("succeeded", 0)
    found = oracle.judge(record)
    assert found is not None
    assert "Job" in found.real


def test_there_are_runs_of_every_kind() -> None:
    assert len(RUNS) == 10
    assert immutabledict(TRANSFORM).keys() == {"Job", "Pod"}
