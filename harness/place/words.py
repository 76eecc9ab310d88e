"""Words that the answers of `kubeproof place` share: sections, rows of names, and where a reason is written."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from ...impl.api.meta import Ref
from ...properties.placement.groups import Fits, Misfit
from ...properties.placement.problem import Reason
from .place import Wanted

SHOWN = 8
"""So many node names are printed in a row."""
FIELDS = {
    "must run": "spec.replicas",
    "room": "containers[0].resources.requests",
    "ports": "containers[0].ports",
    "taint": "tolerations",
    "node affinity": "nodeSelector",
    "node name": "nodeName",
    "affinity": "affinity.podAffinity",
    "anti-affinity": "affinity.podAntiAffinity",
    "spread": "topologySpreadConstraints",
    "claim": "volumes",
    "volume": "volumes",
    "disk": "volumes",
    "single user": "volumes",
    "attach limit": "volumes",
}
"""Where a manifest says what a reason is about; below the Pod's spec, but for the first."""


@frozen
class Section:
    """One question with its answer: HOLDS, VIOLATED or UNKNOWN, a sentence, and lines of detail."""

    question: str
    status: str
    words: str
    lines: tuple[str, ...] = ()

    def text(self) -> str:
        """Return it as printed."""
        return "\n".join((f"{self.status}: {self.words}", *(f"  {line}" for line in self.lines), ""))


def pods(count: int) -> str:
    """Count Pods."""
    return "1 Pod" if count == 1 else f"{count} Pods"


def row(names: Iterable[str]) -> str:
    """Return the first names of many."""
    shown = list(names)
    rest = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return f"{', '.join(shown[:SHOWN])}{rest}"


def where(answer: Fits) -> tuple[str, ...]:
    """Say what each node carries; nodes that carry the same together."""
    carried: dict[str, list[str]] = {}
    for name in answer.nodes:
        load = ", ".join(f"{spot.count} x {spot.group}" for spot in answer.spots if spot.node == name)
        carried.setdefault(load, []).append(name)
    return tuple(f"{row(names)}: {load}" for load, names in carried.items())


def core(found: Wanted, answer: Misfit) -> tuple[str, ...]:
    """Return a line for each reason, with its place in the manifests."""
    return tuple(f"{source(found, reason)}{reason}" for reason in answer.core)


def source(found: Wanted, reason: Reason) -> str:
    """Name file, line and field of the object a reason is about: the Pods' owner, or the node if it is about nodes."""
    owner = next((found.owners[name] for name in reason.pods if name in found.owners), None)
    if reason.kind in {"cordon", "room", "taint"} and reason.nodes:
        owner, field = Ref("Node", "", reason.nodes[0]), {"room": "status.allocatable"}.get(reason.kind, "spec.taints")
    elif owner is not None:
        inner = FIELDS.get(reason.kind, "")
        prefix = "spec" if owner.kind == "Pod" else "spec.template.spec"
        field = f"{prefix}.{inner}"
        if reason.kind == "must run":
            field = "metadata.name" if owner.kind == "Pod" else inner
    written = None if owner is None else found.manifests.sources.get(owner)
    if owner is None or written is None:
        return ""
    return f"{written.file}:{written.line_of(field)}: {owner.kind} {owner.name} {field}: "
