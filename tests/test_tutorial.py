"""The tutorial is gone through as it is written: files made and edited, commands run, what they print compared."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from kubeproof.harness import cli
from places import ROOT

PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"(?:<!-- (\w+): ([^\n]+) -->\n\n)?```(\w+)\n(.*?)```", re.DOTALL)


@frozen
class Block:
    """A fenced block: what the comment above it asks (a file to make or edit, an exit code), its language, its text."""

    asks: str
    of: str
    language: str
    text: str


def blocks() -> Iterator[Block]:
    for found in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        yield Block(found[1] or "", found[2] or "", found[3], found[4])


def run(command: str) -> tuple[int, str]:
    """Run one command: exit code and what was printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), pytest.raises(SystemExit) as ended:
        cli.main(shlex.split(command)[1:])
    return int(ended.value.code or 0), printed.getvalue()


def edited(text: str, diff: str) -> str:
    """Apply a diff: the lines that stay and go stand once in the text."""
    old = "".join(f"{line[1:]}\n" for line in diff.splitlines() if line[0] in " -")
    new = "".join(f"{line[1:]}\n" for line in diff.splitlines() if line[0] in " +")
    assert text.count(old) == 1, f"{old!r} is not there once"
    return text.replace(old, new)


def follows(printed: str, told: str) -> None:
    """Hold the lines that are shown against what was printed: they stand in it in their order, however it is broken."""
    rest = " ".join(printed.split())
    for line in told.splitlines():
        wanted = " ".join(line.split()).removesuffix(" ...")
        _, found, rest = rest.partition(wanted)
        assert found, f"{wanted!r} is not printed, or not there"


def test_the_tutorial_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    printed, codes = "", list[int]()
    for block in blocks():
        if block.asks in {"file", "edit"}:
            path = tmp_path / block.of
            path.parent.mkdir(exist_ok=True)
            path.write_text(edited(path.read_text(), block.text) if block.asks == "edit" else block.text)
        elif block.language == "sh":
            monkeypatch.setattr("sys.argv", shlex.split(block.text))
            code, printed = run(block.text)
            codes.append(code)
            assert code == int(block.of or 0), printed
        else:
            assert block.language == "text"
            follows(printed, block.text)
    assert codes == [0, 1, 0, 0, 0, 1, 0, 0, 0, 0]
    assert (tmp_path / "run.html").stat().st_size > 10_000


def test_what_is_not_printed_would_be_noticed() -> None:
    with pytest.raises(AssertionError, match="VIOLATED"):
        follows("HOLDS: convergence\n", "VIOLATED: convergence\n")
    with pytest.raises(AssertionError, match="not there once"):
        edited("a: 1\n", " b: 2\n+c: 3\n")
