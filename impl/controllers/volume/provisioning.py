"""Whoever makes volumes for claims: a class names its provisioner, which decides from where they can be reached.

Upstream: sigs.k8s.io/sig-storage-lib-external-provisioner (controller.go, shouldProvision), kubernetes-csi/
external-provisioner (GenerateAccessibilityRequirements), pkg/controller/volume/persistentvolume (v1.32).
Provisioners are programs of their own, so what is said here of one is what its documentation says: it works; its
volumes are on one node, in one zone, or wherever the class allows. One that is not known here makes volumes that every
node reaches. Where the nodes have no zones, volumes of zones can be reached from all. A claim with a selector is
refused, and so is a class that says that nothing provisions for it.
Left out on purpose: capacity, failures, regions, in how many zones a volume is.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...api.cache import Cache
from ...api.core import Node, NodeSelector, NodeSelectorTerm
from ...api.meta import LabelSelectorRequirement, ObjectMeta, Ref
from ...api.storage import (
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeSpec,
    StorageClass,
    VolumeNodeAffinity,
)
from ...api.values.frozen import freeze
from ...api.well_known import HOSTNAME, VOLUME_IN_USE, ZONE
from ...scheduler.plugins.volumes.volume_binding import NO_PROVISIONER, SELECTED_NODE, can_be_made
from ...scheduler.plugins.volumes.volume_claims import class_of, waits
from .attaching import is_attached_by


class Reach(Enum):
    """From where a new volume can be reached."""

    NODE = HOSTNAME
    ZONE = ZONE
    ANYWHERE = ""


ON_ONE_NODE = (
    "docker.io/hostpath",
    "k8s.io/minikube-hostpath",
    "local.csi.openebs.io",
    "openebs.io/local",
    "rancher.io/local-path",
    "topolvm.io",
    "zfs.csi.openebs.io",
)
IN_ONE_ZONE = (
    "cinder.csi.openstack.org",
    "disk.csi.azure.com",
    "ebs.csi.aws.com",
    "ebs.csi.eks.amazonaws.com",
    "kubernetes.io/aws-ebs",
    "kubernetes.io/azure-disk",
    "kubernetes.io/cinder",
    "kubernetes.io/gce-pd",
    "pd.csi.storage.gke.io",
)
REACH = immutabledict({**dict.fromkeys(ON_ONE_NODE, Reach.NODE), **dict.fromkeys(IN_ONE_ZONE, Reach.ZONE)})
"""By provisioner: the narrowest place that one of its volumes is bound to, as its documentation says."""


def reach(found: StorageClass) -> Reach:
    """Return from where the volumes of a class can be reached."""
    return REACH.get(found.provisioner, Reach.ANYWHERE)


def made_for(cache: Cache, claim: PersistentVolumeClaim) -> tuple[PersistentVolume, ...]:
    """Return the volumes one of which is made for a claim that none fits; nothing where none is."""
    found = class_of(claim, cache)
    if found is None or found.provisioner in {"", NO_PROVISIONER} or claim.spec.selector is not None:
        return ()
    nodes = cache.list(Node)
    if waits(claim, cache):
        chosen = cache.get(Node, Ref("Node", "", claim.metadata.annotations.get(SELECTED_NODE, "")))
        nodes = () if chosen is None else (chosen,)
    places = dict.fromkeys(place(found, node) for node in nodes if can_be_made(found, node))
    return tuple(_made(found, claim, affinity) for affinity in places)


def place(found: StorageClass, node: Node) -> VolumeNodeAffinity | None:
    """Return from where a volume can be reached that is made for a node; None is from everywhere."""
    wanted = reach(found)
    if wanted is Reach.ANYWHERE:
        terms = tuple(_allowed(found))
    else:
        value = node.metadata.labels.get(wanted.value, node.metadata.name if wanted is Reach.NODE else "")
        terms = (_term(wanted.value, (value,)),) if value else ()
    return VolumeNodeAffinity(NodeSelector(terms)) if terms else None


def _allowed(found: StorageClass) -> Iterator[NodeSelectorTerm]:
    for term in found.allowed_topologies:
        wanted = (
            LabelSelectorRequirement(requirement.key, "In", requirement.values)
            for requirement in term.match_label_expressions
        )
        yield NodeSelectorTerm(tuple(wanted))


def _term(key: str, values: tuple[str, ...]) -> NodeSelectorTerm:
    return NodeSelectorTerm((LabelSelectorRequirement(key, "In", values),))


def name_for(claim: PersistentVolumeClaim) -> str:
    """Return the name of the volume that is made for a claim: its uid says it."""
    own = claim.metadata.uid.removeprefix("PersistentVolumeClaim/")
    return f"pvc-{own.replace('/', '-').replace('~', '-')}"


def _made(found: StorageClass, claim: PersistentVolumeClaim, where: VolumeNodeAffinity | None) -> PersistentVolume:
    """Make a volume as a claim wants it; of the driver that the class names, unless it needs no attaching."""
    spec = claim.spec
    name = name_for(claim)
    driver: dict[str, Any] = {"driver": found.provisioner, "volumeHandle": name}
    source = {"csi": driver} if is_attached_by(found.provisioner) else {"hostPath": {"path": f"/{name}"}}
    return PersistentVolume(
        evolve(ObjectMeta(name=name), finalizers=(VOLUME_IN_USE,)),
        PersistentVolumeSpec(
            capacity=spec.resources.requests,
            access_modes=spec.access_modes,
            storage_class_name=spec.storage_class_name or "",
            persistent_volume_reclaim_policy=found.reclaim_policy or "Delete",
            volume_mode=spec.volume_mode,
            node_affinity=where,
            extra=immutabledict(sorted((key, freeze(value)) for key, value in source.items())),
        ),
    )
