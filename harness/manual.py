"""The manual as man(7) shows it, and what shells need to complete commands: both from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click
from click.shell_completion import get_completion_class

from .version import VERSION

PROGRAM = "kubeproof"
VARIABLE = "_KUBEPROOF_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


def completion(cli: click.Command, shell: str) -> str:
    """Return the script that lets a shell complete commands and options."""
    cls = get_completion_class(shell)
    if cls is None:
        raise click.UsageError(f"there is no completion for {shell}: {', '.join(SHELLS)} have one")
    return cls(cli, {}, PROGRAM, VARIABLE).source()


def manual(cli: click.Group) -> str:
    """Return the manual page, in section 1: every command with its options and examples."""
    context = click.Context(cli, info_name=PROGRAM)
    lines = [
        f'.TH KUBEPROOF 1 "" "kubeproof {VERSION}" "User Commands"',
        ".SH NAME",
        f"{PROGRAM} \\- {_roff(_first_line(cli))}",
        ".SH SYNOPSIS",
        f".B {PROGRAM}\n[OPTIONS] COMMAND [ARGS]...",
        ".SH DESCRIPTION",
        *_paragraphs(cli.help or ""),
        ".SH COMMANDS",
    ]
    for name, command, inner in _commands(cli, context):
        lines += _command(name, command, inner)
    lines += [".SH EXIT STATUS AND EXAMPLES", *_paragraphs(cli.epilog or "")]
    return "\n".join(lines) + "\n"


def _commands(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield the commands of a group, those of groups in it behind their group."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        inner = click.Context(command, context, name)
        yield inner.command_path, command, inner
        if isinstance(command, click.Group):
            yield from _commands(command, inner)


def _command(name: str, command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_roff(f'{name} {usage}'.rstrip())}"
    yield from _paragraphs(command.help or "")
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield ".TP"
            yield f"\\fB{_roff(record[0])}\\fR"
            yield _roff(" ".join(record[1].split()))
    yield from _paragraphs(command.epilog or "")


def _paragraphs(text: str) -> Iterator[str]:
    """Yield paragraphs; one that click is told to leave as it is stays so here."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        lines = paragraph.strip("\n").splitlines()
        if lines and lines[0].strip() == "\b":
            yield from (".PP", ".nf", *map(_roff, lines[1:]), ".fi")
        elif lines:
            yield from (".PP", _roff(" ".join(line.strip() for line in lines)))


def _first_line(command: click.Command) -> str:
    return (command.help or "").split("\n\n")[0].replace("\n", " ").rstrip(".")


def _roff(text: str) -> str:
    """Return text as roff takes it literally."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
