"""Documented failures that are folders of YAML: what `kubeproof check` is given, without its repair and with it.

A folder is called like the failure. `failure.yaml` says what it is about, in the words of `Written`; `faulty/` and
`repaired/` are scenarios as any user would write them (docs/scenario-format.md), each with the verdict it expects.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import yaml
from attrs import frozen
from cattrs import structure

from .. import face
from .catalogue import Found, Pair, found_in

FAILURES = Path(__file__).parent / "failures"


@frozen
class Written:
    """What failure.yaml says."""

    topic: str
    claim: str
    """The claim of `check` that is violated without the repair, and holds with it."""
    what: str
    repair: str
    sources: tuple[str, ...]
    shows: str
    """What a step of the run that shows the failure says."""


def pairs(topic: str) -> tuple[Pair, ...]:
    """Read the failures of a topic, by name."""
    read = ((path.parent, written(path.parent)) for path in sorted(FAILURES.glob("*/failure.yaml")))
    return tuple(_pair(folder, words) for folder, words in read if words.topic == topic)


def written(folder: Path) -> Written:
    """Read what a failure is about."""
    return structure(yaml.safe_load((folder / "failure.yaml").read_text(encoding="utf-8")), Written)


def _pair(folder: Path, words: Written) -> Pair:
    return Pair(
        name=folder.name,
        sources=words.sources,
        what=words.what,
        repair=words.repair,
        faulty=partial(_checked, folder / "faulty", words.claim),
        repaired=partial(_checked, folder / "repaired", words.claim),
        folder=folder,
    )


def _checked(folder: Path, claim: str) -> Found:
    return found_in(face.check(folder).outcome, claim)
