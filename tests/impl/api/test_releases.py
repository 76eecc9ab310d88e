"""What differs between releases is what their switches name, and each switch was seen in what 1.36.2 decided."""

from __future__ import annotations

from functools import cache, partial
from itertools import pairwise
from typing import Any

import pytest

import agreement
from kubeproof.impl.api.releases import NEWEST, OLDEST, RELEASES, Change, Release
from places import ROOT as ROOT_OF_ALL
from places import VECTORS

ROOT = VECTORS / "1.36"
RECORDED = {
    "ONE_PATH_OF_INIT": "kubelet/pod_actions",
    **dict.fromkeys(("FIELDS_OF_1_34", "SCHEDULING_GROUP_FIELD"), "misc/pod_template_hash"),
    **dict.fromkeys(("STARTED_COUNTS", "RESTART_RULES"), "kubelet/phase"),
    "LABEL_KEY_WORDS": "misc/label_selector",
    **dict.fromkeys(
        ("VALUES_AS_JSON", "STATEFULSET_TEMPLATES", "PLAIN_SERVICE_NAMES", "AUTOSCALED_GROUP", "AUTOSCALER_WORDS"),
        "apiserver/validation",
    ),
    "POD_RESOURCES": "apiserver/validation",
    **dict.fromkeys(("OWNER_WORDS", "PROC_MOUNT", "TOLERATION_WORDS"), "apiserver/admission"),
    "CLASS_WORDS": "apiserver/patches",
    "EVERYWHERE_UNRESTRICTED": "proxy/iptables",
    "LIVING_ENDPOINT_COUNTS": "proxy/iptables",
    "BEST_EFFORT_UNRANKED": "scheduler/images",
    "BALANCE_GAINED": "scheduler/images",
    "TOO_LARGE_UNRESOLVABLE": "scheduler/resources",
    "TAINTS_UNNAMED": "scheduler/taints",
    "LEAVING_VICTIMS_KEPT": "scheduler/preempt",
    **dict.fromkeys(("VOLUME_AFFINITY_WORDS", "CLAIM_IN_USE_WORDS", "DYNAMIC_RESOURCES"), "scheduler/volumes"),
}
"""A file in which each change is seen. No template there has hooks, and WORKLOAD_FIELD is replaced by 1.36."""


@cache
def records(name: str) -> tuple[dict[str, Any], ...]:
    return tuple(agreement.records(ROOT / f"{name}.jsonl.xz"))


@cache
def disagreeing(name: str, release: Release) -> int:
    judge = agreement.judge_for(name, release=release)
    assert judge is not None
    return sum(judge(one) is not None for one in records(name))


ALIKE = "apiserver/objects"
"""Answers of 1.36.2 that 1.32 gives, too."""
SOME = "apiserver/admission"
"""Answers of both kinds, some of which are not given yet (impl/apiserver/admission/test_recorded says how many)."""
FILES = [name for name, _ in agreement.files(ROOT, ()) if name not in {ALIKE, SOME}]


@pytest.mark.parametrize("name", FILES)
def test_every_recorded_decision_of_1_36_is_reproduced_and_none_of_them_is_one_of_1_32(name: str) -> None:
    assert records(name)
    assert disagreeing(name, NEWEST) == 0
    assert disagreeing(name, OLDEST) == len(records(name))


def test_what_both_releases_answer_alike_is_answered_so() -> None:
    assert records(ALIKE)
    assert disagreeing(ALIKE, NEWEST) == disagreeing(ALIKE, OLDEST) == 0


def test_a_folder_called_like_a_release_is_judged_by_it() -> None:
    judge = agreement.judge_for("1.36/scheduler/images")
    assert isinstance(judge, partial)
    assert judge.args == (NEWEST,)


@pytest.mark.parametrize("change", [one for one in Change if one.name in RECORDED], ids=lambda one: one.key)
def test_without_one_change_1_36_decides_otherwise_than_recorded(change: Change) -> None:
    name = RECORDED[change.name]
    assert disagreeing(name, NEWEST.with_change(change, done=False)) > disagreeing(name, NEWEST)


ELSEWHERE = {
    "WORKLOAD_FIELD",
    "STOP_SIGNAL_FIELD",
    "NOMINATION_ENDS_SEEN",
    "OWN_PODS_SEEN",
    "OWN_JOB_SEEN",
    "OWN_WRITES_AWAITED",
    "OWN_TOLERANCE",
    "NO_SLEEP_AT_ALL",
    "SAME_ZONE_OR_NODE",
}
"""What is tested elsewhere: two fields of templates (test_template_hash), the queue, StatefulSets, Jobs, who waits for
its Pods (the failure expectations-that-expire), and autoscalers (test_metrics), and what
validation allows by now (test_lifted)."""


def test_every_other_change_is_recorded() -> None:
    assert {one.name for one in Change} - RECORDED.keys() == ELSEWHERE


def test_the_page_lists_every_change_as_the_code_has_it() -> None:
    """docs/releases.md."""
    rows = [
        f"| `{one.key}` | {one.since} | {one.told} | {one.source} |"
        for one in sorted(Change, key=lambda one: (one.since, one.key))
    ]
    page = (ROOT_OF_ALL / "docs" / "releases.md").read_text(encoding="utf-8").splitlines()
    first = page.index("| switch | since | what | source |") + 2
    assert page[first : first + len(rows)] == rows
    assert page[first + len(rows)] == ""


def test_a_release_has_all_changes_up_to_it_and_no_other() -> None:
    assert list(RELEASES) == ["1.32", "1.33", "1.34", "1.35", "1.36"]
    assert (OLDEST.changes, NEWEST.changes) == (frozenset(), frozenset(Change))
    for older, newer in pairwise(RELEASES.values()):
        assert newer.changes - older.changes == {one for one in Change if one.since == newer.name}
        assert older.changes < newer.changes


def test_switches_have_names_of_their_own_and_can_be_taken_back() -> None:
    assert len({one.key for one in Change}) == len(Change)
    change = Change.BALANCE_GAINED
    assert (change.before, change.after) == ("before-1.36", "since-1.36")
    without = NEWEST.with_change(change, done=False)
    assert change in NEWEST
    assert change not in without
    assert without.with_change(change, done=True) == NEWEST
    assert str(without) == "1.36"
