"""etcd's JSON gateway: requests from JSON, answers to JSON, and how far a recording agrees.

Upstream: api/etcdserverpb/rpc.pb.gw.go (etcd 3.5): bytes are base64, int64 are strings, zero values are left out.
Left out on purpose: HTTP, and the lease ids a server would choose (a recording's own ids are taken over).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve, field, frozen

from kubeproof.impl.etcd.apply import apply
from kubeproof.impl.etcd.leases import expire
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
    LeaseKeepAlive,
    LeaseLeases,
    LeaseResult,
    LeaseRevoke,
    LeasesResult,
    LeaseTimeToLive,
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
        case "lease_keepalive":
            return LeaseKeepAlive(_int(body, "ID"))
        case "lease_timetolive":
            return LeaseTimeToLive(_int(body, "ID"), bool(body.get("keys")))
        case "leases":
            return LeaseLeases()
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
        case LeaseResult():
            ttl, granted = str(result.ttl), str(result.granted)
            fields = {
                "ID": str(result.id),
                "TTL": ttl,
                "grantedTTL": granted,
                "keys": [_text(key) for key in result.keys],
            }
        case LeasesResult():
            fields = {"leases": [{"ID": str(one)} for one in result.ids]}
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

LONGEST = 60_000
"""Milliseconds that a recording took at most; what lives longer than that does not run out in it."""


@frozen
class Disagreement:
    """A step whose recorded answer is not the one given here."""

    step: int
    op: str
    recorded: Any
    given: Any


@frozen
class Moment:
    """A store, and the time on the clock its leases count by."""

    store: Store = field(factory=Store)
    now: int = 0

    def later(self) -> Iterator[Moment]:
        """Yield this moment, and those at which the next leases have run out and been revoked."""
        yield self
        ends = sorted({lease.expires for lease in self.store.leases.values() if self.now < lease.expires <= LONGEST})
        yield from (Moment(expire(self.store, now), now) for now in ends)


def judge(record: Json) -> tuple[int, tuple[Disagreement, ...]]:
    """Replay a recording on an empty store: how many steps it has, and those answered differently.

    A recording does not say when its steps were taken, so leases may run out before any of them: all moments that the
    answers so far allow are followed, and a step differs if none of them answers as recorded.
    """
    moments: tuple[Moment, ...] = (Moment(),)
    differing: list[Disagreement] = []
    for number, step in enumerate(record["steps"]):
        tried = [(one, *_replay(one, step)) for moment in moments for one in moment.later()]
        agreeing = [evolve(one, store=store) for one, store, recorded, given in tried if recorded == given]
        if not agreeing:
            one, store, recorded, given = tried[0]
            differing.append(Disagreement(number, step["op"], recorded, given))
            agreeing = [evolve(one, store=store)]
        moments = tuple({(one.store.revision, one.now): one for one in agreeing}.values())
    return len(record["steps"]), tuple(differing)


def _replay(moment: Moment, step: Json) -> tuple[Store, Any, Any]:
    """Return the store after a step, the recorded answer and the one given here, both in one form."""
    body, recorded, store = step["request"], step.get("response"), moment.store
    match step["op"]:
        case "watch":
            return store, recorded_watch(step["responses"]), given_watch(store, body)
        case op:
            body = body if _int(body, "ID") or op != "lease_grant" else {**body, "ID": (recorded or {}).get("ID", 0)}
            after, result = apply(store, operation_of(op, body), moment.now)
            code = HTTP[result.code] if isinstance(result, Failure) else 200
            return after, (step["httpCode"], normal(recorded)), (code, normal(answer_of(result)))


def normal(answer: Any) -> dict[str, Any]:
    """Order what comes in any order, and leave out the seconds a lease has left, which vary (not that it has none)."""
    normalised = dict(answer or {})
    if "grantedTTL" in normalised:
        normalised["TTL"] = ""
    for name, key in (("keys", b64decode), ("leases", lambda one: int(one["ID"]))):
        if name in normalised:
            normalised[name] = sorted(normalised[name], key=key)
    return normalised


def recorded_watch(responses: Any) -> Any:
    """Flatten a recorded watch: its events, or how it was cancelled."""
    results = [one["result"] for one in responses]
    for result in results:
        if result.get("canceled"):
            return result.get("cancel_reason") or int(result.get("compact_revision", 0))
    return [event for result in results for event in result.get("events", ())]


def given_watch(store: Store, body: Json) -> Any:
    """Return what a watch of the gateway would be told by now, in the form of a recorded one."""
    key, end = _bytes(body, "key") or FROM_KEY, _bytes(body, "range_end")
    if end and end != FROM_KEY and end <= key:
        return "mvcc: watcher range is empty"
    watcher = watch(store, key, end, _int(body, "start_revision"), tuple(body.get("filters", ())))
    _, seen = poll(store, watcher)
    if isinstance(seen, Compacted):
        return seen.compact_revision
    return [_event(event, prev_kv=bool(body.get("prev_kv"))) for event in seen]
