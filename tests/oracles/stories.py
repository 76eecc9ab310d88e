"""Stories of kubectl: commands with what each must print, a regular expression for the whole of both streams."""

from __future__ import annotations

import re
from typing import Any

AGE = r"\d+m?\d*s"
NODES = "NAME STATUS ROLES AGE VERSION"
ADDRESS = r"10\.\d+\.\d+\.\d+"
NONE = "<none>"
Step = tuple[str, str] | tuple[str, str, int]


def play(kubectl: Any, steps: list[Step], namespace: str = "") -> None:
    """Go through a story; tell the command that does not say what it should."""
    for line, wanted, *codes in steps:
        said = kubectl(f"-n {namespace} {line}" if namespace else line)
        told = said.out + said.err
        assert re.fullmatch(wanted, told.strip(), re.DOTALL), f"kubectl {line}\n{told}\nis not\n{wanted}"
        assert said.code == (codes[0] if codes else 0), f"kubectl {line} ended with {said.code}\n{told}"


def own(kubectl: Any, name: str) -> str:
    """Make a namespace for a story."""
    play(kubectl, [(f"create namespace {name}", f"namespace/{name} created")])
    return name


def rows(*lines: str) -> str:
    """Join rows of a table whose cells are patterns."""
    return r"\s*\n".join(r"\s+".join(line.split()) for line in lines)
