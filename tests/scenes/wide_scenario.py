"""Small scenarios at random with what `random_scenario` never draws: Jobs, priorities, policies, second namespaces.

What one drawing has of it is little, so that searches still end: each fancy is drawn with a small share. Labels are
such that Services, budgets, policies and terms of affinity often select the Pods of two workloads.
"""

from __future__ import annotations

from random import Random
from typing import Any

from attrs import evolve

from kubeproof.impl.api.well_known import HOSTNAME, TEMPLATE_HASH, ZONE
from scenes.random_scenario import LARGE, SOME, Drawing, Hand, Manifest

TIER = "tier"
TIERS = ("front", "front", "back")
CLASSES = (("high", 1000, "PreemptLowerPriority"), ("meek", 500, "Never"), ("low", 10, "PreemptLowerPriority"))
"""Priority classes: name, value, preemptionPolicy."""
NODE_PORTS = {name: number for number, name in enumerate((*SOME, *(f"{one}-2" for one in SOME)), 30001)}
"""What a Service asks for if it asks for a port of the nodes; a step may ask for that of another."""
ENDS = ("job", "job", "crash", "bad", "slow")
"""Images that behave as they are called (`images: byName`)."""
OTHER = "shop"
"""A namespace beside the default one."""


def draw_wide(seed: int) -> Drawing:
    """Return the drawing of a seed with one to three workloads and with everything that may be asked of them."""
    return _WideHand(Random(seed)).wide()  # noqa: S311 - nothing is kept secret


class _WideHand(Hand):
    """Draws what the plain hand draws, and more."""

    def __init__(self, chance: Random) -> None:
        super().__init__(chance)
        self.tight = self.maybe(0.4)
        self.ranked = self.maybe(0.25)
        self.named = self.maybe(0.25)
        self.spaced = self.maybe(0.1)

    def wide(self) -> Drawing:
        found = self.with_workloads(SOME[: self.chance.choice((1, 2, 2, 2, 3))])
        classes = [_priority_class(*one) for one in CLASSES] if self.ranked else []
        spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OTHER}}] if self.spaced else []
        names = [one["metadata"]["name"] for one in found.manifests if one["kind"] in MAKERS]
        policies = [self.policy(name) for name in names if self.maybe(0.08)]
        more = [self.second_service(name) for name in names if self.maybe(0.12)]
        options = {**found.options, "images": "byName" if self.named else "plain"}
        drawn = evolve(found, manifests=(*classes, *spaces, *found.manifests, *more, *policies), options=options)
        return self.moved(drawn) if self.spaced else drawn

    def moved(self, drawn: Drawing) -> Drawing:
        """Return a drawing with one of its workloads, and what is called like it, in another namespace."""
        name = self.chance.choice([one["metadata"]["name"] for one in drawn.manifests if one["kind"] in MAKERS])
        inside = {"namespace": OTHER}
        manifests = tuple(
            {**one, "metadata": {**one["metadata"], **inside}} if one["metadata"]["name"] == name else one
            for one in drawn.manifests
        )
        script = [_moved(step, name) for step in drawn.options["script"]]
        return evolve(drawn, manifests=manifests, options={**drawn.options, "script": script})

    # --- manifests --------------------------------------------------------------------------------------------------

    def node(self, number: int) -> Manifest:
        found = super().node(number)
        if not self.tight:
            found["status"]["capacity"]["cpu"] = LARGE
        elif self.maybe(0.2):
            found["status"]["capacity"]["pods"] = self.chance.choice("12")
        if self.maybe(0.1):
            found["spec"]["taints"] = [{"key": "busy", "effect": "PreferNoSchedule"}]
        if self.maybe(0.15):
            found["status"]["capacity"]["example.com/gpu"] = "1"
        return found

    def workload(self, name: str) -> Manifest:
        found = self.job(name) if self.maybe(0.2) else super().workload(name)
        spec = found["spec"]
        labels = found["metadata"]["labels"] if found["kind"] == "Pod" else spec["template"]["metadata"]["labels"]
        if self.maybe(0.4):
            labels[TIER] = self.chance.choice(TIERS)
        match found["kind"]:
            case "Deployment":
                spec |= self.few({"minReadySeconds": 5}, {"paused": True}, {"revisionHistoryLimit": 0})
            case "StatefulSet":
                partition = {"updateStrategy": {"rollingUpdate": {"partition": 1}}}
                spec |= self.few({"minReadySeconds": 5}, {"ordinals": {"start": 1}}, partition, ON_DELETE)
            case "DaemonSet":
                spec |= self.few({"minReadySeconds": 5}, ON_DELETE)
        return found

    def few(self, *fields: Manifest) -> Manifest:
        """Return one of these fields now and then, else none."""
        return self.chance.choice(fields) if self.maybe(0.3) else {}

    def job(self, name: str) -> Manifest:
        pod = self.pod(name)
        pod["restartPolicy"] = self.chance.choice(("Never", "Never", "OnFailure"))
        if self.named:
            pod["containers"][0]["image"] = f"{self.chance.choice(ENDS)}:1"
        spec: Manifest = {"template": {"metadata": {"labels": {"app": name}}, "spec": pod}}
        spec["backoffLimit"] = self.chance.choice((0, 0, 1))
        indexed = {"completions": 1, "completionMode": "Indexed"}
        late = {"activeDeadlineSeconds": 30}
        spec |= self.few(
            {"completions": 2}, {"parallelism": 0}, {"suspend": True}, late, indexed, {"podReplacementPolicy": "Failed"}
        )
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}

    def pod(self, name: str) -> Manifest:
        spec = super().pod(name)
        container = spec["containers"][0]
        if self.named and self.maybe(0.3):
            container["image"] = f"{self.chance.choice(ENDS)}:1"
        if self.maybe(0.15):
            container["readinessProbe"] = {"httpGet": {"port": 8080}}
        if self.maybe(0.1):
            requests = {"example.com/gpu": "1"}
            container["resources"] = {"requests": requests, "limits": requests}
        if self.maybe(0.1):
            spec["terminationGracePeriodSeconds"] = self.chance.choice((0, 1))
        if self.maybe(0.1):
            spec["initContainers"] = [self.init_container()]
        if self.maybe(0.05):
            spec["hostNetwork"] = True
        if self.maybe(0.1):
            spec["volumes"] = [{"name": "scratch", "emptyDir": {}}]
        if self.ranked and self.maybe(0.6):
            spec["priorityClassName"] = self.chance.choice(CLASSES)[0]
        return spec

    def init_container(self) -> Manifest:
        asked = {"requests": {"cpu": self.chance.choice(("500m", "1"))}}
        sidecar = {"restartPolicy": "Always"} if self.maybe(0.5) else {}
        return {"name": "first", "image": "first:1", "resources": asked, **sidecar}

    def where(self, name: str) -> Manifest:
        if self.maybe(0.4):
            return super().where(name)
        selector = self.selector(self.chance.choice(SOME[:2]))
        key = self.chance.choice((HOSTNAME, ZONE))
        term = {"labelSelector": selector, "topologyKey": key}
        if self.maybe(0.3):
            term["namespaceSelector"] = {}
        spread = {"maxSkew": 1, "topologyKey": key, "labelSelector": selector, "whenUnsatisfiable": "ScheduleAnyway"}
        strict = {**spread, "whenUnsatisfiable": "DoNotSchedule"}
        strict |= self.chance.choice(SPREADS)
        kind = self.chance.choice(("podAffinity", "podAntiAffinity"))
        wish = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 50, "podAffinityTerm": term}]}
        asks = {"key": ZONE, "operator": self.chance.choice(("Exists", "DoesNotExist"))}
        nodes = {"nodeSelectorTerms": [{"matchExpressions": [asks]}]}
        return self.chance.choice(
            (
                {"affinity": {kind: {REQUIRED: [term]}}},
                {"affinity": {kind: wish}},
                {"topologySpreadConstraints": [spread]},
                {"topologySpreadConstraints": [strict]},
                {"affinity": {"nodeAffinity": {REQUIRED: nodes}}},
            )
        )

    def selector(self, name: str) -> Manifest:
        """Return a selector of one workload's Pods, of a tier's, or of all."""
        match self.chance.randrange(6):
            case 0 | 1:
                return {"matchLabels": {TIER: "front"}}
            case 2:
                return {"matchExpressions": [{"key": "app", "operator": "In", "values": [name, "api"]}]}
            case 3 if self.maybe(0.3):
                return {}
            case _:
                return {"matchLabels": {"app": name}}

    def service(self, workload: Manifest) -> Manifest:
        return self.fancy(super().service(workload))

    def second_service(self, name: str) -> Manifest:
        """Return a Service beside that of a workload, perhaps of a tier's Pods or of nobody's."""
        selector = self.chance.choice(({"app": name}, {TIER: "front"}, {TIER: "front"}, {"app": "nobody"}))
        found = {"selector": selector, "ports": [{"port": 81, "targetPort": self.chance.choice(("http", 8080, 9))}]}
        return self.fancy({"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"{name}-2"}, "spec": found})

    def fancy(self, service: Manifest) -> Manifest:
        spec = service["spec"]
        if spec.get("type") == "NodePort" and self.maybe(0.5):
            spec["ports"][0]["nodePort"] = NODE_PORTS[service["metadata"]["name"]]
        spec |= self.few({"sessionAffinity": "ClientIP"}, {"externalIPs": ["192.0.2.7"]},
                         {"publishNotReadyAddresses": True})  # fmt: skip
        if "type" not in spec and "internalTrafficPolicy" not in spec and self.maybe(0.15):
            spec["clusterIP"] = "None"
        return service

    def taking(self, service: Manifest) -> Manifest:
        """Return a Service that perhaps asks for the port of the nodes that another has."""
        port = service["spec"]["ports"][0]
        if "nodePort" in port and self.maybe(0.5):
            port["nodePort"] = self.chance.choice(tuple(NODE_PORTS.values()))
        return service

    def budget(self, workload: Manifest) -> Manifest:
        found = super().budget(workload)
        if self.maybe(0.3):
            found["spec"]["selector"] = self.selector(workload["metadata"]["name"])
        found["spec"] |= self.few({"unhealthyPodEvictionPolicy": "AlwaysAllow"})
        return found

    def policy(self, name: str) -> Manifest:
        peer = self.chance.choice(({"podSelector": {}}, {"podSelector": {"matchLabels": {TIER: "front"}}}))
        spec = {"podSelector": {"matchLabels": {"app": name}}, "ingress": [{"from": [peer]}]}
        meta = {"name": f"{name}-in"}
        return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}

    # --- steps ------------------------------------------------------------------------------------------------------

    def step(self, nodes: list[Manifest], workloads: list[Manifest], services: list[Manifest]) -> Manifest:
        if self.maybe(0.5):
            found = super().step(nodes, workloads, services)
            if "drain" in found:
                flags = ("force", "ignoreDaemonsets", "deleteEmptydirData")
                found["drain"] |= {flag: True for flag in flags if self.maybe(0.5)}
            return found
        node = self.chance.choice(nodes)
        one = self.chance.choice(workloads)
        kind, name, at = one["kind"], one["metadata"]["name"], node["metadata"]["name"]
        added = {**node, "metadata": {"name": "node-9", "labels": {HOSTNAME: "node-9", ZONE: "a"}}}
        steps: list[Manifest] = [
            {"uncordon": {"node": at}},
            {"untaint": {"node": at, "key": "dedicated"}},
            {"labelNode": {"node": at, "labels": {ZONE: self.chance.choice("ab")}, "overwrite": True}},
            {"addNode": {"node": added}},
            {"deleteNode": {"node": at}},
            {"deleteObject": {"kind": kind, "name": name, "cascade": self.chance.choice(("orphan", "foreground"))}},
            {"apply": {"object": self.budget(one)}},
            {"apply": {"object": self.taking(self.service(one))}},
        ]
        if kind == "Deployment":
            steps += [{verb: {"kind": kind, "name": name}} for verb in ("rolloutPause", "rolloutResume")]
        if kind != "Pod":
            steps.append({"deletePod": {"workload": f"{kind}/{name}", "onNode": at}})
        if services:
            gone = self.chance.choice(services)["metadata"]["name"]
            steps.append({"deleteObject": {"kind": "Service", "name": gone}})
        return self.chance.choice(steps)


MAKERS = frozenset({"DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "StatefulSet"})
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
SPREADS: tuple[Manifest, ...] = (
    {},
    {"minDomains": 2},
    {"nodeTaintsPolicy": "Honor"},
    {"nodeAffinityPolicy": "Ignore"},
    {"matchLabelKeys": [TEMPLATE_HASH]},
)
"""What a spread constraint that must be kept may say besides."""
ON_DELETE: Manifest = {"updateStrategy": {"type": "OnDelete"}}


def _priority_class(name: str, value: int, policy: str) -> Manifest:
    meta = {"metadata": {"name": name}, "value": value, "preemptionPolicy": policy}
    return {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", **meta}


def _moved(step: Manifest, name: str) -> Manifest:
    """Return a step in the other namespace if it is about what is called so."""
    ((verb, given),) = step.items()
    if verb == "apply":
        meta: dict[str, Any] = given["object"]["metadata"]
        there = {**given["object"], "metadata": {**meta, "namespace": OTHER}}
        return {verb: {"object": there}} if meta["name"] == name else step
    if name in {given.get("name"), given.get("workload", "").partition("/")[2]}:
        return {verb: {**given, "namespace": OTHER}}
    return step
