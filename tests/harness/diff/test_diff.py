"""Two sides compared: each change of verdict is named, the exit code says it, and the first step at which they part."""

from __future__ import annotations

import json
import re
import shlex
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml
from immutabledict import immutabledict

from kubeproof.harness import cli
from kubeproof.harness.diff.compare import Turn, turn_of
from kubeproof.harness.diff.parting import NO_WORDS, Parting, alike, apart, parting
from kubeproof.harness.zoo.folders import FAILURES
from kubeproof.model.checker.results import Status
from kubeproof.model.machine import Action, Machine, Outcome, View
from kubeproof.traces.document import Document, Inputs, Moment
from places import EXAMPLES, ROOT

EXAMPLE = str(EXAMPLES / "room-for-one")
HOLDS, VIOLATED, UNKNOWN = Status.HOLDS, Status.VIOLATED, Status.UNKNOWN


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(["diff", *arguments, "--no-cache", "--jobs", "1"])
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


# --- two releases ---------------------------------------------------------------------------------------------------


def test_a_placement_that_holds_up_to_1_35_and_not_in_1_36_is_told_with_the_step_and_the_change(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said, _ = run(capsys, EXAMPLE, "--release", "1.32", "--release", "1.36", "--why")
    assert code == 1
    lines = said.splitlines()
    assert lines[0] == "Kubernetes 1.32  ->  Kubernetes 1.36"
    assert lines[2] == "WORSE: convergence; the same: placement, reachability"
    (at,) = (number for number, one in enumerate(lines) if "without this it would not be" in one)
    assert "NodeResourcesBalancedAllocation scores by how much a Pod improves" in lines[at]
    assert lines[at + 1].endswith("kubernetes#135573; balanceScore: before-1.36)")
    (at,) = (number for number, one in enumerate(lines) if one.startswith("    > "))
    assert "binds Pod small-" in lines[at]
    assert lines[at].endswith("to little")
    assert lines[at + 1].strip() == "here they part: Kubernetes 1.32 cannot do this, but"
    assert lines[at + 2].strip().startswith("scheduler: binds Pod small-")
    assert lines[at + 2].endswith("to big")


def test_the_readme_shows_what_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shown = (ROOT / "README.md").read_text().partition("    $ kubeproof diff ")[2].splitlines()
    told = [line[4:] for line in takewhile(lambda one: not one or one.startswith("    "), shown[1:]) if line.strip()]
    said = run(capsys, *shlex.split(shown[0]))[1].splitlines()
    assert [line for line in told if line != "..." and line not in said] == []
    assert len(told) > 8


def test_nothing_is_worse_up_to_1_35(capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = run(capsys, EXAMPLE, "--release", "1.32", "--release", "1.35")
    assert code == 0
    assert "the same: convergence, placement, reachability" in said


def test_the_change_by_itself_makes_the_difference_and_json_has_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = run(capsys, EXAMPLE, "--switch", "balanceScore=before-1.36", "--json")
    assert code == 1
    told: Any = json.loads(said)
    assert told["verdict"] == "worse"
    assert told["first"]["name"] == "as it is, balanceScore: before-1.36"
    (worse,) = (one for one in told["claims"] if one["turn"] == "worse")
    assert (worse["claim"], worse["before"], worse["after"]) == ("convergence", "HOLDS", "VIOLATED")
    parts = worse["run"]["parts"]
    assert worse["run"]["steps"][parts["step"] - 1] == parts["says"]
    assert "binds Pod small-" in parts["instead"][0]
    assert told["second"]["report"]["release"] == "1.36"


# --- failures that a release repaired -------------------------------------------------------------------------------

REPAIRED = [
    ("slice-forgotten-by-its-controller", "convergence", "endpointslice-controller web: sees Service"),
    ("room-reported-free-too-early", "convergence", "report the end early (first)"),
    ("evicted-pods-come-back-first", "priority", "scheduler: binds Pod web-6dcf79bb6c-p0 to node-1"),
]


@pytest.mark.parametrize(("name", "claim", "step"), REPAIRED, ids=[one[0] for one in REPAIRED])
def test_what_a_release_repaired_is_better_and_the_way_back_is_worse(
    name: str, claim: str, step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    faulty, repaired = (str(FAILURES / name / side) for side in ("faulty", "repaired"))
    for sides, expected, turn in (((faulty, repaired), 0, "better"), ((repaired, faulty), 1, "worse")):
        code, said, _ = run(capsys, *sides, "--json")
        told = json.loads(said)
        assert (code, told["verdict"]) == (expected, turn)
        (found,) = (one for one in told["claims"] if one["claim"] == claim)
        assert found["turn"] == turn
        assert found["run"]["of"] == "faulty"
        assert step in found["run"]["parts"]["says"]


def test_a_failure_of_once_is_a_switch_away(capsys: pytest.CaptureFixture[str]) -> None:
    repaired = str(FAILURES / "room-reported-free-too-early" / "repaired")
    code, said, _ = run(capsys, repaired, "--switch", "podStatus=before-1.27")
    assert code == 0
    assert said.splitlines()[0] == "as it is, podStatus: before-1.27  ->  as it is"
    assert "better: convergence" in said


TOLD = re.findall(
    r"^\| `([\w-]+)` \(.*?\) \| [\d.]+ \| `diff (.*?)` \|", (ROOT / "README.md").read_text(), re.MULTILINE
)


@pytest.mark.parametrize(("name", "words"), TOLD, ids=[name for name, _ in TOLD])
def test_what_the_readme_says_a_release_repaired_is_better(
    name: str, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FAILURES / name)
    code, said, _ = run(capsys, *words.split())
    claim = yaml.safe_load((FAILURES / name / "failure.yaml").read_text())["claim"]
    assert code == 0
    assert re.search(rf"^better: .*\b{claim}\b", said, re.MULTILINE)
    assert re.search(rf"^{claim} +VIOLATED -> HOLDS", said, re.MULTILINE)
    assert "here they part" in said


def test_the_readme_has_failures_of_switches_and_of_releases() -> None:
    assert len(TOLD) >= 5
    assert {word for _, words in TOLD for word in words.split() if word.startswith("--")} == {"--release", "--switch"}


# --- two revisions --------------------------------------------------------------------------------------------------

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  containers: [{{name: app, image: "nginx:1.28", resources: {{requests: {{cpu: {cpu}}}}}}}]
---
apiVersion: v1
kind: Node
metadata: {{name: node-1}}
status:
  allocatable: {{cpu: "2", memory: 4Gi, pods: "110"}}
"""


def revision(folder: Path, name: str, cpu: int, scenario: str = "start: empty\n") -> str:
    there = folder / name
    there.mkdir()
    (there / "web.yaml").write_text(POD.format(cpu=cpu))
    (there / "scenario.yaml").write_text(scenario)
    return str(there)


def test_a_revision_that_asks_for_too_much_is_worse_and_one_that_does_not_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, same = revision(tmp_path, "old", 1), revision(tmp_path, "new", 3), revision(tmp_path, "same", 2)
    code, said, _ = run(capsys, old, new)
    assert code == 1
    assert said.splitlines()[2] == "WORSE: convergence; the same: placement, reachability"
    assert "old can do all of this, and then" in said
    assert "scheduler: binds Pod web to node-1" in said
    code, said, _ = run(capsys, new, old)
    assert code == 0
    assert "better: convergence" in said
    assert run(capsys, old, same)[0] == 0


def test_what_is_not_known_any_more_has_a_code_of_its_own_and_unknown_twice_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = revision(tmp_path, "old", 1)
    new = revision(tmp_path, "new", 1)
    owner = "{apiVersion: example.com/v1, kind: Oddity, name: odd, uid: u1, controller: true}"
    meta, spec = f"{{name: odd, ownerReferences: [{owner}]}}", "{containers: [{name: a, image: a}]}"
    (Path(new) / "odd.yaml").write_text(f"apiVersion: v1\nkind: Pod\nmetadata: {meta}\nspec: {spec}\n")
    code, said, _ = run(capsys, old, new)
    assert code == 3
    assert "NOT KNOWN any more: convergence" in said
    code, said, _ = run(capsys, new, new)
    assert code == 0
    assert "not compared, for UNKNOWN on both sides: convergence" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((EXAMPLE,), "name two releases"),
        ((EXAMPLE, "--release", "1.32"), "name two releases"),
        ((EXAMPLE, "--release", "1.32", "--release", "1.33", "--release", "1.34"), "two releases to compare"),
        ((EXAMPLE, "--release", "1.12", "--release", "1.36"), "release '1.12' is not modelled"),
        ((EXAMPLE, "--switch", "balanceScore"), "expected KEY=VALUE, got 'balanceScore'"),
        ((EXAMPLE, "--switch", "balanceScore=after-1.36"), "'after-1.36' is not known of balanceScore"),
        ((EXAMPLE, "--switch", "balanceScore=before-1.36", "--why"), "--why needs two releases"),
        ((EXAMPLE, str(EXAMPLES / "nowhere")), "nowhere"),
    ],
)
def test_bad_input_is_told_and_ends_with_2(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, error = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert said in error
    assert "Traceback" not in error


# --- the parts ------------------------------------------------------------------------------------------------------

TURNS = {
    (HOLDS, HOLDS): Turn.SAME,
    (HOLDS, VIOLATED): Turn.WORSE,
    (HOLDS, UNKNOWN): Turn.OPEN,
    (HOLDS, None): Turn.GONE,
    (UNKNOWN, HOLDS): Turn.BETTER,
    (UNKNOWN, VIOLATED): Turn.WORSE,
    (UNKNOWN, UNKNOWN): Turn.SAME,
    (UNKNOWN, None): Turn.GONE,
    (VIOLATED, HOLDS): Turn.BETTER,
    (VIOLATED, UNKNOWN): Turn.OPEN,
    (VIOLATED, VIOLATED): Turn.SAME,
    (VIOLATED, None): Turn.GONE,
    (None, HOLDS): Turn.SAME,
    (None, VIOLATED): Turn.WORSE,
    (None, UNKNOWN): Turn.OPEN,
}


def test_every_change_of_a_verdict_has_its_name() -> None:
    assert {pair: turn_of(*pair) for pair in TURNS} == TURNS


def test_hashes_stand_for_each_other_in_a_whole_run() -> None:
    old, new = "creates ReplicaSet web-6477c4d4f", "creates ReplicaSet web-7f99dd7c88"
    words = alike(old, new, NO_WORDS)
    assert words == {"6477c4d4f": "7f99dd7c88"}
    assert alike(f"{old}-p0", f"{new}-p0", words) == words
    assert alike(f"{old}-p0", f"{new}-p1", words) is None
    assert alike(old, "creates ReplicaSet web-5d4f8c7b9", words) is None
    assert alike("creates ReplicaSet web-5d4f8c7b9", new, words) is None, "two hashes are not one"
    assert alike("binds web to node-1", "binds web to node-2", NO_WORDS) is None


def document(*labels: str) -> Document:
    steps = tuple(Moment("clerk", label, "") for label in labels)
    return Document("check", "", Inputs(), "", steps)


def counting(*ends: str) -> Machine:
    """Count to one, then end in one of these ways."""

    def act(view: View) -> Any:
        if view["count"] == 0:
            yield Outcome("counts", {"count": 1})
            yield Outcome("counts", {"count": 2})
        elif view["count"] == 2:
            yield from (Outcome(end, {"count": 3}) for end in ends)

    return Machine(({"count": 0},), (Action("clerk", "clerk", act),))


def test_all_states_that_are_called_alike_are_followed() -> None:
    machine = counting("rests", "sleeps")
    assert parting(document("counts", "rests"), machine) == Parting(3, "", ())
    assert parting(document("counts"), machine) == Parting(2, "", ("clerk: rests", "clerk: sleeps"))
    assert parting(document("counts", "runs"), machine) == Parting(2, "clerk: runs", ("clerk: rests", "clerk: sleeps"))
    assert parting(document("runs"), machine) == Parting(1, "clerk: runs", ("clerk: counts",))


def test_two_runs_part_at_their_first_difference() -> None:
    one = document("counts", "rests")
    assert apart(one, one) is None
    assert apart(one, document("counts", "sleeps")) == Parting(2, "clerk: rests", ("clerk: sleeps",))
    assert apart(one, document("counts")) == Parting(2, "clerk: rests", ())
    assert apart(document("counts"), one) == Parting(2, "", ("clerk: rests",))
    assert immutabledict() == NO_WORDS
