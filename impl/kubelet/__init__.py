"""kubelet: what the agent of a node does for one Pod at a time.

Upstream: pkg/kubelet (v1.32): pod_workers.go, kubelet_pods.go, status/, lifecycle/, prober/.
`worker.steps` gives everything a kubelet may do next for a Pod; what really runs is a `PodRuntime` (impl/api/runtime).
Left out on purpose: volumes, image garbage collection, node-pressure eviction, init containers as steps
of their own (they are part of starting), restarts of single containers, failing probes (they are faults: `runtime`).
"""
