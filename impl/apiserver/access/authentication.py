"""Authentication: whose request this is, from a bearer token or a client certificate.

Upstream: staging/src/k8s.io/apiserver/pkg/authentication (v1.32): request/union, request/bearertoken, request/x509.
Left out on purpose: cryptography (a credential is a name looked up in a table), OIDC, webhooks, impersonation.
"""

from __future__ import annotations

from attrs import field, frozen
from immutabledict import immutabledict

ALL_AUTHENTICATED = "system:authenticated"
ALL_UNAUTHENTICATED = "system:unauthenticated"
MASTERS = "system:masters"
NODES = "system:nodes"
SERVICE_ACCOUNTS = "system:serviceaccounts"


@frozen
class User:
    """Who asks: a name and the groups it is in."""

    name: str
    groups: tuple[str, ...] = (ALL_AUTHENTICATED,)


ANONYMOUS = User("system:anonymous", (ALL_UNAUTHENTICATED,))
ADMIN = User("kubernetes-admin", (MASTERS, ALL_AUTHENTICATED))
SCHEDULER = User("system:kube-scheduler")
KUBE_PROXY = User("system:kube-proxy")


def node_user(node: str) -> User:
    """Return the kubelet's user on a node."""
    return User(f"system:node:{node}", (NODES, ALL_AUTHENTICATED))


def service_account(namespace: str, name: str) -> User:
    """Return the user a service account's token stands for."""
    groups = (SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{namespace}", ALL_AUTHENTICATED)
    return User(f"system:serviceaccount:{namespace}:{name}", groups)


def controller(name: str) -> User:
    """Return the user of one controller of kube-controller-manager: `deployment-controller`, `node-controller`, ..."""
    return service_account("kube-system", name)


@frozen
class Credentials:
    """What the server accepts: tokens and certificate names, each with the user it proves."""

    tokens: immutabledict[str, User] = field(factory=immutabledict)
    certificates: immutabledict[str, User] = field(factory=immutabledict)


def authenticate(credentials: Credentials, *, token: str = "", certificate: str = "") -> User | None:
    """Return the user of a request; None when it presents something that proves nothing (401).

    A valid certificate goes before the token. A request that presents neither is anonymous; so is one with only an
    unknown certificate, since the TLS layer has let it pass. An unknown token is an error.
    """
    proven = credentials.certificates.get(certificate)
    if proven is None and token:
        proven = credentials.tokens.get(token)
        if proven is None:
            return None
    if proven is None:
        return ANONYMOUS
    if ALL_AUTHENTICATED in proven.groups:
        return proven
    return User(proven.name, (*proven.groups, ALL_AUTHENTICATED))
