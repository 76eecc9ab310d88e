"""NetworkPolicies in time: who is let in and when, what a plugin may do at all, and what each way to keep sets does."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from attrs import evolve

from kubeproof.harness.world.grains.network_policies import claims
from kubeproof.harness.world.grains.network_policies.policies import machine
from kubeproof.harness.world.grains.network_policies.setup import (
    CONNECTION,
    DONE,
    HANDLED,
    OUTSIDE,
    Members,
    PolicyWorld,
    Program,
    Setup,
    Step,
    slot,
)
from kubeproof.harness.world.grains.network_policies.walls import lets_in, lets_out, passes
from kubeproof.impl.api.meta import LabelSelector
from kubeproof.impl.api.values.frozen import strings
from kubeproof.model.checker import Status, explore, replay
from kubeproof.model.components.network import network_policy as model
from kubeproof.model.components.network.network_policy import Pod, Stage, Wall
from kubeproof.model.machine import Action, Fairness, Invariant, Machine, Outcome, Sometimes, State, StepProperty, View
from kubeproof.properties.reachability.network_policy import EGRESS, INGRESS, Party, Peer, Policy, Ports, Rule


def labelled(app: str) -> LabelSelector:
    return LabelSelector(match_labels=strings({"app": app}))


def program(name: str, app: str, **given: Any) -> Program:
    party = Party("", "shop", name, strings({"app": app}), strings({"kubernetes.io/metadata.name": "shop"}))
    return Program(party, **given)


FRONT_TO_DB = Policy(
    "shop", "db", labelled("db"), frozenset({INGRESS}), ingress=(Rule((Peer(pods=labelled("front")),)),)
)
"""The database takes connections from the front end, and from nobody else."""
OUT_ONLY = Policy("shop", "job", labelled("job"), frozenset({INGRESS, EGRESS}), egress=(Rule(),))
"""A job may talk to anybody, and nobody to it."""
BLOCK = Policy("shop", "db", labelled("db"), frozenset({INGRESS}), ingress=(Rule((Peer(cidr="198.51.100.0/24"),)),))
DB, FRONT, STRANGER = program("db", "db"), program("front", "front"), program("stranger", "other")
THERE, APPLIED = ((FRONT_TO_DB,),), ((), (FRONT_TO_DB,))
"""The policy has been there for long; it comes."""
APPLY, THEN = Step("applies the policy", 1), Step("goes on", 1)

SMALL = Setup(THERE, (DB, FRONT))
COMES = Setup(APPLIED, (DB, FRONT), (APPLY,))
TAKEN_OVER = Setup(THERE, (DB, program("front-old", "front", until=1), FRONT), (Step("deletes", 0),), addresses=2)
"""There are two addresses: the new front end gets that of the old one."""
FINISHED = Setup(THERE, (DB, program("front-job", "front", finishes=True), STRANGER), addresses=2)
PENDING = Setup(THERE, (DB, FRONT, program("front-too-big", "front", fits=False)), members=Members.REBUILT)
CALLING = Setup(((OUT_ONLY,),), (program("job", "job"),), connection=("job", OUTSIDE.name), tracks=False)
BEFORE = Setup(
    APPLIED, (evolve(DB, present=True), evolve(STRANGER, present=True)), (APPLY,), connection=("stranger", "db")
)


def status(setup: Setup, claim: Any) -> str:
    """Search a world for a breach; a verdict that says nothing is told as such."""
    made = claim(setup)
    found = explore(machine(setup), [made])[made.name]
    return "vacuous" if found.vacuous else found.status.value


# --- the claims -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setup", "isolated", "allowed", "forbidden"),
    [
        (SMALL, "HOLDS", "HOLDS", "HOLDS"),
        (evolve(SMALL, starts_closed=False), "VIOLATED", "HOLDS", "HOLDS"),
        (evolve(SMALL, versions=((),)), "vacuous", "vacuous", "vacuous"),
        (evolve(SMALL, members=Members.REBUILT), "HOLDS", "HOLDS", "HOLDS"),
        (evolve(SMALL, members=Members.BY_ADDRESS), "HOLDS", "HOLDS", "HOLDS"),
        (COMES, "VIOLATED", "HOLDS", "HOLDS"),
        (evolve(COMES, pods=(evolve(DB, present=True), FRONT)), "vacuous", "HOLDS", "HOLDS"),
    ],
    ids=[
        "as it should be",
        "wired up open",
        "no policies",
        "sets rebuilt",
        "sets by address alone",
        "the policy comes while Pods start",
        "the policy comes after the Pod",
    ],
)
def test_all_that_policies_are_for_is_judged(setup: Setup, isolated: str, allowed: str, forbidden: str) -> None:
    assert status(setup, claims.isolated) == isolated
    assert status(setup, claims.allowed_passes) == allowed
    assert status(setup, claims.forbidden_stays_out) == forbidden


@pytest.mark.parametrize(
    ("setup", "verdict"),
    [
        (evolve(COMES, script=(APPLY, THEN), pods=(evolve(DB, since=2), FRONT)), "VIOLATED"),
        (evolve(COMES, script=(APPLY, evolve(THEN, waits=True)), pods=(evolve(DB, since=2), FRONT)), "HOLDS"),
        (evolve(COMES, script=(evolve(APPLY, waits=True), THEN), pods=(evolve(DB, since=2), FRONT)), "VIOLATED"),
    ],
    ids=["at once", "once the policy is handled", "only the policy waits"],
)
def test_a_pod_that_is_made_right_after_its_policy_may_run_open(setup: Setup, verdict: str) -> None:
    assert status(setup, claims.isolated) == verdict


def test_policies_that_are_gone_again_isolate_nobody() -> None:
    gone = Setup(((FRONT_TO_DB,), ()), (evolve(DB, present=True), STRANGER), (Step("deletes the policy", 1),))
    assert status(gone, claims.isolated) == "HOLDS"
    assert status(gone, claims.allowed_passes) == "HOLDS"
    assert status(gone, claims.forbidden_stays_out) == "vacuous"


def test_a_connection_from_before_the_policy_goes_on_and_ends_with_its_pod() -> None:
    found = explore(machine(BEFORE), [claims.forbidden_stays_out(BEFORE)])["forbidden stays out"]
    assert found.status is Status.VIOLATED
    assert found.evidence == (
        "stranger (10.1.0.2) must not talk to db, and a connection that was allowed before goes on",
    )
    db = evolve(DB, present=True, until=2)
    restarted = evolve(BEFORE, pods=(db, BEFORE.pods[1]), script=(APPLY, evolve(THEN, waits=True)))
    assert status(restarted, claims.forbidden_stays_out) == "HOLDS"
    assert status(evolve(BEFORE, ends=True), claims.forbidden_stays_out) == "HOLDS"
    allowed = evolve(BEFORE, ends=True, pods=(BEFORE.pods[0], evolve(FRONT, present=True)), connection=("front", "db"))
    assert status(allowed, claims.forbidden_stays_out) == "HOLDS"
    assert status(allowed, claims.answered) == "HOLDS"
    kept = StepProperty("kept", "", lambda old, new, _: ("ended",) if old[CONNECTION] and not new[CONNECTION] else ())
    assert explore(machine(allowed), [kept])["kept"].status is Status.HOLDS


@pytest.mark.parametrize("members", Members)
def test_who_takes_over_an_address_is_blocked_only_where_the_old_one_takes_it_out(members: Members) -> None:
    setup = evolve(TAKEN_OVER, members=members)
    assert (status(setup, claims.allowed_passes) == "HOLDS") == (members is not Members.BY_ADDRESS)


def test_with_addresses_enough_nobody_takes_one_over() -> None:
    setup = evolve(TAKEN_OVER, members=Members.BY_ADDRESS, addresses=3)
    found = explore(machine(setup), [claims.allowed_passes(setup)])["allowed passes"]
    assert found.status is Status.VIOLATED  # The first free address is given, as most plugins do.
    kept = evolve(setup, pods=tuple(evolve(one, until=None) for one in setup.pods))
    assert status(kept, claims.allowed_passes) == "HOLDS"
    later = tuple(evolve(one, before=("front",)) if one.until else one for one in setup.pods)
    assert status(evolve(setup, pods=later), claims.allowed_passes) == "HOLDS"


def test_who_finishes_gives_way_to_a_stranger_only_where_it_stays_in_the_set() -> None:
    assert status(FINISHED, claims.forbidden_stays_out) == "HOLDS"
    kept = evolve(FINISHED, members=Members.UNTIL_DELETED)
    assert status(kept, claims.forbidden_stays_out) == "VIOLATED"
    deleted = (DB, program("front-job", "front", until=1), STRANGER)
    assert status(evolve(kept, pods=deleted, script=(Step("deletes", 0),)), claims.forbidden_stays_out) == "HOLDS"


def test_a_set_is_not_made_anew_when_another_policy_comes() -> None:
    other = Policy("shop", "other", labelled("other"), frozenset({INGRESS}))
    healed = (Step("deletes", 0), Step("applies another", 1, waits=True))
    setup = evolve(TAKEN_OVER, versions=((FRONT_TO_DB,), (FRONT_TO_DB, other)), script=healed)
    assert status(evolve(setup, members=Members.BY_ADDRESS), claims.allowed_passes) == "VIOLATED"
    assert status(evolve(setup, members=Members.REBUILT), claims.allowed_passes) == "HOLDS"


def test_a_policy_that_is_gone_has_empty_sets() -> None:
    setup = Setup(((FRONT_TO_DB,), ()), (DB, evolve(FRONT, present=True)), (Step("deletes the policy", 1),))
    place = "set/0/Ingress/0/0"
    held = Invariant("held", "", lambda view: ("wrong",) if bool(view[place]) == bool(view[HANDLED]) else ())
    assert explore(machine(setup), [held])["held"].status is Status.HOLDS


def test_policies_of_egress_alone_are_judged_by_who_gets_out() -> None:
    out = Policy("shop", "db", labelled("db"), frozenset({EGRESS}), egress=(Rule((Peer(pods=labelled("front")),)),))
    setup = evolve(SMALL, versions=((out,),))
    assert [status(setup, one) for one in (claims.isolated, claims.forbidden_stays_out, claims.allowed_passes)] == [
        "HOLDS", "HOLDS", "HOLDS"
    ]  # fmt: skip
    assert status(evolve(setup, starts_closed=False), claims.isolated) == "VIOLATED"


def test_a_connection_is_over_when_one_of_its_ends_is() -> None:
    pods = (evolve(DB, present=True, until=1), evolve(STRANGER, present=True))
    setup = Setup(((),), pods, (Step("deletes db", 0),), connection=("stranger", "db"))
    over = Invariant(
        "over", "", lambda view: ("open",) if view[slot("stage", "db")] is Stage.GONE and view[CONNECTION] else ()
    )
    assert explore(machine(setup), [over])["over"].status is Status.HOLDS


def test_a_pending_pod_only_harms_an_agent_that_does_not_leave_it_out() -> None:
    for members, skips in product((Members.REBUILT, Members.BY_OWNER), (True, False)):
        setup = evolve(PENDING, members=members, skips_unaddressed=skips)
        harmed = members is Members.REBUILT and not skips
        assert status(setup, claims.allowed_passes) == ("VIOLATED" if harmed else "HOLDS")


def test_evidence_names_the_pods_and_the_address() -> None:
    setup = evolve(TAKEN_OVER, members=Members.BY_ADDRESS)
    found = explore(machine(setup), [claims.allowed_passes(setup)])["allowed passes"]
    assert found.evidence == ("front (10.1.0.2) may talk to db and is blocked",)
    assert found.kind == "stuck"
    assert found.trace is not None
    assert replay(machine(setup), found.trace)


def test_the_answer_to_a_tracked_call_is_let_in_and_to_an_untracked_one_blocked() -> None:
    assert status(CALLING, claims.answered) == "HOLDS"
    open_at_first = evolve(CALLING, starts_closed=False)
    assert status(open_at_first, claims.answered) == "VIOLATED"
    assert status(evolve(open_at_first, tracks=True), claims.answered) == "HOLDS"
    without = evolve(open_at_first, versions=((),))
    assert status(without, claims.answered) == "HOLDS"
    nothing_out = Policy("shop", "db", labelled("db"), frozenset({EGRESS}))
    kept_in = evolve(BEFORE, versions=((), (nothing_out,)), tracks=False)
    assert status(kept_in, claims.answered) == "VIOLATED"  # It is the wall of who is asked that lets nothing out.
    done = Sometimes("done", "", lambda view: view[CONNECTION] == "answered")
    assert explore(machine(CALLING), [done])["done"].status is Status.HOLDS


# --- the walls ------------------------------------------------------------------------------------------------------


def view_of(setup: Setup, **slots: object) -> State:
    """Return a state in which the policies are handled and both Pods run with their rules."""
    state = dict(machine(setup).initial[0])
    for number, one in enumerate(setup.pods, start=1):
        state |= {slot("stage", one.name): Stage.STARTED, slot("wall", one.name): Wall.RULED}
        state |= {slot("address", one.name): f"10.1.0.{number}"}
    return State.of(state | {name.replace("__", "/"): value for name, value in slots.items()})


@pytest.mark.parametrize(
    ("slots", "lets"),
    [
        ({}, False),
        ({"set__0__Ingress__0__0": frozenset({("10.1.0.2", "front")})}, True),
        ({"set__0__Ingress__0__0": frozenset({("10.1.0.3", "front")})}, False),
        ({"wall__db": Wall.NONE}, True),
        ({"wall__db": Wall.CLOSED}, False),
        ({"set__0__Ingress__0__0": frozenset({("10.1.0.2", "")}), "wall__front": Wall.CLOSED}, False),
    ],
    ids=["nobody let in", "let in", "somebody else let in", "open", "closed", "its own wall closed"],
)
def test_a_packet_passes_by_walls_and_sets(*, slots: dict[str, object], lets: bool) -> None:
    assert passes(PolicyWorld(SMALL), view_of(SMALL, **slots), "front", "db") == lets


def test_policies_that_are_not_handled_block_nothing() -> None:
    assert passes(PolicyWorld(COMES), view_of(COMES, script=1), "front", "db")
    assert not passes(PolicyWorld(COMES), view_of(COMES, script=1, policies__handled=1), "front", "db")


def test_a_set_lets_in_whoever_has_the_address() -> None:
    setup = evolve(SMALL, pods=(DB, STRANGER))
    old_address = {"set/0/Ingress/0/0": frozenset({("10.1.0.2", "front")})}
    assert passes(PolicyWorld(setup), view_of(setup, **old_address), "stranger", "db")
    assert not passes(PolicyWorld(setup), view_of(setup), "stranger", "db")


@pytest.mark.parametrize(
    ("slots", "open_late"),
    [
        ({"wall__db": Wall.NONE}, True),
        ({"wall__db": Wall.NONE, "made__db": (0, 0)}, False),
        ({"wall__db": Wall.CLOSED}, False),
        ({"policies__handled": 0}, True),
        ({"wall__db": Wall.NONE, "stage__db": Stage.WIRED}, False),
        ({"wall__front": Wall.NONE}, False),
    ],
    ids=["late and open", "early and open", "late and closed", "not handled", "not started", "selected by no policy"],
)
def test_only_a_late_selected_pod_that_runs_open_is_not_isolated(*, slots: dict[str, object], open_late: bool) -> None:
    view = view_of(COMES, **{"made__db": (1, 1), DONE: 1, HANDLED: 1, **slots})
    assert bool(list(claims.isolated(COMES).check(view))) == open_late


def test_blocks_of_addresses_and_ports_need_no_set() -> None:
    setup = evolve(SMALL, versions=((BLOCK,),))
    world, view = PolicyWorld(setup), view_of(setup)
    assert world.sets == ()
    assert lets_in(world, view, "db", Party("198.51.100.7"))
    assert not lets_in(world, view, "db", Party("203.0.113.7"))
    assert lets_out(world, view, "db", Party("203.0.113.7"))
    other_port = evolve(BLOCK, ingress=(evolve(BLOCK.ingress[0], ports=(Ports("TCP", 81, 81),)),))
    closed = evolve(setup, versions=((other_port,),))
    assert not lets_in(PolicyWorld(closed), view_of(closed), "db", Party("198.51.100.7"))


# --- the model ------------------------------------------------------------------------------------------------------


def model_machine(pods: int) -> Machine:
    """Return the model of a plugin with so many selected Pods as a machine of one slot."""

    def step(view: View) -> list[Outcome]:
        state: model.State = view["plugin"]
        return [Outcome(str(action), {"plugin": action.apply(state)}) for action in model.steps(state)]

    start = model.State(tuple(Pod() for _ in range(pods)))
    return Machine(({"plugin": start},), (Action("plugin: works", "plugin", step, Fairness.NONE),))


def test_whatever_a_plugin_may_do_keeps_the_first_promise() -> None:
    promised = Invariant("promised", "", lambda view: () if view["plugin"].promised else ("open",))
    late = Sometimes(
        "late", "", lambda view: any(pod.late and pod.stage is Stage.STARTED for pod in view["plugin"].pods)
    )
    for pods in (1, 2):
        found = explore(model_machine(pods), [promised, late])
        assert found.status is Status.HOLDS
    open_and_late = model.State((Pod(Stage.STARTED, Wall.NONE, late=True),), handled=True)
    assert not open_and_late.promised


def test_the_model_of_one_pod_has_the_size_that_counting_gives() -> None:
    """Count by stage and wall.

    Before: absent, created, wired or started with 3 walls each, gone: 9. After: the same for a Pod from before or not
    there yet, 9; and for a late one created, wired or started with 2 walls each, gone: 6.
    """
    assert explore(model_machine(1)).states == 9 + 9 + 6


CALLS = evolve(CALLING, versions=((), (OUT_ONLY,)), script=(APPLY,))
LEAVES = evolve(COMES, pods=(evolve(DB, until=1), program("front-old", "front", until=1), FRONT))


@pytest.mark.parametrize("setup", [COMES, CALLS, LEAVES])
def test_a_plugin_that_keeps_its_promises_takes_only_steps_of_the_model(setup: Setup) -> None:
    assert status(setup, claims.follows_model) == "HOLDS"


def test_a_plugin_that_wires_pods_up_open_takes_a_step_that_the_model_does_not_have() -> None:
    setup = evolve(COMES, starts_closed=False)
    found = explore(machine(setup), [claims.follows_model(setup)])["follows the model"]
    assert found.status is Status.VIOLATED
    assert found.evidence == ("a late Pod goes from created, open to wired, open",)


@pytest.mark.parametrize(
    ("action", "before", "possible"),
    [
        (model.Wire(0, Wall.NONE), Pod(Stage.CREATED, late=True), False),
        (model.Wire(0, Wall.CLOSED), Pod(Stage.CREATED, late=True), True),
        (model.Wire(0, Wall.NONE), Pod(Stage.CREATED), True),
        (model.Start(0), Pod(Stage.CREATED), False),
        (model.Start(0), Pod(Stage.WIRED), True),
        (model.Enforce(0, Wall.CLOSED), Pod(Stage.STARTED, Wall.RULED), False),
        (model.Enforce(0, Wall.RULED), Pod(Stage.STARTED, Wall.CLOSED), True),
        (model.Enforce(0, Wall.NONE), Pod(Stage.STARTED, Wall.CLOSED), False),
        (model.End(0), Pod(Stage.GONE), False),
        (model.Create(0), Pod(Stage.GONE), False),
        (model.Handle((0,)), Pod(Stage.WIRED), False),
        (model.Handle((0,)), Pod(Stage.STARTED), True),
    ],
)
def test_the_model_allows_what_it_should(*, action: model.Action, before: Pod, possible: bool) -> None:
    assert action.enabled(model.State((before,))) == possible


def test_policies_are_handled_once_and_each_pod_ruled_once() -> None:
    before = model.State((Pod(Stage.STARTED), Pod(Stage.STARTED)))
    assert model.Handle((0, 1)).enabled(before)
    assert not model.Handle((1, 0)).enabled(before)
    assert not model.Handle((0, 0)).enabled(before)
    after = model.Handle((1,)).apply(before)
    assert (after.handled, [pod.wall for pod in after.pods]) == (True, [Wall.NONE, Wall.RULED])
    assert not model.Handle().enabled(after)


def test_the_world_of_one_pod_has_the_size_that_counting_gives() -> None:
    """Count by what the kubelet has done and the agent seen.

    A Pod is created, wired, started or reported, each seen as nothing or Pending; or reported and seen: 9. Before the
    policy: absent, or those. While it is not handled: absent, and those for a Pod made before it or after it. Handled:
    absent; for each of these two it may have a wall or not from wired on, until it is seen: 2 + 3 * 4 + 1; for a Pod
    that was made since it always has one.
    """
    assert explore(machine(evolve(COMES, pods=(DB,)))).states == (1 + 9) + (1 + 9 + 9) + (1 + 15 + 15 + 9)
