"""The fields of Pods and of what is beside them that came after 1.32, from whose API server the schema is.

Upstream: staging/src/k8s.io/api/core/v1/types.go, apps/v1/types.go, autoscaling/v2/types.go (v1.33 to v1.36). They are
known whatever release is asked about; none is modelled, so claims that may hang on one are left open.
Left out on purpose: kinds and apiVersions that came later, and fields of kinds that are not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CORE, APPS = "io.k8s.api.core.v1", "io.k8s.api.apps.v1"
RULES = [f"#{CORE}.ContainerRestartRule"]

LATER: Mapping[str, Mapping[str, Any]] = {
    f"{CORE}.Lifecycle": {"stopSignal": "string"},
    f"{CORE}.Container": {"restartPolicyRules": RULES},
    f"{CORE}.EphemeralContainer": {"restartPolicyRules": RULES},
    f"{CORE}.ContainerRestartRule": {
        "action": "string",
        "exitCodes": f"#{CORE}.ContainerRestartRuleOnExitCodes",
    },
    f"{CORE}.ContainerRestartRuleOnExitCodes": {"operator": "string", "values": ["integer"]},
    f"{CORE}.EnvVarSource": {"fileKeyRef": f"#{CORE}.FileKeySelector"},
    f"{CORE}.FileKeySelector": {"volumeName": "string", "path": "string", "key": "string", "optional": "boolean"},
    f"{CORE}.PodSpec": {"hostnameOverride": "string", "schedulingGroup": f"#{CORE}.PodSchedulingGroup"},
    f"{CORE}.PodSchedulingGroup": {"podGroupName": "string"},
    f"{CORE}.VolumeProjection": {"podCertificate": f"#{CORE}.PodCertificateProjection"},
    f"{CORE}.PodCertificateProjection": {
        "signerName": "string",
        "keyType": "string",
        "maxExpirationSeconds": "integer",
        "credentialBundlePath": "string",
        "keyPath": "string",
        "certificateChainPath": "string",
        "userAnnotations": {"": "string"},
    },
    f"{CORE}.NodeStatus": {"declaredFeatures": ["string"]},
    f"{APPS}.DeploymentSpec": {"podReplacementPolicy": "string"},
    f"{APPS}.DeploymentStatus": {"terminatingReplicas": "integer"},
    f"{APPS}.ReplicaSetStatus": {"terminatingReplicas": "integer"},
    "io.k8s.api.autoscaling.v2.HPAScalingRules": {"tolerance": "quantity"},
}
