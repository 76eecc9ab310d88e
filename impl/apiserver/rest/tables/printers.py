"""The cells of every kind with columns of its own, except Pods.

Upstream: pkg/printers/internalversion/printers.go (v1.32).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ....api.meta import Time
from ....api.values.quantity import QuantityError, parse_quantity
from ....api.values.timestamps import parse_time
from ....api.well_known import DEFAULT_CLASS
from .words import NONE, age, containers, human, labels, listed, selector

Json = dict[str, Any]
MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
ROLE = "node-role.kubernetes.io/"


def parts(obj: Json) -> tuple[Json, Json, Json]:
    """Return metadata, spec and status."""
    meta, spec, status = (obj.get(name) or {} for name in ("metadata", "spec", "status"))
    return meta, spec, status


def _named(obj: Json, now: Time, *middle: Any) -> list[Any]:
    """Return cells between name and age."""
    meta = obj.get("metadata") or {}
    return [meta.get("name", ""), *middle, age(meta.get("creationTimestamp"), now)]


def _deployment(obj: Json, now: Time) -> list[Any]:
    _, spec, status = parts(obj)
    wanted, ready = spec.get("replicas", 0), status.get("readyReplicas", 0)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    row = _named(obj, now, f"{ready}/{wanted}", updated, available)
    return [*row, *containers(spec.get("template")), selector(spec.get("selector"))]


def _replica_set(obj: Json, now: Time) -> list[Any]:
    _, spec, status = parts(obj)
    row = _named(obj, now, spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0))
    return [*row, *containers(spec.get("template")), selector(spec.get("selector"))]


def _replication_controller(obj: Json, now: Time) -> list[Any]:
    _, spec, status = parts(obj)
    row = _named(obj, now, spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0))
    return [*row, *containers(spec.get("template")), labels(spec.get("selector"))]


def _stateful_set(obj: Json, now: Time) -> list[Any]:
    _, spec, status = parts(obj)
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    return [*_named(obj, now, ready), *containers(spec.get("template"))]


def _daemon_set(obj: Json, now: Time) -> list[Any]:
    _, spec, status = parts(obj)
    names = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    nodes = labels(((spec.get("template") or {}).get("spec") or {}).get("nodeSelector"))
    row = _named(obj, now, *(status.get(name, 0) for name in names), nodes)
    return [*row, *containers(spec.get("template")), selector(spec.get("selector"))]


def _job(obj: Json, now: Time) -> list[Any]:
    meta, spec, status = parts(obj)
    done, wanted, at_once = status.get("succeeded", 0), spec.get("completions"), spec.get("parallelism") or 0
    completions = f"{done}/{wanted}" if wanted is not None else f"{done}/1{f' of {at_once}' if at_once > 1 else ''}"
    begun, ended = (parse_time(str(status.get(name) or "")) for name in ("startTime", "completionTime"))
    duration = "" if begun is None else human((now if ended is None else ended) - begun)
    true = [condition.get("type") for condition in status.get("conditions") or () if condition.get("status") == "True"]
    words = ("Complete", "Failed", "Suspended", "FailureTarget", "SuccessCriteriaMet")
    state = next(
        (word for word in words if word in true), "Terminating" if meta.get("deletionTimestamp") else "Running"
    )
    row = _named(obj, now, state, completions, duration)
    return [*row, *containers(spec.get("template")), selector(spec.get("selector"))]


def _cron_job(obj: Json, now: Time) -> list[Any]:
    _, spec, status = parts(obj)
    last = status.get("lastScheduleTime")
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    row = _named(
        obj,
        now,
        spec.get("schedule", ""),
        spec.get("timeZone") or NONE,
        str(bool(spec.get("suspend"))),
        len(status.get("active") or ()),
        age(last, now) if last else NONE,
    )
    return [*row, *containers(job.get("template")), selector(job.get("selector"))]


def _service(obj: Json, now: Time) -> list[Any]:
    _, spec, status = parts(obj)
    ports = ",".join(
        f"{port['port']}{f':{node}' if (node := port.get('nodePort')) else ''}/{port.get('protocol', 'TCP')}"
        for port in spec.get("ports") or ()
    )
    row = _named(obj, now, spec.get("type", ""), spec.get("clusterIP") or NONE, _outside(spec, status), ports or NONE)
    return [*row, labels(spec.get("selector"))]


def _outside(spec: Json, status: Json) -> str:
    """Write through which addresses a Service is reached from outside."""
    external = ",".join(spec.get("externalIPs") or ())
    match spec.get("type"):
        case "LoadBalancer":
            ingress = (status.get("loadBalancer") or {}).get("ingress") or ()
            balanced = ",".join(point.get("ip") or point.get("hostname") or "" for point in ingress)
            return ",".join(addresses for addresses in (balanced, external) if addresses) or "<pending>"
        case "ExternalName":
            return str(spec.get("externalName") or "")
        case _:
            return external or NONE


def _endpoints(obj: Json, now: Time) -> list[Any]:
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in obj.get("subsets") or ()
        for port in subset.get("ports") or ()
        for address in subset.get("addresses") or ()
    ]
    return _named(obj, now, listed(found, empty=NONE))


def _endpoint_slice(obj: Json, now: Time) -> list[Any]:
    ports = [port.get("port") or "*" for port in obj.get("ports") or ()]
    addresses = [address for endpoint in obj.get("endpoints") or () for address in endpoint.get("addresses") or ()]
    return _named(obj, now, obj.get("addressType", ""), listed(ports), listed(addresses))


def _node(obj: Json, now: Time) -> list[Any]:
    meta, spec, status = parts(obj)
    ready = next(
        (condition.get("status") for condition in status.get("conditions") or () if condition.get("type") == "Ready"),
        None,
    )
    state = "Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"
    state += ",SchedulingDisabled" if spec.get("unschedulable") else ""
    given = meta.get("labels") or {}
    roles = {key.removeprefix(ROLE) for key in given if key.startswith(ROLE)} - {""}
    info = status.get("nodeInfo") or {}
    by_type = {address.get("type"): address.get("address") for address in reversed(status.get("addresses") or ())}
    unknown = "<unknown>"
    return [
        meta.get("name", ""),
        state,
        ",".join(sorted(roles)) or NONE,
        age(meta.get("creationTimestamp"), now),
        info.get("kubeletVersion", ""),
        by_type.get("InternalIP") or NONE,
        by_type.get("ExternalIP") or NONE,
        info.get("osImage") or unknown,
        info.get("kernelVersion") or unknown,
        info.get("containerRuntimeVersion") or unknown,
    ]


def _event(obj: Json, now: Time) -> list[Any]:
    about = obj.get("involvedObject") or {}
    first = obj.get("firstTimestamp") or obj.get("eventTime") or (obj.get("metadata") or {}).get("creationTimestamp")
    last = (obj.get("series") or {}).get("lastObservedTime") or obj.get("lastTimestamp") or first
    source = obj.get("source") or {}
    said = ", ".join(part for part in (source.get("component"), source.get("host")) if part)
    return [
        age(last, now),
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}",
        about.get("fieldPath", ""),
        said or obj.get("reportingComponent", ""),
        str(obj.get("message", "")).strip(),
        age(first, now),
        obj.get("count") or 1,
        (obj.get("metadata") or {}).get("name", ""),
    ]


def _namespace(obj: Json, now: Time) -> list[Any]:
    return _named(obj, now, (obj.get("status") or {}).get("phase", ""))


def _config_map(obj: Json, now: Time) -> list[Any]:
    return _named(obj, now, len(obj.get("data") or ()) + len(obj.get("binaryData") or ()))


def _secret(obj: Json, now: Time) -> list[Any]:
    return _named(obj, now, obj.get("type", ""), len(obj.get("data") or ()))


def _service_account(obj: Json, now: Time) -> list[Any]:
    return _named(obj, now, len(obj.get("secrets") or ()))


def _budget(obj: Json, now: Time) -> list[Any]:
    _, spec, status = parts(obj)
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    shown = ("N/A" if amount is None else str(amount) for amount in (least, most))
    return _named(obj, now, *shown, status.get("disruptionsAllowed", 0))


def _persistent_volume(obj: Json, now: Time) -> list[Any]:
    meta, spec, status = parts(obj)
    claim = spec.get("claimRef") or {}
    phase = status.get("phase", "") if not meta.get("deletionTimestamp") else "Terminating"
    row = _named(
        obj,
        now,
        (spec.get("capacity") or {}).get("storage", ""),
        ",".join(MODES.get(mode, mode) for mode in spec.get("accessModes") or ()),
        spec.get("persistentVolumeReclaimPolicy", ""),
        phase,
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or "<unset>",
        status.get("reason", ""),
    )
    return [*row, spec.get("volumeMode") or "<unset>"]


def _claim(obj: Json, now: Time) -> list[Any]:
    meta, spec, status = parts(obj)
    phase = "Terminating" if meta.get("deletionTimestamp") else status.get("phase", "")
    row = _named(
        obj,
        now,
        phase,
        spec.get("volumeName", ""),
        (status.get("capacity") or {}).get("storage", ""),
        ",".join(MODES.get(mode, mode) for mode in status.get("accessModes") or ()),
        spec.get("storageClassName") or "",
        spec.get("volumeAttributesClassName") or "<unset>",
    )
    return [*row, spec.get("volumeMode") or "<unset>"]


def _storage_class(obj: Json, now: Time) -> list[Any]:
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    default = annotations.get(DEFAULT_CLASS) == "true"
    row = _named(
        obj,
        now,
        obj.get("provisioner", ""),
        obj.get("reclaimPolicy") or "Delete",
        obj.get("volumeBindingMode") or "Immediate",
        bool(obj.get("allowVolumeExpansion")),
    )
    return [f"{row[0]} (default)" if default else row[0], *row[1:]]


def _priority_class(obj: Json, now: Time) -> list[Any]:
    row = _named(obj, now, obj.get("value", 0), bool(obj.get("globalDefault")))
    return [*row, obj.get("preemptionPolicy", "")]


def _lease(obj: Json, now: Time) -> list[Any]:
    return _named(obj, now, (obj.get("spec") or {}).get("holderIdentity") or "")


def _created(obj: Json, _now: Time) -> list[Any]:
    meta = obj.get("metadata") or {}
    return [meta.get("name", ""), meta.get("creationTimestamp") or ""]


def _role_binding(obj: Json, now: Time) -> list[Any]:
    role = obj.get("roleRef") or {}
    by_kind: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in obj.get("subjects") or ():
        name = (
            f"{subject.get('namespace', '')}/{subject['name']}"
            if subject.get("kind") == "ServiceAccount"
            else subject["name"]
        )
        by_kind.setdefault(subject.get("kind", ""), []).append(name)
    named = (", ".join(by_kind[kind]) for kind in ("User", "Group", "ServiceAccount"))
    return [*_named(obj, now, f"{role.get('kind', '')}/{role.get('name', '')}"), *named]


def _network_policy(obj: Json, now: Time) -> list[Any]:
    return _named(obj, now, selector((obj.get("spec") or {}).get("podSelector")))


def _ingress(obj: Json, now: Time) -> list[Any]:
    _, spec, status = parts(obj)
    hosts = [rule["host"] for rule in spec.get("rules") or () if rule.get("host")]
    ingress = (status.get("loadBalancer") or {}).get("ingress") or ()
    return _named(
        obj,
        now,
        spec.get("ingressClassName") or NONE,
        listed(hosts, empty="*"),
        ",".join(point.get("ip") or point.get("hostname") or "" for point in ingress),
        "80, 443" if spec.get("tls") else "80",
    )


def _ingress_class(obj: Json, now: Time) -> list[Any]:
    spec = obj.get("spec") or {}
    given = spec.get("parameters") or {}
    name = f"{given.get('kind', '')}.{given['apiGroup']}" if given.get("apiGroup") else given.get("kind", "")
    return _named(obj, now, spec.get("controller", ""), f"{name}/{given.get('name', '')}" if given else NONE)


def _autoscaler(obj: Json, now: Time) -> list[Any]:
    _, spec, status = parts(obj)
    target = spec.get("scaleTargetRef") or {}
    metrics = [_metric(metric) for metric in spec.get("metrics") or ()]
    return _named(
        obj,
        now,
        f"{target.get('kind', '')}/{target.get('name', '')}",
        listed(metrics, most=2, empty=NONE).replace(",", ", "),
        "<unset>" if spec.get("minReplicas") is None else str(spec["minReplicas"]),
        spec.get("maxReplicas", 0),
        status.get("currentReplicas", 0),
    )


def _metric(metric: Mapping[str, Any]) -> str:
    resource = metric.get("resource") or {}
    target = resource.get("target") or {}
    if "averageUtilization" in target:
        return f"{resource.get('name', '')}: <unknown>/{target['averageUtilization']}%"
    return f"<unknown>/{target.get('averageValue') or target.get('value') or '<auto>'}"


def _quota(obj: Json, now: Time) -> list[Any]:
    status = obj.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    shown = {name: f"{name}: {_canonical(used.get(name, 0))}/{_canonical(hard[name])}" for name in sorted(hard)}
    requests = ", ".join(text for name, text in shown.items() if not name.startswith("limits"))
    limits = ", ".join(text for name, text in shown.items() if name.startswith("limits"))
    meta = obj.get("metadata") or {}
    return [meta.get("name", ""), age(meta.get("creationTimestamp"), now), requests, limits]


def _canonical(amount: Any) -> str:
    try:
        return str(parse_quantity(str(amount)))
    except QuantityError:
        return str(amount)


def _controller_revision(obj: Json, now: Time) -> list[Any]:
    owners = (obj.get("metadata") or {}).get("ownerReferences") or ()
    owner = next((reference for reference in owners if reference.get("controller")), None)
    group = owner["apiVersion"].rpartition("/")[0] if owner else ""
    named = f"{owner['kind'].lower()}{f'.{group}' if group else ''}/{owner['name']}" if owner else NONE
    return _named(obj, now, named, obj.get("revision", 0))


def _pod_template(obj: Json, _now: Time) -> list[Any]:
    template = obj.get("template") or {}
    return [
        (obj.get("metadata") or {}).get("name", ""),
        *containers(template),
        labels((template.get("metadata") or {}).get("labels")),
    ]


def _csi_node(obj: Json, now: Time) -> list[Any]:
    return _named(obj, now, len((obj.get("spec") or {}).get("drivers") or ()))


def _runtime_class(obj: Json, now: Time) -> list[Any]:
    return _named(obj, now, obj.get("handler", ""))


def _webhooks(obj: Json, now: Time) -> list[Any]:
    return _named(obj, now, len(obj.get("webhooks") or ()))


PRINTERS: Mapping[str, Callable[[Json, Time], list[Any]]] = {
    "CSINode": _csi_node,
    "CSIStorageCapacity": _created,
    "ClusterRole": _created,
    "ClusterRoleBinding": _role_binding,
    "ConfigMap": _config_map,
    "ControllerRevision": _controller_revision,
    "CronJob": _cron_job,
    "CustomResourceDefinition": _created,
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "EndpointSlice": _endpoint_slice,
    "Endpoints": _endpoints,
    "Event": _event,
    "HorizontalPodAutoscaler": _autoscaler,
    "Ingress": _ingress,
    "IngressClass": _ingress_class,
    "Job": _job,
    "Lease": _lease,
    "LimitRange": _created,
    "MutatingWebhookConfiguration": _webhooks,
    "Namespace": _namespace,
    "NetworkPolicy": _network_policy,
    "Node": _node,
    "PersistentVolume": _persistent_volume,
    "PersistentVolumeClaim": _claim,
    "PodDisruptionBudget": _budget,
    "PodTemplate": _pod_template,
    "PriorityClass": _priority_class,
    "ReplicaSet": _replica_set,
    "ReplicationController": _replication_controller,
    "ResourceQuota": _quota,
    "Role": _created,
    "RoleBinding": _role_binding,
    "RuntimeClass": _runtime_class,
    "Secret": _secret,
    "Service": _service,
    "ServiceAccount": _service_account,
    "StatefulSet": _stateful_set,
    "StorageClass": _storage_class,
    "ValidatingWebhookConfiguration": _webhooks,
}
"""By kind: what stands in its columns, as recorded."""
