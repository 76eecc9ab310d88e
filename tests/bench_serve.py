"""How fast `kubeproof serve` is, through HTTP: `python tests/bench_serve.py`.

Creates of ConfigMaps one after the other over one connection, with few objects in the store and with many, the same by
the pure protocol, without HTTP and without a file, and the same bodies put into a real etcd through its JSON gateway,
where there is one (Debian: etcd-server). CPU seconds are those of the server.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from base64 import b64encode
from pathlib import Path
from time import perf_counter, process_time

import httpx

from kubeproof.harness.serve.start import fresh
from kubeproof.impl.apiserver import ADMIN
from kubeproof.impl.apiserver.rest.http import HttpRequest
from kubeproof.impl.apiserver.rest.serve import serve
from kubeproof.impl.apiserver.verbs.create import Inputs
from oracles.live_etcd import PROGRAM, live_etcd

PLACE = "/api/v1/namespaces/default/configmaps"
ROUNDS = 300
MANY = 2000


def body(number: int) -> bytes:
    """Write a ConfigMap."""
    found = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c{number}"}, "data": {"a": "b" * 100}}
    return json.dumps(found).encode()


def cpu_of(process: subprocess.Popen[str]) -> float:
    """Read the CPU seconds that a process has used."""
    parts = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / 100


def through_http() -> None:
    """Create over HTTP, with a file."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "kubeproof", "serve", "--port", "0", "--data", f"{place}/x.db"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        found = re.search(r"http://\S+\d", process.stdout.readline())
        assert found is not None
        with httpx.Client(base_url=found[0]) as client:
            created = 0
            for goal in (0, MANY):
                while created < goal:
                    assert client.post(PLACE, content=body(created)).status_code == 201
                    created += 1
                began, cpu = perf_counter(), cpu_of(process)
                for number in range(created, created + ROUNDS):
                    assert client.post(PLACE, content=body(number)).status_code == 201
                created += ROUNDS
                wall, used = perf_counter() - began, cpu_of(process) - cpu
                rates = f"{ROUNDS / wall:.0f}/s, {ROUNDS / used:.0f} per CPU s"
                print(f"creates through HTTP from {goal} objects on: {rates}")
        process.send_signal(signal.SIGTERM)
        process.wait()


def pure() -> None:
    """Create by the protocol alone."""
    server = fresh(3, 1_700_000_000, 0).server
    began = process_time()
    for number in range(ROUNDS):
        asked = HttpRequest("POST", PLACE, (), body(number), "application/json", "", "bench/1")
        server, answer = serve(server, asked, ADMIN, Inputs(1_700_000_000, "abcde", f"uid-{number}"))
        assert getattr(answer, "code", 0) == 201
    print(f"creates by the pure protocol: {ROUNDS / (process_time() - began):.0f} per CPU s")


def through_the_gateway() -> None:
    """Put the same bodies into a real etcd, one after the other over one connection."""
    if shutil.which(PROGRAM) is None:
        print("puts through the gateway of etcd: no etcd is installed here")
        return
    with (
        tempfile.TemporaryDirectory() as place,
        live_etcd(Path(place)) as etcd,
        httpx.Client(base_url=f"http://127.0.0.1:{etcd.port}") as client,
    ):
        began = perf_counter()
        for number in range(ROUNDS):
            key, value = f"/registry/configmaps/default/c{number}".encode(), body(number)
            asked = {"key": b64encode(key).decode(), "value": b64encode(value).decode()}
            assert client.post("/v3/kv/put", json=asked).status_code == 200
        print(f"puts through the gateway of etcd: {ROUNDS / (perf_counter() - began):.0f}/s")


if __name__ == "__main__":
    pure()
    through_http()
    through_the_gateway()
