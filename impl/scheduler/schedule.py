"""One scheduling decision: feasible nodes, refusals, scores, best nodes, and the words for a Pod that stays pending.

Upstream: schedulePod, prioritizeNodes and handleSchedulingFailure in pkg/scheduler/schedule_one.go (v1.32).
All ties are given: upstream picks one of them at random.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen
from immutabledict import immutabledict

from ..api.cache import Cache
from ..api.core import Pod
from . import message as words
from .filtering import Ready, prepare, refusal_with_nominated
from .framework import NodeInfo, Refusal, Snapshot
from .preemption import Preemption, preempt
from .priority_sort import priority
from .profile import DEFAULT, Profile
from .scheduling_gates import pre_enqueue

Scores = immutabledict[str, immutabledict[str, int]]
"""Node name to plugin name to weighted score; plugins that were skipped are absent."""

NO_REFUSALS: immutabledict[str, Refusal] = immutabledict()
NO_SCORES: Scores = immutabledict()
NO_PREEMPTION = Preemption()


@frozen
class Decision:
    """What the scheduler found. All node names are sorted.

    `best` are the nodes with the highest total score, `message` is "" unless no node is feasible, `skipped` says why
    the Pod was not tried at all ("" if it was), `preemption` says whom it would evict if no node is feasible.
    """

    feasible: tuple[str, ...] = ()
    best: tuple[str, ...] = ()
    refusals: immutabledict[str, Refusal] = NO_REFUSALS
    scores: Scores = NO_SCORES
    message: str = ""
    skipped: str = ""
    preemption: Preemption = NO_PREEMPTION

    @property
    def preemptable(self) -> tuple[str, ...]:
        """The nodes on which evicting Pods of lower priority would help."""
        return tuple(candidate.node for candidate in self.preemption.candidates)


def schedule(pod: Pod, cache: Cache, config: Profile = DEFAULT) -> Decision:
    """Decide where a Pod may go, given what the scheduler has seen."""
    if waiting := pre_enqueue(pod):
        return Decision(skipped=waiting)
    snapshot = Snapshot.of(cache)
    if not snapshot.nodes:
        return Decision(message=words.NO_NODES)
    refusals, message, ready = _refusals(snapshot, pod, config)
    feasible = tuple(info for info in snapshot.nodes if info.name not in refusals)
    if not feasible:
        after = preempt(snapshot, pod, refusals, ready)
        full = f"{message} {after.message}" if after.message else message
        return Decision(refusals=refusals, message=full, preemption=after)
    scores = _scores(snapshot, pod, feasible, config)
    totals = {info.name: sum(scores[info.name].values()) for info in feasible}
    highest = max(totals.values())
    best = tuple(name for name, total in totals.items() if total == highest)
    if (promised := pod.status.nominated_node_name) in totals:
        best = (promised,)  # Room was made there for this very Pod; it is tried before all others.
    return Decision(tuple(totals), best, refusals, scores)


def _refusals(snapshot: Snapshot, pod: Pod, config: Profile) -> tuple[immutabledict[str, Refusal], str, Ready | None]:
    """Give the refusals by node, the words for the case that they are all the nodes, and the filters asked."""
    ready = prepare(snapshot, pod, config)
    count = len(snapshot.nodes)
    if isinstance(ready, Refusal):
        everywhere = immutabledict((info.name, ready) for info in snapshot.nodes)
        return everywhere, words.refused_by_all(count, ready), None
    answers = ((info.name, refusal_with_nominated(snapshot, ready, pod, info)) for info in snapshot.nodes)
    refusals = immutabledict((name, answer) for name, answer in answers if answer is not None)
    return refusals, words.fit_error(count, refusals.values()), ready


def _scores(snapshot: Snapshot, pod: Pod, feasible: tuple[NodeInfo, ...], config: Profile) -> Scores:
    """Let each ranking plugin score the feasible nodes, normalise, and weigh."""
    columns: dict[str, Mapping[str, int]] = {}
    for plugin in config.scores:
        state = plugin.pre_score(snapshot, pod, feasible)
        if state is not None:
            raw = {info.name: plugin.score(state, pod, info) for info in feasible}
            normal = plugin.normalize(state, raw)
            columns[plugin.name] = {name: score * plugin.weight for name, score in normal.items()}
    return immutabledict(
        (info.name, immutabledict((name, columns[name][info.name]) for name in sorted(columns))) for info in feasible
    )


def unmodelled(pod: Pod, cache: Cache | None = None) -> tuple[str, ...]:
    """Name what the scheduler of a world is not shown or does not do: volumes, claims, evictions for this Pod.

    `schedule` itself decides on volumes and says whom it would evict, given a cache that has all objects.
    """
    lines = [f"spec.{name}" for name in ("volumes", "resourceClaims") if _matters(name, pod)]
    others = () if cache is None else cache.list(Pod)
    lower = [other for other in others if other.spec.node_name and priority(other) < priority(pod)]
    if lower and pod.spec.preemption_policy != "Never":
        lines.append(
            f"spec.priority: {len(lower)} Pod(s) of lower priority could be evicted; preemption is not modelled"
        )
    return tuple(lines)


def _matters(name: str, pod: Pod) -> bool:
    """Only claims restrict nodes; config maps, secrets and empty directories are everywhere."""
    if name == "volumes":
        return any(
            "persistentVolumeClaim" in volume or "ephemeral" in volume for volume in pod.spec.extra.get(name, ())
        )
    return bool(pod.spec.extra.get(name))
