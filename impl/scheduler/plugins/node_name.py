"""NodeName: a Pod that names its node goes there or nowhere.

Upstream: pkg/scheduler/framework/plugins/nodename/node_name.go (v1.32).
"""

from __future__ import annotations

from ...api.core import Pod
from ..framework import FilterPlugin, NodeInfo, Refusal

NAME = "NodeName"


def filter_node(_state: None, pod: Pod, info: NodeInfo) -> Refusal | None:
    """Refuse every other node than the one named."""
    if pod.spec.node_name in {"", info.name}:
        return None
    return Refusal(NAME, ("node(s) didn't match the requested node name",), resolvable=False)


PLUGIN = FilterPlugin.simple(NAME, filter_node)
