"""From an end-to-end record to the scenario it was a run of.

The nodes are there and Ready, the manifests are just applied, each script step waits until the cluster is quiet, and
images behave as they are called. What was recorded to happen goes nowhere into the scenario.

Left out on purpose: the timeout of a drain (it gives up when nothing moves any more), and kinds without a model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import evolve

from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Bounds, Consistency, Mixed, Scenario, Start
from kubeproof.impl.api.apps import DaemonSet, Deployment, Sized, Workload
from kubeproof.impl.api.batch import Job
from kubeproof.impl.api.core import Node
from kubeproof.impl.api.kinds import Object
from kubeproof.impl.api.policy import PodDisruptionBudget
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.api.releases import OLDEST
from kubeproof.impl.api.values.frozen import freeze
from kubeproof.impl.api.values.selectors import selects
from kubeproof.impl.api.well_known import HOSTNAME
from kubeproof.impl.controllers.daemonset.rolling import max_surge as max_surge_of
from kubeproof.impl.controllers.deployment.arithmetic import max_surge
from kubeproof.impl.kubectl import script as kubectl
from kubeproof.impl.kubectl.apply import with_last_applied
from kubeproof.impl.kubectl.script import Step

Record = Mapping[str, Any]

NAMESPACE = "default"
MODELLED = frozenset(
    {
        "DaemonSet",
        "Deployment",
        "Job",
        "StatefulSet",
        "Service",
        "PodDisruptionBudget",
        "PriorityClass",
        "ResourceQuota",
    }
)
SPARE_PLACES = 2
"""Places for Pods beyond the most a rollout may have: for those that are still being deleted."""


def not_modelled(record: Record) -> str:
    """Say what a record is about that has no model; "" when all of it has one."""
    kinds = {one["kind"] for one in record["manifests"]}
    kinds |= {step["object"]["kind"] for step in record["script"] if step["action"] == "apply"}
    if strange := sorted(kinds - MODELLED):
        return f"{', '.join(strange)} not modelled"
    given = {taint["effect"] for node in record["nodes"] for taint in node["spec"].get("taints", ())}
    if "NoExecute" in given and "tolerationSeconds" in json.dumps(record["manifests"]):
        return "evictions by a taint that is there from the start are not modelled"
    runs = (record, *record.get("alternatives", ()))
    codes = {reason["code"] for run in runs for outcome in run["outcomes"] for reason in outcome["reasons"]}
    return "a timer that outlasts the recording is not modelled" if "NotQuiescent" in codes else ""


def scenario_of(record: Record, consistency: Consistency) -> Scenario:
    """Return the scenario of a record, with as many places for Pods as its largest rollout needs."""
    objects = (*(_node(one) for one in record["nodes"]), *(_object(one) for one in record["manifests"]))
    script = tuple(step_of(one) for one in record["script"])
    return Scenario(
        name=record["id"],
        objects=objects,
        script=script,
        wait_between_steps=True,
        consistency=consistency,
        start=Start.EMPTY,
        image_behaviour=True,
        bounds=Bounds(
            pods=_places(objects, script),
            mixed_views=Mixed.MOST if consistency is Consistency.SESSION else Mixed.NOBODY,
        ),
        namespace=NAMESPACE,
        release=OLDEST,
    )


def as_written(record: Record, consistency: Consistency, steps: int) -> Scenario:
    """Return the scenario of a record's first steps from manifests and options, as a user would write them.

    So kinds without a model are noted like everybody's. Raises BadInput for a step that acts on one of them.
    """
    nodes = (_reported(one) for one in record["nodes"])
    texts = {"manifests.yaml": record["manifests"], "nodes.yaml": nodes}
    files = {name: "\n---\n".join(map(json.dumps, some)) for name, some in texts.items()}
    options = {
        "script": [_as_step(one) for one in record["script"][:steps]],
        "waitBetweenSteps": True,
        "start": "empty",
        "images": "byName",
        "release": OLDEST.name,
        "consistency": consistency.value,
        "bounds": {"mixedViews": consistency is Consistency.SESSION},
    }
    return load_scenario(record["id"], files, freeze(options)).scenario


def _reported(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a node as its kubelet reports it: it is Ready and has what it allots."""
    status = {"capacity": node["status"]["allocatable"], "conditions": [{"type": "Ready", "status": "True"}]}
    return {**node, "status": {**node["status"], **status}}


def _as_step(action: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write a recorded step as a script has it.

    The recorder's drains pass over DaemonSets and force bare Pods; its taints and labels replace what is there.
    """
    rest = {name: value for name, value in action.items() if name != "action"}
    more: dict[str, Any] = {}
    if action["action"] == "drain":
        more = {"force": True, "ignoreDaemonsets": True, "deleteEmptydirData": True}
    if action["action"] in {"taint", "labelNode"}:
        more = {"overwrite": True}
    if action["action"] == "addNode":
        more = {"node": _reported(action["node"])}
    return {action["action"]: {**rest, **more}}


def _object(manifest: Mapping[str, Any]) -> Object:
    """Read a manifest as `kubectl apply` sends it, into the one namespace."""
    return with_last_applied(from_json({**manifest, "metadata": {**manifest["metadata"], "namespace": NAMESPACE}}))


def _node(manifest: Mapping[str, Any]) -> Node:
    """Read a node as its kubelet reports it."""
    node = from_json(_reported(manifest))
    if not isinstance(node, Node):
        raise TypeError(f"a {manifest['kind']} is no node")
    return node


def _places(objects: tuple[Object, ...], script: tuple[Step, ...]) -> int:
    """Bound how many Pods a run that goes well has at a time."""
    applied = tuple(step.object for step in script if isinstance(step, kubectl.Apply))
    nodes = sum(isinstance(one, Node | kubectl.AddNode) for one in (*objects, *script))
    most: dict[str, int] = {}
    for one in (*objects, *applied):
        if isinstance(one, DaemonSet):
            most[one.metadata.name] = nodes + max_surge_of(one, nodes)
        if isinstance(one, Sized | Job):
            most[one.metadata.name] = max(most.get(one.metadata.name, 0), _most(one, one.spec.wanted))
    for step in script:
        if isinstance(step, kubectl.Scale):
            owners = (one for one in objects if isinstance(one, Workload) and one.metadata.name == step.name)
            most[step.name] = max(most.get(step.name, 0), *(_most(one, step.replicas) for one in owners), 0)
    return sum(most.values()) + SPARE_PLACES


def _most(one: Workload, replicas: int) -> int:
    if isinstance(one, Job):
        limit = 6 if one.spec.backoff_limit is None else min(one.spec.backoff_limit, 6)
        return max(one.spec.completions or 0, replicas) + limit
    if not isinstance(one, Deployment):
        return replicas
    wanted = evolve(one, spec=evolve(one.spec, replicas=replicas))
    strategy = one.spec.strategy
    if strategy.rolling_update is None or strategy.rolling_update.max_surge is None:
        return replicas + max(1, replicas // 4 + 1)
    return replicas + max_surge(wanted)


def step_of(action: Mapping[str, Any]) -> Step:
    """Read one script step; `KeyError` for an action nobody knows."""
    step: Step = _STEPS[action["action"]](action)
    return step


_STEPS: dict[str, Any] = {
    "setImage": lambda one: kubectl.SetImage(one["kind"], one["name"], one["image"], "app"),
    "scale": lambda one: kubectl.Scale(one["kind"], one["name"], one["replicas"]),
    "rolloutUndo": lambda one: kubectl.RolloutUndo(one["kind"], one["name"]),
    "cordon": lambda one: kubectl.Cordon(one["node"]),
    "uncordon": lambda one: kubectl.Uncordon(one["node"]),
    "drain": lambda one: kubectl.Drain(one["node"], force=True, ignore_daemonsets=True, delete_emptydir_data=True),
    "addNode": lambda one: kubectl.AddNode(_node(one["node"])),
    "deleteNode": lambda one: kubectl.DeleteNode(one["node"]),
    "deletePod": lambda one: kubectl.DeletePod(one.get("name", ""), one.get("workload", ""), one.get("onNode", "")),
    "taint": lambda one: kubectl.Taint(
        one["node"], one["taint"]["key"], one["taint"].get("value", ""), one["taint"]["effect"], overwrite=True
    ),
    "untaint": lambda one: kubectl.Untaint(one["node"], one["taint"]["key"], one["taint"].get("effect", "")),
    "labelNode": lambda one: kubectl.LabelNode(one["node"], one["labels"], overwrite=True),
    "apply": lambda one: kubectl.Apply(_object(one["object"])),
    "deleteObject": lambda one: kubectl.DeleteObject(one["kind"], one["name"]),
}


def interchangeable(record: Record) -> tuple[tuple[str, ...], ...]:
    """Group the nodes that differ in nothing but their names and that nothing mentions by name."""
    named = _strings([record["manifests"], record["script"]])
    groups: dict[str, list[str]] = {}
    for node in record["nodes"]:
        name = node["metadata"]["name"]
        if name not in named and node["metadata"].get("labels", {}).get(HOSTNAME) == name:
            labels = {key: value for key, value in node["metadata"]["labels"].items() if value != name}
            groups.setdefault(repr((sorted(labels.items()), node["spec"], node["status"])), []).append(name)
    return tuple(tuple(names) for names in groups.values() if len(names) > 1)


def _strings(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return {text for one in inner for text in _strings(one)}


def overlapping(objects: tuple[Object, ...]) -> frozenset[str]:
    """Name the budgets that select Pods which another one selects, too.

    A change of such a Pod wakes the disruption controller for one of them only, whichever it finds first; what the
    other one says is from the last time that it was itself changed.
    """
    budgets = [one for one in objects if isinstance(one, PodDisruptionBudget)]
    labels = [one.spec.template.metadata.labels for one in objects if isinstance(one, Workload)]
    chosen = [[one.metadata.name for one in budgets if selects(one.spec.selector, some)] for some in labels]
    return frozenset(name for names in chosen if len(names) > 1 for name in names)
