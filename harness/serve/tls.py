"""HTTPS with a certificate authority of one's own: who has a certificate of it is whom it names, as in Kubernetes.

The folder holds the authority, the server's certificate and, for each client, a kubeconfig with its certificate in it.
Upstream: staging/src/k8s.io/apiserver/pkg/authentication/request/x509 (CommonNameUserConversion, v1.32): the common
name is the user, the organization the group.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from pathlib import Path
from typing import Any

import trustme
import yaml
from uvicorn.protocols.http.h11_impl import H11Protocol

from ...impl.api.reading.load import BadInput, Problem
from ...impl.apiserver.access.authentication import ADMIN, MASTERS, User

NAMES = ("127.0.0.1", "localhost")
CERTIFICATE = "certificate"
"""Under this name the state of a request has whom its certificate names."""
ADMIN_FILE = "admin.conf"


class Protocol(H11Protocol):
    """HTTP on a connection whose client may have shown a certificate."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and note whose connection it is."""
        super().connection_made(transport)
        shown = transport.get_extra_info("peercert")
        self.app_state = {**self.app_state, CERTIFICATE: named_in(shown) if shown else None}


def named_in(certificate: dict[str, Any]) -> User | None:
    """Return whom a certificate that was verified names; None if it names nobody."""
    subject = [pair for part in certificate.get("subject", ()) for pair in part]
    names = [value for key, value in subject if key == "commonName"]
    return User(names[0], tuple(value for key, value in subject if key == "organizationName")) if names else None


def prepared(folder: Path, url: str, clients: tuple[str, ...]) -> dict[str, Any]:
    """Write what clients need, and return the server's options. Raises BadInput where the folder cannot be used.

    An authority that is there goes on. `clients` are NAME or NAME:GROUP; the administrator is always one.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        authority = _authority(folder)
        server = authority.issue_cert(*NAMES)
        _secret(folder / "tls.key", server.private_key_pem.bytes())
        (folder / "tls.crt").write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
        _kubeconfig(folder / ADMIN_FILE, authority, url, User(ADMIN.name, (MASTERS,)))
        for client in clients:
            user = _client(client)
            _kubeconfig(folder / f"{user.name}.conf", authority, url, user)
    except (OSError, ValueError) as error:
        raise BadInput((Problem(str(folder), 0, "", f"cannot hold an authority for --tls: {error}"),)) from None
    files = {"ssl_keyfile": "tls.key", "ssl_certfile": "tls.crt", "ssl_ca_certs": "ca.crt"}
    return {**{key: str(folder / name) for key, name in files.items()}, "ssl_cert_reqs": ssl.CERT_OPTIONAL}


def _authority(folder: Path) -> trustme.CA:
    """Return the authority that is there, or a new one."""
    certificate, key = folder / "ca.crt", folder / "ca.key"
    if certificate.exists():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    authority = trustme.CA(organization_name="kubeproof")
    _secret(key, authority.private_key_pem.bytes())
    certificate.write_bytes(authority.cert_pem.bytes())
    return authority


def _client(text: str) -> User:
    name, _, group = text.partition(":")
    if not name or "/" in name or name.startswith(".") or f"{name}.conf" == ADMIN_FILE:
        raise BadInput((Problem("--client", 0, "", f"expected NAME or NAME:GROUP, got {text!r}"),))
    return User(name, (group,) if group else ())


def _kubeconfig(path: Path, authority: trustme.CA, url: str, user: User) -> None:
    """Write a kubeconfig in which everything is that a client needs; only its owner may read it."""
    group = user.groups[0] if user.groups else None
    proof = authority.issue_cert("client", common_name=user.name, organization_name=group)
    chain = b"".join(blob.bytes() for blob in proof.cert_chain_pems)
    server = {"server": url, "certificate-authority-data": _packed(authority.cert_pem.bytes())}
    shown = {"client-certificate-data": _packed(chain), "client-key-data": _packed(proof.private_key_pem.bytes())}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "kubeproof",
        "clusters": [{"name": "kubeproof", "cluster": server}],
        "contexts": [{"name": "kubeproof", "context": {"cluster": "kubeproof", "user": user.name}}],
        "users": [{"name": user.name, "user": shown}],
    }
    _secret(path, yaml.safe_dump(document).encode())


def _packed(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _secret(path: Path, data: bytes) -> None:
    """Write a file that nobody else can read, not even for a moment."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    path.touch(mode=0o600)
    path.write_bytes(data)
