"""What `kubeproof reach` answers: the matrix of a Service at rest, and what becomes of its connections meanwhile.

Left out on purpose: during a rollout only the claim on connections is told; `kubeproof check` tells all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from ..impl.api.core import Pod, Service
from ..impl.api.kinds import Object
from ..impl.api.load import BadInput, Problem
from ..impl.api.selectors import matches_map
from ..impl.kubelet.timings import timings
from ..model.checker.results import Limits, Status
from ..properties.reachability_prestop import Bounds, Impossible, smallest_prestop
from .cluster import Refused
from .face import Cluster, check
from .prepare import prepare
from .reach_matrix import Matrix, find_service, matrix
from .reach_matrix import text as matrix_text
from .reach_policy import Connection, connections, read_policies, told
from .reader import seconds
from .results import Claim
from .settle import Restless


@frozen
class Meanwhile:
    """What was asked to happen, the verdict on new connections while it does, its lines, and where its trace went."""

    during: str
    claim: Claim
    trace: str
    advice: tuple[str, ...]


@frozen
class Answer:
    """The whole answer; `connections` are those of the client asked for, `meanwhile` is None if nothing happens."""

    matrices: tuple[Matrix, ...]
    connections: tuple[Connection, ...] = ()
    meanwhile: Meanwhile | None = None

    @property
    def status(self) -> Status:
        """VIOLATED if anything is, else what is said of the time meanwhile."""
        if any(one.astray for one in self.matrices) or any(one.blocked for one in self.connections):
            return Status.VIOLATED
        return Status.HOLDS if self.meanwhile is None else self.meanwhile.claim.status

    def text(self) -> str:
        """Give the answer as text."""
        return "\n".join(matrix_text(one) for one in self.matrices) + "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        if self.connections:
            yield "\nNetworkPolicies"
            yield from (f"  {line}" for line in told(self.connections))
        if (now := self.meanwhile) is not None:
            yield f"\nDuring {now.during}: {now.claim.status.value}"
            yield f"  {now.claim.sentence}"
            yield from (f"  {line}" for line in now.claim.lines)
            yield from (f"  {line}" for line in now.advice)
            if now.trace:
                yield f"  trace: {now.trace}, shown by: kubeproof show {now.trace}"

    def to_json(self) -> dict[str, Any]:
        """Give the answer as JSON."""
        found: dict[str, Any] = {"status": self.status.value, "services": [one.to_json() for one in self.matrices]}
        if self.connections:
            found["connections"] = [one.to_json() for one in self.connections]
        if (now := self.meanwhile) is not None:
            found["during"] = {
                "script": now.during,
                "status": now.claim.status.value,
                "lines": list(now.claim.lines),
                "advice": list(now.advice),
                "trace": now.trace,
            }
        return found


def reach(
    cluster: Cluster,
    service: str = "",
    *,
    namespace: str = "",
    client: str = "",
    during: str = "",
    propagation: str | None = None,
    limits: Limits | None = None,
    trace_dir: str | None = None,
) -> Answer:
    """Say who reaches a Service ("" for each one) of the manifests, by NetworkPolicies also a client (Pod or workload).

    Raises BadInput for what is wrong with manifests or names.
    """
    objects, home = at_rest(cluster)
    place = namespace or home
    if service:
        asked = [find_service(objects, service, place)]
    else:
        asked = [one for one in objects if isinstance(one, Service) and one.metadata.namespace == place]
    if not asked:
        raise BadInput((Problem("input", 0, "", f"no Service in namespace {place}"),))
    matrices = tuple(matrix(objects, one.metadata.name, place) for one in asked)
    policies = read_policies(cluster.files, home)
    asking = tuple(one for to in asked if client for one in connections(objects, policies, client, to))
    if not during:
        return Answer(matrices, asking)
    result = check(cluster, script=[during], propagation=propagation, limits=limits, trace_dir=trace_dir)
    claim = next(one for one in result.outcome.claims if one.name == "reachability")
    # A claim that is violated names the delay that repairs it by itself.
    told = claim.status is Status.VIOLATED
    advice = () if told else tuple(line for one in asked for line in _advice(one, objects, propagation))
    return Answer(matrices, asking, Meanwhile(during, claim, result.paths.get("reachability", ""), advice))


def at_rest(cluster: Cluster) -> tuple[tuple[Object, ...], str]:
    """Give the objects once the manifests are applied and nothing moves any more, and the namespace they go to."""
    scenario = cluster.given({"start": "settled", "script": ()}).load().scenario
    try:
        return prepare(scenario).objects, scenario.namespace
    except (Refused, Restless) as why:
        raise BadInput((Problem("input", 0, "", str(why)),)) from None


def _advice(service: Service, objects: tuple[Object, ...], propagation: str | None) -> Iterator[str]:
    """Say which preStop is long enough for a propagation bound, and which there is."""
    if propagation is None:
        yield "without --propagation no preStop delay is ever long enough: a proxy may lag for ever"
        return
    bounds = Bounds(kubelet=(0, 0), endpoints=(0, 0), proxies=(0, seconds(propagation)))
    found = {timings(pod) for pod in objects if isinstance(pod, Pod) and _serves(pod, service)}
    for known in sorted(found, key=lambda one: (one.before_sigterm, one.grace_seconds))[:1]:
        answer = smallest_prestop(bounds, known.grace_seconds)
        if isinstance(answer, Impossible):
            why = f"its grace period of {known.grace_seconds} s is too short for any preStop delay"
        else:
            why = f"a preStop delay of {answer.seconds} s is enough and no less; it has {known.before_sigterm:g} s"
        yield f"{service.metadata.name}: {why}"


def _serves(pod: Pod, service: Service) -> bool:
    selector = service.spec.selector
    same = pod.metadata.namespace == service.metadata.namespace
    return same and bool(selector) and matches_map(selector, pod.metadata.labels)
