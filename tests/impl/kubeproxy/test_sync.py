"""Partial synchronisations leave the tables that a full one would make, and write no more than they must."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.kubeproxy.chains import ProxyConfig
from kubeproof.impl.kubeproxy.proxy import LARGE, rules
from kubeproof.impl.kubeproxy.sync import OWN, Settings, Sync, Synced, jumps_text, sync
from oracles.tables import EMPTY, RestoreError, Tables, restored

READY, LEAVING = (
    EndpointConditions(ready=True, serving=True),
    EndpointConditions(ready=False, serving=True, terminating=True),
)
N1 = Settings("n1")
NAMES = ("api", "db", "web")


def service(name: str, **spec: Any) -> Service:
    number = NAMES.index(name) + 1
    ports = (ServicePort(port=80, name="http", node_port=30080 + number), ServicePort(port=443, name="tls"))
    wanted = {"cluster_ip": f"172.30.0.{number}", "type": "NodePort", **spec}
    return Service(ObjectMeta(name=name, namespace="d"), ServiceSpec(ports=ports, **wanted))


def listed(name: str, *ends: tuple[int, EndpointConditions, str]) -> EndpointSlice:
    meta = ObjectMeta(name=f"{name}-1", namespace="d", labels=immutabledict({"kubernetes.io/service-name": name}))
    found = tuple(Endpoint((f"10.0.1.{number}",), one, node_name=node) for number, one, node in ends)
    return EndpointSlice(meta, endpoints=found, ports=(EndpointPort("http", 8080), EndpointPort("tls", 8443)))


World = tuple[tuple[Service, ...], tuple[EndpointSlice, ...]]

specs = st.fixed_dictionaries(
    {},
    optional={
        "external_traffic_policy": st.sampled_from(["Cluster", "Local"]),
        "session_affinity": st.sampled_from(["None", "ClientIP"]),
        "external_ips": st.just(("192.0.2.1",)),
        "type": st.sampled_from(["ClusterIP", "NodePort"]),
    },
)
ends = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([READY, LEAVING]), st.sampled_from(["n1", "n2"])),
    max_size=3,
    unique_by=lambda end: end[0],
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    there = draw(st.lists(st.sampled_from(NAMES), unique=True))
    services = tuple(service(name, **draw(specs)) for name in there)
    return services, tuple(listed(name, *draw(ends)) for name in draw(st.lists(st.sampled_from(NAMES), unique=True)))


def from_scratch(world: World, settings_: Settings = N1) -> Tables:
    return restored(EMPTY, sync(None, *world, settings_).text)


@settings(max_examples=60)
@given(st.lists(st.tuples(worlds(), st.booleans()), min_size=1, max_size=4))
def test_partial_texts_leave_the_tables_of_a_full_one(story: list[tuple[World, bool]]) -> None:
    synced: Synced | None = None
    tables = EMPTY
    for number, (world, full) in enumerate(story):
        done = sync(synced, *world, N1, full=full)
        assert done.full == (full or number == 0)
        synced, tables = done.synced, restored(tables, done.text)
        assert tables == from_scratch(world)
        assert synced.rules == rules(*world, "n1")  # the rules that were kept are those that would be made


@given(worlds(), worlds())
def test_chains_that_nobody_needs_stay_until_they_are_to_be_deleted(before: World, after: World) -> None:
    first = sync(None, *before, N1)
    lazy = sync(first.synced, *after, N1, delete=False)
    tables = restored(restored(EMPTY, first.text), lazy.text)
    wanted = from_scratch(after)
    left = {key: rules_ for key, rules_ in tables.items() if key not in wanted}
    assert {chain for _, chain in left} == first.synced.chains - {chain for _, chain in wanted}
    assert {key: tables[key] for key in wanted} == dict(wanted)
    assert restored(tables, sync(lazy.synced, *after, N1).text) == wanted


BEFORE: World = (
    (service("api"), service("web")),
    (listed("api", (1, READY, "n1")), listed("web", (2, READY, "n1"), (3, READY, "n2"))),
)


def own_lines(done: Sync) -> set[str]:
    """Return the names of single ports' chains that a text empties, fills or deletes."""
    starts = tuple(f"{sign}{prefix}" for sign in (":", "-A ", "-X ") for prefix in OWN)
    lines = (line for line in done.text.splitlines() if line.startswith(starts))
    return {line.removeprefix(":").removeprefix("-A ").removeprefix("-X ").partition(" ")[0] for line in lines}


def chains(synced: Synced, name: str) -> set[str]:
    return {rule.chain for rule in synced.own["d", name].rules if rule.chain.startswith(OWN)}


def test_only_what_changed_is_written_and_what_is_gone_is_deleted() -> None:
    first = sync(None, *BEFORE, N1)
    assert own_lines(first) == chains(first.synced, "api") | chains(first.synced, "web")
    assert own_lines(sync(first.synced, *BEFORE, N1)) == set()
    fewer = (BEFORE[0], (BEFORE[1][0], listed("web", (2, READY, "n1"))))
    second = sync(first.synced, *fewer, N1)
    gone = chains(first.synced, "web") - chains(second.synced, "web")
    assert len(gone) == 2  # an endpoint's chain for each port
    assert own_lines(second) == chains(first.synced, "web")
    assert {line[3:] for line in second.text.splitlines() if line.startswith("-X")} == gone
    assert second.synced.chains == first.synced.chains - gone


@pytest.mark.parametrize(
    "changed",
    [
        Settings("n2"),
        Settings("n1", ProxyConfig(masquerade_all=True)),
        Settings("n1", node_labels=immutabledict({"topology.kubernetes.io/zone": "a"})),
    ],
    ids=["another node", "another configuration", "the node's labels"],
)
def test_other_settings_make_a_sync_full(changed: Settings) -> None:
    first = sync(None, *BEFORE, N1)
    done = sync(first.synced, *BEFORE, changed)
    assert done.full
    assert restored(restored(EMPTY, first.text), done.text) == from_scratch(BEFORE, changed)


def test_flushed_tables_are_whole_again_after_a_full_sync_and_not_after_a_partial_one() -> None:
    first = sync(None, *BEFORE, N1)
    with pytest.raises(RestoreError):
        restored(EMPTY, sync(first.synced, *BEFORE, N1).text)
    assert restored(EMPTY, sync(first.synced, *BEFORE, N1, full=True).text) == from_scratch(BEFORE)


def many(name: str, count: int) -> EndpointSlice:
    one = listed(name, (1, READY, "n1"))
    found = tuple(evolve(one.endpoints[0], addresses=(f"10.1.{n // 250}.{n % 250}",)) for n in range(count))
    return evolve(one, endpoints=found, ports=one.ports[:1])


@pytest.mark.parametrize(("count", "bare"), [(LARGE, False), (LARGE + 1, True)])
def test_above_a_thousand_endpoints_their_comments_are_left_out(count: int, bare: bool) -> None:  # noqa: FBT001
    world = ((service("web"),), (many("web", count),))
    text = sync(None, *world, N1).text
    about = [line for line in text.splitlines() if "KUBE-SEP" in line and line.startswith("-A")]
    assert len(about) == 3 * count  # jump, mark, translate
    assert {"--comment" in line for line in about} == {not bare}
    assert "d/web:http cluster IP" in text


def test_a_cluster_that_grows_large_keeps_old_comments_until_the_next_full_sync() -> None:
    small = ((service("api"), service("web")), (listed("api", (1, READY, "n1")), many("web", 1)))
    large = (small[0], (small[1][0], many("web", LARGE + 1)))
    first = sync(None, *small, N1)
    second = sync(first.synced, *large, N1)
    kept = [rule for rule in second.synced.own["d", "api"].rules if rule.target.startswith("KUBE-SEP")]
    assert {bool(rule.comment) for rule in kept} == {True}
    third = sync(second.synced, *large, N1, full=True)
    kept = [rule for rule in third.synced.own["d", "api"].rules if rule.target.startswith("KUBE-SEP")]
    assert {bool(rule.comment) for rule in kept} == {False}


def test_news_that_change_nothing_are_no_change() -> None:
    first = sync(None, *BEFORE, N1)
    touched = evolve(BEFORE[1][1], metadata=evolve(BEFORE[1][1].metadata, resource_version="77"))
    relabelled = evolve(BEFORE[0][0], metadata=evolve(BEFORE[0][0].metadata, labels=immutabledict(team="a")))
    after = ((relabelled, BEFORE[0][1]), (BEFORE[1][0], touched))
    assert own_lines(sync(first.synced, *after, N1)) == set()


@pytest.mark.parametrize(
    "text",
    [
        "*nat\n-A KUBE-SVC-A -j DROP\nCOMMIT\n",
        "*nat\n:KUBE-SVC-A - [0:0]\n-A KUBE-SVC-A -j KUBE-SEP-A\nCOMMIT\n",
        "*nat\n:KUBE-SVC-A - [0:0]\n-A KUBE-SVC-A -j DROP\n-X KUBE-SVC-A\nCOMMIT\n",
        "*nat\n:KUBE-SVC-A - [0:0]\n:KUBE-SEP-A - [0:0]\n-A KUBE-SVC-A -j KUBE-SEP-A\n-X KUBE-SEP-A\nCOMMIT\n",
    ],
    ids=["a chain that is not there", "a jump to none", "a chain with rules", "a chain that is jumped to"],
)
def test_a_text_that_the_kernel_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(RestoreError):
        restored(EMPTY, text)


def test_the_jumps_are_loaded_once_and_their_chains_are_there() -> None:
    tables = restored(EMPTY, jumps_text(ProxyConfig()) + sync(None, *BEFORE, N1).text)
    assert len(tables["filter", "FORWARD"]) == 4
    assert tables["nat", "POSTROUTING"] == ('-m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',)
