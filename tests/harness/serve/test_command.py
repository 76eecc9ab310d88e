"""The command line of `serve`: what is wrong with what it is given is told, in one line and without a traceback."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kubeproof.harness.cli import cli, main
from kubeproof.harness.serve.command import KUBECONFIG, credentials_in
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.apiserver import User
from places import ROOT


def ended(*arguments: str) -> int:
    """Run the command line; return its exit code."""
    with pytest.raises(SystemExit) as found:
        main(["serve", *arguments])
    return int(found.value.code or 0)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubeproof.harness.serve.command", None)
    monkeypatch.delattr("kubeproof.harness.serve.command", raising=False)
    said = CliRunner().invoke(cli, ["serve"])
    assert (said.exit_code, "pip install 'kubeproof[serve]'" in said.output) == (2, True)


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert ended("--port", str(taken.getsockname()[1])) == 2
    assert "cannot be served: Address already in use" in capsys.readouterr().err


def test_a_file_that_is_no_database_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x").write_text("no database " * 500)
    assert ended("--port", "0", "--data", str(tmp_path / "x")) == 2
    assert "it is no database" in capsys.readouterr().err


def test_tokens_are_read_as_kube_apiserver_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "tokens.csv"
    file.write_text('# who may ask\nabc,jane,1,"devs, ops"\n\ndef,root,2\n')
    assert dict(credentials_in(file).tokens) == {"abc": User("jane", ("devs", "ops")), "def": User("root", ())}


@pytest.mark.parametrize("line", ["abc,jane", ",jane,1", "abc,,1"], ids=["no uid", "no token", "no name"])
def test_a_token_file_that_is_wrong_is_told_with_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "tokens.csv"
    file.write_text(f"a,b,c\n{line}\n")
    with pytest.raises(BadInput, match=r"tokens\.csv:2: .*expected token,user,uid"):
        credentials_in(file)


def test_a_kubeconfig_leads_to_the_server() -> None:
    import yaml

    found = yaml.safe_load(KUBECONFIG.format(url="http://127.0.0.1:1"))
    assert found["clusters"][0]["cluster"] == {"server": "http://127.0.0.1:1"}
    assert found["current-context"] == found["contexts"][0]["name"]


def test_a_run_is_performed_on_a_server_without_components(serving: Any) -> None:
    server = serving("--nodes", "0", "--no-components")
    trace = str(ROOT / "traces" / "corpus" / "deadlock-convergence.json")
    done = CliRunner().invoke(cli, ["replay", trace, "--against", server.url])
    assert (done.exit_code, "9 steps" in done.output) == (0, True)
    assert "every object as the trace has it" in done.output
    assert server.end() == ""
    assert CliRunner().invoke(cli, ["replay", trace, "--against", server.url]).exit_code != 0
