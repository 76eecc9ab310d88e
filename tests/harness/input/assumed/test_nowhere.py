"""What of the input leads nowhere is listed with its place: nobody is scaled, guarded, named, led to or declared."""

from __future__ import annotations

import pytest
from immutabledict import immutabledict

from kubeproof.harness.input.files.scenario_file import load_scenario

PORTS = "ports: [{containerPort: 80}], "
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "nginx:1", %sreadinessProbe: {httpGet: {port: 80}}, %s}]}
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
GOOD = "1 image: pulled, running and ready in the end: nginx:1"
SCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: %s}
spec:
  maxReplicas: 2
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %s}
  metrics: [%s]
"""
SHARE = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}"
MEAN = "{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 100m}}}"
OF_ONE = (
    "{type: ContainerResource, containerResource: {name: cpu, container: %s, target: {type: Utilization, "
    "averageUtilization: 50}}}"
)
ASKING = "resources: {requests: {cpu: 100m}}"
BUDGET = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {minAvailable: 1%s}\n"
RANGE = """\
apiVersion: v1
kind: LimitRange
metadata: {name: usual}
spec: {limits: [{type: Container, defaultRequest: {cpu: 50m}}]}
"""
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: front}
spec:
  rules:
    - http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: %s, port: {%s}}}}
"""
SET = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: %s
  replicas: 1
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "nginx:1"}]}
"""


def web(container: str = "tty: false", ports: str = PORTS) -> str:
    return WEB % (ports, container)


def listed(*manifests: str) -> list[str]:
    loaded = load_scenario("it", {"web.yaml": "---\n".join(manifests)}, immutabledict({"nodes": 1}))
    return [str(assumption) for assumption in loaded.assumptions]


def test_who_scales_or_guards_nobody_is_told_of() -> None:
    told = "spec.scaleTargetRef.name: there is no Deployment default/wbe in the input (did you mean web?): it scales"
    assert any(told in line for line in listed(web(), SCALER % ("web", "wbe", MEAN)))
    nobody = "PodDisruptionBudget default/web spec.selector: it selects no Pod of the input: it guards nobody here"
    for selector in ("", ", selector: {matchLabels: {app: wbe}}"):
        assert any(nobody in line for line in listed(web(), BUDGET % selector))
    scaled = SCALER % ("web", "web", MEAN)
    assert listed(web(), scaled, BUDGET % ", selector: {matchLabels: {app: web}}") == [GOOD]
    assert listed(web(), BUDGET % ", selector: {}") == [GOOD]


@pytest.mark.parametrize("metrics", [SHARE, "", OF_ONE % "app", f"{SHARE}, {OF_ONE % 'app'}"])
def test_an_autoscaler_that_goes_by_a_share_of_nothing_is_told_of(metrics: str) -> None:
    blind = "it goes by a share of the cpu that is requested, and there is no such request of container app"
    assert any(blind in line for line in listed(web(), SCALER % ("web", "web", metrics)))
    assert listed(web(container=ASKING), SCALER % ("web", "web", metrics)) == [GOOD]
    assert listed(web(), RANGE, SCALER % ("web", "web", metrics)) == [GOOD]


def test_a_metric_that_is_no_share_or_of_a_container_that_asks_moves_it() -> None:
    assert listed(web(), SCALER % ("web", "web", f"{SHARE}, {MEAN}")) == [GOOD]
    assert listed(web(container=ASKING), SCALER % ("web", "web", OF_ONE % "app")) == [GOOD]


def test_of_two_autoscalers_of_one_target_none_goes_by_its_metrics() -> None:
    told = listed(web(container=ASKING), SCALER % ("a", "web", SHARE), SCALER % ("b", "web", SHARE))
    shared = [line for line in told if "scales Deployment default/web, too: of two none goes by its metrics" in line]
    assert [line.partition(" spec")[0].rpartition("/")[2] for line in shared] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "port", "told"),
    [
        ("wbe", "number: 80", "backend.service.name: there is no Service default/wbe in the input (did you mean web?)"),
        ("web", "number: 8080", "backend.service.port: Service default/web has no port 8080 (it has 80): nobody"),
        ("web", "name: http", "backend.service.port: Service default/web has no port http (it has 80): nobody"),
    ],
)
def test_an_ingress_that_leads_to_no_service_or_no_port_is_told_of(name: str, port: str, told: str) -> None:
    (line,) = (line for line in listed(web(), SERVICE, INGRESS % (name, port)) if "Ingress" in line)
    assert told in line
    assert line.startswith("web.yaml:")


@pytest.mark.parametrize("port", ["number: 80", "name: http"])
def test_an_ingress_that_leads_to_a_port_of_a_service_is_not(port: str) -> None:
    named = SERVICE.replace("{port: 80}", "{port: 80, name: http}")
    assert listed(web(), named, INGRESS % ("web", port)) == [GOOD]


def test_a_stateful_set_without_the_service_of_its_names_is_told_of() -> None:
    told = "spec.serviceName: there is no Service default/dbs in the input: its Pods have no names of their own in DNS"
    assert any(told in line for line in listed(SET % "dbs"))
    assert not any("serviceName" in line for line in listed(SET % "web", web(), SERVICE))


def test_a_probe_of_a_port_that_nobody_declares_is_told_of() -> None:
    probe = "livenessProbe: {tcpSocket: {port: %s}}"
    told = "containers[0].livenessProbe: no container of Deployment default/web declares port 81; one"
    assert any(told in line for line in listed(web(container=probe % 81)))
    assert listed(web(container=probe % 80)) == [GOOD]
    assert not any("81" in line for line in listed(web(probe % 81, ports="")))
