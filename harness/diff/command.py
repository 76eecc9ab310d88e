"""`kubeproof diff`: what is compared, both sides checked, and which change between releases makes the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click
from attrs import evolve, frozen

from ...impl.api.releases import Change
from ...model.checker.results import Progress, Status
from ..face import Cluster, Result, check
from ..input.files.options import cluster_of, keywords, limits_of
from ..islands import cache as answers
from .compare import Comparison, Side, Turn, compare

Watcher = Callable[[Progress], None] | None
Options = dict[str, Any]


@frozen
class Asked:
    """One side before it is checked: what it is called, its manifests, and what differs from what is asked of both."""

    name: str
    cluster: Cluster
    options: Options


def diff(paths: tuple[str, ...], given: dict[str, Any], progress: Watcher) -> Comparison:
    """Check both sides and compare them.

    Raises click's UsageError where it is not clear what to compare, BadInput for what is wrong with either side.
    """
    first, second = sides(paths, given)
    ask = _asker(given, progress)
    found = compare(Side(first.name, ask(first)), Side(second.name, ask(second)))
    if not given["why"]:
        return found
    if len(given["release"]) != TWO:
        raise click.UsageError("--why needs two releases")
    return evolve(found, claims=tuple(_because(found, second, ask)))


TWO = 2


def _asker(given: dict[str, Any], progress: Watcher) -> Callable[[Asked], Result]:
    common = {**keywords(given), "limits": limits_of(given)}
    kept = None if given["no_cache"] else answers.Cache(answers.home())
    return lambda asked: check(asked.cluster, **common, **asked.options, cache=kept, progress=progress)


def sides(paths: tuple[str, ...], given: dict[str, Any]) -> tuple[Asked, Asked]:
    """Say what is compared: two releases, a switch with its opposite, or two revisions of the manifests."""
    releases, once = given["release"], switches_of(given["switch"])
    if len(releases) > TWO:
        raise click.UsageError("--release: name two releases to compare, or one for both sides")
    if len(releases) == TWO or once:
        cluster = cluster_of(paths, given)
        named = [{"release": release} for release in releases] or [{}]
        first, second = named[0], named[-1]
        done = "".join(f", {key}: {value}" for key, value in once.items())
        before = {**first, "switches": once} if once else first
        return Asked(f"{_kubernetes(first)}{done}", cluster, before), Asked(_kubernetes(second), cluster, second)
    if len(paths) == TWO and not given["filename"]:
        options = {"release": releases[0]} if releases else {}
        old, new = (cluster_of((path,), given) for path in paths)
        names = paths if old.name == new.name else (old.name, new.name)
        return Asked(names[0], old, options), Asked(names[1], new, options)
    raise click.UsageError("name two releases (--release 1.32 --release 1.36), a --switch, or two revisions: OLD NEW")


def _kubernetes(options: Options) -> str:
    return f"Kubernetes {options['release']}" if options else "as it is"


def switches_of(given: tuple[str, ...]) -> dict[str, str]:
    """Read endpoints=before-1.21 into the switches of scenario.yaml, which says what is none."""
    pairs = [text.partition("=") for text in given]
    if wrong := [
        text for text, (key, equals, value) in zip(given, pairs, strict=True) if not (key and equals and value)
    ]:
        raise click.BadParameter(f"expected KEY=VALUE, got {wrong[0]!r}", param_hint="--switch")
    return {key: value for key, _, value in pairs}


def _because(found: Comparison, second: Asked, ask: Callable[[Asked], Result]) -> Iterator[Any]:
    """Yield the claims, those that got worse with the changes of which each, taken back alone, mends them."""
    worse = {compared.claim for compared in found.claims if compared.turn is Turn.WORSE}
    older, newer = (side.result.loaded.scenario.release for side in (found.first, found.second))
    mending: dict[str, list[str]] = {name: [] for name in worse}
    for change in (known for known in Change if worse and (known in older) != (known in newer)):
        value = change.before if change in newer else change.after
        there = Side("", ask(evolve(second, options={**second.options, "switches": {change.key: value}})))
        for name in sorted(worse):
            claim = there.claim(name)
            if claim is not None and claim.status is Status.HOLDS:
                mending[name].append(f"{change.told} (since {change.since}; {change.source}; {change.key}: {value})")
    for compared in found.claims:
        yield evolve(compared, because=tuple(mending.get(compared.claim, ()) or _NOT_ONE * (compared.claim in worse)))


_NOT_ONE = ("no change alone: several between the releases have to do with it",)
