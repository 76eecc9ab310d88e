"""The scheduler decides as kube-scheduler v1.32 was recorded to: refusals, reasons, messages, scores, ties, victims."""

from __future__ import annotations

import gc
import json
import lzma
from collections.abc import Iterator
from typing import Any

import pytest

from oracles.scheduler import differences
from places import VECTORS
from planted import planted

FOLDER = VECTORS / "scheduler"
SIZES = {
    "defaultspread": 134,
    "images": 141,
    "mixed": 289,
    "nodeaffinity": 146,
    "nodename": 146,
    "nodeselector": 137,
    "podaffinity": 271,
    "ports": 152,
    "preempt": 1107,
    "resources": 144,
    "spread": 269,
    "spreadskew": 343,
    "taints": 138,
    "unsched": 129,
    "volumes": 133,
}
SCHEDULER = "kubeproof.impl.scheduler"


def records(theme: str) -> Iterator[dict[str, Any]]:
    with lzma.open(FOLDER / f"{theme}.jsonl.xz", "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines)


def disagreeing(theme: str) -> Iterator[str]:
    return (f"{record['id']}: {first}" for record in records(theme) for first in [*differences(record)][:1])


@pytest.fixture(autouse=True, scope="module")
def without_collecting() -> Iterator[None]:
    """Save the time of looking for cycles, over and over, in a great many values that have none."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("theme", sorted(SIZES))
def test_every_recorded_decision_is_reproduced(theme: str) -> None:
    assert sum(1 for _ in records(theme)) == SIZES[theme]
    assert [*disagreeing(theme)] == []


@pytest.mark.parametrize(
    ("theme", "module", "before", "after"),
    [
        pytest.param("resources", "plugins.balanced_allocation", ") / 2)", ") / 3)", id="balance weighs less"),
        pytest.param("images", "plugins.image_locality", "- LEAST) // (most", ") // (most", id="small images count"),
        pytest.param(
            "podaffinity",
            "plugins.inter_pod_affinity_score",
            "-weighted.weight",
            "weighted.weight",
            id="dislikes are likes",
        ),
        pytest.param(
            "spread", "plugins.pod_topology_spread_score", "math.log(size + 2)", "1.0", id="domains weigh alike"
        ),
        pytest.param(
            "defaultspread", "plugins.pod_topology_spread_score", "max_skew - 1", "max_skew", id="maxSkew weighs more"
        ),
        pytest.param("taints", "plugins.taint_toleration", "reverse=True", "reverse=False", id="taints are liked"),
        pytest.param("nodeaffinity", "plugins.node_affinity", "sum(term.weight", "sum(1", id="weights are ignored"),
        pytest.param(
            "preempt",
            "plugins.preemption",
            "return -priority(pod), _started",
            "return priority(pod), _started",
            id="the least important is spared first",
        ),
        pytest.param(
            "preempt",
            "plugins.preemption",
            "for victim in (*violating, *harmless)",
            "for victim in (*harmless, *violating)",
            id="budgets are spared last",
        ),
        pytest.param(
            "preempt",
            "plugins.preemption",
            "allowed[ref] < 0",
            "allowed[ref] < 1",
            id="a budget is spent one too early",
        ),
        pytest.param(
            "preempt",
            "plugins.preemption",
            "len(victims), -earliest",
            "len(victims), earliest",
            id="the longest running are evicted",
        ),
        pytest.param(
            "preempt",
            "plugins.preemption",
            "violations += victim in violating",
            "violations += 0",
            id="violations do not count",
        ),
        pytest.param(
            "preempt", "plugins.preemption", "+ PRIORITY_OFFSET", "", id="negative priorities make more victims cheaper"
        ),
        pytest.param(
            "preempt", "filtering", "if plugin.sees_pods", "if plugin.name == 'x'", id="spread is not counted anew"
        ),
        pytest.param("volumes", "plugins.volumes.volume_zone", "split(SEPARATOR)", "split()", id="two zones are one"),
        pytest.param(
            "volumes",
            "plugins.volumes.volume_binding",
            "not waits(claim, cache)",
            "waits(claim, cache)",
            id="all bind late",
        ),
        pytest.param(
            "volumes",
            "plugins.volumes.volume_binding",
            ">= _requested(claim)",
            "> _requested(claim)",
            id="enough is not",
        ),
        pytest.param(
            "volumes", "plugins.volumes.volume_restrictions", "own or taken", "own", id="one Pod claims are shared"
        ),
        pytest.param("mixed", "message", ', ".join(sorted(', ', ".join(list(', id="reasons unsorted"),
    ],
)
def test_a_planted_fault_disagrees_with_the_recordings(theme: str, module: str, before: str, after: str) -> None:
    with planted(f"{SCHEDULER}.{module}", before, after):
        assert any(disagreeing(theme))
