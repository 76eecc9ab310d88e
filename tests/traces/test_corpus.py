"""Every trace that was kept still replays, state by state, and reads as it was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubeproof.harness.face import replay_check
from kubeproof.harness.run.tour import replay_walk
from kubeproof.traces.document import from_text, to_text
from kubeproof.traces.files import read
from kubeproof.traces.render import result, text
from kubeproof.traces.replay import Replayed
from places import ROOT

CORPUS = ROOT / "traces" / "corpus"
TRACES = sorted(CORPUS.glob("*.json"))


OLD = sorted((ROOT / "tests" / "traces" / "format1").glob("*.json"))
"""As they were written in format 1."""


def test_there_are_traces_to_replay() -> None:
    assert TRACES, f"{CORPUS} holds no trace"
    assert {json.loads(path.read_text(encoding="utf-8"))["format"] for path in OLD} == {1}


@pytest.mark.parametrize("path", OLD, ids=[path.stem for path in OLD])
def test_a_trace_of_format_1_is_read_and_written_in_format_2(path: Path) -> None:
    document = read(path)
    assert from_text(to_text(document)) == document
    told = json.loads(path.read_text(encoding="utf-8"))["steps"]
    assert [list(step.lines) for step in document.steps] == [step["changes"] for step in told]


@pytest.mark.parametrize("path", [*TRACES, *OLD], ids=lambda path: f"{path.parent.name} {path.stem}")
def test_a_kept_trace_replays_exactly(path: Path) -> None:
    document = read(path)
    found = replay_walk(document) if document.what == "walk" else replay_check(document)
    assert found == Replayed(len(document.steps)), result(found, path.name)


@pytest.mark.parametrize("path", TRACES, ids=[path.stem for path in TRACES])
def test_a_kept_trace_is_written_as_this_version_writes_it(path: Path) -> None:
    document = read(path)
    assert to_text(document) == path.read_text(encoding="utf-8")
    assert text(document).count("\n") >= len(document.steps)
