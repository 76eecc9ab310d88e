"""A real etcd of one member while a test runs: on loopback, in a temporary folder, asked through its JSON gateway.

Debian's package etcd-server has it, or https://github.com/etcd-io/etcd/releases. Elections are quick, so that the
shortest lease is one second.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from attrs import frozen

PROGRAM = "etcd"
SECONDS_TO_START = 30
PATHS = {
    "put": "kv/put",
    "range": "kv/range",
    "delete_range": "kv/deleterange",
    "txn": "kv/txn",
    "compact": "kv/compaction",
    "lease_grant": "lease/grant",
    "lease_revoke": "lease/revoke",
    "lease_keepalive": "lease/keepalive",
    "lease_timetolive": "lease/timetolive",
    "leases": "lease/leases",
    "watch": "watch",
}
"""Where the gateway serves what (api/etcdserverpb/rpc.proto, the `google.api.http` options, etcd 3.4)."""


@frozen
class LiveEtcd:
    """A running etcd."""

    port: int

    def ask(self, op: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Send one request and give the HTTP code and the answer, without what names the cluster."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", f"/v3/{PATHS[op]}", json.dumps(body))
            response = connection.getresponse()
            answer = json.loads(response.read() or b"{}")
        finally:
            connection.close()
        return response.status, _plain(answer.get("result", answer))

    def watched(self, create: dict[str, Any], wanted: int, grace: float = 0.03) -> list[dict[str, Any]]:
        """Return the messages of a watch until it is cancelled, or until so many events and a little time passed."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        messages: list[dict[str, Any]] = []
        try:
            connection.request("POST", "/v3/watch", json.dumps({"create_request": create}))
            response = connection.getresponse()
            while line := _line(connection, response, grace if _events(messages) >= wanted and messages else 2):
                messages.append(json.loads(line))
                if messages[-1]["result"].get("canceled"):
                    break
        finally:
            connection.close()
        return messages


def _events(messages: list[dict[str, Any]]) -> int:
    return sum(len(one["result"].get("events", ())) for one in messages)


def _line(connection: HTTPConnection, response: Any, seconds: float) -> bytes:
    """Read the next line of a stream; nothing once nothing has come for so long."""
    connection.sock.settimeout(seconds)
    try:
        return bytes(response.readline())
    except TimeoutError:
        return b""


def _plain(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out ids and terms, and the second spelling of an error."""
    if "code" in answer:
        return {"code": answer["code"], "message": answer["message"]}
    header = {"revision": answer["header"]["revision"]} if "revision" in answer.get("header", {}) else {}
    return {**answer, "header": header}


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def live_etcd(folder: Path) -> Iterator[LiveEtcd]:
    """Run etcd while the block runs. FileNotFoundError if there is none; RuntimeError if it does not start."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise FileNotFoundError(PROGRAM)
    client, peer = _free_port(), _free_port()
    urls = {"client-urls": f"http://127.0.0.1:{client}", "peer-urls": f"http://127.0.0.1:{peer}"}
    options = {
        "name": "m0",
        "data-dir": str(folder / "data"),
        "listen-client-urls": urls["client-urls"],
        "advertise-client-urls": urls["client-urls"],
        "listen-peer-urls": urls["peer-urls"],
        "initial-advertise-peer-urls": urls["peer-urls"],
        "initial-cluster": f"m0={urls['peer-urls']}",
        "heartbeat-interval": "10",
        "election-timeout": "100",
    }
    log = folder / "etcd.log"
    with log.open("wb") as output:
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        process = subprocess.Popen([program, *arguments], stdout=output, stderr=output)
        try:
            found = LiveEtcd(client)
            _until_it_answers(found, process, log)
            yield found
        finally:
            process.terminate()
            process.wait(timeout=20)


def _until_it_answers(etcd: LiveEtcd, process: subprocess.Popen[bytes], log: Path) -> None:
    late = monotonic() + SECONDS_TO_START
    while process.poll() is None and monotonic() < late:
        try:
            if etcd.ask("range", {"key": "YQ=="})[0] == 200:
                return
        except (OSError, HTTPException):
            pass
        sleep(0.05)
    raise RuntimeError(f"etcd does not answer; its log ends with:\n{log.read_text(errors='replace')[-2000:]}")
