"""Connections while a cluster moves: the clock, the claims, and the relation that z3 works out, held against worlds."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.harness.check.clock import searched
from kubeproof.harness.world.grains.connections import claims
from kubeproof.harness.world.grains.connections.connections import data_path, machine
from kubeproof.harness.world.grains.connections.setup import Balancer, Client, DataPath, Delays, Setup
from kubeproof.harness.zoo import reachability as zoo
from kubeproof.impl.api.core import Node
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.requests import Create, Delete
from kubeproof.impl.kubeproxy.packet import Packet
from kubeproof.model.checker import Status, explore, replay
from kubeproof.model.checker.clock.timetable import Timetable, timetable
from kubeproof.model.checker.traces import states
from kubeproof.model.components.network.connections import Held
from kubeproof.model.components.network.connections import State as Flows
from kubeproof.model.machine import Converges, Invariant, Machine, Sometimes, State
from kubeproof.properties.reachability.prestop_relation import (
    Condition,
    Goal,
    Inequality,
    is_necessary,
    is_sufficient,
    timeline,
    weakest,
)
from scenes import udp_flows


def accepted(path: DataPath) -> Invariant:
    """Claim that no client's new connection is sent to an endpoint that does not take it."""
    return Invariant("accepted", "", partial(claims.unaccepted, path), partial(claims.somebody_stopped, path))


def termination(pre_stop: int, delays: Delays = Delays(), *, grace: int = 30, request: int | None = None) -> Setup:  # noqa: B008 - frozen
    """Delete one of two Pods while a client on the other node goes on opening connections."""
    leaving = udp_flows.pod("web-0", "node-1", pre_stop=pre_stop, grace=grace)
    asks = Client("node-2", Packet(zoo.CLIENT_IP, zoo.CLUSTER_IP, 80))
    return Setup(
        (*zoo.NODES, udp_flows.service(), leaving, udp_flows.pod("web-1", "node-2")),
        script=(Delete(ref_of(leaving)),),
        clients=(asks,),
        delays=delays,
        longest_request=request,
    )


def behind_balancer(pre_stop: int, *, terminating_endpoints: bool = True, checks: int = 4) -> Setup:
    """Delete the only Pod of a node that a load balancer sends to, while another node has one."""
    leaving = udp_flows.pod("web-0", "node-1", pre_stop=pre_stop)
    health = immutabledict({"healthCheckNodePort": 30999})
    front = udp_flows.service(type="LoadBalancer", external_traffic_policy="Local", extra=health)
    return Setup(
        (*zoo.NODES, front, leaving, udp_flows.pod("web-1", "node-2")),
        script=(Delete(ref_of(leaving)),),
        balancer=Balancer(30080),
        terminating_endpoints=terminating_endpoints,
        delays=Delays(checks=(0, checks)),
    )


def lasting(pre_stop: int, *, grace: int, request: int) -> Setup:
    """Delete a Pod that is alone, and has accepted a connection."""
    setup = termination(pre_stop, Delays((0, 0), (0, 0), (0, 0)), grace=grace, request=request)
    return evolve(setup, objects=setup.objects[:-1], clients=())


def lost(within: int) -> Setup:
    """Let one of two nodes die, which is given up after 2 to 4 seconds."""
    return zoo.loss(silence=(2, 4), within=within)


def holds(setup: Setup, claim: Any) -> bool:
    """Search a world for a breach; a verdict that says nothing is an error here."""
    found = zoo.judged(setup, claim)
    assert found.status is not Status.UNKNOWN
    assert not found.vacuous
    return found.status is Status.HOLDS


# --- the clock ------------------------------------------------------------------------------------------------------


def test_without_a_clock_no_hook_is_long_enough() -> None:
    assert holds(termination(20), accepted)
    assert not holds(evolve(termination(20), delays=None), accepted)
    assert machine(evolve(termination(20), delays=None)).timers == ()


def test_a_breach_that_is_left_has_a_timetable() -> None:
    setup = termination(1)
    made = accepted(data_path(setup))
    verdict = searched(machine(setup), made)["accepted"]
    assert verdict.trace is not None
    times = timetable(machine(setup), verdict.trace)
    assert isinstance(times, Timetable)
    assert times.seconds[-1] == 1
    assert times.waited[-1] == ("the preStop hook of Pod default/web-0 takes 1 s at least, from step 2 on",)


@pytest.mark.parametrize(
    ("kind", "setup", "claim"),
    [
        ("slices", termination(2), accepted),
        ("proxies", termination(2), accepted),
        ("hook", termination(2), accepted),
        ("checks", behind_balancer(6), claims.balanced),
        ("notice", termination(0, Delays((2, 2), (0, 1), (0, 1))), accepted),
        ("kill", lasting(0, grace=3, request=3), claims.finished),
        ("request", lasting(0, grace=3, request=3), claims.finished),
        ("silence", lost(6), claims.let_go_in_time),
        ("marks", lost(6), claims.let_go_in_time),
        ("time", lost(6), claims.let_go_in_time),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_every_wait_is_needed(kind: str, setup: Setup, claim: Any) -> None:
    whole = machine(setup)
    lacking = evolve(whole, timers=tuple(timer for timer in whole.timers if timer.kind != kind))
    made = claim(data_path(setup))
    assert [searched(one, made)[made.name].status for one in (whole, lacking)] == [Status.HOLDS, Status.VIOLATED]


def test_what_runs_on_a_node_that_is_down_is_waited_for_by_nobody() -> None:
    """Or time would stand still from then on, and all that comes later would hold of nothing."""
    setup = evolve(lost(6), script=(Delete(ref_of(udp_flows.pod("web-0", "node-1"))),))
    never = Invariant("never", "", lambda view: ["over"] if view["node/node-1/dead-for-longer"] else ())
    gone = Invariant(
        "gone", "", lambda view: ["over"] if view["node/node-1/dead-for-longer"] and view["script"] else ()
    )
    assert [searched(machine(setup), one)[one.name].status for one in (never, gone)] == [Status.VIOLATED] * 2


# --- the relation ---------------------------------------------------------------------------------------------------

RELATIONS = {
    Goal.NEW: "preStop + notice >= endpoints + proxies and grace + notice >= endpoints + proxies",
    Goal.BALANCED: "preStop + notice >= endpoints + proxies + checks "
    "and grace + notice >= endpoints + proxies + checks",
    Goal.FINISHED: "2 >= request or grace >= preStop + request",
}


@pytest.fixture(scope="module")
def relations() -> dict[Goal, Condition]:
    return {goal: weakest(goal) for goal in Goal}


@pytest.mark.parametrize("goal", Goal)
def test_the_weakest_condition_is_this_one_and_proved_both_ways(goal: Goal, relations: dict[Goal, Condition]) -> None:
    assert str(relations[goal]) == RELATIONS[goal]
    assert is_sufficient(relations[goal])
    assert is_necessary(relations[goal])


@pytest.mark.parametrize("goal", Goal)
def test_a_weaker_condition_is_not_sufficient_and_a_stronger_one_not_necessary(
    goal: Goal, relations: dict[Goal, Condition]
) -> None:
    exact = relations[goal]
    assert not is_sufficient(evolve(exact, clauses=exact.clauses[1:]))
    looser = tuple(tuple(evolve(one, constant=one.constant + 1) for one in clause) for clause in exact.clauses)
    tighter = tuple(tuple(evolve(one, constant=one.constant - 1) for one in clause) for clause in exact.clauses)
    assert not is_sufficient(evolve(exact, clauses=looser))
    assert is_sufficient(evolve(exact, clauses=tighter))
    assert not is_necessary(evolve(exact, clauses=tighter))
    assert not is_necessary(evolve(exact, clauses=(*exact.clauses, (Inequality((("preStop", 1),), -1),))))


@pytest.mark.parametrize(
    ("goal", "known", "left"),
    [
        (Goal.NEW, {"notice": 0, "endpoints": 1, "proxies": 1}, "preStop >= 2 and grace >= 2"),
        (Goal.NEW, {"notice": 0, "endpoints": 1, "proxies": 1, "grace": 30}, "preStop >= 2"),
        (Goal.NEW, {"notice": 3, "endpoints": 1, "proxies": 1, "grace": 1, "preStop": 0}, "always"),
        (Goal.NEW, {"notice": 0, "endpoints": 1, "proxies": 1, "grace": 1, "preStop": 5}, "never"),
        (Goal.BALANCED, {"notice": 0, "endpoints": 1, "proxies": 1, "checks": 20, "grace": 60}, "preStop >= 22"),
        (Goal.FINISHED, {"request": 10}, "grace >= preStop + 10"),
        (Goal.FINISHED, {"request": 2}, "always"),
        (Goal.FINISHED, {"preStop": 5, "grace": 30}, "2 >= request or 25 >= request"),
    ],
)
def test_numbers_put_in_leave_what_is_still_open(
    goal: Goal, known: dict[str, int], left: str, relations: dict[Goal, Condition]
) -> None:
    assert str(relations[goal].given(known)) == left


def test_the_machine_agrees_about_new_connections_for_all_small_numbers(relations: dict[Goal, Condition]) -> None:
    disagreed = []
    for pre_stop, endpoints, proxies, notice, grace in product(range(4), range(2), (0, 2), range(2), (1, 30)):
        delays = Delays((notice, notice + 1), (0, endpoints), (0, proxies))
        values = {
            "preStop": pre_stop,
            "grace": grace,
            "notice": notice,
            "endpoints": endpoints,
            "proxies": proxies,
        }
        safe = holds(termination(pre_stop, delays, grace=grace), accepted)
        if safe != relations[Goal.NEW].met(values) or safe != (timeline(Goal.NEW, values) is None):
            disagreed.append(values)
    assert disagreed == []


@pytest.mark.parametrize("checks", range(5))
def test_the_machine_agrees_about_the_load_balancer(checks: int, relations: dict[Goal, Condition]) -> None:
    known = {"notice": 0, "endpoints": 1, "proxies": 1, "checks": checks, "grace": 30}
    enough = checks + 2
    assert str(relations[Goal.BALANCED].given(known)) == f"preStop >= {enough}"
    for pre_stop in (enough - 1, enough):
        setup = behind_balancer(pre_stop, checks=checks)
        assert holds(setup, claims.balanced) == (pre_stop == enough)


def test_the_machine_agrees_about_connections_that_last(relations: dict[Goal, Condition]) -> None:
    disagreed = []
    for pre_stop, grace, request in product((0, 1, 3), (1, 3, 4), range(5)):
        found = zoo.judged(lasting(pre_stop, grace=grace, request=request), claims.finished)
        values = {"preStop": pre_stop, "grace": grace, "request": request}
        if (found.status is Status.HOLDS) != relations[Goal.FINISHED].met(values):
            disagreed.append(values)
    assert disagreed == []


def test_a_timeline_shows_the_seconds_that_are_missing() -> None:
    values = {"preStop": 1, "grace": 30, "notice": 0, "endpoints": 1, "proxies": 1}
    run = timeline(Goal.NEW, values)
    assert run is not None
    at = {what: second for second, what in run}
    assert run[0] == (0, "the Pod is deleted")
    assert (at["SIGTERM"], at["the last proxy follows"]) == (1, 2)
    assert [second for second, _ in run] == sorted(at.values())
    assert timeline(Goal.NEW, values | {"preStop": 2}) is None


# --- the load balancer ----------------------------------------------------------------------------------------------


def test_before_kep_1669_no_hook_repairs_the_black_hole_and_policy_cluster_does() -> None:
    old = behind_balancer(20, terminating_endpoints=False)
    assert not holds(old, claims.balanced)
    nodes, front, *pods = old.objects[:2], old.objects[2], *old.objects[3:]
    anywhere = evolve(front, spec=evolve(front.spec, external_traffic_policy="Cluster", extra=type(front.spec.extra)()))
    assert holds(evolve(old, objects=(*nodes, anywhere, *pods)), claims.balanced)


ON = {"a": "node-1", "b": "node-1", "c": "node-2", "d": "node-2"}
"""The nodes of Pods by their names."""
STORIES_OF_TWO_NODES = {
    ("ac", "-a"): (4, "the last goes, the other node has one"),
    ("abc", "-a"): (2, "another one stays"),
    ("abcd", "-a-c"): (2, "one stays on each node"),
    ("acd", "-a-c"): (4, "the last of a node, and one of two"),
    ("ac", "+b-a"): (4, "the one that comes may not be ready in time"),
    ("ac", "+d-a"): (4, "it comes to the other node"),
    ("abc", "-a-b"): (None, "two go from one node"),
}
"""Pods at the start, who goes and comes, and the least hook that is long enough (None: none is), each with why."""


@pytest.mark.parametrize(("there", "script"), STORIES_OF_TWO_NODES, ids=" ".join)
def test_who_goes_last_from_a_node_needs_the_time_of_the_health_checks_and_two_cannot_have_it(
    there: str, script: str
) -> None:
    """What `check.detail.load_balancer` looks at Pod by Pod, in worlds of more: slices at once, proxies in 2 s."""
    front = behind_balancer(0).objects[2]
    least, _ = STORIES_OF_TWO_NODES[there, script]
    for hook in range(2, 6):
        pods = {name: udp_flows.pod(f"web-{name}", node, pre_stop=hook) for name, node in ON.items()}
        steps = zip(script[::2], script[1::2], strict=True)
        asked = tuple(Create(pods[name]) if sign == "+" else Delete(ref_of(pods[name])) for sign, name in steps)
        setup = Setup(
            (*zoo.NODES, front, *(pods[name] for name in there)),
            script=asked,
            balancer=Balancer(30080),
            delays=Delays(endpoints=(0, 0), proxies=(0, 2), checks=(0, 2)),
        )
        assert holds(setup, claims.balanced) == (least is not None and hook >= least), hook


def test_a_node_that_answers_well_again_gets_connections_again() -> None:
    """The balancer has given a node up that had no Pod; then it gets one."""
    setup = behind_balancer(0)
    coming = udp_flows.pod("web-0", "node-1")
    late = evolve(setup, objects=tuple(one for one in setup.objects if one != coming), script=(Create(coming),))
    given_up = Sometimes("given up", "", lambda view: not view["balancer/node-1/sent-to"])
    back = Converges(
        "back",
        "",
        lambda view: () if view["balancer/node-1/sent-to"] else ("nothing is sent to node-1",),
        lambda view: view["script"] == 1,
    )
    found = explore(machine(late), [given_up, back])
    assert found.status is Status.HOLDS
    assert not found["back"].vacuous


# --- flows ----------------------------------------------------------------------------------------------------------

RELEASES = (
    udp_flows.NEVER,
    udp_flows.BY_REMOVAL,
    udp_flows.BY_EVENTS,
    udp_flows.RECONCILED,
    udp_flows.EMPTY_TOO,
    udp_flows.DELETED_TOO,
)
STORIES = {
    "replaced": (udp_flows.REPLACED, "no yes yes yes yes yes"),
    "scaled to zero": (udp_flows.SCALED_TO_ZERO, "no yes yes no yes yes"),
    "deleted": (udp_flows.DELETED, "no yes yes no no yes"),
    "created later": (udp_flows.CREATED, "no no yes yes yes yes"),
    "replaced, the proxy restarts": (evolve(udp_flows.REPLACED, restarts=1), "no no yes yes yes yes"),
    "scaled to zero, the proxy restarts": (udp_flows.RESTARTED, "no no no no yes yes"),
    "deleted, the proxy restarts": (evolve(udp_flows.DELETED, restarts=1), "no no no no no no"),
    "created later, the proxy restarts": (evolve(udp_flows.CREATED, restarts=1), "no no yes yes yes yes"),
}


@pytest.mark.parametrize("story", STORIES)
def test_every_release_repairs_the_stories_that_it_repairs(story: str) -> None:
    setup, expected = STORIES[story]
    found = " ".join("yes" if holds(one.of(setup), claims.heard) else "no" for one in RELEASES)
    assert found == expected


@pytest.mark.parametrize("story", ["replaced", "scaled to zero", "deleted", "created later"])
def test_a_sender_that_pauses_is_helped_by_the_kernel(story: str) -> None:
    setup, _ = STORIES[story]
    patient = evolve(setup, flows=(evolve(udp_flows.SENDER, pauses=True),))
    assert holds(udp_flows.NEVER.of(patient), claims.heard)
    assert not holds(udp_flows.NEVER.of(setup), claims.heard)


@pytest.mark.parametrize(
    ("release", "kept"), [(udp_flows.BY_EVENTS, True), (udp_flows.RECONCILED, False), (udp_flows.EMPTY_TOO, True)]
)
def test_between_two_synchronisations_1_32_lets_flows_go_astray_that_heal_later(
    release: udp_flows.Clears, *, kept: bool
) -> None:
    setup = release.of(udp_flows.REPLACED)
    assert holds(setup, claims.heard)
    assert holds(setup, claims.held) == kept


def test_a_proxy_that_restarts_synchronises_though_nothing_has_changed() -> None:
    remembers = Converges("remembers", "", lambda view: () if view["proxy/node-2/remembers"] else ("not yet",))
    forgot = Sometimes("forgot", "", lambda view: not view["proxy/node-2/remembers"] and view["script"] == 0)
    found = explore(machine(udp_flows.RESTARTED), [remembers, forgot])
    assert found.status is Status.HOLDS


def test_a_stale_entry_is_told_with_node_flow_and_endpoint() -> None:
    path = data_path(udp_flows.NEVER.of(udp_flows.SCALED_TO_ZERO))
    found = explore(machine(path.setup), [claims.held(path)])["held"]
    said = (
        "on node-2 the flow 10.0.9.9:5000 to 10.96.0.10:80 is held by 10.0.0.1:8080, which its rules no longer choose"
    )
    assert found.evidence == (said,)
    assert found.trace is not None
    assert found.trace.lines()[-1].startswith("kube-proxy node-2: syncs: programs 1 Service with 0 ready endpoints")


def test_the_table_is_seen_as_the_model_has_it() -> None:
    setup = udp_flows.REPLACED
    path = data_path(setup)
    seen: set[Flows] = set()

    def collect(state: State) -> None:
        seen.add(claims.abstract(path, state["conntrack/node-2"], state["proxy/node-2/known"], "node-2"))

    explore(machine(setup), collect=collect)
    door = ("10.96.0.10", 80)
    flows = {one.flows["10.0.9.9:5000"] for one in seen if one.flows}
    assert flows == {Held(door, "10.0.0.1:8080"), Held(door, "10.0.0.2:8080")}
    assert {one.doors[door] for one in seen} == {
        frozenset(some) for some in ((), ("10.0.0.1:8080",), ("10.0.0.2:8080",), ("10.0.0.1:8080", "10.0.0.2:8080"))
    }


# --- nodes that die -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("toleration", [0, 1, 20])
def test_a_lost_node_is_let_go_as_soon_as_it_is_given_up_however_long_its_pods_may_stay(toleration: int) -> None:
    given_up, slices, proxies = 4, 1, 1
    bound = given_up + slices + proxies
    setup = zoo.loss(toleration=toleration, silence=(2, given_up), within=bound)
    assert holds(setup, claims.let_go_in_time)
    assert not holds(evolve(setup, within=bound - 1), claims.let_go_in_time)
    assert not holds(setup, accepted)


def test_evicted_pods_of_a_lost_node_stay_for_ever() -> None:
    setup = zoo.loss(toleration=0, silence=(0, 0))
    evicted = Sometimes(
        "evicted", "", lambda view: view["store/Pod/0"] is not None and view["store/Pod/0"].metadata.terminating
    )
    gone = Sometimes("gone", "", lambda view: view["store/Pod/0"] is None)
    found = explore(machine(setup), [evicted, gone])
    assert (found["evicted"].status, found["gone"].status) == (Status.HOLDS, Status.VIOLATED)


@pytest.mark.parametrize("publish", [True, False])
def test_publishing_unready_addresses_keeps_those_of_a_node_that_died(*, publish: bool) -> None:
    assert holds(zoo.loss(publish=publish, silence=(0, 0)), claims.let_go) != publish


# --- the worlds themselves ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setup", "claim", "states"),
    [
        (termination(2), accepted, 35),
        (udp_flows.EMPTY_TOO.of(udp_flows.SCALED_TO_ZERO), claims.heard, 108),
        (udp_flows.DELETED_TOO.of(udp_flows.DELETED), claims.heard, 12),
        (behind_balancer(6), claims.balanced, 51),
    ],
)
def test_the_worlds_have_these_sizes(setup: Setup, claim: Any, states: int) -> None:
    assert zoo.judged(setup, claim).states == states


def test_the_smallest_world_by_hand() -> None:
    """A deleted Service: whether it is, each of two proxies follows, and what the sender has heard last.

    Nothing is deleted: the sender has sent or not, 2. Deleted: node-1 follows or not, 2; node-2 has not followed: not
    sent or answered, 2; has followed: its entry is cleared, so not sent, heard before, or lost since, 3.
    """
    assert zoo.judged(udp_flows.DELETED_TOO.of(udp_flows.DELETED), claims.heard).states == 2 + 2 * (2 + 3)


def test_a_trace_of_a_world_replays() -> None:
    setup = termination(0)
    made = accepted(data_path(setup))
    verdict = explore(machine(setup), [made])["accepted"]
    assert verdict.trace is not None
    again = replay(machine(setup), verdict.trace)
    last = states(machine(setup), verdict.trace)[-1]
    assert again
    assert list(made.check(last)) == list(verdict.evidence)


def test_a_world_that_the_api_server_refuses_is_an_error() -> None:
    twice = Node(ObjectMeta(name="node-1"))
    with pytest.raises(ValueError, match="refuses node-1"):
        machine(Setup((twice, twice)))


def test_at_the_start_everything_is_at_rest_and_known_everywhere() -> None:
    found: Machine = machine(termination(2))
    (start,) = found.initial
    assert start["proxy/node-1/known"] == start["proxy/node-2/known"]
    quiet = Invariant("quiet", "", lambda view: () if view["script"] == 0 else ("asked",))
    rest = Machine(found.initial, tuple(one for one in found.actions if not one.name.startswith("admin")))
    assert explore(rest, [quiet]).states == 1


def test_a_node_that_is_dead_does_nothing_more() -> None:
    setup = evolve(zoo.loss(silence=(0, 0)), script=(Delete(ref_of(udp_flows.pod("web-0", "node-1"))),), delays=None)
    gone = Sometimes("gone", "", lambda view: view["store/Pod/0"] is None and not view["node/node-1/up"])
    late = Sometimes("late", "", lambda view: view["script"] == 1 and view["store/Pod/0"] is not None)
    found = explore(machine(setup), [gone, late])
    assert found["late"].status is Status.HOLDS
    assert found["gone"].status is Status.HOLDS  # It had gone before its node died.
