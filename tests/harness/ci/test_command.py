"""`kubeproof check` in a pipeline: every output at once, several paths, what is known, what ends it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import textwrap
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import pytest
import yaml

from kubeproof.harness import cli
from places import EXAMPLES, ROOT

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in a folder with two examples: exit code, stdout, stderr."""
    for name in ("deadlock", "deadlock-repaired"):
        shutil.copytree(EXAMPLES / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)

    def runner(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(arguments))
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(ended.value.code or 0), out, err

    return runner


def test_all_outputs_are_written_and_are_the_same_byte_for_byte(run: Run) -> None:
    names = ("--junit", "--sarif", "--summary")
    texts = []
    for number in (1, 2):
        files = [Path(f"{name[2:]}{number}") for name in names]
        options = [word for name, file in zip(names, files, strict=True) for word in (name, str(file))]
        code, _, _ = run("check", "deadlock", "--quiet", "--no-cache", *options)
        assert code == 1
        texts.append([file.read_bytes() for file in files])
    assert texts[0] == texts[1]
    result = json.loads(Path("sarif1").read_text(encoding="utf-8"))["runs"][0]["results"][0]
    physical = result["locations"][0]["physicalLocation"]
    line = Path(physical["artifactLocation"]["uri"]).read_text().splitlines()[physical["region"]["startLine"] - 1]
    assert result["ruleId"] == "convergence"
    assert line.strip()


def test_on_github_there_are_annotations_and_a_summary_of_the_step(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "page.md")
    Path("page.md").write_text("before\n")
    code, out, _ = run("check", "deadlock", "--quiet")
    assert code == 1
    assert "\n::error file=deadlock/deployment.yaml,line=" in out
    assert Path("page.md").read_text(encoding="utf-8").startswith("before\n### ❌ kubeproof: ")
    json.loads(run("check", "deadlock", "--json")[1])


def test_a_baseline_lets_what_is_known_pass_and_nothing_else(run: Run) -> None:
    code, out, _ = run("check", "deadlock", "--quiet", "--baseline", "known.json", "--update-baseline")
    assert (code, "1 violation is known in known.json" in out) == (1, True)
    code, out, _ = run("check", "deadlock", "--quiet", "--baseline", "known.json")
    assert (code, "known, not counted: deadlock: convergence (stuck)" in out) == (0, True)
    known = json.loads(Path("known.json").read_text())
    known["violations"][0]["claim"] = "placement"
    Path("known.json").write_text(json.dumps(known))
    assert run("check", "deadlock", "--quiet", "--baseline", "known.json")[0] == 1
    assert run("check", "deadlock", "--update-baseline")[0] == 2


PROJECT = """\
claims = ["convergence", "placement"]
baseline = "known.json"
[paths.deadlock-repaired]
[paths.deadlock]
"""


def test_without_manifests_every_path_of_the_project_is_checked(run: Run) -> None:
    code, _, err = run("check")
    assert (code, "Missing argument: name manifests" in err) == (2, True)
    Path("kubeproof.toml").write_text(PROJECT)
    code, out, _ = run("check", "--quiet", "--junit", "all.xml")
    assert code == 1
    assert "reachability" not in out
    assert Path("all.xml").read_text().count("<testsuite ") == 2
    code, out, _ = run("check", "--json")
    assert [report["verdict"] for report in json.loads(out)] == ["VIOLATED", "HOLDS"]
    assert run("check", "--quiet", "--update-baseline")[0] == 1
    assert run("check", "--quiet")[0] == 0


def test_what_the_project_asks_reaches_the_check_and_the_command_line_wins(run: Run) -> None:
    Path("web.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n"
    )
    Path("kubeproof.toml").write_text('nodes = 1\nscript = ["cordon node-1"]\n[faults]\ncrash = 1\n')
    _, out, _ = run("check", "web.yaml", "--claim", "placement", "--explain")
    assert "asked are these claims only: placement" in out
    assert "at most 1 x crash" in out
    assert "at most 2 x crash" in run("check", "web.yaml", "--fault", "crash=2", "--explain")[1]
    assert run("check", "web.yaml", "--script", "cordon node-2", "--quiet")[0] == 2
    assert run("check", "web.yaml", "--nodes", "2", "--script", "cordon node-2", "--quiet")[0] == 0
    code, _, err = run("check", "web.yaml", "--claim", "placment")
    assert (code, "did you mean placement?" in err) == (2, True)


def test_a_time_of_the_project_ends_a_check_and_its_nodes_may_be_a_file(run: Run) -> None:
    shutil.copy("deadlock-repaired/nodes.yaml", "nodes.yaml")
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n"
    Path("web.yaml").write_text(pod)
    Path("kubeproof.toml").write_text('timeout = 600\nnodes = "nodes.yaml"\nscript = "cordon node-1"\n')
    assert run("check", "web.yaml", "--quiet")[0] == 0
    Path("kubeproof.toml").write_text('timeout = 0\nnodes = "nodes.yaml"\n')
    code, out, _ = run("check", "web.yaml", "--no-cache")
    assert (code, "the time limit of 0 s was hit" in out) == (3, True)
    Path("kubeproof.toml").write_text('nodes = 1\nscript = ["cordon node-1", 3]\n')
    assert run("check", "web.yaml", "--quiet")[0] == 2


def test_a_claim_that_is_asked_and_not_judged_is_unknown_and_no_success(run: Run) -> None:
    code, out, _ = run("check", "deadlock-repaired", "--claim", "budget")
    assert (code, "UNKNOWN: budget" in out, "it is not judged of this input" in out) == (3, True, True)
    assert run("check", "deadlock-repaired", "--claim", "placement", "--claim", "flows", "--quiet")[0] == 3


def test_after_an_interrupt_no_further_path_is_looked_at(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from kubeproof.harness.check.check import nothing_known
    from kubeproof.harness.islands import check as checking
    from kubeproof.model.checker.results import INTERRUPTED

    monkeypatch.setattr(checking, "check", lambda scenario, **_: nothing_known(scenario, INTERRUPTED))
    Path("kubeproof.toml").write_text(PROJECT)
    code, out, err = run("check", "--quiet")
    assert (code, out.count("convergence")) == (3, 1)
    assert "interrupted: 1 of 2 paths were not looked at" in err


def test_the_hook_and_the_action_call_what_there_is() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert (hook["entry"], hook["language"], hook["pass_filenames"]) == ("kubeproof check", "python", False)
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    command = action["runs"]["steps"][-1]["run"]
    options = {name for one in cli.check.params for name in one.opts}
    assert {word for word in command.split() if word.startswith("--")} <= options
    assert set(action["runs"]["steps"][-1]["env"]) == {name.upper() for name in action["inputs"]}
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert "kubeproof" in scripts


def test_what_to_do_next_is_said(run: Run) -> None:
    _, out, _ = run("check", "deadlock")
    assert out.splitlines()[-1] == (
        "Next: kubeproof show .kubeproof/traces/deadlock-convergence.json --html run.html shows the run in a browser"
    )
    assert "Next:" not in run("check", "deadlock-repaired")[1]
    assert "Next:" not in run("check", "deadlock", "--quiet")[1]
    limited = ("check", "deadlock-repaired", "--no-cache", "--max-states", "5")
    assert "--checkpoint FILE keeps a search for --resume" in run(*limited)[1]


def test_a_search_that_was_cut_short_says_how_it_goes_on_and_does(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["check", "deadlock-repaired", "--no-cache", "--max-states", "50", "--checkpoint", "a b.ckpt"]
    monkeypatch.setattr("sys.argv", ["kubeproof", *words])
    code, out, _ = run(*words)
    last = out.splitlines()[-1]
    assert (code, last.endswith(" --checkpoint 'a b.ckpt' --resume goes on from there")) == (3, True)
    again = shlex.split(last.partition("kubeproof ")[2].removesuffix(" goes on from there"))
    code, out, _ = run(*(word for word in again if word not in {"--max-states", "50"}))
    assert (code, "UNKNOWN" in out) == (0, False)


def epilogs() -> list[str]:
    return [one.epilog or "" for one in (cli.cli, *cli.cli.commands.values())]


def test_every_example_of_the_help_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept = tmp_path / ".kubeproof" / "traces" / "web-reachability.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    lines = [line for text in epilogs() for line in text.splitlines() if "kubeproof " in line and line.startswith("  ")]
    assert len(lines) > 15
    for line in lines:
        words = shlex.split(line.partition("kubeproof ")[2].partition("    ")[0].partition(" > ")[0].rstrip(")"))
        command = cli.cli.commands[words.pop(0)]
        if isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        assert command.make_context("kubeproof", words).params or not command.params
    assert all("kubeproof" in one.epilog for one in cli.cli.commands.values() if one.name != "zoo")


def test_a_step_that_names_nothing_is_told_where_it_stands(run: Run) -> None:
    """On the command line, in kubeproof.toml or in scenario.yaml, each with its line."""
    toml = '[paths."deadlock"]\nscript = [\n  "cordon node-1",\n  "drain node-9",\n]\n'
    Path("kubeproof.toml").write_text(toml)
    scenario = Path("deadlock/scenario.yaml")
    scenario.write_text("title: as it was\n")
    assert run("check")[2].startswith("kubeproof.toml:4: script[1] 'drain node-9': there is no Node 'node-9'")
    assert run("check", "--script", "drain x")[2].startswith("--script: 'drain x': there is no Node 'x'")
    scenario.write_text("title: in words\nscript:\n  - cordon node-1; uncordon node-1\n  - drain node-7\n")
    said = run("check")[2]
    assert said.startswith("deadlock/scenario.yaml:4: script[1] 'drain node-7': there is no Node 'node-7'")
    scenario.write_text("script: drian node-7\n")
    assert run("check")[2].startswith("deadlock/scenario.yaml:1: script: 'drian' is no command; did you mean drain?")


def test_the_workflow_of_the_readme_is_one_and_its_commands_are_run(run: Run) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- not run: a workflow of GitHub.*-->\n\n((?: {4}.*\n)+)", readme)
    assert found is not None
    steps = yaml.safe_load(textwrap.dedent(found[1]))["jobs"]["kubeproof"]["steps"]
    (command,) = (step["run"] for step in steps if step.get("run", "").startswith("kubeproof "))
    Path("kubeproof.toml").write_text('[paths."deadlock"]\n')
    words = shlex.split(command)[1:]
    assert run(*words)[0] == 1, "nothing is known yet"
    run("check", "--baseline", "known.json", "--update-baseline")
    assert run(*words)[0] == 0
    written = [step["with"]["sarif_file"] for step in steps if "upload-sarif" in step.get("uses", "")]
    assert [Path(name).is_file() for name in written] == [True]
