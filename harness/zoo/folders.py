"""Documented failures that are folders of YAML: what `kubeproof check` is given, without its repair and with it.

A folder is called like the failure. `failure.yaml` says what it is about, in the words of `Written`; `faulty/` and
`repaired/` are scenarios as any user would write them (docs/scenario-format.md), each with the verdict it expects. An
operator that fails is beside them, in `operator.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import yaml
from attrs import frozen
from cattrs import structure
from immutabledict import immutabledict

from .. import face
from ..own.importing import named_own
from .catalogue import Found, Pair, found_in

FAILURES = Path(__file__).parent / "failures"
OPERATOR = "operator.py"


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
    controllers: Mapping[str, str] = immutabledict()
    """Where the failure is an operator's: its function in operator.py, as it was and repaired."""
    properties: tuple[str, ...] = ()
    """What must hold of it: functions of operator.py."""


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
        faulty=partial(_checked, folder, words, "faulty"),
        repaired=partial(_checked, folder, words, "repaired"),
        folder=folder,
    )


def told_operator(folder: Path, twin: str) -> str:
    """Return the options by which `kubeproof check` is told of the operator of a failure, "" where there is none."""
    words = written(folder)
    if twin not in words.controllers:
        return ""
    claims = "".join(f" --property {folder / OPERATOR}:{name}" for name in words.properties)
    return f" --controller {folder / OPERATOR}:{words.controllers[twin]}{claims}"


def _checked(folder: Path, words: Written, twin: str) -> Found:
    named = ([words.controllers[twin]] if words.controllers else [], words.properties)
    own = named_own(*([f"{folder / OPERATOR}:{name}" for name in names] for names in named))
    report = face.check(folder / twin, controllers=own.controllers, properties=own.properties)
    return found_in(report.outcome, words.claim)
