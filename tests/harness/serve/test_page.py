"""The page about serving: its commands are run as they stand there, with the real kubectl."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kubeproof.harness.cli import cli
from places import ROOT

pytestmark = pytest.mark.xdist_group("kubectl")

PAGE = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
LINES = re.findall(r"^kubectl -s http://127\.0\.0\.1:8001 (.+)$", PAGE, re.MULTILINE)


def test_the_commands_of_the_page_do_what_they_say(
    serving: Callable[..., Any], newest: Callable[[str], Any], tmp_path: Path
) -> None:
    server = serving("--data", str(tmp_path / "cluster.db"))
    kubectl = newest(server.url)
    assert len(LINES) > 10
    told = [(line, kubectl(line)) for line in LINES]
    assert [(line, said.err) for line, said in told if said.code] == []
    assert server.end() == ""


def test_the_options_of_the_page_are_those_of_the_command() -> None:
    told = CliRunner().invoke(cli, ["serve", "--help"]).output.replace("  --help", "")
    assert set(re.findall(r"^\| `(--[a-z-]+)", PAGE, re.MULTILINE)) == set(
        re.findall(r"^ +(--[a-z-]+)", told, re.MULTILINE)
    )
