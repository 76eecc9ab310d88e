"""Violations that are known: a file in the repository which lists them, so that a pipeline fails on new ones only.

They are told by scenario, claim, kind and the fields that are to blame, not by lines or names of Pods: those move.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...impl.api.reading.load import BadInput, Problem
from .findings import Checked, Key

FORMAT = 1


def read(path: Path) -> frozenset[Key]:
    """Read a baseline; a file that is not there knows nothing. Raises BadInput."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise _bad(path, f"has format {found['format']!r}; this kubeproof reads format {FORMAT}")
        return frozenset(map(_key, found["violations"]))
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _bad(path, "is no baseline") from None


def _bad(path: Path, message: str) -> BadInput:
    return BadInput((Problem(str(path), 0, "", message, "--update-baseline writes one"),))


def _key(row: dict[str, Any]) -> Key:
    objects = tuple((str(obj["object"]), str(obj["field"])) for obj in row["objects"])
    return Key(str(row["scenario"]), str(row["claim"]), str(row["kind"]), objects)


def text(every: Iterable[Checked], known: Iterable[Key] = ()) -> str:
    """Return the baseline that knows every violation found; of scenarios that were not asked what was known."""
    found = tuple(every)
    asked = {checked.name for checked in found}
    keys = {finding.key for checked in found for finding in checked.violated}
    keys |= {key for key in known if key.scenario not in asked}
    rows = [
        {
            "scenario": key.scenario,
            "claim": key.claim,
            "kind": key.kind,
            "objects": [{"object": name, "field": field} for name, field in key.objects],
        }
        for key in sorted(keys)
    ]
    return json.dumps({"format": FORMAT, "violations": rows}, indent=2, ensure_ascii=False) + "\n"


def told(every: Iterable[Checked]) -> str:
    """Say what of the baseline was found again, and what is gone and should be taken out of it."""
    lines = []
    for checked in every:
        own = {key for key in checked.known if key.scenario == checked.name}
        found = {finding.key for finding in checked.violated}
        lines += [f"known, not counted: {_said(key)}" for key in sorted(own & found)]
        lines += [
            f"known, but not found any more (--update-baseline takes it out): {_said(key)}"
            for key in sorted(own - found)
        ]
    return "".join(f"{line}\n" for line in lines)


def _said(key: Key) -> str:
    objects = ", ".join(" ".join(part for part in obj if part) for obj in key.objects if any(obj))
    return f"{key.scenario}: {key.claim}{f' ({key.kind})' if key.kind else ''}{f' at {objects}' if objects else ''}"
