"""Which unmodelled fields a report should name, and which cannot change any claim.

A report names every field of a manifest that the components do not look at. Most manifests are full of fields that tell
a program what to do once it runs; naming those would bury the few that matter. So each field left out of the notes is
listed here, by class and JSON name, with the reason; and a field that is not listed is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from attrs import frozen
from immutabledict import immutabledict

from ..claim_names import ALL, BUDGET, FLOWS, REACHABILITY
from ..volume_sources import DISKS, PLUGINS_GONE
from .json_fields import fields_of

ACTS_ON_PODS = tuple(claim for claim in ALL if claim != BUDGET)

PROGRAM = "it tells the program what to do, not the cluster where to run it"
CONFINEMENT = "it confines the program; it moves nothing"
LOOKS = "it is shown to people only"
FILES = "it puts files in front of the program"
IDENTITY = "it names the program to others"
SERVER = "the API server or a controller writes it"
NAMES = "names are not resolved here"
READ = "the kube-proxy here reads it"
ASKED = "how long a preStop hook takes is asked where it matters; what postStart does is a part of getting ready"
ATTACHED = "who attaches it reads it"

IRRELEVANT: immutabledict[str, immutabledict[str, str]] = immutabledict(
    {
        "ObjectMeta": immutabledict({"managedFields": SERVER, "selfLink": SERVER}),
        "Container": immutabledict(
            {
                "args": PROGRAM,
                "command": PROGRAM,
                "env": PROGRAM,
                "envFrom": FILES,
                "resizePolicy": "nothing is resized in place",
                "securityContext": CONFINEMENT,
                "stdin": PROGRAM,
                "stdinOnce": PROGRAM,
                "terminationMessagePath": LOOKS,
                "terminationMessagePolicy": LOOKS,
                "tty": PROGRAM,
                "volumeMounts": FILES,
                "workingDir": PROGRAM,
            }
        ),
        "LifecycleHandler": immutabledict(dict.fromkeys(("httpGet", "tcpSocket"), ASKED)),
        "ContainerStatus": immutabledict({"containerID": LOOKS, "imageID": LOOKS, "volumeMounts": FILES}),
        "PodSpec": immutabledict(
            {
                "automountServiceAccountToken": FILES,
                "dnsConfig": NAMES,
                "dnsPolicy": NAMES,
                "enableServiceLinks": PROGRAM,
                "hostAliases": NAMES,
                "hostIPC": CONFINEMENT,
                "hostPID": CONFINEMENT,
                "hostUsers": CONFINEMENT,
                "hostname": IDENTITY,
                "hostnameOverride": IDENTITY,
                "imagePullSecrets": "images are taken to be pullable",
                "readinessGates": "that their conditions are set is assumed, and told",
                "runtimeClassName": "what its RuntimeClass adds is noted with the class",
                "securityContext": CONFINEMENT,
                "serviceAccount": "the old name of serviceAccountName",
                "setHostnameAsFQDN": IDENTITY,
                "shareProcessNamespace": CONFINEMENT,
                "subdomain": IDENTITY,
            }
        ),
        "PodStatus": immutabledict(
            dict.fromkeys(("ephemeralContainerStatuses", "hostIPs", "podIPs", "resize"), SERVER)
        ),
        "NodeSpec": immutabledict(
            {"podCIDR": "addresses are drawn by the run", "podCIDRs": "addresses are drawn by the run"}
        ),
        "NodeStatus": immutabledict(
            {
                "addresses": LOOKS,
                "daemonEndpoints": LOOKS,
                "features": LOOKS,
                "nodeInfo": LOOKS,
                "runtimeHandlers": LOOKS,
                "volumesAttached": SERVER,
                "volumesInUse": SERVER,
            }
        ),
        "Probe": immutabledict(
            dict.fromkeys(("exec", "grpc", "httpGet", "tcpSocket"), "what a probe answers is the run's choice")
        ),
        "Namespace": immutabledict({"spec": SERVER, "status": SERVER}),
        "PersistentVolumeSpec": immutabledict(
            {
                **dict.fromkeys(
                    ("csi", "fc", "flexVolume", "hostPath", "iscsi", "local", "nfs", "mountOptions"), FILES
                ),
                **dict.fromkeys((*DISKS, "azureFile"), ATTACHED),
                **dict.fromkeys(PLUGINS_GONE, "no kubelet has a plugin for it, and its Pods wait"),
            }
        ),
        "PriorityClass": immutabledict({"description": LOOKS}),
        "Role": immutabledict({"aggregationRule": "it only adds rules to a role"}),
        "Service": immutabledict({"status": SERVER}),
        "StorageClass": immutabledict(dict.fromkeys(("allowVolumeExpansion", "mountOptions", "parameters"), FILES)),
        "ServiceSpec": immutabledict(
            {
                "allocateLoadBalancerNodePorts": READ,
                "externalName": NAMES,
                "healthCheckNodePort": READ,
                "sessionAffinityConfig": READ,
            },
        ),
    }
)
"""Fields that no note is written for: class, JSON name, and why they cannot change a claim."""

HARMLESS_VOLUMES = frozenset(
    {
        *DISKS,
        *PLUGINS_GONE,
        "azureFile",
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "fc",
        "hostPath",
        "image",
        "iscsi",
        "nfs",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
"""Sources of volumes that are looked at, or that bind a Pod to no node and that they exist is assumed.

The plugins of the scheduler pass over an export of NFS and a volume of a CSI driver that a Pod names itself
(pkg/scheduler/framework/plugins/{nodevolumelimits/csi,volumerestrictions/volume_restrictions}.go, v1.32); neither is
attached to a node, nor is a share of Azure Files. A disk is looked at by VolumeRestrictions and by who attaches it
(`impl.controllers.volume.attaching`); that every node can reach it is assumed, and told. What no kubelet has a plugin
for any more keeps its Pod from starting (`impl.kubelet.obstacles`).
"""

PARTIAL: immutabledict[tuple[str, str, str], str] = immutabledict(
    {
        ("ServiceSpec", "type", "LoadBalancer"): "the load balancer itself is not modelled, only what the nodes do",
        ("ServiceSpec", "type", "ExternalName"): "names are not resolved: nothing is claimed of an ExternalName",
    }
)
"""Values that are modelled in part: class, attribute, value, and what is missing."""


ASSUMED = frozenset({("StatefulSetSpec", "volume_claim_templates")})
"""Fields of which it is told what is assumed of them: class and attribute."""


DIRECTIVE = "$patch"
"""No field: it says how a revision's template, which is a patch, is applied."""


def is_irrelevant(cls: str, name: str, value: Any) -> bool:
    """Tell whether an unmodelled field can change no claim."""
    if cls == "PodSpec" and name == "volumes":
        return all(isinstance(item, Mapping) and item.keys() - {"name"} <= HARMLESS_VOLUMES for item in value or ())
    return value is None or name == DIRECTIVE or name in IRRELEVANT.get(cls, ())


FIELD_CLAIMS: immutabledict[str, tuple[str, ...]] = immutabledict(
    {
        "EndpointSlice": (REACHABILITY,),
        "PersistentVolume": ACTS_ON_PODS,
        "PersistentVolumeSpec": ACTS_ON_PODS,
        "PersistentVolumeClaimSpec": ACTS_ON_PODS,
        "PodSpec.volumes": ACTS_ON_PODS,
        "PersistentVolumeClaim": ACTS_ON_PODS,
        "Service": (REACHABILITY,),
        "ServicePort": (REACHABILITY,),
        "ServiceSpec": (REACHABILITY,),
        "ServiceSpec.trafficDistribution": (FLOWS,),
        "StorageClass": ACTS_ON_PODS,
    }
)
"""The claims that an unmodelled field (of a class, or one by name) may change; where nothing is listed, all.

A Service is read by the EndpointSlice controller and by kube-proxy alone; no eviction looks at a volume. Of the
endpoints that are ready, hints leave those that are close, or all of them where none is (pkg/proxy/topology.go, v1.36):
each is close to somebody, and nobody is left without. So who gets connections somewhere, and where nobody answers, is
the same; only whom one node chooses, and so whose UDP flows it clears, is not.
"""


@frozen
class Unmodelled:
    """A field that no component looks at, or in part only, and the claims that may hang on it."""

    path: str
    why: str
    claims: tuple[str, ...] = ALL


def claims_of(cls: str, name: str) -> tuple[str, ...]:
    """Return the claims that an unmodelled field of a class may change."""
    return FIELD_CLAIMS.get(f"{cls}.{name}", FIELD_CLAIMS.get(cls, ALL))


def unmodelled(value: Any, path: str = "") -> Iterator[Unmodelled]:
    """List the fields below a value that no component looks at, or looks at in part, and what to say of each."""
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from unmodelled(item, f"{path}[{index}]")
    if not attrs.has(type(value)) or not hasattr(value, "extra"):
        return
    cls = type(value).__name__
    for name, item in value.extra.items():
        if not is_irrelevant(cls, name, item):
            yield Unmodelled(_below(path, name), "not modelled", claims_of(cls, name))
    if cls == "PodSpec":
        yield from _own_restarts(value, path)
    if cls == "JobSpec" and value.run_elsewhere:
        yield Unmodelled(_below(path, "managedBy"), "its own controller does nothing about it")
    kind: Any = type(value)
    for field in fields_of(kind):
        if (cls, field.name) in ASSUMED:
            continue
        mine = getattr(value, field.name)
        part = PARTIAL.get((cls, field.name, mine if isinstance(mine, str) else ""))
        if part:
            yield Unmodelled(_below(path, field.json), part, ())
        yield from unmodelled(mine, _below(path, field.json))


def _own_restarts(spec: Any, path: str) -> Iterator[Unmodelled]:
    """List the containers that restart otherwise than their Pod (KEP-5307); one that is a sidecar does so by nature."""
    for name, containers in (("containers", spec.containers), ("initContainers", spec.init_containers)):
        for index, container in enumerate(containers):
            sidecar = name == "initContainers" and container.restart_policy == "Always"
            if container.restart_policy is not None and not sidecar:
                yield Unmodelled(
                    _below(path, f"{name}[{index}].restartPolicy"), "a container restarts as its Pod says here"
                )


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
