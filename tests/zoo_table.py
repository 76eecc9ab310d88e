"""What is documented of Kubernetes' failures, and which folder of the zoo finds it: this prints docs/zoo.md.

What is documented stands in tests/documented.yaml: by where, what goes wrong, and what is missing here where no folder
has it. Which folder has it is told by the folders themselves, which say where they are from.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from attrs import frozen
from cattrs import structure

from kubeproof.harness.zoo import registry
from kubeproof.harness.zoo.catalogue import Pair

DOCUMENTED = Path(__file__).parent / "documented.yaml"
HEAD = """\
# Documented failures

`kubeproof zoo list` tells of each failure that is found here, `kubeproof zoo show NAME` prints its manifests with what
the repair changes in them, and `kubeproof zoo run NAME` runs both. A failure is a folder in `harness/zoo/failures`:
`failure.yaml` says what it is about, `faulty/` and `repaired/` are scenarios as any user would write them
([the scenario format](scenario-format.md)). Those marked * are worlds of the scheduler or of connections, without
manifests.

The tables are what bug reports, the documentation and Kivi (USENIX ATC 2024) tell of, and what finds it; they are made
by `python tests/zoo_table.py`. How the cost of Kivi's cases grows, `python tests/growth.py` prints.
"""


@frozen
class Documented:
    """One failure that is told of: where, what, and what is missing where nothing finds it."""

    sources: tuple[str, ...]
    about: str
    missing: str = ""
    group: str = ""


def documented() -> tuple[Documented, ...]:
    """Read what is documented, in its order."""
    groups = yaml.safe_load(DOCUMENTED.read_text(encoding="utf-8"))
    return tuple(structure({**one, "group": group}, Documented) for group, some in groups.items() for one in some)


def found_by(one: Documented) -> tuple[Pair, ...]:
    """Return the failures of the zoo that name one of the places where it is told of."""
    asked = set(one.sources)
    return tuple(pair for _, pair in registry.chosen(()) if asked & set(pair.sources))


def table() -> Iterator[str]:
    """Yield the page, line by line."""
    yield HEAD
    entries = documented()
    with_folder = sum(any(pair.folder for pair in found_by(one)) for one in entries)
    yield f"Of {len(entries)} entries {with_folder} are found from plain YAML."
    for group in dict.fromkeys(one.group for one in entries):
        yield from (
            "",
            f"## {group}",
            "",
            "| what goes wrong | told of in | found by, or what is missing |",
            "|---|---|---|",
        )
        for one in (entry for entry in entries if entry.group == group):
            names = ", ".join(f"`{pair.name}`{'' if pair.folder else ' *'}" for pair in found_by(one))
            yield f"| {one.about} | {', '.join(one.sources)} | {names or f'missing: {one.missing}'} |"


if __name__ == "__main__":
    sys.stdout.write("\n".join(table()) + "\n")
