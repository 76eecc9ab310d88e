"""Small worlds that mutants are planted in: each is checked within a second or two, and each is about one thing."""

from __future__ import annotations

from typing import Any

import yaml
from attrs import field, frozen

from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from places import EXAMPLES

HOOK = "lifecycle: {preStop: {sleep: {seconds: 10}}}, "
HOST = "kubernetes.io/hostname"
APART = (
    "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
    f"[{{topologyKey: {HOST}, labelSelector: {{matchLabels: {{app: web}}}}}}]}}}}, "
)
STAYS = "tolerations: [{operator: Exists, effect: NoExecute}], "
IGNORES = "podFailurePolicy: {rules: [{action: Ignore, onPodConditions: [{type: DisruptionTarget, status: 'True'}]}]}, "
CUT_OFF: dict[str, Any] = {"faults": {"partition": 1}, "waitBetweenSteps": False}
SPREAD = (
    f"topologySpreadConstraints: [{{maxSkew: 1, topologyKey: {HOST}, whenUnsatisfiable: DoNotSchedule, "
    "labelSelector: {matchLabels: {app: web}}}], "
)


@frozen
class World:
    """The manifests of a world, and what scenario.yaml would say of it."""

    manifests: str
    options: dict[str, Any] = field(factory=dict)


def scenario(name: str) -> Scenario:
    """Read a world."""
    world = WORLDS[name]
    usual = {"nodes": 1, "start": "settled", "consistency": "linearizable", "waitBetweenSteps": True}
    options = {key: value for key, value in (usual | world.options).items() if value is not None}
    return load_scenario(name, {"all.yaml": world.manifests}, options).scenario


# --- what they are made of --------------------------------------------------------------------------------------------


def deployment(
    name: str = "web", *, replicas: int = 1, spec: str = "", pod: str = "", box: str = "", **meta: str
) -> str:
    """Spell a Deployment."""
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}{meta.get("own", "")}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  {spec}
  template:
    metadata: {{labels: {{app: {name}{meta.get("labels", "")}}}}}
    spec: {{{pod}containers: [{{{box}name: app, image: "{meta.get("image", "web:1")}", {ports(meta)}}}]}}
---
"""


def ports(meta: dict[str, str]) -> str:
    return f"ports: [{meta.get('ports', '{containerPort: 80}')}]"


def statefulset(name: str = "db", *, replicas: int = 2, spec: str = "", box: str = "") -> str:
    """Spell a StatefulSet."""
    return f"""
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  serviceName: {name}
  selector: {{matchLabels: {{app: {name}}}}}
  {spec}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{{box}name: app, image: "db:1", ports: [{{containerPort: 80}}]}}]}}
---
"""


def scheduled(box: str = "") -> str:
    """Spell a CronJob."""
    pod = f"{{restartPolicy: Never, containers: [{{{box}name: app, image: 'app:1'}}]}}"
    spec = f'{{schedule: "0 * * * *", jobTemplate: {{spec: {{template: {{spec: {pod}}}}}}}}}'
    return f"apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: c}}\nspec: {spec}\n---\n"


def claimed(name: str) -> str:
    """Spell a Job that takes a node for itself, and whose Pod uses the claim `data`."""
    pod = f"restartPolicy: Never, containers: [{{{asks('1')}name: app, image: 'app:1'}}], "
    volume = "volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]"
    spec = f"{{template: {{spec: {{{pod}{volume}}}}}}}"
    return f"apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n"


CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {storageClassName: disks, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
"""


def daemonset(*, spec: str = "", pod: str = "", box: str = "") -> str:
    """Spell a DaemonSet."""
    return f"""
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: agent}}
spec:
  selector: {{matchLabels: {{app: agent}}}}
  {spec}
  template:
    metadata: {{labels: {{app: agent}}}}
    spec: {{{pod}containers: [{{{box}name: app, image: "agent:1", ports: [{{containerPort: 80}}]}}]}}
---
"""


def job(spec: str = "", *, restarts: str = "Never", image: str = "work:1", name: str = "j", box: str = "") -> str:
    """Spell a Job."""
    return f"""
apiVersion: batch/v1
kind: Job
metadata: {{name: {name}}}
spec: {{{spec}template: {{spec: {{restartPolicy: {restarts}, containers: [{{{box}name: app, image: "{image}"}}]}}}}}}
---
"""


def service(name: str = "web", *, port: str = "{port: 80}", spec: str = "", **more: str) -> str:
    """Spell a Service."""
    selector = more.get("selector", f"app: {name}")
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{{selector}}}, ports: [{port}]{spec}}}
---
"""


def budget(spec: str, name: str = "web") -> str:
    """Spell a PodDisruptionBudget."""
    return f"""
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: {name}}}
spec: {{{spec}, selector: {{matchLabels: {{app: web}}}}}}
---
"""


def pod(name: str, spec: str = "", labels: str = "", box: str = "", own: str = "") -> str:
    """Spell a Pod by itself."""
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{{labels}}}{own}}}
spec: {{{spec}containers: [{{{box}name: app, image: "web:1", ports: [{{containerPort: 80}}]}}]}}
---
"""


def node(name: str, *, spec: str = "", cpu: str = "2", conditions: str = "", labels: str = "") -> str:
    """Spell a node."""
    return f"""
apiVersion: v1
kind: Node
metadata: {{name: {name}, labels: {{{HOST}: {name}{labels}}}}}
spec: {{{spec}}}
status: {{allocatable: {{cpu: "{cpu}", memory: 4Gi, pods: 10}}, conditions: [{conditions}]}}
---
"""


def asks(cpu: str) -> str:
    """Let a container ask for CPU."""
    return f"resources: {{requests: {{cpu: {cpu}}}}}, "


def applied(text: str) -> dict[str, Any]:
    """Return the step that applies a manifest."""
    return {"apply": {"object": yaml.safe_load(text.strip().removesuffix("---"))}}


def image(name: str = "web", to: str = "web:2", kind: str = "Deployment") -> dict[str, Any]:
    return {"setImage": {"kind": kind, "name": name, "image": to}}


def scale(replicas: int, name: str = "web", kind: str = "Deployment") -> dict[str, Any]:
    return {"scale": {"kind": kind, "name": name, "replicas": replicas}}


def drain(on: str = "node-1", **flags: bool) -> dict[str, Any]:
    return {"drain": {"node": on, **flags}}


def delete(name: str, kind: str = "Deployment") -> dict[str, Any]:
    return {"deleteObject": {"kind": kind, "name": name}}


DELETE_POD = {"deletePod": {"workload": "Deployment/web"}}
TWO = {"nodes": None}
"""The nodes are among the manifests."""
NODES = node("a") + node("b")
IN_PLACE = "strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}"
SURGE = "strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}"
LOCAL = ", internalTrafficPolicy: Local"
OUTER = ", type: NodePort, externalTrafficPolicy: Local"
GPU = "{key: gpu, operator: Exists, effect: NoExecute%s}"
TAINTED = "taints: [{key: gpu, effect: %s}]"
CLASSES = """
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: high}
value: 100
---
"""
HIGH = "priorityClassName: high, "
HALF = ", resources: {requests: {cpu: 1500m}}"
NAMESPACE = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
"""


def wish(*script: Any, **options: Any) -> dict[str, Any]:
    return {"script": list(script), "bounds": {"propagation": "5s", "pods": 6}, **options}


SMALL_FIRST = "\n---\n".join(
    (EXAMPLES / "room-for-one" / name).read_text() for name in ("nodes.yaml", "deployments.yaml")
)
ONE_AFTER_THE_OTHER: dict[str, Any] = {
    "nodes": None,
    "script": [
        {"apply": {"object": yaml.safe_load((EXAMPLES / "room-for-one" / "next" / name).read_text())}}
        for name in ("small.yaml", "needs-little.yaml")
    ],
}


def outlasted(seconds: int, **options: Any) -> World:
    """Return a world in which a Pod evicted after so many seconds takes a budget's Pod, if another has not ended."""
    box, tolerates = asks("1500m"), GPU % f", tolerationSeconds: {seconds}"
    first = pod("batch", HIGH + "nodeName: a, ", box=box)
    kept = deployment("store", pod=HIGH + f"tolerations: [{tolerates}], ", box=box)
    return World(
        CLASSES
        + NODES
        + node("c")
        + first
        + pod("web", "nodeName: c, ", "app: web", box)
        + kept
        + budget("minAvailable: 1"),
        wish(
            {"cordon": {"node": "b"}},
            {"deletePod": {"name": "batch"}},
            {"taint": {"node": "b", "key": "gpu", "effect": "NoExecute"}},
            bounds={"pods": 5},
            waitBetweenSteps=False,
            **TWO,
            **options,
        ),
    )


WORLDS = {
    # --- convergence
    "a rollout": World(deployment(spec=SURGE, box=HOOK) + service(), wish(image())),
    "a rollout seen late": World(deployment(spec=SURGE, box=HOOK) + service(), wish(image(), consistency="session")),
    "a scale up on a full node": World(node("a", cpu="1") + deployment(box=asks("1")), wish(scale(2), **TWO)),
    "a scale up with room": World(node("a", cpu="2") + deployment(box=asks("1")), wish(scale(2), **TWO)),
    "a StatefulSet scaled up": World(statefulset(), wish(scale(3, "db", "StatefulSet"))),
    "a StatefulSet rolled out": World(statefulset(), wish(image("db", "db:2", "StatefulSet"))),
    "a StatefulSet that a bad Pod stops": World(
        statefulset(box=HOOK, spec="podManagementPolicy: Parallel") + service("db"),
        wish(image("db", "bad:1", "StatefulSet"), images="byName"),
    ),
    "a bad image of a StatefulSet taken back": World(
        statefulset(),
        wish(image("db", "bad:1", "StatefulSet"), image("db", "db:1", "StatefulSet"), images="byName"),
    ),
    "a DaemonSet rolled out": World(daemonset(), wish(image("agent", "agent:2", "DaemonSet"), nodes=2)),
    "a DaemonSet rolled out with surge": World(
        daemonset(box=HOOK, spec=f"updateStrategy: {SURGE.partition(': ')[2]}") + service("agent"),
        wish(image("agent", "agent:2", "DaemonSet")),
    ),
    "a DaemonSet whose node loses its label": World(
        node("a", labels=", pool: x") + daemonset(pod="nodeSelector: {pool: x}, "),
        wish({"labelNode": {"node": "a", "labels": {"pool": None}}}, **TWO),
    ),
    "a DaemonSet whose node is tainted": World(
        NODES + daemonset(), wish({"taint": {"node": "a", "key": "t", "effect": "NoSchedule"}}, **TWO)
    ),
    "a DaemonSet on a node that dies": World(daemonset(), wish(nodes=2, faults={"nodeCrash": 1})),
    "a Job": World(job(), wish(start="empty")),
    "a Job of two": World(job("completions: 2, parallelism: 2, "), wish(start="empty", faults={"crash": 1})),
    "an Indexed Job": World(job("completions: 2, completionMode: Indexed, "), wish(start="empty")),
    "a CronJob without room": World(scheduled("resources: {requests: {cpu: 9}}, "), wish(start="empty")),
    "a volume of a Job and the next": World(
        node("a", cpu="1") + node("b", cpu="1") + CLAIM + claimed("first") + claimed("second"),
        wish(start="empty", nodes=None),
    ),
    "a Job whose program fails": World(
        job("backoffLimit: 1, ", image="crash:1"), wish(start="empty", images="byName")
    ),
    "a Job that bears one crash": World(
        job("backoffLimit: 1, "), wish(start="empty", faults={"containerCrash": 1})
    ),
    "a Job that is suspended": World(job("suspend: true, "), wish(start="empty")),
    "a Job deleted while it runs": World(
        job(), wish(delete("j", "Job"), start="empty", waitBetweenSteps=False)
    ),
    "a Job whose Pod is evicted": World(
        NODES + job("backoffLimit: 0, " + IGNORES), wish(drain("a"), start="empty", waitBetweenSteps=False, **TWO)
    ),
    "Jobs one after the other": World(
        node("a", cpu="1") + job(box=asks("1")) + job(name="k", box=asks("1")), wish(start="empty", nodes=None)
    ),
    "a Job that does not see what it wrote": World(
        job(), wish(start="empty", consistency="session", switches={"jobs": "before-1.36"})
    ),
    "a deployment deleted": World(deployment(replicas=2), wish(delete("web"))),
    "a deployment deleted seen late": World(
        deployment(), wish(delete("web"), consistency="session", waitBetweenSteps=False, bounds={})
    ),
    "a finalizer": World(deployment(own=", finalizers: [example.com/keep]"), wish(delete("web"))),
    "a pod with a finalizer": World(
        pod("one", own=", finalizers: [example.com/keep]"), wish({"deletePod": {"name": "one"}})
    ),
    "a namespace deleted": World(
        NAMESPACE + deployment(own=", namespace: shop"), wish(delete("shop", "Namespace"), bounds={"pods": 3})
    ),
    "an owner that is deleted": World(
        deployment()
        + pod("one", own=", ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, "
        "uid: Deployment/default/web}]"),
        wish(delete("web")),
    ),
    "an undo without history": World(deployment(), wish({"rolloutUndo": {"kind": "Deployment", "name": "web"}})),
    "a paused rollout": World(deployment(spec="paused: true"), wish(start="empty")),
    # --- drains and budgets
    "a drain that a budget forbids": World(
        NODES + deployment(replicas=2, pod=APART) + budget("minAvailable: 2"), wish(drain("a"), **TWO)
    ),
    "a drain with a budget": World(
        NODES + deployment(replicas=2) + budget("minAvailable: 1"), wish(drain("a"), **TWO)
    ),
    "a drain of a bare pod": World(NODES + pod("one", "nodeName: a, "), wish(drain("a"), **TWO)),
    "a forced drain of a bare pod": World(NODES + pod("one", "nodeName: a, "), wish(drain("a", force=True), **TWO)),
    "a drain of a pod with an emptyDir": World(
        NODES + deployment(pod="volumes: [{name: tmp, emptyDir: {}}], "), wish(drain("a"), **TWO)
    ),
    "a drain of a pod with an emptyDir that may go": World(
        NODES + deployment(pod="volumes: [{name: tmp, emptyDir: {}}], "),
        wish(drain("a", deleteEmptydirData=True), **TWO),
    ),
    "a preemption of what a budget asks for": World(
        CLASSES + node("a") + deployment(box=asks("1500m")) + budget("minAvailable: 1")
        + deployment("late", replicas=0, pod=HIGH, box=asks("1500m")),
        wish(scale(1, "late"), **TWO),
    ),
    "a preemption": World(
        CLASSES
        + node("a")
        + pod("low", box=asks("1500m"))
        + deployment("late", replicas=0, pod=HIGH, box=asks("1500m")),
        wish(scale(1, "late"), deadline={"running": "120s"}, **TWO),
    ),
    "a preemption of what a share asks for": World(
        CLASSES + node("a") + deployment(box=asks("1500m")) + budget("minAvailable: 51%")
        + deployment("late", replicas=0, pod=HIGH, box=asks("1500m")),
        wish(scale(1, "late"), **TWO),
    ),
    "a preemption of what may not be unavailable": World(
        CLASSES + node("a") + deployment(box=asks("1500m")) + budget("maxUnavailable: 0")
        + deployment("late", replicas=0, pod=HIGH, box=asks("1500m")),
        wish(scale(1, "late"), **TWO),
    ),
    "a preemption after a toleration longer than an end": outlasted(300),
    "a preemption after a toleration shorter than an end": outlasted(60),
    "a Pod thrown out again and again": World(
        CLASSES
        + NODES
        + pod("batch", "nodeName: a, ", box=asks("1500m"))
        + deployment("store", pod=f"tolerations: [{GPU % ', tolerationSeconds: 300'}], ", box=asks("1500m")),
        wish(
            {"deletePod": {"name": "batch"}},
            {"cordon": {"node": "a"}},
            {"taint": {"node": "b", "key": "gpu", "effect": "NoExecute"}},
            bounds={"pods": 4},
            waitBetweenSteps=False,
            **TWO,
        ),
    ),
    "an end with a kubelet that may restart": outlasted(300, faults={"crash": 1}),
    "a drain nobody waits for": World(
        NODES + deployment(replicas=2, pod=APART) + budget("minAvailable: 2"),
        wish(drain("a"), waitBetweenSteps=False, **TWO),
    ),
    "a full node of equals": World(
        CLASSES + node("a") + pod("first", HIGH, box=asks("1500m")) + pod("low")
        + deployment("late", replicas=0, pod=HIGH, box=asks("1500m")),
        wish(scale(1, "late"), **TWO),
    ),
    "a pod that never preempts": World(
        CLASSES + CLASSES.replace("high", "meek").replace("value: 100", "value: 100\npreemptionPolicy: Never")
        + node("a") + pod("low", box=asks("1500m"))
        + deployment("late", replicas=0, pod="priorityClassName: meek, ", box=asks("1500m"))
        + deployment("other", pod=HIGH),
        wish(scale(1, "late"), **TWO),
    ),
    # --- placement
    "pods that keep apart, one too many": World(NODES + deployment(replicas=2, pod=APART), wish(scale(3), **TWO)),
    "a tainted node alone": World(node("b", spec=TAINTED % "NoSchedule") + deployment(), wish(start="empty", **TWO)),
    "a node selector": World(
        node("a") + node("b", labels=", disk: ssd") + deployment(pod="nodeSelector: {disk: ssd}, "),
        wish(start="empty", **TWO),
    ),
    "a scheduling gate": World(pod("one", "schedulingGates: [{name: example.com/wait}], "), wish(start="empty")),
    "a cordon seen late": World(
        NODES + deployment(),
        wish(scale(2), {"cordon": {"node": "a"}}, consistency="session", waitBetweenSteps=False, **TWO),
    ),
    "a bare pod that never gets ready": World(
        pod("one").replace("web:1", "bad:1"), wish(start="empty", images="byName")
    ),
    "a drain of the other node": World(
        node("a") + node("b", labels=", disk: ssd") + deployment(), wish({"cordon": {"node": "a"}}, drain("b"), **TWO)
    ),
    # --- taints and nodes
    "a node uncordoned": World(
        node("a", spec="unschedulable: true") + deployment(), wish({"uncordon": {"node": "a"}}, **TWO)
    ),
    "a NoExecute taint that is tolerated for a while": World(
        node("a", spec=TAINTED % "NoExecute")
        + pod("one", f"nodeName: a, tolerations: [{GPU % ', tolerationSeconds: 60'}], "),
        wish(start="empty", **TWO),
    ),
    "a node that dies": World(deployment(pod=APART), wish(nodes=2, faults={"nodeCrash": 1})),
    "a node that is deleted": World(NODES + deployment(), wish({"deleteNode": {"node": "a"}}, **TWO)),
    "a service with an absent owner": World(
        service().replace("{name: web}", "{name: web, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, "
        "name: gone, uid: gone}]}") + deployment(),
        wish(start="empty"),
    ),
    "a namespace deleted with a service": World(
        NAMESPACE
        + deployment(own=", namespace: shop")
        + service().replace("{name: web}", "{name: web, namespace: shop}"),
        wish(delete("shop", "Namespace"), bounds={"pods": 3}),
    ),
    # --- reachability at rest
    "UDP where the container declares TCP": World(deployment() + service(port="{port: 80, protocol: UDP}")),
    "a selector that nobody bears": World(deployment() + service(selector="app: wbe")),
    "pods that never get ready": World(deployment(image="bad:1") + service(), wish(start="empty", images="byName")),
    "a workload of nobody behind a service": World(deployment(replicas=0) + service()),
    "a Service without a selector": World(
        deployment() + "apiVersion: v1\nkind: Service\nmetadata: {name: free}\nspec: {ports: [{port: 80}]}\n---\n"
    ),
    "a headless service of a port that no container is called": World(
        deployment() + service(port="{port: 443, targetPort: https}", spec=", clusterIP: None")
    ),
    "a Pod on each node that is asked": World(
        deployment(replicas=2, pod=APART) + service(spec=LOCAL), wish(nodes=2)
    ),
    "a service that selects by a template's hash": World(
        pod("one", labels="pod-template-hash: abc") + service(selector="pod-template-hash: abc")
    ),
    "a bare pod that should serve": World(
        pod("one", "nodeSelector: {disk: ssd}, ", "app: web") + service(), wish(start="empty")
    ),
    "clients on a node without endpoints": World(
        deployment(pod="nodeName: node-1, ") + deployment("client", pod="nodeName: node-2, ") + service(spec=LOCAL),
        wish(nodes=2),
    ),
    # --- reachability in motion
    "the only pod is deleted": World(deployment(box=HOOK) + service(), wish(DELETE_POD)),
    "one of two pods is deleted": World(deployment(replicas=2, box=HOOK) + service(), wish(DELETE_POD)),
    "one of two pods is deleted without a hook": World(deployment(replicas=2) + service(), wish(DELETE_POD)),
    "a service that a step changes": World(
        deployment(box=HOOK) + service(), wish(applied(service(spec=", sessionAffinity: ClientIP")))
    ),
    "a renamed port": World(
        deployment(ports="{name: http, containerPort: 80}", box=HOOK) + service(port="{port: 80, targetPort: http}"),
        wish(applied(deployment(ports="{name: web, containerPort: 80}", box=HOOK, image="web:2"))),
    ),
    "a node port replaced in place": World(
        deployment(replicas=2, spec=IN_PLACE, pod=APART, box=HOOK) + service(spec=OUTER), wish(image(), nodes=2)
    ),
    "a node's own replaced in place": World(
        deployment(replicas=2, spec=IN_PLACE, pod=APART, box=HOOK) + service(spec=LOCAL), wish(image(), nodes=2)
    ),
    "a balanced port replaced in place": World(
        deployment(replicas=2, spec=IN_PLACE, pod=APART, box=HOOK)
        + service(spec=", type: LoadBalancer, externalTrafficPolicy: Local"),
        wish(image(), nodes=2),
    ),
    "a service that a step applies": World(deployment(), wish(applied(service()), image())),
    "two services, the second without hooks": World(
        deployment("a", box=HOOK) + service("a") + deployment("b") + service("b"), wish(image("a"), image("b"))
    ),
    "two services, the first without hooks": World(
        deployment("a") + service("a") + deployment("b", box=HOOK) + service("b"), wish(image("a"), image("b"))
    ),
    "a bare pod beside a deployment": World(
        deployment(box=HOOK) + service(),
        wish(applied(pod("extra", labels="app: web")), {"deletePod": {"name": "extra"}}),
    ),
    "a hook as long as the propagation": World(
        deployment(spec=SURGE, box=HOOK) + service(), wish(image(), bounds={"propagation": "10s"})
    ),
    "a hook shorter than the propagation": World(
        deployment(spec=SURGE, box=HOOK) + service(), wish(image(), bounds={"propagation": "11s"})
    ),
    "no propagation bound": World(deployment(spec=SURGE, box=HOOK) + service(), wish(image(), bounds={"pods": 4})),
    "no propagation bound and no hook": World(deployment(spec=SURGE) + service(), wish(image(), bounds={"pods": 4})),
    "a container that crashes": World(
        deployment(replicas=2, box=HOOK) + service(), wish(faults={"containerCrash": 1})
    ),
    "a scale up behind a service": World(deployment() + service(), wish(scale(2))),
    "hooks of two lengths, no bound": World(
        deployment("a", box=HOOK) + service("a") + deployment("b", box=HOOK.replace("10", "5")) + service("b"),
        wish(image("a"), image("b"), bounds={"pods": 4}),
    ),
    "a hook that a step takes away": World(
        deployment(box=HOOK, spec=SURGE) + service(), wish(applied(deployment(spec=SURGE)), image())
    ),
    "a Service turned to green, in peace": World(
        deployment() + deployment("green", box=HOOK) + service(),
        wish(applied(service(selector="app: green")), scale(0)),
    ),
    "a node port that becomes Local": World(
        deployment(box=HOOK) + service(spec=", type: NodePort"), wish(applied(service(spec=OUTER)), nodes=2)
    ),
    # --- faults
    "a node that reboots": World(deployment(), wish(faults={"nodeReboot": 1})),
    "a scale down while a node is cut off": World(
        deployment(replicas=3, pod=APART + STAYS, box=HOOK) + service(), wish(scale(2), **CUT_OFF, nodes=3)
    ),
    # --- input
    "a nodeSelector applied away": World(
        deployment(pod="nodeSelector: {disk: ssd}, "),
        wish(applied(deployment())),
    ),
    "a quota": World(
        deployment()
        + "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\nspec: {hard: {count/configmaps: 1}}\n---\n",
        wish(scale(2)),
    ),
    "a job that another controller runs": World(
        deployment()
        + "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {managedBy: example.com/me, suspend: true, "
        "template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'c:1'}]}}}\n---\n",
        wish(scale(2)),
    ),
    "a service of another workload": World(
        deployment()
        + service("db")
        + "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: db}\nspec: {selector: "
        "{app: db}, template: {metadata: {labels: {app: db}}, spec: {containers: "
        "[{name: db, image: 'db:1'}]}}}\n---\n",
        wish(scale(2)),
    ),
    "a service of an operator": World(
        deployment()
        + service("db")
        + "apiVersion: example.com/v1\nkind: Database\nmetadata: {name: db}\nspec: {instances: 3}\n---\n",
        wish(scale(2)),
    ),
    "a volume that nothing binds": World(
        deployment(pod="volumes: [{name: v, persistentVolumeClaim: {claimName: data}}], ")
        + "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {storageClassName: '', "
        "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n---\n",
        wish(start="empty"),
    ),
    "a config map that is missing": World(
        deployment(box="envFrom: [{configMapRef: {name: nowhere}}], "), wish(start="empty", complete=True)
    ),
    "an account that is missing": World(
        deployment(pod="serviceAccountName: nobody, "), wish(start="empty", complete=True)
    ),
    "room that others may take": World(
        deployment(box=asks("1"))
        + service()
        + "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: db}\nspec: {selector: "
        "{app: db}, template: {metadata: {labels: {app: db}}, spec: {containers: "
        "[{name: db, image: 'db:1', resources: {requests: {cpu: 4}}}]}}}\n---\n",
        wish(scale(2)),
    ),
    "a scale beyond int32": World(deployment(), wish(scale(2147483648))),
    "a scale of what is not there": World(deployment(), wish(scale(2, "wbe"))),
    "a fault that is misspelt": World(deployment(), {"faults": {"nodeCrashes": 1}}),
    "a room that is too small": World(deployment(), wish(scale(2), bounds={"pods": 1})),
    "a step in another namespace": World(
        deployment(own=", namespace: shop"),
        wish({"scale": {"kind": "Deployment", "name": "web", "replicas": 2, "namespace": "shop"}}),
    ),
    # --- releases
    "a small Pod before one that needs the little node": World(SMALL_FIRST, ONE_AFTER_THE_OTHER),
    "the same up to 1.35": World(SMALL_FIRST, ONE_AFTER_THE_OTHER | {"release": "1.35"}),
    "the same with the scores of 1.35": World(
        SMALL_FIRST, ONE_AFTER_THE_OTHER | {"switches": {"balanceScore": "before-1.36"}}
    ),
}  # fmt: skip
