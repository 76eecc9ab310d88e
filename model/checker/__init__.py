"""The checker: explores any machine and knows nothing of what it models. `explore` is the way in."""

from .checkpoint import Checkpoint, CheckpointError
from .explore import explore
from .results import ActionStatistics, Exploration, Limits, Progress, Statistics, Status, Step, Trace, Verdict
from .semantics import ImpureStepError, StepError, UrgentError
from .traces import Divergence, Replay, replay, state_at, states

__all__ = [
    "ActionStatistics",
    "Checkpoint",
    "CheckpointError",
    "Divergence",
    "Exploration",
    "ImpureStepError",
    "Limits",
    "Progress",
    "Replay",
    "Statistics",
    "Status",
    "Step",
    "StepError",
    "Trace",
    "UrgentError",
    "Verdict",
    "explore",
    "replay",
    "state_at",
    "states",
]
