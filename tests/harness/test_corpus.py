"""A corpus keeps what replays, tells what it shows, and gives up what does not replay or is shown shorter."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from attrs import evolve

from kubeproof.harness import cli
from kubeproof.harness.corpus import Kept, superfluous
from kubeproof.traces.document import to_text
from kubeproof.traces.files import read
from kubeproof.traces.replay import Impossible, Replayed
from places import ROOT

KEPT = ROOT / "traces" / "corpus"
DRAIN = KEPT / "drain-blocked-convergence.json"


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(["corpus", *words])
    return int(ended.value.code or 0), capsys.readouterr().out


def broken(path: Path) -> Path:
    """Write the trace with a first step that nobody can take."""
    document = read(DRAIN)
    first = evolve(document.steps[0], action="kubectl 1: scale deployment/none 3")
    path.write_text(to_text(evolve(document, steps=(first, *document.steps[1:]))))
    return path


def test_what_replays_is_kept_and_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "add", str(DRAIN), "--corpus", str(tmp_path / "new"))
    assert (code, out) == (0, f"{tmp_path / 'new' / DRAIN.name}: kept, 2 steps\n")
    assert (tmp_path / "new" / DRAIN.name).read_bytes() == DRAIN.read_bytes()
    code, out = run(capsys, "explain", "--corpus", str(tmp_path / "new"))
    assert code == 0
    assert f"{DRAIN.name}: convergence VIOLATED, 2 steps\n  the drain" in out


def test_what_does_not_replay_is_not_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "add", str(broken(tmp_path / "broken.json")), "--corpus", str(tmp_path / "new"))
    assert code == 1
    assert "step 1 is no longer possible" in out
    assert not (tmp_path / "new").exists()


def test_another_trace_of_that_name_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / DRAIN.name).write_text("{}")
    code, out = run(capsys, "add", str(DRAIN), "--corpus", str(tmp_path))
    assert code == 1
    assert "another trace has this name" in out
    assert (tmp_path / DRAIN.name).read_text() == "{}"


def test_what_does_not_replay_any_more_is_told_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(DRAIN, tmp_path)
    path = broken(tmp_path / "broken.json")
    assert run(capsys, "explain", "--corpus", str(tmp_path))[0] == 1
    _, out = run(capsys, "prune", "--corpus", str(tmp_path), "--dry-run")
    assert out == f"{path}: would be removed: it does not replay any more\n"
    assert path.exists()
    run(capsys, "prune", "--corpus", str(tmp_path))
    assert [one.name for one in tmp_path.iterdir()] == [DRAIN.name]
    assert run(capsys, "prune", "--corpus", str(tmp_path)) == (0, f"{tmp_path}: nothing to remove\n")


def test_of_runs_that_show_the_same_the_shortest_is_worth_keeping() -> None:
    document = read(DRAIN)
    long = evolve(document, steps=(*document.steps, document.steps[-1]))
    other = evolve(document, claim="placement")
    kept = [
        Kept(Path(name), one, Replayed(len(one.steps)))
        for name, one in (("long", long), ("short", document), ("again", document), ("other", other))
    ]
    gone = {one.path.name: why for one, why in superfluous(kept)}
    assert gone == {"long": "short shows the same in 2 steps", "again": "short shows the same in 2 steps"}
    lost = Kept(Path("lost"), document, Impossible(1, "a", ()))
    assert [one.path.name for one, _ in superfluous([lost, kept[0]])] == ["lost"]


def test_an_empty_corpus_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "explain", "--corpus", str(tmp_path)) == (
        0,
        f"{tmp_path}: no traces; kubeproof corpus add TRACE keeps one\n",
    )
