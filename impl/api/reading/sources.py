"""The texts that manifests are read from, and what is wrong with an input, with file, line and field.

Upstream: what kubectl v1.32 does with -f (cli-runtime's resource builder): files, a folder's *.yaml, *.yml and *.json
(those below it with -R), `-` for standard input.
Left out on purpose: fetching URLs, kustomize and templates (their tools print manifests that can be piped in).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

SUFFIXES = (".json", ".yaml", ".yml")
STDIN = "-"


@frozen(order=True)
class Problem:
    """One thing wrong with the input; line 0 is the whole file, `hint` is what to do about it, or ""."""

    file: str
    line: int
    field: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        field = f"{self.field}: " if self.field else ""
        return f"{place}: {field}{self.message}{f' ({self.hint})' if self.hint else ''}"


class BadInput(Exception):  # noqa: N818 - it says what is bad
    """Input that cannot be used; its text is every problem, one a line, as the user should see it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@frozen
class Text:
    """What one source holds: the name to report it by, and its text."""

    file: str
    text: str


def read_sources(
    sources: Iterable[str | Path], *, recursive: bool = False
) -> tuple[tuple[Text, ...], tuple[Problem, ...]]:
    """Read the text of each file named, of each manifest in each folder named, and of standard input.

    `recursive`: also of the manifests in the folders below, as `kubectl apply -R` does.
    """
    texts: list[Text] = []
    problems: list[Problem] = []
    for source in sources:
        found = (
            _folder(Path(source), recursive=recursive) if str(source) != STDIN and Path(source).is_dir() else [source]
        )
        for problem in found:
            read = problem if isinstance(problem, Problem) else _read(problem)
            if isinstance(read, Problem):
                problems.append(read)
            elif len(found) == 1 or _says_something(read.text):
                texts.append(read)
    if not texts and not problems:
        problems.append(Problem("input", 0, "", "no manifests given", "name a file, a folder or - for standard input"))
    return tuple(texts), tuple(problems)


def _says_something(text: str) -> bool:
    """Tell whether a text has more than comments and the lines between documents."""
    return any(line and line not in {"---", "..."} and line[0] != "#" for line in map(str.strip, text.splitlines()))


def _folder(folder: Path, *, recursive: bool = False) -> list[Path | Problem]:
    """List the manifests of a folder, by name; a folder without any is a problem."""
    if recursive:
        below = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in SUFFIXES]
        return [*below] or [Problem(str(folder), 0, "", f"no manifests in the folder or below ({', '.join(SUFFIXES)})")]
    names = {path.name for path in folder.iterdir() if path.is_file()}
    if names & {"kustomization.yaml", "kustomization.yml"}:
        hint = f"render it first: kubectl kustomize {folder} | kubeproof check -"
        return [Problem(str(folder), 0, "", "the folder is a kustomization", hint)]
    if "Chart.yaml" in names:
        hint = f"render it first: helm template {folder} | kubeproof check -"
        return [Problem(str(folder), 0, "", "the folder is a Helm chart", hint)]
    found: list[Path | Problem] = [folder / name for name in sorted(names) if name.endswith(SUFFIXES)]
    if found:
        return found
    deeper = sorted({path.parent for path in folder.rglob("*") if path.suffix in SUFFIXES})
    hint = f"there are some in {deeper[0]}: -R goes there" if deeper else ""
    return [Problem(str(folder), 0, "", f"the folder has no manifests ({', '.join(SUFFIXES)})", hint)]


def _read(source: str | Path) -> Text | Problem:
    name = "stdin" if str(source) == STDIN else str(source)
    if name.startswith(("http://", "https://", "http:/", "https:/")):
        return Problem(name, 0, "", "addresses are not fetched", f"curl {name} | kubeproof check -")
    try:
        data = sys.stdin.buffer.read() if name == "stdin" else Path(source).read_bytes()
    except FileNotFoundError:
        return Problem(name, 0, "", "no such file or folder")
    except OSError as error:
        return Problem(name, 0, "", f"cannot be read: {error.strerror}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Problem(name, 0, "", "not a text file: expected YAML or JSON in UTF-8")
    return Problem(name, 0, "", "not a text file: expected YAML or JSON in UTF-8") if "\0" in text else Text(name, text)
