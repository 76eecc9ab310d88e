"""What came after 1.32 is read where 1.36 is asked, and what nobody models of it is noted."""

from __future__ import annotations

import pytest

from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.world.applied import applied
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.api.reading.relevance import unmodelled
from kubeproof.impl.api.values.frozen import freeze

STATEFULSET = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "db:1", volumeMounts: [{name: data, mountPath: /d}]}]}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: "web:1", restartPolicy: Never}]}
"""
CLASS = """
apiVersion: storage.k8s.io/v1
kind: VolumeAttributesClass
metadata: {name: fast}
driverName: disks.example.com
"""


def loaded(text: str, release: str = "1.36") -> object:
    return load_scenario("test", {"a.yaml": text}, freeze({"nodes": 1, "release": release}))


def test_a_claim_template_is_a_volume_of_the_template() -> None:
    loaded(STATEFULSET)


@pytest.mark.parametrize(
    ("good", "bad", "where"),
    [
        ('image: "db:1", ', "", r"containers\[0\]\.image"),
        ("name: data, mountPath", "name: other, mountPath", r"volumeMounts\[0\]\.name"),
        ("accessModes: [ReadWriteOnce], ", "", r"volumeClaimTemplates\[0\]\.spec\.accessModes"),
    ],
)
def test_the_templates_of_a_stateful_set_are_looked_at_since_1_34(good: str, bad: str, where: str) -> None:
    text = STATEFULSET.replace(good, bad)
    with pytest.raises(BadInput, match=where):
        loaded(text)
    loaded(text, "1.33")


def test_a_container_that_restarts_in_its_own_way_is_noted() -> None:
    found = load_scenario("test", {"a.yaml": POD}, freeze({"nodes": 1, "release": "1.36"})).scenario
    pod = next(one for one in applied(found) if one.metadata.name == "web")
    assert [one.path for one in unmodelled(pod.spec)] == ["containers[0].restartPolicy"]
    with pytest.raises(BadInput, match="restartPolicy"):
        loaded(POD, "1.34")


def test_a_kind_that_came_later_is_known() -> None:
    loaded(CLASS)
