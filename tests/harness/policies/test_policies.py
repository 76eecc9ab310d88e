"""NetworkPolicies in time: the two promises, what a plugin may do at all, and what each way to keep sets leads to."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from attrs import evolve

from kubeproof.harness.policies import claims
from kubeproof.harness.policies.policies import machine
from kubeproof.harness.policies.setup import HANDLED, Members, PolicyWorld, Setup, slot
from kubeproof.harness.policies.walls import lets_in, lets_out, passes
from kubeproof.harness.zoo import network_policy as zoo
from kubeproof.model.checker import Status, explore, replay
from kubeproof.model.components import network_policy as model
from kubeproof.model.components.network_policy import Pod, Stage, Wall
from kubeproof.model.machine import Action, Fairness, Invariant, Machine, Outcome, Sometimes, State, View
from kubeproof.properties.reachability.network_policy import INGRESS, Party, Peer, Policy, Ports, Rule

SMALL = evolve(zoo.PLAIN, pods=(zoo.DB, zoo.FRONT))
BLOCK = Policy("shop", "db", zoo.labelled("db"), frozenset({INGRESS}), ingress=(Rule((Peer(cidr="198.51.100.0/24"),)),))


def status(setup: Setup, claim: Any) -> str:
    """Search a world for a breach; a verdict that says nothing is told as such."""
    made = claim(setup)
    found = explore(machine(setup), [made])[made.name]
    return "vacuous" if found.vacuous else found.status.value


# --- the promises ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setup", "isolated", "allowed", "forbidden"),
    [
        (SMALL, "HOLDS", "HOLDS", "HOLDS"),
        (evolve(SMALL, starts_closed=False), "VIOLATED", "HOLDS", "HOLDS"),
        (evolve(SMALL, policies=()), "vacuous", "HOLDS", "vacuous"),
        (evolve(SMALL, members=Members.REBUILT), "HOLDS", "HOLDS", "HOLDS"),
        (evolve(SMALL, members=Members.BY_ADDRESS), "HOLDS", "HOLDS", "HOLDS"),
    ],
    ids=["as it should be", "wired up open", "no policies", "sets rebuilt", "sets by address alone"],
)
def test_both_promises_are_judged(setup: Setup, isolated: str, allowed: str, forbidden: str) -> None:
    assert status(setup, claims.isolated) == isolated
    assert status(setup, claims.allowed_passes) == allowed
    with_stranger = evolve(setup, pods=(zoo.DB, zoo.STRANGER))
    assert status(with_stranger, claims.forbidden_stays_out) == forbidden


@pytest.mark.parametrize("members", Members)
def test_who_takes_over_an_address_is_blocked_only_where_the_old_one_takes_it_out(members: Members) -> None:
    setup = evolve(zoo.TAKEN_OVER, members=members)
    assert (status(setup, claims.allowed_passes) == "HOLDS") == (members is not Members.BY_ADDRESS)


def test_with_addresses_enough_nobody_takes_one_over() -> None:
    setup = evolve(zoo.TAKEN_OVER, members=Members.BY_ADDRESS, addresses=3)
    found = explore(machine(setup), [claims.allowed_passes(setup)])["allowed passes"]
    assert found.status is Status.VIOLATED  # The first free address is given, as most plugins do.
    kept = evolve(setup, pods=tuple(evolve(one, may_go=False) for one in setup.pods))
    assert status(kept, claims.allowed_passes) == "HOLDS"


def test_a_pod_from_before_the_policies_may_run_open_for_a_while() -> None:
    setup = evolve(SMALL, starts_closed=False)
    early = Sometimes(
        "early and open",
        "",
        lambda view: (
            view[HANDLED] and view[slot("stage", "db")] is Stage.STARTED and view[slot("wall", "db")] is Wall.NONE
        ),
    )
    only_early = Invariant("late", "", lambda view: ("late",) if view[slot("late", "db")] else ())
    found = explore(machine(setup), [early, only_early])
    assert found["early and open"].status is Status.HOLDS
    assert found["late"].status is Status.VIOLATED


def test_a_pending_pod_only_harms_an_agent_that_does_not_leave_it_out() -> None:
    for members, skips in product((Members.REBUILT, Members.BY_OWNER), (True, False)):
        setup = evolve(zoo.PENDING, members=members, skips_unaddressed=skips)
        harmed = members is Members.REBUILT and not skips
        assert status(setup, claims.allowed_passes) == ("VIOLATED" if harmed else "HOLDS")


def test_evidence_names_the_pods_and_the_address() -> None:
    setup = evolve(zoo.TAKEN_OVER, members=Members.BY_ADDRESS)
    found = explore(machine(setup), [claims.allowed_passes(setup)])["allowed passes"]
    assert found.evidence == ("front (10.1.0.2) may talk to db and is blocked",)
    assert found.kind == "stuck"
    assert found.trace is not None
    assert replay(machine(setup), found.trace)


def test_the_answer_to_a_tracked_call_is_let_in_and_to_an_untracked_one_blocked() -> None:
    assert status(zoo.CALLING, claims.answered) == "HOLDS"
    open_at_first = evolve(zoo.CALLING, starts_closed=False)
    assert status(open_at_first, claims.answered) == "VIOLATED"
    without = evolve(open_at_first, policies=())
    assert status(without, claims.answered) == "HOLDS"
    done = Sometimes("done", "", lambda view: view[slot("call", "job")] == "answered")
    assert explore(machine(zoo.CALLING), [done])["done"].status is Status.HOLDS


# --- the walls ------------------------------------------------------------------------------------------------------


def view_of(setup: Setup, **slots: object) -> State:
    """Give a state in which the policies are handled and both Pods run with their rules."""
    state = dict(machine(setup).initial[0]) | {HANDLED: True}
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
        ({"policies__handled": False}, True),
    ],
    ids=["nobody let in", "let in", "somebody else let in", "open", "closed", "its own wall closed", "not handled"],
)
def test_a_packet_passes_by_walls_and_sets(*, slots: dict[str, object], lets: bool) -> None:
    assert passes(PolicyWorld(SMALL), view_of(SMALL, **slots), "front", "db") == lets


def test_a_set_lets_in_whoever_has_the_address() -> None:
    setup = evolve(SMALL, pods=(zoo.DB, zoo.STRANGER))
    old_address = {"set/0/Ingress/0/0": frozenset({("10.1.0.2", "front")})}
    assert passes(PolicyWorld(setup), view_of(setup, **old_address), "stranger", "db")
    assert not passes(PolicyWorld(setup), view_of(setup), "stranger", "db")


@pytest.mark.parametrize(
    ("slots", "open_late"),
    [
        ({"wall__db": Wall.NONE, "late__db": True}, True),
        ({"wall__db": Wall.NONE}, False),
        ({"wall__db": Wall.CLOSED, "late__db": True}, False),
        ({"wall__db": Wall.NONE, "late__db": True, "stage__db": Stage.WIRED}, False),
        ({"wall__front": Wall.NONE, "late__front": True}, False),
    ],
    ids=["late and open", "early and open", "late and closed", "not started", "selected by no policy"],
)
def test_only_a_late_selected_pod_that_runs_open_breaks_the_first_promise(
    *, slots: dict[str, object], open_late: bool
) -> None:
    assert bool(list(claims.isolated(SMALL).check(view_of(SMALL, **slots)))) == open_late


def test_blocks_of_addresses_and_ports_need_no_set() -> None:
    setup = evolve(SMALL, policies=(BLOCK,))
    world, view = PolicyWorld(setup), view_of(setup)
    assert world.sets == ()
    assert lets_in(world, view, "db", Party("198.51.100.7"))
    assert not lets_in(world, view, "db", Party("203.0.113.7"))
    assert lets_out(world, view, "db", Party("203.0.113.7"))
    other_port = evolve(BLOCK, ingress=(evolve(BLOCK.ingress[0], ports=(Ports("TCP", 81, 81),)),))
    closed = evolve(setup, policies=(other_port,))
    assert not lets_in(PolicyWorld(closed), view_of(closed), "db", Party("198.51.100.7"))


# --- the model ------------------------------------------------------------------------------------------------------


def model_machine(pods: int) -> Machine:
    """Give the model of a plugin with so many selected Pods as a machine of one slot."""

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


@pytest.mark.parametrize("setup", [SMALL, zoo.CALLING, zoo.TAKEN_OVER, zoo.FINISHED])
def test_a_plugin_that_keeps_its_promises_takes_only_steps_of_the_model(setup: Setup) -> None:
    assert status(setup, claims.follows_model) == "HOLDS"


def test_a_plugin_that_wires_pods_up_open_takes_a_step_that_the_model_does_not_have() -> None:
    setup = evolve(SMALL, starts_closed=False)
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

    Absent; created, wired, started, reported, each seen as nothing or Pending; reported and seen: 10 without policies.
    With policies that are not handled yet: 11, for a Pod seen to run before they existed has rules, one seen later is
    closed. Handled: absent, and the 9 others for an early and for a late Pod.
    """
    assert explore(machine(evolve(SMALL, pods=(zoo.DB,)))).states == 10 + 11 + 19
