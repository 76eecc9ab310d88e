"""Every code block of the README and of docs is run, or says above itself why it is not.

A block is fenced or indented. Fenced Python is executed, YAML is read as a scenario, and of shell each line that calls
`kubeproof` is run in a folder that has what the docs speak of; whatever is piped into it is a chart that was rendered.
A block that cannot run has a comment above it: not run, and why.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import yaml
from attrs import frozen
from immutabledict import immutabledict

from kubeproof.harness import cli
from kubeproof.harness.input.files.scenario_file import FAULTS, load_scenario
from kubeproof.harness.input.script.script import ACTIONS
from kubeproof.harness.plugin import Checker
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.claim_names import ALL
from kubeproof.impl.api.reading.load import Text, objects_in
from places import ROOT

TUTORIAL = ROOT / "docs" / "tutorial.md"  # test_tutorial.py goes through it
PAGES = (ROOT / "README.md", *(page for page in sorted((ROOT / "docs").glob("*.md")) if page != TUTORIAL))
MARK = re.compile(r"<!-- not run: (.+) -->")
FENCE = re.compile(r"```(\w*)$")
MOST_STATES = "60"
"""A check of the docs is run, not finished: that its words are understood is what is asked here."""

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: app
          image: "nginx:1.28"
          ports: [{containerPort: 80}]
          readinessProbe: {httpGet: {port: 80}}
          lifecycle: {preStop: {sleep: {seconds: 10}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
FRONT = """\
apiVersion: v1
kind: Pod
metadata: {name: front, labels: {app: front}}
spec: {containers: [{name: app, image: "nginx:1.28"}]}
"""
NODE = "apiVersion: v1\nkind: Node\nmetadata: {name: %s, labels: {topology.kubernetes.io/zone: %s}}\n"
CAPACITY = "status: {capacity: {cpu: 4, memory: 8Gi, pods: 110}}\n"
NODES = "---\n".join(NODE % (f"node-{number}", zone) + CAPACITY for number, zone in ((1, "a"), (2, "b")))
SCHEDULER = """\
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles: [{schedulerName: batch-scheduler}]
"""

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "front", "namespace": "default", "resourceVersion": "5"},
    "spec": {"containers": [{"name": "app", "image": "nginx:1.28"}]},
}
AUDITED = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "stage": "ResponseComplete",
    "verb": "create",
    "user": {"username": "kubernetes-admin"},
    "responseStatus": {"code": 201},
    "responseObject": POD,
}


@frozen
class Block:
    """A code block: where it begins, its language ("" where it is indented), its text, and why it is not run."""

    page: str
    line: int
    language: str
    text: str
    not_run: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Yield the code blocks of a page."""
    lines = page.read_text(encoding="utf-8").splitlines()
    number, mark = 0, ""
    while number < len(lines):
        line = lines[number]
        fence = FENCE.match(line)
        begins = bool(fence) or (line.startswith("    ") and not (number and lines[number - 1].strip()))
        if not begins:
            mark = found[1] if (found := MARK.match(line)) else mark if not line.strip() else ""
            number += 1
            continue
        end = number + 1
        if fence:
            end = next(index for index in range(number + 1, len(lines)) if lines[index] == "```")
            body = lines[number + 1 : end]
        else:
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            body = [one[4:] for one in lines[number:end]]
        yield Block(page.name, number + 1, fence[1] if fence else "", "\n".join(body), mark)
        number, mark = end + 1 if fence else end, ""


BLOCKS = tuple(block for page in PAGES for block in blocks(page))
OWN = tuple(block for block in BLOCKS if block.page == "controllers.md")
RUN = tuple(block for block in BLOCKS if not block.not_run)


def of(language: str) -> tuple[Block, ...]:
    return tuple(block for block in RUN if block.language == language)


def test_every_block_is_run_or_says_why_it_is_not() -> None:
    assert [str(block) for block in RUN if block.language not in {"python", "sh", "yaml"}] == []
    assert all(len(block.not_run) > 8 for block in BLOCKS if block.not_run)
    assert {block.page for block in BLOCKS} >= {"README.md", "scenario-format.md", "placement.md", "reachability.md"}
    assert len(of("sh")) >= 5


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with what the docs speak of, and go there."""
    texts = {
        "web.yaml": f"{WEB}---\n{NODES}",
        "deploy/web.yaml": f"{WEB}---\n{FRONT}---\n{NODES.replace('node-', 'own-')}",
        "old/web.yaml": f"{WEB}---\n{NODES}",
        "new/web.yaml": f"{WEB}---\n{NODES}",
        "nodes.yaml": NODES,
        "dump.json": f"{FRONT}---\n{NODES}",
        "scheduler.yaml": SCHEDULER,
        "db.yaml": next(one.text for one in OWN if one.not_run),
        "recording/pods.json": json.dumps({"type": "ADDED", "object": POD}),
        "audit.log": json.dumps(AUDITED),
        "nodes.json": json.dumps({"apiVersion": "v1", "kind": "NodeList", "items": [{"metadata": {"name": "node-1"}}]}),
        "databases.py": next(one.text for one in OWN if one.language == "python"),
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Run one `kubeproof ...`, what is piped into it being a rendered chart: exit code and what was printed."""
    arguments = shlex.split(command, comments=True)[1:]
    if arguments[0] in {"check", "diff"}:
        arguments += ["--max-states", MOST_STATES]
    printed = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(WEB.encode())))
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return int(ended.value.code or 0), printed.getvalue()


def commands(block: Block) -> Iterator[str]:
    """Yield the calls of kubeproof in a block; what comes before one in its line only makes its input."""
    for line in block.text.splitlines():
        found = re.search(r"(?:^|\| |&& )(kubeproof .*)$", line)
        assert found, f"{block}: no call of kubeproof in {line!r}"
        yield found[1]


@pytest.mark.parametrize("block", of("sh"), ids=str)
def test_the_commands_are_understood_and_have_an_answer(
    block: Block, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "TRACE" in block.text:
        assert run("kubeproof run web --image nginx:1.28 --trace TRACE", monkeypatch)[0] == 0
        assert (folder / "TRACE").exists()
    for command in commands(block):
        code, printed = run(command, monkeypatch)
        assert code in {0, 1, 3}, f"{block}: {command}\n{printed}"
        assert printed


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    pages = [page for part in site["nav"] for page in (next(iter(part.values())) if isinstance(part, dict) else [part])]
    assert sorted(pages) == sorted(page.name for page in (ROOT / "docs").glob("*.md"))


def test_a_command_that_is_misspelt_would_be_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (folder / "web.yaml").exists()
    assert run("kubeproof check web.yaml --node 3", monkeypatch)[0] == 2
    assert run("kubeproof check gone.yaml", monkeypatch)[0] == 2


@pytest.mark.parametrize("block", of("yaml"), ids=str)
def test_the_yaml_is_a_scenario(block: Block) -> None:
    loaded = load_scenario("docs", {"web.yaml": f"{WEB}---\n{NODES}", "scenario.yaml": block.text}, immutabledict())
    assert loaded.scenario.title


def unnamed(page: str, names: Iterable[str]) -> list[str]:
    """Return the names that a page does not give."""
    return [name for name in names if not re.search(rf"\b{name}\b", page)]


@pytest.mark.parametrize("names", [FAULTS, ACTIONS, ALL], ids=["faults", "steps", "claims"])
def test_the_scenario_format_names_every_fault_step_and_claim(names: Iterable[str]) -> None:
    page = (ROOT / "docs" / "scenario-format.md").read_text(encoding="utf-8")
    assert unnamed(page, names) == []
    assert unnamed(page, [*names, "toyFault"]) == ["toyFault"]


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_the_python_runs(block: Block, folder: Path) -> None:
    objects = [one.object for one in objects_in([Text("dump.json", (folder / "dump.json").read_text())]).objects]
    given: dict[str, object] = {"cache": Cache.of(objects), "pod": objects[0]}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.text, str(block), "exec"), given)  # noqa: S102 - that is what is tested
        for name, test in list(given.items()):
            if name.startswith("test_") and callable(test):
                test(Checker(folder))
    assert ("print(" in block.text) == bool(printed.getvalue())
