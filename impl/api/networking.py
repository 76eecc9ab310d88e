"""NetworkPolicies: which Pods are isolated, and what may get through all the same.

Upstream: staging/src/k8s.io/api/networking/v1/types.go (v1.32).
Left out on purpose: Ingress and IngressClass (nothing inside the cluster acts on them).
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen
from immutabledict import immutabledict

from .meta import LabelSelector, ObjectMeta
from .values.frozen import EMPTY, Json


@frozen
class IPBlock:
    """A network, and the parts of it that are not meant."""

    cidr: str = ""
    except_: tuple[str, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class NetworkPolicyPeer:
    """Who is at the other end: Pods by their labels and their namespace's, or addresses."""

    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    ip_block: IPBlock | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class NetworkPolicyPort:
    """A port by number or name, or with `end_port` all from one to the other; without `port` all of the protocol."""

    protocol: str = ""
    port: int | str | None = None
    end_port: int | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class NetworkPolicyIngressRule:
    """Who may come in on which ports; no peers, no ports: all."""

    ports: tuple[NetworkPolicyPort, ...] = ()
    from_: tuple[NetworkPolicyPeer, ...] = ()
    extra: immutabledict[str, Json] = EMPTY

    @property
    def peers(self) -> tuple[NetworkPolicyPeer, ...]:
        """Who is at the other end."""
        return self.from_


@frozen
class NetworkPolicyEgressRule:
    """To whom Pods may go out, on which ports; no peers, no ports: all."""

    ports: tuple[NetworkPolicyPort, ...] = ()
    to: tuple[NetworkPolicyPeer, ...] = ()
    extra: immutabledict[str, Json] = EMPTY

    @property
    def peers(self) -> tuple[NetworkPolicyPeer, ...]:
        """Who is at the other end."""
        return self.to


NetworkPolicyRule = NetworkPolicyIngressRule | NetworkPolicyEgressRule


@frozen
class NetworkPolicySpec:
    """The Pods it is for, the directions it isolates them in, and what it lets through."""

    pod_selector: LabelSelector = LabelSelector()
    ingress: tuple[NetworkPolicyIngressRule, ...] = ()
    egress: tuple[NetworkPolicyEgressRule, ...] = ()
    policy_types: tuple[str, ...] = ()
    extra: immutabledict[str, Json] = EMPTY

    def rules(self) -> Iterator[tuple[str, str, NetworkPolicyRule]]:
        """Yield every rule with the path it stands at, and that of its peers."""
        for number, ingress in enumerate(self.ingress):
            yield f"spec.ingress[{number}]", f"spec.ingress[{number}].from", ingress
        for number, egress in enumerate(self.egress):
            yield f"spec.egress[{number}]", f"spec.egress[{number}].to", egress


@frozen(cache_hash=True)
class NetworkPolicy:
    """Whom the Pods of a namespace may talk to."""

    metadata: ObjectMeta = ObjectMeta()
    spec: NetworkPolicySpec = NetworkPolicySpec()
    extra: immutabledict[str, Json] = EMPTY
