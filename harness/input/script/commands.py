"""Script steps in words: `set image deployment/web app=nginx:2`, as given to `--script`; semicolons separate several.

They are written as for kubectl, with or without `kubectl` before them, or in one word (`set-image web nginx:2`). Each
becomes the same JSON as in scenario.yaml, `{"setImage": {...}}`, and is checked there. A workload is NAME, KIND/NAME,
NAMESPACE/KIND/NAME or KIND NAME; without a kind it is a Deployment. Left out on purpose: `apply`, which needs a file
and therefore a scenario.yaml, and flags that change what a command does in a way that is not modelled.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from ....impl.api.kinds import BY_NAME
from ....impl.api.reading.nearest import did_you_mean

SHORT = {
    "deployment.apps": "Deployment",
    "deploy": "Deployment",
    "rs": "ReplicaSet",
    "rc": "ReplicationController",
    "sts": "StatefulSet",
    "ds": "DaemonSet",
    "cj": "CronJob",
    "po": "Pod",
    "svc": "Service",
    "pdb": "PodDisruptionBudget",
    "hpa": "HorizontalPodAutoscaler",
    "pvc": "PersistentVolumeClaim",
    "pv": "PersistentVolume",
    "pc": "PriorityClass",
    "quota": "ResourceQuota",
    "limits": "LimitRange",
    "sc": "StorageClass",
    "netpol": "NetworkPolicy",
    "ns": "Namespace",
    "no": "Node",
}
KINDS = {**{name: kind.name for kind in BY_NAME.values() for name in (kind.name.lower(), kind.plural)}, **SHORT}
"""Kinds by the names and short names kubectl takes."""
DRAIN_FLAGS = {
    "force": "force",
    "ignore-daemonsets": "ignoreDaemonsets",
    "delete-emptydir-data": "deleteEmptydirData",
    "delete-local-data": "deleteEmptydirData",
}
VALUED = frozenset({"cascade", "namespace", "pod-selector", "replicas", "timeout"})
"""Flags that have a value, which may be the next word."""
PAIRS = {
    ("set", "image"): "set-image",
    **{("rollout", verb): f"rollout-{verb}" for verb in ("undo", "restart", "pause", "resume")},
}
OTHERS = {
    ("rollout", "history"): "it changes nothing: leave it out",
    (
        "rollout",
        "status",
    ): "steps do not wait; with waitBetweenSteps: true in a scenario.yaml each one waits until all is quiet",
}
"""What is said of other commands of kubectl, by their two words."""
ON_NODES = {"delete": "delete-node", "label": "label-node", "taint": "taint"}
"""What kubectl says of nodes, by the command here."""


class CommandError(Exception):
    """A command that cannot be read; the message says what was expected."""


Flags = Mapping[str, str]


@frozen
class Command:
    """How a command is used, how its words are read (wrong words are a ValueError), and which flags it has."""

    usage: str
    read: Callable[[tuple[str, ...], Flags], dict[str, Any]]
    flags: frozenset[str] = frozenset()


def parse(text: str) -> tuple[dict[str, Any], ...]:
    """Read commands into script steps as JSON. Raises CommandError."""
    return tuple(_parse_one(part.strip()) for part in text.split(";") if part.strip())


def _parse_one(text: str) -> dict[str, Any]:
    try:
        tokens = shlex.split(text)
    except ValueError as error:
        raise CommandError(f"{text!r}: {error}") from None
    words, flags = _sorted_out(tokens[1:] if tokens[0] == "kubectl" else tokens, text)
    name, words = _command(words, text)
    command = COMMANDS[name]
    for flag in sorted(flags):
        if flag not in command.flags | {"timeout"}:
            known = ", ".join(f"--{option}" for option in sorted(command.flags)) or "none"
            raise CommandError(f"{text!r}: {name} has no flag --{flag} here; known are: {known}")
    try:
        return command.read(words, flags)
    except ValueError:
        raise CommandError(f"{text!r}: expected {name} {command.usage}") from None


def _sorted_out(tokens: list[str], text: str) -> tuple[tuple[str, ...], Flags]:
    """Part the words from the flags, which may stand anywhere."""
    words: list[str] = []
    flags: dict[str, str] = {}
    rest = iter(tokens)
    for word in rest:
        if not word.startswith("-") or word == "-":
            words.append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        name = "namespace" if word.startswith("-n") else name
        if word.startswith("-n") and len(word) > 2 and not equals:
            value, equals = word[2:], "="
        if name in VALUED and not equals:
            value = next(rest, "")
        if name in VALUED and not value:
            raise CommandError(f"{text!r}: --{name} needs a value")
        if name not in VALUED and value == "false":
            continue
        flags[name] = value
    return tuple(words), flags


def _command(words: tuple[str, ...], text: str) -> tuple[str, tuple[str, ...]]:
    """Find the command that some words begin with; give it and the words that are left."""
    if not words:
        raise CommandError(f"{text!r}: expected a command")
    first, second = words[0], words[1] if len(words) > 1 else ""
    if (first, second) in PAIRS:
        return PAIRS[first, second], words[2:]
    kind, slash, name = second.partition("/")
    if first in ON_NODES and KINDS.get(kind) == "Node":
        return ON_NODES[first], (name, *words[2:]) if slash else words[2:]
    if first in COMMANDS:
        return first, words[1:]
    if first == "apply":
        raise CommandError(f"{text!r}: write it into a scenario.yaml, as apply: {{file: ...}}")
    if first in ("crash", "reboot"):
        raise CommandError(f"{text!r}: nobody does that, it happens at any time: --fault node-crash=1, node-reboot=1")
    if (first, second) in OTHERS:
        raise CommandError(f"{text!r}: {OTHERS[first, second]}")
    if pairs := [f"{noun} {verb}" for noun, verb in PAIRS if noun == first]:
        raise CommandError(f"{' '.join(words[:2])!r} is no command; known are {', '.join(pairs)}")
    raise CommandError(f"{first!r} is no command; {did_you_mean(first, COMMANDS)}")


def _workload(words: tuple[str, ...], flags: Flags) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read a workload from the first word or two; a kind this table lacks goes on as it is and is judged later."""
    if not words:
        raise ValueError("no workload")
    first, *rest = words
    if "/" not in first and rest and first.lower() in KINDS:
        first, rest = f"{first}/{rest[0]}", rest[1:]
    namespace, kind, name = parts(first)
    namespace = namespace or flags.get("namespace", "")
    found = {"kind": KINDS.get(kind.lower(), kind), "name": name}
    return found | ({"namespace": namespace} if namespace else {}), tuple(rest)


def parts(text: str) -> tuple[str, str, str]:
    """Split [NAMESPACE/]KIND/NAME."""
    *before, name = text.split("/")
    kind = before.pop() if before else "Deployment"
    namespace = before.pop() if before else ""
    if before or not all(text.split("/")):
        raise ValueError(text)
    return namespace, kind, name


def _one(words: tuple[str, ...]) -> str:
    (word,) = words
    return word


def _set_image(words: tuple[str, ...], flags: Flags) -> dict[str, Any]:
    workload, rest = _workload(words, flags)
    container, equals, image = _one(rest).partition("=")
    step = {**workload, "image": image if equals else container}
    return {"setImage": {**step, "container": container} if equals else step}


def _scale(words: tuple[str, ...], flags: Flags) -> dict[str, Any]:
    workload, rest = _workload(words, flags)
    if ("replicas" in flags) == bool(rest):
        raise ValueError(words)
    return {"scale": {**workload, "replicas": int(flags["replicas"] if "replicas" in flags else _one(rest))}}


def _delete_pod(words: tuple[str, ...], flags: Flags) -> dict[str, Any]:
    pod, *on = words
    if on and (len(on) != 2 or on[0] != "on"):
        raise ValueError(words)
    there: dict[str, Any] = {"namespace": flags["namespace"]} if "namespace" in flags else {}
    there |= _force(flags)
    if "/" not in pod:
        if on:
            raise ValueError(words)
        return {"deletePod": {"name": pod, **there}}
    workload, _ = _workload((pod,), flags)
    named = {"workload": f"{workload['kind']}/{workload['name']}"}
    home = {"namespace": workload["namespace"]} if "namespace" in workload else {}
    return {"deletePod": {**named, **({"node": on[1]} if on else {}), **home, **_force(flags)}}


def _force(flags: Flags) -> dict[str, bool]:
    return {"force": True} if "force" in flags else {}


def _delete(words: tuple[str, ...], flags: Flags) -> dict[str, Any]:
    workload, rest = _workload(words, flags)
    if rest:
        raise ValueError(words)
    cascade = {"cascade": flags["cascade"]} if "cascade" in flags else {}
    if cascade and workload["kind"] in {"Pod", "Node"}:
        raise ValueError(words)
    if workload["kind"] == "Pod":
        return {"deletePod": {key: value for key, value in workload.items() if key != "kind"} | _force(flags)}
    if "force" in flags:
        raise ValueError(words)
    if workload["kind"] == "Node":
        return {"deleteNode": {"node": workload["name"]}}
    return {"deleteObject": {**workload, **cascade}}


def _on_node(action: str) -> Callable[[tuple[str, ...], Flags], dict[str, Any]]:
    def read(words: tuple[str, ...], flags: Flags) -> dict[str, Any]:
        given: dict[str, Any] = {DRAIN_FLAGS[flag]: True for flag in sorted(flags) if flag in DRAIN_FLAGS}
        given |= {"podSelector": flags["pod-selector"]} if "pod-selector" in flags else {}
        kind, _, name = _one(words).rpartition("/")
        return {action: {"node": name if KINDS.get(kind) == "Node" else _one(words), **given}}

    return read


def _taint(words: tuple[str, ...], flags: Flags) -> dict[str, Any]:
    node, taint = words
    if taint.endswith("-"):
        return _untaint(words, flags)
    pair, _, effect = taint.rpartition(":")
    key, _, value = pair.partition("=")
    if not key:
        raise ValueError(taint)
    return {"taint": {"node": node, "key": key, "value": value, "effect": effect, **_overwrite(flags)}}


def _overwrite(flags: Flags) -> dict[str, bool]:
    return {"overwrite": True} if "overwrite" in flags else {}


def _untaint(words: tuple[str, ...], _flags: Flags) -> dict[str, Any]:
    node, taint = words
    pair, _, effect = taint.removesuffix("-").partition(":")
    key = pair.partition("=")[0]
    return {"untaint": {"node": node, "key": key, **({"effect": effect} if effect else {})}}


def _label_node(words: tuple[str, ...], flags: Flags) -> dict[str, Any]:
    node, *labels = words
    pairs: dict[str, str | None] = {}
    for label in labels:
        key, equals, value = label.partition("=")
        if not equals and not label.endswith("-"):
            raise ValueError(label)
        pairs[key if equals else label[:-1]] = value if equals else None
    if not pairs:
        raise ValueError(node)
    return {"labelNode": {"node": node, "labels": pairs, **_overwrite(flags)}}


def _rollout(verb: str) -> Callable[[tuple[str, ...], Flags], dict[str, Any]]:
    def read(words: tuple[str, ...], flags: Flags) -> dict[str, Any]:
        workload, rest = _workload(words, flags)
        if rest:
            raise ValueError(words)
        return {verb: workload}

    return read


WHERE = frozenset({"namespace"})
OVER = frozenset({"overwrite"})
COMMANDS: dict[str, Command] = {
    "set-image": Command("[KIND/]NAME [CONTAINER=]IMAGE", _set_image, WHERE),
    "scale": Command("[KIND/]NAME REPLICAS, or --replicas=N", _scale, WHERE | {"replicas"}),
    "rollout-undo": Command("[KIND/]NAME", _rollout("rolloutUndo"), WHERE),
    "rollout-restart": Command("[KIND/]NAME", _rollout("rolloutRestart"), WHERE),
    "rollout-pause": Command("[KIND/]NAME", _rollout("rolloutPause"), WHERE),
    "rollout-resume": Command("[KIND/]NAME", _rollout("rolloutResume"), WHERE),
    "delete": Command("[KIND/]NAME [--cascade HOW], or pod/NAME [--force]", _delete, WHERE | {"cascade", "force"}),
    "delete-pod": Command("NAME, or KIND/NAME [on NODE] [--force]", _delete_pod, WHERE | {"force"}),
    "cordon": Command("NODE", _on_node("cordon")),
    "uncordon": Command("NODE", _on_node("uncordon")),
    "drain": Command("NODE [FLAGS]", _on_node("drain"), frozenset({*DRAIN_FLAGS, "pod-selector"})),
    "delete-node": Command("NODE", _on_node("deleteNode")),
    "taint": Command("[node] NODE KEY[=VALUE]:EFFECT [--overwrite], or KEY[:EFFECT]-", _taint, OVER),
    "untaint": Command("NODE KEY[:EFFECT]", _untaint),
    "label-node": Command("NODE KEY=VALUE... or KEY- [--overwrite]", _label_node, OVER),
}
"""The commands by their names in one word."""
