"""The checker: explores any machine and knows nothing of what it models. `explore` is the way in."""

from .checkpoint import Checkpoint, CheckpointError
from .explore import explore
from .inclusion import includes
from .ltl import satisfies
from .options import Options
from .refine import refinement, refines
from .results import (
    ActionStatistics,
    Exploration,
    GroupStatistics,
    Limits,
    Progress,
    Statistics,
    Status,
    Step,
    Timing,
    Trace,
    Verdict,
)
from .semantics import ImpureStepError, StepError, UrgentError
from .simulate import simulate
from .traces import Divergence, Replay, replay, states

__all__ = [
    "ActionStatistics",
    "Checkpoint",
    "CheckpointError",
    "Divergence",
    "Exploration",
    "GroupStatistics",
    "ImpureStepError",
    "Limits",
    "Options",
    "Progress",
    "Replay",
    "Statistics",
    "Status",
    "Step",
    "StepError",
    "Timing",
    "Trace",
    "UrgentError",
    "Verdict",
    "explore",
    "includes",
    "refinement",
    "refines",
    "replay",
    "satisfies",
    "simulate",
    "states",
]
