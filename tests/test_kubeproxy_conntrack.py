"""What is remembered of connections, what each release clears, and the text that programs a node.

tests/kernel compares the same with the real kernel, where there is one to ask.
"""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.kubeproxy.chains import ProxyConfig
from kubeproof.impl.kubeproxy.conntrack import Cleanup, Entry, Table, answered, clean, send, served
from kubeproof.impl.kubeproxy.nftables import nft_table, nft_text
from kubeproof.impl.kubeproxy.packet import Fate, Packet, Verdict
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.restore import restore_text, without_counters
from kubeproof.impl.kubeproxy.rule import RuleSet

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
