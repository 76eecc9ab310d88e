"""etcd's JSON gateway for recorded sequences: requests from JSON, answers to JSON, and how far a recording agrees.

Upstream: api/etcdserverpb/rpc.pb.gw.go (etcd 3.5): bytes are base64, int64 are strings, zero values are left out.
Left out on purpose: HTTP, and the lease ids a server would choose (a recording's own ids are taken over).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from kubeproof.impl.etcd.apply import LONGEST_TTL, apply
from kubeproof.impl.etcd.operations import (
    FROM_KEY,
    Compact,
    Compare,
    DeleteRange,
    DeleteResult,
    Done,
    Event,
    Failure,
    KeyValue,
    LeaseGrant,
    LeaseRevoke,
    Operation,
    Put,
    PutResult,
    Range,
    RangeResult,
    Result,
    Txn,
    TxnResult,
)
from kubeproof.impl.etcd.store import Store
from kubeproof.impl.etcd.watch import Compacted, poll, watch

Json = Mapping[str, Any]
HTTP = {3: 400, 5: 404, 9: 400, 11: 400}
"""gRPC code to HTTP code."""


# --- requests -----------------------------------------------------------------------------------------------------


def _bytes(body: Json, field: str) -> bytes:
    return b64decode(body.get(field, ""))


def _int(body: Json, field: str) -> int:
    return int(body.get(field, 0))


def operation_of(op: str, body: Json) -> Operation:
    """Read a request of the gateway."""
    match op:
        case "put":
            return _put(body)
        case "range":
            return _range(body)
        case "delete_range":
            return _delete(body)
        case "txn":
            return _txn(body)
        case "compact":
            return Compact(_int(body, "revision"))
        case "lease_grant":
            return LeaseGrant(_int(body, "ID"), _int(body, "TTL"))
        case "lease_revoke":
            return LeaseRevoke(_int(body, "ID"))
        case _:
            raise ValueError(f"no operation is called {op!r}")


def _put(body: Json) -> Put:
    flags = {flag: bool(body.get(flag)) for flag in ("prev_kv", "ignore_value", "ignore_lease")}
    return Put(_bytes(body, "key"), _bytes(body, "value"), _int(body, "lease"), **flags)


def _range(body: Json) -> Range:
    return Range(
        _bytes(body, "key"),
        _bytes(body, "range_end"),
        _int(body, "revision"),
        _int(body, "limit"),
        body.get("sort_target", "KEY"),
        body.get("sort_order", "NONE"),
        keys_only=bool(body.get("keys_only")),
        count_only=bool(body.get("count_only")),
        min_mod_revision=_int(body, "min_mod_revision"),
        max_mod_revision=_int(body, "max_mod_revision"),
        min_create_revision=_int(body, "min_create_revision"),
        max_create_revision=_int(body, "max_create_revision"),
    )


def _delete(body: Json) -> DeleteRange:
    return DeleteRange(_bytes(body, "key"), _bytes(body, "range_end"), bool(body.get("prev_kv")))


def _txn(body: Json) -> Txn:
    return Txn(
        tuple(map(_compare, body.get("compare", ()))),
        tuple(map(_nested, body.get("success", ()))),
        tuple(map(_nested, body.get("failure", ()))),
    )


def _nested(body: Json) -> Put | Range | DeleteRange | Txn:
    (name, inner) = next(iter(body.items()))
    if name == "request_put":
        return _put(inner)
    if name == "request_range":
        return _range(inner)
    return _delete(inner) if name == "request_delete_range" else _txn(inner)


_OPERANDS = {"VERSION": "version", "CREATE": "create_revision", "MOD": "mod_revision", "LEASE": "lease"}


def _compare(body: Json) -> Compare:
    target = body.get("target", "VERSION")
    operand: Any = _bytes(body, "value") if target == "VALUE" else _int(body, _OPERANDS[target])
    return Compare(_bytes(body, "key"), target, body.get("result", "EQUAL"), operand, _bytes(body, "range_end"))


# --- answers ------------------------------------------------------------------------------------------------------


def _text(value: bytes) -> str:
    return b64encode(value).decode()


def _sparse(pairs: Json) -> dict[str, Any]:
    return {key: value for key, value in pairs.items() if value not in ("", "0", 0, [], None, False)}


def _kv(kv: KeyValue) -> dict[str, Any]:
    return _sparse(
        {
            "key": _text(kv.key),
            "create_revision": str(kv.create_revision),
            "mod_revision": str(kv.mod_revision),
            "version": str(kv.version),
            "value": _text(kv.value),
            "lease": str(kv.lease),
        }
    )


def answer_of(result: Result) -> dict[str, Any]:
    """Write an answer of the gateway."""
    match result:
        case Failure():
            return {"code": result.code, "message": result.message}
        case PutResult():
            fields: dict[str, Any] = {"prev_kv": _kv(result.prev) if result.prev else None}
        case RangeResult():
            fields = {"kvs": [_kv(kv) for kv in result.kvs], "more": result.more, "count": str(result.count)}
        case DeleteResult():
            fields = {"deleted": str(result.deleted), "prev_kvs": [_kv(kv) for kv in result.prevs]}
        case TxnResult():
            fields = {"succeeded": result.succeeded, "responses": [_response(one) for one in result.responses]}
        case Done():
            fields = {}
    return {"header": _sparse({"revision": str(result.revision)}), **_sparse(fields)}


def _response(result: PutResult | RangeResult | DeleteResult | TxnResult) -> dict[str, Any]:
    name = {
        PutResult: "response_put",
        RangeResult: "response_range",
        DeleteResult: "response_delete_range",
        TxnResult: "response_txn",
    }[type(result)]
    return {name: answer_of(result)}


def _event(event: Event, *, prev_kv: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"type": "DELETE"} if event.deletes else {}
    shown["kv"] = _kv(event.kv)
    if prev_kv and event.prev:
        shown["prev_kv"] = _kv(event.prev)
    return shown


# --- recordings ---------------------------------------------------------------------------------------------------


@frozen
class Disagreement:
    """A step whose recorded answer is not the one given here."""

    step: int
    op: str
    recorded: Any
    given: Any


def judge(record: Json) -> tuple[int, tuple[Disagreement, ...]]:
    """Replay a recording on an empty store: how many steps it has, and those answered differently."""
    store, differing = Store(), []
    for number, step in enumerate(record["steps"]):
        store, recorded, given = _replay(store, step)
        if recorded != given:
            differing.append(Disagreement(number, step["op"], recorded, given))
    return len(record["steps"]), tuple(differing)


def _replay(store: Store, step: Json) -> tuple[Store, Any, Any]:
    """Give the store after a step, the recorded answer and the one given here, both in one form."""
    body, recorded = step["request"], step.get("response")
    match step["op"]:
        case "watch":
            return store, _recorded_watch(step["responses"]), _given_watch(store, body)
        case "leases":
            listed = [{"ID": str(one)} for one in sorted(store.leases)]
            header = {"header": {"revision": str(store.revision)}}
            return store, _leases_sorted(recorded), {**header, **_sparse({"leases": listed})}
        case "lease_timetolive":
            return store, _keys_sorted(recorded or {}), _time_to_live(store, body)
        case "lease_grant":
            return _grant(store, body, recorded or {})
        case op:
            after, result = apply(store, operation_of(op, body))
            given = answer_of(result)
            code = HTTP[result.code] if isinstance(result, Failure) else 200
            return after, (step["httpCode"], recorded), (code, given)


def _leases_sorted(recorded: Any) -> Any:
    if "leases" not in recorded:
        return recorded
    return {**recorded, "leases": sorted(recorded["leases"], key=lambda one: int(one["ID"]))}


def _keys_sorted(recorded: Json) -> dict[str, Any]:
    """Drop the seconds that are left, which vary, and order the keys, which come in any order."""
    keys = {"keys": sorted(recorded["keys"], key=b64decode)} if "keys" in recorded else {}
    return {**recorded, **keys, "TTL": ""}


def _grant(store: Store, body: Json, recorded: Json) -> tuple[Store, Any, Any]:
    """Grant with the id the recorded server chose, where it chose one."""
    asked = _int(body, "ID") or _int(recorded, "ID")
    ttl = _int(body, "TTL")
    after, result = apply(store, LeaseGrant(asked, ttl))
    given = answer_of(result)
    if isinstance(result, Done) and ttl <= LONGEST_TTL:
        given |= {"ID": str(asked), "TTL": str(after.leases[asked])}
    return after, recorded, given


def _time_to_live(store: Store, body: Json) -> dict[str, Any]:
    lease = _int(body, "ID")
    keys = [_text(key) for key in store.attached(lease)] if lease in store.leases else []
    fields = _sparse({"grantedTTL": str(store.leases.get(lease, 0)), "keys": keys})
    return {"header": {"revision": str(store.revision)}, "ID": str(lease), "TTL": "", **fields}


def _recorded_watch(responses: Any) -> Any:
    """Flatten a recorded watch: its events, or how it was cancelled."""
    results = [one["result"] for one in responses]
    for result in results:
        if result.get("canceled"):
            return result.get("cancel_reason") or int(result.get("compact_revision", 0))
    return [event for result in results for event in result.get("events", ())]


def _given_watch(store: Store, body: Json) -> Any:
    key, end = _bytes(body, "key") or FROM_KEY, _bytes(body, "range_end")
    if end and end != FROM_KEY and end <= key:
        return "mvcc: watcher range is empty"
    watcher = watch(store, key, end, _int(body, "start_revision"), tuple(body.get("filters", ())))
    _, seen = poll(store, watcher)
    if isinstance(seen, Compacted):
        return seen.compact_revision
    return [_event(event, prev_kv=bool(body.get("prev_kv"))) for event in seen]
