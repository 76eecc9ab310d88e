"""Small scenarios at random, for holding two ways of checking against each other; and the smaller ones beside each.

A drawing is what a user would have written: manifests, and options as scenario.yaml has them. The same seed gives the
same drawing as long as this module is the same; a drawing that told two ways apart is kept as a folder, not as a seed.

Every scenario loads: Services and budgets select a workload that is there, steps name what is there. Sizes are such
that a search of all components together ends for most: two nodes, two workloads, two replicas, two steps, one fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import yaml
from attrs import evolve, frozen

from kubeproof.harness.input.files.scenario_file import FAULTS, Loaded, load_scenario
from kubeproof.harness.input.files.switches import NEEDS
from kubeproof.impl.api.well_known import HOSTNAME, ZONE

Manifest = dict[str, Any]

MANIFESTS, SCENARIO = "manifests.yaml", "scenario.yaml"
PLACES = 6
"""Places for Pods; a run that needs more is undecided."""
PROPAGATION = 5
HOOK = {"preStop": {"exec": {"command": ["sleep", "5"]}}}
STRATEGIES = ((1, 0), (0, 1), (1, 1))
"""maxSurge and maxUnavailable."""
TAINT = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}
SOME = ("web", "api", "db")
LARGE = "8"
"""Cores of a node on which there is room for all that is drawn."""


@frozen
class Drawing:
    """A scenario as a user would have written it."""

    manifests: tuple[Manifest, ...]
    options: Mapping[str, Any]

    @property
    def files(self) -> dict[str, str]:
        """Return the files of a folder that holds it."""
        return {
            MANIFESTS: yaml.safe_dump_all(self.manifests, sort_keys=False),
            SCENARIO: yaml.safe_dump(dict(self.options), sort_keys=False),
        }

    def load(self) -> Loaded:
        """Make the scenario. Raises BadInput for one that does not load."""
        return load_scenario("drawing", self.files)


def draw(seed: int) -> Drawing:
    """Return the drawing of a seed."""
    return Hand(Random(seed)).drawing()  # noqa: S311 - nothing is kept secret


def draw_several(seed: int) -> Drawing:
    """Return the drawing of a seed with two or three workloads, which may have to do with each other or not."""
    return Hand(Random(seed)).several()  # noqa: S311 - nothing is kept secret


def draw_shared(seed: int) -> Drawing:
    """Return the drawing of a seed with two workloads and a Service in front of both."""
    return Hand(Random(seed)).shared()  # noqa: S311 - nothing is kept secret


class Hand:
    """Draws, one thing after the other, from one source of chance."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance

    def drawing(self) -> Drawing:
        """Return a drawing with one workload, or two."""
        return self.with_workloads(SOME[: 1 + self.maybe(0.2)])

    def several(self) -> Drawing:
        """Return a drawing with two or three workloads, on nodes that may be too small for them."""
        found = self.with_workloads(SOME[: 2 + self.maybe(0.25)])
        cpus = {f"node-{number}": self.chance.choice((LARGE, LARGE, "2", "3")) for number in (1, 2)}
        for one in found.manifests:
            if one["kind"] == "Node":
                one["status"]["capacity"]["cpu"] = cpus[one["metadata"]["name"]]
        bounds = {"propagation": PROPAGATION}
        return evolve(found, options={**found.options, "bounds": bounds})

    def shared(self) -> Drawing:
        """Return a drawing with two workloads that keep running, on nodes with room, and a Service in front of both."""
        found = self.several()
        while any(one["kind"] in {"Pod", "DaemonSet"} for one in found.manifests):
            found = self.several()
        for one in found.manifests:
            if one["kind"] == "Node":
                one["status"]["capacity"]["cpu"] = LARGE
            elif "template" in one.get("spec", {}):
                one["spec"]["template"]["metadata"]["labels"]["tier"] = "front"
        front = self.service({"metadata": {"name": "front"}})
        front["spec"]["selector"] = {"tier": "front"}
        return evolve(found, manifests=(*found.manifests, front))

    def with_workloads(self, names: tuple[str, ...]) -> Drawing:
        """Return a drawing with workloads called so."""
        nodes = [self.node(number) for number in range(1, 2 + self.maybe(0.6))]
        workloads = [self.workload(name) for name in names]
        services = [self.service(one) for one in workloads if self.maybe(0.45)]
        budgets = [self.budget(one) for one in workloads if self.maybe(0.3)]
        manifests = (*nodes, *workloads, *services, *budgets)
        return Drawing(manifests, self.options(nodes, workloads, services))

    def maybe(self, share: float) -> bool:
        """Tell whether something is drawn that is drawn in this share of all cases."""
        return self.chance.random() < share

    def options(self, nodes: list[Manifest], workloads: list[Manifest], services: list[Manifest]) -> dict[str, Any]:
        """Return the options: where it starts, what is done, and what may go wrong."""
        script = self.script(nodes, workloads, services)
        empty = not script or self.maybe(0.3)
        fault = self.chance.choice([name for name in FAULTS if name not in NEEDS])
        return {
            "start": "empty" if empty else "settled",
            "script": script,
            "waitBetweenSteps": self.maybe(0.5),
            "faults": {fault: 1} if self.maybe(0.35) else {},
            "consistency": self.consistency(small=not services and len(workloads) == 1),
            "bounds": {"propagation": PROPAGATION, "pods": PLACES},
            "images": "plain",
        }

    def consistency(self, *, small: bool) -> str:
        """Return how old views may be: of what is not small, old views in all components together are too many."""
        old = self.maybe(0.6 if small else 0.15)
        return ("resettable" if self.maybe(0.15) else "session") if old else "linearizable"

    # --- manifests --------------------------------------------------------------------------------------------------

    def node(self, number: int) -> Manifest:
        """Return a node, which may repel Pods."""
        name = f"node-{number}"
        labels = {HOSTNAME: name, ZONE: self.chance.choice("ab")}
        spec: Manifest = {"taints": [TAINT]} if self.maybe(0.15) else {}
        if self.maybe(0.1):
            spec["unschedulable"] = True
        room = {"cpu": self.chance.choice("112"), "memory": "4Gi", "pods": "10"}
        meta = {"name": name, "labels": labels}
        return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": spec, "status": {"capacity": room}}

    def workload(self, name: str) -> Manifest:
        """Return what makes Pods, or a Pod."""
        template = {"metadata": {"labels": {"app": name}}, "spec": self.pod(name)}
        kind = self.chance.choice(("Deployment",) * 4 + ("Pod", "Pod", "ReplicaSet", "StatefulSet", "DaemonSet"))
        if kind == "Pod":
            return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}} | {
                "spec": template["spec"]
            }
        spec: Manifest = {
            "replicas": self.chance.choice((0, *(1,) * 8, 2)),
            "selector": {"matchLabels": {"app": name}},
            "template": template,
        }
        if kind == "Deployment":
            spec["strategy"] = self.strategy()
        if kind == "DaemonSet":
            del spec["replicas"]
            unavailable = self.chance.choice((0, 1, 1, 2))
            spec["updateStrategy"] = {
                "rollingUpdate": {"maxUnavailable": unavailable, "maxSurge": int(not unavailable)}
            }
        if kind == "StatefulSet":
            spec["podManagementPolicy"] = self.chance.choice(("OrderedReady", "OrderedReady", "Parallel"))
        return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}

    def strategy(self) -> Manifest:
        """Return how a Deployment goes from one template to the next."""
        if self.maybe(0.2):
            return {"type": "Recreate"}
        surge, unavailable = self.chance.choice(STRATEGIES)
        return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}

    def pod(self, name: str) -> Manifest:
        """Return the spec of a Pod."""
        port: Manifest = {"name": "http", "containerPort": 8080}
        if self.maybe(0.12):
            port["hostPort"] = 8080
        container: Manifest = {"name": "app", "image": f"{name}:1", "ports": [port]}
        if self.maybe(0.4):
            container["resources"] = {"requests": {"cpu": "1"}}
        if self.maybe(0.4):
            container["lifecycle"] = HOOK
        spec: Manifest = {"containers": [container]}
        if self.maybe(0.3):
            spec |= self.where(name)
        if self.maybe(0.15):
            spec["tolerations"] = [{"key": "dedicated", "operator": "Exists"}]
        return spec

    def where(self, name: str) -> Manifest:
        """Say where a Pod wants to go."""
        other = self.chance.choice(SOME[:2])
        term = {"labelSelector": {"matchLabels": {"app": other}}, "topologyKey": HOSTNAME}
        spread = {
            "maxSkew": 1,
            "topologyKey": HOSTNAME,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": name}},
        }
        required = "requiredDuringSchedulingIgnoredDuringExecution"
        return self.chance.choice(
            (
                {"affinity": {"podAntiAffinity": {required: [term]}}},
                {"affinity": {"podAffinity": {required: [term]}}},
                {"topologySpreadConstraints": [spread]},
                {"nodeSelector": {ZONE: "a"}},
            )
        )

    def service(self, workload: Manifest) -> Manifest:
        """Return a Service in front of a workload."""
        name = workload["metadata"]["name"]
        spec: Manifest = {
            "selector": {"app": name},
            "ports": [{"port": 80, "targetPort": self.chance.choice(("http", "http", 8080))}],
        }
        match self.chance.randrange(5):
            case 0:
                spec["internalTrafficPolicy"] = "Local"
            case 1:
                spec["type"] = "NodePort"
            case 2:
                spec |= {"type": "NodePort", "externalTrafficPolicy": "Local"}
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}

    def budget(self, workload: Manifest) -> Manifest:
        """Return a budget of a workload."""
        name = workload["metadata"]["name"]
        limit = self.chance.choice(({"minAvailable": 0}, {"minAvailable": 1}, {"maxUnavailable": 1}))
        spec = {**limit, "selector": {"matchLabels": {"app": name}}}
        return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name}, "spec": spec}

    # --- steps ------------------------------------------------------------------------------------------------------

    def script(self, nodes: list[Manifest], workloads: list[Manifest], services: list[Manifest]) -> list[Manifest]:
        """Return up to two steps, none after the deletion of a workload that it might name."""
        found: list[Manifest] = []
        for _ in range(self.chance.choice((0, 1, 1, 1, 1, 2))):
            found.append(self.step(nodes, workloads, services))
            if "deleteObject" in found[-1]:
                break
        return found

    def step(self, nodes: list[Manifest], workloads: list[Manifest], services: list[Manifest]) -> Manifest:
        """Return a step that can be done to these manifests, whatever came before."""
        node = self.chance.choice(nodes)["metadata"]["name"]
        one = self.chance.choice(workloads)
        kind, name = one["kind"], one["metadata"]["name"]
        steps: list[Manifest] = [
            {"drain": {"node": node}},
            {"cordon": {"node": node}},
            {"taint": {"node": node, "key": "spoilt", "effect": self.chance.choice(("NoSchedule", "NoExecute"))}},
        ]
        if kind == "Pod":
            steps.append({"deletePod": {"name": name}})
        else:
            replicas = self.chance.choice((0, 1, 2))
            if kind not in {"DaemonSet", "Job"}:
                steps.append({"scale": {"kind": kind, "name": name, "replicas": replicas}})
            steps += [
                {"deletePod": {"workload": f"{kind}/{name}"}},
                {"deleteObject": {"kind": kind, "name": name}},
            ]
        if kind in {"DaemonSet", "Deployment", "StatefulSet"}:
            steps += [{"setImage": {"kind": kind, "name": name, "image": f"{name}:2"}}] * 3
            steps += [
                {"rolloutUndo": {"kind": kind, "name": name}},
                {"rolloutRestart": {"kind": kind, "name": name}},
                {"apply": {"object": self.changed(one)}},
            ]
        if services:
            steps.append({"apply": {"object": self.chance.choice(services)}})
        return self.chance.choice(steps)

    def changed(self, one: Manifest) -> Manifest:
        """Return a workload that was edited: what its Pods want and its replicas, drawn again."""
        name = one["metadata"]["name"]
        template = {"metadata": {"labels": {"app": name}}, "spec": self.pod(name)}
        replicas = self.chance.choice((1, 1, 1, 2))
        sized = {"replicas": replicas} if "replicas" in one["spec"] else {}
        return {**one, "spec": {**one["spec"], **sized, "template": template}}


# --- smaller ones ---------------------------------------------------------------------------------------------------

PLAINEST = {"waitBetweenSteps": False, "faults": {}, "consistency": "linearizable", "start": "empty"}


def smaller(one: Drawing) -> Iterator[Drawing]:
    """Yield the drawings with one thing less: a step, a manifest, an option, a field of a manifest, a replica."""
    script = one.options["script"]
    for number in range(len(script)):
        yield evolve(one, options={**one.options, "script": script[:number] + script[number + 1 :]})
    for number in range(len(one.manifests)):
        yield evolve(one, manifests=one.manifests[:number] + one.manifests[number + 1 :])
    for name, value in PLAINEST.items():
        if one.options[name] != value:
            yield evolve(one, options={**one.options, name: value})
    for number, manifest in enumerate(one.manifests):
        for less in _less(manifest):
            yield evolve(one, manifests=(*one.manifests[:number], less, *one.manifests[number + 1 :]))


def _less(value: Any) -> Iterator[Any]:
    """Yield a value without one of its parts, at any depth, and with smaller numbers."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in {"apiVersion", "kind", "name", "selector"}:
                yield {name: part for name, part in value.items() if name != key}
            yield from ({**value, key: less} for less in _less(inner))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield value[:number] + value[number + 1 :]
            yield from ([*value[:number], less, *value[number + 1 :]] for less in _less(inner))
    elif isinstance(value, int) and not isinstance(value, bool) and 0 < value <= PLACES:
        yield value - 1
