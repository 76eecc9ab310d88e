"""The manual names every command and option, and a shell completes them."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest
from click.shell_completion import BashComplete

from kubeproof.harness.cli import cli
from kubeproof.harness.manual import PROGRAM, SHELLS, VARIABLE, completion, manual


def test_the_manual_has_every_command_and_option() -> None:
    page = manual(cli).replace("\\-", "-")
    context = click.Context(cli, info_name=PROGRAM)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        assert f".SS kubeproof {name}" in page
        options = [one for parameter in command.params if isinstance(parameter, click.Option) for one in parameter.opts]
        assert [one for one in options if one not in page] == []
    assert ".SS kubeproof zoo run" in page


def test_no_line_of_the_manual_is_taken_for_a_request() -> None:
    known = {".TH", ".SH", ".SS", ".B", ".PP", ".TP", ".nf", ".fi"}
    requests = {line.split()[0] for line in manual(cli).splitlines() if line.startswith((".", "'"))}
    assert requests <= known


@pytest.mark.parametrize("shell", SHELLS)
def test_there_is_a_script_for_each_shell(shell: str) -> None:
    assert VARIABLE in completion(cli, shell)


def test_an_unknown_shell_is_told() -> None:
    with pytest.raises(click.UsageError, match="bash, zsh, fish have one"):
        completion(cli, "tcsh")


@pytest.mark.parametrize(
    ("words", "word", "wanted"),
    [([], "va", {"validate"}), (["check"], "--rel", {"--release"}), (["zoo"], "", {"list", "run", "show"})],
)
def test_commands_and_options_are_completed(words: list[str], word: str, wanted: set[str]) -> None:
    found = BashComplete(cli, {}, PROGRAM, VARIABLE).get_completions(words, word)
    assert {one.value for one in found} == wanted


def test_a_shell_that_asks_gets_an_answer() -> None:
    """The script calls the program with a variable: that way in must not be lost behind our own main function."""
    asked = {VARIABLE: "bash_complete", "COMP_WORDS": "kubeproof repl", "COMP_CWORD": "1"}
    said = subprocess.run(
        [sys.executable, "-m", "kubeproof"], env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    assert said.stdout == "plain,replay\n"
