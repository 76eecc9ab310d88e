"""What is proved of every implementation beside its model: in a small world, no step that the model does not have.

Each proof goes every way through one world by the checker (`lockstep`). What is larger is tested by drawing
(tests/properties/refinement).
"""

from __future__ import annotations

from collections.abc import Callable

from immutabledict import immutabledict

from ..proof import Answer, Proof
from . import descheduler, eviction, leaderelection, nodes, quota, raft, servers, watch_cache
from .controllers import (
    autoscaler,
    controllers,
    cronjob_worlds,
    daemonset_worlds,
    job_worlds,
    serviceaccount,
    statefulset_worlds,
    ttlafterfinished,
    volume_worlds,
)

METHOD = "every way, by the checker"


def _proof(of: str, run: Callable[[], Answer]) -> Proof:
    """Return the proof that a function carries out, whose docstring says what it searches."""
    sizes = (run.__doc__ or "").removeprefix("Search ").rstrip(".")
    return Proof(f"Every step of {of} is one of its model.", sizes, METHOD, run)


PROOFS: immutabledict[str, Proof] = immutabledict(
    {
        "apiserver": _proof("the API server", servers.apiserver_proof),
        "autoscaler": _proof("the HorizontalPodAutoscaler controller", autoscaler.autoscaler_proof),
        "cronjob": _proof("the CronJob controller", cronjob_worlds.cronjob_proof),
        "daemonset": _proof("the DaemonSet controller", daemonset_worlds.daemonset_proof),
        "deployment": _proof("the Deployment controller", controllers.deployment_proof),
        "descheduler": _proof("the descheduler's taints and duplicates", descheduler.descheduler_proof),
        "disruption": _proof("the disruption controller", controllers.disruption_proof),
        "endpointslice": _proof("the EndpointSlice controller", controllers.endpointslice_proof),
        "etcd": _proof("etcd's store", servers.etcd_proof),
        "eviction": _proof("a kubelet whose node is short of memory", eviction.eviction_proof),
        "expectations": _proof("a ReplicaSet's expectations", nodes.expectations_proof),
        "job": _proof("the Job controller", job_worlds.job_proof),
        "kubectl": _proof("kubectl", servers.kubectl_proof),
        "kubelet": _proof("the kubelet", nodes.kubelet_proof),
        "kubeproxy": _proof("kube-proxy", nodes.kubeproxy_proof),
        "leaderelection": _proof("replicas that elect a leader", leaderelection.leaderelection_proof),
        "namespace": _proof("the namespace controller", controllers.namespace_proof),
        "nodelifecycle": _proof("the node lifecycle controller", controllers.nodelifecycle_proof),
        "podgc": _proof("the Pod garbage collector", controllers.podgc_proof),
        "quota": _proof("admission by quotas, and of their controller,", quota.quota_proof),
        "raft": _proof("etcd's members", raft.raft_proof),
        "replicaset": _proof("the ReplicaSet controller", controllers.replicaset_proof),
        "scheduler": _proof("the scheduler", nodes.scheduler_proof),
        "scheduling-queue": _proof("the scheduling queue", nodes.scheduling_queue_proof),
        "ttlafterfinished": _proof("the TTL-after-finished controller", ttlafterfinished.ttlafterfinished_proof),
        "volume": _proof("the volume controllers", volume_worlds.volume_proof),
        "serviceaccount": _proof("the service account controller", serviceaccount.serviceaccount_proof),
        "statefulset": _proof("the StatefulSet controller", statefulset_worlds.statefulset_proof),
        "watch-cache": _proof("API servers with watch caches, and of a reflector,", watch_cache.watch_cache_proof),
    }
)
