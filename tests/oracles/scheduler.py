"""Does the scheduler decide as the recorded kube-scheduler did? The comparison of one recording with our own decision.

The recordings (tests/vectors/scheduler) hold the cluster, the Pod and all that the kube-scheduler of a release made of
them. Not compared: the order of reasons on one node (upstream ranges over a map).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.kinds import BY_NAME
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.api.releases import OLDEST, Release
from kubeproof.impl.scheduler import Decision, Profile, Refusal, schedule
from kubeproof.impl.scheduler.filtering import prepare
from kubeproof.impl.scheduler.framework import Snapshot
from kubeproof.impl.scheduler.plugins import dynamic_resources
from kubeproof.impl.scheduler.plugins.preemption import importance, written_to
from kubeproof.impl.scheduler.profile import default_profile

Record = Mapping[str, Any]


@frozen
class Difference:
    """kube-scheduler and the implementation decided differently about `subject`."""

    subject: str
    real: str
    ours: str


def cluster(record: Record) -> tuple[Pod, Cache]:
    """Read the Pod to place and the objects the scheduler saw; kinds without a class are left out."""
    given = record["input"]
    lists = (given[name] for name in sorted(given) if name != "pod")
    objects = [from_json(one) for some in lists for one in some if one["kind"] in BY_NAME]
    pod = from_json(given["pod"])
    if not isinstance(pod, Pod):
        raise TypeError(f"{record['id']}: the pod to schedule is a {type(pod).__name__}")
    return pod, Cache.of(objects)


def not_modelled(record: Record) -> str | None:
    """Say why a record cannot be judged: its Pod claims devices. None if it can."""
    pod, _ = cluster(record)
    return "spec.resourceClaims not modelled" if pod.spec.extra.get("resourceClaims") else None


def judge(record: Record, release: Release = OLDEST) -> Difference | None:
    """Return the first difference between a recorded decision and ours, scores included; None when they agree."""
    return next(differences(record, release), None)


def differences(record: Record, release: Release = OLDEST) -> Iterator[Difference]:
    """Yield every difference: refusals, feasible nodes and message first, then scores and the best nodes."""
    pod, cache = cluster(record)
    profile = default_profile(release)
    ours = schedule(pod, cache, profile)
    yield from in_filters(record["outcome"], ours)
    yield from in_plugins(record["outcome"], pod, Snapshot.of(cache), profile)
    yield from in_scores(record["outcome"], ours)
    yield from in_preemption(record["outcome"].get("preemption"), ours, release)


def in_filters(theirs: Mapping[str, Any], ours: Decision) -> Iterator[Difference]:
    """Yield the differences in who is refused, by which plugin, why, and in the message."""
    # Of a Pod that found a node, the recorder asked the filters about nodes the scheduler itself had already ruled out.
    asked = theirs["preFilterNodeNames"] if theirs["result"] == "Scheduled" else None
    for name, status in sorted((theirs["nodeStatus"] or {}).items()):
        if asked is not None and name not in asked and name in ours.refusals:
            continue
        expected = None if status["code"] == "Success" else _refusal(status)
        yield from _compare(f"node {name}", _unordered(expected), _unordered(ours.refusals.get(name)))
    yield from _compare("feasible", sorted(theirs["feasibleNodes"] or ()), list(ours.feasible))
    yield from _compare("message", theirs.get("message", ""), ours.message)


def in_plugins(theirs: Mapping[str, Any], pod: Pod, snapshot: Snapshot, profile: Profile) -> Iterator[Difference]:
    """Yield the differences in which filters were skipped and in what each of the others says of each node."""
    ready = prepare(snapshot, pod, profile)
    if isinstance(ready, Refusal) or theirs["preFilterStatus"]["code"] != "Success":
        return
    for name, plugins in sorted((theirs["filterByPlugin"] or {}).items()):
        info = snapshot.node(name)
        expected = {plugin: _unordered(_answer(plugin, status)) for plugin, status in plugins.items()}
        asked = (
            {} if info is None else {plugin.name: plugin.filter(state, pod, info) for plugin, state in ready.filters}
        )
        for plugin in sorted({*expected, *asked}):
            found = _unordered(asked[plugin]) if plugin in asked else "skipped"
            yield from _compare(f"filter {plugin} of {name}", expected.get(plugin, "skipped"), found)


def _answer(plugin: str, status: Mapping[str, Any]) -> Refusal | None:
    return None if status["code"] == "Success" else _refusal({**status, "plugin": plugin})


def in_scores(theirs: Mapping[str, Any], ours: Decision) -> Iterator[Difference]:
    """Yield the differences in weighted scores by node and plugin, and in the best nodes."""
    for name, plugins in sorted((theirs.get("scores") or {}).items()):
        expected = {plugin: score["weighted"] for plugin, score in plugins.items()}
        found = dict(ours.scores.get(name, {}))
        for plugin in sorted({*expected, *found}):
            yield from _compare(f"score {plugin} of {name}", expected.get(plugin), found.get(plugin))
    yield from _compare("best", sorted(theirs["bestNodes"] or ()), list(ours.best))


def in_preemption(theirs: Mapping[str, Any] | None, decision: Decision, release: Release) -> Iterator[Difference]:
    """Yield the differences in whether it was tried, whom it would evict where, what it chose and why it could not."""
    if theirs is None:
        return
    ours = decision.preemption
    after = theirs.get("postFilterStatus", {})
    yield from _compare("after filters", list(after.get("reasons", ())), list(decision.after))
    if after.get("plugin") == dynamic_resources.NAME:
        return  # Preemption was not tried: what stands there of it is nobody's answer.
    yield from _compare("eligible", theirs["eligible"], not ours.ineligible)
    yield from _compare("eligible message", theirs.get("eligibleMessage", ""), ours.ineligible)
    real = {one["node"]: one for one in theirs["candidates"]}
    yield from _compare("candidates", sorted(real), [one.node for one in ours.candidates])
    for one in ours.candidates:
        recorded = real.get(one.node, {})
        victims, rank = recorded.get("victims", []), {_named(pod): importance(pod) for pod in one.victims}
        # Upstream's sort is not stable: in which order equally important Pods come is its accident.
        yield from _compare(f"victims on {one.node}", sorted(victims), sorted(rank))
        yield from _compare(f"order on {one.node}", [rank.get(name) for name in victims], [*rank.values()])
        yield from _compare(f"violations on {one.node}", recorded.get("numPDBViolations"), one.violations)
    yield from _compare("selections", sorted(theirs["possibleSelections"]), list(ours.selections))
    for name, status in sorted((theirs.get("nodeStatus") or {}).items()):
        yield from _compare_status(f"preemption on {name}", status, ours.refusals.get(name))
    if nominated := theirs["nominatedNode"]:
        yield from _compare("nominated", nominated, nominated if nominated in ours.selections else ours.selections)
        victims = next((one.victims for one in ours.candidates if one.node == nominated), ())
        evicted = sorted(_named(one) for one in written_to(victims, release))
        yield from _compare("deleted", theirs["deletedPods"], evicted)


def _named(pod: Pod) -> str:
    return f"{pod.metadata.namespace}/{pod.metadata.name}"


def _compare_status(subject: str, status: Mapping[str, Any], ours: Refusal | None) -> Iterator[Difference]:
    """Compare what one node was told; a status without words is that of a node that was not tried."""
    expected = _refusal(status)
    if not expected.reasons and ours is not None:
        expected = evolve(expected, reasons=ours.reasons)
    yield from _compare(subject, _unordered(expected), _unordered(ours))


def _compare(subject: str, real: Any, ours: Any) -> Iterator[Difference]:
    if real != ours:
        yield Difference(subject, str(real), str(ours))


def _refusal(status: Mapping[str, Any]) -> Refusal:
    resolvable = status["code"] == "Unschedulable"
    return Refusal(status.get("plugin", ""), tuple(status.get("reasons", ())), resolvable=resolvable)


def _unordered(refusal: Refusal | None) -> tuple[str, list[str], bool] | None:
    return None if refusal is None else (refusal.plugin, sorted(refusal.reasons), refusal.resolvable)
