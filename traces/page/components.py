"""The components that a page draws: what each is called, what it does, where its code is.

What it does is the first sentence of its code's docstring, so that it is said once; which controllers there are is told
by their folder.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[2]
KUBECTL, API_SERVER, ETCD, SCHEDULER = "kubectl", "kube-apiserver", "etcd", "scheduler"
KUBELET, PROXY = "kubelet", "kube-proxy"
CONTROLLERS = "impl/controllers"
PURE = ", as a pure function"
SHARED = frozenset({"common", "history"})
"""What is in the folder of the controllers and is none."""

CODE = {
    KUBECTL: "impl/kubectl",
    API_SERVER: "impl/apiserver",
    ETCD: "impl/etcd",
    SCHEDULER: "impl/scheduler",
    KUBELET: "impl/kubelet",
    PROXY: "impl/kubeproxy",
    "daemon-set-controller": f"{CONTROLLERS}/daemonset",
    "deployment-controller": f"{CONTROLLERS}/deployment",
    "replicaset-controller": f"{CONTROLLERS}/replicaset",
    "service-account-controller": f"{CONTROLLERS}/serviceaccount.py",
    "statefulset-controller": f"{CONTROLLERS}/statefulset",
    "job-controller": f"{CONTROLLERS}/job",
    "cronjob-controller": f"{CONTROLLERS}/cronjob",
    "endpointslice-controller": f"{CONTROLLERS}/endpointslice",
    "persistentvolume-controller": f"{CONTROLLERS}/volume",
    "disruption-controller": f"{CONTROLLERS}/disruption.py",
    "generic-garbage-collector": f"{CONTROLLERS}/garbage.py",
    "horizontal-pod-autoscaler": f"{CONTROLLERS}/horizontal",
    "resourcequota-controller": f"{CONTROLLERS}/resourcequota.py",
    "namespace-controller": f"{CONTROLLERS}/namespace.py",
    "node-controller": f"{CONTROLLERS}/nodelifecycle.py",
    "pod-garbage-collector": f"{CONTROLLERS}/podgc.py",
    "taint-eviction-controller": f"{CONTROLLERS}/tainteviction.py",
    "ttl-after-finished-controller": f"{CONTROLLERS}/ttlafterfinished.py",
}
"""By the name under which a component acts in a trace."""

OF_KIND = {
    "DaemonSet": "daemon-set-controller",
    "Deployment": "deployment-controller",
    "ReplicaSet": "replicaset-controller",
    "ReplicationController": "replication-controller",
    "StatefulSet": "statefulset-controller",
    "Job": "job-controller",
    "CronJob": "cronjob-controller",
    "PersistentVolumeClaim": "persistentvolume-controller",
    "EndpointSlice": "endpointslice-controller",
    "PodDisruptionBudget": "disruption-controller",
}
"""Which controller a kind of object calls for."""


@frozen
class Component:
    """One component: its title and what it does, in the words of its own code, and where that is."""

    title: str
    does: str
    code: str


@cache
def component(code: str) -> Component:
    """Return the component whose code lies at a path of the repository."""
    path = ROOT / code
    source = path / "__init__.py" if path.is_dir() else path
    said = (ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "").splitlines()[0]
    title, _, does = said.partition(": ")
    name = title.removeprefix("The ")
    return Component(name[:1].upper() + name[1:] if " " in name else name, does.partition(PURE)[0].rstrip("."), code)


def controllers() -> Iterator[Component]:
    """Yield every controller there is, by the name of its code."""
    for path in sorted((ROOT / CONTROLLERS).iterdir()):
        if path.stem.startswith("_") or path.stem in SHARED or not (path.is_dir() or path.suffix == ".py"):
            continue
        yield component(path.relative_to(ROOT).as_posix())
