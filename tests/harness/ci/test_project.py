"""kubeproof.toml: what a project asks of each check, below scenario.yaml and the command line."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from kubeproof.harness.input.files.project import below_scenario, over, read_project
from kubeproof.impl.api.reading.load import BadInput, Problem
from places import ROOT

TEXT = """\
nodes = 3
timeout = "5m"
claims = ["convergence"]
[faults]
crash = 1
[paths."deploy"]
nodes = 4
[paths."deploy/web"]
nodes = 5
faults = {nodeCrash = 1}
claims = ["placement"]
"""


def project(folder: Path, text: str = TEXT) -> Path:
    (folder / "kubeproof.toml").write_text(text)
    return folder / "kubeproof.toml"


def test_the_longest_path_counts_for_most_and_maps_are_merged(tmp_path: Path) -> None:
    read = read_project(project(tmp_path))
    assert read.of(str(tmp_path / "other")) == {
        "nodes": 3, "timeout": "5m", "claims": ["convergence"], "faults": {"crash": 1},
    }  # fmt: skip
    assert read.of(str(tmp_path / "deploy" / "db.yaml"))["nodes"] == 4
    web = read.of(str(tmp_path / "deploy" / "web"))
    assert (web["nodes"], web["claims"], web["faults"]) == (5, ["placement"], {"crash": 1, "nodeCrash": 1})
    assert read.of(str(tmp_path / "deploy" / "website"))["claims"] == ["convergence"]
    assert read.targets == (str(tmp_path / "deploy"), str(tmp_path / "deploy/web"))


@pytest.mark.parametrize("page", ["README.md", "docs/ci.md"])
def test_what_the_pages_show_is_understood(tmp_path: Path, page: str) -> None:
    indented = re.search(r"TOML; .*\n\n((?: {4}.*\n|\n)+)", (ROOT / page).read_text(encoding="utf-8"))
    assert indented is not None
    read = read_project(project(tmp_path, textwrap.dedent(indented[1])))
    asked = read.of(str(tmp_path / "deploy" / "web"))
    assert asked["nodes"] == 3
    assert asked["bounds"] == {"propagation": "5s"}
    assert asked["script"] == ["set image deployment/web app=nginx:1.29", "drain node-1"]


def test_scenario_yaml_says_more_of_its_own_manifests() -> None:
    files = {"a/scenario.yaml": "nodes: 2\nfaults: {crash: 0}\n", "a/web.yaml": "kind: Pod\n"}
    said = {"nodes": 3, "faults": {"crash": 1, "nodeCrash": 1}, "bounds": {"pods": 5}}
    assert below_scenario(said, files) == {"faults": {"nodeCrash": 1}, "bounds": {"pods": 5}}
    assert below_scenario(said, {"a/web.yaml": "kind: Pod\n"}) == said


def test_what_is_above_wins_field_by_field() -> None:
    assert over({"a": 1, "m": {"x": 1}}, {"a": 2, "b": 3, "m": {"x": 2, "y": 2}}) == {
        "a": 1, "b": 3, "m": {"x": 1, "y": 2},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nodes = 3\nclaim = []\n", "kubeproof.toml:2: claim: there is no such field .did you mean claims"),
        ('[paths."a"]\n\nfault = {}\n', "kubeproof.toml:3: fault: there is no such field .did you mean faults"),
        ("nodes =\n", "kubeproof.toml:1: is no TOML"),
        ("paths = 3\n", "paths: expected tables"),
        ('claims = "budget"\n', "kubeproof.toml:1: claims: expected a list"),
        ('nodes = 1\ntimeout = "x"\n', "kubeproof.toml:2: timeout: expected a duration in whole seconds"),
        ('[paths."a"]\nbaseline = 3\n', "kubeproof.toml:2: baseline: expected the name of a file"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_project(project(tmp_path, text))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_project(tmp_path / "gone.toml")


LOST = """\
script = "drain node-8"

[paths."deploy"]
nodes = 1
script = [
    "cordon node-1",
    "drain node-9",
]
[paths."deploy/web"]
faults = {meteor = 1}
"""


@pytest.mark.parametrize(
    ("target", "field", "told"),
    [
        ("deploy", "script[1] 'drain node-9'", "kubeproof.toml:7: script[1] 'drain node-9': lost"),
        ("other", "script 'drain node-8'", "kubeproof.toml:1: script 'drain node-8': lost"),
        ("deploy/web", "faults.meteor", "kubeproof.toml:10: faults.meteor: lost"),
        ("deploy", "nodes", "kubeproof.toml:4: nodes: lost"),
        ("deploy", "release", "options: release: lost"),
    ],
)
def test_an_option_that_is_wrong_is_told_with_its_line(tmp_path: Path, target: str, field: str, told: str) -> None:
    read = read_project(project(tmp_path, LOST))
    blamed = read.blamed(Problem("options", 0, field, "lost"), str(tmp_path / target))
    assert str(blamed).removeprefix(f"{tmp_path}/") == told
