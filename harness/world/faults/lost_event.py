"""An event of a watch is lost, and nobody notices: only the scheduling queue (`check.detail`) knows single events."""

from __future__ import annotations

from .fault import Fault

FAULT = Fault("lost event", assumed=("only events that a Pod or a node is gone are lost",))
