"""A cluster of network namespaces on this machine's own kernel: one node, and hosts joined to it by veth pairs.

Every address has a twin of the other family (`six`): the cluster speaks IPv4 and IPv6.
No namespace has a name: each lives as long as this process holds it, so that nothing is left behind. A thread steps
into one to open a socket or to run a command there; a socket stays where it was opened.
A plugin of pytest: the tests of this folder name it, and it leaves them out where they cannot run.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import ipaddress
import os
import selectors
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leaving_out import leave_out


def six(address: str) -> str:
    """Return the IPv6 twin of an IPv4 address or network: 10.0.1.2 has fd00:10::1:2, 10.0.0.0/8 has fd00:10::/32."""
    if address.startswith("127."):
        return "::1"
    one, two, three, four = address.partition("/")[0].split(".")
    length = {"": "", "8": "/32", "24": "/112"}[address.partition("/")[2]]
    return f"{ipaddress.IPv6Address(f'fd00:{one}:{two}::{three}:{four}')}{length}"


NODE = "192.168.0.1"
NODE_SIX = six(NODE)
HOSTS = {
    "10.0.1.1": "a Pod on the node",
    "10.0.1.2": "another Pod on the node",
    "10.0.2.1": "a Pod on another node",
    "10.0.1.10": "a client Pod on the node",
    "198.51.100.7": "a client outside",
    "198.51.100.8": "another client outside",
}
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
TOOLS = ("ip", "iptables-restore", "ip6tables-restore", "nft", "conntrack")
SETTINGS = {
    "ipv4/ip_forward": 1,
    "ipv4/conf/all/route_localnet": 1,
    "ipv4/conf/all/rp_filter": 0,
    "ipv4/conf/default/rp_filter": 0,
    "ipv4/conf/all/send_redirects": 0,
    "ipv4/conf/default/send_redirects": 0,
    "ipv4/icmp_ratelimit": 0,
    "ipv6/conf/all/forwarding": 1,
    "ipv6/icmp/ratelimit": 0,
}
"""What the node's network plugin and kube-proxy set, besides quick answers to whoever is refused."""
PROBE = """*nat
:PROBE - [0:0]
-A PROBE -m recent --name probe --set
-A PROBE -m statistic --mode random --probability 0.5 -m addrtype --src-type LOCAL -m comment --comment x -j MASQUERADE
-A PROBE -m conntrack --ctstate NEW -m mark --mark 0x4000/0x4000 -m tcp -p tcp -j DNAT --to-destination 10.0.0.1:80
COMMIT
*filter
-A INPUT -m conntrack --ctstate DNAT -s 192.0.2.1 -j REJECT
COMMIT
"""
NFT_PROBE = """table ip probe {
  chain x {
    fib saddr type local numgen random mod 2 vmap { 0 : accept }
  }
}
"""
"""What the kernel must know, beside namespaces, to take any of our rules."""
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


# --- may we? --------------------------------------------------------------------------------------------------------


@functools.cache
def obstacle() -> str:
    """Say why this machine cannot hold the cluster, "" if it can."""
    if missing := [tool for tool in TOOLS if shutil.which(tool, path=PATH) is None]:
        return f"not installed: {', '.join(missing)}"
    if os.geteuid() != 0:
        return "not root"
    try:
        lab = Lab()
        try:
            lab.program(PROBE)
            lab.program(PROBE.replace("10.0.0.1:80", "[fd00::1]:80").replace("192.0.2.1", "fd00::2"), family="IPv6")
            lab.nft(NFT_PROBE)
            lab.conntrack("-L")
        finally:
            lab.close()
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        return f"the kernel does not allow it: {said.strip().splitlines()[0]}"
    return ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests of this folder where they cannot run, and say why among the warnings."""
    here = Path(__file__).parent
    if any(here in item.path.parents for item in items) and (why := obstacle()):
        leave_out(config, items, here, f"the tests with the real kernel were left out: {why}")


# --- namespaces -----------------------------------------------------------------------------------------------------


class Namespace:
    """A network namespace of this process."""

    def __init__(self) -> None:
        with open("/proc/thread-self/ns/net") as before:  # noqa: PTH123 - a descriptor is what is wanted
            _checked(_libc.unshare(CLONE_NEWNET))
            self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            _checked(_libc.setns(before.fileno(), CLONE_NEWNET))
        self.path = f"/proc/{os.getpid()}/fd/{self.fd}"

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Let this thread be in the namespace."""
        with open("/proc/thread-self/ns/net") as before:  # noqa: PTH123
            _checked(_libc.setns(self.fd, CLONE_NEWNET))
            try:
                yield
            finally:
                _checked(_libc.setns(before.fileno(), CLONE_NEWNET))

    def run(self, *command: str, text: str = "") -> str:
        """Run a command there and give what it printed."""
        with self.inside():
            environment = {**os.environ, "PATH": PATH}
            done = subprocess.run(
                command, input=text, capture_output=True, text=True, check=True, timeout=20, env=environment
            )
        return done.stdout

    def ip(self, lines: str) -> None:
        """Run many `ip` commands at once."""
        self.run("ip", "-batch", "-", text=lines)

    def set(self, settings: dict[str, int]) -> None:
        """Write settings of /proc/sys/net there."""
        with self.inside():
            for name, value in settings.items():
                Path("/proc/sys/net", name).write_text(f"{value}\n", encoding="utf-8")

    def socket(self, kind: socket.SocketKind, address: str) -> socket.socket:
        """Open a socket there, of the family of an address."""
        with self.inside():
            return socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)


def _checked(code: int) -> None:
    if code:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


# --- the cluster ----------------------------------------------------------------------------------------------------


class Lab:
    """The node, its hosts, and one thread that answers for all of them: "HOST:PORT saw CLIENT"."""

    def __init__(self) -> None:
        self.node = Namespace()
        self.spaces = {address: Namespace() for address in HOSTS}
        self.hosts = {twin: space for address, space in self.spaces.items() for twin in (address, six(address))}
        self._wire()
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._sockets: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _wire(self) -> None:
        self.node.ip("link set lo up\n")
        self.node.set(SETTINGS)
        for place, (address, host) in enumerate(self.spaces.items()):
            self.node.ip(
                f"link add to{place} type veth peer name eth0 netns {host.path}\n"
                f"addr add {NODE}/32 dev to{place}\naddr add {NODE_SIX}/128 dev to{place} nodad\n"
                f"link set to{place} up\n"
                f"route add {address}/32 dev to{place} src {NODE}\n"
                f"route add {six(address)}/128 dev to{place} src {NODE_SIX}\n"
            )
            host.set({"ipv4/ip_forward": 0})
            host.ip(
                f"link set lo up\naddr add {address}/32 dev eth0\naddr add {six(address)}/128 dev eth0 nodad\n"
                f"link set eth0 up\nroute add {NODE}/32 dev eth0 scope link\nroute add default via {NODE} dev eth0\n"
                f"route add {NODE_SIX}/128 dev eth0\nroute add default via {NODE_SIX} dev eth0 src {six(address)}\n"
            )
        # What is nobody's goes outside, to a host that forwards nothing.
        last = len(self.spaces) - 1
        outside = list(self.spaces)[last]
        self.node.ip(
            f"route add default via {outside} dev to{last} src {NODE}\n"
            f"route add default via {six(outside)} dev to{last} src {NODE_SIX}\n"
        )

    def program(self, text: str, *, family: str = "IPv4", flush: bool = True) -> None:
        """Load both tables with the real iptables-restore, or that of IPv6; `flush` empties them before."""
        command = "iptables-restore" if family == "IPv4" else "ip6tables-restore"
        self.node.run(command, "-w", "5", *(() if flush else ("--noflush",)), text=text)

    def nft(self, text: str) -> None:
        """Load a file with the real nft."""
        self.node.run("nft", "-f", "-", text=text)

    def conntrack(self, *arguments: str) -> str:
        """Run the real conntrack on the node."""
        return self.node.run("conntrack", *arguments)

    def listen(self, address: str, port: int, *, mute: bool = False) -> None:
        """Answer on a port of a host, TCP and UDP; `mute` takes what comes and says nothing."""
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            opened = self.hosts[address].socket(kind, address)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((address, port))
            if kind is socket.SOCK_STREAM:
                opened.listen(64)
            opened.settimeout(0)
            self._sockets.append(opened)
            self._selector.register(opened, selectors.EVENT_READ, "" if mute else named(address, port))
        self._wake.send(b".")

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    if key.fileobj.recv(1) == b"x":  # type: ignore[union-attr]
                        return
                else:
                    self._answer(key.fileobj, key.data)

    def _answer(self, opened: Any, name: str) -> None:
        """Take a new connection, or say who answers and whom it saw."""
        if opened.type == socket.SOCK_STREAM and opened.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            talk, _ = opened.accept()
            self._selector.register(talk, selectors.EVENT_READ, name)
            return
        said, peer = opened.recvfrom(100)
        peer = peer or opened.getpeername()
        if said and name:
            opened.sendto(f"{name} saw {peer[0]}".encode(), peer)
        elif not said:
            self._selector.unregister(opened)
            opened.close()

    def close(self) -> None:
        """Let go of everything."""
        self._wake.send(b"x")
        self._thread.join()
        for opened in (*self._sockets, self._wake, self._woken):
            opened.close()
        self._selector.close()
        for space in (self.node, *self.spaces.values()):
            os.close(space.fd)

    # --- clients ----------------------------------------------------------------------------------------------------

    def client(self, source: str, kind: socket.SocketKind, port: int = 0) -> socket.socket:
        """Open a client's socket on a host, or on the node (its address, or one of 127.0.0.0/8)."""
        opened = self.hosts.get(source, self.node).socket(kind, source)
        opened.bind((source, port))
        return opened

    def again(self, opened: socket.socket, patience: float) -> str:
        """Return the answer to one more packet of a connection."""
        opened.settimeout(patience)
        return again(opened)

    def ask(self, source: str, target: tuple[str, int], protocol: str, patience: float) -> str:
        """Return the answer to one new connection: "HOST:PORT saw CLIENT", "refused" or "silence"."""
        kind = socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM
        with self.client(source, kind) as opened:
            return answer(opened, target, patience)


def named(address: str, port: int) -> str:
    """Put an address and a port together as rules do."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def answer(opened: socket.socket, target: tuple[str, int], patience: float) -> str:
    """Return the answer a socket gets, waiting `patience` seconds."""
    opened.settimeout(patience)
    try:
        opened.connect(target)
        return again(opened)
    except TimeoutError:
        return "silence"
    except ConnectionRefusedError:
        return "refused"


def again(opened: socket.socket) -> str:
    """Return the answer to one more packet of a connection."""
    try:
        # The kernel tells a program at once that a rule of its own host took its packet; how, it says later.
        with contextlib.suppress(PermissionError):
            opened.send(b"?")
        return opened.recv(200).decode()
    except TimeoutError:
        return "silence"
    except ConnectionRefusedError:
        return "refused"


@pytest.fixture(scope="session")
def kernel_cluster() -> Iterator[Lab]:
    """Return the cluster, with three endpoints that answer on port 8080 and a port that only listens."""
    lab = Lab()
    for address in ("10.0.1.1", "10.0.1.2", "10.0.2.1"):
        lab.listen(address, 8080)
        lab.listen(six(address), 8080)
    lab.listen("10.0.2.1", 9090, mute=True)
    yield lab
    lab.close()


@pytest.fixture
def lab(kernel_cluster: Lab) -> Lab:
    """Return the cluster as if new: no rules, no connections known."""
    kernel_cluster.nft("flush ruleset\n")
    for family in ("IPv4", "IPv6"):
        # An iptables that is not nftables underneath keeps its own.
        kernel_cluster.program("*filter\nCOMMIT\n*nat\nCOMMIT\n", family=family)
        kernel_cluster.conntrack("-F", "-f", family.lower())
    return kernel_cluster
