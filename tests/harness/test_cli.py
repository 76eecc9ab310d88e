"""The command line says what was found, exits with the code that says it, and never ends in a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from kubeproof.harness import cli
from kubeproof.harness.check import check as checking
from kubeproof.harness.check.results import Claim, Report
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.islands import check as islands
from kubeproof.harness.progress import Line, line, remaining
from kubeproof.harness.world.applied import Refused
from kubeproof.impl.api.requests import Response
from kubeproof.model.checker import Limits, explore
from kubeproof.model.checker.results import Progress, Status
from kubeproof.model.machine import Action, Invariant, Machine, Outcome, View
from kubeproof.traces.document import Document, Inputs
from kubeproof.traces.files import read, write
from places import LISTENING

MANIFESTS = """\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers: [{name: app, image: "nginx:1.28"}]
---
apiVersion: v1
kind: Node
metadata: {name: node-1}
status:
  capacity: {cpu: "2", memory: 4Gi, pods: "110"}
"""


def machine(scenario: Scenario, kind: str = "") -> Machine:
    """Count up to the number of nodes: a stand-in for a cluster that every machine's checker can explore."""
    assert kind in {"", "invariant"}
    top = sum(type(one).__name__ == "Node" for one in scenario.objects)

    def up(view: View) -> Iterator[Outcome]:
        if view["count"] < top:
            yield Outcome(f"to {view['count'] + 1}", {"count": view["count"] + 1})

    return Machine(({"count": 0},), (Action("counter", "counter", up),))


def check(
    scenario: Scenario,
    *,
    limits: Limits | None = None,
    progress: Any = None,
    reductions: bool = True,
    symmetry: bool = True,
    search: Any = explore,
    alone: Any = None,
    prepared: Any = None,
    only: str = "",
) -> Report:
    """Explore the stand-in: two nodes are one too many for the claim."""
    assert not only
    assert reductions
    assert symmetry
    assert prepared is None
    assert alone is not None

    def small(view: View) -> Iterator[str]:
        if view["count"] > 1:
            yield f"the count is {view['count']}"

    claim = Invariant("convergence", "The count stays small.", small)
    found = search(machine(scenario), (claim,), limits=limits or Limits(), progress=progress)
    verdict = found["convergence"]
    lines = verdict.evidence or ((verdict.reason,) if verdict.reason else ())
    return Report(
        scenario=scenario,
        claims=(
            Claim(
                name=verdict.name,
                sentence=claim.doc,
                status=verdict.status,
                kind=verdict.kind,
                lines=lines,
                trace=verdict.trace,
                vacuous=verdict.vacuous,
            ),
        ),
        bounds=("no more than a few nodes",),
        not_modelled=("the rest of the world",),
        states=found.states,
        transitions=found.transitions,
        depth=found.depth,
        seconds=found.seconds,
        complete=found.complete,
        exploration=found,
    )


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the command line on the stand-in, in a folder of its own with web.yaml: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(checking, "check", check)
    monkeypatch.setattr(checking, "machine_for", machine)
    (tmp_path / "web.yaml").write_text(MANIFESTS)

    def runner(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(arguments))
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(ended.value.code or 0), out, err

    return runner


Run = Callable[..., tuple[int, str, str]]


def test_what_holds_is_said_and_exits_with_0(run: Run) -> None:
    code, out, err = run("check", "web.yaml")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "web"
    assert lines[2] == "HOLDS: convergence"
    assert lines[4] == "convergence    HOLDS     The count stays small."
    assert "Within these bounds:\n  - no more than a few nodes\n" in out
    assert "Not modelled:\n  - the rest of the world\n" in out
    assert lines[-1].startswith("Kubernetes 1.36: 2 states, 1 transitions, depth 1, ")


def test_what_is_violated_is_shown_step_by_step_with_a_trace_that_replays(run: Run) -> None:
    code, out, _ = run("check", "web.yaml", "--nodes", "3")
    assert code == 1
    assert "convergence    VIOLATED  The count stays small.\n    invariant: the count is 2\n" in out
    assert "    1. counter: to 1\n    2. counter: to 2\n" in out
    path = ".kubeproof/traces/web-convergence.json"
    assert f"trace written to {path}, replay it with: kubeproof replay {path}" in out
    assert run("replay", path) == (0, f"{path}: replayed, 2 steps, every state as recorded\n", "")
    shown = run("show", path)[1]
    assert "convergence VIOLATED (invariant): The count stays small." in shown
    assert "| count: 1 -> 2" in shown
    assert "| count" not in run("show", "--brief", path)[1]
    said = run("show", path, "--html", "out.html")[1]
    assert said == "page written to out.html, open it in a browser; it needs nothing beside it\n"
    assert "The count stays small." in Path("out.html").read_text(encoding="utf-8")


def test_a_trace_holds_everything_that_its_replay_needs(run: Run, tmp_path: Path) -> None:
    run("check", "web.yaml", "--nodes", "3", "--fault", "crash=2", "--propagation", "5s")
    (tmp_path / "web.yaml").unlink()
    document = read(tmp_path / ".kubeproof" / "traces" / "web-convergence.json")
    assert document.inputs.files == {"web.yaml": MANIFESTS}
    given = {"nodes": 3, "faults": {"crash": 2}, "bounds": {"propagation": "5s"}}
    assert document.inputs.options == given | {"release": "1.36"}
    assert run("replay", ".kubeproof/traces/web-convergence.json")[0] == 0


def test_a_trace_that_no_longer_replays_says_where_and_exits_with_1(run: Run, tmp_path: Path) -> None:
    run("check", "web.yaml", "--nodes", "3")
    path = tmp_path / ".kubeproof" / "traces" / "web-convergence.json"
    path.write_text(path.read_text().replace('"label": "to 2"', '"label": "to 7"'))
    code, out, _ = run("replay", str(path))
    assert code == 1
    assert "step 2 is no longer possible: counter: to 7\n  possible instead:\n    counter: to 2" in out


def test_a_limit_makes_it_unknown_and_exits_with_3(run: Run) -> None:
    code, out, _ = run("check", "web.yaml", "--max-states", "1")
    assert code == 3
    assert "convergence    UNKNOWN" in out
    assert "the limit of 1 states was hit" in out
    assert ", INCOMPLETE\nNext: what was decided stays decided; --checkpoint FILE keeps a search for --resume\n" in out
    assert "\n      or ask less: " in out


def test_quiet_prints_the_verdicts_only(run: Run) -> None:
    assert run("check", "web.yaml", "--quiet") == (0, "convergence    HOLDS\n", "")


def test_json_says_the_same_to_programs(run: Run) -> None:
    code, out, _ = run("check", "web.yaml", "--nodes", "2", "--json", "--trace-dir", "kept")
    found = json.loads(out)
    assert code == 1
    assert found["verdict"] == "VIOLATED"
    assert found["claims"] == [
        {
            "claim": "convergence",
            "sentence": "The count stays small.",
            "verdict": "VIOLATED",
            "kind": "invariant",
            "lines": ["the count is 2"],
            "blame": [],
            "vacuous": False,
            "expected": None,
            "trace": "kept/web-convergence.json",
        }
    ]
    assert found["notModelled"] == ["the rest of the world"]


@pytest.mark.parametrize(
    ("expect", "code", "said"),
    [("VIOLATED", 0, "[as expected]"), ("HOLDS", 1, "[expected HOLDS]"), ("UNKNOWN", 1, "[expected UNKNOWN]")],
)
def test_with_expect_the_exit_code_says_whether_it_came_as_expected(
    run: Run, tmp_path: Path, expect: str, code: int, said: str
) -> None:
    (tmp_path / "scenario.yaml").write_text(f"title: Two nodes\nnodes: 2\nexpect: {{convergence: {expect}}}\n")
    found, out, _ = run("check", ".", "--expect")
    assert found == code
    assert out.startswith("Two nodes\n")
    assert said in out
    assert run("check", ".")[0] == 1


def test_a_claim_that_was_expected_but_never_judged_is_not_as_expected(run: Run, tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text("expect: {budget: HOLDS}\n")
    code, out, _ = run("check", ".", "--expect")
    assert code == 1
    assert "\nbudget         not judged: nothing here could break it [expected HOLDS]\n" in out
    assert run("check", ".")[0] == 0


def test_a_claim_that_nobody_expects_anything_of_is_expected_to_hold(run: Run) -> None:
    assert run("check", "web.yaml", "--expect")[0] == 0
    assert run("check", "web.yaml", "--expect", "--nodes", "2")[0] == 1


def test_a_vacuous_claim_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def vacuous(scenario: Scenario, **options: Any) -> Report:
        report = check(scenario, **options)
        return evolve(report, claims=tuple(evolve(claim, vacuous=True) for claim in report.claims))

    monkeypatch.setattr(checking, "check", vacuous)
    assert "vacuous: what it speaks of never occurred" in run("check", "web.yaml")[1]


def test_several_paths_make_one_cluster(run: Run, tmp_path: Path) -> None:
    pod, node = MANIFESTS.split("---\n")
    (tmp_path / "pod.yaml").write_text(pod)
    (tmp_path / "nodes.yaml").write_text(node + "---\n" + node.replace("node-1", "node-2"))
    assert run("check", "pod.yaml", "nodes.yaml")[0] == 1


def test_manifests_are_named_as_for_kubectl(run: Run, tmp_path: Path) -> None:
    pod, node = MANIFESTS.split("---\n")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "pod.yaml").write_text(pod)
    (tmp_path / "deep" / "er" / "nodes.yaml").write_text(node + "---\n" + node.replace("node-1", "node-2"))
    assert run("check", "-f", "pod.yaml", "-f", "deep/er/nodes.yaml")[0] == 1
    assert run("check", "-f", "pod.yaml", "-f", "deep", "-R")[0] == 1
    code, _, err = run("check", "-f", "pod.yaml", "-f", "deep")
    assert (code, "deep: the folder has no manifests" in err, "-R goes there" in err) == (2, True, True)


def test_nodes_are_a_number_or_a_file_for_every_command(run: Run, tmp_path: Path) -> None:
    pod, node = MANIFESTS.split("---\n")
    (tmp_path / "pod.yaml").write_text(pod)
    (tmp_path / "nodes.yaml").write_text(node + "---\n" + node.replace("node-1", "node-2"))
    assert run("check", "pod.yaml", "--nodes", "nodes.yaml")[0] == 1
    assert run("check", "pod.yaml", "--nodes", "1")[0] == 0
    for given in ("nodes.yaml", "2"):
        code, out, _ = run("place", "pod.yaml", "--nodes", given)
        assert (code, "node-2" in out) == (0, True)
        code, out, _ = run("run", "web", "--image", "nginx:1", "--nodes", given)
        assert (code, "node-2" in out, "node-3" in out) == (0, True, False)


def test_a_namespace_is_given_to_what_names_none(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Scenario] = []

    def noted(scenario: Scenario, **options: Any) -> Report:
        asked.append(scenario)
        return check(scenario, **options)

    monkeypatch.setattr(checking, "check", noted)
    run("check", "web.yaml", "-n", "shop")
    assert {one.metadata.namespace for one in asked[0].objects} == {"shop", ""}


def test_added_nodes_have_the_capacity_asked_for_and_what_a_kubelet_reports(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Scenario] = []

    def noted(scenario: Scenario, **options: Any) -> Report:
        asked.append(scenario)
        return check(scenario, **options)

    monkeypatch.setattr(checking, "check", noted)
    run("check", "web.yaml", "--nodes", "2", "--node-capacity", "cpu=8,nvidia.com/gpu=1")
    (node,) = (one for one in asked[0].objects if one.metadata.name == "node-2")
    has = {name: str(amount) for name, amount in node.status.allocatable.items()}
    assert has == {
        "cpu": "8",
        "ephemeral-storage": "100Gi",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": "8Gi",
        "nvidia.com/gpu": "1",
        "pods": "110",
    }
    assert {one.type: one.status for one in node.status.conditions} == {
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "PIDPressure": "False",
        "Ready": "True",
    }
    assert node.metadata.labels["beta.kubernetes.io/os"] == node.metadata.labels["kubernetes.io/os"] == "linux"
    assert [one.metadata.name for one in asked[0].objects if type(one).__name__ == "StorageClass"] == ["standard"]


def test_two_scenarios_of_one_name_keep_their_traces_and_a_rerun_finds_its_own(run: Run, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "web.yaml").write_text(MANIFESTS)
    traces = tmp_path / ".kubeproof" / "traces"
    run("check", "a/web.yaml", "--nodes", "2")
    run("check", "b/web.yaml", "--nodes", "2")
    assert sorted(path.name for path in traces.iterdir()) == ["web-convergence-2.json", "web-convergence.json"]
    (tmp_path / "b" / "web.yaml").write_text(MANIFESTS + "# changed\n")
    run("check", "b/web.yaml", "--nodes", "2")
    assert len(list(traces.iterdir())) == 2
    assert "# changed" in read(traces / "web-convergence-2.json").inputs.files["b/web.yaml"]
    assert list(read(traces / "web-convergence.json").inputs.files) == ["a/web.yaml"]


def test_a_file_that_is_no_trace_is_never_written_over(run: Run, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "web-convergence.json").write_text("mine")
    run("check", "web.yaml", "--nodes", "2", "--trace-dir", "kept")
    assert (tmp_path / "kept" / "web-convergence.json").read_text() == "mine"
    assert read(tmp_path / "kept" / "web-convergence-2.json").claim == "convergence"


def test_what_nobody_foresaw_is_a_defect_with_a_report_and_a_code_of_its_own(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> Report:
        raise ZeroDivisionError("of all things\non two lines")

    monkeypatch.setattr(checking, "check", broken)
    code, out, err = run("check", "web.yaml")
    assert (code, out, len(err.splitlines())) == (70, "", 1)
    assert "a defect of kubeproof, nothing is known of your input: ZeroDivisionError: of all things on two lines" in err
    (path,) = (tmp_path / ".kubeproof").glob("crash-*.txt")
    assert err.endswith(f"the full report is in .kubeproof/{path.name}\n")
    written = path.read_text()
    assert "Traceback" in written
    assert "arguments: ['check', 'web.yaml']" in written


def test_a_report_that_cannot_be_written_is_printed_instead(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".kubeproof").write_text("no folder")
    monkeypatch.setattr(cli, "_run", lambda _: 1 // 0)
    with pytest.raises(SystemExit) as ended:
        cli.main(["check"])
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (70, "")
    assert "Traceback" in err
    assert "a defect of kubeproof" in err.splitlines()[-1]


BAD = [
    ("a missing path", ["check", "gone.yaml"], "gone.yaml: no such file or folder"),
    ("no path", ["check"], "Missing argument"),
    ("a capacity that is none", ["check", "web.yaml", "--nodes", "1", "--node-capacity", "cpu=many"],
     "--node-capacity: expected amounts like cpu=8,memory=32Gi,pods=110, got cpu=many"),
    ("a capacity of another name", ["check", "web.yaml", "--nodes", "1", "--node-capacity", "cpu=8,mem=3Gi"],
     "--node-capacity: a node has no mem; did you mean memory?"),
    ("a capacity of nothing", ["check", "web.yaml", "--nodes", "1", "--node-capacity", "cpu"],
     "expected cpu=8,memory=32Gi, got 'cpu'"),
    ("a capacity without nodes", ["check", "web.yaml", "--node-capacity", "cpu=1"], "there are no nodes to have it"),
    ("a Service of another kind", ["reach", "web.yaml", "--service", "shop/pod/web"],
     "expected [NAMESPACE/]service/NAME"),
    ("an unknown option", ["check", "web.yaml", "--node", "3"], "No such option"),
    ("an unknown command", ["chek"], "No such command 'chek'"),
    ("a fault nobody knows", ["check", "web.yaml", "--fault", "meteor=1"],
     "--fault: meteor: unknown field 'meteor'"),
    ("a fault that is no number", ["check", "web.yaml", "--fault", "crash=often"],
     '--fault: crash: expected an integer, got "often"'),
    ("no nodes to add", ["check", "web.yaml", "--nodes", "0"], "--nodes"),
    ("less than no nodes to add", ["check", "web.yaml", "--nodes", "-1"], "expected at least 1 node, or a file"),
    ("a bad duration", ["check", "web.yaml", "--timeout", "soon"], "expected a duration in whole seconds"),
    ("a bad propagation", ["check", "web.yaml", "--propagation", "soon"], "--propagation: expected a"),
    ("a bad size", ["check", "web.yaml", "--max-memory", "much"], "expected a size like 4Gi"),
    ("an unknown consistency", ["check", "web.yaml", "--consistency", "strict"],
     "--consistency: expected one of linearizable, session, resettable"),
    ("a script that cannot be read", ["check", "web.yaml", "--script", "set-imag web a"],
     "--script: 'set-imag' is no command; did you mean set-image?"),
    ("a script that names nothing", ["check", "web.yaml", "--script", "drain node-9"],
     "--script: 'drain node-9': there is no Node 'node-9'"),
    ("a missing trace", ["replay", "gone.json"], "gone.json: cannot be read"),
    ("a trace that is none", ["show", "web.yaml"], "web.yaml: is no JSON"),
    ("a place that cannot be written", ["check", "web.yaml", "--nodes", "2", "--trace-dir", "web.yaml/x"], "web.yaml"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "said"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_input_is_told_on_stderr_and_exits_with_2(run: Run, arguments: list[str], said: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_help_teaches_by_example(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert "helm template ./chart | kubeproof check - -n prod --nodes 3" in out
    assert "0 everything holds, 1 something is violated, 2 bad input, 3 unknown" in out
    assert "--fault NAME=N" in run("check", "--help")[1]


def test_the_version_is_printed(run: Run) -> None:
    code, out, _ = run("--version")
    assert (code, out.split()[:2]) == (0, ["kubeproof,", "version"])


def test_what_the_api_server_refuses_later_is_bad_input_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(scenario: Scenario, **_: object) -> Report:
        raise Refused(scenario.objects[0], Response(403, "Forbidden", "no such priority class"))

    monkeypatch.setattr(checking, "check", refusing)
    assert run("check", "web.yaml") == (2, "", "web.yaml:1: Pod default/web: no such priority class\n")


def test_an_interrupt_before_anything_is_known_is_unknown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> Report:
        raise KeyboardInterrupt

    monkeypatch.setattr(islands, "pieces_of", interrupted)
    assert run("check", "web.yaml") == (3, "", "\nUNKNOWN: interrupted before anything was decided\n")


def kubeproof(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Start the real command in a process of its own."""
    command = [sys.executable, "-m", "kubeproof", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def test_a_reader_that_goes_away_changes_neither_verdict_nor_manners(tmp_path: Path) -> None:
    path = write(Document("check", "0.1.0", Inputs(), "", ()), tmp_path / "trace.json")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "kubeproof", "show", str(path)]
    process = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (process.returncode, process.stderr) == (0, "")


def test_standard_input_is_read_and_blamed_by_name() -> None:
    process = kubeproof("check", "-", "--nodes", "1", stdin=subprocess.PIPE)
    out, err = process.communicate("kind: Pod\n")
    assert (process.returncode, out) == (2, "")
    assert err.startswith("stdin:1: apiVersion: every object has one, this one has none")


def test_ctrl_c_while_it_waits_for_input_is_no_traceback(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "web.yaml")
    command = [sys.executable, "-c", LISTENING, "check", str(tmp_path / "web.yaml")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    # Opening the pipe returns once the command has opened its end: from then on it waits for us.
    with (tmp_path / "web.yaml").open("w"):
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 3
    assert "Traceback" not in err
    assert "UNKNOWN: interrupted" in err


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupt_while_it_is_being_imported_is_told_as_any_other(name: str, tmp_path: Path) -> None:
    half = "class Half:\n    def __del__(self): raise AttributeError\n"
    (tmp_path / "click.py").write_text(f"import os, signal\n{half}half = Half()\nos.kill(os.getpid(), signal.{name})\n")
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    process = kubeproof("check", "web.yaml", env={**os.environ, "PYTHONPATH": path})
    out, err = process.communicate()
    assert (process.returncode, out, err) == (3, "", "UNKNOWN: interrupted before anything was decided\n")


class Terminal:
    """A stream that remembers what was written."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, text: str) -> int:
        """Remember a text."""
        self.written.append(text)
        return len(text)

    def flush(self) -> None:
        """Remember that it was shown."""
        self.written.append("")


def test_the_progress_line_says_how_far_and_how_fast() -> None:
    news = Progress(states=3000, expanded=1000, transitions=9000, depth=7, seconds=2.0)
    assert line(news, None, 3 * 2**20) == "3,000 states  1,500 states/s  depth 7  frontier 2,000  3 MiB  2 s"


def test_the_rest_is_estimated_only_while_the_frontier_shrinks() -> None:
    before = Progress(states=3000, expanded=1000, transitions=0, depth=7, seconds=2.0)
    assert remaining(evolve(before, expanded=2000, seconds=4.0), before) == 2.0
    assert remaining(evolve(before, states=4000, expanded=1500, seconds=4.0), before) is None
    assert remaining(before, None) is None
    assert "about 2 s left" in line(evolve(before, expanded=2000, seconds=4.0), before, 0)


def test_the_progress_line_is_wiped_away_at_the_end() -> None:
    terminal = Terminal()
    writer = Line(terminal, lambda: 0)  # type: ignore[arg-type]
    writer.close()
    assert terminal.written == []
    writer(Progress(states=1, expanded=0, transitions=0, depth=0, seconds=0.0))
    writer.close()
    assert terminal.written[0].startswith("\r\x1b[K1 states")
    assert terminal.written[-2] == "\r\x1b[K"


def test_on_a_terminal_verdicts_have_colours(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = run("check", "web.yaml")[1]
    assert "\x1b[1;32mHOLDS\x1b[0m" in out
    assert "\x1b" not in out.splitlines()[0]


def test_the_statuses_of_the_checker_each_have_an_exit_code() -> None:
    assert {status.value for status in Status} == {"HOLDS", "VIOLATED", "UNKNOWN"}
