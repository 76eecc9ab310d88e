"""Every refinement proof goes through, and is refuted by a fault in what it is about: by a way that shows it."""

from __future__ import annotations

from functools import cache

import pytest

from kubeproof.properties.proof import Answer
from kubeproof.properties.refinement.lockstep import Step, searched
from kubeproof.properties.refinement.proofs import PROOFS
from planted import planted


@cache
def proved(name: str) -> Answer:
    return PROOFS[name].run()


@pytest.mark.parametrize("name", PROOFS)
def test_each_is_proved_of_more_than_nothing(name: str) -> None:
    answer = proved(name)
    assert answer.proved, answer.refuted
    assert answer.paths > 10


FAULTS = [
    (
        "apiserver",
        "apiserver.verbs.update",
        "request.base is not None and has_changed",
        "request.base is None and has_changed",
    ),
    ("cronjob", "controllers.cronjob.cronjob", "policy == FORBID and cron.status.active", "policy == FORBID and False"),
    ("cronjob", "controllers.cronjob.cronjob", "is not None and not found.finished", "is not None"),
    (
        "cronjob",
        "controllers.cronjob.schedule",
        "since = cron.metadata.creation_timestamp or 0 if last is None else last",
        "since = 0",
    ),
    ("daemonset", "controllers.daemonset.rolling", "unavailable += not self.available(new)", "pass"),
    (
        "daemonset",
        "controllers.daemonset.rolling",
        "unfit.append(old)\n                unavailable += 1",
        "unfit.append(old)",
    ),
    ("daemonset", "controllers.daemonset.nodes", 'keeps="NoExecute" not in against', "keeps=not against"),
    ("daemonset", "controllers.daemonset.daemonset", "elif not wanted.keeps:", "elif not wanted.runs:"),
    ("deployment", "controllers.deployment.arithmetic", "round_up=True) - total", "round_up=True) - total + 1"),
    ("deployment", "controllers.deployment.rolling", "if active(sets.old):", "if not sets:"),
    ("descheduler", "descheduler.duplicates", "share = -(-sum(", "share = (sum("),
    ("descheduler", "descheduler.evictor", '{"DaemonSet", "Node"}', '{"Node"}'),
    ("descheduler", "descheduler.evictor", " and not node.spec.unschedulable", ""),
    ("descheduler", "descheduler.descheduler", 'taint.effect == "NoSchedule"', 'taint.effect == "NoExecute"'),
    ("disruption", "controllers.disruption", "DELETION_TIMEOUT > now)", "DELETION_TIMEOUT < now)"),
    ("disruption", "controllers.disruption", "pod.ready\n        and not pod.metadata.terminating\n", "pod.ready\n"),
    ("endpointslice", "controllers.endpointslice.endpoints", "(serving and not terminating)", "serving"),
    ("endpointslice", "controllers.endpointslice.endpoints", "if pod.finished or not", "if not"),
    ("etcd", "etcd.watch", "store.revision + 1)), events", "store.revision + 2)), events"),
    ("etcd", "etcd.txn", "all(holds(store, compare) for compare in txn.compare)", "True"),
    ("expectations", "controllers.replicaset.expectations", "self.creations - 1", "0"),
    (
        "eviction",
        "kubelet.eviction",
        "return beyond <= 0, pod.spec.priority or 0, -beyond",
        "return beyond <= 0, 0, -beyond",
    ),
    ("eviction", "kubelet.eviction", "-beyond\n", "beyond\n"),
    ("eviction", "kubelet.eviction", "if runtime.stage is Stage.RUNNING and used(pod)]", "if used(pod)]"),
    ("expectations", "controllers.replicaset.expectations", "self.deletions - {pod}", "frozenset()"),
    ("job", "controllers.job.sync", "spec.completions - self.succeeded, spec", "spec.completions, spec"),
    ("job", "controllers.job.counting", "elif uid not in sync.uncounted.succeeded:", "else:"),
    ("job", "controllers.job.counting", "if uid in held)\n    failed", "if uid in held or True)\n    failed"),
    ("job", "controllers.job.policies", "not waits_for_the_end(job) and", "waits_for_the_end(job) and"),
    ("kubectl", "kubectl.nodes", "(of_daemon_set and not pod.finished)", "(of_daemon_set and pod.finished)"),
    ("kubectl", "kubectl.nodes", "if kept_ones and not overwrite:", "if False:"),
    ("autoscaler", "controllers.horizontal.horizontal", "max(known) < current", "False"),
    ("quota", "apiserver.admission.quota", "if used[name] > hard[name]", "if used[name] >= hard[name]"),
    ("quota", "quota.usage", "    if pod.finished:\n        return False\n", ""),
    ("quota", "controllers.resourcequota", "and same(used, known.used)", ""),
    ("kubelet", "kubelet.status", "pod.status.phase if pod.finished else pod_phase(", "pod_phase("),
    ("kubelet", "kubelet.worker", "    if pod.finished:\n        return ()\n", ""),
    (
        "kubeproxy",
        "kubeproxy.endpoints",
        "near = tuple(address for address in found if address.ready and",
        "near = tuple(address for address in found if address and",
    ),
    ("leaderelection", "leaderelection.elector", "elector.observed_at + lease.lease_duration", "elector.observed_at"),
    (
        "leaderelection",
        "leaderelection.elector",
        "timings.retry_period + timings.renew_deadline",
        "timings.lease_duration * 2",
    ),
    ("leaderelection", "leaderelection.elector", "if elector.holds:", "if elector.holds or elector.observed_at < now:"),
    ("namespace", "controllers.namespace", "if content or held or any(", "if held or any("),
    (
        "nodelifecycle",
        "controllers.nodelifecycle",
        'if condition.type in REPORTED and condition.status != "Unknown"',
        'if condition.type not in REPORTED and condition.status != "Unknown"',
    ),
    ("podgc", "controllers.podgc", "doomed = pod.metadata.terminating\n", "doomed = True\n"),
    (
        "podgc",
        "controllers.podgc",
        "doomed = pod.metadata.terminating and out_of_service(node)",
        "doomed = out_of_service(node)",
    ),
    ("raft", "etcd.raft.elections", "not (early or free)", "not (early or True)"),
    ("raft", "etcd.raft.leading", "index = node.config.committed({", "index = max({"),
    ("replicaset", "controllers.replicaset.replicaset", "min(-surplus, BURST)", "min(1 - surplus, BURST)"),
    ("replicaset", "controllers.replicaset.replicaset", "if not satisfied or", "if"),
    (
        "scheduler",
        "scheduler.plugins.node_resources_fit",
        "wanted[name] > has.get(name, 0)",
        "wanted[name] >= has.get(name, 0)",
    ),
    ("scheduling-queue", "scheduler.queue.requeue", "cycle >= cycle", "cycle > cycle"),
    ("ttlafterfinished", "controllers.ttlafterfinished", "now >= expires", "now > expires"),
    ("ttlafterfinished", "controllers.ttlafterfinished", "(live or cache).get", "cache.get"),
    ("ttlafterfinished", "controllers.ttlafterfinished", "uid=job.metadata.uid, ", ""),
    ("ttlafterfinished", "controllers.ttlafterfinished", ' and condition.status == "True"', ""),
    ("volume", "controllers.volume.binding", "if waits(claim, cache):", "if False:"),
    ("volume", "controllers.volume.binding", "if phase != RELEASED:", "if False:"),
    ("volume", "controllers.volume.protection", "or is_used(cache, obj)", ""),
    (
        "volume",
        "controllers.volume.provisioning",
        "nodes = () if chosen is None else (chosen,)",
        "nodes = cache.list(Node)",
    ),
    ("serviceaccount", "controllers.serviceaccount", "key.name, NAME) in cache", "key.name, NAME) not in cache"),
    ("statefulset", "controllers.statefulset.statefulset", "if self.ordered and not self._is_well(pod):", "if False:"),
    ("statefulset", "controllers.statefulset.statefulset", "reversed(self.replicas[partition:])", "self.replicas"),
    (
        "watch-cache",
        "apiserver.cacher.watch_cache",
        "before = objects.pop(event.kv.key, None)",
        "before = objects.get(event.kv.key)",
    ),
]


@pytest.mark.parametrize(("name", "module", "before", "after"), FAULTS, ids=[f"{one[0]}: {one[3]}" for one in FAULTS])
def test_a_fault_refutes_it_and_the_way_there_is_shown(name: str, module: str, before: str, after: str) -> None:
    with planted(f"kubeproof.impl.{module}", before, after):
        answer = PROOFS[name].run()
    assert not answer.proved
    assert answer.refuted


def test_every_proof_has_a_fault_that_refutes_it() -> None:
    assert {name for name, *_ in FAULTS} == set(PROOFS)


def test_a_step_is_judged_up_to_the_last_and_no_further() -> None:
    def steps(at: int) -> list[Step]:
        return [Step(f"to {at + 1}", at + 1, "too far" if at == 2 else "")]

    assert searched([0], steps, most=2) == Answer(2)
    assert searched([0], steps, most=3) == Answer(3, ("step: to 1", "step: to 2", "step: to 3", "too far"))


def test_a_world_in_which_nothing_happens_proves_nothing() -> None:
    assert not searched([0], lambda _at: iter(())).proved
