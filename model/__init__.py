"""What may happen: machines, and the checker that explores any machine; one state machine per Kubernetes component.

The names here are the generic ones. The machine of a component is in the module of its name.
"""

from .checker import Exploration, Limits, Options, Replay, Status, Step, Trace, Verdict, explore, replay
from .machine import (
    Action,
    Converges,
    Fairness,
    Invariant,
    Machine,
    MachineError,
    Outcome,
    Property,
    Sometimes,
    State,
    StepProperty,
    View,
)

__all__ = [
    "Action",
    "Converges",
    "Exploration",
    "Fairness",
    "Invariant",
    "Limits",
    "Machine",
    "MachineError",
    "Options",
    "Outcome",
    "Property",
    "Replay",
    "Sometimes",
    "State",
    "Status",
    "Step",
    "StepProperty",
    "Trace",
    "Verdict",
    "View",
    "explore",
    "replay",
]
