"""One scheduling decision: feasible nodes, refusals, scores, best nodes, and the words for a Pod that stays pending.

Upstream: schedulePod, prioritizeNodes and handleSchedulingFailure in pkg/scheduler/schedule_one.go (v1.32).
All ties are given: upstream picks one of them at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen
from immutabledict import immutabledict

from ..api.cache import Cache
from ..api.core import Pod
from . import message as words
from .filtering import Ready, enough, find, prepare
from .framework import NodeInfo, Refusal, ScorePlugin, Snapshot
from .plugins.dynamic_resources import NEVER_ASKED, NOTHING_TO_GIVE_BACK
from .plugins.preemption import Preemption, preempt
from .plugins.scheduling_gates import pre_enqueue
from .profile import DEFAULT, Profile

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
    Of many nodes only `looked_at` are, and only those are named. `after` is what plugins said once no node was left.
    """

    feasible: tuple[str, ...] = ()
    best: tuple[str, ...] = ()
    refusals: immutabledict[str, Refusal] = NO_REFUSALS
    scores: Scores = NO_SCORES
    message: str = ""
    skipped: str = ""
    preemption: Preemption = NO_PREEMPTION
    after: tuple[str, ...] = ()
    looked_at: int = 0

    @property
    def preemptable(self) -> tuple[str, ...]:
        """The nodes on which evicting Pods of lower priority would help."""
        return tuple(candidate.node for candidate in self.preemption.candidates)


def schedule(pod: Pod, cache: Cache, config: Profile = DEFAULT, start: int = 0) -> Decision:
    """Decide where a Pod may go, given what the scheduler has seen; see `decide`."""
    return decide(pod, Snapshot.of(cache), config, start)


def decide(pod: Pod, snapshot: Snapshot, config: Profile = DEFAULT, start: int = 0) -> Decision:
    """Decide where a Pod may go. Many decisions on one snapshot, or on those made from it by `assume`, are fast.

    `start` is where the search begins among more than a hundred nodes: the last one's `start` plus its `looked_at`.
    """
    if waiting := pre_enqueue(pod):
        return Decision(skipped=waiting)
    count = len(snapshot.nodes)
    if not count:
        return Decision(message=words.NO_NODES)
    ready = prepare(snapshot, pod, config)
    if isinstance(ready, Refusal):
        everywhere = immutabledict((info.name, ready) for info in snapshot.nodes)
        return _nowhere(snapshot, pod, everywhere, words.refused_by_all(count, ready), None, config)
    question = snapshot.number((config, pod.spec))
    found = find(snapshot, pod, ready, question, enough(count, config.percentage_of_nodes_to_score), start)
    refusals = immutabledict((name, found.refusals[name]) for name in sorted(found.refusals))
    if not found.feasible:
        return _nowhere(snapshot, pod, refusals, words.fit_error(count, refusals.values()), ready, config)
    feasible = tuple(sorted(found.feasible, key=_name))
    scores = _scores(snapshot, pod, feasible, config, question)
    totals = {name: sum(given.values()) for name, given in scores.items()}
    highest = max(totals.values())
    best = tuple(name for name, total in totals.items() if total == highest)
    if (promised := pod.status.nominated_node_name) in totals:
        best = (promised,)  # Room was made there for this very Pod; it is tried before all others.
    return Decision(tuple(totals), best, refusals, scores, looked_at=len(feasible) + len(refusals))


def _name(info: NodeInfo) -> str:
    return info.name


def _nowhere(
    snapshot: Snapshot,
    pod: Pod,
    refusals: immutabledict[str, Refusal],
    message: str,
    ready: Ready | None,
    config: Profile,
) -> Decision:
    after = NO_PREEMPTION
    if config.gives_back and ready is None:
        after = Preemption(message=NEVER_ASKED)
    elif config.preempts:
        after = preempt(snapshot, pod, refusals, ready)
    first = (NOTHING_TO_GIVE_BACK,) if config.gives_back and ready is not None and not after.candidates else ()
    said = (*first, after.message) if after.message else first
    full = f"{message} {', '.join(said)}" if said else message
    return Decision(refusals=refusals, message=full, preemption=after, after=said, looked_at=len(snapshot.nodes))


def _scores(snapshot: Snapshot, pod: Pod, feasible: tuple[NodeInfo, ...], config: Profile, question: int) -> Scores:
    """Let each ranking plugin score the feasible nodes, normalise, and weigh."""
    columns: dict[str, Mapping[str, int]] = {}
    names_of_nodes = tuple(map(_name, feasible))
    for plugin in config.scores:
        state = plugin.pre_score(snapshot, pod, feasible)
        if state is not None:
            raw = dict(zip(names_of_nodes, _raw(plugin, state, pod, feasible, question), strict=True))
            normal = plugin.normalize(state, raw)
            columns[plugin.name] = {name: score * plugin.weight for name, score in normal.items()}
    names = sorted(columns)
    rows = list(zip(*(columns[name].values() for name in names), strict=True)) or [()] * len(feasible)
    return immutabledict(
        (name, immutabledict(zip(names, row, strict=True))) for name, row in zip(names_of_nodes, rows, strict=True)
    )


def _raw(plugin: ScorePlugin[Any], state: Any, pod: Pod, infos: tuple[NodeInfo, ...], question: int) -> list[int]:
    """Ask a plugin that looks at nothing but the node once."""
    if not plugin.alone:
        return [plugin.score(state, pod, info) for info in infos]
    key = (plugin.name, question)
    for info in infos:
        if key not in info.known:
            info.known[key] = plugin.score(state, pod, info)
    return [info.known[key] for info in infos]


def unmodelled(pod: Pod) -> tuple[str, ...]:
    """Name what the scheduler of a world is not shown: volumes and claims.

    `schedule` itself decides on volumes, given a cache that has all objects.
    """
    return tuple(f"spec.{name}" for name in ("volumes", "resourceClaims") if _matters(name, pod))


def _matters(name: str, pod: Pod) -> bool:
    """Only claims restrict nodes; config maps, secrets and empty directories are everywhere."""
    if name == "volumes":
        return any(
            "persistentVolumeClaim" in volume or "ephemeral" in volume for volume in pod.spec.extra.get(name, ())
        )
    return bool(pod.spec.extra.get(name))
