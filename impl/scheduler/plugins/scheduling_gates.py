"""SchedulingGates: a Pod that has gates is not tried at all.

Upstream: pkg/scheduler/framework/plugins/schedulinggates/scheduling_gates.go (v1.32).
"""

from __future__ import annotations

from ...api.core import Pod

NAME = "SchedulingGates"


def pre_enqueue(pod: Pod) -> str:
    """Say what a gated Pod waits for; "" when nothing holds it."""
    gates = " ".join(gate.name for gate in pod.spec.scheduling_gates)
    return f"waiting for scheduling gates: [{gates}]" if gates else ""
