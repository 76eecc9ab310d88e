"""Script steps in words: `set-image web nginx:1.29`, as given to `--script`; several are separated by semicolons.

Each becomes the same JSON as in scenario.yaml, `{"setImage": {...}}`, and is checked there. A workload without a kind
is a Deployment. Left out on purpose: `apply`, which needs a file and therefore a scenario.yaml.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable
from typing import Any

KINDS = {
    "deployment": "Deployment",
    "deployments": "Deployment",
    "deploy": "Deployment",
    "replicaset": "ReplicaSet",
    "replicasets": "ReplicaSet",
    "rs": "ReplicaSet",
    "pod": "Pod",
    "pods": "Pod",
    "po": "Pod",
    "service": "Service",
    "services": "Service",
    "svc": "Service",
    "poddisruptionbudget": "PodDisruptionBudget",
    "pdb": "PodDisruptionBudget",
    "node": "Node",
    "no": "Node",
}
"""Kinds by the names and short names kubectl takes."""


class CommandError(Exception):
    """A command that cannot be read; the message says what was expected."""


def parse(text: str) -> tuple[dict[str, Any], ...]:
    """Read commands into script steps as JSON. Raises CommandError."""
    return tuple(_parse_one(part.strip()) for part in text.split(";") if part.strip())


def _parse_one(text: str) -> dict[str, Any]:
    try:
        name, *arguments = shlex.split(text)
    except ValueError as error:
        raise CommandError(f"{text!r}: {error}") from None
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        meant = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(COMMANDS))}"
        raise CommandError(f"{name!r} is no command; {meant}")
    usage, read = COMMANDS[name]
    try:
        return read(*arguments)
    except (TypeError, ValueError):
        raise CommandError(f"{text!r}: expected {name} {usage}") from None


def _workload(text: str) -> dict[str, str]:
    """Split KIND/NAME; a kind this table lacks goes on as it is written and is judged with the script."""
    kind, slash, name = text.rpartition("/")
    return {"kind": KINDS.get(kind.lower(), kind) if slash else "Deployment", "name": name}


def _set_image(workload: str, image: str) -> dict[str, Any]:
    container, equals, rest = image.partition("=")
    step = {**_workload(workload), "image": rest if equals else image}
    return {"setImage": {**step, "container": container} if equals else step}


def _scale(workload: str, replicas: str) -> dict[str, Any]:
    return {"scale": {**_workload(workload), "replicas": int(replicas)}}


def _delete_pod(pod: str, word: str = "", node: str = "") -> dict[str, Any]:
    if word not in {"", "on"} or bool(word) != bool(node):
        raise ValueError(word)
    if "/" not in pod:
        return {"deletePod": {"name": pod}}
    workload = _workload(pod)
    named = {"workload": f"{workload['kind']}/{workload['name']}"}
    return {"deletePod": {**named, "node": node} if node else named}


def _delete(workload: str) -> dict[str, Any]:
    return {"deleteObject": _workload(workload)}


def _on_node(action: str) -> Callable[[str], dict[str, Any]]:
    def read(node: str) -> dict[str, Any]:
        return {action: {"node": node}}

    return read


def _taint(node: str, taint: str) -> dict[str, Any]:
    pair, _, effect = taint.rpartition(":")
    key, _, value = pair.partition("=")
    if not key:
        raise ValueError(taint)
    return {"taint": {"node": node, "key": key, "value": value, "effect": effect}}


def _untaint(node: str, taint: str) -> dict[str, Any]:
    key, _, effect = taint.removesuffix("-").partition(":")
    return {"untaint": {"node": node, "key": key, **({"effect": effect} if effect else {})}}


def _label_node(node: str, *labels: str) -> dict[str, Any]:
    pairs: dict[str, str | None] = {}
    for label in labels:
        key, equals, value = label.partition("=")
        if not equals and not label.endswith("-"):
            raise ValueError(label)
        pairs[key if equals else label[:-1]] = value if equals else None
    if not pairs:
        raise ValueError(node)
    return {"labelNode": {"node": node, "labels": pairs}}


def _rollout(verb: str) -> Callable[[str], dict[str, Any]]:
    def read(workload: str) -> dict[str, Any]:
        return {verb: _workload(workload)}

    return read


COMMANDS: dict[str, tuple[str, Callable[..., dict[str, Any]]]] = {
    "set-image": ("[KIND/]NAME [CONTAINER=]IMAGE", _set_image),
    "scale": ("[KIND/]NAME REPLICAS", _scale),
    "rollout-undo": ("[KIND/]NAME", _rollout("rolloutUndo")),
    "rollout-restart": ("[KIND/]NAME", _rollout("rolloutRestart")),
    "delete": ("[KIND/]NAME", _delete),
    "delete-pod": ("NAME, or KIND/NAME [on NODE]", _delete_pod),
    "cordon": ("NODE", _on_node("cordon")),
    "uncordon": ("NODE", _on_node("uncordon")),
    "drain": ("NODE", _on_node("drain")),
    "delete-node": ("NODE", _on_node("deleteNode")),
    "taint": ("NODE KEY[=VALUE]:EFFECT", _taint),
    "untaint": ("NODE KEY[:EFFECT]", _untaint),
    "label-node": ("NODE KEY=VALUE... or KEY-", _label_node),
}
"""Each command: how it is used, and how its words are read (a wrong number of words is a TypeError)."""
