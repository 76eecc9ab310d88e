"""Every trace that was kept still replays, state by state, and reads as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeproof.harness.face import replay_check
from kubeproof.harness.walk.tour import replay_walk
from kubeproof.traces.document import to_text
from kubeproof.traces.files import read
from kubeproof.traces.render import result, text
from kubeproof.traces.replay import Replayed
from places import ROOT

CORPUS = ROOT / "traces" / "corpus"
TRACES = sorted(CORPUS.glob("*.json"))


def test_there_are_traces_to_replay() -> None:
    assert TRACES, f"{CORPUS} holds no trace"


@pytest.mark.parametrize("path", TRACES, ids=[path.stem for path in TRACES])
def test_a_kept_trace_replays_exactly(path: Path) -> None:
    document = read(path)
    found = replay_walk(document) if document.what == "walk" else replay_check(document)
    assert found == Replayed(len(document.steps)), result(found, path.name)


@pytest.mark.parametrize("path", TRACES, ids=[path.stem for path in TRACES])
def test_a_kept_trace_is_written_as_this_version_writes_it(path: Path) -> None:
    document = read(path)
    assert to_text(document) == path.read_text(encoding="utf-8")
    assert text(document).count("\n") >= len(document.steps)
