"""How long a preStop hook leaves a program alone, by what its handler says.

Upstream: pkg/kubelet/lifecycle/handlers.go (v1.32) runs the handler; a command is started without a shell, and one that
fails changes nothing but an event. What a shell command does is that of the POSIX shell (Shell Command Language, 2.9).
Left out on purpose: pipes, loops, conditions and functions, variables, what other programs do: where one of these comes
nobody can read off how long the hook takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from itertools import pairwise

from attrs import evolve, frozen

from ..api.core import LifecycleHandler

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_TOKEN = re.compile(
    r"""(?P<blank>(?:[ \t\r]|\\\n)+)"""
    r"""|(?P<redirection>\d*(?:>>|>&|>\||>|<)[ \t]*(?P<target>[^\s;&|()<>'"`$]+))"""
    r"""|(?P<operator>&&|\|\||;;|[;&|\n()<>])"""
    r"""|(?P<word>(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s;&|()<>'"\\])+)""",
    re.DOTALL,
)
_QUOTED = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)""", re.DOTALL)
_SUBSTITUTION = re.compile(r"\$\(([^()`]*)\)|`([^`]*)`")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SEPARATORS = frozenset({";", "\n"})
_AFTER = _SEPARATORS | {"&&", "||", "&", ""}
"""What may come after a simple command; the rest belongs to what is not read."""
_HARMLESS = frozenset({"echo", "printf", "true", ":", "set", "touch", "export", "date"})
"""Commands that take no time, succeed, and stop nothing."""
_LOOKS = frozenset({"test", "[", "cat", "pidof", "pgrep"})
"""Commands that take no time and stop nothing; whether they succeed is not known."""
_STOPPING: Mapping[str, frozenset[str]] = {
    "apache2ctl": frozenset({"stop", "graceful-stop"}),
    "apachectl": frozenset({"stop", "graceful-stop"}),
    "catalina.sh": frozenset({"stop"}),
    "httpd": frozenset({"stop", "graceful-stop"}),
    "kafka-server-stop": frozenset(),
    "kafka-server-stop.sh": frozenset(),
    "mysqladmin": frozenset({"shutdown"}),
    "nodetool": frozenset({"drain", "stopdaemon"}),
    "pg_ctl": frozenset({"stop"}),
    "rabbitmqctl": frozenset({"stop", "stop_app", "shutdown"}),
    "wait-shutdown": frozenset(),
    "zkServer.sh": frozenset({"stop"}),
}
"""Commands of known programs after which they take no new connections, and the words of which one must be there.

Upstream: cassandra.apache.org/doc (nodetool drain), kubernetes/ingress-nginx cmd/waitshutdown, httpd.apache.org/docs
(stopping), postgresql.org/docs (pg_ctl), dev.mysql.com/doc (mysqladmin), rabbitmq.com/docs (rabbitmqctl), and the
scripts of kafka, zookeeper and tomcat, which send SIGTERM or ask the program to stop.
"""
_STOP_SIGNALS = frozenset({"TERM", "QUIT", "INT", "KILL", "15", "3", "2", "9"})
_CONNECTIONS = ("/dev/tcp/", "/dev/udp/")


@frozen
class Length:
    """How long a hook leaves the program alone: `seconds`, or at least so many if it is not `exact`."""

    seconds: float = 0
    exact: bool = True


NOTHING = Length()
UNREAD = Length(exact=False)


class _Does(Enum):
    """What a simple command does to the program."""

    WAITS = "nothing, for some time"
    STOPS = "it stops it"
    LEAVES = "nothing: the shell is left"
    UNKNOWN = "nobody knows"


@frozen
class _Effect:
    """What a simple command does, for how long, and whether it succeeds; None: either."""

    does: _Does
    seconds: float = 0
    succeeds: bool | None = True


_UNKNOWN = _Effect(_Does.UNKNOWN)


def length_of(hook: LifecycleHandler) -> Length:
    """Read how long a hook surely takes, and whether it takes longer."""
    if hook.sleep is not None:
        return Length(hook.sleep.seconds)
    command = hook.exec.command if hook.exec else ()
    if not command:
        return UNREAD  # It asks a program, over the network or not at all.
    if _base(command[0]) in _SHELLS:
        return _of_shell(command[1:])
    if len(command) == 1 and re.search(r"\s", command[0]):
        return NOTHING  # A command in one string is the name of a file, blanks and all: the hook fails at once.
    effect = _effect(command)
    return Length(effect.seconds, exact=effect.does is not _Does.UNKNOWN)


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _of_shell(arguments: Sequence[str]) -> Length:
    """Read the command line of a shell: options, one of them -c, then the text."""
    rest = list(arguments)
    options = ""
    while rest and rest[0].startswith("-") and not rest[0].startswith("--"):
        option = rest.pop(0)[1:]
        options += option
        if "o" in option and rest:
            options += "e" if rest.pop(0) == "errexit" else ""
    return length_of_script(rest[0], strict="e" in options) if "c" in options and rest else UNREAD


@frozen
class _State:
    """How far a script has been read: the seconds so far, and whether the last command succeeded (None: either)."""

    seconds: float = 0
    succeeded: bool | None = True
    strict: bool = False
    """The shell is left as soon as a command fails (set -e)."""


def length_of_script(text: str, *, strict: bool = False) -> Length:
    """Read simple commands that stand one after the other, up to the first that is not known."""
    state = _State(strict=strict)
    for before, words, after in _commands(_without_substitutions(text)):
        if not words or after not in _AFTER:
            return Length(state.seconds, exact=False)
        runs = {"&&": state.succeeded, "||": None if state.succeeded is None else not state.succeeded}.get(before, True)
        if before in _SEPARATORS and state.strict and state.succeeded is not True:
            return Length(state.seconds, exact=state.succeeded is False)
        effect = _effect(words)
        if after == "&":  # Nobody waits for it.
            effect = _Effect(_Does.WAITS) if effect.does is _Does.WAITS else _UNKNOWN
        if runs is False:
            continue
        if runs is None and (effect.seconds or effect.does is not _Does.WAITS):
            return Length(state.seconds, exact=False)
        state = evolve(state, seconds=state.seconds + effect.seconds)
        if effect.does is not _Does.WAITS:
            return Length(state.seconds, exact=effect.does is not _Does.UNKNOWN)
        succeeded = effect.succeeds if runs else None
        state = evolve(state, succeeded=succeeded, strict=state.strict or _sets_errexit(words))
    return Length(state.seconds)


def _commands(text: str) -> Iterator[tuple[str, list[str], str]]:
    """Yield each simple command with the operators before and after it; without words where the text is none."""
    before, words = "", list[str]()
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            yield before, [], ""
            return
        place = found.end()
        if (target := found["target"]) is not None:
            if target.startswith(_CONNECTIONS):
                yield before, [], ""
                return
        elif (operator := found["operator"]) is not None:
            if words or operator not in _SEPARATORS:
                yield before, words, operator
                before = ";" if operator == "&" else operator
                words = []
        elif (word := found["word"]) is not None and not word.startswith("#"):
            words.append(word)
        elif word is not None:  # A comment: it may hold any quotes.
            place = max(text.find("\n", found.start()), 0) or len(text)
    if words:
        yield before, words, ""


def _without_substitutions(text: str) -> str:
    """Leave out what only prints something into the command, and mark what does anything else as not known."""

    def left(found: re.Match[str]) -> str:
        inner = length_of_script(found[1] if found[1] is not None else found[2])
        return "x" if inner == NOTHING else found[0]

    return _SUBSTITUTION.sub(left, text)


def _sets_errexit(words: Sequence[str]) -> bool:
    options = [word for word in words[1:] if word.startswith("-")]
    return words[0] == "set" and (any("e" in option for option in options) or "errexit" in words)


def _effect(raw: Sequence[str]) -> _Effect:
    """Tell what a simple command does, by its words as they are written."""
    if any("`" in word or "$(" in word for word in raw):
        return _UNKNOWN
    words = [_QUOTED.sub(lambda found: found[1] or found[2] or found[3] or "", word) for word in raw]
    while words and _ASSIGNMENT.match(words[0]):
        words.pop(0)
    if not words:
        return _Effect(_Does.WAITS)
    name, arguments = _base(words[0]), words[1:]
    if name == "exec" and arguments:
        inner = _effect(arguments)
        return evolve(inner, does=_Does.LEAVES) if inner.does is _Does.WAITS else inner
    if name == "sleep":
        return _sleep(arguments)
    if name in {"exit", "false"}:
        return _Effect(_Does.LEAVES if name == "exit" else _Does.WAITS, succeeds=False)
    if name in _HARMLESS | _LOOKS:
        return _Effect(_Does.WAITS, succeeds=None if name in _LOOKS else True)
    return _Effect(_Does.STOPS) if _stops(name, arguments) else _UNKNOWN


def _sleep(arguments: Sequence[str]) -> _Effect:
    """Add up the times of a sleep; one without a time, or with none that is one, fails at once."""
    if any("$" in argument or argument in {"inf", "infinity"} for argument in arguments):
        return _UNKNOWN
    times = [_SECONDS.fullmatch(argument) for argument in arguments]
    seconds = [float(match[1]) * _UNITS[match[2]] for match in times if match is not None]
    if not arguments or len(seconds) < len(arguments):
        return _Effect(_Does.WAITS, succeeds=False)
    return _Effect(_Does.WAITS, sum(seconds))


def _stops(name: str, arguments: Sequence[str]) -> bool:
    """Tell whether a command surely tells a program to stop."""
    match name:
        case "kill" | "killall" | "pkill":
            signals = [argument for argument in arguments if argument.startswith("-") and argument != "--"]
            number = arguments[1:2] if signals in (["-s"], ["-n"]) and arguments[0] == signals[0] else signals
            return all(word.removeprefix("-").upper().removeprefix("SIG") in _STOP_SIGNALS for word in number)
        case "nginx":
            return any(pair in {("-s", "quit"), ("-s", "stop")} for pair in pairwise(arguments))
        case "service":
            return len(arguments) == 2 and arguments[1] == "stop"
        case "systemctl":
            return "stop" in arguments[:1]
        case _ if name in _STOPPING:
            return not _STOPPING[name] or bool(_STOPPING[name].intersection(arguments))
        case _:
            return False
