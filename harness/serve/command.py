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

import uvicorn
from immutabledict import immutabledict

from ...impl.api.reading.load import BadInput, Problem
from ...impl.apiserver.access.authentication import Credentials, User
from .app import Service, application
from .database import BadDatabaseError, Database
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


def run(port: int, data: Path | None, nodes: int, tokens: Path | None, kubeconfig: Path | None, seed: int) -> None:
    """Serve on loopback until interrupted. Raises BadInput for a file that is none and for a port that is taken."""
    credentials = None if tokens is None else credentials_in(tokens)
    try:
        database = Database(data)
        plane = database.load()
        if plane is None:
            began = Began(nodes, int(time.time()), seed)
            plane = fresh(began.nodes, began.time, began.seed)
            database.begin(plane, began)
        else:
            database.keep(plane, plane, Turn(time.time(), OPENED, plane.revision))
    except BadDatabaseError as error:
        raise BadInput((Problem(str(data), 0, "", str(error)),)) from None
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise BadInput((Problem("--port", 0, "", f"{port} cannot be served: {error.strerror}"),)) from None
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    if kubeconfig is not None:
        kubeconfig.write_text(KUBECONFIG.format(url=url), encoding="utf-8")
    sys.stdout.write(f"serving {url}, kept in {database.name}\n  kubectl -s {url} get nodes\n")
    sys.stdout.flush()
    service = Service(plane, database, credentials)
    config = uvicorn.Config(
        application(service),
        log_level="error",
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=GRACE,
        server_header=False,
    )
    with contextlib.suppress(KeyboardInterrupt):  # the ordinary way to end it, which uvicorn passes on
        _Server(config, service).run(sockets=[listening])


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
        groups = tuple(one.strip() for one in row[3].split(",")) if len(row) > 3 and row[3] else ()
        found[row[0]] = User(row[1], groups)
    return Credentials(immutabledict(found))
