"""What an update was about, in a few words: of the structured changes of a step those of one object, field by field.

Only for readers. What a reader looks for comes first: a taint, an owner, a condition, then what is wanted, then what is
counted. What controllers note for themselves (generations, revisions) is told where nothing else has changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen

from ..impl.api.values.frozen import Json, as_map
from .changes import Change, brief, conditions

MOST = 2
"""Fields that are named of one step."""
LISTS = {"taints": "taint", "ownerReferences": "owner", "finalizers": "finalizer", "schedulingGates": "scheduling gate"}
"""Lists of which is said what came and what went, and what one of them is called."""
NOTES = frozenset({"annotations", "collisionCount", "fullyLabeledReplicas", "generation", "observedGeneration"})
"""Fields in which controllers keep notes for themselves (ObjectMeta, statuses of apps/v1)."""

OBSERVED = "observedGeneration"
"""A world counts generations from the one that was observed last, so that either of them is told as this."""
BELOW = re.compile(r"^(metadata|spec|status)\.")


@frozen(order=True)
class Word:
    """What is said of a field, and how late it comes: of two that come alike the shorter name is the plainer one."""

    rank: int
    length: int
    text: str


NOTE = 9


def gist(found: Iterable[Change], about: str) -> str:
    """Return what changed in the object called so ("Node node-1"); "" where it came, went, or is as it was."""
    mine = (change for change in found if change.object and about == f"{change.object.kind} {change.object.name}")
    every = sorted({word for change in mine if change.field for word in _words(change)})
    told = [word.text for word in every if word.rank < NOTE] or [word.text for word in every]
    return ", ".join(told[:MOST]) + (f" and {len(told) - MOST} more" if len(told) > MOST else "")


def _words(change: Change) -> Iterator[Word]:
    for path, before, after in _leaves(change.field, change.before, change.after):
        *_, name = path.split(".")
        if name in LISTS:
            yield from _items(LISTS[name], before or (), after or ())
        elif name == "conditions":
            old, new = conditions(before) or {}, conditions(after) or {}
            differing = (kind for kind in {**old, **new} if old.get(kind) != new.get(kind))
            yield from (Word(1, 0, f"{kind} {_turn(old.get(kind), new.get(kind))}") for kind in differing)
        elif NOTES & set(path.replace("[", ".").split(".")) or ".conditions[" in path:
            yield Word(NOTE, 0, OBSERVED if name == "generation" else BELOW.sub("", path.partition("[")[0]))
        elif before or after:
            short = BELOW.sub("", path)
            yield Word(2 + path.startswith("status."), len(short), f"{short} {_turn(before, after)}")


def _leaves(path: str, before: Json, after: Json) -> Iterator[tuple[str, Json, Json]]:
    """Go into a map that came or went as a whole: what was in it came or went."""
    if isinstance(before, Mapping) != isinstance(after, Mapping) and (before is None or after is None):
        for key in {**as_map(before), **as_map(after)}:
            yield from _leaves(f"{path}.{key}", as_map(before).get(key), as_map(after).get(key))
    else:
        yield path, before, after


def _items(what: str, before: tuple[Json, ...], after: tuple[Json, ...]) -> Iterator[Word]:
    yield from (Word(0, 0, f"{what} {_called(item)} added") for item in after if item not in before)
    yield from (Word(0, 0, f"{what} {_called(item)} removed") for item in before if item not in after)


def _called(item: Json) -> str:
    """Name an item of a list: a taint as kubectl writes it, an owner by kind and name, a text as it is."""
    fields = as_map(item)
    if "effect" in fields:
        value = f"={fields['value']}" if fields.get("value") else ""
        return f"{fields.get('key')}{value}:{fields['effect']}"
    return " ".join(str(fields[key]) for key in ("kind", "name") if key in fields) or str(item)


def _turn(before: Json, after: Json) -> str:
    """Say both values; a number or flag that is not written is 0 or false, as the API has it."""
    known = before if after is None else after
    zero = type(known)() if isinstance(known, bool | int) else None
    return " -> ".join(
        value if isinstance(value, str) else brief(zero if value is None else value) for value in (before, after)
    )
