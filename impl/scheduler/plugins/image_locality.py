"""ImageLocality: better is a node that already has the Pod's images, the more so the more nodes have them.

Upstream: pkg/scheduler/framework/plugins/imagelocality/image_locality.go (v1.32).
"""

from __future__ import annotations

from collections import Counter

from attrs import frozen
from immutabledict import immutabledict

from ...api.core import Pod
from ..framework import MAX_NODE_SCORE, NodeInfo, ScorePlugin, Snapshot

NAME = "ImageLocality"
MEBIBYTE = 1024 * 1024
LEAST = 23 * MEBIBYTE
"""Below this, pulling is so fast that having the image is worth nothing."""
MOST_PER_CONTAINER = 1000 * MEBIBYTE


@frozen
class Spread:
    """On how many of the nodes each image name is."""

    nodes: int
    having: immutabledict[str, int]


def normalized(image: str) -> str:
    """Add the tag an image without one means."""
    return image if image.rfind(":") > image.rfind("/") else f"{image}:latest"


def pre_score(snapshot: Snapshot, pod: Pod, _feasible: tuple[NodeInfo, ...]) -> Spread:
    """Count the nodes that have each image of the Pod."""
    wanted = {normalized(container.image) for container in (*pod.spec.init_containers, *pod.spec.containers)}
    having = Counter(
        name
        for info in snapshot.nodes
        if info.node.status.images
        for name in wanted & {name for image in info.node.status.images for name in image.names}
    )
    return Spread(len(snapshot.nodes), immutabledict(having))


def score(spread: Spread, pod: Pod, info: NodeInfo) -> int:
    """Add up the sizes of the images present, each scaled by how common it is, between two thresholds."""
    if not spread.having:
        return 0
    sizes = {name: image.size_bytes for image in info.node.status.images for name in image.names}
    containers = (*pod.spec.init_containers, *pod.spec.containers)
    images = [name for container in containers if (name := normalized(container.image)) in sizes]
    present = sum(int(sizes[name] * (spread.having[name] / spread.nodes)) for name in images)
    most = MOST_PER_CONTAINER * len(containers)
    return MAX_NODE_SCORE * (min(max(present, LEAST), most) - LEAST) // (most - LEAST)


SCORE = ScorePlugin(NAME, 1, pre_score, score)
