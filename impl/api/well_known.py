"""Labels, annotations and taints whose meaning Kubernetes itself defines, spelled once.

Upstream: staging/src/k8s.io/api/core/v1/well_known_labels.go and well_known_taints.go, api/apps/v1/types.go (v1.32).
"""

from __future__ import annotations

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
REGION = "topology.kubernetes.io/region"
SERVICE_NAME = "kubernetes.io/service-name"
"""On an EndpointSlice: whose it is (discovery.k8s.io/v1)."""
TEMPLATE_HASH = "pod-template-hash"
REVISION_HASH = "controller-revision-hash"
DISRUPTION_TARGET = "DisruptionTarget"
"""The condition of a Pod that somebody ends who is not its owner."""
MIRROR = "kubernetes.io/config.mirror"
"""The annotation of a Pod that a kubelet makes to show a static one (pkg/kubelet/types/pod_update.go)."""
POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"
TRACKING = "batch.kubernetes.io/job-tracking"
"""The finalizer of a Job's Pod that has not been counted (api/batch/v1)."""
CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
JOB_NAME = "batch.kubernetes.io/job-name"
SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
"""On a Job of a CronJob: when it was due."""
LEGACY_UID, LEGACY_NAME = "controller-uid", "job-name"
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
IDENTITY = frozenset({POD_NAME, POD_INDEX})
"""Labels that say which Pod of its workload one is."""
TEMPLATE_GENERATION = "pod-template-generation"
"""On a Pod of a DaemonSet: of the how manieth template it is."""
DAEMONSET_GENERATION = "deprecated.daemonset.template.generation"
"""On a DaemonSet: the how manieth template it has; the API server counts."""
JOB_LABELS = frozenset({CONTROLLER_UID, JOB_NAME, LEGACY_UID, LEGACY_NAME})
"""Labels that the API server gives a Job's template."""
MADE_LABELS = IDENTITY | JOB_LABELS | {TEMPLATE_HASH, REVISION_HASH, TEMPLATE_GENERATION, COMPLETION_INDEX}
"""Labels that controllers add to those of a template."""

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
MEMORY_PRESSURE = "node.kubernetes.io/memory-pressure"
DISK_PRESSURE = "node.kubernetes.io/disk-pressure"
NETWORK_UNAVAILABLE = "node.kubernetes.io/network-unavailable"
PID_PRESSURE = "node.kubernetes.io/pid-pressure"
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
CLAIM_IN_USE = "kubernetes.io/pvc-protection"
VOLUME_IN_USE = "kubernetes.io/pv-protection"
"""Finalizers of claims that Pods may use, and of volumes that claims may."""
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
"""The annotation of the storage class of claims that name none."""
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
"""On a PersistentVolume: which provisioner has made it."""
