"""What is remembered of connections, what each release clears, as the model has it; and the text that programs a node.

tests/kernel compares the same with the real kernel, where there is one to ask.
"""

# ruff: noqa: D102 - the names of the rules are sentences
from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.kubeproxy.chains import ProxyConfig
from kubeproof.impl.kubeproxy.conntrack import (
    ALL_EVENTS,
    Cleanup,
    Entry,
    Event,
    Served,
    Table,
    answered,
    clean,
    send,
    served,
)
from kubeproof.impl.kubeproxy.nftables import nft_table, nft_text
from kubeproof.impl.kubeproxy.packet import Fate, Packet, Verdict
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.rule import RuleSet
from kubeproof.model.components.network import connections as model
from oracles.restore import restore_text, without_counters

CLUSTER_IP, NODE = "172.30.0.1", "192.168.0.1"
OLD, NEW = "10.0.1.1:8080", "10.0.1.2:8080"
POD = Packet("10.9.0.1", CLUSTER_IP, 80, "UDP")
AT_NODE = Packet("198.51.100.7", NODE, 30080, "UDP")


def service(name: str = "web", address: str = CLUSTER_IP, **spec: object) -> Service:
    ports = (ServicePort(port=80, name="x", node_port=30080, protocol="UDP"),)
    return Service(
        ObjectMeta(name=name, namespace="d"), ServiceSpec(cluster_ip=address, type="NodePort", ports=ports, **spec)
    )


def listed(*targets: str, serving: bool = True) -> EndpointSlice:
    meta = ObjectMeta(name="web-1", namespace="d", labels=immutabledict({"kubernetes.io/service-name": "web"}))
    state = EndpointConditions(ready=serving, serving=serving)
    found = tuple(Endpoint((one.partition(":")[0],), state, node_name="n1") for one in targets)
    return EndpointSlice(meta, endpoints=found, ports=(EndpointPort("x", 8080, "UDP"),))


def programmed(*targets: str) -> RuleSet:
    return rules([service()], [listed(*targets)], "n1")


def test_a_connection_stays_where_it_went_and_a_new_one_goes_by_the_rules() -> None:
    verdict, table = send(frozenset(), programmed(OLD), POD, 5000)
    assert verdict == Verdict(Fate.DNAT, OLD)
    assert table == {Entry("UDP", POD.source, 5000, CLUSTER_IP, 80, OLD)}
    assert send(table, programmed(NEW), POD, 5000) == (Verdict(Fate.DNAT, OLD), table)
    fresh, both = send(table, programmed(NEW), POD, 5001)
    assert (fresh, len(both)) == (Verdict(Fate.DNAT, NEW), 2)


def test_what_is_refused_is_not_remembered() -> None:
    assert send(frozenset(), programmed(), POD, 5000) == (Verdict(Fate.REJECT), frozenset())


def test_a_masqueraded_connection_stays_so() -> None:
    first, table = send(frozenset(), programmed(OLD), AT_NODE, 5000)
    assert first == Verdict(Fate.DNAT, OLD, masquerade=True)
    assert send(table, programmed(NEW), AT_NODE, 5000)[0] == first


@pytest.mark.parametrize(("replied", "fate"), [(False, Fate.REJECT), (True, Fate.ACCEPT)])
def test_rules_for_new_connections_meet_untranslated_ones_until_they_are_answered(*, replied: bool, fate: Fate) -> None:
    _, table = send(frozenset(), rules([], [], "n1"), POD, 5000)
    known = answered(table, POD, 5000) if replied else table
    assert {one.replied for one in known} == {replied}
    assert send(known, programmed(), POD, 5000)[0].fate is fate


STALE: Table = frozenset(
    {
        Entry("UDP", "10.9.0.1", 1, CLUSTER_IP, 80, OLD),
        Entry("UDP", "10.9.0.1", 2, CLUSTER_IP, 80, NEW),
        Entry("UDP", "198.51.100.7", 3, NODE, 30080, OLD, masquerade=True),
        Entry("UDP", "10.9.0.1", 4, CLUSTER_IP, 80, f"{CLUSTER_IP}:80"),
        Entry("UDP", "10.9.0.1", 5, CLUSTER_IP, 81, f"{CLUSTER_IP}:81"),
        Entry("TCP", "10.9.0.1", 6, CLUSTER_IP, 80, OLD),
        Entry("UDP", "10.9.0.1", 7, "172.30.0.2", 80, OLD),
    }
)
"""To OLD, to NEW, to a node port, from before the rules, to another port, by another protocol, to another Service."""


def left(before: tuple[str, ...] | None, after: tuple[str, ...] | None, cleanup: Cleanup) -> set[int]:
    """Name the entries that stay by their source port."""
    known = [() if one is None else served([service()], [listed(*one)], "n1") for one in (before, after)]
    return {one.source_port for one in clean(STALE, known[0], known[1], cleanup)}


@pytest.mark.parametrize(
    ("before", "after", "events", "reconciled", "empty", "deleted"),
    [
        ((OLD, NEW), (NEW,), {2, 4, 5, 6, 7}, {2, 5, 6, 7}, {2, 5, 6, 7}, {2, 5, 6, 7}),
        ((OLD,), (OLD,), {1, 2, 3, 4, 5, 6, 7}, {1, 3, 5, 6, 7}, {1, 3, 5, 6, 7}, {1, 3, 5, 6, 7}),
        ((OLD,), (), {2, 4, 5, 6, 7}, {1, 2, 3, 4, 5, 6, 7}, {5, 6, 7}, {5, 6, 7}),
        ((), (OLD,), {5, 6, 7}, {1, 3, 5, 6, 7}, {1, 3, 5, 6, 7}, {1, 3, 5, 6, 7}),
        (None, (OLD,), {5, 6, 7}, {1, 3, 5, 6, 7}, {1, 3, 5, 6, 7}, {1, 3, 5, 6, 7}),
        ((OLD,), None, {3, 6, 7}, {1, 2, 3, 4, 5, 6, 7}, {1, 2, 3, 4, 5, 6, 7}, {5, 6, 7}),
    ],
    ids=[
        "one of two goes",
        "nothing happens",
        "scaled to zero",
        "the first comes",
        "a new Service",
        "a deleted Service",
    ],
)
def test_each_release_clears_what_it_clears(
    before: tuple[str, ...] | None,
    after: tuple[str, ...] | None,
    events: set[int],
    reconciled: set[int],
    empty: set[int],
    deleted: set[int],
) -> None:
    expected = dict(zip(Cleanup, (events, reconciled, empty, deleted), strict=True))
    assert {cleanup: left(before, after, cleanup) for cleanup in Cleanup} == expected


def test_only_udp_ports_are_looked_after() -> None:
    tcp = evolve(service().spec, ports=(evolve(service().spec.ports[0], protocol="TCP"),))
    assert served([evolve(service(), spec=tcp)], [], "n1") == ()
    assert [one.port.protocol for one in served([service()], [], "n1")] == ["UDP"]


def test_external_and_balancer_addresses_are_doors_too_and_draining_endpoints_serve() -> None:
    doors = {"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.80"}]}}}
    one = Service(
        ObjectMeta(name="web", namespace="d"),
        ServiceSpec(
            cluster_ip=CLUSTER_IP, type="LoadBalancer", ports=service().spec.ports, external_ips=("192.0.2.1",)
        ),
        extra=immutabledict(doors),
    )
    table = frozenset(Entry("UDP", "10.9.0.1", 1, to, 80, OLD) for to in ("192.0.2.1", "203.0.113.80", "192.0.2.2"))
    state = served([one], [listed(OLD, serving=False)], "n1")
    assert state[0].endpoints == frozenset()
    assert {one.destination for one in clean(table, (), state, Cleanup.RECONCILED_EMPTY)} == {"192.0.2.2"}
    draining = EndpointConditions(ready=False, serving=True, terminating=True)
    slices = [EndpointSlice(listed().metadata, endpoints=(Endpoint(("10.0.1.1",), draining),), ports=listed().ports)]
    assert clean(table, (), served([one], slices, "n1"), Cleanup.RECONCILED_EMPTY) == table


@given(st.sets(st.sampled_from([OLD, NEW])), st.sets(st.sampled_from([OLD, NEW])))
def test_after_a_repaired_clean_up_nobody_is_sent_to_who_does_not_serve(before: set[str], after: set[str]) -> None:
    table: Table = frozenset()
    for port in range(4):
        _, table = send(table, programmed(*sorted(before)), POD, port, (port % 2 == 0,))
    known = [served([service()], [listed(*sorted(one))], "n1") for one in (before, after)]
    for cleanup in (Cleanup.EVENTS, Cleanup.RECONCILED_EMPTY, Cleanup.RECONCILED_DELETED):
        assert {one.endpoint for one in clean(table, known[0], known[1], cleanup)} <= after
    kept = {one.endpoint for one in clean(table, known[0], known[1], Cleanup.RECONCILED)}
    assert (kept <= after) == bool(after or not before)


@pytest.mark.parametrize(
    ("events", "left_over"),
    [
        (ALL_EVENTS, [set(), set(), {3}]),
        (ALL_EVENTS - {Event.REMOVED}, [{1, 3}, set(), {3}]),
        (ALL_EVENTS - {Event.FIRST}, [set(), {2, 4}, {3}]),
        (ALL_EVENTS - {Event.DELETED}, [set(), set(), {1, 2, 3, 4}]),
        (frozenset(), [{1, 3}, {2, 4}, {1, 2, 3, 4}]),
    ],
    ids=["1.31", "without removed endpoints", "without first endpoints", "without deleted Services", "none"],
)
def test_each_event_clears_what_it_was_added_for(events: frozenset[Event], left_over: list[set[int]]) -> None:
    """Those to OLD when it goes, those that do not go to OLD when it comes first, all when the Service is deleted."""
    web, old, new, bare = (
        () if one is None else served([service()], [listed(*one)], "n1") for one in ((OLD, NEW), (OLD,), (NEW,), ())
    )
    mine = frozenset(
        one for one in STALE if one.protocol == "UDP" and one.destination != "172.30.0.2" and one.port != 81
    )
    first = frozenset(one for one in mine if one.endpoint != OLD)
    found = (clean(mine, web, new, Cleanup.EVENTS, events), clean(first, bare, old, Cleanup.EVENTS, events),
             clean(mine, web, (), Cleanup.EVENTS, events))  # fmt: skip
    assert [
        {one.source_port for one in found[0] if one.endpoint == OLD},
        {one.source_port for one in found[1]},
        {one.source_port for one in found[2]},
    ] == left_over


# --- the model ------------------------------------------------------------------------------------------------------

DOOR = (CLUSTER_IP, 80)


def doors_of(known: tuple[Served, ...]) -> immutabledict[model.Door, frozenset[str]]:
    return immutabledict(((one.port.cluster_ip, one.port.port), one.endpoints) for one in known)


class Lockstep(RuleBasedStateMachine):
    """Packets are sent and Services change: table and rules are at every step what the model of connections has."""

    def __init__(self) -> None:
        super().__init__()
        self.table: Table = frozenset()
        self.rules = rules([], [], "n1")
        self.served: tuple[Served, ...] = ()
        self.model = model.State()

    def seen(self) -> model.State:
        doors = doors_of(self.served)
        held = {
            str(one.source_port): model.Held(DOOR, one.endpoint if one.translated else model.NOBODY)
            for one in self.table
        }
        return model.State(doors, immutabledict(held))

    @rule(flow=st.integers(1, 3), choice=st.sampled_from([(), (True,)]))
    def a_packet_is_sent(self, flow: int, choice: tuple[bool, ...]) -> None:
        expected = model.answers(self.model, str(flow), DOOR)
        verdict, self.table = send(self.table, self.rules, POD, flow, choice)
        if verdict.fate is Fate.REJECT:
            assert expected - {model.NOBODY} == frozenset()
            return
        action = model.Send(str(flow), DOOR, verdict.destination)
        assert verdict.destination in expected
        assert action.enabled(self.model)
        self.model = action.apply(self.model)

    @rule(endpoints=st.sampled_from([None, (), (OLD,), (NEW,), (OLD, NEW)]))
    def the_proxy_synchronises(self, endpoints: tuple[str, ...] | None) -> None:
        services, slices = ([], []) if endpoints is None else ([service()], [listed(*endpoints)])
        after = served(services, slices, "n1")
        self.table = clean(self.table, self.served, after, Cleanup.RECONCILED_DELETED)
        self.rules, self.served = rules(services, slices, "n1"), after
        doors = doors_of(after)
        idle = frozenset(
            flow
            for flow in self.model.flows
            if evolve(self.model, doors=doors).is_idle(flow) and DOOR in {*self.model.doors, *doors}
        )  # This release forgets them, too.
        action = model.Sync(doors, idle)
        if action.enabled(self.model):
            self.model = action.apply(self.model)
        assert self.model.stranded == ()

    @rule(flow=st.integers(1, 3))
    def the_kernel_forgets(self, flow: int) -> None:
        self.table = frozenset(one for one in self.table if one.source_port != flow)
        if (action := model.Forget(str(flow))).enabled(self.model):
            self.model = action.apply(self.model)

    @invariant()
    def both_know_the_same(self) -> None:
        assert self.seen() == self.model


TestLockstep = Lockstep.TestCase


@given(
    st.dictionaries(st.integers(1, 4), st.sampled_from([model.NOBODY, OLD, NEW]), max_size=4),
    *[st.sampled_from([None, (), (OLD,), (NEW,), (OLD, NEW)])] * 2,
    st.sampled_from(Cleanup),
)
def test_no_release_forgets_more_than_the_model_allows(
    held: dict[int, str], before: tuple[str, ...] | None, after: tuple[str, ...] | None, cleanup: Cleanup
) -> None:
    """By events, a flow that is well held may be forgotten, too, when its port gets its first endpoints."""
    table: Table = frozenset(
        Entry("UDP", POD.source, flow, CLUSTER_IP, 80, endpoint or f"{CLUSTER_IP}:80")
        for flow, endpoint in held.items()
    )
    known = [() if one is None else served([service()], [listed(*one)], "n1") for one in (before, after)]
    kept = {one.source_port for one in clean(table, known[0], known[1], cleanup)}
    doors = {} if after is None else {DOOR: frozenset(after)}
    flows = {str(flow): model.Held(DOOR, endpoint) for flow, endpoint in held.items()}
    state = model.State(immutabledict(doors), immutabledict(flows))
    spared = {flow for flow in held if not state.is_stranded(str(flow)) and not state.is_idle(str(flow))}
    first = cleanup is Cleanup.EVENTS and bool(after) and not before
    gone = cleanup is Cleanup.EVENTS and after is None and before is not None
    assert first or gone or spared <= kept
    if cleanup is Cleanup.RECONCILED_DELETED and before is not None:
        assert not {flow for flow in kept if state.is_stranded(str(flow))}


@pytest.mark.parametrize(
    ("flow", "endpoint", "possible"),
    [
        ("known", OLD, True),
        ("known", NEW, False),
        ("new", NEW, True),
        ("new", OLD, False),
        ("new", model.NOBODY, False),
    ],
)
def test_a_known_flow_stays_and_a_new_one_goes_where_its_door_leads(
    *, flow: str, endpoint: str, possible: bool
) -> None:
    state = model.State(immutabledict({DOOR: frozenset({NEW})}), immutabledict(known=model.Held(DOOR, OLD)))
    assert model.Send(flow, DOOR, endpoint).enabled(state) == possible
    elsewhere = ("172.30.0.9", 80)
    assert not model.Send("known", elsewhere, OLD).enabled(state)
    assert model.Send("new", elsewhere, model.NOBODY).enabled(state)


def test_a_flow_is_stranded_by_who_holds_it_and_what_its_door_has() -> None:
    door = immutabledict({DOOR: frozenset({OLD})})
    cases = [
        (door, OLD, False, False),
        (door, NEW, True, False),
        (door, model.NOBODY, True, False),
        (immutabledict({DOOR: frozenset()}), OLD, True, False),
        (immutabledict({DOOR: frozenset()}), model.NOBODY, False, True),
        (immutabledict(), OLD, True, False),
        (immutabledict(), model.NOBODY, False, True),
    ]
    for doors, endpoint, stranded, idle in cases:
        state = model.State(doors, immutabledict(a=model.Held(DOOR, endpoint)))
        assert (state.is_stranded("a"), state.is_idle("a")) == (stranded, idle)
        assert state.stranded == (("a",) if stranded else ())


# --- texts ----------------------------------------------------------------------------------------------------------


def test_the_text_declares_every_chain_and_keeps_the_order_of_the_rules() -> None:
    lines = restore_text(programmed(OLD, NEW)).splitlines()
    declared = {line.split()[0][1:] for line in lines if line.startswith(":")}
    assert {word for line in lines for word in line.split() if word.startswith("KUBE-")} <= declared
    assert [line for line in lines if line[0] == "*"] == ["*filter", "*nat"]
    assert lines.count("COMMIT") == 2
    nat = lines[lines.index("*nat") :]
    expected = [rule.line() for rule in programmed(OLD, NEW).rules if rule.table == "nat" and rule.quoted]
    assert [line for line in nat if line in expected] == expected
    assert '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES' in nat


def test_without_nfacct_localhost_is_not_counted_and_invalid_packets_still_dropped() -> None:
    text = restore_text(without_counters(programmed(OLD)))
    assert "nfacct" not in text
    assert "127.0.0.0/8 --dport 30080" not in text
    assert text.count("--dport 30080") == 1
    assert "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP" in text


def test_the_nftables_text_has_a_map_of_addresses_and_draws_one_number() -> None:
    text = nft_text(nft_table([service(session_affinity="ClientIP")], [listed(OLD, NEW)], "n1", ProxyConfig()))
    assert "172.30.0.1 . udp . 80 : jump ip-" in text
    assert "udp . 30080 : jump outside-" in text
    assert text.count("numgen random mod 2 vmap { 0 : jump KUBE-SEP-") == 1
    assert text.count("flags dynamic,timeout; timeout 10800s;") == 2
    assert "172.30.0.1 . udp . 80 : jump refuse" in nft_text(nft_table([service()], [], "n1", ProxyConfig()))
