"""The command: open the file, begin or go on, and serve until somebody ends it."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import socket
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from attrs import frozen
from immutabledict import immutabledict

from ...impl.api.reading.load import BadInput, Problem
from ...impl.apiserver.access.authentication import Credentials, User
from .app import Service, application
from .balancer import Balancer
from .database import BadDatabaseError, Database
from .plane import Plane
from .recording import OPENED, Began, Turn
from .start import fresh

KUBECONFIG = """apiVersion: v1
kind: Config
current-context: kubeproof
clusters: [{{name: kubeproof, cluster: {{server: "{url}"}}}}]
contexts: [{{name: kubeproof, context: {{cluster: kubeproof, user: kubeproof}}}}]
users: [{{name: kubeproof, user: {{}}}}]
"""
GRACE = 2
"""Seconds that what is under way gets when the server is to end."""


class _Server(uvicorn.Server):
    """A server whose watches end when it is told to end."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal: Ctrl-C, or what a supervisor sends."""
        asyncio.get_running_loop().create_task(self.service.end())
        super().handle_exit(sig, frame)


@frozen
class Asked:
    """The options of `kubeproof serve`."""

    port: int
    data: Path | None
    nodes: int
    tokens: Path | None
    kubeconfig: Path | None
    seed: int
    tls: Path | None = None
    clients: tuple[str, ...] = ()
    apiservers: int = 1
    lag: float = 0.0
    """Seconds by which the watch cache of the last of several servers lags."""
    no_components: bool = False
    """Whether only the API server is served: nobody schedules, reconciles or runs anything."""


def run(asked: Asked) -> None:
    """Serve on loopback until interrupted. Raises BadInput for a file that is none and for a port that is taken."""
    credentials = None if asked.tokens is None else credentials_in(asked.tokens)
    if asked.clients and asked.tls is None:
        raise BadInput((Problem("--client", 0, "", "a client has a certificate only with --tls"),))
    plane, database = _opened(asked)
    with contextlib.closing(database), contextlib.closing(_bound(asked.port)) as listening:
        url = f"{'http' if asked.tls is None else 'https'}://127.0.0.1:{listening.getsockname()[1]}"
        secured = {} if asked.tls is None else _secured(asked.tls, url, asked.clients)
        _tell(asked, url, database.name)
        who = credentials or (Credentials() if secured else None)
        service = Service(
            plane, database, who, components=not asked.no_components, balancer=Balancer(asked.apiservers, asked.lag)
        )
        config = uvicorn.Config(
            application(service),
            log_level="error",
            lifespan="on",
            ws="none",
            timeout_graceful_shutdown=GRACE,
            server_header=False,
            **secured,
        )
        with contextlib.suppress(KeyboardInterrupt):  # the ordinary way to end it, which uvicorn passes on
            _Server(config, service).run(sockets=[listening])


def _tell(asked: Asked, url: str, name: str) -> None:
    """Say where it is served, and write the kubeconfig that is asked for."""
    if asked.kubeconfig is not None:
        asked.kubeconfig.write_text(_kubeconfig(asked, url), encoding="utf-8")
    how = f"-s {url}" if asked.tls is None else f"--kubeconfig {asked.tls / 'admin.conf'}"
    sys.stdout.write(f"serving {url}, kept in {name}\n  kubectl {how} get nodes\n")
    sys.stdout.flush()


def _opened(asked: Asked) -> tuple[Plane, Database]:
    """Return the cluster that is kept, or a new one."""
    try:
        database = Database(asked.data)
        plane = database.load()
        if plane is None:
            began = Began(asked.nodes, int(time.time()), asked.seed)
            plane = fresh(began.nodes, began.time, began.seed)
            database.begin(plane, began)
        else:
            database.keep(plane, plane, Turn(time.time(), OPENED, plane.revision))
    except BadDatabaseError as error:
        raise BadInput((Problem(str(asked.data), 0, "", str(error)),)) from None
    return plane, database


def _bound(port: int) -> socket.socket:
    # The protocol is named: only then does asyncio send small packets at once, and no answer waits for 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen()  # whoever reads the line below may ask at once, and waits until there is an answer
    except OSError as error:
        listening.close()
        raise BadInput((Problem("--port", 0, "", f"{port} cannot be served: {error.strerror}"),)) from None
    return listening


def _secured(folder: Path, url: str, clients: tuple[str, ...]) -> dict[str, Any]:
    from . import tls  # noqa: PLC0415 - nobody else needs the library

    return {**tls.prepared(folder, url, clients), "http": tls.Protocol}


def _kubeconfig(asked: Asked, url: str) -> str:
    if asked.tls is None:
        return KUBECONFIG.format(url=url)
    return (asked.tls / "admin.conf").read_text(encoding="utf-8")


def credentials_in(path: Path) -> Credentials:
    """Read a token file as kube-apiserver takes it: token,user,uid,"group1,group2". Raises BadInput."""
    try:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput((Problem(str(path), 0, "", f"cannot be read: {error}"),)) from None
    found: dict[str, User] = {}
    for number, row in enumerate(rows, start=1):
        if not row or row[0].startswith("#"):
            continue
        if len(row) < 3 or not row[0] or not row[1]:
            raise BadInput((Problem(str(path), number, "", 'expected token,user,uid,"group1,group2"'),))
        groups = tuple(word.strip() for word in row[3].split(",")) if len(row) > 3 and row[3] else ()
        found[row[0]] = User(row[1], groups)
    return Credentials(immutabledict(found))
