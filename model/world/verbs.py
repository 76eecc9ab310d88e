"""What the actions of a world do: values that code may compare. The names of actions are for people."""

from __future__ import annotations

from enum import Enum


class Verb(Enum):
    """What somebody does in an action of a world."""

    # Processes of components.
    DECIDES = "decides"
    LOOKS_AGAIN = "looks again"
    IS_TOO_LATE = "sees it is too late"
    IS_SHOWN = "is shown"
    SEES = "sees"
    PASSES_OVER = "passes over"
    FINDS_NOTHING = "finds nothing to do"
    BEGINS_SYNC = "begins a sync"
    """A sync whose choice the store narrows begins before it sends."""
    SENDS = "sends"
    ABANDONS = "abandons"
    HEARS_NOTHING = "hears nothing"
    STARTS_CLOCK = "starts the clock"

    # The script.
    BEGINS = "begins"
    """A command is typed: all of it but for a drain, which goes on."""
    LISTS = "lists"
    EVICTS = "evicts"
    ENDS = "ends"
    GIVES_UP = "gives up"

    # Nodes.
    WORKS = "works"
    """A kubelet's work on one Pod."""
    SYNCS = "syncs"
    """A kube-proxy programs what it sees."""
    CHECKS = "checks"
    """A load balancer follows what a node answers to its health checks."""
    IS_SERVED = "is served"
    """A client has the answer to what it asked on a connection."""
    REPORTS = "reports"
    """A kubelet says how its node is."""

    # Clocks.
    COMES_DUE = "comes due"

    # What may befall them.
    CRASHES = "crashes and restarts"
    RESTARTS_STALE = "restarts against apiserver-2"
    LOSES = "loses the answer"
    LOSES_LEAD = "loses the lead"
    OUTWAITS = "waits no longer for what it wrote"
    LOOKS_TOO_EARLY = "looks too early"
    BEGINS_UNSEEN = "sees more before its answer is lost"
    STANDS_STILL = "stands still"
    CATCHES_UP = "catches up"
    CONTAINER_CRASHES = "container crashes"
    PROBE_FAILS = "readiness probe fails"
    LOAD_CHANGES = "the load changes"
    DIES = "dies"
    REBOOTS = "reboots"
    COMES_UP = "comes up"
    IS_CUT_OFF = "is cut off"
    IS_IN_TOUCH = "is in touch again"


IN_MIND = frozenset(
    {
        Verb.DECIDES,
        Verb.LOOKS_AGAIN,
        Verb.IS_TOO_LATE,
        Verb.IS_SHOWN,
        Verb.SEES,
        Verb.PASSES_OVER,
        Verb.FINDS_NOTHING,
        Verb.ABANDONS,
    }
)
"""What a process does by itself: only its own memories change."""
FAULTS = frozenset(
    {
        Verb.CRASHES,
        Verb.CONTAINER_CRASHES,
        Verb.PROBE_FAILS,
        Verb.DIES,
        Verb.REBOOTS,
        Verb.IS_CUT_OFF,
        Verb.LOOKS_TOO_EARLY,
        Verb.LOSES,
        Verb.LOSES_LEAD,
        Verb.OUTWAITS,
        Verb.RESTARTS_STALE,
    }
)
"""What nobody does on purpose."""
