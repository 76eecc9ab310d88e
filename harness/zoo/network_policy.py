"""Documented failures of network plugins, as pairs of policy worlds (`harness.policies`).

Faulty and repaired differ in one setting of the plugin: how a Pod is wired up, or how the sets of addresses are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import evolve

from ...impl.api.meta import LabelSelector
from ...impl.api.values.frozen import strings
from ...model.checker.explore import explore
from ...model.machine import Property
from ...properties.reachability.network_policy import EGRESS, INGRESS, Party, Peer, Policy, Rule
from ..policies import claims
from ..policies.policies import machine
from ..policies.setup import Members, Program, Setup
from .catalogue import Found, Pair, found_by

OUTSIDE = "198.51.100.7"


def labelled(app: str) -> LabelSelector:
    """Select the Pods of an app."""
    return LabelSelector(match_labels=strings({"app": app}))


def program(name: str, app: str, *, finishes: bool = False, may_go: bool = False, fits: bool = True) -> Program:
    """Make a Pod of an app."""
    party = Party("", "shop", name, strings({"app": app}), strings({"kubernetes.io/metadata.name": "shop"}))
    return Program(party, finishes=finishes, may_go=may_go, fits=fits)


FRONT_TO_DB = Policy(
    "shop", "db", labelled("db"), frozenset({INGRESS}), ingress=(Rule((Peer(pods=labelled("front")),)),)
)
"""The database takes connections from the front end, and from nobody else."""
OUT_ONLY = Policy("shop", "job", labelled("job"), frozenset({INGRESS, EGRESS}), egress=(Rule(),))
"""A job may talk to anybody, and nobody to it."""

DB, FRONT, STRANGER = program("db", "db"), program("front", "front"), program("stranger", "other")
CALLER = evolve(program("job", "job"), calls=OUTSIDE)

PLAIN = Setup((FRONT_TO_DB,), (DB, FRONT, STRANGER))
TAKEN_OVER = Setup((FRONT_TO_DB,), (DB, program("front-old", "front", may_go=True), FRONT), addresses=2)
"""There are two addresses: the new front end gets that of the old one."""
FINISHED = Setup((FRONT_TO_DB,), (DB, program("front-job", "front", finishes=True), STRANGER), addresses=2)
"""The stranger gets the address of a front end that has finished."""
PENDING = Setup((FRONT_TO_DB,), (DB, FRONT, program("front-too-big", "front", fits=False)), members=Members.REBUILT)
CALLING = Setup((OUT_ONLY,), (CALLER,))


def judged(setup: Setup, claim: Callable[[Setup], Property]) -> Found:
    """Search a world for a breach of one claim."""
    made = claim(setup)
    return found_by(explore(machine(setup), [made]), made.name)


PAIRS: tuple[Pair, ...] = (
    Pair(
        "pod-starts-unprotected",
        ("kube-router#873", "k3s#13432", "aws-network-policy-agent#271"),
        "A Pod runs unprotected until the agent has seen it, though its policies were handled long before.",
        "The plugin wires Pods up closed, and the agent opens them.",
        partial(judged, evolve(PLAIN, starts_closed=False), claims.isolated),
        partial(judged, PLAIN, claims.isolated),
    ),
    Pair(
        "answer-to-early-connection-blocked",
        ("aws-network-policy-agent#186", "aws-network-policy-agent#189"),
        "A connection that a Pod opens before the agent has seen it is not known to its wall: the answer is blocked.",
        "The plugin wires Pods up closed: what gets out is known to the wall.",
        partial(judged, evolve(CALLING, starts_closed=False), claims.answered),
        partial(judged, CALLING, claims.answered),
    ),
    Pair(
        "address-taken-over-blocked",
        ("weave#3177", "azure-container-networking#562"),
        "A new Pod has the address of an old one; when the agent hears of the old one's end it takes the address out.",
        "The agent counts who put an address into a set.",
        partial(judged, evolve(TAKEN_OVER, members=Members.BY_ADDRESS), claims.allowed_passes),
        partial(judged, TAKEN_OVER, claims.allowed_passes),
    ),
    Pair(
        "address-of-finished-pod-let-in",
        ("azure-container-networking#428", "kube-router#1056"),
        "The address of a Pod that has finished stays in the set, and lets in the stranger who gets it next.",
        "A Pod that has finished is taken out.",
        partial(judged, evolve(FINISHED, members=Members.UNTIL_DELETED), claims.forbidden_stays_out),
        partial(judged, FINISHED, claims.forbidden_stays_out),
    ),
    Pair(
        "pending-pod-freezes-sets",
        ("kube-router#378",),
        "One Pending Pod that a rule names has no address, and no set can be made: nobody new is let in.",
        "Pods without an address are left out.",
        partial(judged, evolve(PENDING, skips_unaddressed=False), claims.allowed_passes),
        partial(judged, PENDING, claims.allowed_passes),
    ),
)
