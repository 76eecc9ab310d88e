"""The names of the claims, for whatever says which of them it may change."""

from __future__ import annotations

CONVERGENCE = "convergence"
PLACEMENT = "placement"
PRIORITY = "priority"
DEADLINE = "deadline"
SPREAD = "spread"
REACHABILITY = "reachability"
BUDGET = "budget"
FLOWS = "flows"
ISOLATION = "isolation"
CONNECTIVITY = "connectivity"

ALL = (CONVERGENCE, PLACEMENT, PRIORITY, DEADLINE, SPREAD, REACHABILITY, BUDGET, FLOWS, ISOLATION, CONNECTIVITY)
