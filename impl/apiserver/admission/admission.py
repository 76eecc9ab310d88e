"""Admission: the plugins that are on in every cluster and concern the modelled kinds.

Upstream: plugin/pkg/admission/{defaulttolerationseconds,priority,runtimeclass,serviceaccount,nodetaint,
namespace/lifecycle,storage/persistentvolume/resize,storage/storageclass/setdefault,
storage/storageobjectinuseprotection} (v1.32).
Two rounds, as upstream: `admit` completes, `admit_valid` only looks, after validation; ResourceQuota comes last of all.
LimitRanger, ServiceAccount, RuntimeClass, PodSecurity and ResourceQuota have files of their own.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from ...api.core import Namespace, Node, Pod, Taint, Toleration
from ...api.kinds import Object, kind_of, ref_of
from ...api.meta import Ref
from ...api.policy import SYSTEM_PRIORITIES, PriorityClass
from ...api.requests import Cause, Response
from ...api.storage import PersistentVolume, PersistentVolumeClaim, StorageClass, default_of
from ...api.well_known import CLAIM_IN_USE, NOT_READY, UNREACHABLE, VOLUME_IN_USE
from ..config import Config
from ..custom.definition import named
from ..status import forbidden, not_found
from ..storage import Storage
from . import pod_security, runtimeclass, serviceaccount
from .limitranger import out_of_range, with_defaults

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})
ALWAYS_THERE = IMMORTAL | {"kube-node-lease"}
"""The server makes these itself when it starts and whenever they are missing, so nobody looks."""
TAINTS = (NOT_READY, UNREACHABLE)
PREEMPT = "PreemptLowerPriority"
EXPANSION = "allowVolumeExpansion"
CANNOT_GROW = (
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
)


def admit(storage: Storage, obj: Object, config: Config, suffix: str = "") -> Object | Response:
    """Let a new object in, perhaps changed, or refuse it: 404 and 403. `suffix` completes what gets a random name."""
    if config.namespace_lifecycle and (refusal := _namespace(storage, obj)):
        return refusal
    if kind_of(obj).crd and (found := named(storage, kind_of(obj).crd)) and found.terminating:
        return forbidden(ref_of(obj), "create not allowed while custom resource definition is terminating")
    if isinstance(obj, Node):
        return _tainted(obj) if config.taint_new_nodes else obj
    if isinstance(obj, PersistentVolume | PersistentVolumeClaim):
        return _stored(storage, obj) if config.storage else obj
    return _pod(storage, obj, config, suffix) if isinstance(obj, Pod) else obj


def _pod(storage: Storage, pod: Pod, config: Config, suffix: str) -> Pod | Response:
    """Complete a new Pod, plugin by plugin, in upstream's order."""
    pod = with_defaults(storage, pod)
    if config.service_account:
        pod = serviceaccount.named(pod)
    if config.absent and (missing := _lacking(pod, config)):
        return missing
    steps: list[Callable[[Pod], Pod | Response]] = []
    if config.accounts:
        steps.append(lambda one: serviceaccount.with_its_account(storage, one, suffix))
    if config.priority:
        steps.append(lambda one: _prioritised(storage, one))
    steps.append(lambda one: _tolerating(one, config))
    if config.runtime_classes:
        steps.append(lambda one: runtimeclass.with_its_class(storage, one))
    for step in steps:
        done = step(pod)
        if isinstance(done, Response):
            return done
        pod = done
    return pod


def admit_valid(storage: Storage, obj: Object, config: Config) -> Response | None:
    """Refuse a new object that is complete and valid (403), before quotas are asked."""
    if isinstance(obj, PriorityClass):
        return _one_default(storage, obj) if config.priority else None
    if isinstance(obj, Namespace):
        return pod_security.wrong_labels(obj)
    if refused := out_of_range(storage, obj):
        return refused
    if not isinstance(obj, Pod):
        return None
    if refused := pod_security.refusal(storage, obj, config.release):
        return refused
    return runtimeclass.beyond_its_class(storage, obj) if config.runtime_classes else None


def admit_delete(ref: Ref) -> Response | None:
    """Refuse the deletion of a namespace the cluster cannot be without."""
    if ref.kind == "Namespace" and ref.name in IMMORTAL:
        return forbidden(ref, "this namespace may not be deleted")
    return None


def admit_update(new: Object, config: Config) -> Object:
    """Let a change of a whole object in, perhaps changed."""
    return _tolerating(new, config) if isinstance(new, Pod) else new


def admit_valid_update(storage: Storage, new: Object, old: Object, config: Config) -> Response | None:
    """Refuse a change that is complete and valid (403), before quotas are asked."""
    match new, old:
        case PersistentVolumeClaim(), PersistentVolumeClaim():
            return out_of_range(storage, new) or (_resized(storage, new, old) if config.storage else None)
        case PriorityClass(), _ if config.priority:
            return _one_default(storage, new, but=new.metadata.name)
        case Namespace(), Namespace():
            return pod_security.wrong_labels(new, old)
        case Pod(), Pod() if pod_security.is_significant(new, old):
            return pod_security.refusal(storage, new, config.release)
        case Pod(), _:
            return None
        case _:
            return out_of_range(storage, new)


def _namespace(storage: Storage, obj: Object) -> Response | None:
    """Refuse what would be created in a namespace that is missing (404) or on its way out (403)."""
    name = obj.metadata.namespace
    if not kind_of(obj).namespaced or name in ALWAYS_THERE:
        return None
    ref = Ref("Namespace", "", name)
    namespace = storage.get(ref)
    if namespace is None:
        return not_found(ref)
    if isinstance(namespace, Namespace) and namespace.metadata.terminating:
        message = f"unable to create new content in namespace {name} because it is being terminated"
        cause = Cause("NamespaceTerminating", f"namespace {name} is being terminated", "metadata.namespace")
        return forbidden(ref_of(obj), message, (cause,))
    return None


def _stored(storage: Storage, obj: PersistentVolume | PersistentVolumeClaim) -> Object:
    """Keep a volume or a claim from going while it is used, and give a claim without a class the default one."""
    finalizer = VOLUME_IN_USE if isinstance(obj, PersistentVolume) else CLAIM_IN_USE
    if finalizer not in obj.metadata.finalizers:
        obj = evolve(obj, metadata=evolve(obj.metadata, finalizers=(*obj.metadata.finalizers, finalizer)))
    if isinstance(obj, PersistentVolume) or obj.spec.storage_class_name is not None:
        return obj
    classes = (
        storage_class for storage_class in storage.list("StorageClass", None) if isinstance(storage_class, StorageClass)
    )
    found = default_of(classes)
    return evolve(obj, spec=evolve(obj.spec, storage_class_name=found)) if found else obj


def _resized(storage: Storage, new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> Response | None:
    """Refuse to make a claim larger whose class does not let it grow; that it is bound has been looked at."""
    sizes = [claim.spec.resources.requests.get("storage") for claim in (new, old)]
    if sizes[0] is None or sizes[1] is None or sizes[0] <= sizes[1]:
        return None
    name = old.spec.storage_class_name or ""
    found = storage.get(Ref("StorageClass", "", name)) if name else None
    if isinstance(found, StorageClass) and name == new.spec.storage_class_name and found.extra.get(EXPANSION) is True:
        return None
    return forbidden(ref_of(new), CANNOT_GROW)


def _lacking(pod: Pod, config: Config) -> Response | None:
    """Refuse a Pod that names a service account or a runtime class that is known not to exist."""
    account = Ref("ServiceAccount", pod.metadata.namespace, pod.spec.service_account_name)
    named_by_pod = (account, runtimeclass.runtime_of(pod))
    return next((missing_of(pod, ref) for ref in named_by_pod if ref in config.absent), None)


def missing_of(pod: Pod, ref: Ref) -> Response | None:
    """Say how a Pod is refused whose service account or runtime class does not exist; None for other kinds."""
    words = {"ServiceAccount": serviceaccount.missing, "RuntimeClass": runtimeclass.missing}
    return words[ref.kind](pod) if ref.kind in words else None


def _tainted(node: Node) -> Node:
    """Keep Pods off a node nobody has seen ready yet (the plugin TaintNodesByCondition)."""
    if any(taint.key == TAINTS[0] and taint.effect == "NoSchedule" for taint in node.spec.taints):
        return node
    taints = (*node.spec.taints, Taint(key=TAINTS[0], effect="NoSchedule"))
    return evolve(node, spec=evolve(node.spec, taints=taints))


def _tolerating(pod: Pod, config: Config) -> Pod:
    """Let a Pod stay for a while on a node that has stopped answering, unless it says something about that itself."""
    seconds = config.default_toleration_seconds
    if seconds is None:
        return pod
    added = tuple(
        Toleration(key=key, operator="Exists", effect="NoExecute", toleration_seconds=seconds)
        for key in TAINTS
        if not any(_about(toleration, key) for toleration in pod.spec.tolerations)
    )
    if not added:
        return pod
    return evolve(pod, spec=evolve(pod.spec, tolerations=pod.spec.tolerations + added))


def _about(toleration: Toleration, key: str) -> bool:
    return toleration.key in {key, ""} and toleration.effect in {"NoExecute", ""}


def _prioritised(storage: Storage, pod: Pod) -> Pod | Response:
    """Turn priorityClassName into a number; refuse a class that is not there and a number that contradicts it."""
    found = _class_of(storage, pod.spec.priority_class_name)
    if found is None:
        name = pod.spec.priority_class_name
        return forbidden(ref_of(pod), f"no PriorityClass with name {name} was found")
    name, value, preemption = found
    spec = pod.spec
    if spec.priority is not None and spec.priority != value:
        return forbidden(ref_of(pod), _contradiction("the integer value of priority", spec.priority, value))
    if spec.preemption_policy is not None and spec.preemption_policy != preemption:
        told = _contradiction("the string value of PreemptionPolicy", spec.preemption_policy, preemption)
        return forbidden(ref_of(pod), told)
    return evolve(pod, spec=evolve(spec, priority=value, priority_class_name=name, preemption_policy=preemption))


def _class_of(storage: Storage, name: str) -> tuple[str, int, str] | None:
    """Return name, value and preemption policy of a priority class; no name means the global default, else 0."""
    if name in SYSTEM_PRIORITIES:
        return name, SYSTEM_PRIORITIES[name], PREEMPT
    if name:
        one = storage.get(Ref("PriorityClass", "", name))
        return (name, one.value, one.preemption_policy or PREEMPT) if isinstance(one, PriorityClass) else None
    lowest = next(iter(_defaults(storage)), None)
    if lowest is None:
        return "", 0, PREEMPT
    return lowest.metadata.name, lowest.value, lowest.preemption_policy or PREEMPT


def _defaults(storage: Storage) -> list[PriorityClass]:
    """List the global defaults, the one that counts first: a race may have made several."""
    found = (obj for obj in storage.list("PriorityClass", None) if isinstance(obj, PriorityClass))
    return sorted(
        (priority_class for priority_class in found if priority_class.global_default),
        key=lambda one: (one.value, one.metadata.name),
    )


def _one_default(storage: Storage, one: PriorityClass, but: str = "") -> Response | None:
    """Refuse a second class that is the global default (validatePriorityClass); `but` is the one that is changed."""
    default = next(iter(_defaults(storage)), None) if one.global_default else None
    if default is None or default.metadata.name == but:
        return None
    name = default.metadata.name
    return forbidden(ref_of(one), f"PriorityClass {name} is already marked as default. Only one default can exist")


def _contradiction(what: str, given: object, computed: object) -> str:
    return (
        f"{what} ({given}) must not be provided in pod spec; "
        f"priority admission controller computed {computed} from the given PriorityClass name"
    )
