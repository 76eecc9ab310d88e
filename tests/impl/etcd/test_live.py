"""A real etcd and the pure one, asked the same through the JSON gateway, answer the same."""

# ruff: noqa: D102 - the names of the rules say what they do

from __future__ import annotations

import os
import time
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from kubeproof.impl.etcd import Failure, LeaseGrant, LeaseRevoke, Put, Store, apply, expire
from oracles.etcd import answer_of, given_watch, normal, operation_of, recorded_watch
from oracles.live_etcd import LiveEtcd, live_etcd
from planted import planted


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveEtcd]:
    """Run a real etcd for this file."""
    try:
        with live_etcd(tmp_path_factory.mktemp("etcd")) as found:
            yield found
    except FileNotFoundError:
        why = "no etcd on this machine: install Debian's etcd-server, or a release of github.com/etcd-io/etcd"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)


def text(value: bytes) -> str:
    return b64encode(value).decode()


EVERYTHING = {"key": text(b"\0"), "range_end": text(b"\0")}
KEYS = st.sampled_from([text(key) for key in (b"a", b"ab", b"b", b"c", b"")])
ENDS = st.sampled_from([text(end) for end in (b"", b"", b"\0", b"b", b"d")])
VALUES = st.sampled_from([text(value) for value in (b"", b"x", b"y")])
LEASES = st.sampled_from(["0", "0", "7", "8", "55"])
FLAGS = st.booleans()
TTLS = st.sampled_from(["1000", "2000", "9000000001"])
RANGES = st.fixed_dictionaries(
    {"key": KEYS, "range_end": ENDS},
    optional={
        "limit": st.sampled_from(["1", "2"]),
        "sort_target": st.sampled_from(["KEY", "VERSION", "CREATE", "MOD", "VALUE"]),
        "sort_order": st.sampled_from(["NONE", "ASCEND", "DESCEND"]),
        "keys_only": FLAGS,
        "count_only": FLAGS,
    },
)
PUTS = st.fixed_dictionaries(
    {"key": KEYS, "value": VALUES}, optional={"lease": LEASES, "prev_kv": FLAGS, "ignore_value": FLAGS}
)
DELETES = st.fixed_dictionaries({"key": KEYS, "range_end": ENDS}, optional={"prev_kv": FLAGS})
COMPARES = st.one_of(
    st.fixed_dictionaries({"key": KEYS, "target": st.just("VERSION"), "version": st.sampled_from(["0", "1", "2"])}),
    st.fixed_dictionaries({"key": KEYS, "target": st.just("VALUE"), "value": VALUES}),
    st.fixed_dictionaries({"key": KEYS, "target": st.just("LEASE"), "lease": LEASES}),
).flatmap(
    lambda one: st.sampled_from(["EQUAL", "NOT_EQUAL", "GREATER", "LESS"]).map(lambda how: {**one, "result": how})
)
SIMPLE = st.one_of(
    st.builds(lambda one: {"request_put": one}, PUTS),
    st.builds(lambda one: {"request_delete_range": one}, DELETES),
    st.builds(lambda one: {"request_range": one}, RANGES),
)


def txns(inner: Any) -> Any:
    branches = st.lists(inner, max_size=3)
    return st.builds(
        lambda compare, success, failure: {"compare": compare, "success": success, "failure": failure},
        st.lists(COMPARES, max_size=2), branches, branches,
    )  # fmt: skip


TXNS = txns(st.one_of(SIMPLE, SIMPLE, st.builds(lambda one: {"request_txn": one}, txns(SIMPLE))))


class SideBySide(RuleBasedStateMachine):
    """Clients of both; each begins with an empty store whose past is compacted."""

    etcd: LiveEtcd

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()

    @initialize()
    def begin(self) -> None:
        for lease in self.etcd.ask("leases", {})[1].get("leases", ()):
            self.etcd.ask("lease_revoke", {"ID": lease["ID"]})
        self.etcd.ask("delete_range", EVERYTHING)
        revision = int(self.etcd.ask("put", {"key": text(b"a")})[1]["header"]["revision"]) + 1
        self.etcd.ask("delete_range", EVERYTHING)
        self.etcd.ask("compact", {"revision": str(revision)})
        gone = apply(Store(revision=revision - 2), Put(b"a"))[0]
        self.store = apply(
            apply(gone, operation_of("delete_range", EVERYTHING))[0], operation_of("compact", {"revision": revision})
        )[0]

    def ask(self, op: str, body: dict[str, Any]) -> None:
        self.store, result = apply(self.store, operation_of(op, body))
        code, answer = self.etcd.ask(op, body)  # which HTTP code an error has differs between releases of the gateway
        assert (code == 200, normal(answer)) == (not isinstance(result, Failure), normal(answer_of(result)))

    @rule(body=PUTS)
    def put(self, body: dict[str, Any]) -> None:
        self.ask("put", body)

    @rule(body=RANGES, back=st.sampled_from([None, None, -1, 0, 1, 2, 4]))
    def range(self, body: dict[str, Any], back: int | None) -> None:
        past = {} if back is None else {"revision": str(self.store.revision - back)}
        self.ask("range", body | past)

    @rule(body=DELETES)
    def delete(self, body: dict[str, Any]) -> None:
        self.ask("delete_range", body)

    @rule(body=TXNS)
    def txn(self, body: dict[str, Any]) -> None:
        self.ask("txn", body)

    @rule(back=st.integers(-1, 5))
    def compact(self, back: int) -> None:
        self.ask("compact", {"revision": str(self.store.revision - back)})

    @rule(lease=st.sampled_from(["7", "8"]), ttl=TTLS)
    def grant(self, lease: str, ttl: str) -> None:
        self.ask("lease_grant", {"ID": lease, "TTL": ttl})

    @rule(lease=LEASES, op=st.sampled_from(["lease_revoke", "lease_timetolive", "lease_keepalive"]))
    def lease(self, lease: str, op: str) -> None:
        self.ask(op, {"ID": lease, **({"keys": True} if op == "lease_timetolive" else {})})

    @rule()
    def leases(self) -> None:
        self.ask("leases", {})

    @rule(body=DELETES, back=st.integers(-1, 6), filters=st.sampled_from([[], [], ["NOPUT"], ["NODELETE"]]))
    def watch(self, body: dict[str, Any], back: int, filters: list[str]) -> None:
        start = max(self.store.revision - back, 1)
        start += start == self.store.compact_revision  # etcd#18089: old releases may skip deletions of that revision
        create = {**body, "start_revision": str(start), "filters": filters}
        given = given_watch(self.store, create)
        wanted = len(given) if isinstance(given, list) else 1
        assert recorded_watch(self.etcd.watched(create, wanted)) == given


def beside(etcd: LiveEtcd, examples: int, phases: Iterable[Phase] = tuple(Phase)) -> None:
    machine = type("Beside", (SideBySide,), {"etcd": etcd})
    health = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            suppress_health_check=health,
            deadline=None,
            phases=phases,
            derandomize=True,
        ),
    )


def test_both_answer_the_same(etcd: LiveEtcd) -> None:
    beside(etcd, 25)


FAULTS = [
    ("store", "(old.version if old else 0) + 1", "(old.version if old else 0) + 2"),
    ("leases", "if asked.id in store.leases:", "if asked.id in ():"),
]


@pytest.mark.parametrize(("module", "before", "after"), FAULTS, ids=[f"{one[0]}: {one[2]}" for one in FAULTS])
def test_a_fault_in_the_pure_one_is_noticed(etcd: LiveEtcd, module: str, before: str, after: str) -> None:
    with planted(f"kubeproof.impl.etcd.{module}", before, after), pytest.raises(AssertionError):
        beside(etcd, 200, [Phase.generate])


def test_a_lease_that_runs_out_takes_its_keys_with_it(etcd: LiveEtcd) -> None:
    machine = type("Once", (SideBySide,), {"etcd": etcd})()
    machine.begin()
    machine.store = apply(machine.store, LeaseGrant(9, 1), now=0)[0]
    assert etcd.ask("lease_grant", {"ID": "9", "TTL": "1"})[0] == 200
    machine.put({"key": text(b"a"), "value": text(b"x"), "lease": "9"})
    machine.put({"key": text(b"b"), "value": text(b"y")})
    late = time.monotonic() + 20
    while etcd.ask("leases", {})[1].get("leases") and time.monotonic() < late:
        time.sleep(0.1)
    machine.store = expire(machine.store, now=1000)
    for op, body in (("leases", {}), ("range", EVERYTHING), ("lease_timetolive", {"ID": "9", "keys": True})):
        machine.ask(op, body)
    assert apply(machine.store, LeaseRevoke(9))[1] != apply(Store(), LeaseGrant(9, 1))[1]
